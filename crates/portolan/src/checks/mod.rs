//! What does the work of a step: one runner per kind of check. They get data, give back a report, and never see a store.
//!
//! A check may run twice; the second run says the same.

mod artifacts;
mod asked;
mod breaker;
mod callback;
pub mod command;
mod definition;
mod http;
mod leads;
mod pause;
pub mod said;
mod settings;
mod signature;

pub use breaker::{Denied, Leave};
pub use callback::{Callback, CallbackFault};
pub use settings::{CheckerSetting, missing_checker};

pub use leads::{LeadAnswer, send_lead};
pub use signature::{have_signed, signed_with_all};

use crate::artifacts::Artifacts;
use crate::clock::Clock;
use crate::egress::Egress;
use crate::links::Links;
use artifacts::Pinning;
use publishing::check::{Check, Outside};
use publishing::command::{CheckRef, Ending, Report};
use publishing::message::Message;
use publishing::moment::Moment;
use publishing::offer::{OfferKey, Snapshot};
use publishing::offer_type::OfferType;
use publishing::operation::Operation;
use publishing::pipeline::CheckKind;
use publishing::plan::PlanSummary;
use settings::Checker;
use std::collections::BTreeMap;
use std::fmt;
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
    /// The plans whose ids are fixed, for customers see them or did.
    pub live_plans: Vec<PlanSummary>,
    /// When the step was reached.
    pub reached_at: Moment,
    /// The time.
    pub now: Moment,
    /// The service's addresses as others see them.
    pub links: Links,
}

/// Why a check could not be run just now. The text is for the operator.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Setback(pub String);

/// Says of checks what shall come of them, where they are only rehearsed.
pub trait Rehearsal: fmt::Debug + Send + Sync {
    /// What comes of a check instead of running it; none where it is run as it is.
    fn instead(&self, job: &Job) -> Option<Result<Report, Setback>>;

    /// What is reported of a check that came to this.
    fn reported(&self, job: &Job, report: Report) -> Report;

    /// Whether what was reported of a check last is reported a second time, as by a system that is not sure. Asked once.
    fn is_reported_again(&self, check: &CheckRef, now: Moment) -> bool;
}

/// The runners, with what they work with.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    rehearsal: Option<Arc<dyn Rehearsal>>,
    checkers: Arc<BTreeMap<String, Checker>>,
    pinning: Option<Pinning>,
    egress: Option<Egress>,
}

/// What is reported of a check whose system did not say in time how it ends.
pub fn timed_out(job: &Job) -> Report {
    http::timed_out(job, job.check.outside.clone().unwrap_or_default())
}

/// What is said of a file of the version whose link has ended: the one at this JSON pointer into the offer, or the first.
pub fn expired_artifact(job: &Job, target: Option<&str>) -> Option<Message> {
    artifacts::expired(job, target)
}

impl Checks {
    /// The same, with these checkers outside the service. Time is kept by this clock.
    ///
    /// # Errors
    /// Names the checker, the setting that cannot be, and the mend.
    pub fn with_checkers(self, settings: &[CheckerSetting], clock: &Clock) -> anyhow::Result<Self> {
        Ok(Self { checkers: Arc::new(settings::open(settings, clock)?), ..self })
    }

    /// The same, with a store for the files of definitions. Without one their addresses are recorded, and nothing is fetched.
    #[must_use]
    pub fn with_artifacts(self, artifacts: Artifacts, links: Links) -> Self {
        Self { pinning: Some(Pinning::new(artifacts, links)), ..self }
    }

    /// The same with a way out; without one, nothing is sent.
    #[must_use]
    pub fn with_egress(self, egress: Egress) -> Self {
        Self { egress: Some(egress), ..self }
    }

    /// The same, asked of this rehearsal first.
    #[must_use]
    pub fn rehearsed(self, rehearsal: Arc<dyn Rehearsal>) -> Self {
        Self { rehearsal: Some(rehearsal), ..self }
    }

    /// Whether what was reported of a check is reported a second time; only in a rehearsal.
    pub fn is_reported_again(&self, check: &CheckRef, now: Moment) -> bool {
        self.rehearsal.as_ref().is_some_and(|rehearsal| rehearsal.is_reported_again(check, now))
    }

    /// Leave to run a check, unless as many as may are running, or its checker does not answer.
    ///
    /// # Errors
    /// [`Denied`] says how long to wait before asking again.
    pub fn leave(&self, check: &Check) -> Result<Leave, Denied> {
        match self.checker(&check.kind) {
            None => match &self.pinning {
                Some(pinning) if check.kind == CheckKind::Artifacts => pinning.leave(),
                _ => Ok(Leave::default()),
            },
            Some(Checker::System(system)) => system.leave(check),
            Some(Checker::Program(_, places)) => places.take(),
        }
    }

    /// How a check stands with the outside system that is asked for it for the first time; nothing where there is none, or
    /// where it was asked before.
    pub fn first_asked(&self, check: &Check, now: Moment) -> Option<Outside> {
        match self.checker(&check.kind) {
            Some(Checker::System(system)) if check.outside.is_none() => Some(system.known(check, now)),
            _ => None,
        }
    }

    fn checker(&self, kind: &CheckKind) -> Option<&Checker> {
        match kind {
            CheckKind::Http { checker, .. } | CheckKind::Command { checker, .. } => self.checkers.get(checker),
            _ => None,
        }
    }

    /// Runs a check once. What it says meanwhile goes to `said`, with [`Ending::GoesOn`].
    ///
    /// The future may be dropped at any time: then nothing of the check goes on by itself.
    ///
    /// # Errors
    /// [`Setback`] where it could not be run; it will be run again.
    pub async fn run(&self, job: Job, said: Sender<Report>) -> Result<Report, Setback> {
        let Some(rehearsal) = &self.rehearsal else { return self.run_as_it_is(job, said).await };
        let outcome = match rehearsal.instead(&job) {
            Some(outcome) => outcome,
            None => self.run_as_it_is(job.clone(), said).await,
        };
        outcome.map(|report| rehearsal.reported(&job, report))
    }

    async fn run_as_it_is(&self, job: Job, said: Sender<Report>) -> Result<Report, Setback> {
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
            CheckKind::Http { .. } | CheckKind::Command { .. } => match self.checker(&job.check.kind) {
                Some(Checker::System(system)) => system.run(&job).await,
                Some(Checker::Program(program, _)) => command::check(program, &job, &said).await,
                None => {
                    Err(Setback("the settings have no [[checker]] of the name that the pipeline has for it".into()))
                }
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
