//! What is waited for, and how a wait ends: the sooner the better, where it cannot be reached any more.

use crate::cli::exit::Exit;
use api::status::{OfferStatus, StatusDocument, Step, StepStatus};
use clap::ValueEnum;

/// A point on the way of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Point {
    /// The preview is ready for your sign-off.
    Preview,
    /// Customers see it.
    Live,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Goal {
    /// A point on the way.
    Point(Point),
    /// That the submission is canceled.
    Canceled,
    /// Whatever ends the submission, or makes it the publisher's turn to go live.
    End,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Outcome {
    /// What was waited for is so.
    Reached,
    /// A step said no.
    Rejected,
    /// A step cannot go on until something is mended.
    Blocked,
    /// It waits for the publisher's go live.
    SignOff,
    /// The submission was canceled.
    Canceled,
    /// No submission runs that could reach it.
    Nothing,
    /// It was live before it could be canceled.
    TooLate,
    /// The time limit passed.
    Pending,
    /// Ctrl-C was pressed.
    Interrupted,
    /// Nobody listens any more.
    Unheard,
}

impl Outcome {
    /// The same as an exit code.
    pub(in crate::cli) const fn exit(self) -> Exit {
        match self {
            Self::Reached | Self::Unheard => Exit::Done,
            Self::Rejected => Exit::Rejected,
            Self::Blocked | Self::SignOff => Exit::Waiting,
            Self::Canceled => Exit::Canceled,
            Self::Nothing => Exit::NotFound,
            Self::TooLate => Exit::Conflict,
            Self::Pending => Exit::Pending,
            Self::Interrupted => Exit::Interrupted,
        }
    }

    /// The same in a word, for programs.
    pub(in crate::cli) const fn word(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Rejected => "rejected",
            Self::Blocked => "blocked",
            Self::SignOff => "waitingForPublisherReview",
            Self::Canceled => "canceled",
            Self::Nothing => "nothingRuns",
            Self::TooLate => "tooLate",
            Self::Pending => "pending",
            Self::Interrupted => "interrupted",
            Self::Unheard => "unheard",
        }
    }
}

impl Goal {
    /// How it ends where an offer stands so; none where there is still something to wait for.
    pub(in crate::cli) fn outcome(self, document: &StatusDocument) -> Option<Outcome> {
        let is_live = matches!(document.status, OfferStatus::Succeeded | OfferStatus::Complete);
        let awaits_sign_off = document.status == OfferStatus::WaitingForPublisherReview;
        let is_reached = match self {
            Self::Point(Point::Live) => is_live,
            Self::Point(Point::Preview) => {
                is_live || awaits_sign_off || (document.status == OfferStatus::Running && is_signed_off(document))
            }
            // A draft that was saved right after it hides the word.
            Self::Canceled => matches!(document.status, OfferStatus::Canceled | OfferStatus::NotStarted),
            Self::End => is_live || awaits_sign_off,
        };
        let is_blocked = document.steps.iter().any(|step| step.status == StepStatus::Blocked);
        match document.status {
            _ if is_reached => Some(Outcome::Reached),
            OfferStatus::Failed => Some(Outcome::Rejected),
            OfferStatus::Canceled => Some(Outcome::Canceled),
            OfferStatus::NeverPublished | OfferStatus::NotStarted => Some(Outcome::Nothing),
            // Somebody waits for a cancel that came too late.
            OfferStatus::Succeeded | OfferStatus::Complete => Some(Outcome::TooLate),
            OfferStatus::WaitingForPublisherReview => (self != Self::Canceled).then_some(Outcome::SignOff),
            OfferStatus::Running if is_blocked && matches!(self, Self::Point(_)) => Some(Outcome::Blocked),
            OfferStatus::Running => None,
        }
    }
}

/// Whether a step is the publisher's sign-off.
pub(in crate::cli) fn is_sign_off(step: &Step) -> bool {
    step.id.eq_ignore_ascii_case("publisher-signoff")
}

fn is_signed_off(document: &StatusDocument) -> bool {
    document.steps.iter().any(|step| is_sign_off(step) && step.status == StepStatus::Complete)
}

#[cfg(test)]
mod tests {
    use super::{Goal, Outcome, Point};
    use api::status::StatusDocument;
    use serde_json::json;

    #[test]
    fn a_wait_ends_where_nothing_is_left_to_wait_for() {
        let (preview, live) = (Goal::Point(Point::Preview), Goal::Point(Point::Live));
        for (status, step, sign_off, wanted) in [
            ("running", "inProgress", "notStarted", [None, None, None, None]),
            ("running", "waitingForApproval", "notStarted", [None, None, None, None]),
            ("running", "blocked", "notStarted", [Some(Outcome::Blocked), Some(Outcome::Blocked), None, None]),
            (
                "waitingForPublisherReview",
                "complete",
                "waitingForPublisherReview",
                [Some(Outcome::Reached), Some(Outcome::SignOff), Some(Outcome::Reached), None],
            ),
            ("running", "complete", "complete", [Some(Outcome::Reached), None, None, None]),
            (
                "succeeded",
                "complete",
                "complete",
                [Some(Outcome::Reached), Some(Outcome::Reached), Some(Outcome::Reached), Some(Outcome::TooLate)],
            ),
            ("failed", "rejected", "notStarted", [Some(Outcome::Rejected); 4]),
            ("failed", "rejected", "complete", [Some(Outcome::Rejected); 4]),
            (
                "canceled",
                "canceled",
                "complete",
                [Some(Outcome::Canceled), Some(Outcome::Canceled), Some(Outcome::Canceled), Some(Outcome::Reached)],
            ),
            (
                "canceled",
                "canceled",
                "canceled",
                [Some(Outcome::Canceled), Some(Outcome::Canceled), Some(Outcome::Canceled), Some(Outcome::Reached)],
            ),
            ("neverPublished", "notStarted", "notStarted", [Some(Outcome::Nothing); 4]),
        ] {
            let one = |id: &str, status: &str| json!({"id": id, "stepName": id, "status": status});
            let steps = [one("displaycertify", step), one("publisher-signoff", sign_off)];
            let document: StatusDocument = serde_json::from_value(json!({"status": status, "steps": steps})).unwrap();
            let outcomes = [preview, live, Goal::End, Goal::Canceled].map(|goal| goal.outcome(&document));
            assert_eq!(outcomes, wanted, "{document:?}");
        }
    }
}
