//! Roll back: the version that was in production before is there again, at once and without a submission.

use crate::command::Expected;
use crate::decide::{Answer, Context, Decision};
use crate::entry::Event;
use crate::offer::{Offer, Previous};
use crate::operation::Course;
use crate::refusal::Refusal;

/// What a roll back would do now: the version that is live, and what takes its place.
///
/// # Errors
/// The [`Refusal`] that the roll back would be.
pub fn foresee(offer: &Offer) -> Result<(i64, &Previous), Refusal> {
    let refused = |mend| Refusal::InvalidState { command: "Roll back", status: offer.status(), mend };
    let both = offer.production.zip(offer.previous.as_ref());
    let (live, previous) = both.ok_or_else(|| refused("No other version was in production before."))?;
    let going_live = offer.operation.as_ref().filter(|operation| operation.course == Course::Running);
    if going_live.is_some_and(|operation| !operation.can_cancel()) {
        return Err(refused(
            "Going live has begun; wait until it ends. If it is blocked, the marketplace's operator has to mend that first.",
        ));
    }
    Ok((live, previous))
}

pub(crate) fn decide(
    offer: &Offer,
    from: i64,
    expected: &Expected,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    expected.check(offer)?;
    if let Some(live) = offer.production.filter(|live| *live != from && offer.previous.is_some()) {
        return Err(Refusal::OtherVersionLive { asked: from, live });
    }
    let previous = foresee(offer)?.1.clone();
    let now = offer.after_all(context.now);
    let to = previous.version;
    let mut offer = offer.clone();
    offer.production = Some(to);
    let plans = std::mem::replace(&mut offer.live_plans, previous.plans);
    let audiences = offer.replace_audiences(previous.audiences);
    offer.previous = Some(Previous { version: from, plans, audiences, left_at: now });
    let event = Event::RolledBack { from, to };
    Ok(Decision { offer, signed_off: None, snapshot: None, entry: context.entry(now, event), answer: Answer::Recorded })
}
