//! Who is told what happens to offers: one's own mails, and the webhooks of a publisher or of the marketplace.

use super::account::signed_in;
use super::circles::{self, CircleAt, TO_READ, TO_TELL};
use super::forms::Form;
use super::pages::{self, Shown};
use super::refused::{self, Refused};
use super::secret;
use super::shell::{Html, Room, Shell};
use super::states;
use super::text::Text;
use super::{Pages, Shared};
use api::errors::ErrorCode;
use api::mails::{MailSubscription, WantedMails};
use api::state::Tone;
use api::subscriptions::{NewSubscription, Subscription, SubscriptionState, SubscriptionWithSecret};
use askama::Template;
use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use publishing::happening::Happening;
use publishing::moment::Moment;

/// The page.
#[derive(Template)]
#[template(path = "told.html")]
struct ToldPage {
    shell: Shell,
    circle: String,
    path: String,
    /// Whether this service sends mails, and the reader has an address.
    has_mails: bool,
    mail: Option<MailSubscription>,
    mail_events: Vec<EventChoice>,
    may_tell: bool,
    hooks: Vec<HookRow>,
    url: String,
    hook_events: Vec<EventChoice>,
    revision: String,
    done: Option<String>,
    refused: Refused,
    command: String,
}

/// An event that can be chosen.
pub(super) struct EventChoice {
    pub(super) name: &'static str,
    pub(super) words: String,
    pub(super) is_chosen: bool,
}

/// A webhook in the list.
struct HookRow {
    address: String,
    url: String,
    events: String,
    badge: Html,
    why: Option<String>,
    made: Html,
}

/// How a webhook stands, in a badge.
pub(super) fn badge(t: Text, state: SubscriptionState) -> Html {
    match state {
        SubscriptionState::Active => states::mark(Tone::Good, &t.hook_works()),
        SubscriptionState::Failing => states::mark(Tone::Waiting, &t.hook_rests()),
        SubscriptionState::Disabled => states::mark(Tone::Bad, &t.hook_disabled()),
    }
}

/// Why it stands so, where it does not work.
pub(super) fn why(shell: &Shell, hook: &Subscription) -> Option<String> {
    let t = shell.t;
    match hook.disabled_because.as_deref() {
        Some("failing") => return Some(t.hook_because_failing()),
        Some("gone") => return Some(t.hook_because_gone()),
        Some(other) => return Some(t.hook_because(other)),
        None => {}
    }
    hook.failing_since.map(|since| t.hook_failing_since(shell.relative(Moment::from_ticks(since.ticks()))))
}

/// The events of a webhook in words; of all where none is named.
pub(super) fn events_words(t: Text, events: &[String]) -> String {
    if events.is_empty() { t.hook_all_events() } else { events.join(", ") }
}

/// Every event, those chosen marked.
pub(super) fn choices(t: Text, chosen: &[String]) -> Vec<EventChoice> {
    let choice = |event: Happening| EventChoice {
        name: event.name(),
        words: event_words(t, event),
        is_chosen: chosen.iter().any(|one| one == event.name()),
    };
    Happening::ALL.into_iter().map(choice).collect()
}

/// The events that a form chose.
pub(super) fn chosen(form: &Form) -> Vec<String> {
    let is_chosen = |event: &Happening| !form.field(&format!("event-{}", event.name())).is_empty();
    Happening::ALL.into_iter().filter(is_chosen).map(|event| event.name().to_owned()).collect()
}

/// What an event is called.
pub(super) fn event_words(t: Text, event: Happening) -> String {
    match event {
        Happening::Created => t.told_event_created(),
        Happening::DraftSaved => t.told_event_draft_saved(),
        Happening::Published => t.told_event_published(),
        Happening::StepStarted => t.told_event_step_started(),
        Happening::Progressed => t.told_event_progressed(),
        Happening::WaitingForReviewer => t.told_event_waiting_for_reviewer(),
        Happening::Reviewed => t.told_event_reviewed(),
        Happening::Blocked => t.told_event_blocked(),
        Happening::Unblocked => t.told_event_unblocked(),
        Happening::StepLate => t.told_event_step_late(),
        Happening::StepCompleted => t.told_event_step_completed(),
        Happening::Failed => t.told_event_failed(),
        Happening::PreviewReady => t.told_event_preview_ready(),
        Happening::GoLiveStarted => t.told_event_go_live_started(),
        Happening::Live => t.told_event_live(),
        Happening::CancelRequested => t.told_event_cancel_requested(),
        Happening::Canceled => t.told_event_canceled(),
        Happening::RolledBack => t.told_event_rolled_back(),
        Happening::AudiencesSynchronised => t.told_event_audiences_synchronised(),
        Happening::Replanned => t.told_event_replanned(),
        Happening::LinksRenewed => t.told_event_links_renewed(),
    }
}

/// Who is told.
pub(super) async fn show(State(pages): Shared, names: RawPathParams) -> Shown {
    let at = match circles::at(&pages, &names, TO_READ) {
        Ok(at) => at,
        Err(refused) => return (*refused).into(),
    };
    page(&pages, &at, None, Refused::default(), StatusCode::OK).await.unwrap_or_else(|refused| *refused).into()
}

