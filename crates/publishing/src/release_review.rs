//! Release a review: who holds a check lets go of it, or an operator takes it out of somebody's hand.

use crate::command::CheckRef;
use crate::decide::{Answer, Context, Decision};
use crate::entry::Event;
use crate::offer::Offer;
use crate::refusal::Refusal;
use crate::reviewed::{Named, is_free};

pub(crate) fn decide(
    offer: &Offer,
    named: Named,
    by_operator: bool,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    let who = context.reviewer();
    let (operation, step_at, step) = named.place(offer, "release")?;
    let found = named.nearest(step, |check| check.review.held(context.now).is_some(), &who, context.now);
    let (check_at, check) = found.ok_or_else(|| named.refused("release", "nobody holds it"))?;
    if !by_operator {
        is_free(check, &who, context.now)?;
    }
    let now = offer.after_all(context.now);
    let queue = check.kind.queue().unwrap_or_default().to_owned();
    let held_by = check.review.hold.as_ref().map(|hold| hold.by.name.clone()).unwrap_or_default();
    let at = CheckRef { operation: operation.id, step: step_at, check: check_at };
    let mut offer = offer.clone();
    offer.change_check(&at, now, |check| check.review.hold = None);
    let event = Event::ReviewReleased { operation: at.operation, step: named.step, queue, held_by };
    let entry = context.entry(now, event);
    Ok(Decision { offer, signed_off: None, snapshot: None, entry, answer: Answer::Recorded })
}
