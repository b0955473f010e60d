//! The door for browsers: signing in and out, who one is here, and the pages of offers. `pages.rs` says what the pages look like.

mod account;
mod authorize;
mod cookies;
mod forms;
mod listings;
mod mails;
mod pages;
mod sign_in;
mod standing;
mod unsubscribe;
mod welcome;

use crate::auth::{Caller, Gate, Issuers, Provider, Sessions};
use crate::clock::Clock;
use crate::http::Limits;
use crate::issuer::Issuer;
use crate::listing::Shelf;
use crate::perform::Perform;
use crate::store::StoreError;
use crate::vault::Vault;
use axum::Router;
use axum::routing::{get, post};
use cookies::Cookies;
use http::HeaderMap;
use publishing::principal::Principal;
use std::sync::Arc;

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
}

type Shared = axum::extract::State<Arc<Pages>>;

/// Somebody who is signed in, with what the browser's cookie holds.
struct Visitor {
    principal: Principal,
    caller: Caller,
    session: uuid::Uuid,
    cookie: String,
}

impl Pages {
    /// Where a provider sends people back to.
    fn redirect_uri(&self) -> String {
        format!("{}/sign-in/callback", self.public_url)
    }

    fn cookies(&self) -> Cookies {
        Cookies::of(&self.public_url)
    }

    /// Who asks, if somebody is signed in.
    async fn visitor(&self, headers: &HeaderMap) -> Result<Option<Visitor>, StoreError> {
        let Some(cookie) = self.cookies().session(headers) else { return Ok(None) };
        let Some((session, principal)) = self.sessions.find(&cookie).await? else { return Ok(None) };
        let caller = self.gate.caller_of(&principal)?;
        Ok(Some(Visitor { principal, caller, session: session.id, cookie }))
    }
}

/// Every page.
pub fn routes(pages: Pages) -> Router {
    Router::new()
        .route("/", get(account::front))
        .route("/account", get(account::show))
        .route("/account/sessions/end", post(account::end_session))
        .route("/account/mails", post(mails::set))
        .route("/listings/{publisher}/{offer}", get(listings::live))
        .route("/listings/{publisher}/{offer}/preview", get(listings::preview))
        .route("/publishers/{publisher}/offers/{offer}", get(standing::show))
        .route("/unsubscribe/{subscription}", get(unsubscribe::show).post(unsubscribe::stop))
        .route("/unsubscribe/{publisher}/{offer}/{receiver}", get(unsubscribe::show).post(unsubscribe::stop))
        .route("/sign-in", get(sign_in::choose))
        .route("/sign-in/callback", get(sign_in::come_back))
        .route("/sign-out", post(account::sign_out))
        .route("/setup", get(welcome::show_setup).post(welcome::set_up))
        .route("/invitation", get(welcome::show_invitation).post(welcome::accept_invitation))
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize::show).post(authorize::sign_in))
        .route(&pages::style_path(), get(pages::style))
        .with_state(Arc::new(pages))
}
