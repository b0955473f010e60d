//! The door for programs: the table of routes. One file per resource; the door itself is in `door.rs`.

mod actions;
mod address;
mod artifacts;
mod audiences;
mod audit;
mod catalog;
mod checks;
mod connections;
mod counts;
mod descriptors;
mod discovery;
mod door;
mod errors;
mod explain;
mod exported;
mod followers;
mod following;
mod health;
mod history;
mod json;
mod judging;
mod leads;
mod limits;
mod lines;
mod listen;
mod mails;
mod members;
mod needs;
mod offers;
mod openapi;
mod operations;
mod paths;
mod publishers;
mod put_offer;
mod rehearsed;
mod repeat;
mod reply;
mod request;
mod reviewed;
mod reviews;
mod slow;
mod status;
mod submissions;
mod subscribed;
mod subscriptions;
mod tls;
mod token;
mod verdicts;
mod waiting;

pub use address::CallerAddress;
pub use descriptors::make_room;
pub(crate) use door::no_such_path;
pub use door::{Door, RequestId};
pub(crate) use errors::Problem;
pub use followers::{Followers, Place, TooManyFollow};
pub use health::Readiness;
pub use limits::{LimitSettings, Limits, TooMany};
pub use listen::{Answers, CutOff, Entrance, addresses, listen};
pub use needs::{Need, need};
pub(crate) use paths::canonical;
pub use rehearsed::{AskedBy, EmulatorCalls, Instead};
pub(crate) use reply::{document, json as json_answer, with_body};
pub use request::form_members;
pub(crate) use request::{LONGEST_OFFER, read_body, shown, want_json};
pub use tls::Certificate;

use crate::artifacts::Artifacts;
use crate::auth::Gate;
use crate::checks::Checks;
use crate::issuer::Issuer;
use crate::links::Links;
use crate::listing::Shelf;
use crate::notify::Webhooks;
use crate::perform::Perform;
use crate::store::Read;
use crate::wire::SuccessWord;
use axum::Router;
use axum::extract::State;
use bytes::Bytes;
use publishing::offer_type::OfferTypes;
use std::sync::Arc;
use tokio::sync::watch;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What handlers work with. The store can only be read here: what changes anything is performed.
#[derive(Clone, Debug)]
pub struct Rooms {
    /// The archive, to read.
    pub read: Read,
    /// The only way to change anything.
    pub perform: Perform,
    /// The built-in issuer, unless it is switched off.
    pub issuer: Option<Issuer>,
    /// The names of the issuers that are trusted.
    pub issuers: Arc<[String]>,
    /// The service's address as clients see it, without a slash at the end.
    pub public_url: Arc<str>,
    /// The service's addresses, signed where they have to be.
    pub links: Links,
    /// The files of definitions, where they are kept.
    pub artifacts: Option<Artifacts>,
    /// Offers as customers see them.
    pub shelf: Shelf,
    /// The offer types there are.
    pub types: Arc<OfferTypes>,
    /// Who does checks outside the service, and calls back.
    pub checks: Checks,
    /// Who sends to webhooks.
    pub webhooks: Webhooks,
    /// What a finished operation is called.
    pub success_word: SuccessWord,
    /// Who is asking.
    pub gate: Gate,
    /// Whether the service is about to stop.
    pub draining: watch::Receiver<bool>,
    /// Whether the store takes writes.
    pub readiness: Arc<Readiness>,
    /// How much callers and addresses may ask for.
    pub limits: Arc<Limits>,
    /// Who waits for news.
    pub followers: Arc<Followers>,
    /// The description of every route, as it is served.
    pub description: Bytes,
}

impl Rooms {
    fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Waits until the service is about to stop.
    async fn drained(&self) {
        let _ = self.draining.clone().wait_for(|draining| *draining).await;
    }
}

type Shared = State<Arc<Rooms>>;

