//! The door for browsers: signing in and out, who one is here, and the pages of offers. `pages.rs` says what the pages look like.

mod access;
mod account;
mod asks;
mod assets;
mod at;
mod audit;
mod authorize;
mod changes;
mod circles;
mod commands;
mod cookies;
mod deeds;
mod described;
mod differences;
mod display;
mod edit;
mod edit_apply;
mod edit_form;
mod edit_page;
mod evidence;
mod fields;
mod forms;
mod link;
mod listings;
mod lost;
mod mails;
mod member;
mod new_offer;
mod offers;
mod outbox;
mod packed;
mod pages;
mod panel;
mod panel_deeds;
mod panel_faults;
mod prospects;
mod reader;
mod reference;
mod refused;
mod requests;
mod review;
mod reviews;
mod rules;
mod samples;
mod secret;
mod sentences;
mod shell;
mod sign_in;
mod states;
mod status;
mod steps;
mod submissions;
mod text;
mod told;
mod unsubscribe;
mod verdicts;
mod webhook;
mod welcome;
mod words;

use crate::auth::{Caller, Gate, Issuers, Provider, Sessions};
use crate::clock::Clock;
use crate::http::{Followers, Limits};
use crate::issuer::Issuer;
use crate::listing::Shelf;
use crate::perform::Perform;
use crate::store::Read;
use crate::vault::Vault;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
pub use commands::command;
use cookies::Cookies;
use deeds::Deed;
use publishing::offer_type::OfferTypes;
use publishing::principal::Principal;
pub use rules::codes;
use std::sync::Arc;
use tokio::sync::watch;

/// What pages work with. What changes anything is performed, or done by the sessions.
#[derive(Clone, Debug)]
pub struct Pages {
    /// Offers as customers see them.
    pub shelf: Shelf,
    /// Who is signed in.
    pub sessions: Sessions,
    /// What roles somebody has.
    pub gate: Gate,
    /// The built-in issuer, unless it is switched off.
    pub issuer: Option<Issuer>,
    /// Where people sign in.
    pub providers: Vec<Provider>,
    /// Whose ID tokens are taken.
    pub issuers: Arc<Issuers>,
    /// The only way to change anything.
    pub perform: Perform,
    /// What seals cookies.
    pub vault: Vault,
    /// The time.
    pub clock: Clock,
    /// How often one may try to sign in.
    pub limits: Arc<Limits>,
    /// The service's address as clients see it, without a slash at the end.
    pub public_url: Arc<str>,
    /// The archive, to read.
    pub read: Read,
    /// The API, to be asked within the process.
    pub api: Router,
    /// The offer types there are.
    pub types: Arc<OfferTypes>,
    /// Who waits for news.
    pub followers: Arc<Followers>,
    /// Whether the service is about to stop.
    pub stopping: watch::Receiver<bool>,
    /// The clock that offers live by, where it is an emulator's.
    pub virtual_clock: Option<Clock>,
}

type Shared = axum::extract::State<Arc<Pages>>;

/// Somebody who is signed in, with what the browser's cookie holds.
struct Visitor {
    principal: Principal,
    caller: Arc<Caller>,
    session: uuid::Uuid,
    cookie: String,
}

impl std::fmt::Debug for Visitor {
    /// Without the cookie.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Visitor").field("principal", &self.principal.id).finish_non_exhaustive()
    }
}

impl Pages {
    /// Where a provider sends people back to.
    fn redirect_uri(&self) -> String {
        format!("{}/sign-in/callback", self.public_url)
    }

    fn cookies(&self) -> Cookies {
        Cookies::of(&self.public_url)
    }

    /// The API for somebody.
    fn api(&self, visitor: &Visitor) -> asks::Api {
        asks::Api::of(&self.api, &visitor.caller)
    }
}

