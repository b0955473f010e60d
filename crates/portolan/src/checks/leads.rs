//! Judges where a version's leads go and, where that is an https endpoint, sends it a test lead.

use super::{Job, Setback};
use crate::egress::{Egress, EgressFault, Outgoing};
use crate::wire;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use publishing::check::Outside;
use publishing::command::{Ending, Report};
use publishing::lead::{About, Lead};
use publishing::leads::{DESTINATION, ENDPOINT, Endpoint, LeadDestination, destination};
use publishing::message::{Level, Message};
use publishing::secrets;
use serde_json::Value;
use std::time::Duration;

/// The header by which a receiver knows what it has had already.
const ID: HeaderName = HeaderName::from_static("webhook-id");

/// For one try, whole.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often an endpoint is tried; between the tries are 2, 4, 8 and 16 seconds.
const MOST_TRIES: u32 = 5;

/// What a status that an endpoint answers says of a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeadAnswer {
    /// It is taken.
    Taken,
    /// The destination takes no lead at the moment.
    NotNow,
    /// The destination takes no lead until somebody mends its address, or the endpoint.
    Closed,
    /// This lead is not taken; another may be.
    Unfit,
}

impl From<StatusCode> for LeadAnswer {
    fn from(status: StatusCode) -> Self {
        match status.as_u16() {
            200..=299 => Self::Taken,
            400 | 409 | 413 | 422 => Self::Unfit,
            408 | 425 | 429 | 500..=999 => Self::NotNow,
            _ => Self::Closed,
        }
    }
}

/// Posts a lead to an endpoint, under an id that is the same at each try. Redirects are not followed, no answer is read.
///
/// # Errors
/// Where there was no answer.
pub async fn send_lead(
    egress: &Egress,
    endpoint: &Endpoint,
    id: &str,
    document: &Value,
) -> Result<StatusCode, EgressFault> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(ID, HeaderValue::from_str(id).map_err(|_| EgressFault::Broken)?);
    let body = Bytes::from(document.to_string());
    let post = Outgoing { headers, patience: PATIENCE, largest: u64::MAX, ..Outgoing::post(endpoint.url(), body) };
    Ok(egress.to_outsider(post).await?.status)
}

pub(super) async fn run(job: Job, egress: Option<Egress>) -> Result<Report, Setback> {
    let draft = job.snapshot.draft.clone();
    let judged = tokio::task::spawn_blocking(move || destination(&secrets::put_back(&draft))).await;
    let judged = judged.map_err(|_| Setback("the check broke off".into()))?;
    let done = |messages| Ok(Report::new(Ending::Done, messages));
    match (judged, egress) {
        (Err(faults), _) => {
            let messages = faults.iter().map(|fault| Message::fault(fault, job.now)).collect();
            Ok(Report::new(Ending::Rejected, messages))
        }
        (Ok(LeadDestination::None), _) => done(Vec::new()),
        (Ok(LeadDestination::Unset), _) => {
            done(vec![Message::information("No lead destination is set: leads go nowhere.", job.now)])
        }
        (Ok(LeadDestination::Https(endpoint)), Some(egress)) => Ok(test(&job, &egress, &endpoint).await),
        (Ok(LeadDestination::Https(_)), None) => {
            let text = "The lead endpoint was not tried: this service sends nothing out.";
            done(vec![warning("LeadsNotTested", text, ENDPOINT, &job)])
        }
        (Ok(destination), _) => {
            let word = destination.word();
            let text = format!("Leads for `{word}` are checked but cannot be delivered by this service.");
            let mend = "Use `HttpsEndpoint` to have them delivered.";
            done(vec![Message { mend: Some(mend.into()), ..warning("LeadsNotDelivered", &text, DESTINATION, &job) }])
        }
    }
}

fn warning(code: &str, text: &str, target: &str, job: &Job) -> Message {
    let (code, target) = (Some(code.to_owned()), Some(target.to_owned()));
    Message { code, target, ..Message::new(Level::Warning, text, job.now) }
}

/// Sends a test lead. The id comes from the operation, so that an endpoint that gets it twice can tell.
async fn test(job: &Job, egress: &Egress, endpoint: &Endpoint) -> Report {
    let id = format!("test-{}", job.at.operation);
    let title = wire::display_text(&job.snapshot.draft.definition);
    let taken_at = wire::date(job.now).to_string();
    let about = About { id: &id, key: &job.key, title: &title, taken_at: &taken_at, is_test: true };
    let answer = send_lead(egress, endpoint, &id, &Lead::test().document(&about)).await;
    let (is_lasting, code, text, mend) = match &answer {
        Ok(status) if LeadAnswer::from(*status) == LeadAnswer::Taken => {
            let said = Message::information("The lead endpoint took a test lead.", job.now);
            return Report::new(Ending::Done, vec![said]);
        }
        Ok(status) if status.is_redirection() => {
            let mend = "Redirects are not followed: give the address that it leads to.";
            (true, "LeadEndpointRefused", "The lead endpoint answered a test lead with a redirect.".to_owned(), mend)
        }
        Ok(status) => {
            let mend = "Let it answer a POST of JSON with a status of 2xx, and publish again.";
            let text = "The lead endpoint did not take a test lead.".to_owned();
            (LeadAnswer::from(*status) != LeadAnswer::NotNow, "LeadEndpointRefused", text, mend)
        }
        Err(fault) => {
            let text = format!("The lead endpoint could not be given a test lead. {fault}");
            (fault.is_lasting(), "LeadEndpointUnreachable", text, "Mend that, and publish again.")
        }
    };
    let failures = 1 + job.check.outside.as_ref().map_or(0, |outside| outside.failures);
    if is_lasting || failures >= MOST_TRIES {
        let (target, mend) = (Some(ENDPOINT.to_owned()), Some(mend.to_owned()));
        let said = Message { target, mend, ..Message::error(code, text, job.now) };
        return Report::new(Ending::Rejected, vec![said]);
    }
    let said = Message::information("The lead endpoint has not taken a test lead yet. It is tried again.", job.now);
    let until = job.now.plus_seconds(1 << failures);
    let outside = Some(Outside { failures, ..job.check.outside.clone().unwrap_or_default() });
    Report { outside, ..Report::new(Ending::WaitingUntil(until), vec![said]) }
}
