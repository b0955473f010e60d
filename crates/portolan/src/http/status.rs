//! The heart: where an offer stands, served from memory.

use super::errors::Problem;
use super::offers::missing;
use super::request::At;
use super::{Rooms, Shared, history, reply, waiting};
use crate::auth::Permission;
use api::status::StatusDocument;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Uri};

/// Where an offer stands on its way from draft to live.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/offers/{offerId}/status", operation_id = "get_offer_status", tag = "Status",
    params(("publisherId" = String, Path), ("offerId" = String, Path),
        ("asOf" = Option<String>, Query, description = "As it was at this moment, such as 2026-11-22T09:41:00Z; as it is now where nothing is said."),
        ("If-None-Match" = Option<String>, Header),
        ("Prefer" = Option<String>, Header, description = "wait=30: where nothing has changed, the answer comes when it has, or after so many seconds.")),
    responses((status = 200, body = StatusDocument, headers(("ETag" = String))), (status = 304, description = "Not changed.")))]
pub(crate) async fn get_offer_status(
    State(rooms): Shared,
    at: At,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let as_of = history::as_of(&uri);
    if !matches!(as_of, Ok(None)) {
        let key = at.key(&at.authorise(&rooms.read, Permission::Read)?)?;
        if let Some(moment) = as_of? {
            return Box::pin(history::status_at(&rooms, &key, &moment, &headers)).await;
        }
    }
    let Some(seconds) = waiting::wanted(&headers) else { return newest(&rooms, &at, &headers) };
    let name = format!("{}/{}", at.name(0), at.name(1));
    // In a box: whoever does not wait shall not carry what waiting takes.
    Box::pin(waiting::until_changed(rooms, at, headers, name, seconds, |rooms, at, headers| {
        Box::pin(async move { newest(rooms, at, headers) })
    }))
    .await
}

fn newest(rooms: &Rooms, at: &At, headers: &HeaderMap) -> Result<Response, Problem> {
    let authorised = at.authorise(&rooms.read, Permission::Read)?;
    let name = at.status_name(&authorised)?;
    match rooms.read.status(name.as_str())? {
        Some(document) => Ok(reply::document(document, headers)),
        None => Err(missing(&at.key(&authorised)?)),
    }
}