/// Every route with its description. The order is that of the wire contract.
fn routes() -> OpenApiRouter<Arc<Rooms>> {
    OpenApiRouter::new()
        .routes(routes!(publishers::list_publishers, publishers::create_publisher))
        .routes(routes!(publishers::list_offer_types))
        .routes(routes!(offers::list_offers))
        .routes(routes!(offers::get_offer, put_offer::put_offer))
        .routes(routes!(offers::get_offer_version))
        .routes(routes!(offers::get_offer_slot))
        .routes(routes!(status::get_offer_status))
        .routes(routes!(explain::explain_offer))
        .routes(routes!(history::get_offer_history))
        .routes(routes!(history::get_publisher_history))
        .routes(routes!(audit::get_publisher_audit))
        .routes(routes!(audit::get_marketplace_audit))
        .routes(routes!(following::follow_offer))
        .routes(routes!(following::follow_publisher))
        .routes(routes!(actions::publish_offer))
        .routes(routes!(actions::go_live_offer))
        .routes(routes!(actions::cancel_offer))
        .routes(routes!(actions::roll_back_offer))
        .routes(routes!(audiences::list_audiences))
        .routes(routes!(audiences::synchronise_audiences))
        .routes(routes!(submissions::list_submissions))
        .routes(routes!(operations::get_operation))
        .routes(routes!(operations::get_operation_by_composite_id))
        .routes(routes!(leads::list_leads))
        .routes(routes!(leads::send_lead))
        .routes(routes!(reviews::list_reviews))
        .routes(routes!(reviews::get_review))
        .routes(routes!(reviews::claim_review))
        .routes(routes!(reviews::release_review))
        .routes(routes!(reviews::add_review_note))
        .routes(routes!(verdicts::give_verdict))
        .routes(routes!(checks::report_check))
        .routes(routes!(members::list_members, members::add_member))
        .routes(routes!(members::set_member_roles, members::remove_member))
        .routes(routes!(members::list_member_secrets, members::add_member_secret))
        .routes(routes!(members::remove_member_secret))
        .routes(routes!(members::invite_member))
        .routes(routes!(members::list_staff, members::add_staff))
        .routes(routes!(members::set_staff_roles, members::remove_staff))
        .routes(routes!(members::list_staff_secrets, members::add_staff_secret))
        .routes(routes!(members::remove_staff_secret))
        .routes(routes!(members::invite_staff))
        .routes(routes!(mails::get_mails, mails::put_mails, mails::delete_mails))
        .routes(routes!(mails::get_staff_mails, mails::put_staff_mails, mails::delete_staff_mails))
        .routes(routes!(subscriptions::list_subscriptions, subscriptions::create_subscription))
        .routes(routes!(subscriptions::get_subscription, subscriptions::change_subscription))
        .routes(routes!(subscriptions::remove_subscription))
        .routes(routes!(subscriptions::rotate_subscription))
        .routes(routes!(subscriptions::enable_subscription))
        .routes(routes!(subscriptions::test_subscription))
        .routes(routes!(subscriptions::list_deliveries))
        .routes(routes!(subscriptions::repeat_delivery))
        .routes(routes!(subscriptions::list_marketplace_subscriptions, subscriptions::create_marketplace_subscription))
        .routes(routes!(subscriptions::get_marketplace_subscription, subscriptions::change_marketplace_subscription))
        .routes(routes!(subscriptions::remove_marketplace_subscription))
        .routes(routes!(subscriptions::rotate_marketplace_subscription))
        .routes(routes!(subscriptions::enable_marketplace_subscription))
        .routes(routes!(subscriptions::test_marketplace_subscription))
        .routes(routes!(subscriptions::list_marketplace_deliveries))
        .routes(routes!(subscriptions::repeat_marketplace_delivery))
        .routes(routes!(artifacts::get_artifact))
        .routes(routes!(catalog::list_catalog_offers))
        .routes(routes!(catalog::get_catalog_offer))
        .routes(routes!(token::get_token_v1))
        .routes(routes!(token::get_token_v2))
        .routes(routes!(discovery::get_discovery_v1))
        .routes(routes!(discovery::get_discovery_v2))
        .routes(routes!(discovery::get_keys_v1))
        .routes(routes!(discovery::get_keys_v2))
        .routes(routes!(discovery::get_instance))
        .routes(routes!(health::get_health))
        .routes(routes!(health::get_readiness))
        .routes(routes!(openapi::get_openapi))
}

/// The description of every route.
pub fn openapi() -> OpenApi {
    let (_, document) = routes().split_for_parts();
    openapi::complete(document)
}

/// The description of every route, as bytes to be served.
///
/// # Errors
/// Where it cannot be written as JSON.
pub fn description() -> serde_json::Result<Bytes> {
    serde_json::to_vec(&openapi()).map(Bytes::from)
}

/// The door of routes that are no part of the API, behind the checks that every request passes. Nothing below `/api` is there.
pub fn door_of(router: Router, gate: Gate, limits: Arc<Limits>, clock: crate::clock::Clock) -> Door {
    let router = router.fallback(door::no_such_path).method_not_allowed_fallback(door::no_such_method);
    Door::new(router, gate, limits, clock)
}

/// Every route of the API, without the checks that requests from outside pass: whoever asks puts the caller among the request's
/// extensions.
pub fn api(rooms: Rooms) -> Router {
    let (router, _) = routes().split_for_parts();
    router.method_not_allowed_fallback(door::no_such_method).with_state(Arc::new(rooms))
}

/// The door: every route and page, behind the checks that every request passes. The pages answer what is nowhere.
pub fn door(api: Router, pages: Router, gate: Gate, limits: Arc<Limits>, clock: crate::clock::Clock) -> Door {
    Door::new(api.merge(pages), gate, limits, clock)
}
