//! Reviews: what waits for a person, who has it in hand, and what reviewers write down about it.

use super::errors::Problem;
use super::request::{At, query, read_own, read_own_or_nothing, shown};
use super::reviewed::{step, waiting};
use super::{Rooms, Shared, reply};
use crate::auth::{Authorised, Permission};
use crate::markup::visible;
use crate::wire;
use api::reviews::{Hold, NewNote, Review, ReviewRequest, ReviewedStep};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{StatusCode, Uri};
use publishing::command::Command;
use publishing::decide::Answer;
use publishing::offer::{OfferKey, is_slug};
use publishing::operation::{Operation, Step};
use publishing::refusal::Refusal;
use publishing::review::Reviewer;
use uuid::Uuid;

/// The longest text of a note or a verdict, in characters.
pub(super) const LONGEST_TEXT: usize = 2_000;

/// The step that a reviewer names in the path, with the proof that the caller reviews at its publisher.
pub(super) struct Named<'a> {
    pub(super) key: OfferKey,
    pub(super) operation: Operation,
    /// The place of the step in it, from 0.
    step: usize,
    pub(super) by: Authorised<'a>,
}

impl Named<'_> {
    /// # Errors
    /// 403 for who is no reviewer, or belongs to the publisher; 404 for an operation or a step that is not there.
    pub(super) async fn find<'a>(rooms: &Rooms, at: &'a At) -> Result<Named<'a>, Problem> {
        at.caller().authorise_marketplace(Permission::Review)?;
        let missing = || Problem::not_found("There is no such operation to review. GET /api/reviews lists what waits.");
        let id = Uuid::try_parse(at.name(0)).map_err(|_| missing())?;
        let (key, operation) = rooms.read.operation(id).await?.ok_or_else(missing)?;
        if at.caller().is_member(&key.publisher) {
            return Err(Problem::own_publisher());
        }
        let by = at.caller().authorise_staff(key.publisher.clone(), Permission::Review)?;
        let step = operation.steps.iter().position(|step| step.id == at.name(1)).ok_or_else(|| {
            let ids: Vec<&str> = operation.steps.iter().map(|step| step.id.as_str()).collect();
            Refusal::StepMissing { step: shown(at.name(1)), steps: ids.join(", ") }
        })?;
        Ok(Named { key, operation, step, by })
    }

    fn step(&self) -> &Step {
        &self.operation.steps[self.step]
    }
}

/// What waits for a reviewer or is blocked, oldest submission first. `mine` and `free` together list both.
#[utoipa::path(get, path = "/api/reviews", operation_id = "list_reviews", tag = "Reviews",
    params(("queue" = Option<String>, Query, description = "Only those in this queue."),
        ("mine" = Option<bool>, Query, description = "Only those that the caller holds."),
        ("free" = Option<bool>, Query, description = "Only those that nobody holds.")),
    responses((status = 200, body = Vec<Review>)))]
pub(crate) async fn list_reviews(State(rooms): Shared, at: At, uri: Uri) -> Result<Response, Problem> {
    at.caller().authorise_marketplace(Permission::Review)?;
    let (mut queue, mut mine, mut free) = (None, false, false);
    for (name, value) in query(&uri) {
        match name.to_ascii_lowercase().as_str() {
            "queue" => queue = one_queue(Some(value)).map_err(|problem| problem.at("queue"))?,
            "mine" => mine = yes_or_no("mine", &value)?,
            "free" => free = yes_or_no("free", &value)?,
            _ => {}
        }
    }
    let (me, now) =
        (Reviewer { id: at.caller().principal(), name: at.caller().name().to_owned() }, rooms.perform.now());
    let running = rooms.read.running().await?;
    let all = running.iter().flat_map(|(key, operation)| waiting(key, operation, now));
    let wanted = all.filter(|(review, check)| {
        let held = match check.review.held(now) {
            Some(hold) => mine && hold.by.is(&me),
            None => free,
        };
        (queue.is_none() || review.queue == queue) && (held || !(mine || free))
    });
    Ok(reply::json(StatusCode::OK, &wanted.map(|(review, _)| review).collect::<Vec<_>>()))
}

fn yes_or_no(name: &str, value: &str) -> Result<bool, Problem> {
    let refused = |_| Problem::bad_request(name, format!("{name} is neither true nor false. Write one of them."));
    value.to_ascii_lowercase().parse().map_err(refused)
}

