//! Ways: what somebody can do about an offer as it stands, and what that leads to. Told by the rules themselves.

use crate::command::{Reason, Verdict};
use crate::explain::Turn;
use crate::give_verdict::apply;
use crate::moment::Moment;
use crate::offer::Offer;
use crate::operation::{Check, CheckState, Course, Operation, Step};
use crate::review::Reviewer;
use crate::status::{OfferStatus, StepStatus};
use std::fmt;
use uuid::Uuid;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Publish the draft. It is judged first: a draft with faults starts nothing.
    Publish,
    /// Save a mended draft, and publish it.
    SaveDraftThenPublish,
    /// Sign off the preview.
    GoLive,
    /// Stop the submission.
    Cancel,
    /// A reviewer's yes.
    Approve,
    /// A reviewer's no.
    Reject,
    /// What blocked the step is mended.
    Unblock,
    /// Nothing: it goes on by itself.
    Wait,
}

/// Where the offer and a step stand after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeadsTo {
    /// The offer.
    pub status: OfferStatus,
    /// The step that the way names; none where it names none, and where that depends on how a check ends.
    pub step: Option<StepStatus>,
}

/// Something that can be done about an offer as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Who can.
    pub who: Turn,
    /// What.
    pub action: Action,
    /// The id of the step that it is about.
    pub step: Option<String>,
    /// The queue of the check that it is about, where a reviewer decides it.
    pub queue: Option<String>,
    /// The same as a sentence.
    pub words: Advice,
    /// What follows; none where nobody knows how it ends.
    pub leads_to: Option<LeadsTo>,
}

/// What can be done, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Publish the draft for the first time.
    Publish,
    /// Publish the draft after a submission that ended.
    StartAgain,
    /// Publish a changed draft.
    UpdateWhatIsLive,
    /// Mend the draft, and publish it.
    MendThenPublish,
    /// Publish the draft that failed, where the mend is elsewhere.
    PublishAsItIs,
    /// Sign off the preview.
    GoLive,
    /// Stop the submission.
    Cancel,
    /// A reviewer's yes.
    Approve {
        /// The step.
        step: String,
        /// The queue, where the step waits in several.
        queue: Option<String>,
    },
    /// A reviewer's no.
    Reject {
        /// The step.
        step: String,
        /// The queue, where the step waits in several.
        queue: Option<String>,
    },
    /// A reviewer unblocks what is mended.
    ReviewerUnblocks {
        /// The step.
        step: String,
        /// The queue, where the step waits in several.
        queue: Option<String>,
    },
    /// The marketplace unblocks what is mended.
    MarketplaceUnblocks {
        /// The step.
        step: String,
    },
    /// Wait for a check that lets go, for a cancel was asked for.
    AwaitCancel,
    /// Wait for a system outside the service.
    AwaitOutsideSystem,
    /// Wait for the service.
    AwaitService,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |queue: &Option<String>| queue.as_ref().map(|queue| format!(" (queue {queue})")).unwrap_or_default();
        f.write_str(match self {
            Self::Publish => "Publish the draft. Where it has faults, all of them are named, and nothing starts.",
            Self::StartAgain => "Publish the draft, to start again at the first step.",
            Self::UpdateWhatIsLive => "Publish a changed draft, to update what is live.",
            Self::MendThenPublish => "Mend the errors in the draft, save it, and publish it.",
            Self::PublishAsItIs => "Publish the draft as it is, where the mend is not in the draft.",
            Self::GoLive => "Look at the preview, then go live: that starts the way to production.",
            Self::Cancel => "Cancel the submission. What is live stays live, and the draft is kept.",
            Self::Approve { step, queue } => return write!(f, "A reviewer approves {step}{}.", of(queue)),
            Self::Reject { step, queue } => {
                return write!(f, "A reviewer rejects {step}, and the submission fails{}.", of(queue));
            }
            Self::ReviewerUnblocks { step, queue } => {
                return write!(f, "Once it is mended, a reviewer unblocks {step}{}.", of(queue));
            }
            Self::MarketplaceUnblocks { step } => {
                return write!(f, "Once it is mended, the marketplace unblocks {step}.");
            }
            Self::AwaitCancel => "Wait: the submission is canceled as soon as the check in hand lets go.",
            Self::AwaitOutsideSystem => "Wait: the step goes on when the outside system has said how its check ends.",
            Self::AwaitService => "Wait: the service works on by itself.",
        })
    }
}

/// Everything that publisher and reviewers can do about a submission, and what goes on without them. A roll back is not among
/// it: that is about what is live, however the newest submission stands.
///
/// What is not known here is whether the draft has faults, and whether the offer's type is still there: a publish may be
/// refused for either.
pub(crate) fn ways(offer: &Offer, now: Moment) -> Vec<Way> {
    let draft = |action, words| Way {
        who: Turn::Publisher,
        action,
        step: None,
        queue: None,
        words,
        leads_to: Some(LeadsTo { status: OfferStatus::Running, step: None }),
    };
    let publish = |words| draft(Action::Publish, words);
    match (offer.status(), &offer.operation) {
        (OfferStatus::Running | OfferStatus::WaitingForPublisherReview, Some(operation)) => {
            in_run(offer, operation, now)
        }
        (OfferStatus::Failed, _) => {
            vec![draft(Action::SaveDraftThenPublish, Advice::MendThenPublish), publish(Advice::PublishAsItIs)]
        }
        (OfferStatus::Succeeded, _) => vec![publish(Advice::UpdateWhatIsLive)],
        (OfferStatus::Canceled | OfferStatus::NotStarted, _) => {
            vec![publish(Advice::StartAgain)]
        }
        _ => vec![publish(Advice::Publish)],
    }
}

