//! Signing in: to a provider and back, and then there is a session.

use super::cookies::SIGN_IN_SECONDS;
use super::pages::{self, ChoosePage, Shown};
use super::reader::{reader, text as words};
use super::shell::Shell;
use super::{Pages, Shared, forms};
use crate::auth::{Issuers, NotVerified, Provider, Started, Verified};
use crate::issuer::TokenRefusal;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::header::{HOST, USER_AGENT};
use http::{HeaderMap, Request, StatusCode, Uri};
use publishing::moment::Moment;
use publishing::principal::Kind;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::net::IpAddr;
use subtle::ConstantTimeEq;

/// What the sealed cookie of somebody who was sent to sign in holds.
#[derive(Serialize, Deserialize)]
struct Errand {
    started: Started,
    /// Where to go afterwards, on this service.
    then: String,
    ends_at: Moment,
}

/// The name of the place that the cookie is sealed for.
const SEALED_FOR: &str = "sign-in cookie";

/// Sends somebody to sign in; where there are several places for that, after a choice.
pub(super) async fn choose(State(pages): Shared, extensions: http::Extensions, headers: HeaderMap, uri: Uri) -> Shown {
    let query = query(&uri);
    let then = local(query.get("then").map_or("/", String::as_str)).to_owned();
    // The way back leads to the address that the service knows itself by, and so must the cookie. Once: a proxy may hide the name.
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let ours = pages.public_url.split_once("://").map_or("", |(_, host)| host);
    if !host.eq_ignore_ascii_case(ours) && !query.contains_key("moved") {
        let rest = uri.query().map_or(String::new(), |query| format!("{query}&"));
        return pages::see(&format!("{}/sign-in?{rest}moved=1", pages.public_url)).into();
    }
    let chosen = match query.get("at") {
        Some(name) => pages.providers.iter().find(|provider| provider.name() == name),
        None if pages.providers.len() == 1 => pages.providers.first(),
        None => None,
    };
    if let Some(provider) = chosen {
        // Each is sealed a cookie, and a provider may be asked.
        if let Err(refused) = forms::may_try(&pages, forms::address(&extensions)) {
            return (*refused).into();
        }
        return send(&pages, provider, then).await.into();
    }
    if pages.providers.is_empty() {
        return pages::fault(StatusCode::NOT_FOUND, &words().sign_in_nowhere()).into();
    }
    let address = |provider: &Provider| {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("at", provider.name())
            .append_pair("then", &then)
            .finish();
        format!("/sign-in?{query}")
    };
    let own = super::reader::text().sign_in_own();
    let label = |provider: &Provider| if provider.is_own() { own.clone() } else { provider.label().to_owned() };
    let choices = pages.providers.iter().map(|provider| (label(provider), address(provider))).collect();
    pages::page(StatusCode::OK, &ChoosePage { shell: Shell::here(), choices }).into()
}

async fn send(pages: &Pages, provider: &Provider, then: String) -> Response {
    let (address, started) = match provider.start(&pages.redirect_uri()).await {
        Ok(begun) => begun,
        Err(error) => return pages::not_now(&format!("signing in at {}: {error:#}", provider.name())),
    };
    let ends_at = pages.clock.now().plus_seconds(SIGN_IN_SECONDS);
    let errand = serde_json::to_vec(&Errand { started, then, ends_at }).map_err(|error| error.to_string());
    let sealed = errand.and_then(|plain| pages.vault.seal(&plain, SEALED_FOR).map_err(|error| error.to_string()));
    match sealed {
        Err(error) => pages::not_now(&error),
        Ok(sealed) => {
            let mut response = pages::see(&address);
            pages.cookies().set_sign_in(response.headers_mut(), &sealed);
            response
        }
    }
}

/// Takes in somebody who comes back from a provider.
pub(super) async fn come_back(State(pages): Shared, request: Request<Body>) -> Shown {
    let address = forms::address(request.extensions());
    let mut response = match taken_in(&pages, request.headers(), request.uri(), address).await {
        Ok(response) | Err(response) => *response,
    };
    // It was good for one way there and back, however that ended.
    pages.cookies().drop_sign_in(response.headers_mut());
    response.into()
}

