//! Where an offer stands, in public: the one place a status document is computed.

use crate::message::{Level, Message};
use crate::moment::Moment;
use crate::offer::Offer;
use crate::operation::{CheckState, Course, Operation, Step};
use crate::pipeline::{CheckKind, Pipeline};
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
    /// The version that can be seen in preview, and the subscriptions that may see it.
    pub preview: Option<(i64, Vec<String>)>,
    /// Whether customers can see it.
    pub live: bool,
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
    let mut shown = match (&offer.operation, status) {
        (None, _) => Status::planned(status, planned()),
        (Some(operation), OfferStatus::NotStarted) => {
            Status { messages: what_went_before(operation, offer.draft.saved_at), ..Status::planned(status, planned()) }
        }
        (Some(operation), _) => of_operation(operation),
    };
    shown.messages.extend(rolled_back(offer));
    shown.preview = offer.preview.map(|version| (version, offer.preview_audience.clone()));
    shown.live = offer.is_public(None);
    shown
}

impl Status {
    fn planned(status: OfferStatus, steps: Vec<Step>) -> Self {
        let (messages, notification_emails) = (Vec::new(), Vec::new());
        Self { status, messages, steps, notification_emails, preview: None, live: false }
    }
}

/// The status of one operation, without regard to what came after it.
pub fn of_operation(operation: &Operation) -> Status {
    let letting_go = || {
        let text = "A cancel was asked for. The submission is canceled as soon as the check in hand lets go.";
        Message::information(text, operation.cancel_requested_at.unwrap_or(operation.changed_at))
    };
    let has_done = |kind: &CheckKind| {
        let mut checks = operation.steps.iter().flat_map(|step| &step.checks);
        checks.any(|check| check.kind == *kind && check.state == CheckState::Complete)
    };
    let shows_preview = has_done(&CheckKind::Listing) && operation.course != Course::Canceled;
    Status {
        status: operation.offer_status(),
        messages: (operation.course == Course::CancelRequested).then(letting_go).into_iter().collect(),
        steps: operation.steps.clone(),
        notification_emails: operation.emails.clone(),
        preview: shows_preview.then(|| (operation.offer_version, operation.preview_audience.clone())),
        live: has_done(&CheckKind::Promote),
    }
}

/// That customers see an older version than the one that went live last.
fn rolled_back(offer: &Offer) -> Option<Message> {
    let (production, previous) = (offer.production?, offer.previous.as_ref()?);
    let text = format!(
        "Version {} was rolled back. Customers see version {production} until another one goes live.",
        previous.version
    );
    (previous.version > production)
        .then(|| Message { code: Some("RolledBack".into()), ..Message::information(text, previous.left_at) })
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