/// Sets one's own mails, or adds a webhook.
pub(super) async fn change(State(pages): Shared, names: RawPathParams, request: Request<Body>) -> Shown {
    changed(&pages, &names, request).await.unwrap_or_else(|refused| *refused).into()
}

async fn changed(pages: &Pages, names: &RawPathParams, request: Request<Body>) -> Result<Response, Box<Response>> {
    let at = circles::at(pages, names, TO_READ)?;
    let form = Form::read(request).await?;
    signed_in(&form)?;
    let (api, path) = (pages.api(&at.visitor), at.circle.page("notifications"));
    let done = match form.field("deed") {
        // The API takes none for the usual ones, which nobody would guess.
        "mails" if chosen(&form).is_empty() => {
            let refused = Refused::own("mail-events", super::reader::text().told_no_event());
            return page(pages, &at, Some(&form), refused, StatusCode::BAD_REQUEST).await;
        }
        "mails" => {
            let wanted = WantedMails { events: chosen(&form) };
            let set = api.send_json(Method::PUT, &at.circle.mails(), None, &wanted).await;
            set.map(|_| pages::see(&format!("{path}?done=mails")))
        }
        "no-mails" => match api.send(Method::DELETE, &at.circle.mails(), None, Bytes::new()).await {
            Err(error) if error.code != ErrorCode::NotFound => Err(error),
            _ => Ok(pages::see(&format!("{path}?done=no-mails"))),
        },
        "add" => {
            let there = hooks(pages, &at).await?;
            if revision(&there) != form.field("revision") {
                let refused = Refused::own("", super::reader::text().told_changed());
                return page(pages, &at, Some(&form), refused, StatusCode::CONFLICT).await;
            }
            let new = NewSubscription { url: form.field("url").trim().to_owned(), events: chosen(&form), secret: None };
            let made = api.post(&at.circle.subscriptions(), &new).await;
            made.and_then(|answer| answer.read::<SubscriptionWithSecret>()).map(|made| secret::of_webhook(&at, &made))
        }
        _ => Ok(pages::see(&path)),
    };
    match done {
        Ok(response) => Ok(response),
        Err(error) => page(pages, &at, Some(&form), Refused::of(&error), refused::status(&error)).await,
    }
}

/// The webhooks, where whoever asks may see them.
async fn hooks(pages: &Pages, at: &CircleAt) -> Result<Vec<Subscription>, Box<Response>> {
    if !at.may(TO_TELL) {
        return Ok(Vec::new());
    }
    pages.api(&at.visitor).get(&at.circle.subscriptions()).await.map_err(|error| refused::page(&error))
}

/// What tells that a form was made when other webhooks were there.
fn revision(hooks: &[Subscription]) -> String {
    let newest = hooks.iter().map(|hook| hook.made_at.ticks()).max().unwrap_or_default();
    format!("{}.{newest}", hooks.len())
}

async fn page(
    pages: &Pages,
    at: &CircleAt,
    form: Option<&Form>,
    refused: Refused,
    status: StatusCode,
) -> Result<Response, Box<Response>> {
    let shell = Shell::of(Room::Notifications);
    let t = shell.t;
    let has_mails = pages.perform.sends_mails() && at.visitor.principal.mail.is_some();
    let mail = if has_mails {
        match pages.api(&at.visitor).get::<MailSubscription>(&at.circle.mails()).await {
            Ok(mail) => Some(mail),
            Err(error) if error.code == ErrorCode::NotFound => None,
            Err(error) => return Err(refused::page(&error)),
        }
    } else {
        None
    };
    let hooks = hooks(pages, at).await?;
    let sent = |deed: &str| form.filter(|form| form.field("deed") == deed);
    let usual = || Happening::ALL.into_iter().filter(|event| event.is_mailed()).map(|event| event.name().to_owned());
    let of_mails = sent("mails").map(chosen).or_else(|| mail.as_ref().map(|mail| mail.events.clone()));
    let path = at.circle.page("notifications");
    let template = ToldPage {
        circle: at.circle.name(t),
        has_mails,
        mail_events: choices(t, &of_mails.unwrap_or_else(|| usual().collect())),
        mail,
        may_tell: at.may(TO_TELL),
        url: sent("add").map_or_else(String::new, |form| form.field("url").to_owned()),
        hook_events: choices(t, &sent("add").map(chosen).unwrap_or_default()),
        revision: revision(&hooks),
        hooks: hooks.iter().map(|hook| row(&shell, &path, hook)).collect(),
        done: match circles::was_done().as_str() {
            "mails" => Some(t.told_mails_set()),
            "no-mails" => Some(t.told_mails_ended()),
            "removed" => Some(t.told_removed()),
            _ => None,
        },
        refused,
        command: match at.circle.id() {
            Some(id) => format!("portolan notify list --publisher {id}"),
            None => "portolan notify list --marketplace".to_owned(),
        },
        path,
        shell,
    };
    Ok(pages::page(status, &template))
}

fn row(shell: &Shell, path: &str, hook: &Subscription) -> HookRow {
    HookRow {
        address: format!("{path}/{}", hook.id),
        url: hook.url.clone(),
        events: events_words(shell.t, &hook.events),
        badge: badge(shell.t, hook.state),
        why: why(shell, hook),
        made: shell.at(Moment::from_ticks(hook.made_at.ticks())),
    }
}
