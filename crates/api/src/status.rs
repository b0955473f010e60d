//! The status document.

use crate::dates::Date;
use serde::{Deserialize, Deserializer, Serialize};

/// Where an offer stands, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum OfferStatus {
    /// There never was a submission.
    NeverPublished,
    /// The draft was saved after the last submission failed or was canceled.
    NotStarted,
    /// The preview waits for the publisher's go live.
    WaitingForPublisherReview,
    /// A submission runs.
    Running,
    /// The last submission reached production; of an operation: it reached its end.
    Succeeded,
    /// The same, where the server is set to call it so for old clients.
    Complete,
    /// The last submission was canceled.
    Canceled,
    /// The last submission was rejected.
    Failed,
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum StepStatus {
    /// No work on it has begun.
    NotStarted,
    /// Work on it goes on.
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

/// How grave a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MessageLevel {
    /// Good to know.
    Information,
    /// Worth mending.
    Warning,
    /// Stops the step.
    Error,
}

/// Servers of the original API may write `null` for what is empty.
pub(crate) fn or_nothing<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Where an offer stands: every member always there, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StatusDocument {
    /// In one word.
    pub status: OfferStatus,
    /// What concerns the whole.
    #[serde(default, deserialize_with = "or_nothing")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub messages: Vec<Message>,
    /// The steps, in order.
    #[serde(default, deserialize_with = "or_nothing")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub steps: Vec<Step>,
    /// Where the preview can be seen.
    #[serde(default, deserialize_with = "or_nothing")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub preview_links: Vec<Link>,
    /// Where customers see it.
    #[serde(default, deserialize_with = "or_nothing")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub live_links: Vec<Link>,
    /// Whom to tell: addresses with commas between them, empty when none.
    #[serde(default, deserialize_with = "or_nothing")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub notification_emails: String,
}

/// One step of the way from draft to live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Step {
    /// How long it usually takes, in words; absent where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub estimated_time_frame: Option<String>,
    /// Its id.
    pub id: String,
    /// Its name.
    pub step_name: String,
    /// What happens in it.
    #[serde(default, deserialize_with = "or_nothing")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub description: String,
    /// Where it stands.
    pub status: StepStatus,
    /// What it says, oldest first.
    #[serde(default, deserialize_with = "or_nothing")]
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub messages: Vec<Message>,
    /// Finished checks of all its checks, 0 to 100.
    #[serde(default, deserialize_with = "or_nothing")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 100, required = true))]
    pub progress_percentage: u8,
    /// How long it usually takes, learned from earlier ones; absent where too few are known, or it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = UsualDuration, required = false))]
    pub usual_duration: Option<UsualDuration>,
    /// Since when its time counts, beside what it usually takes; only of the step that is worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, required = false))]
    pub since: Option<Date>,
}

/// How long earlier runs of a step took, however long this one has taken already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsualDuration {
    /// Half of them took no longer, in seconds.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub median_seconds: i64,
    /// One in ten took less.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub low_seconds: i64,
    /// One in ten took longer.
    #[cfg_attr(feature = "openapi", schema(minimum = 0))]
    pub high_seconds: i64,
    /// From how many this is known; at least 5.
    #[cfg_attr(feature = "openapi", schema(minimum = 5))]
    pub samples: u32,
}

/// One thing a step says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Message {
    /// The text, safe to show as HTML.
    pub message_html: String,
    /// How grave it is.
    pub level: MessageLevel,
    /// When it was said.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub timestamp: Date,
    /// A stable code, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub code: Option<String>,
    /// A JSON pointer into the offer, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub target: Option<String>,
    /// The same as plain text, without `mend`.
    #[serde(default, deserialize_with = "or_nothing")]
    pub text: String,
    /// What to do about it, as plain text, where that is known. `messageHtml` ends with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub mend: Option<String>,
    /// Where the rule is explained: an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub link: Option<String>,
}

/// A place to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Link {
    /// What it is called.
    pub display_text: String,
    /// Where it is.
    pub uri: String,
}
