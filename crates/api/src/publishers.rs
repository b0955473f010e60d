//! Publishers and offer types.

use serde::{Deserialize, Serialize};

/// A publisher that the caller is a member of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Publisher {
    /// Its id.
    pub id: String,
    /// Rises when the publisher changes.
    pub version: i64,
    /// What is known of it.
    pub definition: PublisherDefinition,
}

/// What is known of a publisher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PublisherDefinition {
    /// Its name for people.
    pub display_text: String,
    /// The categories of offer types it may use; empty when all.
    pub offer_type_categories: Vec<String>,
    /// Its id as a seller.
    pub seller_id: String,
}

/// A type of offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OfferType {
    /// Its id.
    pub id: String,
    /// Rises when the type changes.
    pub version: i64,
    /// Its name for people.
    pub display_text: String,
}
