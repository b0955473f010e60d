//! Mails about offers: who follows by mail, and what. Ours; the original had only the addresses given at publish.

use crate::dates::Date;
use serde::{Deserialize, Serialize};

/// What somebody wants mails about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WantedMails {
    /// The names of events, as the history has them; empty for what is always mailed: blocked, failed, previewReady, live,
    /// canceled.
    #[serde(default)]
    pub events: Vec<String>,
}

/// The mails that somebody gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MailSubscription {
    /// Where they go.
    pub mail: String,
    /// The names of the events that are mailed.
    pub events: Vec<String>,
    /// Since when.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub since: Date,
}
