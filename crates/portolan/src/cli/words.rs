//! The words of states in tables, and lists of what belongs to one thing.

use super::print::plain;
use api::operations::SubmissionState;
use api::status::{OfferStatus, StepStatus};
use std::io::{Result, Write};

/// Where an offer stands.
pub(super) const fn offer_state(status: OfferStatus) -> &'static str {
    match status {
        OfferStatus::NeverPublished => "never published",
        OfferStatus::NotStarted => "not started",
        OfferStatus::WaitingForPublisherReview => "waiting for the publisher",
        OfferStatus::Running => "running",
        OfferStatus::Succeeded | OfferStatus::Complete => "succeeded",
        OfferStatus::Canceled => "canceled",
        OfferStatus::Failed => "failed",
    }
}

/// Where a step stands.
pub(super) const fn step_state(status: StepStatus) -> &'static str {
    match status {
        StepStatus::NotStarted => "not started",
        StepStatus::InProgress => "in progress",
        StepStatus::WaitingForPublisherReview => "waiting for the publisher",
        StepStatus::WaitingForApproval => "waiting for approval",
        StepStatus::Blocked => "blocked",
        StepStatus::Rejected => "rejected",
        StepStatus::Complete => "complete",
        StepStatus::Canceled => "canceled",
    }
}

/// How far a submission has come.
pub(super) const fn submission_state(state: SubmissionState) -> &'static str {
    match state {
        SubmissionState::NotStarted => "not started",
        SubmissionState::Running => "running",
        SubmissionState::Completed => "completed",
        SubmissionState::Failed => "failed",
        SubmissionState::Canceled => "canceled",
    }
}

/// Writes a line for each name with what it says; nothing for what says nothing.
pub(super) fn titled(out: &mut (impl Write + ?Sized), lines: &[(&str, String)]) -> Result<()> {
    let said: Vec<_> = lines.iter().filter(|(_, text)| !text.is_empty()).collect();
    let widest = said.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    said.into_iter().try_for_each(|(name, text)| writeln!(out, "  {name:widest$}  {}", plain(text)))
}
