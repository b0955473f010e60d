//! Explain: whose turn it is with an offer, and what would clear it; what a cancel would do. Ours; the original had none.

use crate::dates::Date;
use crate::state::State;
use crate::status::{Message, OfferStatus, StatusDocument, StepStatus};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who has to act, or who can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Turn {
    /// Whoever publishes the offer.
    Publisher,
    /// A reviewer of the marketplace.
    Reviewer,
    /// The marketplace: one of its operators or reviewers.
    Marketplace,
    /// A system that does a check outside the service.
    OutsideSystem,
    /// The service itself, which works on.
    Service,
    /// Nobody: it is live.
    Nobody,
}

/// What a step waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Awaited {
    /// Whoever mends what blocks it.
    Mending,
    /// A reviewer's verdict.
    Reviewer,
    /// The publisher's go live.
    GoLive,
    /// A check that lets go, for a cancel was asked for.
    LettingGo,
    /// A system outside the service.
    OutsideSystem,
    /// A check of the service's own.
    Check,
    /// A time that passes.
    Pause,
}

/// One thing that a step waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Wait {
    /// What.
    pub what: Awaited,
    /// A reviewer's verdict: the queue it waits in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub queue: Option<String>,
    /// A reviewer's verdict: whether a reviewer has it in hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = bool, required = false))]
    pub held: Option<bool>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, required = false))]
    pub since: Option<Date>,
    /// The time that is known, if one is: when an outside system has to have said how its check ends, when a pause ends, when
    /// the service looks at a check again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, required = false))]
    pub until: Option<Date>,
}

/// The step that a submission has come to, or ended at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepAtHand {
    /// Its id.
    pub id: String,
    /// Its name.
    pub step_name: String,
    /// Where it stands.
    pub status: StepStatus,
    /// When it usually ends, by those that took longer than it has by now; absent where too few are known, or nobody is at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = UsualEnd, required = false))]
    pub usual: Option<UsualEnd>,
}

/// When a step usually ends that has taken as long as this one; never a time that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsualEnd {
    /// One in ten of them ends sooner.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub from: Date,
    /// One in ten of them ends later.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub to: Date,
    /// From how many this is known; at least 5.
    #[cfg_attr(feature = "openapi", schema(minimum = 5))]
    pub samples: u32,
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Action {
    /// Publish the draft. It is judged first: a draft with faults starts nothing.
    Publish,
    /// Save a mended draft, and publish it.
    SaveDraftThenPublish,
    /// Sign off the preview.
    GoLive,
    /// Stop the submission.
    Cancel,
    /// A reviewer's yes.
    Approve,
    /// A reviewer's no.
    Reject,
    /// What blocked the step is mended.
    Unblock,
    /// Nothing: it goes on by itself.
    Wait,
}

/// Where the offer and a step stand after something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeadsTo {
    /// The offer.
    pub status: OfferStatus,
    /// The step that the way names; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = StepStatus, required = false))]
    pub step_status: Option<StepStatus>,
}

/// Something that can be done about an offer as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Way {
    /// Who can.
    pub who: Turn,
    /// What.
    pub action: Action,
    /// The id of the step that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub step: Option<String>,
    /// The queue that it is about, where a reviewer decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub queue: Option<String>,
    /// The same in a sentence.
    pub words: String,
    /// What follows at once; absent where nobody knows how it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = LeadsTo, required = false))]
    pub leads_to: Option<LeadsTo>,
}

/// What a cancel comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum CancelOutcome {
    /// It is refused.
    Refused,
    /// The submission is canceled at once.
    Canceled,
    /// The submission is canceled as soon as the check in hand lets go.
    CancelRequested,
}

/// What becomes of the version in the preview slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PreviewForecast {
    /// The version.
    pub version: i64,
    /// Whether it is withdrawn once the submission is canceled; it stays where it is of an earlier submission.
    pub withdrawn: bool,
}

/// What a cancel would do now. The draft is kept in any case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CancelForecast {
    /// The HTTP status that it would be answered with: 200, 202, or 400 where it is refused.
    pub status: u16,
    /// The same in a word.
    pub outcome: CancelOutcome,
    /// The same in sentences; where it is refused, the message of the error.
    pub words: String,
    /// The operation that ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid, required = false))]
    pub operation_id: Option<Uuid>,
    /// The version that is live, and stays so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = i64, required = false))]
    pub live_version: Option<i64>,
    /// What becomes of the preview, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = PreviewForecast, required = false))]
    pub preview: Option<PreviewForecast>,
    /// The status document as it would be right after it; only in the answer to a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = StatusDocument, required = false))]
    pub status_document: Option<StatusDocument>,
}

/// What a publish would do now, where nothing is wrong with what would be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PublishForecast {
    /// The HTTP status that it would be answered with: 202.
    pub status: u16,
    /// The same in a sentence.
    pub words: String,
    /// The version that it would start.
    pub version: i64,
}

/// Where an offer stands, whose turn it is, and what would clear it. Its sentences are written to the publisher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Explanation {
    /// Where the offer stands.
    pub status: OfferStatus,
    /// The same in one word that tells of the step at hand too.
    pub state: State,
    /// That word for people.
    pub state_words: String,
    /// What is so.
    pub headline: String,
    /// What comes next.
    pub next: String,
    /// Who has to act.
    pub turn: Turn,
    /// Since when it is so.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub since: Date,
    /// Until when, where that is known, and never a guess.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, required = false))]
    pub until: Option<Date>,
    /// The step at hand; absent where no submission was started, or it is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = StepAtHand, required = false))]
    pub step: Option<StepAtHand>,
    /// What is waited for, what matters most first; empty where no submission runs.
    pub waits_for: Vec<Wait>,
    /// What would clear it, and what else can be done.
    pub ways: Vec<Way>,
    /// What has to be mended, where the submission failed or is blocked.
    pub errors: Vec<Message>,
    /// What a cancel would do now.
    pub cancel: CancelForecast,
    /// The version that is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = i64, required = false))]
    pub live_version: Option<i64>,
    /// The version that can be seen in preview.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = i64, required = false))]
    pub preview_version: Option<i64>,
}
