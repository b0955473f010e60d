//! The sentences about an offer, as data: whoever speaks another language than English writes them from the same.

use std::fmt::{Display, Formatter, Result};

/// Where a submission ended. It has a name unless every step was complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedAt(pub Option<String>);

impl Display for EndedAt {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(self.0.as_deref().unwrap_or("the end"))
    }
}

/// Whose verdict is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reviewers {
    /// A reviewer's in the usual queue.
    Usual {
        /// Whether another one has approved already.
        second: bool,
    },
    /// A reviewer's in this queue.
    Queue {
        /// Its name.
        queue: String,
        /// Whether another one has approved already.
        second: bool,
    },
    /// Several reviewers', in these queues.
    Queues(Vec<String>),
}

/// What is so, in one sentence to the publisher; two where something stays live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Headline {
    /// There never was a submission.
    NothingPublished,
    /// The submission failed or was canceled, and the draft was saved after that.
    DraftSavedSince {
        /// Which was submitted.
        version: i64,
        /// Whether it was canceled; it failed otherwise.
        canceled: bool,
        /// Where it ended.
        at: EndedAt,
        /// The version that stays live.
        live: Option<i64>,
    },
    /// The preview waits for the publisher.
    PreviewReady {
        /// Which can be seen in preview.
        version: i64,
    },
    /// It is live.
    Live {
        /// Which is live.
        version: i64,
    },
    /// An older version is live than went live last.
    RolledBack {
        /// The version that is live.
        live: i64,
        /// The version that was rolled back.
        version: i64,
    },
    /// The submission failed.
    Failed {
        /// Which was submitted.
        version: i64,
        /// Where it failed.
        at: EndedAt,
        /// The version that stays live.
        live: Option<i64>,
    },
    /// The submission was canceled.
    Canceled {
        /// Which was submitted.
        version: i64,
        /// Where it was canceled.
        at: EndedAt,
        /// The version that stays live.
        live: Option<i64>,
    },
    /// The submission runs, and nothing is waited for.
    OnItsWay {
        /// Which was submitted.
        version: i64,
    },
    /// A cancel was asked for.
    CancelRequested,
    /// The step of this name is blocked.
    Blocked {
        /// The step.
        step: String,
    },
    /// The step waits for reviewers.
    InReview {
        /// The step.
        step: String,
        /// Who they are.
        whom: Reviewers,
    },
    /// The step waits for a system outside.
    WithOutsideSystem {
        /// The step.
        step: String,
    },
    /// The step is worked on.
    InProgress {
        /// The step.
        step: String,
    },
    /// The step's time has come, and nobody has taken it.
    WaitsForItsTurn {
        /// The step.
        step: String,
    },
    /// The step's time is about to come.
    BeginsSoon {
        /// The step.
        step: String,
    },
    /// The step waits for a time to pass.
    Pauses {
        /// The step.
        step: String,
    },
}

/// What comes next, in one sentence or two to the publisher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Publish the draft for the first time.
    PublishWhenComplete,
    /// Publish the draft that was saved since.
    PublishToStartAgain,
    /// Look at the preview, and go live.
    LookThenGoLive,
    /// Nothing, as long as what is live shall stay as it is.
    PublishChangedDraft,
    /// Fix what failed, and publish again.
    FixThenPublish {
        /// How many errors there are.
        errors: usize,
        /// Where.
        at: EndedAt,
    },
    /// Publish again, if that is wanted.
    PublishToGoOn,
    /// Nothing.
    NothingToDo,
    /// Nothing: the service works.
    ServiceWorks,
    /// Nothing: a check lets go, and then the submission is canceled.
    CheckLetsGo,
    /// Nothing: a system outside has to answer.
    OutsideSystemAnswers,
    /// Nothing: a time passes.
    TimePasses,
    /// Nothing: a reviewer has it in hand.
    ReviewerHasIt,
    /// Nothing: a reviewer decides.
    ReviewerDecides,
    /// The publisher mends what a reviewer named.
    MendForReviewer {
        /// How many errors there are.
        errors: usize,
        /// The step.
        step: String,
        /// Whether a cancel would be taken.
        can_cancel: bool,
    },
    /// The marketplace unblocks what is mended.
    MarketplaceUnblocks {
        /// How many errors there are.
        errors: usize,
        /// The step.
        step: String,
        /// Whether a cancel would be taken.
        can_cancel: bool,
    },
}

