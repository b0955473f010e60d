//! Reviews: steps that wait for a person. Ours; the original had no API for them.

use crate::dates::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A step that waits for a reviewer, or is blocked.
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

/// The body of a verdict; reject and block need a `message`, the others take no body.
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
}
