//! The heart: where an offer stands, served from memory.

use super::errors::Problem;
use super::offers::missing;
use super::request::At;
use super::{Shared, reply};
use crate::auth::Permission;
use api::status::StatusDocument;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;

/// Where an offer stands on its way from draft to live.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/offers/{offerId}/status", operation_id = "get_offer_status", tag = "Status",
    params(("publisherId" = String, Path), ("offerId" = String, Path), ("If-None-Match" = Option<String>, Header)),
    responses((status = 200, body = StatusDocument, headers(("ETag" = String))), (status = 304, description = "Not changed.")))]
pub(crate) async fn get_offer_status(State(rooms): Shared, at: At, headers: HeaderMap) -> Result<Response, Problem> {
    let authorised = at.authorise(&rooms.read, Permission::Read)?;
    let name = at.status_name(&authorised)?;
    match rooms.read.status(name.as_str())? {
        Some(document) => Ok(reply::document(document, &headers)),
        None => Err(missing(&at.key(&authorised)?)),
    }
}
