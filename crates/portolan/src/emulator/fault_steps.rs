//! What faults do to steps: to what a check reports, and to what a simulated reviewer decides.

use super::faults::{Faults, HeldUp, State, is_about};
use crate::checks::{Job, expired_artifact, timed_out};
use api::emulator::{FaultKind, NewFault};
use publishing::command::{Ending, Reason, Report, Verdict};
use publishing::message::Message;
use publishing::moment::{Moment, TICKS_PER_SECOND};
use publishing::offer::OfferKey;
use publishing::operation::{CheckState, Operation, Step};
use publishing::pipeline::CheckKind;
use uuid::Uuid;

/// How often a step that is stalled looks whether it still is, in seconds.
const LOOKS_AGAIN: i64 = 3_600;
/// How long the system that does a step has to say how it ends, in seconds: three days, as where no setting says otherwise.
const ITS_TIME: i64 = 3 * 24 * 3_600;

/// A step whose end is about to be said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends<'a> {
    /// The offer.
    pub key: &'a OfferKey,
    /// The operation.
    pub operation: &'a Operation,
    /// Index of the step, from 0.
    pub step: usize,
    /// The time.
    pub now: Moment,
}

impl Ends<'_> {
    /// The operation, the step, and how often its checks were begun anew.
    fn place(&self) -> (Uuid, usize, u32) {
        let checks = self.operation.steps.get(self.step).into_iter().flat_map(|step| &step.checks);
        (self.operation.id, self.step, checks.map(|check| check.round).sum())
    }
}

/// What a simulated reviewer does instead of approving.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum OnVerdict {
    /// This is given.
    Give(Verdict),
    /// Nothing before this.
    Later(Moment),
}

/// What becomes of a step that would be complete.
enum Outcome {
    Goes,
    Waits(Moment),
    Rejected(NewFault),
    Blocked(NewFault),
    NeverHeard,
}

impl Faults {
    /// What a check reports, as the faults want it: asked once for every report of a run, with what the check reports by itself.
    pub(super) fn on_check(&self, job: &Job, report: Report) -> Report {
        let Some(step) = job.operation.steps.get(job.at.step) else { return report };
        let mut state = self.state();
        if job.check.kind == CheckKind::Artifacts
            && report.ending != Ending::Rejected
            && let Some(expired) = expired(&mut state, job, &step.id)
        {
            return expired;
        }
        if ended(job, &report).is_none() {
            return report;
        }
        let ends = Ends { key: &job.key, operation: &job.operation, step: job.at.step, now: job.now };
        match state.outcome(&ends, false) {
            Outcome::Goes => report,
            Outcome::Waits(until) => Report::new(Ending::WaitingUntil(until), job.check.messages.clone()),
            Outcome::Rejected(fault) => said(Ending::Rejected, &fault, report, job.now),
            Outcome::Blocked(fault) => said(Ending::Blocked, &fault, report, job.now),
            Outcome::NeverHeard => timed_out(job),
        }
    }

    /// What a simulated reviewer does at this moment instead of approving; none where it approves.
    pub(super) fn on_verdict(&self, ends: &Ends<'_>) -> Option<OnVerdict> {
        match self.state().outcome(ends, true) {
            Outcome::Goes | Outcome::NeverHeard => None,
            Outcome::Waits(until) => Some(OnVerdict::Later(until)),
            Outcome::Rejected(fault) => Some(OnVerdict::Give(Verdict::Reject(reason(&fault)))),
            Outcome::Blocked(fault) => Some(OnVerdict::Give(Verdict::Block(reason(&fault)))),
        }
    }

    /// Until when a fault holds up a step, as far as was said by [`Faults::on_check`] or [`Faults::on_verdict`].
    pub(super) fn held_up_until(&self, ends: &Ends<'_>) -> Option<Moment> {
        self.state().waits(ends)
    }

    /// Whether the report that has just ended a step is made a second time.
    pub(super) fn on_reported(&self, key: &OfferKey, step: &str, now: Moment) -> bool {
        let fits = |fault: &NewFault| fault.kind == FaultKind::ReportedTwice && is_about(fault, key, step);
        self.state().meet(now, fits).is_some()
    }
}

/// The step that a report ends: all else in it is complete.
pub(super) fn ended<'a>(job: &'a Job, report: &Report) -> Option<&'a Step> {
    let step = job.operation.steps.get(job.at.step)?;
    (report.ending == Ending::Done && is_last(job, step)).then_some(step)
}

