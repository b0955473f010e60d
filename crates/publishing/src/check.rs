//! One check of a step: what does the work, where it stands, what it said.

use crate::message::Message;
use crate::moment::Moment;
use crate::pipeline::CheckKind;
use crate::review::Review;
use serde::{Deserialize, Serialize};

/// Where a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum CheckState {
    /// Its turn has not come.
    NotStarted,
    /// A worker shall take it at this time.
    Queued {
        /// When.
        at: Moment,
    },
    /// A worker has it in hand.
    InHand,
    /// A person shall decide.
    AwaitingPerson,
    /// It cannot go on.
    Blocked,
    /// It said no.
    Rejected,
    /// It is done.
    Complete,
    /// It was canceled.
    Canceled,
}

/// How far a check has come, counted by what it looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How many are done.
    pub done: u32,
    /// How many there are; at least 1.
    pub total: u32,
}

impl Progress {
    /// The part that is done, in hundredths, rounded down; 99 at most, for only a check that is complete is done.
    fn percentage(self) -> u64 {
        (u64::from(self.done) * 100 / u64::from(self.total.max(1))).min(99)
    }
}

/// How a check stands with the outside system that does it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outside {
    /// Whether it has taken the check.
    pub taken: bool,
    /// Until when it has to say how the check ends.
    pub deadline: Option<Moment>,
    /// The number of the newest thing it said; 0 where it has said nothing.
    pub sequence: u64,
    /// How often in a row it could not be reached.
    pub failures: u32,
    /// Where it can be asked how the check stands, if it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll: Option<String>,
}

/// One check of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What does the work.
    pub kind: CheckKind,
    /// Where it stands.
    pub state: CheckState,
    /// Whether any work on it has begun.
    pub begun: bool,
    /// What it said.
    pub messages: Vec<Message>,
    /// How far it has come, where it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// How often it was begun anew after it was blocked.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub round: u32,
    /// How it stands with the outside system that does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<Outside>,
    /// What reviewers did, where they decide.
    #[serde(default, skip_serializing_if = "Review::is_untouched")]
    pub review: Review,
    /// Since when it waits for a person, by the clock; none where it never did, or came to it before that was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaited_since: Option<Moment>,
    /// The digest of what it looks at, where its yes may be taken again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<String>,
}

// serde's signature.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Check {
    pub(crate) fn planned(kind: CheckKind) -> Self {
        Self {
            kind,
            state: CheckState::NotStarted,
            begun: false,
            messages: Vec::new(),
            progress: None,
            round: 0,
            outside: None,
            review: Review::default(),
            awaited_since: None,
            inputs: None,
        }
    }

    pub(crate) fn is(&self, state: CheckState) -> bool {
        self.state == state
    }

    /// The part of it that is done, in hundredths.
    pub fn percentage(&self) -> u64 {
        match self.state {
            CheckState::Complete => 100,
            _ => self.progress.map_or(0, Progress::percentage),
        }
    }

    /// A person shall decide from now on.
    pub(crate) fn await_person(&mut self, clock: Moment) {
        self.begun = true;
        self.state = CheckState::AwaitingPerson;
        self.awaited_since = Some(clock);
    }

    /// Takes over how far it says to have come; never less than it said before in this round.
    pub(crate) fn come_to(&mut self, progress: Option<Progress>) {
        let Some(said) = progress else { return };
        if self.progress.is_none_or(|known| known.percentage() <= said.percentage()) {
            self.progress = Some(said);
        }
    }

    /// Begins anew after what blocked it was mended.
    pub(crate) fn begin_anew(&mut self) {
        self.round += 1;
        self.outside = None;
        self.progress = None;
        // What was approved was another state of things.
        self.review.approvals.clear();
    }
}
