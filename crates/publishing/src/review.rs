//! What reviewers did about a check: who holds it, who approved, what they noted.

use crate::moment::Moment;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long a claim holds a check, in seconds.
pub const HOLD_SECONDS: i64 = 30 * 60;

/// How many notes a check can have.
pub const MOST_NOTES: usize = 200;

/// Somebody who reviews.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewer {
    /// Its id; none for the service itself.
    pub id: Option<Uuid>,
    /// Its name, as in the journal.
    pub name: String,
}

impl Reviewer {
    /// Whether the two are one person. Who has no id counts by name.
    pub fn is(&self, other: &Self) -> bool {
        match (self.id, other.id) {
            (Some(one), Some(another)) => one == another,
            (None, None) => self.name == other.name,
            _ => false,
        }
    }
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

    /// The hold that has not ended at this time of the clock.
    pub fn held(&self, clock: Moment) -> Option<&Hold> {
        self.hold.as_ref().filter(|hold| hold.until > clock)
    }

    /// The hold of somebody else that has not ended.
    pub fn held_by_another(&self, who: &Reviewer, clock: Moment) -> Option<&Hold> {
        self.held(clock).filter(|hold| !hold.by.is(who))
    }

    /// Whether this person has approved already.
    pub fn is_approved_by(&self, who: &Reviewer) -> bool {
        self.approvals.iter().any(|approval| approval.by.is(who))
    }
}
