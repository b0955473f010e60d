//! Give a verdict: a reviewer approves, rejects, blocks or unblocks the step that waits.

use crate::check::{Check, CheckState};
use crate::command::{CheckRef, Verdict};
use crate::decide::{Answer, Context, Decision};
use crate::entry::Event;
use crate::message::{Level, Message};
use crate::moment::Moment;
use crate::offer::Offer;
use crate::operation::Step;
use crate::refusal::Refusal;
use crate::review::{Approval, Reviewer};
use crate::reviewed::{NOTHING_WAITS, Named, did_not_submit, is_free, is_in_review};

/// The stable code of the message that one of two reviewers has approved.
pub const REVIEWER_APPROVED: &str = "ReviewerApproved";

pub(crate) fn decide(
    offer: &Offer,
    named: Named,
    verdict: Verdict,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    let who = context.reviewer();
    let (operation, step_at, step) = named.place(offer, ASKED)?;
    let (check_at, check) = find(&named, step, &verdict, &who, context.now)?;
    did_not_submit(operation, &who)?;
    if verdict == Verdict::Approve {
        // A no is final, and an unblock is for whatever is blocked; a yes that is asked twice must not be two.
        named.is_plain(step, |check| takes(check, &verdict), &who, context.now)?;
    }
    may_decide(check, &verdict, &who, context.now)?;
    let now = offer.after_all(context.now);
    let queue = check.kind.queue().map(str::to_owned);
    let at = CheckRef { operation: operation.id, step: step_at, check: check_at };
    let mut offer = offer.clone();
    let unblocks = verdict == Verdict::Unblock;
    offer.change_check(&at, now, |check| apply(check, &verdict, who, now, context.now));
    let came_to = offer.operation.as_ref().and_then(|operation| operation.check(&at)).map(|check| check.state);
    if let Some(operation) = &mut offer.operation {
        if let Some(step) = operation.steps.get_mut(step_at).filter(|_| unblocks) {
            step.begun_anew_at = Some(context.now);
            // Its time begins anew, so it may become late anew.
            step.late = None;
        }
        operation.advance(now, context.now);
    }
    let event = Event::VerdictGiven { operation: at.operation, step: named.step, verdict, queue, came_to };
    let entry = context.entry(now, event);
    Ok(Decision { offer, signed_off: None, snapshot: None, entry, answer: Answer::Recorded })
}

const ASKED: &str = "such verdict";

/// The check that the verdict is about: the one that takes it, and rather one that this person may decide.
fn find<'a>(
    named: &Named,
    step: &'a Step,
    verdict: &Verdict,
    who: &Reviewer,
    clock: Moment,
) -> Result<(usize, &'a Check), Refusal> {
    let not_yet = |check: &Check| takes(check, verdict) && !approves_again(check, verdict, who);
    let found = named.nearest(step, not_yet, who, clock);
    found.or_else(|| named.nearest(step, |check| takes(check, verdict), who, clock)).ok_or_else(|| {
        let is_blocked = step.checks.iter().any(|check| check.state == CheckState::Blocked);
        named.refused(ASKED, reason(verdict, is_blocked))
    })
}

fn may_decide(check: &Check, verdict: &Verdict, who: &Reviewer, clock: Moment) -> Result<(), Refusal> {
    is_free(check, who, clock)?;
    if approves_again(check, verdict, who) { Err(Refusal::ApprovedAlready) } else { Ok(()) }
}

fn approves_again(check: &Check, verdict: &Verdict, who: &Reviewer) -> bool {
    *verdict == Verdict::Approve && check.review.is_approved_by(who)
}

/// Whether this check is one the verdict can be about. Sign-off is the publisher's, not a reviewer's.
fn takes(check: &Check, verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Approve | Verdict::Block(_) => is_in_review(check) && check.state == CheckState::AwaitingPerson,
        Verdict::Reject(_) => is_in_review(check),
        Verdict::Unblock => check.state == CheckState::Blocked,
    }
}

fn reason(verdict: &Verdict, is_blocked: bool) -> &'static str {
    match verdict {
        Verdict::Unblock => "nothing in it is blocked",
        _ if is_blocked => "it is blocked; unblock it first",
        Verdict::Approve | Verdict::Reject(_) | Verdict::Block(_) => NOTHING_WAITS,
    }
}

/// Does to a check what a verdict that it takes comes to.
pub(crate) fn apply(check: &mut Check, verdict: &Verdict, who: Reviewer, now: Moment, clock: Moment) {
    check.review.hold = None;
    match verdict {
        Verdict::Approve => approve(check, who, now),
        Verdict::Reject(_) => check.state = CheckState::Rejected,
        Verdict::Block(_) => check.state = CheckState::Blocked,
        Verdict::Unblock => {
            // What is mended is no error any more, and who looks for errors must not find one.
            check.messages.iter_mut().for_each(|message| message.level = Level::Information);
            // The yeses so far are forgotten, and so is what was said of them.
            check.messages.retain(|message| message.code.as_deref() != Some(REVIEWER_APPROVED));
            check.messages.push(Message::information("What blocked this step is mended.", now));
            check.begin_anew();
            if check.kind.waits_for_person() {
                check.await_person(clock);
            } else {
                check.state = CheckState::Queued { at: clock };
            }
        }
    }
    if let Verdict::Reject(reason) | Verdict::Block(reason) = verdict {
        check.messages.push(Message {
            code: reason.code.clone(),
            target: reason.target.clone(),
            mend: reason.mend.clone(),
            link: reason.link.clone(),
            ..Message::new(Level::Error, reason.text.clone(), now)
        });
    }
}

/// One more yes: the check is complete once as many people as it wants have said it.
fn approve(check: &mut Check, who: Reviewer, now: Moment) {
    let wanted = usize::from(check.kind.approvals().unwrap_or(1));
    check.review.approvals.push(Approval { by: who, at: now });
    let given = check.review.approvals.len();
    if wanted > 1 {
        let text = format!("{given} of {wanted} reviewers approved.");
        check.messages.push(Message { code: Some(REVIEWER_APPROVED.into()), ..Message::information(text, now) });
    }
    if given >= wanted {
        check.state = CheckState::Complete;
    }
}
