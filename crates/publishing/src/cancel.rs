//! Cancel: stop the submission that runs or awaits sign-off. What is live stays live.

use crate::command::Expected;
use crate::decide::{Answer, Context, Decision};
use crate::entry::Event;
use crate::offer::Offer;
use crate::operation::Course;
use crate::refusal::Refusal;

pub(crate) fn decide(offer: &Offer, expected: &Expected, context: &Context<'_>) -> Result<Decision, Refusal> {
    expected.check(offer)?;
    let refused = |mend| Refusal::InvalidState { command: "Cancel", status: offer.status(), mend };
    let Some(active) = offer.active_operation() else {
        return Err(refused("There is no submission to cancel."));
    };
    if !active.can_cancel() {
        return Err(refused("Going live has begun and cannot be stopped; publish again to change what is live."));
    }
    let now = offer.after_all(context.now);
    let id = active.id;
    let mut offer = offer.clone();
    let in_hand = active.has_check_in_hand();
    if let Some(operation) = &mut offer.operation {
        operation.course = Course::CancelRequested;
        operation.advance(now, context.now);
    }
    withdraw_preview(&mut offer);
    let (event, answer) = if in_hand {
        (Event::CancelRequested { operation: id }, Answer::CancelRequested(id))
    } else {
        (Event::Canceled { operation: id }, Answer::Canceled)
    };
    Ok(Decision { offer, signed_off: None, snapshot: None, entry: context.entry(now, event), answer })
}

/// A canceled submission's preview is withdrawn; the preview of an earlier version is not its to withdraw.
pub(crate) fn withdraw_preview(offer: &mut Offer) {
    let canceled = offer.operation.as_ref().filter(|operation| operation.course == Course::Canceled);
    if canceled.is_some_and(|operation| offer.preview == Some(operation.offer_version)) {
        offer.preview = None;
        offer.preview_audience.clear();
    }
}
