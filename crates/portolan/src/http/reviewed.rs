//! Reviews in the wire's words: what waits for a reviewer, and one step as its reviewers see it.

use crate::wire;
use api::reviews::{Approval, Approvals, Note, Review, ReviewedCheck, ReviewedStep};
use api::status::StepStatus as WireStatus;
use publishing::check::{Check, CheckState};
use publishing::moment::Moment;
use publishing::offer::OfferKey;
use publishing::operation::{Operation, Step};
use publishing::pipeline::CheckKind;

/// The reviewers' checks of an operation that wait or are blocked, and each step that the service itself has blocked.
pub(super) fn waiting<'a>(
    key: &'a OfferKey,
    operation: &'a Operation,
    now: Moment,
) -> impl Iterator<Item = (Review, &'a Check)> {
    let steps = operation.steps.iter();
    steps.flat_map(move |step| in_step(step).map(move |check| (review(key, operation, step, check, now), check)))
}

fn in_step(step: &Step) -> impl Iterator<Item = &Check> {
    let blocked = |check: &&Check| check.state == CheckState::Blocked;
    let by_reviewers = step.checks.iter().filter(move |check| {
        check.kind.queue().is_some() && (blocked(check) || check.state == CheckState::AwaitingPerson)
    });
    let by_itself = step.checks.iter().filter(move |check| check.kind.queue().is_none() && blocked(check)).take(1);
    by_itself.chain(by_reviewers)
}

fn review(key: &OfferKey, operation: &Operation, step: &Step, check: &Check, now: Moment) -> Review {
    let hold = check.review.held(now);
    Review {
        publisher_id: key.publisher.as_str().to_owned(),
        offer_id: key.offer.as_str().to_owned(),
        operation_id: operation.id,
        offer_version: operation.offer_version,
        step_id: step.id.clone(),
        step_name: step.name.clone(),
        blocked: check.state == CheckState::Blocked,
        waiting_since: wire::date(step.reached_at.unwrap_or(operation.started_at)),
        queue: check.kind.queue().map(str::to_owned),
        held_by: hold.map(|hold| hold.by.name.clone()),
        held_until: hold.map(|hold| wire::date(hold.until)),
        approvals: approvals(check),
    }
}

/// One step as its reviewers see it, with what they said among themselves.
pub(super) fn step(key: &OfferKey, operation: &Operation, step: &Step, now: Moment) -> ReviewedStep {
    ReviewedStep {
        publisher_id: key.publisher.as_str().to_owned(),
        offer_id: key.offer.as_str().to_owned(),
        operation_id: operation.id,
        offer_version: operation.offer_version,
        step_id: step.id.clone(),
        step_name: step.name.clone(),
        status: wire::step_status(step.status()),
        progress_percentage: step.progress_percentage(),
        waiting_since: step.reached_at.map(wire::date),
        checks: step.checks.iter().map(|one| check(one, now)).collect(),
    }
}

fn check(check: &Check, now: Moment) -> ReviewedCheck {
    let hold = check.review.held(now);
    ReviewedCheck {
        kind: check.kind.word().to_owned(),
        status: status(check),
        progress_percentage: u8::try_from(check.percentage()).unwrap_or(100),
        messages: check.messages.iter().map(wire::message).collect(),
        queue: check.kind.queue().map(str::to_owned),
        held_by: hold.map(|hold| hold.by.name.clone()),
        held_until: hold.map(|hold| wire::date(hold.until)),
        approvals: approvals(check),
        approved_by: check.review.approvals.iter().map(approval).collect(),
        notes: check.review.notes.iter().map(note).collect(),
    }
}

fn approvals(check: &Check) -> Option<Approvals> {
    let given = u8::try_from(check.review.approvals.len()).unwrap_or(u8::MAX);
    check.kind.approvals().map(|needed| Approvals { given, needed })
}

fn approval(approval: &publishing::review::Approval) -> Approval {
    Approval { by: approval.by.name.clone(), at: wire::date(approval.at) }
}

fn note(note: &publishing::review::Note) -> Note {
    Note { by: note.by.name.clone(), at: wire::date(note.at), text: note.text.clone(), public: note.public }
}

/// Where one check stands, in the words of steps.
fn status(check: &Check) -> WireStatus {
    match check.state {
        CheckState::NotStarted => WireStatus::NotStarted,
        CheckState::Queued { .. } if !check.begun => WireStatus::NotStarted,
        CheckState::Queued { .. } | CheckState::InHand => WireStatus::InProgress,
        CheckState::AwaitingPerson if check.kind == CheckKind::SignOff => WireStatus::WaitingForPublisherReview,
        CheckState::AwaitingPerson => WireStatus::WaitingForApproval,
        CheckState::Blocked => WireStatus::Blocked,
        CheckState::Rejected => WireStatus::Rejected,
        CheckState::Complete => WireStatus::Complete,
        CheckState::Canceled => WireStatus::Canceled,
    }
}
