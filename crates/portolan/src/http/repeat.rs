//! Requests that shall be done once, however often they are sent: the key in their headers, and what their answers say of it.

use super::errors::Problem;
use super::request::{LONGEST_ACTION, read_body};
use crate::auth::{Caller, Done, Once};
use crate::store::Hash;
use api::paths::API_VERSION_PARAMETER;
use axum::body::Body;
use axum::response::Response;
use http::header::IF_MATCH;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use jiff::fmt::strtime;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::sync::Arc;
use uuid::Uuid;

pub(super) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
pub(super) const REQUEST_ID: &str = "Repeatability-Request-ID";
pub(super) const FIRST_SENT: &str = "Repeatability-First-Sent";

const RESULT: HeaderName = HeaderName::from_static("repeatability-result");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

const LONGEST_KEY: usize = 255;

/// What a sender calls a request.
#[derive(Debug)]
pub(super) struct Key<'a> {
    pub(super) text: Cow<'a, str>,
    /// The header that holds it.
    pub(super) header: &'static str,
}

/// The key of a request, if it has one.
///
/// # Errors
/// 400 where a header cannot be, or the two of them name two keys.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<Key<'_>>, Problem> {
    let (id, text) = (one(headers, REQUEST_ID)?, one(headers, IDEMPOTENCY_KEY)?);
    let first_sent = one(headers, FIRST_SENT)?;
    let Some(id) = id else {
        if first_sent.is_some() {
            let message = format!("This stands alone, and makes nothing repeatable. Send {REQUEST_ID} with it.");
            return Err(Problem::bad_request(FIRST_SENT, message));
        }
        return Ok(text.map(|text| Key { text: text.into(), header: IDEMPOTENCY_KEY }));
    };
    let guid = guid(id).ok_or_else(|| {
        Problem::bad_request(REQUEST_ID, "This is no GUID. Send one like 0f8fad5b-d9cb-469f-a165-70867728950e.")
    })?;
    if first_sent.is_some_and(|date| !is_http_date(date)) {
        let message = "This is no HTTP date. Send one like Sun, 22 Nov 2026 09:40:00 GMT, or leave it out.";
        return Err(Problem::bad_request(FIRST_SENT, message));
    }
    if text.is_some_and(|text| self::guid(text) != Some(guid)) {
        let message =
            format!("This and {REQUEST_ID} are two keys for one request. Send one of them, or the same twice.");
        return Err(Problem::bad_request(IDEMPOTENCY_KEY, message));
    }
    Ok(Some(Key { text: guid.to_string().into(), header: REQUEST_ID }))
}

/// The value of a header that is there once, or not at all.
fn one<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let is_text = |text: &&str| (1..=LONGEST_KEY).contains(&text.len());
    let text = value.to_str().ok().filter(is_text).filter(|_| values.next().is_none());
    let message = format!(
        "This header is empty, too long, not ASCII, or there twice. Send 1 to {LONGEST_KEY} ASCII characters, once, or leave it out."
    );
    text.map(Some).ok_or_else(|| Problem::bad_request(name, message))
}

fn guid(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|_| text.len() == 36)
}

fn is_http_date(text: &str) -> bool {
    // Fields may be shorter where they are read than where they are written.
    text.len() == 29 && strtime::parse("%a, %d %b %Y %H:%M:%S GMT", text).is_ok_and(|date| date.to_datetime().is_ok())
}

/// Prepares a request of this caller that carries a key: reads its body, and knows it again by what was sent.
///
/// # Errors
/// 400 where the key cannot be one; whatever a body can be refused for.
pub(super) async fn prepare(request: &mut Request<Body>, caller: &Caller) -> Result<Option<Arc<Once>>, Problem> {
    if request.method() != Method::POST {
        return Ok(None);
    }
    let Some(Key { text, header }) = key(request.headers())? else { return Ok(None) };
    let key = hash(&[&who(caller), text.as_bytes()]);
    let body = read_body(std::mem::take(request.body_mut()), LONGEST_ACTION).await?;
    let once = Once::new(key, digest(&key, request, &body), header);
    *request.body_mut() = Body::from(body);
    Ok(Some(Arc::new(once)))
}

/// Whose key it is.
fn who(caller: &Caller) -> Vec<u8> {
    match (caller.principal(), caller.setup()) {
        (Some(id), _) => id.as_bytes().to_vec(),
        (None, Some(setup)) => setup.to_vec(),
        (None, None) => caller.name().as_bytes().to_vec(),
    }
}

/// All that makes two requests the same. The key is in it, so that nobody who sees the digest can try out what was sent.
fn digest(key: &Hash, request: &Request<Body>, body: &[u8]) -> Hash {
    let uri = request.uri();
    // Names in paths are the same in capitals and not, and what is not there is not done.
    let path = uri.path().to_ascii_lowercase();
    let mut said = vec![key.to_vec(), request.method().as_str().into(), path.into(), body.to_vec()];
    // The version is another matter: all that are accepted mean the same.
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    for (name, value) in query.filter(|(name, _)| !name.eq_ignore_ascii_case(API_VERSION_PARAMETER)) {
        said.extend([b"query".to_vec(), name.as_bytes().to_vec(), value.as_bytes().to_vec()]);
    }
    for condition in request.headers().get_all(IF_MATCH) {
        said.extend([b"if-match".to_vec(), condition.as_bytes().to_vec()]);
    }
    hash(&said)
}

/// The hash of some texts, each after its length.
fn hash(parts: &[impl AsRef<[u8]>]) -> Hash {
    let hasher = parts.iter().map(AsRef::as_ref).fold(Sha256::new(), |hasher, part: &[u8]| {
        hasher.chain_update((part.len() as u64).to_be_bytes()).chain_update(part)
    });
    hasher.finalize().into()
}

/// Says in the answer what became of the key.
pub(super) fn tell(once: &Once, response: &mut Response) {
    if let Some(done) = once.done().filter(|_| response.status().is_success()) {
        say(response, once.header(), done == Done::Before);
    }
}

/// The same for a key that was taken some other way.
pub(super) fn say(response: &mut Response, header: &str, is_replay: bool) {
    let headers = response.headers_mut();
    if header == REQUEST_ID {
        headers.insert(RESULT, HeaderValue::from_static("accepted"));
    }
    if is_replay {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
}
