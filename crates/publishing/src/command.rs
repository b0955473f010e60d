//! Everything anyone may ask of an offer.

use crate::check::{Outside, Progress};
use crate::durations::Range;
use crate::message::Message;
use crate::moment::Moment;
use crate::offer::Offer;
use crate::refusal::Refusal;
use crate::secrets::WithSecrets;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What the caller says it has seen of the offer: the header `If-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Nothing was said.
    Unstated,
    /// `*`: whatever is there.
    Any,
    /// One of these change times; an empty list matches nothing.
    OneOf(Vec<Moment>),
}

impl Expected {
    /// Refuses where the offer is none of those that the caller has seen.
    pub(crate) fn check(&self, offer: &Offer) -> Result<(), Refusal> {
        match self {
            Self::OneOf(moments) if !moments.contains(&offer.changed_at) => {
                Err(Refusal::Precondition { current: Some(offer.changed_at) })
            }
            _ => Ok(()),
        }
    }
}

/// A request to change an offer.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Create the offer or replace its draft.
    SaveDraft {
        /// The offer type's id.
        offer_type: String,
        /// The definition as sent.
        definition: WithSecrets,
        /// The caller's `If-Match`.
        expected: Expected,
    },
    /// Start the way from draft to preview.
    Publish {
        /// Whom to tell.
        emails: Vec<String>,
        /// The caller's `If-Match`.
        expected: Expected,
    },
    /// Sign off the preview and start the way to production.
    GoLive {
        /// The caller's `If-Match`.
        expected: Expected,
    },
    /// Stop the submission that runs or awaits sign-off.
    Cancel {
        /// The caller's `If-Match`.
        expected: Expected,
    },
    /// A reviewer's yes or no to a step.
    GiveVerdict {
        /// The operation that was reviewed.
        operation: Uuid,
        /// The step's id.
        step: String,
        /// The queue of the check, where the step has several.
        queue: Option<String>,
        /// What the reviewer decided.
        verdict: Verdict,
    },
    /// A reviewer takes a review in hand for a while, or for another while.
    ClaimReview {
        /// The operation.
        operation: Uuid,
        /// The step's id.
        step: String,
        /// The queue of the check, where the step has several.
        queue: Option<String>,
    },
    /// A reviewer lets go of a review.
    ReleaseReview {
        /// The operation.
        operation: Uuid,
        /// The step's id.
        step: String,
        /// The queue of the check, where the step has several.
        queue: Option<String>,
        /// Whether an operator asks, who may release what somebody else holds.
        by_operator: bool,
    },
    /// A reviewer writes something down about a review.
    AddNote {
        /// The operation.
        operation: Uuid,
        /// The step's id.
        step: String,
        /// The queue of the check, where the step has several.
        queue: Option<String>,
        /// Plain text.
        text: String,
        /// Whether the publisher shall read it.
        public: bool,
    },
    /// A worker takes a check in hand.
    StartCheck(CheckRef),
    /// A worker has run a check.
    ReportCheck(CheckRef, Report),
    /// An outside system says how a check stands, by itself.
    HearCheck {
        /// The check.
        check: CheckRef,
        /// The round of asking that it answers.
        round: u32,
        /// What it says, with its sequence number in `outside`.
        report: Report,
    },
    /// A step takes longer than such steps usually do.
    NoteLate {
        /// The operation.
        operation: Uuid,
        /// Index of the step, from 0.
        step: usize,
        /// How long such steps usually take.
        usual: Range,
        /// Whether the message tells it in figures.
        tells_figures: bool,
    },
    /// Put the version that was in production before back there.
    RollBack {
        /// The version that the caller takes away: what is asked twice is done once.
        from: i64,
        /// The caller's `If-Match`.
        expected: Expected,
    },
    /// Put these audiences in the place of those that private plans in production have.
    SynchroniseAudiences {
        /// One for each private plan.
        audiences: Vec<Audience>,
        /// The caller's `If-Match`.
        expected: Expected,
    },
    /// Plan the steps of an offer anew whose pipeline has changed.
    Replan,
    /// Render the documents of an offer anew whose links lead elsewhere now.
    RenewLinks,
}

/// Names one check of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CheckRef {
    /// The operation.
    pub operation: Uuid,
    /// Index of the step, from 0.
    pub step: usize,
    /// Index of the check in its step, from 0.
    pub check: usize,
}

/// A reviewer's decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// The step is done.
    Approve,
    /// The submission fails.
    Reject(Reason),
    /// The step cannot go on until someone mends something.
    Block(Reason),
    /// What blocked it is mended.
    Unblock,
}

/// Why a reviewer rejects or blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// A stable code, such as `IMG-048`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// A JSON pointer into the offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The text that the publisher will read.
    pub text: String,
    /// What to do about it, where that is not in the text itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    /// Where the rule is explained: an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// How one run of a check ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What follows.
    pub ending: Ending,
    /// What the check says.
    pub messages: Vec<Message>,
    /// The artifacts it found, if that is its job.
    pub artifacts: Vec<Artifact>,
    /// The audiences of private plans, if that is its job.
    pub audiences: Vec<Audience>,
    /// How far it has come, where it counts.
    pub progress: Option<Progress>,
    /// How it stands with the outside system that does it.
    pub outside: Option<Outside>,
}

impl Report {
    /// A report of nothing but messages.
    pub fn new(ending: Ending, messages: Vec<Message>) -> Self {
        Self { ending, messages, artifacts: Vec::new(), audiences: Vec::new(), progress: None, outside: None }
    }
}

/// What follows a run of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ending {
    /// The check is complete.
    Done,
    /// It is still being run; this is what it said so far.
    GoesOn,
    /// Run it again at this time.
    WaitingUntil(Moment),
    /// It cannot go on until it is unblocked.
    Blocked,
    /// The submission fails.
    Rejected,
}

/// A file that a definition points to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// Where in the offer it is named, as a JSON pointer.
    pub target: String,
    /// Where it lay.
    pub url: String,
    /// What it is, once it was fetched and judged; none where it is only recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<Pinned>,
}

/// A file as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pinned {
    /// Its SHA-256, as 64 hexadecimal digits.
    pub digest: String,
    /// How long it is, in bytes.
    pub bytes: u64,
    /// What it is by its content, such as `image/png`.
    pub media_type: String,
    /// Whether a copy is kept here; a disk image may only have been looked at.
    pub kept: bool,
}

/// Who may see a private plan: a list that is kept among the artifacts, by its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Audience {
    /// The plan's id.
    pub plan: String,
    /// The SHA-256 of the list, as 64 hexadecimal digits.
    pub digest: String,
    /// How many it names.
    pub entries: u32,
    /// When the list was read for the offer; the newest one counts. The rules set it.
    #[serde(default = "long_ago")]
    pub known_at: Moment,
}

const fn long_ago() -> Moment {
    Moment::from_ticks(0)
}

impl Audience {
    /// The audience of a plan.
    pub fn new(plan: impl Into<String>, digest: impl Into<String>, entries: u32) -> Self {
        Self { plan: plan.into(), digest: digest.into(), entries, known_at: long_ago() }
    }
}
