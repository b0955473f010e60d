//! Publish, go live, cancel, roll back.

use super::errors::Problem;
use super::offers::missing;
use super::request::{At, expected, read_action, read_own};
use super::{Rooms, Shared, reply};
use crate::auth::Permission;
use api::offers::{ActionRequest, RollBackRequest};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use publishing::command::Command;
use publishing::decide::Answer;

/// Starts the way from draft to preview.
#[utoipa::path(post, path = "/api/publishers/{publisherId}/offers/{offerId}/publish", operation_id = "publish_offer", tag = "Actions",
    params(("publisherId" = String, Path), ("offerId" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = Option<ActionRequest>,
    responses((status = 202, description = "Started; Operation-Location and Location say where to look.", headers(("Operation-Location" = String), ("Location" = String)))))]
pub(crate) async fn publish_offer(
    State(rooms): Shared,
    at: At,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let expected = expected(&headers);
    act(&rooms, &at, body, Permission::Publish, |emails| Command::Publish { emails, expected }).await
}

/// Signs off the preview, and starts the way to production. The mail list is that of the publish.
#[utoipa::path(post, path = "/api/publishers/{publisherId}/offers/{offerId}/golive", operation_id = "go_live_offer", tag = "Actions",
    params(("publisherId" = String, Path), ("offerId" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = Option<ActionRequest>,
    responses((status = 202, description = "Started; Operation-Location and Location say where to look.", headers(("Operation-Location" = String), ("Location" = String)))))]
pub(crate) async fn go_live_offer(
    State(rooms): Shared,
    at: At,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let expected = expected(&headers);
    act(&rooms, &at, body, Permission::GoLive, |_| Command::GoLive { expected }).await
}

/// Cancels the submission that runs or awaits sign-off.
#[utoipa::path(post, path = "/api/publishers/{publisherId}/offers/{offerId}/cancel", operation_id = "cancel_offer", tag = "Actions",
    params(("publisherId" = String, Path), ("offerId" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = Option<ActionRequest>,
    responses((status = 200, description = "Canceled."),
        (status = 202, description = "Canceled as soon as the check in hand lets go.", headers(("Operation-Location" = String), ("Location" = String)))))]
pub(crate) async fn cancel_offer(
    State(rooms): Shared,
    at: At,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let expected = expected(&headers);
    act(&rooms, &at, body, Permission::Cancel, |_| Command::Cancel { expected }).await
}

/// Puts the version that was in production before back there, at once. Ours; the original had no way back.
#[utoipa::path(post, path = "/api/publishers/{publisherId}/offers/{offerId}/rollback", operation_id = "roll_back_offer", tag = "Actions",
    params(("publisherId" = String, Path), ("offerId" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = RollBackRequest, responses((status = 200, description = "Rolled back: customers see the version before.")))]
pub(crate) async fn roll_back_offer(
    State(rooms): Shared,
    at: At,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let authorised = at.authorise(&rooms.read, Permission::GoLive)?;
    let key = at.key(&authorised)?;
    rooms.read.offer(&key).await?.ok_or_else(|| missing(&key))?;
    let RollBackRequest { from } = read_own(body).await?;
    let command = Command::RollBack { from, expected: expected(&headers) };
    rooms.perform.perform(&authorised, &key.offer, command).await?;
    Ok(reply::with_body(StatusCode::OK, Body::empty()))
}

/// 403, 404, the body, and then the rules (wire contract, "Order of checks").
async fn act(
    rooms: &Rooms,
    at: &At,
    body: Body,
    permission: Permission,
    command: impl FnOnce(Vec<String>) -> Command,
) -> Result<Response, Problem> {
    let authorised = at.authorise(&rooms.read, permission)?;
    let key = at.key(&authorised)?;
    if rooms.read.status(at.status_name(&authorised)?.as_str())?.is_none() {
        return Err(missing(&key));
    }
    let emails = read_action(body).await?;
    let performed = rooms.perform.perform(&authorised, &key.offer, command(emails)).await?;
    Ok(match performed.answer {
        Answer::Started(operation) | Answer::CancelRequested(operation) => reply::accepted(&key, operation),
        Answer::Canceled | Answer::Saved { .. } | Answer::Held(_) | Answer::Synchronised(_) | Answer::Recorded => {
            reply::with_body(StatusCode::OK, Body::empty())
        }
    })
}
