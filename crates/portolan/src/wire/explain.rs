//! What the rules explain of an offer, in the wire's words.

use super::{UsualEnd, date, message, offer_status, step_status, usual};
use api::explain as wire;
use api::state::State;
use publishing::cancel::{Foreseen, PreviewThen};
use publishing::explain::{Awaited, Explanation, Turn, Wait};
use publishing::refusal::Refusal;
use publishing::status::{OfferStatus, StepStatus};
use publishing::ways::{Action, LeadsTo, Way};

/// What explains an offer, and when the step at hand usually ends.
pub fn explanation(told: &Explanation, usually: Option<&UsualEnd>) -> wire::Explanation {
    let state = state(told.status, told.step.as_ref().map(|step| step.status));
    wire::Explanation {
        status: offer_status(told.status),
        state,
        state_words: state.words().to_owned(),
        headline: told.headline.to_string(),
        next: told.next.to_string(),
        turn: turn(told.turn),
        since: date(told.since),
        until: told.until.map(date),
        step: told.step.as_ref().map(|step| wire::StepAtHand {
            id: step.id.clone(),
            step_name: step.name.clone(),
            status: step_status(step.status),
            usual: usually.map(usual::end),
        }),
        waits_for: told.waits.iter().map(wait).collect(),
        ways: told.ways.iter().map(way).collect(),
        errors: told.errors.iter().map(message).collect(),
        cancel: match &told.cancel {
            Ok(foreseen) => cancel(foreseen),
            Err(refusal) => refused(refusal),
        },
        live_version: told.live,
        preview_version: told.preview,
    }
}

/// The one word for where an offer stands whose submission has come to a step that stands so, where it has come to one.
pub fn state(status: OfferStatus, at_hand: Option<StepStatus>) -> State {
    State::of_offer(offer_status(status), at_hand.map(step_status))
}

/// What a cancel that is taken would do.
pub fn cancel(foreseen: &Foreseen) -> wire::CancelForecast {
    let (status, outcome) = match foreseen.at_once {
        true => (200, wire::CancelOutcome::Canceled),
        false => (202, wire::CancelOutcome::CancelRequested),
    };
    wire::CancelForecast {
        status,
        outcome,
        words: foreseen.words(),
        operation_id: Some(foreseen.operation),
        live_version: foreseen.live,
        preview: match foreseen.preview {
            PreviewThen::None => None,
            PreviewThen::Withdrawn(version) => Some(wire::PreviewForecast { version, withdrawn: true }),
            PreviewThen::Kept(version) => Some(wire::PreviewForecast { version, withdrawn: false }),
        },
        status_document: None,
    }
}

fn refused(refusal: &Refusal) -> wire::CancelForecast {
    wire::CancelForecast {
        status: 400,
        outcome: wire::CancelOutcome::Refused,
        words: refusal.to_string(),
        operation_id: None,
        live_version: None,
        preview: None,
        status_document: None,
    }
}

const fn turn(turn: Turn) -> wire::Turn {
    match turn {
        Turn::Publisher => wire::Turn::Publisher,
        Turn::Reviewer => wire::Turn::Reviewer,
        Turn::Marketplace => wire::Turn::Marketplace,
        Turn::OutsideSystem => wire::Turn::OutsideSystem,
        Turn::Service => wire::Turn::Service,
        Turn::Nobody => wire::Turn::Nobody,
    }
}

fn wait(wait: &Wait) -> wire::Wait {
    let (queue, held) = match &wait.what {
        Awaited::Reviewer { queue, held, .. } => (Some(queue.clone()), Some(*held)),
        _ => (None, None),
    };
    let what = match wait.what {
        Awaited::Mending { .. } => wire::Awaited::Mending,
        Awaited::Reviewer { .. } => wire::Awaited::Reviewer,
        Awaited::GoLive => wire::Awaited::GoLive,
        Awaited::LettingGo => wire::Awaited::LettingGo,
        Awaited::OutsideSystem => wire::Awaited::OutsideSystem,
        Awaited::Worker { .. } => wire::Awaited::Check,
        Awaited::Pause => wire::Awaited::Pause,
    };
    wire::Wait { what, queue, held, since: wait.since.map(date), until: wait.until.map(date) }
}

fn way(way: &Way) -> wire::Way {
    let leads_to =
        |to: LeadsTo| wire::LeadsTo { status: offer_status(to.status), step_status: to.step.map(step_status) };
    wire::Way {
        who: turn(way.who),
        action: match way.action {
            Action::Publish => wire::Action::Publish,
            Action::SaveDraftThenPublish => wire::Action::SaveDraftThenPublish,
            Action::GoLive => wire::Action::GoLive,
            Action::Cancel => wire::Action::Cancel,
            Action::Approve => wire::Action::Approve,
            Action::Reject => wire::Action::Reject,
            Action::Unblock => wire::Action::Unblock,
            Action::Wait => wire::Action::Wait,
        },
        step: way.step.clone(),
        queue: way.queue.clone(),
        words: way.words.to_string(),
        leads_to: way.leads_to.map(leads_to),
    }
}
