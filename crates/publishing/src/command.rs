//! Everything anyone may ask of an offer.

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
        /// What the reviewer decided.
        verdict: Verdict,
    },
    /// A worker takes a check in hand.
    StartCheck(CheckRef),
    /// A worker has run a check.
    ReportCheck(CheckRef, Report),
    /// Plan the steps of an offer anew whose pipeline has changed.
    Replan,
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl Report {
    /// A report without artifacts.
    pub fn new(ending: Ending, messages: Vec<Message>) -> Self {
        Self { ending, messages, artifacts: Vec::new() }
    }
}

/// What follows a run of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ending {
    /// The check is complete.
    Done,
    /// Run it again at this time.
    WaitingUntil(Moment),
    /// It cannot go on until it is unblocked.
    Blocked,
    /// The submission fails.
    Rejected,
}

/// A file that a definition points to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Where in the offer it is named, as a JSON pointer.
    pub target: String,
    /// Where it lies.
    pub url: String,
}
