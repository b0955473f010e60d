//! One webhook: how it stands, what it was told, and what can be done about it.

use super::account::signed_in;
use super::circles::{self, CircleAt, TO_TELL};
use super::forms::Form;
use super::member::RemovePage;
use super::pages::{self, Shown};
use super::refused::{self, Refused};
use super::secret;
use super::shell::{Html, Room, Shell};
use super::sign_in::query;
use super::states;
use super::text::Text;
use super::told::{EventChoice, badge, choices, chosen, events_words, why};
use super::{Pages, Shared};
use api::dates::Date;
use api::state::Tone;
use api::subscriptions::{
    ChangedSubscription, Delivery, DeliveryAttempt, DeliveryState, Subscription, SubscriptionState,
    SubscriptionWithSecret,
};
use askama::Template;
use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri};
use publishing::moment::Moment;
use uuid::Uuid;

/// How many deliveries one page shows.
const PAGE: usize = 50;

/// One webhook.
#[derive(Template)]
#[template(path = "webhook.html")]
struct WebhookPage<'a> {
    shell: Shell,
    circle: String,
    list: String,
    path: String,
    hook: &'a Subscription,
    badge: Html,
    why: Option<String>,
    events: String,
    made: Html,
    old_secret: Option<Html>,
    is_disabled: bool,
    /// What tells a rotation that is sent twice.
    rotated: String,
    url: String,
    choices: Vec<EventChoice>,
    deliveries: Vec<DeliveryRow>,
    page: usize,
    before: Option<String>,
    after: Option<String>,
    done: Option<(String, bool)>,
    refused: Refused,
    command: String,
}

/// Something it was told, or is to be told.
struct DeliveryRow {
    id: Uuid,
    offer: String,
    event: String,
    at: Html,
    badge: Html,
    /// When it is tried next.
    next: Option<Html>,
    failure: Option<String>,
    attempts: Vec<(Html, String)>,
    may_repeat: bool,
}

/// A webhook that is there.
struct HookAt {
    at: CircleAt,
    hook: Subscription,
}

impl HookAt {
    async fn find(pages: &Pages, names: &RawPathParams) -> Result<Self, Box<Response>> {
        let at = circles::at(pages, names, TO_TELL)?;
        let nothing = || circles::nothing(&super::reader::text().hook_missing());
        let id = Uuid::try_parse(circles::named(names, "subscription")).map_err(|_| nothing())?;
        let there: Vec<Subscription> =
            pages.api(&at.visitor).get(&at.circle.subscriptions()).await.map_err(|error| refused::page(&error))?;
        let hook = there.into_iter().find(|hook| hook.id == id).ok_or_else(nothing)?;
        Ok(Self { at, hook })
    }

    fn path(&self) -> String {
        format!("{}/{}", self.at.circle.page("notifications"), self.hook.id)
    }

    /// Where the API has it.
    fn api(&self) -> String {
        format!("{}/{}", self.at.circle.subscriptions(), self.hook.id)
    }

    /// Changes with each rotation, and a day after it.
    fn rotated(&self) -> String {
        self.hook.old_secret_until.map_or(0, |until| until.ticks()).to_string()
    }
}

fn moment(date: Date) -> Moment {
    Moment::from_ticks(date.ticks())
}

/// How it stands, and what it was told.
pub(super) async fn show(State(pages): Shared, names: RawPathParams, uri: Uri) -> Shown {
    let found = match HookAt::find(&pages, &names).await {
        Ok(found) => found,
        Err(refused) => return (*refused).into(),
    };
    let shown = page(&pages, &found, &uri, Said::default(), StatusCode::OK).await;
    shown.unwrap_or_else(|refused| *refused).into()
}

/// What a page says about the form that was sent.
#[derive(Default)]
struct Said<'a> {
    form: Option<&'a Form>,
    refused: Refused,
    /// What came of a try, and whether it went well.
    tried: Option<(String, bool)>,
}

