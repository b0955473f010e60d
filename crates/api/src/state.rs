//! States: the one word for where an offer, a step or a submission stands, with its tone and its symbol.

use crate::operations::SubmissionState;
use crate::status::{OfferStatus, StatusDocument, Step, StepStatus};
use serde::{Deserialize, Serialize};

/// Where an offer, a step or a submission stands, as people are told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum State {
    /// An offer: there never was a submission.
    NeverPublished,
    /// An offer: its draft was saved after the last submission failed or was canceled. A step: no work on it has begun.
    NotStarted,
    /// An offer or a submission: it runs.
    Running,
    /// A step: work on it goes on.
    InProgress,
    /// It waits for a reviewer.
    WaitsForReviewer,
    /// It cannot go on until something is mended.
    Blocked,
    /// It waits for the publisher's go live.
    WaitsForGoLive,
    /// An offer: its last submission reached production.
    Live,
    /// A step or a submission: it is done.
    Done,
    /// A step rejected it.
    Failed,
    /// It was canceled.
    Canceled,
}

/// How a state is meant. Colours follow it, and never stand alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Nothing goes on.
    Neutral,
    /// Somebody else is at it, or the service is.
    Going,
    /// Somebody has to do something, or it stays like this.
    Waiting,
    /// It is where it was to come.
    Good,
    /// It went wrong.
    Bad,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::NeverPublished,
        Self::NotStarted,
        Self::Running,
        Self::InProgress,
        Self::WaitsForReviewer,
        Self::Blocked,
        Self::WaitsForGoLive,
        Self::Live,
        Self::Done,
        Self::Failed,
        Self::Canceled,
    ];

    /// Of an offer that stands so, and whose submission has come to a step that stands so, where it has come to one.
    ///
    /// A step says more of an offer only while a submission runs.
    pub const fn of_offer(status: OfferStatus, at_hand: Option<StepStatus>) -> Self {
        match (status, at_hand) {
            (OfferStatus::NeverPublished, _) => Self::NeverPublished,
            (OfferStatus::NotStarted, _) => Self::NotStarted,
            (OfferStatus::Running, Some(StepStatus::Blocked)) => Self::Blocked,
            (OfferStatus::Running, Some(StepStatus::WaitingForApproval)) => Self::WaitsForReviewer,
            (OfferStatus::Running, _) => Self::Running,
            (OfferStatus::WaitingForPublisherReview, _) => Self::WaitsForGoLive,
            (OfferStatus::Succeeded | OfferStatus::Complete, _) => Self::Live,
            (OfferStatus::Failed, _) => Self::Failed,
            (OfferStatus::Canceled, _) => Self::Canceled,
        }
    }

    /// Of an offer, by its status document.
    pub fn of_document(document: &StatusDocument) -> Self {
        Self::of_offer(document.status, at_hand(&document.steps).map(|step| step.status))
    }

    /// Of one operation, by its status and its steps. One that reached its end is done: what came after it decides what is live.
    pub fn of_operation(status: OfferStatus, steps: &[Step]) -> Self {
        match Self::of_offer(status, at_hand(steps).map(|step| step.status)) {
            Self::Live => Self::Done,
            state => state,
        }
    }

    /// Of a step.
    pub const fn of_step(status: StepStatus) -> Self {
        match status {
            StepStatus::NotStarted => Self::NotStarted,
            StepStatus::InProgress => Self::InProgress,
            StepStatus::WaitingForPublisherReview => Self::WaitsForGoLive,
            StepStatus::WaitingForApproval => Self::WaitsForReviewer,
            StepStatus::Blocked => Self::Blocked,
            StepStatus::Rejected => Self::Failed,
            StepStatus::Complete => Self::Done,
            StepStatus::Canceled => Self::Canceled,
        }
    }

    /// Of a submission in the list of an offer's submissions.
    pub const fn of_submission(state: SubmissionState) -> Self {
        match state {
            SubmissionState::NotStarted => Self::NotStarted,
            SubmissionState::Running => Self::Running,
            SubmissionState::Completed => Self::Done,
            SubmissionState::Failed => Self::Failed,
            SubmissionState::Canceled => Self::Canceled,
        }
    }

    /// In English, to the publisher, as at the beginning of a sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NeverPublished => "Never published",
            Self::NotStarted => "Not started",
            Self::Running => "Running",
            Self::InProgress => "In progress",
            Self::WaitsForReviewer => "Waits for a reviewer",
            Self::Blocked => "Blocked",
            Self::WaitsForGoLive => "Waits for your go live",
            Self::Live => "Live",
            Self::Done => "Done",
            Self::Failed => "Failed",
            Self::Canceled => "Canceled",
        }
    }

    /// How it is meant.
    pub const fn tone(self) -> Tone {
        match self {
            Self::NeverPublished | Self::NotStarted | Self::Canceled => Tone::Neutral,
            Self::Running | Self::InProgress | Self::WaitsForReviewer => Tone::Going,
            Self::Blocked | Self::WaitsForGoLive => Tone::Waiting,
            Self::Live | Self::Done => Tone::Good,
            Self::Failed => Tone::Bad,
        }
    }

    /// One character that stands before it: in Unicode, and in ASCII.
    pub const fn symbol(self) -> (&'static str, &'static str) {
        match self {
            Self::NeverPublished | Self::NotStarted => ("·", "."),
            Self::Running | Self::InProgress | Self::WaitsForReviewer | Self::WaitsForGoLive => ("▸", ">"),
            Self::Blocked => ("!", "!"),
            Self::Live | Self::Done => ("✓", "+"),
            Self::Failed => ("✗", "x"),
            Self::Canceled => ("–", "-"),
        }
    }
}

/// The step that a submission has come to, or where it ended: the first that has begun and is not complete.
pub fn at_hand(steps: &[Step]) -> Option<&Step> {
    steps.iter().find(|step| !matches!(step.status, StepStatus::NotStarted | StepStatus::Complete))
}

#[cfg(test)]
mod tests {
    use super::State;
    use std::collections::HashSet;

    #[test]
    fn each_state_has_a_word_of_its_own_and_symbols_that_every_terminal_has() {
        let words: HashSet<&str> = State::ALL.iter().map(|state| state.words()).collect();
        assert_eq!(words.len(), State::ALL.len());
        for state in State::ALL {
            let (symbol, ascii) = state.symbol();
            assert!(symbol.chars().count() == 1 && ascii.len() == 1 && ascii.is_ascii(), "{state:?}");
        }
    }
}