/// Every page with its path, and what takes forms.
fn table() -> Vec<(&'static str, MethodRouter<Arc<Pages>>)> {
    vec![
        ("/", get(account::front)),
        ("/access", get(circles::access)),
        ("/account", get(account::show)),
        ("/account/sessions/end", post(account::end_session)),
        ("/account/mails", post(mails::set)),
        ("/audit", get(audit::show)),
        ("/audit.csv", get(audit::csv)),
        ("/audit.jsonl", get(audit::lines)),
        ("/display", get(display::show).post(display::set)),
        ("/emulator", panel::only(get(panel::show))),
        ("/emulator/outbox", panel::only(get(outbox::list))),
        ("/emulator/outbox/{number}", panel::only(get(outbox::show))),
        ("/emulator/panel/reset", panel::only(get(panel_deeds::ask).post(panel_deeds::reset))),
        ("/emulator/panel/{deed}", panel::only(post(panel_deeds::act))),
        ("/emulator/requests", panel::only(get(requests::list))),
        ("/docs", get(reference::docs)),
        ("/docs/api", get(reference::index)),
        ("/docs/api/{operation}", get(reference::operation)),
        ("/docs/api/schemas/{name}", get(reference::schema)),
        ("/docs/rules", get(reference::all_rules)),
        ("/docs/rules/{code}", get(reference::rule)),
        ("/events", get(changes::follow)),
        ("/listings/{publisher}/{offer}", get(listings::live)),
        ("/listings/{publisher}/{offer}/preview", get(listings::preview)),
        ("/marketplace/access", get(access::show).post(access::add)),
        ("/marketplace/access/{member}", get(member::show).post(member::change)),
        ("/marketplace/access/{member}/remove", get(member::ask).post(member::remove)),
        ("/marketplace/notifications", get(told::show).post(told::change)),
        ("/marketplace/notifications/{subscription}", get(webhook::show).post(webhook::change)),
        ("/marketplace/notifications/{subscription}/remove", get(webhook::ask).post(webhook::remove)),
        ("/notifications", get(circles::notifications)),
        ("/offers", get(offers::show)),
        ("/offers/new", get(new_offer::show).post(new_offer::make)),
        ("/publishers/{publisher}/access", get(access::show).post(access::add)),
        ("/publishers/{publisher}/access/{member}", get(member::show).post(member::change)),
        ("/publishers/{publisher}/access/{member}/remove", get(member::ask).post(member::remove)),
        ("/publishers/{publisher}/notifications", get(told::show).post(told::change)),
        ("/publishers/{publisher}/notifications/{subscription}", get(webhook::show).post(webhook::change)),
        ("/publishers/{publisher}/notifications/{subscription}/remove", get(webhook::ask).post(webhook::remove)),
        ("/publishers/{publisher}/offers/{offer}", get(status::show)),
        ("/publishers/{publisher}/offers/{offer}/edit", get(edit::show).post(edit::save)),
        ("/publishers/{publisher}/offers/{offer}/publish", Deed::Publish.routes()),
        ("/publishers/{publisher}/offers/{offer}/golive", Deed::GoLive.routes()),
        ("/publishers/{publisher}/offers/{offer}/cancel", Deed::Cancel.routes()),
        ("/publishers/{publisher}/offers/{offer}/rollback", Deed::RollBack.routes()),
        ("/publishers/{publisher}/offers/{offer}/diff", get(differences::show)),
        ("/publishers/{publisher}/offers/{offer}/diff.json", get(differences::patch)),
        ("/publishers/{publisher}/offers/{offer}/submissions", get(submissions::list)),
        ("/publishers/{publisher}/offers/{offer}/submissions/{number}", get(submissions::show)),
        ("/reviews", get(reviews::show)),
        ("/reviews/{operation}", get(review::lead)),
        ("/reviews/{operation}/{step}", get(review::show).post(verdicts::act)),
        ("/unsubscribe/{subscription}", get(unsubscribe::show).post(unsubscribe::stop)),
        ("/unsubscribe/{publisher}/{offer}/{receiver}", get(unsubscribe::show).post(unsubscribe::stop)),
        ("/sign-in", get(sign_in::choose)),
        ("/sign-in/callback", get(sign_in::come_back)),
        ("/sign-in/link", get(link::sign_in)),
        ("/sign-out", post(account::sign_out)),
        ("/setup", get(welcome::show_setup).post(welcome::set_up)),
        ("/invitation", get(welcome::show_invitation).post(welcome::accept_invitation)),
        ("/{tenant}/oauth2/v2.0/authorize", get(authorize::show).post(authorize::sign_in)),
    ]
}

/// The paths of all pages, as patterns; some take forms alone.
pub fn paths() -> Vec<&'static str> {
    table().into_iter().map(|(path, _)| path).collect()
}

/// Every page.
pub fn routes(pages: Pages) -> Router {
    let pages = Arc::new(pages);
    let router = table().into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods));
    router
        .fallback(lost::show)
        .layer(from_fn_with_state(Arc::clone(&pages), reader::meet))
        // The same for everybody, and kept for good: nobody needs to be known for them.
        .route(assets::STYLE.path, get(assets::style))
        .route(assets::SCRIPT.path, get(assets::script))
        .with_state(pages)
}
