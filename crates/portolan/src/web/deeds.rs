//! Publish, go live, cancel, roll back: a page each that says what follows, with one button that does it.

use super::account::signed_in;
use super::at::{self, OfferAt};
use super::forms::Form;
use super::pages::{self, Shown};
use super::prospects::{self, Prospect};
use super::reader::text;
use super::refused;
use super::shell::{Room, Shell};
use super::text::Text;
use super::{Pages, Shared};
use crate::auth::Permission;
use crate::store::StoreError;
use api::errors::{ErrorBody, ErrorCode};
use api::offers::{ActionRequest, RollBackRequest};
use askama::Template;
use axum::body::Body;
use axum::extract::RawPathParams;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use http::{Method, Request, StatusCode};
use publishing::cancel::foresee;
use publishing::offer::Offer;
use std::sync::Arc;

/// Something that a publisher does with a whole offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Publish,
    GoLive,
    Cancel,
    RollBack,
}

impl Deed {
    /// Its name in addresses, ours and the API's.
    const fn word(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::GoLive => "golive",
            Self::Cancel => "cancel",
            Self::RollBack => "rollback",
        }
    }

    const fn permission(self) -> Permission {
        match self {
            Self::Publish => Permission::Publish,
            Self::GoLive | Self::RollBack => Permission::GoLive,
            Self::Cancel => Permission::Cancel,
        }
    }

    fn name(self, t: Text) -> String {
        match self {
            Self::Publish => t.publish_name(),
            Self::GoLive => t.golive_name(),
            Self::Cancel => t.cancel_name(),
            Self::RollBack => t.rollback_name(),
        }
    }

    /// The command that does the same.
    fn command(self, offer: &Offer) -> String {
        let words = match self {
            Self::Publish => "publish",
            Self::GoLive => "go-live",
            Self::Cancel => "cancel",
            Self::RollBack => "offer roll-back",
        };
        format!("portolan {words} {} --publisher {}", offer.key.offer, offer.key.publisher)
    }

    /// The page of a deed, and what does it.
    pub(super) fn routes(self) -> MethodRouter<Arc<Pages>> {
        get(move |pages: Shared, names: RawPathParams| show(self, pages, names))
            .post(move |pages: Shared, names: RawPathParams, request: Request<Body>| act(self, pages, names, request))
    }
}

/// The page of a deed.
#[derive(Template)]
#[template(path = "deed.html")]
struct DeedPage<'a> {
    shell: Shell,
    path: &'a str,
    word: &'static str,
    name: &'a str,
    title: String,
    prospect: Prospect,
    /// What went wrong when it was tried, in the reader's language.
    failed: Option<String>,
    /// Whom to tell, where that is asked.
    emails: Option<&'a str>,
    /// What is wrong with that, in English.
    bad_emails: Option<String>,
    /// What the page shows, so that nothing else is acted on.
    seen: String,
    edit: Option<String>,
    command: String,
}

/// What a form brought that could not be done.
#[derive(Default)]
struct Tried<'a> {
    emails: Option<&'a str>,
    refused: Option<ErrorBody>,
    is_stale: bool,
}

async fn show(deed: Deed, pages: Shared, names: RawPathParams) -> Shown {
    let at = match at::offer(&pages, &names).await {
        Ok(at) => at,
        Err(refused) => return (*refused).into(),
    };
    shown(&pages, &at, deed, Tried::default()).await
}

async fn shown(pages: &Pages, at: &OfferAt, deed: Deed, tried: Tried<'_>) -> Shown {
    if !at.visitor.may(at.offer.key.publisher.as_str(), deed.permission()) {
        return pages::fault(StatusCode::FORBIDDEN, &text().deed_not_yours()).into();
    }
    page(pages, at, deed, tried).await.unwrap_or_else(|error| pages::not_now(&error)).into()
}

