//! What does the work of a step: one runner per kind of check. They get data, give back a report, and never see a store.
//!
//! A check may run twice; the second run says the same.

mod artifacts;
mod definition;
mod pause;

use publishing::command::{Ending, Report};
use publishing::moment::Moment;
use publishing::offer::Snapshot;
use publishing::offer_type::OfferType;
use publishing::pipeline::CheckKind;
use publishing::plan::PlanSummary;
use thiserror::Error;

/// What a check is given.
#[derive(Clone, Debug)]
pub struct Job {
    /// What does the work.
    pub kind: CheckKind,
    /// The offer's type; `None` where the operator has taken it away.
    pub offer_type: Option<OfferType>,
    /// The version that is being published.
    pub snapshot: Snapshot,
    /// The plans that customers can see today.
    pub live_plans: Vec<PlanSummary>,
    /// When the step was reached.
    pub reached_at: Moment,
    /// The time.
    pub now: Moment,
}

/// Why a check could not be run just now. The text is for the operator.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Setback(pub String);

/// Runs a check once.
///
/// # Errors
/// [`Setback`] where it could not be run; it will be run again.
pub fn run(job: &Job) -> Result<Report, Setback> {
    match job.kind {
        CheckKind::Definition => definition::run(job),
        CheckKind::Artifacts => artifacts::run(job),
        CheckKind::Pause { seconds } => Ok(pause::run(job, seconds)),
        // What these two put in place is a slot of the offer, and the rules do that with the report.
        CheckKind::Listing | CheckKind::Promote => Ok(Report::new(Ending::Done, Vec::new())),
        // The rules hand these to a person, and never to a worker.
        CheckKind::Reviewer | CheckKind::SignOff => Err(Setback("a person's check was given to a worker".into())),
    }
}

impl Job {
    fn offer_type(&self) -> Result<&OfferType, Setback> {
        self.offer_type.as_ref().ok_or_else(|| Setback("the offer's type is not configured here any more".into()))
    }
}
