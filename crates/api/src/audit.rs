//! Who did what: entries of a publisher's journal, or of the marketplace's own, as an audit reads them.

use crate::dates::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One entry of an audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// Its number in the journal: from 1, without gaps.
    pub sequence: i64,
    /// When it was written.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Date,
    /// What was done, in a word. About offers: `created`, `draftSaved`, `published`, `wentLive`, `cancelRequested`, `canceled`,
    /// `verdictGiven`, `reviewClaimed`, `reviewReleased`, `noteAdded`, `checkStarted`, `checkReported`, `checkHeard`, `stepLate`,
    /// `rolledBack`, `audiencesSynchronised`, `replanned`, `linksRenewed`. About who may what: `publisherCreated`, `memberAdded`,
    /// `setUpAgain`, `rolesChanged`, `memberRemoved`, `secretAdded`, `secretRemoved`, `invited`, `passwordSet`,
    /// `subscriptionAdded`, `subscriptionChanged`, `subscriptionRemoved`, `subscriptionDisabled`, `deliveryRepeated`. More may come.
    pub event: String,
    /// The same in a sentence for people.
    pub words: String,
    /// Who did it: a mail address or name; `portolan` is the service itself. Publishers read `marketplace` for reviewers.
    pub who: String,
    /// The id of who did it, where it is known and not a reviewer's that is not named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal_id: Option<Uuid>,
    /// Of whose journal; none in the marketplace's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher_id: Option<String>,
    /// Which offer it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer_id: Option<String>,
    /// In which operation, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<Uuid>,
    /// In which step, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_id: Option<String>,
    /// The version that was published, or that is in production again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// The member it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_id: Option<Uuid>,
    /// The hash of the entry, in hexadecimal: it covers every entry before it. `portolan journal verify` takes it.
    pub hash: String,
}

/// A page of an audit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditPage {
    /// The entries, in the order that was asked for. There may be fewer than were asked for, and still more on the next page.
    pub value: Vec<AuditEntry>,
    /// The address of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub next_link: Option<String>,
}
