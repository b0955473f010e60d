//! Explain: whose turn it is, since when and until when, what would clear it. An answer for every state there is.

use crate::cancel::{self, Foreseen};
use crate::message::{Level, Message};
use crate::moment::Moment;
use crate::offer::Offer;
use crate::operation::{Check, CheckState, Course, Operation, Step};
use crate::pipeline::CheckKind;
use crate::refusal::Refusal;
use crate::sentence::{Headline, Next};
use crate::status::{OfferStatus, StepStatus};
use crate::ways::{Way, ways};
use crate::words;

/// Who has to act, or who can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Whoever publishes the offer.
    Publisher,
    /// A reviewer of the marketplace.
    Reviewer,
    /// The marketplace: one of its operators or reviewers.
    Marketplace,
    /// A system that does a check outside the service.
    OutsideSystem,
    /// The service itself, which works on.
    Service,
    /// Nobody: it is live.
    Nobody,
}

/// What a step waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// Whoever mends what blocks it; `by_reviewer` where a reviewer blocked it rather than the service.
    Mending {
        /// Whether a reviewer's check is blocked.
        by_reviewer: bool,
    },
    /// A reviewer's verdict.
    Reviewer {
        /// The queue it waits in.
        queue: String,
        /// Whether somebody has it in hand. Who, is nobody's business but the reviewers'.
        held: bool,
        /// How many have approved.
        given: usize,
        /// How many have to.
        needed: usize,
    },
    /// The publisher's go live.
    GoLive,
    /// A check that lets go, for a cancel was asked for.
    LettingGo,
    /// A system outside the service.
    OutsideSystem,
    /// A check of the service's own; `begun` where it has been at work on it.
    Worker {
        /// Whether any work on it has begun.
        begun: bool,
    },
    /// A time that passes.
    Pause,
}

impl Awaited {
    /// What of several things counts as the one that is waited for: the lowest.
    const fn rank(&self) -> u8 {
        match self {
            Self::Mending { by_reviewer: false } => 0,
            Self::Mending { by_reviewer: true } => 1,
            Self::Reviewer { .. } => 2,
            Self::GoLive => 3,
            Self::LettingGo => 4,
            Self::OutsideSystem => 5,
            Self::Worker { begun: true } => 6,
            Self::Worker { begun: false } => 7,
            Self::Pause => 8,
        }
    }

    /// What happens at the time that is known of it.
    const fn then(&self) -> Then {
        match self {
            Self::OutsideSystem => Then::AnswersBy,
            Self::Pause => Then::GoesOn,
            Self::Worker { begun: false } => Then::Begins,
            _ => Then::IsLookedAtAgain,
        }
    }

    /// Who has to act while this is waited for.
    pub const fn turn(&self) -> Turn {
        match self {
            Self::Mending { by_reviewer: false } => Turn::Marketplace,
            // A reviewer who blocks says what is wrong with the offer.
            Self::Mending { by_reviewer: true } | Self::GoLive => Turn::Publisher,
            Self::Reviewer { .. } => Turn::Reviewer,
            Self::OutsideSystem => Turn::OutsideSystem,
            Self::LettingGo | Self::Worker { .. } | Self::Pause => Turn::Service,
        }
    }
}

/// What happens at a time that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// A system outside the service has to have answered.
    AnswersBy,
    /// What paused goes on.
    GoesOn,
    /// A check begins.
    Begins,
    /// The service looks at a check again.
    IsLookedAtAgain,
}

impl Then {
    /// The same in English, between the word "it" and the time.
    pub const fn words(self) -> &'static str {
        match self {
            Self::AnswersBy => "has to answer by",
            Self::GoesOn => "goes on at",
            Self::Begins => "begins at",
            Self::IsLookedAtAgain => "is looked at again at",
        }
    }
}

/// One thing that a step waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// What.
    pub what: Awaited,
    /// Since when.
    pub since: Option<Moment>,
    /// The time that is known, if one is, and never a guess: when an outside system has to have said how its check ends, when
    /// a pause ends, when the service looks at a check again.
    pub until: Option<Moment>,
}

/// The step that a submission has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepAtHand {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: StepStatus,
}

/// Where an offer stands, whose turn it is, and what would clear it.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Where the offer stands.
    pub status: OfferStatus,
    /// What is so, in one sentence to the publisher.
    pub headline: Headline,
    /// What comes next, in one sentence or two to the publisher.
    pub next: Next,
    /// Who has to act.
    pub turn: Turn,
    /// The step that the submission has come to, or ended at; none where no submission was started, or it is live.
    pub step: Option<StepAtHand>,
    /// What is waited for, what matters most first; empty where no submission runs.
    pub waits: Vec<Wait>,
    /// Since when it is so.
    pub since: Moment,
    /// Until when, where that is known: that of the first wait.
    pub until: Option<Moment>,
    /// What would clear it, and what else can be done.
    pub ways: Vec<Way>,
    /// What has to be mended, where the submission failed or is blocked.
    pub errors: Vec<Message>,
    /// What a cancel would do now, or why it would be refused.
    pub cancel: Result<Foreseen, Refusal>,
    /// The version that is live.
    pub live: Option<i64>,
    /// The version that can be seen in preview.
    pub preview: Option<i64>,
}

impl Explanation {
    /// The time that is known of what is waited for, and what happens then.
    pub fn known_time(&self) -> Option<(Then, Moment)> {
        Some((self.waits.first()?.what.then(), self.until?))
    }
}

