//! Replan: an offer whose type's pipeline has changed shows the new steps, as long as none of them has started. And the same for
//! its links, where the service's address has changed.

use crate::decide::{Answer, Context, Decision};
use crate::entry::Event;
use crate::offer::Offer;
use crate::refusal::Refusal;

/// Changes nothing of the offer: its document is rendered anew, as with every decision.
pub(crate) fn decide(offer: &Offer, event: Event, context: &Context<'_>) -> Result<Decision, Refusal> {
    let entry = context.entry(offer.after_all(context.now), event);
    Ok(Decision { offer: offer.clone(), signed_off: None, snapshot: None, entry, answer: Answer::Recorded })
}
