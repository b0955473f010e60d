//! Explain: whose turn it is and what would clear it; and what a cancel would come to.

use super::errors::Problem;
use super::offers::missing;
use super::request::{At, query};
use super::{Rooms, Shared, reply};
use crate::auth::{Authorised, Permission};
use crate::wire;
use api::explain::{CancelForecast, Explanation};
use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use publishing::cancel;
use publishing::command::Command;
use publishing::explain::explain;
use publishing::offer::OfferKey;

/// Whose turn it is with an offer, since when and until when, and what would clear it. Ours; the original had no such call.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/offers/{offerId}/explain", operation_id = "explain_offer", tag = "Status",
    params(("publisherId" = String, Path), ("offerId" = String, Path)), responses((status = 200, body = Explanation)))]
pub(crate) async fn explain_offer(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let authorised = at.authorise(&rooms.read, Permission::Read)?;
    let key = at.key(&authorised)?;
    let offer = rooms.read.offer(&key).await?.ok_or_else(|| missing(&key))?;
    let usually = rooms.perform.usual_end(&offer)?;
    Ok(reply::json(StatusCode::OK, &wire::explanation(&explain(&offer, rooms.perform.now()), usually.as_ref())))
}

/// Whether the query asks for a dry run. Its name is read without regard to case, for a slip there must not cancel anything.
pub(super) fn is_dry_run(uri: &Uri) -> Result<bool, Problem> {
    let refused = |what| Problem::bad_request("dryRun", format!("dryRun {what}. Write true or false, once."));
    let mut given = query(uri).into_iter().filter(|(name, _)| name.eq_ignore_ascii_case("dryRun"));
    let Some((_, value)) = given.next() else { return Ok(false) };
    if given.next().is_some() {
        return Err(refused("is given twice"));
    }
    match value.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(refused("is neither true nor false")),
    }
}

/// Refuses a dry run where there is none: it must not really be done.
pub(super) fn no_dry_run(uri: &Uri) -> Result<(), Problem> {
    let message = "dryRun=true is there for a publish and a cancel, and for nothing else; nothing was done. Read the offer's explain, which says what can be done and where that leads, or leave dryRun out to really do it.";
    if is_dry_run(uri)? { Err(Problem::bad_request("dryRun", message)) } else { Ok(()) }
}

/// What a cancel would come to, with the status document as it would be.
pub(super) async fn forecast(
    rooms: &Rooms,
    by: &Authorised<'_>,
    key: &OfferKey,
    command: Command,
) -> Result<Response, Problem> {
    let foreseen = rooms.perform.foresee(by, &key.offer, command).await?;
    let document = serde_json::from_slice(&foreseen.document.body).map_err(|error| Problem::internal(&error))?;
    let forecast = wire::cancel(&cancel::foresee(&foreseen.before)?);
    Ok(reply::json(StatusCode::OK, &CancelForecast { status_document: Some(document), ..forecast }))
}
