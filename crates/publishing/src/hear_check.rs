//! Hear a check: an outside system says by itself how it stands, whether or not a worker has the check in hand.

use crate::command::{CheckRef, Ending, Report};
use crate::decide::{Context, Decision};
use crate::entry::Event;
use crate::offer::Offer;
use crate::operation::{CheckState, Course};
use crate::pipeline::CheckKind;
use crate::refusal::Refusal;
use crate::report_check::take;

/// What comes twice, too late, or after something newer is [`Refusal::Superseded`].
pub(crate) fn decide(
    offer: &Offer,
    at: CheckRef,
    round: u32,
    mut report: Report,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    let operation = offer.operation.as_ref().filter(|o| o.id == at.operation && o.course == Course::Running);
    let check = operation.and_then(|operation| operation.check(&at)).ok_or(Refusal::Superseded)?;
    let is_asked = matches!(check.kind, CheckKind::Http { .. }) && check.begun && check.round == round;
    let awaited = matches!(check.state, CheckState::InHand | CheckState::Queued { .. });
    let heard = check.outside.clone().unwrap_or_default();
    let mut said = report.outside.take().unwrap_or_default();
    if !is_asked || !awaited || said.sequence <= heard.sequence {
        return Err(Refusal::Superseded);
    }
    let sequence = said.sequence;
    said.taken = true;
    said.failures = 0;
    said.deadline = heard.deadline;
    said.poll = heard.poll;
    report.outside = Some(said);
    // The worker that has it in hand, or the time at which it is due, stays as it is.
    if let Ending::WaitingUntil(_) = report.ending {
        report.ending = Ending::GoesOn;
    }
    let event = Event::CheckHeard { check: at.clone(), ending: report.ending, sequence };
    take(offer, &at, report, event, context)
}
