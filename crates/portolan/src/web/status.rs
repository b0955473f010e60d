//! The page of an offer: whose turn it is, what to do, until when; its steps, its versions, and the same thing from a build service.

use super::at::{self, OfferAt};
use super::pages::{self, Shown};
use super::prospects::comes_back;
use super::sentences;
use super::shell::{Html, Room, SLOTS, Shell};
use super::states;
use super::steps::{self, MessageRow, StepRow, at_field};
use super::{Pages, Shared};
use crate::auth::Permission;
use crate::store::{Document, StoreError};
use crate::wire::UsualEnd;
use api::state::{State, Tone};
use api::status::StatusDocument;
use askama::Template;
use axum::extract::{RawPathParams, State as Extracted};
use axum::response::Response;
use http::StatusCode;
use publishing::explain::{Explanation, Turn, explain};
use publishing::moment::Moment;
use publishing::operation::{Operation, Purpose};

/// How many submissions are shown beside an offer.
const SUBMISSIONS: usize = 5;

/// The page of an offer.
#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage<'a> {
    shell: Shell,
    path: &'a str,
    name: &'a str,
    publisher: &'a str,
    offer: &'a str,
    offer_type: String,
    badge: Html,
    /// What is told to whoever does not see the page change.
    said: String,
    next: NextBox,
    about: Vec<MessageRow>,
    steps: Vec<StepRow>,
    live: Option<i64>,
    preview: Option<i64>,
    /// The version that is submitted, while it is on its way.
    submitted: Option<i64>,
    saved: Html,
    is_draft_newer: bool,
    emails: Option<String>,
    operation: Option<String>,
    submissions: Vec<SubmissionRow>,
    document: String,
    changed: Html,
    may_edit: bool,
}

/// What happens next.
struct NextBox {
    class: &'static str,
    headline: String,
    next: String,
    /// When the step at hand usually ends.
    usually: Option<Html>,
    /// What is known of no history.
    documented: Option<String>,
    /// A time that is known, and what happens then.
    known: Option<(String, Html)>,
    /// What the service says of a step that takes long.
    late: Option<Html>,
    /// What has to be mended, each with the place where that is done.
    problems: Vec<(String, Option<String>)>,
    /// The one thing to do.
    primary: Option<(String, String)>,
    /// What else can be done.
    others: Vec<(String, String)>,
    /// Something that stays as it is.
    note: Option<String>,
}

/// A submission in the list beside an offer.
pub(super) struct SubmissionRow {
    pub(super) number: usize,
    pub(super) version: i64,
    pub(super) badge: Html,
    pub(super) purpose: String,
    pub(super) started: Html,
    pub(super) took: String,
}

/// Where an offer stands.
pub(super) async fn show(Extracted(pages): Shared, names: RawPathParams) -> Shown {
    let at = match at::offer(&pages, &names).await {
        Ok(at) => at,
        Err(refused) => return (*refused).into(),
    };
    page(&pages, at).await.unwrap_or_else(|error| pages::not_now(&error)).into()
}

/// How often an offer and its document are read again where something happens between the two.
const TRIES: usize = 5;

/// An offer with its status document, both of one moment.
async fn of_one_moment(pages: &Pages, at: OfferAt) -> Result<(OfferAt, Document), StoreError> {
    let name = at.offer.key.name();
    let missing = || StoreError::Corrupt("an offer without a status document".to_owned());
    let (mut at, mut before) = (at, pages.read.status(&name)?.ok_or_else(missing)?);
    for _ in 0..TRIES {
        let offer = pages.read.offer(&at.offer.key).await?.ok_or_else(missing)?;
        at = OfferAt { offer, ..at };
        let after = pages.read.status(&name)?.ok_or_else(missing)?;
        if after.etag == before.etag {
            break;
        }
        before = after;
    }
    Ok((at, before))
}

