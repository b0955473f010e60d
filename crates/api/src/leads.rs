//! Leads: what customers leave for publishers, and how far the delivery of it has come.

use crate::dates::Date;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Who leaves a lead. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewCustomer {
    /// 1 to 100 characters.
    pub first_name: String,
    /// 1 to 100 characters.
    pub last_name: String,
    /// A mail address.
    pub email: String,
    /// At most 50 characters.
    #[serde(default)]
    pub phone: String,
    /// At most 200 characters.
    #[serde(default)]
    pub company: String,
    /// At most 100 characters.
    #[serde(default)]
    pub title: String,
    /// At most 100 characters.
    #[serde(default)]
    pub country: String,
}

/// What somebody leaves for the publisher of an offer. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewLead {
    /// The plan it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<String>,
    /// What the customer did: a code of at most 20 letters, digits, `-` and `_`; `INS` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Who.
    pub customer: NewCustomer,
    /// What the customer says, at most 2,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl fmt::Debug for NewCustomer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewCustomer(…)")
    }
}

impl fmt::Debug for NewLead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewLead(…)")
    }
}

/// A lead that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TakenLead {
    /// Its id, by which the publisher's endpoint knows it too.
    pub id: Uuid,
}

/// Where a lead stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum LeadState {
    /// It will be tried, again or for the first time.
    Waiting,
    /// The endpoint took it.
    Delivered,
    /// It was given up after three days.
    Failed,
}

/// A lead in a list: how far its delivery has come, and nothing of what the customer left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Lead {
    /// Its id.
    pub id: Uuid,
    /// When it was taken.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub taken_at: Date,
    /// Where it stands.
    pub state: LeadState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub next_attempt: Option<Date>,
    /// Why the last try failed: `unreachable`, `timedOut`, `certificate`, `broken`, `refused`, `redirected`, `addressNotAllowed`,
    /// `noDestination` or `unreadable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
}
