//! Claim a review: a reviewer has a check in hand for half an hour, and nobody else decides it meanwhile.

use crate::decide::{Answer, Context, Decision};
use crate::entry::Event;
use crate::offer::Offer;
use crate::refusal::Refusal;
use crate::review::{HOLD_SECONDS, Hold};
use crate::reviewed::{Named, did_not_submit, is_free};

pub(crate) fn decide(offer: &Offer, named: Named, context: &Context<'_>) -> Result<Decision, Refusal> {
    let who = context.reviewer();
    let (at, check, operation) = named.in_review(offer, "claim", &who, context.now)?;
    did_not_submit(operation, &who)?;
    is_free(check, &who, context.now)?;
    let now = offer.after_all(context.now);
    // By the clock that says when it ends, which may have been set back.
    let until = context.now.plus_seconds(HOLD_SECONDS);
    let queue = check.kind.queue().unwrap_or_default().to_owned();
    let mut offer = offer.clone();
    offer.change_check(&at, now, |check| check.review.hold = Some(Hold { by: who, until }));
    let event = Event::ReviewClaimed { operation: at.operation, step: named.step, queue, until };
    let entry = context.entry(now, event);
    Ok(Decision { offer, signed_off: None, snapshot: None, entry, answer: Answer::Held(until) })
}
