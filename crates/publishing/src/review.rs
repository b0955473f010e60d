//! What reviewers did about a check: who holds it, who approved, what they noted.

use crate::moment::Moment;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Somebody who reviews.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewer {
    /// Its id; none for the service itself.
    pub id: Option<Uuid>,
    /// Its name, as in the journal.
    pub name: String,
}

/// A reviewer's hold on a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Who holds it.
    pub by: Reviewer,
    /// Until when.
    pub until: Moment,
}

/// A yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Whose.
    pub by: Reviewer,
    /// When.
    pub at: Moment,
}

/// Something that a reviewer wrote down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Who wrote it.
    pub by: Reviewer,
    /// When.
    pub at: Moment,
    /// Plain text.
    pub text: String,
    /// Whether the publisher sees it.
    pub public: bool,
}

/// What reviewers did about a check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Review {
    /// Who holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// Who approved it so far.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// What was noted, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
}

impl Review {
    /// Whether nobody did anything.
    pub fn is_untouched(&self) -> bool {
        *self == Self::default()
    }
}
