//! Synchronise audiences: who may see private plans in production changes at once, without a submission.

use crate::command::{Audience, Expected};
use crate::decide::{Answer, Context, Decision};
use crate::entry::Event;
use crate::offer::Offer;
use crate::refusal::Refusal;

pub(crate) fn decide(
    offer: &Offer,
    audiences: Vec<Audience>,
    expected: &Expected,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    expected.check(offer)?;
    if offer.production.is_none() {
        let mend = "Go live first: the audiences of the draft go live with it.";
        return Err(Refusal::InvalidState { command: "Synchronising audiences", status: offer.status(), mend });
    }
    if audiences.is_empty() {
        return Err(Refusal::bad_request(
            "/definition/plans",
            "No plan of the draft with a restrictedAudience is live as a private plan. Go live with it first.",
        ));
    }
    for audience in &audiences {
        if !offer.live_plans.iter().any(|plan| plan.private && plan.id == audience.plan) {
            return Err(Refusal::bad_request(
                "/definition/plans",
                format!(
                    "The plan `{}` is not live as a private plan. Publish it, or take its restrictedAudience away.",
                    audience.plan
                ),
            ));
        }
    }
    let now = offer.after_all(context.now);
    let audiences: Vec<Audience> = audiences.into_iter().map(|new| Audience { known_at: now, ..new }).collect();
    let mut offer = offer.clone();
    offer.live_audiences.retain(|known| !audiences.iter().any(|new| new.plan == known.plan));
    offer.live_audiences.extend(audiences.iter().cloned());
    let event = Event::AudiencesSynchronised { audiences: audiences.clone() };
    let (entry, answer) = (context.entry(now, event), Answer::Synchronised(audiences));
    Ok(Decision { offer, signed_off: None, snapshot: None, entry, answer })
}
