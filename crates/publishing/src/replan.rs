//! Replan: an offer whose type's pipeline has changed shows the new steps, as long as none of them has started.

use crate::decide::{Answer, Context, Decision};
use crate::entry::Event;
use crate::offer::Offer;
use crate::refusal::Refusal;

pub(crate) fn decide(offer: &Offer, context: &Context<'_>) -> Result<Decision, Refusal> {
    let entry = context.entry(offer.after_all(context.now), Event::Replanned);
    Ok(Decision { offer: offer.clone(), signed_off: None, snapshot: None, entry, answer: Answer::Recorded })
}
