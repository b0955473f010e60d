//! Submissions and operations: two views of one run.

use crate::dates::Date;
use crate::status::{Link, Message, OfferStatus, Step};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a submission is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SubmissionType {
    /// From draft to preview.
    Publish,
    /// From preview to production.
    GoLive,
    /// Known to old clients; this service cancels within the submission itself.
    Cancel,
}

/// How far a submission has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SubmissionState {
    /// Known to old clients; this service lists a submission as running at once.
    NotStarted,
    /// It runs.
    Running,
    /// It reached sign-off, or production.
    Completed,
    /// A step was rejected.
    Failed,
    /// It was canceled.
    Canceled,
}

impl SubmissionState {
    /// Reads a filter value without regard to case; `complete`, `succeeded` and `not started` are understood too.
    pub fn parse_filter(text: &str) -> Option<Self> {
        Some(match text.trim().to_ascii_lowercase().as_str() {
            "notstarted" | "not started" => Self::NotStarted,
            "running" => Self::Running,
            "completed" | "complete" | "succeeded" => Self::Completed,
            "failed" => Self::Failed,
            "canceled" => Self::Canceled,
            _ => return None,
        })
    }
}

/// The slot that a submission fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SubmissionSlot {
    /// The preview slot.
    Staging,
    /// The production slot.
    Production,
}

/// Whether an operation can be canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum CancellationRequestState {
    /// A cancel would be taken.
    CanCancel,
    /// It is too late.
    CannotCancel,
    /// It is being canceled.
    CancelRequested,
    /// It is canceled.
    Canceled,
}

/// One run in the list of an offer's runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Submission {
    /// Its id, which is its operation's.
    pub id: Uuid,
    /// The offer.
    pub offer_id: String,
    /// The version of the offer that it publishes.
    pub offer_version: i64,
    /// The id of the offer's type.
    pub offer_type_id: String,
    /// Who sells the offer.
    pub publisher_id: String,
    /// What it is for.
    pub submission_type: SubmissionType,
    /// How far it has come.
    pub submission_state: SubmissionState,
    /// The version the offer has since it was published.
    pub publishing_version: i64,
    /// The slot it fills.
    pub slot: SubmissionSlot,
    /// When it started, in 100 ns ticks since 0001-01-01.
    pub version: i64,
    /// What was given with it.
    pub definition: SubmissionDefinition,
    /// When it last changed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub changed_time: Date,
}

/// What was given with a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubmissionDefinition {
    /// Its metadata.
    pub metadata: SubmissionMetadata,
}

/// The metadata of a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubmissionMetadata {
    /// Whom to tell: addresses with commas between them, empty when none.
    pub emails: String,
}

/// Where one run stands: the status document's members, and its versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Operation {
    /// In the words of an offer's status.
    pub status: OfferStatus,
    /// What concerns the whole.
    pub messages: Vec<Message>,
    /// The version the offer has since it was published.
    pub publishing_version: i64,
    /// The version of the offer that it publishes.
    pub offer_version: i64,
    /// Whether it can be canceled.
    pub cancellation_request_state: CancellationRequestState,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Where the preview can be seen.
    pub preview_links: Vec<Link>,
    /// Where customers see it.
    pub live_links: Vec<Link>,
    /// Whom to tell: addresses with commas between them, empty when none.
    pub notification_emails: String,
}
