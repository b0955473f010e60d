//! Outside systems call back: signed with the secret of the checker, and without a token.

use super::errors::Problem;
use super::request::read_body;
use super::{Rooms, Shared, reply};
use crate::auth::Unauthenticated;
use crate::checks::Callback;
use crate::checks::said::LONGEST_SAID;
use crate::perform::Failure;
use crate::store::StoreError;
use api::errors::ErrorCode;
use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use publishing::command::CheckRef;
use publishing::message::Message;
use publishing::offer::OfferKey;
use publishing::pipeline::CheckKind;
use publishing::refusal::Refusal;
use serde::Serialize;
use uuid::Uuid;

/// One answer for all that is not signed as it has to be, and for all that is not there: it tells nothing of either.
const NOT_SIGNED: Unauthenticated = Unauthenticated(
    "Authorization has been denied for this request: it is not signed by the checker of a check that is here. Sign it after Standard Webhooks with the checker's secret, and send the id of the start request in the body.",
);

/// Why a callback that was authenticated changed nothing.
const SUPERSEDED: &str = "It came twice, too late, or after something newer.";

const TOO_OFTEN: &str = "This check said less than a second ago that it goes on. Say it once a second at most; how it ends is taken at once.";

/// What became of a callback.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Heard {
    /// Whether it changed anything.
    applied: bool,
    /// Why not, if not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    reason: Option<&'static str>,
}

/// How a check stands, as a checker says it. The documentation for checkers tells the bounds.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is only described here; the room of the checks reads it")]
pub(crate) struct CheckReport {
    /// The id of the start request.
    id: String,
    /// Rises with everything that is said of the check.
    #[schema(minimum = 1, maximum = 9_007_199_254_740_991_u64)]
    sequence: u64,
    /// How it stands.
    state: CheckReportState,
    /// How much is done.
    #[schema(value_type = CheckReportProgress, required = false)]
    progress: Option<CheckReportProgress>,
    /// All there is to say so far.
    #[schema(max_items = 200, required = false)]
    messages: Vec<CheckReportMessage>,
}

/// How a check stands.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is only described here")]
pub(crate) enum CheckReportState {
    Running,
    Passed,
    Rejected,
    Blocked,
}

/// How many of how many parts are done.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "it is only described here")]
pub(crate) struct CheckReportProgress {
    #[schema(maximum = 10_000)]
    done: u32,
    #[schema(minimum = 1, maximum = 10_000)]
    total: u32,
}

/// One thing that a checker says to the publisher; `message` or `messageHtml` is needed.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is only described here")]
pub(crate) struct CheckReportMessage {
    level: CheckReportLevel,
    #[schema(value_type = String, required = false, max_length = 4_000)]
    message: Option<String>,
    #[schema(value_type = String, required = false, max_length = 4_000)]
    message_html: Option<String>,
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9._-]{1,64}$")]
    code: Option<String>,
    #[schema(value_type = String, required = false, max_length = 2_000)]
    target: Option<String>,
    #[schema(value_type = String, required = false, max_length = 4_000)]
    mend: Option<String>,
    #[schema(value_type = String, required = false, max_length = 2_000)]
    link: Option<String>,
}

/// How grave a message is.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[allow(dead_code, reason = "it is only described here")]
pub(crate) enum CheckReportLevel {
    Information,
    Warning,
    Error,
}

/// An outside system says how a check stands. What comes twice, late or out of order is taken, and changes nothing.
#[utoipa::path(post, path = "/api/checks/{operationId}/{stepId}/{index}/report", operation_id = "report_check", tag = "Checks",
    params(("operationId" = String, Path), ("stepId" = String, Path), ("index" = String, Path),
        ("webhook-id" = String, Header), ("webhook-timestamp" = String, Header), ("webhook-signature" = String, Header)),
    request_body = CheckReport, responses((status = 200, body = Heard)))]
pub(crate) async fn report_check(
    State(rooms): Shared,
    names: Result<RawPathParams, RawPathParamsRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let body = read_body(body, LONGEST_SAID).await?;
    // Before anything is looked up: whoever cannot sign learns from no answer, and from no time, what is here.
    let signers = rooms.checks.signers(&headers, &body);
    if signers.is_empty() {
        return Ok(NOT_SIGNED.into_response());
    }
    let Some(asked) = asked(&rooms, names.ok().as_ref(), &signers).await? else {
        return Ok(NOT_SIGNED.into_response());
    };
    let callback = Callback::read(&body).map_err(|fault| Problem::bad_request(fault.target(), fault.to_string()))?;
    let Some(round) = callback.round_of(&asked.check) else { return Ok(NOT_SIGNED.into_response()) };
    if callback.is_newer_than(asked.heard) && !rooms.checks.takes(&asked.checker, &callback) {
        return Err(Problem::new(ErrorCode::TooManyRequests, TOO_OFTEN).after(1));
    }
    let report = callback.report(&asked.said, rooms.perform.now());
    let heard = match rooms.perform.hear(&asked.key, &asked.checker, asked.check, round, report).await {
        Ok(_) => Heard { applied: true, reason: None },
        Err(Failure::Refused(Refusal::Superseded)) => Heard { applied: false, reason: Some(SUPERSEDED) },
        Err(failure) => return Err(failure.into()),
    };
    Ok(reply::json(StatusCode::OK, &heard))
}

/// The check that a path names.
struct Asked {
    key: OfferKey,
    check: CheckRef,
    checker: String,
    said: Vec<Message>,
    /// The number of the newest thing it said.
    heard: u64,
}

/// The check that the path names, if one of these checkers does it.
async fn asked(rooms: &Rooms, names: Option<&RawPathParams>, signers: &[&str]) -> Result<Option<Asked>, StoreError> {
    let names: Vec<&str> = names.map(|names| names.iter().map(|(_, value)| value).collect()).unwrap_or_default();
    let [operation, step, index] = names[..] else { return Ok(None) };
    let (Ok(operation), Ok(index)) = (Uuid::try_parse(operation), index.parse()) else { return Ok(None) };
    let Some((key, operation)) = rooms.read.operation(operation).await? else { return Ok(None) };
    let Some(step) = operation.steps.iter().position(|one| one.id == step) else { return Ok(None) };
    let at = CheckRef { operation: operation.id, step, check: index };
    let Some(check) = operation.check(&at) else { return Ok(None) };
    Ok(match &check.kind {
        CheckKind::Http { checker, .. } if signers.contains(&checker.as_str()) => {
            let heard = check.outside.as_ref().map_or(0, |outside| outside.sequence);
            Some(Asked { key, check: at, checker: checker.clone(), said: check.messages.clone(), heard })
        }
        _ => None,
    })
}
