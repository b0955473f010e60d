//! Where an offer stands, in public: the one place a status document is computed.

use crate::message::{Level, Message};
use crate::moment::Moment;
use crate::offer::Offer;
use crate::operation::{Course, Operation, Step};
use crate::pipeline::Pipeline;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// Offer status (wire contract, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OfferStatus {
    /// There is a draft, and there never was a submission.
    NeverPublished,
    /// The draft was saved after the last submission failed or was canceled; no submission of it was started.
    NotStarted,
    /// The preview is ready and waits for the publisher's go live.
    WaitingForPublisherReview,
    /// A submission runs.
    Running,
    /// The last submission reached production.
    Succeeded,
    /// The last submission was canceled.
    Canceled,
    /// The last submission was rejected.
    Failed,
}

impl fmt::Display for OfferStatus {
    /// The word on the wire.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NeverPublished => "neverPublished",
            Self::NotStarted => "notStarted",
            Self::WaitingForPublisherReview => "waitingForPublisherReview",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
            Self::Failed => "failed",
        })
    }
}

/// Step status (wire contract, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepStatus {
    /// No work on it has begun.
    NotStarted,
    /// A worker is at it.
    InProgress,
    /// It waits for the publisher.
    WaitingForPublisherReview,
    /// It waits for a reviewer.
    WaitingForApproval,
    /// It cannot go on until something is mended.
    Blocked,
    /// It said no.
    Rejected,
    /// It is done.
    Complete,
    /// It was canceled.
    Canceled,
}

/// Where an offer stands, or where one operation stands or ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// In one word.
    pub status: OfferStatus,
    /// What concerns the whole.
    pub messages: Vec<Message>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Whom to tell.
    pub notification_emails: Vec<String>,
}

/// The status of an offer whose type has this pipeline, or is not there any more.
///
/// An offer without a started submission shows the steps that publishing its draft would go through.
pub fn of_offer(offer: &Offer, pipeline: Option<&Pipeline>) -> Status {
    let status = offer.status();
    let planned = || {
        let Some(pipeline) = pipeline else { return Vec::new() };
        if pipeline.is_unconditional() {
            return pipeline.plan(&Value::Null);
        }
        let draft: Value = serde_json::from_str(&offer.draft.definition).unwrap_or_default();
        pipeline.plan(&draft)
    };
    match (&offer.operation, status) {
        (None, _) => Status { status, messages: Vec::new(), steps: planned(), notification_emails: Vec::new() },
        (Some(operation), OfferStatus::NotStarted) => Status {
            status,
            messages: what_went_before(operation, offer.draft.saved_at),
            steps: planned(),
            notification_emails: Vec::new(),
        },
        (Some(operation), _) => of_operation(operation),
    }
}

/// The status of one operation, without regard to what came after it.
pub fn of_operation(operation: &Operation) -> Status {
    let letting_go = || {
        let text = "A cancel was asked for. The submission is canceled as soon as the check in hand lets go.";
        Message::information(text, operation.changed_at)
    };
    Status {
        status: operation.offer_status(),
        messages: (operation.course == Course::CancelRequested).then(letting_go).into_iter().collect(),
        steps: operation.steps.clone(),
        notification_emails: operation.emails.clone(),
    }
}

/// How the last submission ended and why, for a publisher who has mended the draft since.
fn what_went_before(operation: &Operation, saved_at: Moment) -> Vec<Message> {
    let at_step = operation.current_step().map_or("the end", |step| &step.name);
    let ended = if operation.course == Course::Canceled { "was canceled" } else { "failed" };
    let text = format!(
        "The submission of version {} {ended} at {at_step}. The draft was saved after that. Publish it to start again.",
        operation.offer_version
    );
    let errors = operation.steps.iter().flat_map(Step::messages).filter(|message| message.level == Level::Error);
    std::iter::once(Message::information(text, saved_at)).chain(errors.cloned()).collect()
}
