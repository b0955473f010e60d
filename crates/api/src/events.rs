//! What happened to offers: entries of the journal, and the envelope in which they are sent.

use crate::dates::Date;
use crate::status::OfferStatus;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// What the `type` of every event begins with; the name of what happened follows.
pub const EVENT_TYPE_PREFIX: &str = "portolan.offer.";

/// The `type` of an event that tells nothing, and is sent to try a webhook.
pub const TEST_EVENT_TYPE: &str = "portolan.test";

/// One entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Happened {
    /// Its number in the publisher's journal, rising. Numbers between are about other offers, or about members.
    pub sequence: i64,
    /// When it was written.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Date,
    /// What happened, in a word: `created`, `draftSaved`, `published`, `stepStarted`, `progressed`, `waitingForReviewer`,
    /// `reviewed`, `blocked`, `unblocked`, `stepCompleted`, `failed`, `previewReady`, `goLiveStarted`, `live`,
    /// `cancelRequested`, `canceled`, `rolledBack`, `audiencesSynchronised`, `stepLate`, `replanned`,
    /// `linksRenewed`. More may come.
    pub event: String,
    /// The same for people.
    pub title: String,
    /// Who did it; the marketplace's people are not named.
    pub by: String,
    /// Whose offer.
    pub publisher_id: String,
    /// Which offer.
    pub offer_id: String,
    /// In which operation, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<Uuid>,
    /// In which step, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_id: Option<String>,
    /// The version that was published, or that is in production again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// Where the offer stood after it.
    pub status: OfferStatus,
    /// The hash of the entry, in hexadecimal: it covers every entry before it. `portolan journal verify` takes it.
    pub hash: String,
}

/// An entry of the journal in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryEntry {
    /// The entry.
    #[serde(flatten)]
    pub happened: Happened,
    /// The status document as it was after it, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = crate::status::StatusDocument, required = false))]
    pub status_document: Option<Box<RawValue>>,
}

/// A page of a history.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryPage {
    /// The entries, in the order that was asked for. There may be fewer than were asked for, and still more on the next page.
    pub value: Vec<HistoryEntry>,
    /// The address of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub next_link: Option<String>,
}

/// What an event carries.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventData {
    /// The entry of the journal.
    pub entry: Happened,
    /// The status document as it was after it.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::status::StatusDocument))]
    pub status: Box<RawValue>,
}

/// An event in the envelope of CloudEvents 1.0, as event streams and webhooks send it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// `1.0`.
    pub specversion: String,
    /// Unique with its source: the entry's number.
    pub id: String,
    /// The publisher, as an address.
    pub source: String,
    /// `portolan.offer.` and what happened.
    #[serde(rename = "type")]
    pub kind: String,
    /// The offer's id.
    pub subject: String,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub time: Date,
    /// `application/json`.
    pub datacontenttype: String,
    /// The entry and the status document.
    pub data: EventData,
}

/// An event that tells nothing, sent to try a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestEvent {
    /// `1.0`.
    pub specversion: String,
    /// Its own.
    pub id: String,
    /// The publisher, or the marketplace, as an address.
    pub source: String,
    /// `portolan.test`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The subscription's id.
    pub subject: String,
    /// When.
    pub time: Date,
}
