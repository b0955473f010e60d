//! Reviews: what waits for a person, and what reviewers do about it. Ours; the original had no API for them.

use crate::dates::Date;
use crate::status::{Message, StepStatus};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What waits for a reviewer, or is blocked: a reviewer's check of a step, or a step that the service itself has blocked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Review {
    /// Who sells the offer.
    pub publisher_id: String,
    /// The offer.
    pub offer_id: String,
    /// The operation that waits.
    pub operation_id: Uuid,
    /// The version that is reviewed.
    pub offer_version: i64,
    /// The step's id.
    pub step_id: String,
    /// The step's name.
    pub step_name: String,
    /// Whether it is blocked rather than waiting.
    pub blocked: bool,
    /// When the step was reached.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub waiting_since: Date,
    /// The queue it waits in; absent where the service itself has blocked the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub queue: Option<String>,
    /// Who has it in hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub held_by: Option<String>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, required = false))]
    pub held_until: Option<Date>,
    /// How many have approved; absent where the service itself has blocked the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Approvals, required = false))]
    pub approvals: Option<Approvals>,
}

/// How many have approved, of how many that have to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Approvals {
    /// How many have.
    pub given: u8,
    /// How many have to, 1 or 2.
    pub needed: u8,
}

/// Which reviews to list. `mine` and `free` together list both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReviewFilter {
    /// Only those in this queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Only those that the caller holds.
    pub mine: bool,
    /// Only those that nobody holds.
    pub free: bool,
}

/// A step as its reviewers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReviewedStep {
    /// Who sells the offer.
    pub publisher_id: String,
    /// The offer.
    pub offer_id: String,
    /// The operation.
    pub operation_id: Uuid,
    /// The version that is reviewed.
    pub offer_version: i64,
    /// The step's id.
    pub step_id: String,
    /// The step's name.
    pub step_name: String,
    /// Where the step stands.
    pub status: StepStatus,
    /// Finished checks of all its checks, 0 to 100.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
    pub progress_percentage: u8,
    /// When the step was reached; absent where it was not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, required = false))]
    pub waiting_since: Option<Date>,
    /// Its checks, in order.
    pub checks: Vec<ReviewedCheck>,
}

/// One check of a step as its reviewers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReviewedCheck {
    /// What does the work, such as `definition` or `reviewer`.
    pub kind: String,
    /// Where it stands.
    pub status: StepStatus,
    /// How far it has come, 0 to 100.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100))]
    pub progress_percentage: u8,
    /// What it says to the publisher, oldest first.
    pub messages: Vec<Message>,
    /// A reviewer's check: the queue it waits in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub queue: Option<String>,
    /// Who has it in hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub held_by: Option<String>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, required = false))]
    pub held_until: Option<Date>,
    /// A reviewer's check: how many have approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Approvals, required = false))]
    pub approvals: Option<Approvals>,
    /// Who has approved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub approved_by: Vec<Approval>,
    /// What reviewers wrote down, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub notes: Vec<Note>,
}

/// A reviewer's yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Approval {
    /// Whose.
    pub by: String,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Date,
}

/// Something that a reviewer wrote down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Note {
    /// Who wrote it.
    pub by: String,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Date,
    /// Plain text.
    pub text: String,
    /// Whether the publisher reads it too.
    pub public: bool,
}

/// The body of a note.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewNote {
    /// 1 to 2,000 characters of plain text.
    pub text: String,
    /// Whether the publisher shall read it too.
    #[serde(default)]
    pub public: bool,
    /// The queue of the check, where the step has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub queue: Option<String>,
}

/// The body of a claim and of a release; it may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReviewRequest {
    /// The queue of the check, where the step has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub queue: Option<String>,
}

/// What a claim comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hold {
    /// Who has it in hand.
    pub held_by: String,
    /// Until when.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub held_until: Date,
}

/// What a reviewer can decide; the last part of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The step is done.
    Approve,
    /// The submission fails.
    Reject,
    /// The step cannot go on until something is mended.
    Block,
    /// What blocked it is mended.
    Unblock,
}

impl Verdict {
    /// The word in the path.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Block => "block",
            Self::Unblock => "unblock",
        }
    }

    /// Reads the word in the path.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Approve, Self::Reject, Self::Block, Self::Unblock].into_iter().find(|verdict| verdict.word() == word)
    }
}

/// The body of a verdict; reject and block need a `message`, the others take nothing but a `queue`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerdictRequest {
    /// The text that the publisher will read, 1 to 2,000 characters of plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub message: Option<String>,
    /// The rule that was broken, such as `IMG-048`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub code: Option<String>,
    /// A JSON pointer into the offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub target: Option<String>,
    /// What to do about it, as plain text, where that is not in the message; 2,000 characters at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub mend: Option<String>,
    /// Where the rule is explained: an http or https address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub link: Option<String>,
    /// The queue of the check, where the step has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub queue: Option<String>,
}