/// Explains an offer as it stands at this time of the clock.
pub fn explain(offer: &Offer, now: Moment) -> Explanation {
    let status = offer.status();
    let operation = offer.operation.as_ref().filter(|_| status != OfferStatus::NotStarted);
    let step = operation.and_then(Operation::current_step);
    let mut waits = match (operation, step) {
        (Some(operation), Some(step)) => waits(operation, step, now),
        _ => Vec::new(),
    };
    waits.sort_by_key(|wait| (wait.what.rank(), wait.since, wait.until));
    waits.dedup();
    let first = waits.first();
    // While a cancel is under way nothing has to be mended any more.
    let is_sound =
        status != OfferStatus::Failed && !first.is_some_and(|wait| matches!(wait.what, Awaited::Mending { .. }));
    let (headline, next) = words::told(offer, status, step, &waits);
    Explanation {
        status,
        headline,
        next,
        turn: first.map_or_else(|| turn(status), |wait| wait.what.turn()),
        since: first.and_then(|wait| wait.since).unwrap_or_else(|| since(offer, status, operation)),
        until: first.and_then(|wait| wait.until),
        step: step.map(|step| StepAtHand { id: step.id.clone(), name: step.name.clone(), status: step.status() }),
        ways: ways(offer, now),
        errors: step.filter(|_| !is_sound).into_iter().flat_map(errors).cloned().collect(),
        cancel: cancel::foresee(offer),
        live: offer.production,
        preview: offer.preview,
        waits,
    }
}

/// Whose turn it is while no submission runs.
const fn turn(status: OfferStatus) -> Turn {
    match status {
        OfferStatus::NeverPublished
        | OfferStatus::NotStarted
        | OfferStatus::WaitingForPublisherReview
        | OfferStatus::Failed
        | OfferStatus::Canceled => Turn::Publisher,
        OfferStatus::Running => Turn::Service,
        OfferStatus::Succeeded => Turn::Nobody,
    }
}

/// Since when it is so while no submission runs.
fn since(offer: &Offer, status: OfferStatus, operation: Option<&Operation>) -> Moment {
    let Some(operation) = operation else { return offer.draft.saved_at };
    // What is live may have been rolled back since the submission ended.
    let left = offer.previous.as_ref().filter(|_| status == OfferStatus::Succeeded).map(|previous| previous.left_at);
    left.map_or(operation.changed_at, |left| left.max(operation.changed_at))
}

/// What a step that stops the submission says has to be mended; oldest first.
pub(crate) fn errors(step: &Step) -> Vec<&Message> {
    step.messages().into_iter().filter(|message| message.level == Level::Error).collect()
}

fn waits(operation: &Operation, step: &Step, now: Moment) -> Vec<Wait> {
    match operation.course {
        Course::Running | Course::Completed => {
            step.checks.iter().filter_map(|check| wait(operation, step, check, now)).collect()
        }
        Course::CancelRequested => {
            vec![Wait {
                what: Awaited::LettingGo,
                since: Some(operation.cancel_requested_at.unwrap_or(operation.changed_at)),
                until: None,
            }]
        }
        Course::Failed | Course::Canceled => Vec::new(),
    }
}

/// What one check waits for, if it is its turn.
fn wait(operation: &Operation, step: &Step, check: &Check, now: Moment) -> Option<Wait> {
    let reached = step.reached_at.or(Some(operation.changed_at));
    let (what, since, until) = match check.state {
        CheckState::NotStarted | CheckState::Rejected | CheckState::Complete | CheckState::Canceled => return None,
        CheckState::Blocked => {
            let by_reviewer = check.kind.queue().is_some();
            (Awaited::Mending { by_reviewer }, blocked_since(check).or(reached), None)
        }
        CheckState::AwaitingPerson => (person(check, now), check.awaited_since.or(reached), None),
        CheckState::InHand | CheckState::Queued { .. } => {
            let (what, until) = work(step, check);
            let begun_anew = step.begun_anew_at.filter(|_| check.round > 0);
            (what, begun_anew.or(reached), until)
        }
    };
    // What is over is no time to wait for any more: it is taken up just now.
    Some(Wait { what, since, until: until.filter(|until| *until > now) })
}

/// A blocked check says why, with the time at which it stopped.
fn blocked_since(check: &Check) -> Option<Moment> {
    check.messages.iter().filter(|message| message.level == Level::Error).map(|message| message.at).max()
}

fn person(check: &Check, now: Moment) -> Awaited {
    match &check.kind {
        CheckKind::Reviewer { queue, approvals, .. } => Awaited::Reviewer {
            queue: queue.clone(),
            held: check.review.held(now).is_some(),
            given: check.review.approvals.len(),
            needed: usize::from(*approvals),
        },
        _ => Awaited::GoLive,
    }
}

/// Who works on a check that no person decides, and the time that is known of it.
fn work(step: &Step, check: &Check) -> (Awaited, Option<Moment>) {
    let again = match check.state {
        CheckState::Queued { at } => Some(at),
        _ => None,
    };
    match &check.kind {
        CheckKind::Http { .. } if check.begun => {
            (Awaited::OutsideSystem, check.outside.as_ref().and_then(|outside| outside.deadline))
        }
        CheckKind::Pause { seconds } => {
            (Awaited::Pause, step.reached_at.map(|reached| reached.plus_seconds(i64::from(*seconds))))
        }
        _ => (Awaited::Worker { begun: check.begun }, again),
    }
}