async fn taken_in(
    pages: &Pages,
    headers: &HeaderMap,
    uri: &Uri,
    address: IpAddr,
) -> Result<Box<Response>, Box<Response>> {
    let again = |message: String| Box::new(not_in(StatusCode::BAD_REQUEST, &message));
    let t = words();
    let failed = |cause: &dyn std::fmt::Display| Box::new(pages::not_now(cause));
    let query = query(uri);
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let errand = errand(pages, headers).ok_or_else(|| again(t.sign_in_too_long()))?;
    if !bool::from(text("state").as_bytes().ct_eq(errand.started.state.as_bytes())) {
        return Err(again(t.sign_in_other()));
    }
    let provider = pages.providers.iter().find(|provider| provider.name() == errand.started.provider);
    let provider = provider.ok_or_else(|| again(t.sign_in_unknown_place()))?;
    let own = pages.issuer.as_ref().map(|issuer| issuer.place().issuer_v2()).unwrap_or_default();
    let answered = provider.answered(query.get("iss").map(String::as_str), &own).await;
    if !answered.map_err(|error| failed(&format!("signing in at {}: {error:#}", provider.name())))? {
        return Err(again(t.sign_in_other_issuer()));
    }
    if text("code").is_empty() || query.contains_key("error") {
        return Err(again(t.sign_in_not_let_in()));
    }
    forms::may_try(pages, address)?;
    let id_token = redeem(pages, provider, text("code"), &errand.started.verifier).await;
    let id_token = id_token.map_err(|refused| refused.map_or_else(|| again(t.sign_in_code_used()), Box::new))?;
    let verified = verify(&pages.issuers, provider, &id_token, &errand.started.nonce).await;
    let verified = verified.map_err(|refused| match refused {
        NotVerified::Denied(denied) => Box::new(pages::foreign(StatusCode::BAD_REQUEST, &t.sign_in_not(), denied.0)),
        NotVerified::Unavailable(cause) | NotVerified::Failed(cause) => failed(&cause),
    })?;
    let principal = pages.gate.principal(&verified).map_err(|error| failed(&error))?;
    let Some(principal) = principal.filter(|principal| principal.kind == Kind::User) else {
        return Err(Box::new(unknown(&verified)));
    };
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let cookie = pages.sessions.begin(&principal, agent, address.to_string()).await.map_err(|error| failed(&error))?;
    // The browser forgets the session it had: so nobody else shall go on with it.
    if let Some(before) = &reader().visitor {
        let ended = pages.sessions.end(before.principal.id, Some(before.session)).await;
        ended.map_err(|error| failed(&error))?;
    }
    let mut response = pages::see(&errand.then);
    pages.cookies().set_session(response.headers_mut(), &cookie);
    Ok(Box::new(response))
}

/// Nobody is signed in, and why.
fn not_in(status: StatusCode, message: &str) -> Response {
    let t = words();
    pages::message(status, &t.sign_in_not(), message, &[], Some(("/sign-in", &t.sign_in())))
}

/// What the browser was sent away for, if that was a moment ago.
fn errand(pages: &Pages, headers: &HeaderMap) -> Option<Errand> {
    let sealed = pages.cookies().sign_in(headers)?;
    let plain = pages.vault.unseal(&sealed, SEALED_FOR).ok()?;
    let errand: Errand = serde_json::from_slice(&plain).ok()?;
    (errand.ends_at > pages.clock.now()).then_some(errand)
}

/// The ID token for a code; `None` where the code is refused.
async fn redeem(pages: &Pages, provider: &Provider, code: &str, verifier: &str) -> Result<String, Option<Response>> {
    let redirect_uri = pages.redirect_uri();
    if !provider.is_own() {
        let redeemed = provider.redeem(code, verifier, &redirect_uri).await;
        return redeemed.map_err(|error| {
            tracing::warn!(provider = provider.name(), error = format!("{error:#}"), "a code could not be redeemed");
            Some(not_in(StatusCode::BAD_GATEWAY, &words().sign_in_not_confirmed()))
        });
    }
    let issuer = pages.issuer.as_ref().ok_or(None)?;
    match issuer.redeem(code, provider.client_id(), &redirect_uri, verifier).await {
        Ok(token) => token.id_token.ok_or(None),
        Err(TokenRefusal::Failed(cause)) => Err(Some(pages::not_now(&cause))),
        Err(_) => Err(None),
    }
}

async fn verify(issuers: &Issuers, provider: &Provider, id_token: &str, nonce: &str) -> Result<Verified, NotVerified> {
    issuers.verify_id_token(provider.name(), id_token, provider.client_id(), nonce).await
}

/// Proven to be somebody, and a member of nothing.
fn unknown(verified: &Verified) -> Response {
    let t = words();
    let names = [t.sign_in_issuer(), t.sign_in_tenant(), t.sign_in_object(), t.sign_in_name()];
    let name = verified.name.as_deref().unwrap_or("");
    let facts = [&*verified.issuer, verified.tenant.as_str(), verified.subject.as_str(), name];
    let facts: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(facts).collect();
    let home = t.sign_in_somebody_else();
    let (title, message) = (t.sign_in_no_member_title(), t.sign_in_no_member());
    pages::message(StatusCode::FORBIDDEN, &title, &message, &facts, Some(("/sign-in", &home)))
}

/// A path on this service; anything else becomes the front page, so that nobody is sent elsewhere by a link to here.
pub(super) fn local(then: &str) -> &str {
    let plain = then.starts_with('/')
        && !then.starts_with("//")
        && !then.starts_with("/\\")
        && then.len() <= 1_000
        && then.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if plain { then } else { "/" }
}

pub(super) fn query(uri: &Uri) -> HashMap<String, String> {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for (then, expected) in [
            ("/account?x=1", "/account?x=1"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/a\\b", "/"),
            ("https://evil.example", "/"),
            ("javascript:alert(1)", "/"),
            ("/a\r\nSet-Cookie: x", "/"),
            ("", "/"),
            ("account", "/"),
        ] {
            assert_eq!(local(then), expected, "{then:?}");
        }
    }
}