async fn page(pages: &Pages, at: OfferAt) -> Result<Response, StoreError> {
    let (at, stored) = of_one_moment(pages, at).await?;
    let (shell, offer, at) = (Shell::of(Room::Offers), &at.offer, &at);
    let corrupt = |error: serde_json::Error| StoreError::Corrupt(error.to_string());
    let document: StatusDocument = serde_json::from_slice(&stored.body).map_err(corrupt)?;
    let pretty: serde_json::Value = serde_json::from_slice(&stored.body).map_err(corrupt)?;
    let told = explain(offer, pages.perform.now());
    let state = State::of_document(&document);
    let path = at::path_of(&offer.key);
    let edit = format!("{path}/edit");
    let may_edit = at.visitor.may(offer.key.publisher.as_str(), Permission::SaveDraft);
    let edit = may_edit.then_some(edit.as_str());
    let run = offer.operation.as_ref();
    let own = run.filter(|run| document.steps.len() == run.steps.len());
    let runs = pages.read.operations(&offer.key).await?;
    let changed = run.map_or(offer.changed_at, |run| run.changed_at.max(offer.changed_at));
    let is_draft_newer = submitted_at(&runs).is_some_and(|at| offer.draft.saved_at > at);
    let template = StatusPage {
        path: &path,
        name: &at::name_of(offer),
        publisher: offer.key.publisher.as_str(),
        offer: offer.key.offer.as_str(),
        offer_type: pages
            .types
            .get(&offer.offer_type)
            .map_or_else(|| offer.offer_type.clone(), |of| of.display_text.clone()),
        badge: states::badge(shell.t, state),
        said: format!("{} {}", sentences::headline(shell.t, &told.headline), sentences::next(shell.t, &told.next)),
        next: next_box(&shell, at, (&told, state, is_draft_newer), pages.perform.usual_end(offer)?, &document),
        about: about(&shell, &document),
        steps: steps::rows(&shell, &document.steps, own, edit),
        live: offer.production,
        preview: offer.preview,
        submitted: run.filter(|_| told.step.is_some()).map(|run| run.offer_version),
        saved: shell.when(offer.draft.saved_at),
        is_draft_newer,
        emails: Some(document.notification_emails.replace(',', ", ")).filter(|list| !list.is_empty()),
        operation: run.map(|run| run.id.to_string()),
        submissions: submissions(&shell, &runs, SUBMISSIONS),
        document: serde_json::to_string_pretty(&pretty).map_err(corrupt)?,
        changed: shell.when(changed),
        may_edit,
        shell,
    };
    Ok(pages::page(StatusCode::OK, &template))
}

/// When what is submitted was taken from the draft; a go live takes nothing from it.
fn submitted_at(runs: &[Operation]) -> Option<Moment> {
    runs.iter().find(|run| run.purpose == Purpose::Publish).map(|run| run.started_at)
}

fn about(shell: &Shell, document: &StatusDocument) -> Vec<MessageRow> {
    let messages = document.messages.iter().enumerate();
    messages.map(|(number, said)| steps::message(shell, &format!("m-{}", number + 1), said, None)).collect()
}

/// The submissions of an offer, given the newest first, as rows; each is numbered from the oldest, which is 1.
pub(super) fn submissions(shell: &Shell, runs: &[Operation], most: usize) -> Vec<SubmissionRow> {
    let row = |(at, run): (usize, &Operation)| {
        let state = State::of_submission(crate::wire::submission_state(run.course));
        let ended = if matches!(state, State::Running) { shell.now() } else { run.changed_at };
        SubmissionRow {
            number: runs.len() - at,
            version: run.offer_version,
            badge: states::badge(shell.t, state),
            purpose: match run.purpose {
                publishing::operation::Purpose::Publish => shell.t.submission_publish(),
                publishing::operation::Purpose::GoLive => shell.t.submission_go_live(),
            },
            started: shell.at(run.started_at),
            took: shell.span((ended.ticks() - run.started_at.ticks()) / publishing::moment::TICKS_PER_SECOND),
        }
    };
    runs.iter().enumerate().take(most).map(row).collect()
}

