//! Subscriptions: webhooks that are told what happens to offers, and the log of what they were told.

use crate::dates::Date;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// A webhook to be made. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewSubscription {
    /// Where events go: https, at most 2,000 bytes.
    pub url: String,
    /// Of what it is told, such as `live`; of everything where this is empty or left out.
    #[serde(default)]
    pub events: Vec<String>,
    /// What signs: `whsec_` and 24 to 64 bytes in Base64. One is made where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// What a webhook shall be from now on. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangedSubscription {
    /// Where events go; left out, it stays as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Of what it is told; of everything where this is empty.
    pub events: Vec<String>,
}

impl fmt::Debug for NewSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewSubscription(…)")
    }
}

impl fmt::Debug for ChangedSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChangedSubscription(…)")
    }
}

/// How a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum SubscriptionState {
    /// Events are sent to it.
    Active,
    /// Events are sent to it, and it takes none.
    Failing,
    /// Nothing is sent to it until it is enabled.
    Disabled,
}

/// A webhook. Its secret is shown once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// Its id.
    pub id: Uuid,
    /// Where events go; of its query, which may hold a key, only that there is one.
    pub url: String,
    /// Of what it is told; of everything where this is empty.
    pub events: Vec<String>,
    /// How it stands.
    pub state: SubscriptionState,
    /// When it was made. It is told what happens from then on.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub made_at: Date,
    /// By whom.
    pub made_by: String,
    /// Until when the secret before signs too, after a rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub old_secret_until: Option<Date>,
    /// Since when it takes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub failing_since: Option<Date>,
    /// Since when nothing is sent to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub disabled_at: Option<Date>,
    /// Why, in a word: `failing` (for three days), `gone` (it said so by 410). More may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_because: Option<String>,
}

/// A webhook that was made, or has a new secret. `Debug` does not show the secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionWithSecret {
    /// The webhook.
    pub subscription: Subscription,
    /// What signs from now on. It is shown this once.
    pub secret: String,
}

impl fmt::Debug for SubscriptionWithSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriptionWithSecret").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}

/// What came of a try to send something to a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeliveryAttempt {
    /// When it began.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Date,
    /// How long it took, in milliseconds.
    pub took_milliseconds: i64,
    /// The HTTP status of the answer, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it failed, in a word: `addressNotAllowed`, `nameNotFound`, `unreachable`, `certificate`, `timedOut`, `broken`,
    /// `redirected`, `refused`, `busy`, `gone`. More may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// How far an event has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum DeliveryState {
    /// It will be tried, or tried again.
    Waiting,
    /// The webhook took it.
    Delivered,
    /// It was given up.
    Failed,
}

/// An event for a webhook, in the log of the last 30 days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Its id: the header `webhook-id` of each try.
    pub id: Uuid,
    /// Whose offer it is about.
    pub publisher_id: String,
    /// Which.
    pub offer_id: String,
    /// The number of the entry of the publisher's journal that it tells: the event's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<i64>,
    /// What happened, in a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// When that was, or when it was to be delivered again.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub at: Date,
    /// How far it has come.
    pub state: DeliveryState,
    /// When it is tried next, at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub next_attempt: Option<Date>,
    /// Why the last try failed, or why it was given up, in a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
    /// The tries, oldest first.
    pub attempts: Vec<DeliveryAttempt>,
}
