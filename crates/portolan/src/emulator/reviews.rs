//! Simulated reviewers: each check that waits for one is approved after a drawn time. What is due follows from the store and the
//! seed alone.

use super::faults::{Ends, Faults, OnVerdict};
use super::inner::Inner;
use super::pace::{Pace, said};
use crate::auth::{Caller, Permission, Role};
use crate::perform::Failure;
use anyhow::Result;
use publishing::command::{Command, Verdict};
use publishing::moment::Moment;
use publishing::offer::OfferKey;
use publishing::operation::{Check, CheckState, Operation, Step};
use publishing::principal::Circle;

/// A verdict that a simulated reviewer will give.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) at: Moment,
    pub(super) key: OfferKey,
    operation: Operation,
    step: usize,
    queue: Option<String>,
    /// How many have approved before.
    before: usize,
}

/// The verdict that is given next, if any will be.
pub(super) async fn next(inner: &Inner, pace: Pace, faults: &Faults, now: Moment) -> Result<Option<Pending>> {
    let running = crate::store::Store::running(&inner.store).await?;
    let mut next: Option<Pending> = None;
    for (key, operation) in running {
        for (at, step) in operation.steps.iter().enumerate() {
            let waits = |check: &&Check| check.kind.queue().is_some() && check.state == CheckState::AwaitingPerson;
            for check in step.checks.iter().filter(waits) {
                let pending = pending(pace, faults, (&key, &operation), (at, step), check, now);
                if next.as_ref().is_none_or(|next| pending.at < next.at) {
                    next = Some(pending);
                }
            }
        }
    }
    Ok(next)
}

fn pending(
    pace: Pace,
    faults: &Faults,
    (key, operation): (&OfferKey, &Operation),
    (at, step): (usize, &Step),
    check: &Check,
    now: Moment,
) -> Pending {
    let queue = check.kind.queue().map(str::to_owned);
    let frame = step.estimated_time_frame.as_deref();
    let before = check.review.approvals.len();
    let since = check.review.approvals.last().map(|approval| approval.at).or(check.awaited_since);
    let who = format!("reviewer {before} of {}", queue.as_deref().unwrap_or_default());
    let range = faults.takes(&step.id).unwrap_or_else(|| said(frame));
    let seconds = pace.of_step(&who, range, &key.name(), operation, (step, check.round));
    let mut due = since.or(step.reached_at).unwrap_or(operation.started_at).plus_seconds(seconds);
    // Whoever holds it decides; and what a fault holds up comes later.
    if let Some(hold) = &check.review.hold {
        due = due.max(hold.until);
    }
    if let Some(until) = faults.held_up_until(&Ends { key, operation, step: at, now }) {
        due = due.max(until);
    }
    Pending { at: due, key: key.clone(), operation: operation.clone(), step: at, queue, before }
}

impl Pending {
    /// Gives the verdict; whether there was one to be given.
    pub(super) async fn give(self, inner: &Inner, faults: &Faults, now: Moment) -> Result<bool> {
        let ends = Ends { key: &self.key, operation: &self.operation, step: self.step, now };
        let verdict = match faults.on_verdict(&ends) {
            None => Verdict::Approve,
            Some(OnVerdict::Give(verdict)) => verdict,
            Some(OnVerdict::Later(_)) => return Ok(false),
        };
        let Some(step) = self.operation.steps.get(self.step).map(|step| step.id.clone()) else { return Ok(false) };
        let offer = self.key.name();
        match give(inner, &self.key, (self.operation.id, step, self.queue), verdict, self.before).await {
            Ok(()) => Ok(true),
            Err(Failure::Store(error)) => Err(error.into()),
            // Nothing else may stand still for it.
            Err(error) => {
                tracing::warn!(%error, offer, "the simulated reviewer's verdict was refused");
                Ok(false)
            }
        }
    }
}

/// Gives a verdict as the simulated reviewer who comes after so many others.
pub(super) async fn give(
    inner: &Inner,
    key: &OfferKey,
    (operation, step, queue): (uuid::Uuid, String, Option<String>),
    verdict: Verdict,
    before: usize,
) -> Result<(), Failure> {
    let name = if before == 0 { "simulated reviewer".to_owned() } else { format!("simulated reviewer {}", before + 1) };
    let reviewer = Caller::new(name, None).with(Circle::Marketplace, [Role::Reviewer]);
    let by = reviewer.authorise_staff(key.publisher.clone(), Permission::Review).map_err(|_| Failure::Forbidden)?;
    let command = Command::GiveVerdict { operation, step, queue, verdict };
    inner.service.perform.perform(&by, &key.offer, command).await?;
    Ok(())
}
