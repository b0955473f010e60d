//! One run of an offer, by its id or by the composite one.

use super::errors::Problem;
use super::offers;
use super::request::At;
use super::waiting::{self, ReadAgain};
use super::{Rooms, Shared, reply};
use crate::auth::Permission;
use crate::wire;
use api::operations::Operation as WireOperation;
use api::status::StatusDocument;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use publishing::offer::{Offer, OfferId, OfferKey};
use publishing::operation::{Course, Operation, Purpose};
use uuid::Uuid;

/// Where one run stands.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/offers/{offerId}/operations/{operationId}", operation_id = "get_operation", tag = "Status",
    params(("publisherId" = String, Path), ("offerId" = String, Path), ("operationId" = String, Path), ("If-None-Match" = Option<String>, Header),
        ("Prefer" = Option<String>, Header, description = "wait=30: where nothing has changed, the answer comes when it has, or after so many seconds.")),
    responses((status = 200, body = WireOperation, headers(("ETag" = String))), (status = 304, description = "Not changed.")))]
pub(crate) async fn get_operation(State(rooms): Shared, at: At, headers: HeaderMap) -> Result<Response, Problem> {
    let Some(seconds) = waiting::wanted(&headers) else { return by_id(&rooms, &at, &headers).await };
    let name = format!("{}/{}", at.name(0), at.name(1));
    let read: ReadAgain = |rooms, at, headers| Box::pin(by_id(rooms, at, headers));
    Box::pin(waiting::until_changed(rooms, at, headers, name, seconds, read)).await
}

async fn by_id(rooms: &Rooms, at: &At, headers: &HeaderMap) -> Result<Response, Problem> {
    let (key, offer) = offers::load(rooms, at).await?;
    let found = match Uuid::try_parse(at.name(2)) {
        Ok(id) => rooms.read.operation(id).await?,
        Err(_) => None,
    };
    // The id alone proves nothing: the run must be the path's offer's.
    let (_, operation) = found
        .filter(|(owner, _)| *owner == key)
        .ok_or_else(|| Problem::not_found("The offer has no operation of this id. Its submissions list their ids."))?;
    answer(rooms, &offer, &operation, headers)
}

/// Where one run stands, by `{publisherId}${offerId}${publishingVersion}${slot}`.
#[utoipa::path(get, path = "/api/operations/{operationId}", operation_id = "get_operation_by_composite_id", tag = "Status",
    params(("operationId" = String, Path, description = "{publisherId}${offerId}${publishingVersion}${slot}; slot preview or production"), ("If-None-Match" = Option<String>, Header),
        ("Prefer" = Option<String>, Header, description = "wait=30: where nothing has changed, the answer comes when it has, or after so many seconds.")),
    responses((status = 200, body = WireOperation, headers(("ETag" = String))), (status = 304, description = "Not changed.")))]
pub(crate) async fn get_operation_by_composite_id(
    State(rooms): Shared,
    at: At,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(seconds) = waiting::wanted(&headers) else { return by_composite_id(&rooms, &at, &headers).await };
    let name = at.name(0).split('$').take(2).collect::<Vec<_>>().join("/");
    let read: ReadAgain = |rooms, at, headers| Box::pin(by_composite_id(rooms, at, headers));
    Box::pin(waiting::until_changed(rooms, at, headers, name, seconds, read)).await
}

async fn by_composite_id(rooms: &Rooms, at: &At, headers: &HeaderMap) -> Result<Response, Problem> {
    let none = || {
        Problem::not_found(
            "This is no id of an operation. Write it as publisher$offer$publishingVersion$slot, the slot being preview or production.",
        )
    };
    let absent = || {
        Problem::not_found(
            "There is no such operation. Check publisher, offer, publishingVersion and slot; the offer's submissions list them.",
        )
    };
    let parts: Vec<&str> = at.name(0).split('$').collect();
    let [publisher, offer, version, slot] = parts[..] else { return Err(none()) };
    let authorised = at.authorise_at(publisher, &rooms.read, Permission::Read)?;
    let offer = OfferId::parse(offer).ok_or_else(none)?;
    let key = OfferKey { publisher: authorised.publisher().clone(), offer };
    let purpose = match slot.to_ascii_lowercase().as_str() {
        "preview" | "staging" => Purpose::Publish,
        "production" => Purpose::GoLive,
        _ => return Err(none()),
    };
    let version: i64 = version.parse().map_err(|_| none())?;
    let stored = rooms.read.offer(&key).await?.ok_or_else(absent)?;
    // The offer's version when it was published is one less than the publishing version.
    let operation =
        rooms.read.operation_of_version(&key, version.saturating_sub(1), purpose).await?.ok_or_else(absent)?;
    answer(rooms, &stored, &operation, headers)
}

fn answer(rooms: &Rooms, offer: &Offer, operation: &Operation, headers: &HeaderMap) -> Result<Response, Problem> {
    let mut shown = wire::operation(operation, offer, rooms.success_word, &rooms.links);
    // An older one goes no further. Of the newest the status document says what its steps usually take, and this the same.
    let goes_on =
        operation.course == Course::Running && offer.operation.as_ref().is_some_and(|newest| newest.id == operation.id);
    if goes_on && let Some(document) = rooms.read.status(&offer.key.name())? {
        let told: StatusDocument = serde_json::from_slice(&document.body).map_err(|error| Problem::internal(&error))?;
        wire::copy_usual(&mut shown.steps, &told.steps);
    }
    Ok(reply::rendered(&shown, headers))
}