fn in_run(offer: &Offer, operation: &Operation, now: Moment) -> Vec<Way> {
    let Some((at, step)) = current(operation) else { return Vec::new() };
    let run = Run { operation, at, step, now: offer.after_all(now), clock: now };
    if operation.course == Course::CancelRequested {
        let leads_to = LeadsTo { status: OfferStatus::Canceled, step: None };
        return vec![run.way(Turn::Service, Action::Wait, Advice::AwaitCancel, Some(leads_to))];
    }
    let mut ways = Vec::new();
    if operation.offer_status() == OfferStatus::WaitingForPublisherReview {
        ways.push(run.way(Turn::Publisher, Action::GoLive, Advice::GoLive, Some(run.after_go_live())));
    }
    ways.extend(run.verdicts());
    ways.extend(run.work());
    if operation.can_cancel() {
        let leads_to = run.after(|operation| operation.course = Course::CancelRequested);
        ways.push(run.way(Turn::Publisher, Action::Cancel, Advice::Cancel, Some(leads_to)));
    }
    ways
}

fn current(operation: &Operation) -> Option<(usize, &Step)> {
    let current = operation.current_step()?;
    operation.steps.iter().enumerate().find(|(_, step)| step.id == current.id)
}

/// A submission that has not ended, at its current step.
struct Run<'a> {
    operation: &'a Operation,
    at: usize,
    step: &'a Step,
    now: Moment,
    clock: Moment,
}

impl Run<'_> {
    fn way(&self, who: Turn, action: Action, words: Advice, leads_to: Option<LeadsTo>) -> Way {
        Way { who, action, step: Some(self.step.id.clone()), queue: None, words, leads_to }
    }

    /// What the rules make of the submission after a change to it.
    fn after(&self, change: impl FnOnce(&mut Operation)) -> LeadsTo {
        let mut then = self.operation.clone();
        change(&mut then);
        then.advance(self.now, self.clock);
        self.stands(&then)
    }

    fn after_go_live(&self) -> LeadsTo {
        self.stands(&self.operation.signed_off(self.now).go_live(Uuid::nil(), self.clock))
    }

    fn stands(&self, then: &Operation) -> LeadsTo {
        LeadsTo { status: then.offer_status(), step: then.steps.get(self.at).map(Step::status) }
    }

    /// What reviewers and operators can decide: of each queue once, and of the service's own checks once.
    fn verdicts(&self) -> Vec<Way> {
        let mut ways: Vec<Way> = Vec::new();
        for (at, check) in self.step.checks.iter().enumerate() {
            for (action, verdict) in takes(check) {
                let queue = check.kind.queue().map(str::to_owned);
                // Which of several checks in one queue is decided makes no difference to where the step stands then.
                if ways.iter().any(|way| way.action == action && way.queue == queue) {
                    continue;
                }
                let who = if queue.is_some() { Turn::Reviewer } else { Turn::Marketplace };
                let leads_to = self.after(|operation| {
                    if let Some(check) = operation.steps.get_mut(self.at).and_then(|step| step.checks.get_mut(at)) {
                        let nobody = Reviewer { id: None, name: String::new() };
                        apply(check, &verdict, nobody, self.now, self.clock);
                    }
                });
                ways.push(Way { queue, ..self.way(who, action, self.words(action, check), Some(leads_to)) });
            }
        }
        ways
    }

    fn words(&self, action: Action, check: &Check) -> Advice {
        let step = self.step.name.clone();
        let queue = check.kind.queue().filter(|_| self.queues() > 1).map(str::to_owned);
        match action {
            Action::Approve => Advice::Approve { step, queue },
            Action::Reject => Advice::Reject { step, queue },
            _ if check.kind.queue().is_some() => Advice::ReviewerUnblocks { step, queue },
            _ => Advice::MarketplaceUnblocks { step },
        }
    }

    fn queues(&self) -> usize {
        let mut queues: Vec<&str> = self.step.checks.iter().filter_map(|check| check.kind.queue()).collect();
        queues.sort_unstable();
        queues.dedup();
        queues.len()
    }

    /// What goes on by itself.
    fn work(&self) -> Option<Way> {
        let works = |check: &&Check| matches!(check.state, CheckState::InHand | CheckState::Queued { .. });
        let outside = |check: &Check| matches!(check.kind, crate::pipeline::CheckKind::Http { .. }) && check.begun;
        let working: Vec<&Check> = self.step.checks.iter().filter(works).collect();
        let (who, words) = match working[..] {
            [] => return None,
            _ if working.iter().all(|check| outside(check)) => (Turn::OutsideSystem, Advice::AwaitOutsideSystem),
            _ => (Turn::Service, Advice::AwaitService),
        };
        Some(self.way(who, Action::Wait, words, None))
    }
}

/// The verdicts that a check takes, but for a block, which clears nothing.
fn takes(check: &Check) -> Vec<(Action, Verdict)> {
    let reviewed = check.kind.queue().is_some();
    let reject = (Action::Reject, Verdict::Reject(Reason::default()));
    match check.state {
        CheckState::AwaitingPerson if reviewed => vec![(Action::Approve, Verdict::Approve), reject],
        CheckState::Blocked if reviewed => vec![(Action::Unblock, Verdict::Unblock), reject],
        CheckState::Blocked => vec![(Action::Unblock, Verdict::Unblock)],
        _ => Vec::new(),
    }
}
