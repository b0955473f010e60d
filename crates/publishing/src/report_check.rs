//! Report a check: a worker says how a run of it ended, and the operation moves on.

use crate::cancel::withdraw_preview;
use crate::check::Outside;
use crate::command::{Audience, CheckRef, Ending, Report};
use crate::decide::{Answer, Context, Decision};
use crate::entry::Event;
use crate::message::{Level, Message};
use crate::moment::Moment;
use crate::offer::{Offer, Previous};
use crate::operation::{Check, CheckState, Course};
use crate::pipeline::CheckKind;
use crate::refusal::Refusal;

pub(crate) fn decide(offer: &Offer, at: CheckRef, report: Report, context: &Context<'_>) -> Result<Decision, Refusal> {
    let operation = offer.operation.as_ref().filter(|operation| operation.id == at.operation);
    let operation = operation.ok_or(Refusal::Superseded)?;
    if !matches!(operation.course, Course::Running | Course::CancelRequested) {
        return Err(Refusal::Superseded);
    }
    let check = operation.check(&at).ok_or(Refusal::Superseded)?;
    if !matches!(check.state, CheckState::InHand | CheckState::Queued { .. }) {
        return Err(Refusal::Superseded);
    }
    let report = without_what_is_old(check, report, context.now);
    let event = Event::CheckReported { check: at.clone(), ending: report.ending };
    take(offer, &at, report, event, context)
}

/// What a worker found before the outside system said something newer itself: only that it lets go.
fn without_what_is_old(check: &Check, report: Report, now: Moment) -> Report {
    let heard = check.outside.as_ref().map_or(0, |outside| outside.sequence);
    let Some(outside) = report.outside.as_ref().filter(|outside| outside.sequence < heard) else { return report };
    let ending = match report.ending {
        Ending::WaitingUntil(at) => Ending::WaitingUntil(at),
        Ending::Done | Ending::GoesOn | Ending::Blocked | Ending::Rejected => Ending::WaitingUntil(now),
    };
    let outside = Outside { sequence: heard, ..outside.clone() };
    Report { progress: None, outside: Some(outside), ..Report::new(ending, check.messages.clone()) }
}

/// Takes a report over into the operation, and carries it on.
pub(crate) fn take(
    offer: &Offer,
    at: &CheckRef,
    report: Report,
    event: Event,
    context: &Context<'_>,
) -> Result<Decision, Refusal> {
    let now = offer.after_all(context.now);
    let mut offer = offer.clone();
    let operation = offer.operation.as_mut().ok_or(Refusal::Superseded)?;
    let check = operation.check_mut(at).ok_or(Refusal::Superseded)?;
    check.begun = true;
    check.messages = with_a_reason(report.messages, report.ending, now);
    check.come_to(report.progress);
    check.outside = report.outside.or(check.outside.take());
    check.state = match report.ending {
        Ending::Done => CheckState::Complete,
        Ending::GoesOn => check.state,
        Ending::WaitingUntil(at) => CheckState::Queued { at },
        Ending::Blocked => CheckState::Blocked,
        Ending::Rejected => CheckState::Rejected,
    };
    let done = (report.ending == Ending::Done).then(|| check.kind.clone());
    operation.artifacts.retain(|known| !report.artifacts.iter().any(|found| found.target == known.target));
    operation.artifacts.extend(report.artifacts);
    operation.audiences.retain(|known| !report.audiences.iter().any(|found| found.plan == known.plan));
    operation.audiences.extend(report.audiences.into_iter().map(|found| Audience { known_at: now, ..found }));
    operation.advance(now, context.now);
    if operation.course != Course::Canceled {
        take_effect(&mut offer, done, now);
    }
    withdraw_preview(&mut offer);
    Ok(Decision { offer, signed_off: None, snapshot: None, entry: context.entry(now, event), answer: Answer::Recorded })
}

/// A step that stops says why, even where its check does not (wire contract, section 4).
fn with_a_reason(mut messages: Vec<Message>, ending: Ending, now: Moment) -> Vec<Message> {
    let stops = matches!(ending, Ending::Blocked | Ending::Rejected);
    if stops && !messages.iter().any(|message| message.level == Level::Error) {
        let text = "This check stopped and gave no reason. Ask the marketplace's operator for it.";
        messages.push(Message::error("NoReasonGiven", text, now));
    }
    messages
}

/// What customers see changes in the same decision that says the check is done.
fn take_effect(offer: &mut Offer, done: Option<CheckKind>, now: Moment) {
    let Some(operation) = &offer.operation else { return };
    let version = operation.offer_version;
    match done {
        Some(CheckKind::Listing) => {
            offer.preview = Some(version);
            offer.preview_audience.clone_from(&operation.preview_audience);
        }
        Some(CheckKind::Promote) => {
            let plans = std::mem::replace(&mut offer.live_plans, operation.plans.clone());
            let audiences = operation.audiences.clone();
            let audiences = offer.replace_audiences(audiences);
            let replaced = offer.production.replace(version).filter(|replaced| *replaced != version);
            if let Some(replaced) = replaced {
                offer.previous = Some(Previous { version: replaced, plans, audiences, left_at: now });
            }
        }
        _ => {}
    }
}
