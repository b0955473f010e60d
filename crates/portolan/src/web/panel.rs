//! The emulator's control panel: its clock, what goes wrong, its data, and who one is. The emulator lets in whoever may see it.

use super::asks::Api;
use super::forms::Form;
use super::pages::{self, Shown};
use super::panel_faults::{FaultRow, MORE, rows};
use super::refused::{self, Refused};
use super::shell::{Html, Room, Shell};
use super::text::Text;
use super::{Pages, circles, lost, outbox, requests};
use crate::http::EmulatorCalls;
use api::emulator::{Asked, EmulatorState, Fault, FaultKind, NextDue, Person, Reviews, Sent, Snapshot};
use api::errors::ErrorBody;
use api::paths::segment;
use askama::Template;
use axum::body::Body;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use http::{Extensions, Request, StatusCode};
use publishing::moment::Moment;
use publishing::status::OfferStatus;
use std::sync::Arc;

/// Speeds to choose from, in seconds of the clock in a second.
const SPEEDS: [u32; 5] = [1, 60, 3_600, 86_400, 864_000];

/// How many of the newest letters and requests the panel shows.
const FEW: usize = 5;

/// Where an offer can be brought.
const STATUSES: [OfferStatus; 7] = [
    OfferStatus::NeverPublished,
    OfferStatus::NotStarted,
    OfferStatus::Running,
    OfferStatus::WaitingForPublisherReview,
    OfferStatus::Succeeded,
    OfferStatus::Canceled,
    OfferStatus::Failed,
];

#[derive(Template)]
#[template(path = "panel.html")]
struct PanelPage<'a> {
    shell: Shell,
    clock: Clock,
    faults: Vec<FaultRow>,
    snapshots: Vec<SnapshotRow>,
    people: Vec<Person>,
    sent: Vec<outbox::SentRow>,
    asked: Vec<requests::AskedRow>,
    statuses: Vec<String>,
    form: Option<&'a Form>,
    done: Option<String>,
    refused: Refused,
}

/// The clock.
struct Clock {
    now: Html,
    start: Html,
    seed: u64,
    speed: u32,
    is_by_hand: bool,
    /// Speeds, in words, and whether it runs so.
    speeds: Vec<(u32, String, bool)>,
    next: Option<NextRow>,
}

/// What happens next.
struct NextRow {
    /// What, and how far away.
    words: String,
    /// Whether the clock is sure to be turned up to it: what happens to no offer is passed by.
    is_halt: bool,
    offer: Option<(String, String)>,
    at: Html,
}

struct SnapshotRow {
    name: String,
    at: Html,
}

impl PanelPage<'_> {
    /// What was typed into a field of the form that was refused.
    fn typed(&self, name: &str) -> &str {
        self.form.map_or("", |form| form.field(name))
    }

    /// What a field of faults held.
    fn fault(&self, name: &str) -> &str {
        if self.is_of_fault() { self.typed(name) } else { "" }
    }

    /// Whether what was refused was a fault.
    fn is_of_fault(&self) -> bool {
        self.form.is_some_and(|form| !form.field("kind").is_empty())
    }

    fn kinds(&self) -> [FaultKind; 14] {
        FaultKind::ALL
    }

    fn more(&self) -> [&'static str; 13] {
        MORE
    }
}

/// The emulator's own calls, where the emulator's door has let somebody in.
pub(super) fn calls(extensions: &Extensions) -> Result<Api, Box<Response>> {
    let calls = extensions.get::<EmulatorCalls>().ok_or_else(|| Box::new(lost::page()))?;
    Ok(Api::for_anybody(&calls.0))
}

/// These, in an emulator; there is nothing where no emulator's door has let anybody in.
pub(super) fn only(methods: MethodRouter<Arc<Pages>>) -> MethodRouter<Arc<Pages>> {
    methods.layer(from_fn(async |request: Request<Body>, next: Next| {
        if request.extensions().get::<EmulatorCalls>().is_some() {
            next.run(request).await
        } else {
            lost::show(request).await.into_response()
        }
    }))
}

/// An offer with the address of its page.
pub(super) fn offer_at(offer: &str) -> (String, String) {
    let (publisher, id) = offer.split_once('/').unwrap_or(("", offer));
    (offer.to_owned(), format!("/publishers/{}/offers/{}", segment(publisher), segment(id)))
}

