//! Which check a reviewer means, and whether that reviewer may decide it.

use crate::check::{Check, CheckState};
use crate::command::CheckRef;
use crate::moment::Moment;
use crate::offer::Offer;
use crate::operation::{Course, Operation, Step};
use crate::refusal::Refusal;
use crate::review::Reviewer;
use uuid::Uuid;

/// How a reviewer names a check.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) operation: Uuid,
    pub(crate) step: String,
    pub(crate) queue: Option<String>,
}

impl Named {
    /// The operation, which runs, with the named step and its index.
    pub(crate) fn place<'a>(
        &self,
        offer: &'a Offer,
        asked: &'static str,
    ) -> Result<(&'a Operation, usize, &'a Step), Refusal> {
        let refused = |reason| self.refused(asked, reason);
        let operation = offer.operation.as_ref().filter(|operation| operation.id == self.operation);
        let operation = operation
            .ok_or_else(|| refused("a newer operation has taken this one's place; read the offer's status"))?;
        if operation.course != Course::Running {
            return Err(refused(
                "the operation has ended, is being canceled, or waits for the publisher; read the offer's status",
            ));
        }
        let mut steps = operation.steps.iter().enumerate();
        let (at, step) = steps.find(|(_, step)| step.id == self.step).ok_or_else(|| {
            let ids: Vec<&str> = operation.steps.iter().map(|step| step.id.as_str()).collect();
            Refusal::StepMissing { step: self.step.clone(), steps: ids.join(", ") }
        })?;
        self.knows_queue(step)?;
        Ok((operation, at, step))
    }

    fn knows_queue(&self, step: &Step) -> Result<(), Refusal> {
        let Some(wanted) = &self.queue else { return Ok(()) };
        let queues: Vec<&str> = step.checks.iter().filter_map(|check| check.kind.queue()).collect();
        if queues.contains(&wanted.as_str()) {
            return Ok(());
        }
        let known = if queues.is_empty() { "It has none.".to_owned() } else { format!("Use {}.", queues.join(" or ")) };
        Err(Refusal::bad_request("/queue", format!("The step `{}` has no queue `{wanted}`. {known}", step.id)))
    }

    /// The check that is meant among those of the step that take it: rather one that this person holds, and rather one that
    /// nobody holds than another's.
    pub(crate) fn nearest<'a>(
        &self,
        step: &'a Step,
        takes: impl Fn(&Check) -> bool,
        who: &Reviewer,
        clock: Moment,
    ) -> Option<(usize, &'a Check)> {
        let named = |check: &Check| self.queue.is_none() || self.queue.as_deref() == check.kind.queue();
        let fits = step.checks.iter().enumerate().filter(|(_, check)| named(check) && takes(check));
        fits.min_by_key(|(_, check)| match check.review.held(clock) {
            Some(hold) if hold.by.is(who) => 0,
            None => 1,
            Some(_) => 2,
        })
    }

    /// Refuses to guess which of several queues is meant where this person holds nothing: what is asked twice would decide twice.
    pub(crate) fn is_plain(
        &self,
        step: &Step,
        takes: impl Fn(&Check) -> bool,
        who: &Reviewer,
        clock: Moment,
    ) -> Result<(), Refusal> {
        let mut queues: Vec<&str> = Vec::new();
        for check in step.checks.iter().filter(|check| self.queue.is_none() && takes(check)) {
            if check.review.held(clock).is_some_and(|hold| hold.by.is(who)) {
                return Ok(());
            }
            queues.extend(check.kind.queue().filter(|queue| !queues.contains(queue)));
        }
        if queues.len() < 2 {
            return Ok(());
        }
        let message = format!("The step `{}` waits in several queues. Name one of {}.", step.id, queues.join(", "));
        Err(Refusal::bad_request("/queue", message))
    }

    /// The same among the reviewers' checks that wait or are blocked.
    pub(crate) fn in_review<'a>(
        &self,
        offer: &'a Offer,
        asked: &'static str,
        who: &Reviewer,
        clock: Moment,
    ) -> Result<(CheckRef, &'a Check, &'a Operation), Refusal> {
        let (operation, at, step) = self.place(offer, asked)?;
        let (check_at, check) =
            self.nearest(step, is_in_review, who, clock).ok_or_else(|| self.refused(asked, NOTHING_WAITS))?;
        Ok((CheckRef { operation: operation.id, step: at, check: check_at }, check, operation))
    }

    pub(crate) fn refused(&self, asked: &'static str, reason: &'static str) -> Refusal {
        Refusal::ReviewNotAwaited { step: self.step.clone(), asked, reason }
    }
}

pub(crate) const NOTHING_WAITS: &str =
    "nothing in it waits for a reviewer; wait until its status is `waitingForApproval`";

/// Whether a reviewer can do something about the check.
pub(crate) fn is_in_review(check: &Check) -> bool {
    check.kind.queue().is_some() && matches!(check.state, CheckState::AwaitingPerson | CheckState::Blocked)
}

/// Whoever submitted has no say.
pub(crate) fn did_not_submit(operation: &Operation, who: &Reviewer) -> Result<(), Refusal> {
    let submitted = who.id.is_some_and(|id| operation.submitters.contains(&id));
    if submitted { Err(Refusal::SubmittedByYou) } else { Ok(()) }
}

/// Whoever comes while somebody else has the check in hand has to wait.
pub(crate) fn is_free(check: &Check, who: &Reviewer, clock: Moment) -> Result<(), Refusal> {
    match check.review.held_by_another(who, clock) {
        Some(hold) => Err(Refusal::HeldByAnother { name: hold.by.name.clone(), until: hold.until }),
        None => Ok(()),
    }
}
