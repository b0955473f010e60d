//! Go live: the publisher's yes to the preview starts the way to production.

use crate::command::Expected;
use crate::decide::{Answer, Context, Decision};
use crate::entry::Event;
use crate::offer::Offer;
use crate::refusal::Refusal;
use crate::status::OfferStatus;

pub(crate) fn decide(offer: &Offer, expected: &Expected, context: &Context<'_>) -> Result<Decision, Refusal> {
    expected.check(offer)?;
    let status = offer.status();
    let awaiting = offer.operation.as_ref().filter(|_| status == OfferStatus::WaitingForPublisherReview);
    let Some(publish) = awaiting else {
        return Err(Refusal::InvalidState { command: "Go live", status, mend: mend(status) });
    };
    let now = offer.after_all(context.now);
    let operation = publish.go_live(context.fresh_id, now);
    let event = Event::WentLive { operation: operation.id };
    let answer = Answer::Started(operation.id);
    let offer = Offer { operation: Some(operation), ..offer.clone() };
    Ok(Decision { offer, snapshot: None, entry: context.entry(now, event), answer })
}

fn mend(status: OfferStatus) -> &'static str {
    match status {
        OfferStatus::Running => "Wait until the status is `waitingForPublisherReview`.",
        OfferStatus::NeverPublished
        | OfferStatus::NotStarted
        | OfferStatus::Succeeded
        | OfferStatus::Canceled
        | OfferStatus::Failed
        | OfferStatus::WaitingForPublisherReview => "Publish the draft first, and wait until it awaits sign-off.",
    }
}
