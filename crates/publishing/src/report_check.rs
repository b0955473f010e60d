//! Report a check: a worker says how a run of it ended, and the operation moves on.

use crate::cancel::withdraw_preview;
use crate::command::{CheckRef, Ending, Report};
use crate::decide::{Answer, Context, Decision};
use crate::entry::Event;
use crate::message::{Level, Message};
use crate::moment::Moment;
use crate::offer::Offer;
use crate::operation::{CheckState, Course};
use crate::pipeline::CheckKind;
use crate::refusal::Refusal;

pub(crate) fn decide(offer: &Offer, at: CheckRef, report: Report, context: &Context<'_>) -> Result<Decision, Refusal> {
    let now = offer.after_all(context.now);
    let mut offer = offer.clone();
    let operation = offer.operation.as_mut().filter(|operation| operation.id == at.operation);
    let operation = operation.ok_or(Refusal::Superseded)?;
    if !matches!(operation.course, Course::Running | Course::CancelRequested) {
        return Err(Refusal::Superseded);
    }
    let check = operation.check_mut(&at).ok_or(Refusal::Superseded)?;
    if !matches!(check.state, CheckState::InHand | CheckState::Queued { .. }) {
        return Err(Refusal::Superseded);
    }
    check.begun = true;
    check.messages = with_a_reason(report.messages, report.ending, now);
    check.state = match report.ending {
        Ending::Done => CheckState::Complete,
        Ending::WaitingUntil(at) => CheckState::Queued { at },
        Ending::Blocked => CheckState::Blocked,
        Ending::Rejected => CheckState::Rejected,
    };
    let done = (report.ending == Ending::Done).then_some(check.kind);
    operation.artifacts.retain(|known| !report.artifacts.iter().any(|found| found.target == known.target));
    operation.artifacts.extend(report.artifacts);
    operation.advance(now, context.now);
    let version = operation.offer_version;
    if operation.course != Course::Canceled {
        take_effect(&mut offer, done, version);
    }
    withdraw_preview(&mut offer);
    let event = Event::CheckReported { check: at, ending: report.ending };
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
fn take_effect(offer: &mut Offer, done: Option<CheckKind>, version: i64) {
    match done {
        Some(CheckKind::Listing) => offer.preview = Some(version),
        Some(CheckKind::Promote) => {
            offer.production = Some(version);
            offer.live_plans = offer.operation.as_ref().map(|o| o.plans.clone()).unwrap_or_default();
        }
        Some(
            CheckKind::Definition
            | CheckKind::Artifacts
            | CheckKind::Reviewer
            | CheckKind::SignOff
            | CheckKind::Pause { .. },
        )
        | None => {}
    }
}
