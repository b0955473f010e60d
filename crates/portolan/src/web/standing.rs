//! The page that says where an offer stands and what comes next, for those who may read it.

use super::pages::{self, Shown, StandingPage, StepRow};
use super::{Pages, Shared};
use crate::auth::Permission;
use crate::listing::named;
use crate::store::StoreError;
use crate::wire;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};
use publishing::explain::explain;
use publishing::offer::{Offer, OfferKey};
use publishing::operation::Step;
use publishing::status::{OfferStatus, StepStatus};

/// Where an offer stands.
pub(super) async fn show(State(pages): Shared, names: RawPathParams, headers: HeaderMap, uri: Uri) -> Shown {
    let mut names = names.iter().map(|(_, name)| name);
    let key = names.next().zip(names.next()).and_then(|(publisher, offer)| named(publisher, offer));
    let shown = shown(&pages, key, &headers, &uri).await;
    shown.unwrap_or_else(|error| pages::not_now(&error)).into()
}

async fn shown(pages: &Pages, key: Option<OfferKey>, headers: &HeaderMap, uri: &Uri) -> Result<Response, StoreError> {
    let Some(visitor) = pages.visitor(headers).await? else {
        let then: String = form_urlencoded::byte_serialize(uri.path().as_bytes()).collect();
        return Ok(pages::see(&format!("/sign-in?then={then}")));
    };
    let may_read = |key: &OfferKey| {
        let is_member = visitor.caller.authorise(key.publisher.as_str(), Permission::Read).is_ok();
        is_member || visitor.caller.authorise_marketplace(Permission::Read).is_ok()
    };
    let offer = match key.filter(may_read) {
        Some(key) => pages.shelf.offer(&key).await?,
        None => None,
    };
    Ok(offer.map_or_else(not_there, |offer| page(pages, &offer)))
}

/// The same for whatever is not there, and for what is not for whoever asks.
fn not_there() -> Response {
    let message = "There is none at this address that you may read. The address may have a mistake in it, or you have no role at its publisher: ask an owner there to add you.";
    pages::message(StatusCode::NOT_FOUND, "There is no such offer", message, &[], Some(("/", "Go to the front page")))
}

fn page(pages: &Pages, offer: &Offer) -> Response {
    let told = explain(offer, pages.perform.now());
    let status = pages.perform.status(offer);
    let name = Some(wire::display_text(&offer.draft.definition)).filter(|name| !name.trim().is_empty());
    let changed = offer.operation.as_ref().map_or(offer.changed_at, |run| run.changed_at.max(offer.changed_at));
    let listing = format!("/listings/{}/{}", offer.key.publisher, offer.key.offer);
    let template = StandingPage {
        style: &pages::style_path(),
        name: name.as_deref().unwrap_or(offer.key.offer.as_str()),
        publisher: offer.key.publisher.as_str(),
        offer: offer.key.offer.as_str(),
        status: offer_words(status.status),
        since: pages::minute(told.since),
        until: told.known_time().map(|(then, at)| (then.words(), pages::minute(at))),
        changed: pages::minute(changed),
        preview: offer.preview.map(|version| (version, format!("{listing}/preview"))),
        live: offer.production.filter(|_| status.live).map(|version| (version, listing.clone())),
        messages: status.messages.iter().map(pages::MessageRow::of).collect(),
        steps: status.steps.iter().map(step).collect(),
        headline: &told.headline.to_string(),
        next: &told.next.to_string(),
    };
    pages::page(StatusCode::OK, &template)
}

fn step(step: &Step) -> StepRow<'_> {
    let status = step.status();
    StepRow {
        name: &step.name,
        description: &step.description,
        status: step_words(status),
        stops: matches!(status, StepStatus::Blocked | StepStatus::Rejected),
        progress: Some(step.progress_percentage()).filter(|_| status == StepStatus::InProgress),
        messages: step.messages().into_iter().map(pages::MessageRow::of).collect(),
    }
}

const fn offer_words(status: OfferStatus) -> &'static str {
    match status {
        OfferStatus::NeverPublished => "Never published",
        OfferStatus::NotStarted => "Not started",
        OfferStatus::WaitingForPublisherReview => "Waits for your go live",
        OfferStatus::Running => "Running",
        OfferStatus::Succeeded => "Live",
        OfferStatus::Canceled => "Canceled",
        OfferStatus::Failed => "Failed",
    }
}

const fn step_words(status: StepStatus) -> &'static str {
    match status {
        StepStatus::NotStarted => "Not started",
        StepStatus::InProgress => "In progress",
        StepStatus::WaitingForPublisherReview => "Waits for your go live",
        StepStatus::WaitingForApproval => "Waits for a reviewer",
        StepStatus::Blocked => "Blocked",
        StepStatus::Rejected => "Failed",
        StepStatus::Complete => "Done",
        StepStatus::Canceled => "Canceled",
    }
}