fn next_box(
    shell: &Shell,
    at: &OfferAt,
    (told, state, is_draft_newer): (&Explanation, State, bool),
    usually: Option<UsualEnd>,
    document: &StatusDocument,
) -> NextBox {
    let (t, offer) = (shell.t, &at.offer);
    let may = |permission| at.visitor.may(offer.key.publisher.as_str(), permission);
    let path = at::path_of(&offer.key);
    let edit = format!("{path}/edit");
    let fields: Vec<_> = told.errors.iter().map(|said| (said.text.clone(), said.target.clone())).collect();
    let leads = |target: &Option<String>| {
        Some(target.as_ref().map_or_else(|| edit.clone(), |target| at_field(&edit, target)))
            .filter(|_| may(Permission::SaveDraft))
    };
    let publish = may(Permission::Publish).then(|| (t.deed_publish(), format!("{path}/publish")));
    let change = may(Permission::SaveDraft).then(|| (t.deed_edit(), edit.clone()));
    let cancel = Some(()).filter(|()| may(Permission::Cancel) && told.cancel.is_ok());
    let cancel = cancel.map(|()| (t.deed_cancel(), format!("{path}/cancel")));
    let differences = offer.production.map(|_| (t.deed_differences(), format!("{path}/diff?from=live&to=draft")));
    let back = may(Permission::GoLive).then_some(()).and_then(|()| comes_back(offer));
    let back = back.map(|_| (t.deed_roll_back(), format!("{path}/rollback")));
    let mend = fields.first().and_then(|(_, target)| leads(target)).map(|address| (t.deed_mend(fields.len()), address));
    let (primary, others) = match state {
        State::NeverPublished | State::NotStarted | State::Canceled => (publish, vec![change, differences]),
        State::Failed => (mend.or_else(|| change.clone()), vec![publish, differences]),
        State::WaitsForGoLive => {
            let go_live = may(Permission::GoLive).then(|| (t.deed_go_live(), format!("{path}/golive")));
            (go_live, vec![differences, cancel.clone()])
        }
        State::Blocked => (mend, vec![cancel.clone()]),
        State::Live if is_draft_newer => (publish, vec![change, differences, back]),
        State::Live => (None, vec![change, differences, back]),
        _ => (None, vec![cancel.clone()]),
    };
    let current = offer.operation.as_ref().and_then(Operation::current_step).filter(|_| told.step.is_some());
    let late = current.and_then(|step| step.late.as_ref());
    let at_hand =
        api::state::at_hand(&document.steps).filter(|_| matches!(state, State::Running | State::WaitsForReviewer));
    let tone = if late.is_some() && state.tone() == Tone::Going { Tone::Waiting } else { state.tone() };
    NextBox {
        class: states::class(tone),
        headline: sentences::headline(t, &told.headline),
        next: sentences::next(t, &told.next),
        documented: at_hand.filter(|_| usually.is_none()).and_then(|step| step.estimated_time_frame.clone()),
        usually: usually.map(|end| {
            let words = t.status_usually(SLOTS[0], SLOTS[1], end.samples);
            shell.with(&words, &[&shell.when(end.from), &shell.when(end.to)])
        }),
        known: told.known_time().map(|(then, at)| (sentences::then(t, then), shell.when(at))),
        late: late.map(|said| Html(crate::markup::escape(&said.text))),
        problems: fields.iter().map(|(text, target)| (text.clone(), leads(target))).collect(),
        note: match offer.production.filter(|_| cancel.is_some()) {
            Some(live) => Some(t.next_stays(live)),
            None if told.turn == Turn::Publisher && !may(Permission::Publish) => Some(t.next_to_publisher()),
            None => None,
        },
        primary,
        others: others.into_iter().flatten().collect(),
    }
}
