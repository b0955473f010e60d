//! Publish, go live, cancel, roll back.

use super::errors::Problem;
use super::explain::{forecast, is_dry_run, no_dry_run};
use super::judging::judge;
use super::offers::missing;
use super::request::{At, expected, read_action, read_own};
use super::{Rooms, Shared, reply};
use crate::auth::{Authorised, Permission};
use api::explain::{CancelForecast, PublishForecast};
use api::offers::{ActionRequest, RollBackRequest};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};
use publishing::command::Command;
use publishing::decide::Answer;
use publishing::offer::OfferKey;

/// Starts the way from draft to preview. A dry run (ours) changes nothing, and judges the draft, or the offer that is its body.
#[utoipa::path(post, path = "/api/publishers/{publisherId}/offers/{offerId}/publish", operation_id = "publish_offer", tag = "Actions",
    params(("publisherId" = String, Path), ("offerId" = String, Path), ("If-Match" = Option<String>, Header),
        ("dryRun" = Option<bool>, Query, description = "Changes nothing, and answers what the publish would come to. The body may be an offer, as a PUT takes it.")),
    request_body = Option<ActionRequest>,
    responses((status = 200, description = "Of a dry run: nothing is wrong with it.", body = PublishForecast), (status = 202, description = "Started; Operation-Location and Location say where to look.", headers(("Operation-Location" = String), ("Location" = String)))))]
pub(crate) async fn publish_offer(
    State(rooms): Shared,
    at: At,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if is_dry_run(&uri).unwrap_or_default() {
        return judge(&rooms, &at, &headers, body).await;
    }
    let expected = expected(&headers);
    act(&rooms, &at, &uri, body, Permission::Publish, |emails| Command::Publish { emails, expected }).await
}

/// Signs off the preview, and starts the way to production. The mail list is that of the publish.
#[utoipa::path(post, path = "/api/publishers/{publisherId}/offers/{offerId}/golive", operation_id = "go_live_offer", tag = "Actions",
    params(("publisherId" = String, Path), ("offerId" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = Option<ActionRequest>,
    responses((status = 202, description = "Started; Operation-Location and Location say where to look.", headers(("Operation-Location" = String), ("Location" = String)))))]
pub(crate) async fn go_live_offer(
    State(rooms): Shared,
    at: At,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let expected = expected(&headers);
    act(&rooms, &at, &uri, body, Permission::GoLive, |_| Command::GoLive { expected }).await
}

/// Cancels the submission that runs or awaits sign-off. A dry run (ours) changes nothing, and answers what this would come to.
#[utoipa::path(post, path = "/api/publishers/{publisherId}/offers/{offerId}/cancel", operation_id = "cancel_offer", tag = "Actions",
    params(("publisherId" = String, Path), ("offerId" = String, Path), ("If-Match" = Option<String>, Header),
        ("dryRun" = Option<bool>, Query, description = "Changes nothing, and answers what the cancel would come to.")),
    request_body = Option<ActionRequest>,
    responses((status = 200, description = "Canceled, without a body; of a dry run, what it would come to.", body = CancelForecast),
        (status = 202, description = "Canceled as soon as the check in hand lets go.", headers(("Operation-Location" = String), ("Location" = String)))))]
pub(crate) async fn cancel_offer(
    State(rooms): Shared,
    at: At,
    headers: HeaderMap,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    let command = Command::Cancel { expected: expected(&headers) };
    let (authorised, key) = admitted(&rooms, &at, Permission::Cancel)?;
    let is_dry_run = is_dry_run(&uri)?;
    read_action(body).await?;
    if is_dry_run {
        return forecast(&rooms, &authorised, &key, command).await;
    }
    done(&rooms, &authorised, &key, command).await
}

/// Puts the version that was in production before back there, at once. Ours; the original had no way back.
#[utoipa::path(post, path = "/api/publishers/{publisherId}/offers/{offerId}/rollback", operation_id = "roll_back_offer", tag = "Actions",
    params(("publisherId" = String, Path), ("offerId" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = RollBackRequest, responses((status = 200, description = "Rolled back: customers see the version before.")))]
pub(crate) async fn roll_back_offer(
    State(rooms): Shared,
    at: At,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let authorised = at.authorise(&rooms.read, Permission::GoLive)?;
    let key = at.key(&authorised)?;
    rooms.read.offer(&key).await?.ok_or_else(|| missing(&key))?;
    no_dry_run(&uri)?;
    let RollBackRequest { from } = read_own(body).await?;
    let command = Command::RollBack { from, expected: expected(&headers) };
    rooms.perform.perform(&authorised, &key.offer, command).await?;
    Ok(reply::with_body(StatusCode::OK, Body::empty()))
}

/// 403, 404, the body, and then the rules (wire contract, "Order of checks").
async fn act(
    rooms: &Rooms,
    at: &At,
    uri: &Uri,
    body: Body,
    permission: Permission,
    command: impl FnOnce(Vec<String>) -> Command,
) -> Result<Response, Problem> {
    let (authorised, key) = admitted(rooms, at, permission)?;
    no_dry_run(uri)?;
    let emails = read_action(body).await?;
    done(rooms, &authorised, &key, command(emails)).await
}

/// Whoever may ask this of the path's offer, which is there.
fn admitted<'a>(rooms: &Rooms, at: &'a At, permission: Permission) -> Result<(Authorised<'a>, OfferKey), Problem> {
    let authorised = at.authorise(&rooms.read, permission)?;
    let key = at.key(&authorised)?;
    if rooms.read.status(at.status_name(&authorised)?.as_str())?.is_none() {
        return Err(missing(&key));
    }
    Ok((authorised, key))
}

async fn done(
    rooms: &Rooms,
    authorised: &Authorised<'_>,
    key: &OfferKey,
    command: Command,
) -> Result<Response, Problem> {
    let performed = rooms.perform.perform(authorised, &key.offer, command).await?;
    Ok(match performed.answer {
        Answer::Started(operation) | Answer::CancelRequested(operation) => reply::accepted(key, operation),
        Answer::Canceled | Answer::Saved { .. } | Answer::Held(_) | Answer::Synchronised(_) | Answer::Recorded => {
            reply::with_body(StatusCode::OK, Body::empty())
        }
    })
}