/// Changes it, gives it another secret, lets it go on, tries it, or sends something again.
pub(super) async fn change(State(pages): Shared, names: RawPathParams, request: Request<Body>) -> Shown {
    changed(&pages, &names, request).await.unwrap_or_else(|refused| *refused).into()
}

async fn changed(pages: &Pages, names: &RawPathParams, request: Request<Body>) -> Result<Response, Box<Response>> {
    let found = HookAt::find(pages, names).await?;
    let form = Form::read(request).await?;
    signed_in(&form)?;
    let (api, path, at) = (pages.api(&found.at.visitor), found.path(), found.api());
    let t = super::reader::text();
    let done = |word: &str| pages::see(&format!("{path}?done={word}"));
    let send = async |path: String| api.send(Method::POST, &path, None, Bytes::new()).await;
    let answered = match form.field("deed") {
        "change" => {
            // Of an address with a query only a part is shown: left as it is, it stays.
            let typed = form.field("url").trim();
            let url = Some(typed.to_owned()).filter(|typed| typed != form.field("shown"));
            let changed = ChangedSubscription { url, events: chosen(&form) };
            api.send_json(Method::PUT, &at, None, &changed).await.map(|_| done("changed"))
        }
        "rotate" if form.field("rotated") != found.rotated() => {
            let said = Said { refused: Refused::own("", t.hook_rotated_meanwhile()), ..Said::default() };
            return page(pages, &found, &form.uri, said, StatusCode::CONFLICT).await;
        }
        "rotate" => {
            let made = send(format!("{at}/rotate")).await;
            made.and_then(|answer| answer.read::<SubscriptionWithSecret>())
                .map(|made| secret::of_webhook(&found.at, &made))
        }
        "enable" => send(format!("{at}/enable")).await.map(|_| done("enabled")),
        "test" => match send(format!("{at}/test")).await.and_then(|answer| answer.read::<DeliveryAttempt>()) {
            Ok(attempt) => {
                let went_well = attempt.failure.is_none();
                let tried = Some((t.hook_tried(attempt_words(t, &attempt)), went_well));
                let said = Said { tried, ..Said::default() };
                return page(pages, &found, &form.uri, said, StatusCode::OK).await;
            }
            Err(error) => Err(error),
        },
        "redeliver" => {
            let id = Uuid::try_parse(form.field("delivery")).unwrap_or_default();
            send(format!("{at}/deliveries/{id}/redeliver")).await.map(|_| done("redelivered"))
        }
        _ => Ok(pages::see(&path)),
    };
    match answered {
        Ok(response) => Ok(response),
        Err(error) => {
            let said = Said { form: Some(&form), refused: Refused::of(&error), tried: None };
            page(pages, &found, &form.uri, said, refused::status(&error)).await
        }
    }
}

async fn page(
    pages: &Pages,
    found: &HookAt,
    uri: &Uri,
    said: Said<'_>,
    status: StatusCode,
) -> Result<Response, Box<Response>> {
    let shell = Shell::of(Room::Notifications);
    let (t, hook, at) = (shell.t, &found.hook, &found.at);
    let asked = query(uri);
    let number: usize = asked.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, 10_000);
    let log = format!("{}/deliveries?$top={}&$skip={}", found.api(), PAGE + 1, (number - 1) * PAGE);
    let mut deliveries: Vec<Delivery> =
        pages.api(&at.visitor).get(&log).await.map_err(|error| refused::page(&error))?;
    let has_more = deliveries.len() > PAGE;
    deliveries.truncate(PAGE);
    let path = found.path();
    let form = said.form.filter(|form| form.field("deed") == "change");
    let done = match asked.get("done").map(String::as_str) {
        Some("changed") => Some(t.hook_changed()),
        Some("enabled") => Some(t.hook_enabled()),
        Some("redelivered") => Some(t.hook_redelivered()),
        _ => None,
    };
    let of = at.circle.id().map_or_else(|| "--marketplace".to_owned(), |id| format!("--publisher {id}"));
    let template = WebhookPage {
        circle: at.circle.name(t),
        list: at.circle.page("notifications"),
        badge: badge(t, hook.state),
        why: why(&shell, hook),
        events: events_words(t, &hook.events),
        made: shell.at(moment(hook.made_at)),
        old_secret: hook.old_secret_until.map(|until| shell.when(moment(until))),
        is_disabled: hook.state == SubscriptionState::Disabled,
        rotated: found.rotated(),
        url: form.map_or_else(|| hook.url.clone(), |form| form.field("url").to_owned()),
        choices: choices(t, &form.map_or_else(|| hook.events.clone(), chosen)),
        deliveries: deliveries.into_iter().map(|delivery| row(&shell, delivery)).collect(),
        page: number,
        before: (number > 1).then(|| format!("{path}?page={}", number - 1)),
        after: has_more.then(|| format!("{path}?page={}", number + 1)),
        done: said.tried.or_else(|| done.map(|words| (words, true))),
        refused: said.refused,
        command: format!("portolan notify deliveries {} {of}", hook.id),
        path,
        hook,
        shell,
    };
    Ok(pages::page(status, &template))
}

