//! Publish: judge the draft, keep it as a version, and start on the way to preview.

use crate::command::Expected;
use crate::decide::{Answer, Context, Decision};
use crate::definition;
use crate::entry::Event;
use crate::offer::{Offer, Snapshot};
use crate::operation::{Course, Operation};
use crate::plan;
use crate::refusal::Refusal;
use crate::reuse;
use crate::secrets;

pub(crate) fn decide(
    offer: &Offer,
    emails: Vec<String>,
    expected: &Expected,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    expected.check(offer)?;
    if let Some(operation) = offer.active_operation() {
        return Err(Refusal::OperationInProgress { operation: operation.id, state: in_words(operation) });
    }
    let offer_type = context.types.of(offer)?;
    let definition = secrets::put_back(&offer.draft);
    let faults = definition::faults(&definition, offer_type, &offer.fixed_plans());
    if !faults.is_empty() {
        return Err(Refusal::Faults(faults));
    }
    let now = offer.after_all(context.now);
    let mut operation =
        Operation::publish(context.fresh_id, offer.version, now, emails, offer_type.pipeline.plan(&definition));
    operation.plans = plan::plans(&definition);
    operation.submitters = context.principal.into_iter().collect();
    operation.preview_audience = definition::allowed_subscriptions(&definition);
    // Without its secrets, which no reusable check is shown: a digest in the clear would let them be guessed.
    operation.definition_digest = reuse::digest(&[&offer.draft.definition]);
    operation.earlier = offer.operation.as_ref().map(reuse::passed).unwrap_or_default();
    operation.advance(now, context.now);
    let event = Event::Published { operation: operation.id, version: offer.version };
    let snapshot = Snapshot { version: offer.version, draft: offer.draft.clone(), published_at: now };
    let answer = Answer::Started(operation.id);
    let offer = Offer { version: offer.version + 1, changed_at: now, operation: Some(operation), ..offer.clone() };
    Ok(Decision { offer, signed_off: None, snapshot: Some(snapshot), entry: context.entry(now, event), answer })
}

fn in_words(operation: &Operation) -> &'static str {
    match operation.course {
        Course::CancelRequested => "is being canceled. Publish again once it is",
        Course::Completed => "waits for your sign-off. Go live, or cancel it and publish again",
        _ if !operation.can_cancel() => "is going live. Publish again once the status is `succeeded`",
        Course::Running | Course::Failed | Course::Canceled => {
            "runs. Wait until it ends, or cancel it and publish again"
        }
    }
}
