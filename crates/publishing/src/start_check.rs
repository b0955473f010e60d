//! Start a check: a worker has it in hand, and its step has begun.

use crate::command::CheckRef;
use crate::decide::{Answer, Context, Decision};
use crate::entry::Event;
use crate::offer::Offer;
use crate::operation::{CheckState, Course};
use crate::refusal::Refusal;

pub(crate) fn decide(offer: &Offer, at: CheckRef, context: &Context<'_>) -> Result<Decision, Refusal> {
    let now = offer.after_all(context.now);
    let mut offer = offer.clone();
    let operation = offer.operation.as_mut().filter(|o| o.id == at.operation && o.course == Course::Running);
    let operation = operation.ok_or(Refusal::Superseded)?;
    let check = operation.check_mut(&at).ok_or(Refusal::Superseded)?;
    if !matches!(check.state, CheckState::Queued { .. }) {
        return Err(Refusal::Superseded);
    }
    check.state = CheckState::InHand;
    check.begun = true;
    operation.changed_at = now;
    let event = Event::CheckStarted { check: at };
    Ok(Decision { offer, signed_off: None, snapshot: None, entry: context.entry(now, event), answer: Answer::Recorded })
}
