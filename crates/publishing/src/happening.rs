//! What a change of an offer means to whoever follows it: one happening for each entry of the journal.

use crate::check::{Check, CheckState};
use crate::entry::Event;
use crate::offer::Offer;
use crate::operation::Course;
use crate::status::{OfferStatus, StepStatus};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// What happened to an offer, in one word. Followers choose by it what they are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Happening {
    /// The offer was created.
    Created,
    /// The draft was replaced.
    DraftSaved,
    /// A submission was started.
    Published,
    /// Work on a step began.
    StepStarted,
    /// A step came further, and did not end.
    Progressed,
    /// A step waits for a reviewer.
    WaitingForReviewer,
    /// A reviewer did something that decides nothing yet.
    Reviewed,
    /// A step cannot go on until something is mended.
    Blocked,
    /// What blocked a step is mended.
    Unblocked,
    /// A step takes longer than such steps usually do.
    StepLate,
    /// A step is done.
    StepCompleted,
    /// A step said no: the submission has failed.
    Failed,
    /// The preview is ready and waits for the publisher's go live.
    PreviewReady,
    /// The preview was signed off: the offer goes live.
    GoLiveStarted,
    /// Customers can see it.
    Live,
    /// A cancel waits for the check in hand to let go.
    CancelRequested,
    /// The submission is canceled.
    Canceled,
    /// The version before is in production again.
    RolledBack,
    /// The audiences of private plans in production changed.
    AudiencesSynchronised,
    /// The steps of an offer that is not published were planned anew.
    Replanned,
    /// The service is at another address, and the links lead there.
    LinksRenewed,
}

/// What an entry of the journal says to followers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// What happened.
    pub happening: Happening,
    /// In which operation, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Uuid>,
    /// In which step, by its id, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

impl Happening {
    /// Every happening.
    pub const ALL: [Self; 21] = [
        Self::Created,
        Self::DraftSaved,
        Self::Published,
        Self::StepStarted,
        Self::Progressed,
        Self::WaitingForReviewer,
        Self::Reviewed,
        Self::Blocked,
        Self::Unblocked,
        Self::StepLate,
        Self::StepCompleted,
        Self::Failed,
        Self::PreviewReady,
        Self::GoLiveStarted,
        Self::Live,
        Self::CancelRequested,
        Self::Canceled,
        Self::RolledBack,
        Self::AudiencesSynchronised,
        Self::Replanned,
        Self::LinksRenewed,
    ];

