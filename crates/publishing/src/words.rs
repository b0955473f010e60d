//! Which two sentences say where an offer stands and what comes next: the same in mails, on pages and on the command line.

use crate::explain::{Awaited, Wait, errors};
use crate::offer::Offer;
use crate::operation::{Course, Operation, Step};
use crate::pipeline::USUAL_QUEUE;
use crate::sentence::{EndedAt, Headline, Next, Reviewers};
use crate::status::{OfferStatus, StepStatus};

/// Says where an offer stands, at this step and for what it waits, and what comes next.
pub(crate) fn told(offer: &Offer, status: OfferStatus, step: Option<&Step>, waits: &[Wait]) -> (Headline, Next) {
    let Some(operation) = &offer.operation else {
        return (Headline::NothingPublished, Next::PublishWhenComplete);
    };
    let (version, live) = (operation.offer_version, offer.production);
    match status {
        // The steps of what ended are not shown any more, and `step` is none.
        OfferStatus::NeverPublished | OfferStatus::NotStarted => {
            let (canceled, at) = (operation.course == Course::Canceled, ended_at(operation.current_step()));
            (Headline::DraftSavedSince { version, canceled, at, live }, Next::PublishToStartAgain)
        }
        OfferStatus::WaitingForPublisherReview => preview_is_ready(version),
        OfferStatus::Succeeded => match live {
            // The newest operation says what went live last; a roll back puts an older one there without a submission.
            Some(live) if live != version => (Headline::RolledBack { live, version }, Next::PublishChangedDraft),
            _ => (Headline::Live { version }, Next::PublishChangedDraft),
        },
        OfferStatus::Failed => {
            let next = Next::FixThenPublish { errors: count(step), at: ended_at(step) };
            (Headline::Failed { version, at: ended_at(step), live }, next)
        }
        OfferStatus::Canceled => (Headline::Canceled { version, at: ended_at(step), live }, Next::PublishToGoOn),
        OfferStatus::Running => match (step, waits) {
            (Some(step), [first, ..]) => running(operation, step, first, waits),
            _ => (Headline::OnItsWay { version }, Next::NothingToDo),
        },
    }
}

fn ended_at(step: Option<&Step>) -> EndedAt {
    EndedAt(step.map(|step| step.name.clone()))
}

const fn preview_is_ready(version: i64) -> (Headline, Next) {
    (Headline::PreviewReady { version }, Next::LookThenGoLive)
}

fn count(step: Option<&Step>) -> usize {
    step.map_or(0, |step| errors(step).len())
}

fn running(operation: &Operation, at_hand: &Step, first: &Wait, waits: &[Wait]) -> (Headline, Next) {
    let step = at_hand.name.clone();
    match first.what {
        Awaited::Mending { .. } => (Headline::Blocked { step }, mending(operation, at_hand, waits)),
        Awaited::Reviewer { .. } => reviewed(step, waits),
        Awaited::GoLive => preview_is_ready(operation.offer_version),
        Awaited::LettingGo => (Headline::CancelRequested, Next::CheckLetsGo),
        Awaited::OutsideSystem => (Headline::WithOutsideSystem { step }, Next::OutsideSystemAnswers),
        Awaited::Worker { begun } if begun || at_hand.status() != StepStatus::NotStarted => {
            (Headline::InProgress { step }, Next::ServiceWorks)
        }
        // Its time has come, and nobody has taken it.
        Awaited::Worker { .. } if first.until.is_none() => (Headline::WaitsForItsTurn { step }, Next::ServiceWorks),
        Awaited::Worker { .. } => (Headline::BeginsSoon { step }, Next::ServiceWorks),
        Awaited::Pause => (Headline::Pauses { step }, Next::TimePasses),
    }
}

fn mending(operation: &Operation, step: &Step, waits: &[Wait]) -> Next {
    let (errors, can_cancel, step) = (count(Some(step)), operation.can_cancel(), step.name.clone());
    if waits.iter().any(|wait| wait.what == Awaited::Mending { by_reviewer: false }) {
        Next::MarketplaceUnblocks { errors, step, can_cancel }
    } else {
        Next::MendForReviewer { errors, step, can_cancel }
    }
}

fn reviewed(step: String, waits: &[Wait]) -> (Headline, Next) {
    let mut queues: Vec<String> = Vec::new();
    let (mut is_held, mut second) = (true, true);
    for wait in waits {
        if let Awaited::Reviewer { queue, held, given, .. } = &wait.what {
            is_held &= *held;
            second &= *given > 0;
            if !queues.contains(queue) {
                queues.push(queue.clone());
            }
        }
    }
    let whom = match queues.as_slice() {
        [queue] if queue == USUAL_QUEUE => Reviewers::Usual { second },
        [queue] => Reviewers::Queue { queue: queue.clone(), second },
        _ => Reviewers::Queues(queues),
    };
    let next = if is_held { Next::ReviewerHasIt } else { Next::ReviewerDecides };
    (Headline::InReview { step, whom }, next)
}
