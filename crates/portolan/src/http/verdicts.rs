//! Verdicts: a reviewer approves, rejects, blocks or unblocks, and says why.

use super::errors::Problem;
use super::request::{At, LONGEST_ACTION, read_body};
use super::reviews::{LONGEST_TEXT, Named, one_queue};
use super::{Shared, json, reply};
use crate::markup::visible;
use api::reviews::{Verdict as WireVerdict, VerdictRequest};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use publishing::command::{Command, Reason, Verdict};
use serde_json::{Map, Value};
use url::Url;

const SAMPLE: &str =
    r#"{"message":"The small logo is 40 x 40 px; upload 48 x 48.","code":"IMG-048","target":"/definition/offer"}"#;

/// The longest code of a verdict, in characters.
const LONGEST_CODE: usize = 64;

/// Approves, rejects, blocks or unblocks a step. Reject and block say why.
#[utoipa::path(post, path = "/api/reviews/{operationId}/{stepId}/{verdict}", operation_id = "give_verdict", tag = "Reviews",
    params(("operationId" = String, Path), ("stepId" = String, Path), ("verdict" = String, Path, description = "approve, reject, block, unblock")),
    request_body = Option<VerdictRequest>, responses((status = 200, description = "Done.")))]
pub(crate) async fn give_verdict(State(rooms): Shared, at: At, body: Body) -> Result<Response, Problem> {
    let named = Named::find(&rooms, &at).await?;
    let word = WireVerdict::parse(&at.name(2).to_ascii_lowercase())
        .ok_or_else(|| Problem::not_found("There is no such verdict. Use approve, reject, block or unblock."))?;
    let request = read(&read_body(body, LONGEST_ACTION).await?)?;
    let (operation, step) = (named.operation.id, at.name(1).to_owned());
    let queue = one_queue(request.queue.clone())?;
    let command = Command::GiveVerdict { operation, step, queue, verdict: verdict(word, request)? };
    rooms.perform.perform(&named.by, &named.key.offer, command).await?;
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
    Ok(VerdictRequest {
        message: text("message")?,
        code: text("code")?,
        target: text("target")?,
        mend: text("mend")?,
        link: text("link")?,
        queue: text("queue")?,
    })
}

fn verdict(word: WireVerdict, request: VerdictRequest) -> Result<Verdict, Problem> {
    let without_reason = |verdict| match request {
        VerdictRequest { message: None, code: None, target: None, mend: None, link: None, queue: _ } => Ok(verdict),
        _ => Err(Problem::bad_request(
            "",
            format!("{} takes no reason: nobody would read it. Send no body, or a queue alone.", word.word()),
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
    // Characters that hide or turn round what stands beside them reach no terminal and no page.
    let shown = |text: Option<String>| visible(&text.unwrap_or_default()).trim().to_owned();
    let text = shown(request.message);
    if text.is_empty() {
        let message = "message is missing or blank. The publisher will read it: say what is wrong and how to mend it.";
        return Err(Problem::bad_request("/message", message));
    }
    let code = shown(request.code);
    let target = shown(request.target);
    let mend = shown(request.mend);
    let link = request.link.unwrap_or_default();
    for (name, value, longest) in [
        ("message", &text, LONGEST_TEXT),
        ("code", &code, LONGEST_CODE),
        ("target", &target, LONGEST_TEXT),
        ("mend", &mend, LONGEST_TEXT),
        ("link", &link, LONGEST_TEXT),
    ] {
        if value.chars().count() > longest {
            let message = format!("{name} is too long. Give at most {longest} characters.");
            return Err(Problem::bad_request(format!("/{name}"), message));
        }
    }
    if !target.is_empty() && !target.starts_with('/') {
        let message = "target is no JSON pointer. Write it like /definition/offer, or leave it out.";
        return Err(Problem::bad_request("/target", message));
    }
    let link = if link.is_empty() { link } else { web_address(&link)? };
    let given = |text: String| (!text.is_empty()).then_some(text);
    Ok(Reason { code: given(code), target: given(target), text, mend: given(mend), link: given(link) })
}

/// The address of a page, as browsers write it: what is not http or https must not become a link that somebody clicks.
fn web_address(link: &str) -> Result<String, Problem> {
    let url = Url::parse(link).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let message = "link is no address of a page. Write it like https://rules.example/IMG-048, or leave it out.";
    url.map(String::from).ok_or_else(|| Problem::bad_request("/link", message))
}