fn row(shell: &Shell, delivery: Delivery) -> DeliveryRow {
    let t = shell.t;
    let badge = match delivery.state {
        DeliveryState::Waiting => states::mark(Tone::Waiting, &t.delivery_waiting()),
        DeliveryState::Delivered => states::mark(Tone::Good, &t.delivery_delivered()),
        DeliveryState::Failed => states::mark(Tone::Bad, &t.delivery_failed()),
    };
    DeliveryRow {
        id: delivery.id,
        offer: format!("{}/{}", delivery.publisher_id, delivery.offer_id),
        event: delivery.event.unwrap_or_default(),
        at: shell.when(moment(delivery.at)),
        badge,
        next: delivery.next_attempt.map(|next| shell.when(moment(next))),
        failure: delivery.last_failure,
        attempts: delivery
            .attempts
            .iter()
            .map(|attempt| (shell.at(moment(attempt.at)), attempt_words(t, attempt)))
            .collect(),
        may_repeat: delivery.state != DeliveryState::Waiting,
    }
}

/// What came of a try.
fn attempt_words(t: Text, attempt: &DeliveryAttempt) -> String {
    let took = attempt.took_milliseconds;
    match (&attempt.failure, attempt.status) {
        (None, Some(status)) => t.attempt_taken(status, took),
        (None, None) => t.attempt_taken_silently(took),
        (Some(why), Some(status)) => t.attempt_refused(status, why.as_str(), took),
        (Some(why), None) => t.attempt_failed(why.as_str(), took),
    }
}

/// Says what ends with a webhook.
pub(super) async fn ask(State(pages): Shared, names: RawPathParams) -> Shown {
    match HookAt::find(&pages, &names).await {
        Ok(found) => asked(&found, Refused::default(), StatusCode::OK).into(),
        Err(refused) => (*refused).into(),
    }
}

fn asked(found: &HookAt, refused: Refused, status: StatusCode) -> Response {
    let shell = Shell::of(Room::Notifications);
    let t = shell.t;
    let template = RemovePage {
        title: t.remove_hook_title(found.hook.url.as_str()),
        ends: vec![t.remove_hook_waiting(), t.remove_hook_log()],
        button: t.remove_hook(),
        back: found.path(),
        refused,
        shell,
    };
    pages::page(status, &template)
}

/// Removes it.
pub(super) async fn remove(State(pages): Shared, names: RawPathParams, request: Request<Body>) -> Shown {
    removed(&pages, &names, request).await.unwrap_or_else(|refused| *refused).into()
}

async fn removed(pages: &Pages, names: &RawPathParams, request: Request<Body>) -> Result<Response, Box<Response>> {
    let found = HookAt::find(pages, names).await?;
    let form = Form::read(request).await?;
    signed_in(&form)?;
    match pages.api(&found.at.visitor).send(Method::DELETE, &found.api(), None, Bytes::new()).await {
        Ok(_) => Ok(pages::see(&format!("{}?done=removed", found.at.circle.page("notifications")))),
        Err(error) => Ok(asked(&found, Refused::of(&error), refused::status(&error))),
    }
}
