//! The two sentences that say where an offer stands and what comes next: the same in mails, on pages and on the command line.

use crate::explain::{Awaited, Wait, errors};
use crate::offer::Offer;
use crate::operation::{Course, Operation, Step};
use crate::pipeline::USUAL_QUEUE;
use crate::status::{OfferStatus, StepStatus};

/// What an offer's publisher is told.
pub(crate) struct Told {
    pub(crate) headline: String,
    pub(crate) next: String,
}

fn told_as(headline: impl Into<String>, next: impl Into<String>) -> Told {
    Told { headline: headline.into(), next: next.into() }
}

/// Says where an offer stands, at this step and for what it waits, and what comes next.
pub(crate) fn told(offer: &Offer, status: OfferStatus, step: Option<&Step>, waits: &[Wait]) -> Told {
    let Some(operation) = &offer.operation else {
        return told_as("Nothing has been published yet.", "Your turn: publish the draft when it is complete.");
    };
    let version = operation.offer_version;
    let at = step.map_or("the end", |step| step.name.as_str());
    match status {
        OfferStatus::NeverPublished | OfferStatus::NotStarted => told_as(
            format!("Version {version} {}, and the draft was saved after that.{}", ended(operation), stays(offer)),
            "Your turn: publish the draft to start again.",
        ),
        OfferStatus::WaitingForPublisherReview => preview_is_ready(version),
        OfferStatus::Succeeded => live(offer, version),
        OfferStatus::Failed => {
            let errors = count(step);
            told_as(
                format!("Version {version} failed at {at}.{}", stays(offer)),
                format!("Your turn. Fix {} at {at}, then publish again.", these(errors)),
            )
        }
        OfferStatus::Canceled => told_as(
            format!("Version {version} was canceled at {at}.{}", stays(offer)),
            "Publish again when you want to go on. The draft is kept.",
        ),
        OfferStatus::Running => match (step, waits) {
            (Some(step), [first, ..]) => running(operation, step, first, waits),
            _ => told_as(format!("Version {version} is on its way."), "Nothing to do."),
        },
    }
}

/// How a submission ended, and where: its steps are not shown any more.
fn ended(operation: &Operation) -> String {
    let how = if operation.course == Course::Canceled { "was canceled" } else { "failed" };
    format!("{how} at {}", operation.current_step().map_or("the end", |step| step.name.as_str()))
}

fn preview_is_ready(version: i64) -> Told {
    told_as(format!("The preview of version {version} is ready."), "Your turn: look at the preview, then go live.")
}

fn live(offer: &Offer, version: i64) -> Told {
    let update = "Nothing to do. To change what is live, publish a changed draft.";
    match offer.production {
        // The newest operation says what went live last; a roll back puts an older one there without a submission.
        Some(live) if live != version => {
            told_as(format!("Version {live} is live: version {version} was rolled back."), update)
        }
        _ => told_as(format!("Version {version} is live."), update),
    }
}

/// What of the past an end leaves alone.
fn stays(offer: &Offer) -> String {
    offer.production.map(|live| format!(" Version {live} stays live.")).unwrap_or_default()
}

fn count(step: Option<&Step>) -> usize {
    step.map_or(0, |step| errors(step).len())
}

fn these(errors: usize) -> String {
    match errors {
        0 | 1 => "the error".to_owned(),
        many => format!("the {many} errors"),
    }
}

fn running(operation: &Operation, step: &Step, first: &Wait, waits: &[Wait]) -> Told {
    let name = &step.name;
    let by_itself = "Nothing to do: the service works on by itself.";
    match first.what {
        Awaited::Mending { .. } => blocked(operation, step, waits),
        Awaited::Reviewer { .. } => reviewed(name, waits),
        Awaited::GoLive => preview_is_ready(operation.offer_version),
        Awaited::LettingGo => told_as(
            "A cancel was asked for.",
            "Nothing to do: the submission is canceled as soon as the check in hand lets go.",
        ),
        Awaited::OutsideSystem => told_as(
            format!("{name} waits for a system outside the marketplace."),
            "Nothing to do: it goes on when that system has answered.",
        ),
        Awaited::Worker { begun } if begun || step.status() != StepStatus::NotStarted => {
            told_as(format!("{name} is in progress."), by_itself)
        }
        // Its time has come, and nobody has taken it.
        Awaited::Worker { .. } if first.until.is_none() => told_as(format!("{name} waits for its turn."), by_itself),
        Awaited::Worker { .. } => told_as(format!("{name} begins in a moment."), by_itself),
        Awaited::Pause => {
            told_as(format!("{name} waits for a time to pass."), "Nothing to do: it goes on by itself after that.")
        }
    }
}

fn blocked(operation: &Operation, step: &Step, waits: &[Wait]) -> Told {
    let name = &step.name;
    let errors = count(Some(step));
    let is_ours = |wait: &Wait| wait.what == Awaited::Mending { by_reviewer: false };
    if !waits.iter().any(is_ours) {
        let begun_anew = if operation.can_cancel() { ", or cancel and publish again" } else { "" };
        let errors = if errors > 1 { format!("{errors} errors") } else { "1 error".to_owned() };
        let next = format!("Your turn: mend {errors} at {name}; a reviewer unblocks it then{begun_anew}.");
        return told_as(format!("{name} is blocked."), next);
    }
    let begun_anew =
        if operation.can_cancel() { " If the draft has to change for that, cancel and publish again." } else { "" };
    told_as(
        format!("{name} is blocked."),
        format!(
            "Blocked at {name}: once {} {} mended, the marketplace has to unblock it.{begun_anew}",
            these(errors),
            if errors > 1 { "are" } else { "is" }
        ),
    )
}

fn reviewed(name: &str, waits: &[Wait]) -> Told {
    let mut queues: Vec<&str> = Vec::new();
    let (mut is_held, mut is_second) = (true, true);
    for wait in waits {
        if let Awaited::Reviewer { queue, held, given, .. } = &wait.what {
            is_held &= *held;
            is_second &= *given > 0;
            if !queues.contains(&queue.as_str()) {
                queues.push(queue);
            }
        }
    }
    let whom = match (is_second, queues.as_slice()) {
        (false, [USUAL_QUEUE]) => "a reviewer".to_owned(),
        (true, [USUAL_QUEUE]) => "a second reviewer".to_owned(),
        (false, [queue]) => format!("a reviewer in the queue {queue}"),
        (true, [queue]) => format!("a second reviewer in the queue {queue}"),
        (_, queues) => format!("reviewers in the queues {}", queues.join(" and ")),
    };
    let next = if is_held { "Nothing to do: a reviewer has it in hand." } else { "Nothing to do: a reviewer decides." };
    told_as(format!("{name} waits for {whom}."), next)
}