impl Display for Reviewers {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let one = |second: &bool| if *second { "a second reviewer" } else { "a reviewer" };
        match self {
            Self::Usual { second } => f.write_str(one(second)),
            Self::Queue { queue, second } => write!(f, "{} in the queue {queue}", one(second)),
            Self::Queues(queues) => write!(f, "reviewers in the queues {}", queues.join(" and ")),
        }
    }
}

/// What of the past an end leaves alone.
fn stays(live: Option<i64>) -> String {
    live.map(|live| format!(" Version {live} stays live.")).unwrap_or_default()
}

impl Display for Headline {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::NothingPublished => f.write_str("Nothing has been published yet."),
            Self::DraftSavedSince { version, canceled, at, live } => {
                let ended = if *canceled { "was canceled" } else { "failed" };
                let stays = stays(*live);
                write!(f, "Version {version} {ended} at {at}, and the draft was saved after that.{stays}")
            }
            Self::PreviewReady { version } => write!(f, "The preview of version {version} is ready."),
            Self::Live { version } => write!(f, "Version {version} is live."),
            Self::RolledBack { live, version } => {
                write!(f, "Version {live} is live: version {version} was rolled back.")
            }
            Self::Failed { version, at, live } => write!(f, "Version {version} failed at {at}.{}", stays(*live)),
            Self::Canceled { version, at, live } => {
                write!(f, "Version {version} was canceled at {at}.{}", stays(*live))
            }
            Self::OnItsWay { version } => write!(f, "Version {version} is on its way."),
            Self::CancelRequested => f.write_str("A cancel was asked for."),
            Self::Blocked { step } => write!(f, "{step} is blocked."),
            Self::InReview { step, whom } => write!(f, "{step} waits for {whom}."),
            Self::WithOutsideSystem { step } => write!(f, "{step} waits for a system outside the marketplace."),
            Self::InProgress { step } => write!(f, "{step} is in progress."),
            Self::WaitsForItsTurn { step } => write!(f, "{step} waits for its turn."),
            Self::BeginsSoon { step } => write!(f, "{step} begins in a moment."),
            Self::Pauses { step } => write!(f, "{step} waits for a time to pass."),
        }
    }
}

fn these(errors: usize) -> String {
    match errors {
        0 | 1 => "the error".to_owned(),
        many => format!("the {many} errors"),
    }
}

impl Display for Next {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::PublishWhenComplete => "Your turn: publish the draft when it is complete.",
            Self::PublishToStartAgain => "Your turn: publish the draft to start again.",
            Self::LookThenGoLive => "Your turn: look at the preview, then go live.",
            Self::PublishChangedDraft => "Nothing to do. To change what is live, publish a changed draft.",
            Self::PublishToGoOn => "Publish again when you want to go on. The draft is kept.",
            Self::NothingToDo => "Nothing to do.",
            Self::ServiceWorks => "Nothing to do: the service works on by itself.",
            Self::CheckLetsGo => "Nothing to do: the submission is canceled as soon as the check in hand lets go.",
            Self::OutsideSystemAnswers => "Nothing to do: it goes on when that system has answered.",
            Self::TimePasses => "Nothing to do: it goes on by itself after that.",
            Self::ReviewerHasIt => "Nothing to do: a reviewer has it in hand.",
            Self::ReviewerDecides => "Nothing to do: a reviewer decides.",
            Self::FixThenPublish { errors, at } => {
                return write!(f, "Your turn. Fix {} at {at}, then publish again.", these(*errors));
            }
            Self::MendForReviewer { errors, step, can_cancel } => {
                let errors = if *errors > 1 { format!("{errors} errors") } else { "1 error".to_owned() };
                let begun_anew = if *can_cancel { ", or cancel and publish again" } else { "" };
                return write!(f, "Your turn: mend {errors} at {step}; a reviewer unblocks it then{begun_anew}.");
            }
            Self::MarketplaceUnblocks { errors, step, can_cancel } => {
                let are = if *errors > 1 { "are" } else { "is" };
                let cancel = " If the draft has to change for that, cancel and publish again.";
                return write!(
                    f,
                    "Blocked at {step}: once {} {are} mended, the marketplace has to unblock it.{}",
                    these(*errors),
                    if *can_cancel { cancel } else { "" }
                );
            }
        })
    }
}