async fn page(pages: &Pages, at: &OfferAt, deed: Deed, tried: Tried<'_>) -> Result<Response, StoreError> {
    let (shell, offer) = (Shell::of(Room::Offers), &at.offer);
    let t = shell.t;
    let known = offer.operation.as_ref().map_or_else(String::new, |run| run.emails.join(", "));
    let emails = tried.emails.unwrap_or(&known);
    let mut prospect = prospects::of(pages, &shell, at, deed, emails).await?;
    let bad_emails = tried.refused.as_ref().filter(|error| prospects::is_of_emails(error));
    let bad_emails = bad_emails.map(|error| error.message.clone());
    let status = match &tried.refused {
        Some(error) => refused::status(error),
        None if tried.is_stale => StatusCode::CONFLICT,
        None => StatusCode::OK,
    };
    let overtaken = tried.refused.as_ref().is_some_and(|error| error.code == ErrorCode::PreconditionFailed);
    let edit = prospects::edit(at);
    if let Some(error) = tried.refused.filter(|_| bad_emails.is_none() && !overtaken) {
        prospect.refuse(&error, edit.as_deref());
    }
    let template = DeedPage {
        path: &at::path_of(&offer.key),
        word: deed.word(),
        name: &at::name_of(offer),
        title: prospect.act.clone().unwrap_or_else(|| deed.name(t)),
        failed: (tried.is_stale || overtaken).then(|| t.deed_stale()),
        emails: (deed == Deed::Publish).then_some(emails),
        bad_emails,
        seen: seen(deed, offer),
        edit,
        command: deed.command(offer),
        prospect,
        shell,
    };
    Ok(pages::page(status, &template))
}

/// What a page shows of an offer: its draft and version, its submission, what is live and was before, and what a cancel comes to,
/// which changes as the submission goes on.
fn seen(deed: Deed, offer: &Offer) -> String {
    let run = offer.operation.as_ref().map(|run| run.id.to_string()).unwrap_or_default();
    let number = |version: Option<i64>| version.map_or_else(String::new, |version| version.to_string());
    let previous = offer.previous.as_ref().map(|previous| previous.version);
    let comes_to = match deed {
        Deed::Cancel => foresee(offer).map_or_else(|_| String::new(), |foreseen| foreseen.words()),
        Deed::Publish | Deed::GoLive | Deed::RollBack => String::new(),
    };
    format!("{}/{run}/{}/{}/{comes_to}", offer.changed_at.ticks(), number(offer.production), number(previous))
}

async fn act(deed: Deed, pages: Shared, names: RawPathParams, request: Request<Body>) -> Shown {
    let form = match Form::read(request).await {
        Ok(form) => form,
        Err(refused) => return (*refused).into(),
    };
    if let Err(refused) = signed_in(&form) {
        return (*refused).into();
    }
    let at = match at::offer(&pages, &names).await {
        Ok(at) => at,
        Err(refused) => return (*refused).into(),
    };
    let emails = form.field("emails").replace([';', '\n', '\r'], ",");
    let mut tried = Tried { emails: (deed == Deed::Publish).then_some(&emails), ..Tried::default() };
    if form.field("seen") != seen(deed, &at.offer) {
        tried.is_stale = true;
        return shown(&pages, &at, deed, tried).await;
    }
    match done(&pages, &at, deed, &emails).await {
        Ok(()) => pages::see(&at::path_of(&at.offer.key)).into(),
        Err(error) => {
            tried.refused = Some(error);
            // As it is by now: somebody else was faster, or it has gone on.
            match at::offer(&pages, &names).await {
                Ok(now) => shown(&pages, &now, deed, tried).await,
                Err(refused) => (*refused).into(),
            }
        }
    }
}

/// Does it to the offer as the page showed it, and to no other.
async fn done(pages: &Pages, at: &OfferAt, deed: Deed, emails: &str) -> Result<(), ErrorBody> {
    let path = format!("/api{}/{}", at::path_of(&at.offer.key), deed.word());
    let etag = crate::wire::date(at.offer.changed_at).etag();
    let (api, etag) = (pages.api(&at.visitor), Some(etag.as_str()));
    match deed {
        Deed::Publish => api.send_json(Method::POST, &path, etag, &prospects::with_emails(emails)).await,
        Deed::GoLive | Deed::Cancel => api.send_json(Method::POST, &path, etag, &ActionRequest::default()).await,
        Deed::RollBack => {
            let from = at.offer.production.unwrap_or_default();
            api.send_json(Method::POST, &path, etag, &RollBackRequest { from }).await
        }
    }
    .map(|_| ())
}