/// The name of a queue, where one was given.
pub(super) fn one_queue(queue: Option<String>) -> Result<Option<String>, Problem> {
    let form = "This is no name of a queue. Give the `queue` that GET /api/reviews shows, or leave it out.";
    if queue.as_deref().is_none_or(is_slug) { Ok(queue) } else { Err(Problem::bad_request("/queue", form)) }
}

/// One step as its reviewers see it: each check with its messages, holds, approvals and notes.
#[utoipa::path(get, path = "/api/reviews/{operationId}/{stepId}", operation_id = "get_review", tag = "Reviews",
    params(("operationId" = String, Path), ("stepId" = String, Path)), responses((status = 200, body = ReviewedStep)))]
pub(crate) async fn get_review(State(rooms): Shared, at: At) -> Result<Response, Problem> {
    let named = Named::find(&rooms, &at).await?;
    let seen = step(&named.key, &named.operation, named.step(), rooms.perform.now());
    Ok(reply::json(StatusCode::OK, &seen))
}

/// Takes a review in hand for half an hour, or for another half hour. Nobody else decides it meanwhile.
#[utoipa::path(post, path = "/api/reviews/{operationId}/{stepId}/claim", operation_id = "claim_review", tag = "Reviews",
    params(("operationId" = String, Path), ("stepId" = String, Path)),
    request_body = Option<ReviewRequest>, responses((status = 200, body = Hold)))]
pub(crate) async fn claim_review(State(rooms): Shared, at: At, body: Body) -> Result<Response, Problem> {
    let named = Named::find(&rooms, &at).await?;
    let queue = one_queue(read_own_or_nothing::<ReviewRequest>(body).await?.queue)?;
    let command = Command::ClaimReview { operation: named.operation.id, step: at.name(1).to_owned(), queue };
    let performed = rooms.perform.perform(&named.by, &named.key.offer, command).await?;
    let Answer::Held(until) = performed.answer else {
        return Err(Problem::internal(&"a claim came to something else"));
    };
    let hold = Hold { held_by: at.caller().name().to_owned(), held_until: wire::date(until) };
    Ok(reply::json(StatusCode::OK, &hold))
}

/// Lets go of a review. An operator may release what somebody else holds.
#[utoipa::path(post, path = "/api/reviews/{operationId}/{stepId}/release", operation_id = "release_review", tag = "Reviews",
    params(("operationId" = String, Path), ("stepId" = String, Path)),
    request_body = Option<ReviewRequest>, responses((status = 200, description = "Done.")))]
pub(crate) async fn release_review(State(rooms): Shared, at: At, body: Body) -> Result<Response, Problem> {
    let named = Named::find(&rooms, &at).await?;
    let queue = one_queue(read_own_or_nothing::<ReviewRequest>(body).await?.queue)?;
    let (operation, step) = (named.operation.id, at.name(1).to_owned());
    let by_operator = named.by.by_operator();
    let command = Command::ReleaseReview { operation, step, queue, by_operator };
    rooms.perform.perform(&named.by, &named.key.offer, command).await?;
    Ok(reply::with_body(StatusCode::OK, Body::empty()))
}

/// Writes something down about a review: for reviewers alone, or as a message to the publisher.
#[utoipa::path(post, path = "/api/reviews/{operationId}/{stepId}/notes", operation_id = "add_review_note", tag = "Reviews",
    params(("operationId" = String, Path), ("stepId" = String, Path)),
    request_body = NewNote, responses((status = 200, description = "Done.")))]
pub(crate) async fn add_review_note(State(rooms): Shared, at: At, body: Body) -> Result<Response, Problem> {
    let named = Named::find(&rooms, &at).await?;
    let NewNote { text, public, queue } = read_own(body).await?;
    let text = visible(&text).trim().to_owned();
    if text.is_empty() || text.chars().count() > LONGEST_TEXT {
        let message = format!("text is blank or too long. Write 1 to {LONGEST_TEXT} characters.");
        return Err(Problem::bad_request("/text", message));
    }
    let (operation, step, queue) = (named.operation.id, at.name(1).to_owned(), one_queue(queue)?);
    let command = Command::AddNote { operation, step, queue, text, public };
    rooms.perform.perform(&named.by, &named.key.offer, command).await?;
    Ok(reply::with_body(StatusCode::OK, Body::empty()))
}