    /// Its name, as filters and events spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::DraftSaved => "draftSaved",
            Self::Published => "published",
            Self::StepStarted => "stepStarted",
            Self::Progressed => "progressed",
            Self::WaitingForReviewer => "waitingForReviewer",
            Self::Reviewed => "reviewed",
            Self::Blocked => "blocked",
            Self::Unblocked => "unblocked",
            Self::StepLate => "stepLate",
            Self::StepCompleted => "stepCompleted",
            Self::Failed => "failed",
            Self::PreviewReady => "previewReady",
            Self::GoLiveStarted => "goLiveStarted",
            Self::Live => "live",
            Self::CancelRequested => "cancelRequested",
            Self::Canceled => "canceled",
            Self::RolledBack => "rolledBack",
            Self::AudiencesSynchronised => "audiencesSynchronised",
            Self::Replanned => "replanned",
            Self::LinksRenewed => "linksRenewed",
        }
    }

    /// The happening of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|happening| happening.name() == name)
    }

    /// In words, as a title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::DraftSaved => "Draft saved",
            Self::Published => "Submitted",
            Self::StepStarted => "Step started",
            Self::Progressed => "In progress",
            Self::WaitingForReviewer => "Waiting for a reviewer",
            Self::Reviewed => "In review",
            Self::Blocked => "Blocked",
            Self::Unblocked => "Unblocked",
            Self::StepLate => "Takes longer than usual",
            Self::StepCompleted => "Step complete",
            Self::Failed => "Rejected",
            Self::PreviewReady => "Preview ready",
            Self::GoLiveStarted => "Going live",
            Self::Live => "Live",
            Self::CancelRequested => "Cancel requested",
            Self::Canceled => "Canceled",
            Self::RolledBack => "Rolled back",
            Self::AudiencesSynchronised => "Audiences synchronised",
            Self::Replanned => "Steps planned anew",
            Self::LinksRenewed => "Links renewed",
        }
    }

    /// Whether the addresses given at publish get a mail (wire contract, section 4): blocked or failed, preview ready, live,
    /// canceled.
    pub const fn is_mailed(self) -> bool {
        matches!(self, Self::Blocked | Self::Failed | Self::PreviewReady | Self::Live | Self::Canceled)
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What it means to followers that an offer became this, by this event.
pub fn told(before: Option<&Offer>, after: &Offer, event: &Event) -> Told {
    let at_once = |happening, operation| Told { happening, operation, step: None };
    match event {
        Event::Created => at_once(Happening::Created, None),
        Event::DraftSaved => at_once(Happening::DraftSaved, None),
        Event::Published { operation, .. } => at_once(Happening::Published, Some(*operation)),
        Event::WentLive { operation } => at_once(Happening::GoLiveStarted, Some(*operation)),
        Event::CancelRequested { operation } => {
            let course = before.and_then(|offer| offer.operation.as_ref()).map(|operation| operation.course);
            let is_repeated = course == Some(Course::CancelRequested);
            let happening = if is_repeated { Happening::Progressed } else { Happening::CancelRequested };
            at_once(happening, Some(*operation))
        }
        Event::Canceled { operation } => at_once(Happening::Canceled, Some(*operation)),
        Event::RolledBack { .. } => at_once(Happening::RolledBack, None),
        Event::AudiencesSynchronised { .. } => at_once(Happening::AudiencesSynchronised, None),
        Event::Replanned => at_once(Happening::Replanned, None),
        Event::LinksRenewed => at_once(Happening::LinksRenewed, None),
        Event::StepLate { operation, step, .. } => {
            Told { happening: Happening::StepLate, operation: Some(*operation), step: Some(step.clone()) }
        }
        Event::ReviewClaimed { operation, step, .. }
        | Event::ReviewReleased { operation, step, .. }
        | Event::NoteAdded { operation, step, .. } => {
            Told { happening: Happening::Reviewed, operation: Some(*operation), step: Some(step.clone()) }
        }
        Event::VerdictGiven { operation, step, .. } => {
            let (came, at) = came_of(before, after);
            let happening = if came == Happening::Progressed { Happening::Reviewed } else { came };
            Told { happening, operation: Some(*operation), step: Some(at.unwrap_or_else(|| step.clone())) }
        }
        Event::CheckStarted { check } | Event::CheckReported { check, .. } | Event::CheckHeard { check, .. } => {
            let step = after.operation.as_ref().and_then(|operation| operation.steps.get(check.step));
            let (happening, at) = came_of(before, after);
            Told { happening, operation: Some(check.operation), step: at.or_else(|| step.map(|step| step.id.clone())) }
        }
        // About who may what, and no offer's.
        Event::PublisherCreated
        | Event::MemberAdded { .. }
        | Event::SetUpAgain { .. }
        | Event::RolesChanged { .. }
        | Event::MemberRemoved { .. }
        | Event::SecretAdded { .. }
        | Event::SecretRemoved { .. }
        | Event::Invited { .. }
        | Event::PasswordSet { .. }
        | Event::SubscriptionAdded { .. }
        | Event::SubscriptionChanged { .. }
        | Event::SubscriptionRemoved { .. }
        | Event::SubscriptionDisabled { .. }
        | Event::DeliveryRepeated { .. } => at_once(Happening::Progressed, None),
    }
}

/// What came of a change of a check: the gravest thing that is so now and was not before, and at which step, where it is
/// about another one than the check's own.
fn came_of(before: Option<&Offer>, after: &Offer) -> (Happening, Option<String>) {
    let status = after.status();
    if before.map(Offer::status) != Some(status) {
        match status {
            OfferStatus::Failed => return (Happening::Failed, None),
            OfferStatus::Canceled => return (Happening::Canceled, None),
            OfferStatus::WaitingForPublisherReview => return (Happening::PreviewReady, None),
            OfferStatus::Succeeded => return (Happening::Live, None),
            OfferStatus::NeverPublished | OfferStatus::NotStarted | OfferStatus::Running => {}
        }
    }
    let was = before.and_then(|offer| offer.operation.as_ref()).map_or(&[][..], |operation| &operation.steps);
    let is = after.operation.as_ref().map_or(&[][..], |operation| &operation.steps);
    let steps = || is.iter().zip(was);
    let became = |wanted: StepStatus| {
        let found = steps().find(|(is, was)| is.status() == wanted && was.status() != wanted);
        found.map(|(is, _)| is.id.clone())
    };
    // Not by the step's status: it stays blocked as long as any check of it is.
    let check = |from_blocked: bool| {
        let crosses = |(is, was): (&Check, &Check)| {
            (was.state == CheckState::Blocked) == from_blocked && (is.state == CheckState::Blocked) != from_blocked
        };
        let found = steps().find(|(is, was)| is.checks.iter().zip(&was.checks).any(crosses));
        found.map(|(is, _)| is.id.clone())
    };
    let found = [
        (Happening::Blocked, check(false)),
        // Where it waits for a reviewer again, that is no news beside what is mended.
        (Happening::Unblocked, check(true)),
        (Happening::WaitingForReviewer, became(StepStatus::WaitingForApproval)),
        (Happening::StepCompleted, became(StepStatus::Complete)),
        (Happening::StepStarted, became(StepStatus::InProgress)),
    ];
    let gravest = found.into_iter().find(|(_, at)| at.is_some());
    gravest.unwrap_or((Happening::Progressed, None))
}

#[cfg(test)]
mod tests {
    use super::Happening;

    #[test]
    fn names_are_as_they_are_stored() {
        for happening in Happening::ALL {
            assert_eq!(serde_json::to_value(happening).unwrap(), happening.name());
            assert_eq!(Happening::of_name(happening.name()), Some(happening));
        }
    }
}