/// Whether all else in its step is complete, so that it ends the step.
fn is_last(job: &Job, step: &Step) -> bool {
    let mut checks = step.checks.iter().enumerate();
    checks.all(|(at, check)| at == job.at.check || check.state == CheckState::Complete)
}

impl State {
    fn outcome(&mut self, ends: &Ends<'_>, is_verdict: bool) -> Outcome {
        let at = ends.place();
        if let Some(until) = self.waits(ends) {
            return Outcome::Waits(until);
        }
        if let Some(HeldUp::Silent(_)) = self.held_up.get(&at) {
            self.held_up.insert(at, HeldUp::Over);
            return Outcome::NeverHeard;
        }
        let Some(step) = ends.operation.steps.get(ends.step) else { return Outcome::Goes };
        let was_held_up = self.held_up.contains_key(&at);
        let met = self.meet(ends.now, |fault| {
            let can_be = match fault.kind {
                FaultKind::Reject | FaultKind::Block => true,
                FaultKind::Stall | FaultKind::Slow => !was_held_up,
                FaultKind::LostCallback => !was_held_up && !is_verdict,
                _ => false,
            };
            can_be && is_about(fault, ends.key, &step.id)
        });
        let Some(met) = met else { return Outcome::Goes };
        let reached = step.reached_at.unwrap_or(ends.operation.started_at);
        let held_up = match met.fault.kind {
            FaultKind::Reject => return Outcome::Rejected(met.fault),
            FaultKind::Block => return Outcome::Blocked(met.fault),
            FaultKind::Slow => HeldUp::Until(slowed(reached, ends.now, met.fault.factor.unwrap_or(1.0))),
            FaultKind::LostCallback => HeldUp::Silent(reached.plus_seconds(ITS_TIME)),
            _ => HeldUp::ByFault(met.id, met.fault.until.map(|until| Moment::from_ticks(until.ticks()))),
        };
        self.held_up.insert(at, held_up);
        match self.waits(ends) {
            Some(until) => Outcome::Waits(until),
            // Its time was over before it was asked for.
            None => self.outcome(ends, is_verdict),
        }
    }

    fn waits(&self, ends: &Ends<'_>) -> Option<Moment> {
        let until = match self.held_up.get(&ends.place())? {
            HeldUp::Until(until) | HeldUp::Silent(until) => *until,
            HeldUp::ByFault(id, until) if self.has(id) => {
                let again = ends.now.plus_seconds(LOOKS_AGAIN);
                until.map_or(again, |until| until.min(again))
            }
            HeldUp::ByFault(..) | HeldUp::Over => return None,
        };
        (until > ends.now).then_some(until)
    }
}

/// When a step ends that takes so many times as long.
fn slowed(reached: Moment, ended: Moment, factor: f64) -> Moment {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "of seconds, and rounded")]
    let seconds = (((ended.ticks() - reached.ticks()) / TICKS_PER_SECOND) as f64 * factor) as i64;
    reached.plus_seconds(seconds).max(ended)
}

/// The report on the files, one of whose links has ended, where there are any and a fault wants it.
fn expired(state: &mut State, job: &Job, step: &str) -> Option<Report> {
    let message = |fault: &NewFault| expired_artifact(job, fault.target.as_deref());
    let met = state.meet(job.now, |fault| {
        fault.kind == FaultKind::ExpiredArtifact && is_about(fault, &job.key, step) && message(fault).is_some()
    })?;
    message(&met.fault).map(|message| Report::new(Ending::Rejected, vec![message]))
}

/// A report that says what a fault wants said, besides what was found.
fn said(ending: Ending, fault: &NewFault, report: Report, now: Moment) -> Report {
    let Reason { code, target, text, mend, link } = reason(fault);
    let message = Message { code, target, mend, link, ..Message::error("", text, now) };
    Report { ending, messages: report.messages.into_iter().chain([message]).collect(), ..report }
}

fn reason(fault: &NewFault) -> Reason {
    let is_rejected = fault.kind == FaultKind::Reject;
    let what = if is_rejected { "rejects" } else { "blocks" };
    let code =
        fault.code.clone().unwrap_or_else(|| if is_rejected { "EmulatedReject" } else { "EmulatedBlock" }.to_owned());
    let text = fault
        .message
        .clone()
        .unwrap_or_else(|| format!("The emulator {what} this step by {code}, for a fault is set."));
    let usual = if is_rejected {
        "Publish again: the fault is used up, or remove it."
    } else {
        "Have a reviewer unblock it, or cancel and publish again."
    };
    let mend = Some(fault.fix.clone().unwrap_or_else(|| usual.to_owned()));
    Reason { code: Some(code), target: fault.target.clone(), text, mend, link: None }
}
