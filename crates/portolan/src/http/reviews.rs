//! Reviews: the steps that wait for a person, and the verdicts on them.

use super::errors::Problem;
use super::request::{At, LONGEST_ACTION, read_body};
use super::{Shared, json, reply};
use crate::auth::Permission;
use crate::wire;
use api::reviews::{Review, Verdict as WireVerdict, VerdictRequest};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use publishing::command::{Command, Reason, Verdict};
use publishing::offer::OfferKey;
use publishing::operation::{Operation, Step};
use publishing::status::StepStatus;
use serde_json::{Map, Value};
use uuid::Uuid;

const SAMPLE: &str =
    r#"{"message":"The small logo is 40 x 40 px; upload 48 x 48.","code":"IMG-048","target":"/definition/offer"}"#;

/// The longest text, code and pointer of a verdict, in characters.
const LONGEST_MESSAGE: usize = 2_000;
const LONGEST_CODE: usize = 64;

/// The steps that wait for a reviewer or are blocked, oldest submission first.
#[utoipa::path(get, path = "/api/reviews", operation_id = "list_reviews", tag = "Reviews", responses((status = 200, body = Vec<Review>)))]
pub(crate) async fn list_reviews(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    at.caller().authorise_marketplace(Permission::Review)?;
    let running = rooms.read.running().await?;
    let reviews: Vec<Review> = running.iter().flat_map(|(key, operation)| waiting(key, operation)).collect();
    Ok(reply::json(StatusCode::OK, &reviews))
}

fn waiting<'a>(key: &'a OfferKey, operation: &'a Operation) -> impl Iterator<Item = Review> + 'a {
    let waits = |step: &&Step| matches!(step.status(), StepStatus::WaitingForApproval | StepStatus::Blocked);
    operation.steps.iter().filter(waits).map(move |step| Review {
        publisher_id: key.publisher.as_str().to_owned(),
        offer_id: key.offer.as_str().to_owned(),
        operation_id: operation.id,
        offer_version: operation.offer_version,
        step_id: step.id.clone(),
        step_name: step.name.clone(),
        blocked: step.status() == StepStatus::Blocked,
        waiting_since: wire::date(step.reached_at.unwrap_or(operation.started_at)),
    })
}

/// Approves, rejects, blocks or unblocks a step. Reject and block say why.
#[utoipa::path(post, path = "/api/reviews/{operationId}/{stepId}/{verdict}", operation_id = "give_verdict", tag = "Reviews",
    params(("operationId" = String, Path), ("stepId" = String, Path), ("verdict" = String, Path, description = "approve, reject, block, unblock")),
    request_body = Option<VerdictRequest>, responses((status = 200, description = "Done.")))]
pub(crate) async fn give_verdict(State(rooms): Shared, at: At, body: Body) -> Result<Response, Problem> {
    at.caller().authorise_marketplace(Permission::Review)?;
    let no_review = || Problem::not_found("There is no such operation to review. GET /api/reviews lists what waits.");
    let operation = Uuid::try_parse(at.name(0)).map_err(|_| no_review())?;
    let (key, _) = rooms.read.operation(operation).await?.ok_or_else(no_review)?;
    let word = WireVerdict::parse(&at.name(2).to_ascii_lowercase())
        .ok_or_else(|| Problem::not_found("There is no such verdict. Use approve, reject, block or unblock."))?;
    let request = read(&read_body(body, LONGEST_ACTION).await?)?;
    let command = Command::GiveVerdict { operation, step: at.name(1).to_owned(), verdict: verdict(word, request)? };
    let authorised = at.caller().authorise_staff(key.publisher.clone(), Permission::Review)?;
    rooms.perform.perform(&authorised, &key.offer, command).await?;
    Ok(reply::with_body(StatusCode::OK, Body::empty()))
}

/// Reads the body of a verdict; no body is an empty one.
fn read(body: &[u8]) -> Result<VerdictRequest, Problem> {
    if body.trim_ascii().is_empty() {
        return Ok(VerdictRequest::default());
    }
    let not_object =
        |_| Problem::bad_request("", format!("The body is not a JSON object. Send something like {SAMPLE}"));
    let members: Map<String, Value> = serde_json::from_str(json::check(body)?).map_err(not_object)?;
    let text = |name: &str| match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Problem::bad_request(format!("/{name}"), format!("{name} is not a text. Send a JSON string."))),
    };
    Ok(VerdictRequest { message: text("message")?, code: text("code")?, target: text("target")? })
}

fn verdict(word: WireVerdict, request: VerdictRequest) -> Result<Verdict, Problem> {
    let without_reason = |verdict| match request {
        VerdictRequest { message: None, code: None, target: None } => Ok(verdict),
        _ => Err(Problem::bad_request(
            "",
            format!("{} takes no reason: nobody would read it. Send no body.", word.word()),
        )),
    };
    match word {
        WireVerdict::Approve => without_reason(Verdict::Approve),
        WireVerdict::Unblock => without_reason(Verdict::Unblock),
        WireVerdict::Reject => reason(request).map(Verdict::Reject),
        WireVerdict::Block => reason(request).map(Verdict::Block),
    }
}

fn reason(request: VerdictRequest) -> Result<Reason, Problem> {
    let text = request.message.unwrap_or_default().trim().to_owned();
    if text.is_empty() {
        let message = "message is missing or blank. The publisher will read it: say what is wrong and how to mend it.";
        return Err(Problem::bad_request("/message", message));
    }
    let code = request.code.unwrap_or_default();
    let target = request.target.unwrap_or_default();
    for (name, value, longest) in
        [("message", &text, LONGEST_MESSAGE), ("code", &code, LONGEST_CODE), ("target", &target, LONGEST_MESSAGE)]
    {
        if value.chars().count() > longest {
            let message = format!("{name} is too long. Give at most {longest} characters.");
            return Err(Problem::bad_request(format!("/{name}"), message));
        }
    }
    if !target.is_empty() && !target.starts_with('/') {
        let message = "target is no JSON pointer. Write it like /definition/offer, or leave it out.";
        return Err(Problem::bad_request("/target", message));
    }
    let given = |text: String| (!text.is_empty()).then_some(text);
    Ok(Reason { code: given(code), target: given(target), text })
}
