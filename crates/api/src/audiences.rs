//! Who may see private plans that are live. Ours; the original had no API for it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Whom an entry of an audience lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum AudienceKind {
    /// Whoever uses this subscription.
    SubscriptionId,
    /// Everybody in this tenant.
    TenantId,
}

/// One entry of an audience.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AudienceEntry {
    /// Whom it lets in.
    #[serde(rename = "type")]
    pub kind: AudienceKind,
    /// The subscription or tenant.
    pub id: Uuid,
    /// What the publisher notes about it.
    pub description: String,
}

/// Who may see one private plan that is live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanAudience {
    /// The plan's id.
    pub plan_id: String,
    /// Whom it lets in.
    pub entries: Vec<AudienceEntry>,
}

/// How many may see one private plan since its audience was synchronised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SynchronisedAudience {
    /// The plan's id.
    pub plan_id: String,
    /// How many entries it has.
    pub entries: u32,
    /// The SHA-256 of the list, as in the journal.
    pub digest: String,
}
