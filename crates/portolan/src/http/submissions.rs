//! The runs of an offer.

use super::errors::Problem;
use super::offers;
use super::request::{At, query};
use super::{Shared, reply};
use crate::wire;
use api::operations::{Submission, SubmissionState};
use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};

/// The runs of an offer, newest first.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/offers/{offerId}/submissions", operation_id = "list_submissions", tag = "Status",
    params(("publisherId" = String, Path), ("offerId" = String, Path),
        ("status" = Option<String>, Query, description = "Only those in this state: notStarted, running, completed, failed, canceled."),
        ("submissionState" = Option<String>, Query, description = "The same, by its other name.")),
    responses((status = 200, body = Vec<Submission>)))]
pub(crate) async fn list_submissions(State(rooms): Shared, at: At, uri: Uri) -> Result<Response, Problem> {
    let (key, offer) = offers::load(&rooms, &at).await?;
    let mut wanted = Vec::new();
    for (name, value) in query(&uri) {
        if ["status", "submissionState"].iter().any(|filter| filter.eq_ignore_ascii_case(&name)) {
            wanted.push(SubmissionState::parse_filter(&value).ok_or_else(|| {
                Problem::bad_request(
                    name,
                    "This is no state of a submission. Use one of notStarted, running, completed, failed, canceled.",
                )
            })?);
        }
    }
    let runs = rooms.read.operations(&key).await?;
    let listed = runs.iter().filter(|run| wanted.iter().all(|state| *state == wire::submission_state(run.course)));
    let submissions: Vec<Submission> = listed.map(|run| wire::submission(&key, &offer.offer_type, run)).collect();
    Ok(reply::json(StatusCode::OK, &submissions))
}
