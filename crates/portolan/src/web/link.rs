//! Signs in by a link: for demos and emulators, which print one. From this machine alone.

use super::pages::{self, Shown};
use super::reader::text;
use super::sign_in::{local, query};
use super::{Pages, Shared, forms};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::USER_AGENT;
use http::request::Parts;
use http::{Request, StatusCode};

/// Begins a session for whoever the link is of, and leads on.
pub(super) async fn sign_in(State(pages): Shared, request: Request<Body>) -> Shown {
    let (request, _) = request.into_parts();
    signed_in(&pages, &request).await.unwrap_or_else(|refused| *refused).into()
}

async fn signed_in(pages: &Pages, request: &Parts) -> Result<Response, Box<Response>> {
    let address = forms::address(&request.extensions);
    forms::may_try(pages, address)?;
    let failed = |error| Box::new(pages::not_now(&error));
    let query = query(&request.uri);
    let secret = query.get("code").map_or("", String::as_str);
    let found = if address.is_loopback() { pages.sessions.of_link(secret).map_err(failed)? } else { None };
    let Some(principal) = found else {
        return Err(Box::new(pages::fault(StatusCode::NOT_FOUND, &text().link_unknown())));
    };
    let agent = request.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let cookie = pages.sessions.begin(&principal, agent, address.to_string()).await.map_err(failed)?;
    let mut response = pages::see(local(query.get("then").map_or("/", String::as_str)));
    pages.cookies().set_session(response.headers_mut(), &cookie);
    Ok(response)
}
