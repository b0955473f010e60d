//! Offers, as they are listed, read and written.

use crate::dates::Date;
use crate::status::OfferStatus;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// An offer in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfferSummary {
    /// The id of its type.
    pub offer_type_id: String,
    /// Who sells it.
    pub publisher_id: String,
    /// Where it stands.
    pub status: OfferStatus,
    /// Its id.
    pub id: String,
    /// 1 for a new offer, one more at each publish.
    pub version: i64,
    /// Its name.
    pub definition: OfferSummaryDefinition,
    /// When its draft or version last changed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub changed_time: Date,
}

/// What a list says of a definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfferSummaryDefinition {
    /// Its name for people; empty as long as the draft has none.
    pub display_text: String,
}

/// One offer: its draft, a version or a slot of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Offer {
    /// The id of its type.
    pub offer_type_id: String,
    /// Who sells it.
    pub publisher_id: String,
    /// Where it stands.
    pub status: OfferStatus,
    /// Its id.
    pub id: String,
    /// 1 for a new offer, one more at each publish.
    pub version: i64,
    /// The definition, as it was sent.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub definition: Box<RawValue>,
    /// When this draft or version last changed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub changed_time: Date,
}

/// The body of a PUT. Read members of an [`Offer`] may be sent back; they are ignored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PutOffer {
    /// Equal to the path.
    pub publisher_id: String,
    /// The id of its type; cannot change later.
    pub offer_type_id: String,
    /// Equal to the path.
    pub id: String,
    /// The definition; may be incomplete until it is published.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub definition: Box<RawValue>,
}

/// The optional body of publish, go live and cancel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActionRequest {
    /// What goes with the action.
    #[serde(default)]
    pub metadata: ActionMetadata,
}

/// What goes with publish, go live or cancel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActionMetadata {
    /// Whom to tell: addresses with commas between them, at most 20.
    #[serde(default)]
    pub notification_emails: String,
}

/// The body of a roll back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RollBackRequest {
    /// The version that is live, and shall not be any more: what is asked twice is done once.
    pub from: i64,
}
