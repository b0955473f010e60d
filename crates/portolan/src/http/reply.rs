//! What answers are made of: JSON bodies, tagged documents, and where to look after a 202.

use super::errors::Problem;
use crate::store::Document;
use crate::wire;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{ETAG, IF_NONE_MATCH, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use publishing::offer::OfferKey;
use serde::Serialize;
use uuid::Uuid;

/// Where the original puts the address of an operation, beside `Location`.
const OPERATION_LOCATION: HeaderName = HeaderName::from_static("operation-location");

/// A JSON answer. The door adds the headers that every answer has.
pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => with_body(status, body),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

/// An answer with these bytes, or none.
pub(crate) fn with_body(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
}

/// A rendered document, or 304 where the caller has it.
pub(crate) fn document(document: Document, request: &HeaderMap) -> Response {
    let mut response = if is_known(request, IF_NONE_MATCH, &document.etag) {
        with_body(StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        with_body(StatusCode::OK, document.body)
    };
    response.headers_mut().insert(ETAG, document.etag);
    response
}

/// A value as a document of its own.
pub(crate) fn rendered<T: Serialize>(value: &T, request: &HeaderMap) -> Response {
    match wire::render(value) {
        Ok(rendered) => document(rendered, request),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

/// Whether a header of tags names this one: the caller has what it is the tag of.
pub(crate) fn is_known(request: &HeaderMap, header: HeaderName, etag: &HeaderValue) -> bool {
    request.get_all(header).iter().any(|tags| names(tags, etag))
}

/// Whether a list of tags names this one, compared weakly.
fn names(tags: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(tags), Ok(etag)) = (tags.to_str(), etag.to_str()) else { return false };
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    tags.split(',').any(|tag| tag.trim() == "*" || opaque(tag) == opaque(etag))
}

/// 202 with an empty body, and twice where to look: known clients read either header.
pub(crate) fn accepted(key: &OfferKey, operation: Uuid) -> Response {
    let location = api::paths::operation_location(key.publisher.as_str(), key.offer.as_str(), operation);
    let mut response = with_body(StatusCode::ACCEPTED, Body::empty());
    if let Ok(location) = HeaderValue::try_from(location) {
        let headers = response.headers_mut();
        headers.insert(OPERATION_LOCATION, location.clone());
        headers.insert(LOCATION, location);
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
