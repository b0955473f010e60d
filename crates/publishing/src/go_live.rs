//! Go live: the publisher's yes to the preview starts the way to production.

use crate::command::Expected;
use crate::decide::{Answer, Context, Decision};
use crate::entry::Event;
use crate::offer::Offer;
use crate::operation::Purpose;
use crate::refusal::Refusal;
use crate::status::OfferStatus;

pub(crate) fn decide(offer: &Offer, expected: &Expected, context: &Context<'_>) -> Result<Decision, Refusal> {
    expected.check(offer)?;
    let status = offer.status();
    let awaiting = offer.operation.as_ref().filter(|_| status == OfferStatus::WaitingForPublisherReview);
    let Some(publish) = awaiting else {
        return Err(Refusal::InvalidState { command: "Go live", status, mend: mend(offer) });
    };
    let now = offer.after_all(context.now);
    let signed_off = publish.signed_off(now);
    let mut operation = signed_off.go_live(context.fresh_id, context.now);
    operation.submitters.extend(context.principal.filter(|who| !publish.submitters.contains(who)));
    let event = Event::WentLive { operation: operation.id };
    let answer = Answer::Started(operation.id);
    let offer = Offer { operation: Some(operation), ..offer.clone() };
    Ok(Decision { offer, signed_off: Some(signed_off), snapshot: None, entry: context.entry(now, event), answer })
}

fn mend(offer: &Offer) -> &'static str {
    let going_live = offer.operation.as_ref().is_some_and(|operation| operation.purpose == Purpose::GoLive);
    match offer.status() {
        OfferStatus::Running if going_live => "It was asked for already: wait until the status is `succeeded`.",
        OfferStatus::Running => "Wait until the status is `waitingForPublisherReview`.",
        OfferStatus::Succeeded => "It is live already; publish a changed draft to update it.",
        OfferStatus::NeverPublished
        | OfferStatus::NotStarted
        | OfferStatus::Canceled
        | OfferStatus::Failed
        | OfferStatus::WaitingForPublisherReview => "Publish the draft first, and wait until it awaits sign-off.",
    }
}
