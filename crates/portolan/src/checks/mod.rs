//! What does the work of a step: one runner per kind of check. They get data, give back a report, and never see a store.
//!
//! A check may run twice; the second run says the same.

mod artifacts;
pub mod asked;
pub mod command;
mod definition;
mod leads;
mod pause;
pub mod said;

pub use leads::send_lead;

use crate::artifacts::Artifacts;
use crate::egress::Egress;
use crate::links::Links;
use artifacts::Pinning;
use command::Program;
use publishing::check::Check;
use publishing::command::{CheckRef, Ending, Report};
use publishing::moment::Moment;
use publishing::offer::{OfferKey, Snapshot};
use publishing::offer_type::OfferType;
use publishing::operation::Operation;
use publishing::pipeline::CheckKind;
use publishing::plan::PlanSummary;
use std::collections::BTreeMap;
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::mpsc::Sender;

/// What a check is given.
#[derive(Clone, Debug)]
pub struct Job {
    /// The offer.
    pub key: OfferKey,
    /// Which check of which step.
    pub at: CheckRef,
    /// The check as it stands: what it said so far, and how it stands with whoever does it.
    pub check: Check,
    /// The operation that it is part of: its steps, and the artifacts that are pinned already.
    pub operation: Operation,
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

/// The runners, with what they work with.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    programs: Arc<BTreeMap<String, Program>>,
    pinning: Option<Pinning>,
    egress: Option<Egress>,
}

/// Leave to run a check; given back when it is dropped.
#[derive(Debug)]
pub struct Leave;

impl Checks {
    /// The same, with these programs for checks of the kind `command`, by their names in the settings.
    #[must_use]
    pub fn with_programs(mut self, programs: BTreeMap<String, Program>) -> Self {
        self.programs = Arc::new(programs);
        self
    }

    /// The same, with a store for the files of definitions. Without one their addresses are recorded, and nothing is fetched.
    #[must_use]
    pub fn with_artifacts(self, artifacts: Artifacts, links: Links) -> Self {
        Self { pinning: Some(Pinning { artifacts, links }), ..self }
    }

    /// The same with a way out; without one, nothing is sent.
    #[must_use]
    pub fn with_egress(self, egress: Egress) -> Self {
        Self { egress: Some(egress), ..self }
    }

    /// Leave to run a check of this kind, unless as many as may are running.
    pub fn leave(&self, _kind: &CheckKind) -> Option<Leave> {
        Some(Leave)
    }

    /// Runs a check once. What it says meanwhile goes to `said`, with [`Ending::GoesOn`].
    ///
    /// The future may be dropped at any time: then nothing of the check goes on by itself.
    ///
    /// # Errors
    /// [`Setback`] where it could not be run; it will be run again.
    pub async fn run(&self, job: Job, said: Sender<Report>) -> Result<Report, Setback> {
        match &job.check.kind {
            CheckKind::Definition => judged(job, definition::run).await,
            CheckKind::Artifacts => match &self.pinning {
                Some(pinning) => pinning.run(&job, &said).await,
                None => judged(job, artifacts::record).await,
            },
            CheckKind::Pause { seconds } => Ok(pause::run(&job, *seconds)),
            // What these two put in place is a slot of the offer, and the rules do that with the report.
            CheckKind::Listing | CheckKind::Promote => Ok(Report::new(Ending::Done, Vec::new())),
            CheckKind::Leads => leads::run(job, self.egress.clone()).await,
            CheckKind::Http { checker, .. } => Err(Setback(format!("the settings have no checker {checker:?}"))),
            CheckKind::Command { checker, .. } => match self.programs.get(checker) {
                Some(program) => command::check(program, &job, &said).await,
                None => Err(Setback(format!("the settings have no [[checks.command]] with the name {checker:?}"))),
            },
            // The rules hand these to a person, and never to a worker.
            CheckKind::Reviewer { .. } | CheckKind::SignOff => {
                Err(Setback("a person's check was given to a worker".into()))
            }
        }
    }
}

/// Runs what computes for a while on a thread of its own; a panic in it must not take the worker along.
async fn judged(job: Job, run: fn(&Job) -> Result<Report, Setback>) -> Result<Report, Setback> {
    let run = tokio::task::spawn_blocking(move || run(&job)).await;
    run.unwrap_or_else(|_| Err(Setback("the check broke off".into())))
}

impl Job {
    fn offer_type(&self) -> Result<&OfferType, Setback> {
        self.offer_type.as_ref().ok_or_else(|| Setback("the offer's type is not configured here any more".into()))
    }
}