/// The panel.
pub(super) async fn show(extensions: Extensions) -> Shown {
    let shown = async {
        let calls = calls(&extensions)?;
        page(&calls, None, Refused::default(), StatusCode::OK).await
    };
    shown.await.unwrap_or_else(|refused| *refused).into()
}

/// The panel, perhaps with a form that was refused.
pub(super) async fn page(
    calls: &Api,
    form: Option<&Form>,
    refused: Refused,
    status: StatusCode,
) -> Result<Response, Box<Response>> {
    let failed = |error: ErrorBody| refused::page(&error);
    let shell = Shell::of(Room::Emulator);
    let state = calls.get::<EmulatorState>("/emulator").await.map_err(failed)?;
    let faults = calls.get::<Vec<Fault>>("/emulator/faults").await.map_err(failed)?;
    let snapshots = calls.get::<Vec<Snapshot>>("/emulator/snapshots").await.map_err(failed)?;
    let people = calls.get::<Vec<Person>>("/emulator/people").await.map_err(failed)?;
    let sent = calls.get::<Vec<Sent>>("/emulator/outbox").await.map_err(failed)?;
    let asked = calls.get::<Vec<Asked>>("/emulator/requests").await.map_err(failed)?;
    let snapshots = snapshots
        .into_iter()
        .map(|snapshot| SnapshotRow { at: shell.at(Moment::from_ticks(snapshot.at.ticks())), name: snapshot.name });
    let page = PanelPage {
        clock: clock(&shell, &state),
        faults: rows(shell.t, &faults),
        snapshots: snapshots.collect(),
        people,
        sent: sent.iter().rev().take(FEW).map(|sent| outbox::row(&shell, sent)).collect(),
        asked: asked.into_iter().rev().take(FEW).map(|asked| requests::row(&shell, asked)).collect(),
        statuses: STATUSES.iter().map(ToString::to_string).collect(),
        form,
        done: done(shell.t),
        refused,
        shell,
    };
    Ok(pages::page(status, &page))
}

fn clock(shell: &Shell, state: &EmulatorState) -> Clock {
    let at = |date: api::dates::Date| shell.at(Moment::from_ticks(date.ticks()));
    let mut speeds = SPEEDS.to_vec();
    if !state.frozen && !speeds.contains(&state.speed) {
        speeds.push(state.speed);
        speeds.sort_unstable();
    }
    let words = |speed: u32| shell.t.panel_speed_is(speed, shell.span(i64::from(speed)));
    let next = state.next.as_ref().map(|next| NextRow {
        words: shell.t.panel_next_is(what(shell.t, next), shell.span(seconds(next, state))),
        is_halt: matches!(next.what.as_str(), "check" | "verdict"),
        offer: next.offer.as_deref().map(offer_at),
        at: at(next.at),
    });
    Clock {
        now: at(state.now),
        start: at(state.start),
        seed: state.seed,
        speed: state.speed,
        is_by_hand: state.reviews == Reviews::ByHand,
        speeds: speeds.into_iter().map(|speed| (speed, words(speed), speed == state.speed)).collect(),
        next,
    }
}

/// How far away what happens next is, in seconds.
fn seconds(next: &NextDue, state: &EmulatorState) -> i64 {
    (next.at.ticks() - state.now.ticks()) / publishing::moment::TICKS_PER_SECOND
}

fn what(t: Text, next: &NextDue) -> String {
    match next.what.as_str() {
        "check" => t.panel_next_check(),
        "verdict" => t.panel_next_verdict(),
        "look" => t.panel_next_look(),
        "letter" => t.panel_next_letter(),
        "fault" => t.panel_next_fault(),
        other => other.to_owned(),
    }
}

/// What came of a deed. The address says it in a word that we know, or says nothing.
fn done(t: Text) -> Option<String> {
    Some(match circles::was_done().as_str() {
        "advanced" => t.panel_done_advanced(),
        "frozen" => t.panel_done_frozen(),
        "speed" => t.panel_done_speed(),
        "fault" => t.panel_done_fault(),
        "fault-removed" => t.panel_done_fault_removed(),
        "snapshot" => t.panel_done_snapshot(),
        "restored" => t.panel_done_restored(),
        "forgotten" => t.panel_done_forgotten(),
        "reset" => t.panel_done_reset(),
        "reached" => t.panel_done_reached(),
        "be" => t.panel_done_be(),
        _ => return None,
    })
}
