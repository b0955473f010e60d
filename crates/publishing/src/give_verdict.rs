//! Give a verdict: a reviewer approves, rejects, blocks or unblocks the step that waits.

use crate::command::Verdict;
use crate::decide::{Answer, Context, Decision};
use crate::entry::Event;
use crate::message::{Level, Message};
use crate::moment::Moment;
use crate::offer::Offer;
use crate::operation::{Check, CheckState, Course};
use crate::pipeline::CheckKind;
use crate::refusal::Refusal;
use uuid::Uuid;

pub(crate) fn decide(
    offer: &Offer,
    operation_id: Uuid,
    step: String,
    verdict: Verdict,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    let refused = |reason| Refusal::VerdictNotAwaited { step: step.clone(), reason };
    let now = offer.after_all(context.now);
    let mut offer = offer.clone();
    let operation = offer.operation.as_mut().filter(|operation| operation.id == operation_id);
    let operation =
        operation.ok_or_else(|| refused("a newer operation has taken this one's place; read the offer's status"))?;
    if operation.course != Course::Running {
        return Err(refused("the operation has ended; read the offer's status"));
    }
    let steps = operation.steps.iter().map(|step| step.id.as_str()).collect::<Vec<_>>().join(", ");
    let missing = || Refusal::StepMissing { step: step.clone(), steps };
    let in_step = operation.steps.iter_mut().find(|s| s.id == step).ok_or_else(missing)?;
    let is_blocked = in_step.checks.iter().any(|check| check.state == CheckState::Blocked);
    let check = in_step.checks.iter_mut().find(|check| takes(check, &verdict));
    apply(check.ok_or_else(|| refused(reason(&verdict, is_blocked)))?, &verdict, now, context.now);
    operation.advance(now, context.now);
    let event = Event::VerdictGiven { operation: operation_id, step: step.clone(), verdict };
    Ok(Decision { offer, signed_off: None, snapshot: None, entry: context.entry(now, event), answer: Answer::Recorded })
}

/// Whether this check is one the verdict can be about. Sign-off is the publisher's, not a reviewer's.
fn takes(check: &Check, verdict: &Verdict) -> bool {
    let reviewed = matches!(check.kind, CheckKind::Reviewer { .. });
    match verdict {
        Verdict::Approve | Verdict::Block(_) => reviewed && check.state == CheckState::AwaitingPerson,
        Verdict::Reject(_) => reviewed && matches!(check.state, CheckState::AwaitingPerson | CheckState::Blocked),
        Verdict::Unblock => check.state == CheckState::Blocked,
    }
}

fn reason(verdict: &Verdict, is_blocked: bool) -> &'static str {
    match verdict {
        Verdict::Unblock => "nothing in it is blocked",
        _ if is_blocked => "it is blocked; unblock it first",
        Verdict::Approve | Verdict::Reject(_) | Verdict::Block(_) => {
            "nothing in it waits for a reviewer; wait until its status is `waitingForApproval`"
        }
    }
}

fn apply(check: &mut Check, verdict: &Verdict, now: Moment, clock: Moment) {
    match verdict {
        Verdict::Approve => check.state = CheckState::Complete,
        Verdict::Reject(_) => check.state = CheckState::Rejected,
        Verdict::Block(_) => check.state = CheckState::Blocked,
        Verdict::Unblock => {
            // What is mended is no error any more, and who looks for errors must not find one.
            check.messages.iter_mut().for_each(|message| message.level = Level::Information);
            check.messages.push(Message::information("What blocked this step is mended.", now));
            check.begin_anew();
            check.state = if check.kind.waits_for_person() {
                CheckState::AwaitingPerson
            } else {
                CheckState::Queued { at: clock }
            };
        }
    }
    if let Verdict::Reject(reason) | Verdict::Block(reason) = verdict {
        check.messages.push(Message {
            code: reason.code.clone(),
            target: reason.target.clone(),
            ..Message::new(Level::Error, reason.text.clone(), now)
        });
    }
}
