//! What comes of checks in the emulator: they wait out drawn times, and faults and `reach` say how they end.

use super::fault_steps::ended;
use super::faults::Faults;
use super::pace::{Pace, said};
use crate::checks::{Job, Rehearsal, Setback};
use publishing::command::{CheckRef, Ending, Report};
use publishing::message::Message;
use publishing::moment::Moment;
use publishing::offer::OfferKey;
use publishing::pipeline::CheckKind;
use std::sync::{Mutex, PoisonError};

/// How the next check of a step shall end, whatever it is.
#[derive(Clone, Debug)]
pub(super) struct Forced {
    /// The offer, as `publisher/offer`.
    pub(super) offer: String,
    /// The id of the step.
    pub(super) step: String,
    pub(super) ending: Ending,
}

/// Rehearses checks.
#[derive(Debug)]
pub(super) struct Rehearsed {
    pace: Pace,
    faults: Faults,
    forced: Mutex<Option<Forced>>,
    /// The check whose report ended a step last: of which offer, and which step.
    ended: Mutex<Option<(CheckRef, OfferKey, String)>>,
}

impl Rehearsed {
    pub(super) fn new(pace: Pace, faults: Faults) -> Self {
        Self { pace, faults, forced: Mutex::default(), ended: Mutex::default() }
    }

    /// Makes the next check of a step end so; none takes that back.
    pub(super) fn force(&self, forced: Option<Forced>) {
        *self.forced.lock().unwrap_or_else(PoisonError::into_inner) = forced;
    }

    fn forced(&self, job: &Job) -> Option<Report> {
        let mut forced = self.forced.lock().unwrap_or_else(PoisonError::into_inner);
        let step = job.operation.steps.get(job.at.step)?;
        let ending = forced.take_if(|forced| forced.offer == job.key.name() && forced.step == step.id)?.ending;
        let text = "The emulator was told to bring the step here.";
        Some(Report::new(ending, vec![Message::error("Emulated", text, job.now)]))
    }

    /// When the work of machines on a check is over that waits out a time.
    fn over_at(&self, job: &Job) -> Option<Moment> {
        let step = job.operation.steps.get(job.at.step)?;
        let has_people = step.checks.iter().any(|check| check.kind.waits_for_person());
        // Where people come after the machines, the time that the type gives is theirs.
        let frame = step.estimated_time_frame.as_deref().filter(|_| !has_people);
        let since = step.begun_anew_at.unwrap_or(job.reached_at);
        // So is the time that a scenario gives.
        let of_scenario = self.faults.takes(&step.id).filter(|_| !has_people);
        let range = of_scenario.unwrap_or_else(|| said(frame));
        let seconds = self.pace.of_step("machines", range, &job.key.name(), &job.operation, (step, job.check.round));
        Some(since.plus_seconds(seconds))
    }
}

impl Rehearsal for Rehearsed {
    fn instead(&self, job: &Job) -> Option<Result<Report, Setback>> {
        if let Some(report) = self.forced(job) {
            return Some(Ok(report));
        }
        let takes_its_time = matches!(job.check.kind, CheckKind::Pause { .. } | CheckKind::Promote);
        let until = self.over_at(job).filter(|until| takes_its_time && job.now < *until);
        match (until, &job.check.kind) {
            (Some(until), _) => Some(Ok(Report::new(Ending::WaitingUntil(until), job.check.messages.clone()))),
            (None, CheckKind::Pause { .. }) => Some(Ok(Report::new(Ending::Done, Vec::new()))),
            _ => None,
        }
    }

    fn reported(&self, job: &Job, report: Report) -> Report {
        let report = self.faults.on_check(job, report);
        let step = ended(job, &report).map(|step| (job.at.clone(), job.key.clone(), step.id.clone()));
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = step;
        report
    }

    fn is_reported_again(&self, check: &CheckRef, now: Moment) -> bool {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = ended.take_if(|(ended, ..)| ended == check);
        ended.is_some_and(|(_, key, step)| self.faults.on_reported(&key, &step, now))
    }
}
