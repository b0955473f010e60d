//! Who may what: members of publishers, the marketplace's staff, and their credentials. Ours: the original had no API for
//! them.

use crate::dates::Date;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// A publisher to be created.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewPublisher {
    /// Its id: 1 to 50 letters, digits, `_`, `.` and `-`, beginning with a letter or digit.
    pub id: String,
    /// Its name for people; its id where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub display_text: Option<String>,
    /// Its id as a seller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub seller_id: Option<String>,
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MemberKind {
    /// A person.
    User,
    /// A program.
    ServicePrincipal,
}

/// What a member may be: at a publisher one of the first three, in the marketplace some of the last three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Role {
    /// May do everything the publisher can.
    Owner,
    /// May write and publish.
    Contributor,
    /// May look.
    Reader,
    /// Runs the marketplace.
    Operator,
    /// Decides reviews.
    Reviewer,
    /// Looks at what was done.
    Auditor,
}

impl MemberKind {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ServicePrincipal => "servicePrincipal",
        }
    }
}

impl Role {
    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Contributor => "contributor",
            Self::Reader => "reader",
            Self::Operator => "operator",
            Self::Reviewer => "reviewer",
            Self::Auditor => "auditor",
        }
    }
}

/// A member of a publisher, or of the marketplace's staff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Member {
    /// Its id here.
    pub id: Uuid,
    /// What it is.
    pub kind: MemberKind,
    /// Its name for people.
    pub name: String,
    /// A user's mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub mail: Option<String>,
    /// The name of the issuer that it gets its tokens from; `built-in` is this service.
    pub issuer: String,
    /// Its tenant there; empty where the issuer has none.
    pub tenant_id: String,
    /// Its id there: the claim `oid` or `sub`.
    pub object_id: String,
    /// A service principal's application id, which is its client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub application_id: Option<String>,
    /// What it may be.
    pub roles: Vec<Role>,
    /// Since when it is a member.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub since: Date,
}

/// Somebody to be made a member: by an `id` that is known here; or described by kind and name, and for the built-in issuer a
/// user's mail, for another issuer its name there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewMember {
    /// The id of somebody who is known here; then nothing else but `roles`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Uuid, required = false))]
    pub id: Option<Uuid>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = MemberKind, required = false))]
    pub kind: Option<MemberKind>,
    /// Its name for people, at most 120 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub name: Option<String>,
    /// A user's mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub mail: Option<String>,
    /// The name of another issuer, as the service's settings have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub issuer: Option<String>,
    /// Its tenant at that issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub tenant_id: Option<String>,
    /// Its object id (or subject) at that issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub object_id: Option<String>,
    /// A service principal's application id at that issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub application_id: Option<String>,
    /// What it shall be.
    pub roles: Vec<Role>,
}

/// Who became a member. Secret and invitation are shown this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AddedMember {
    /// The member.
    pub member: Member,
    /// The first secret of a service principal that is new here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = NewSecret, required = false))]
    pub secret: Option<NewSecret>,
    /// The invitation of a user who is new here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Invitation, required = false))]
    pub invitation: Option<Invitation>,
}

/// Other roles for a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewRoles {
    /// What it shall be from now on.
    pub roles: Vec<Role>,
}

/// A client secret, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Secret {
    /// Its id.
    pub id: Uuid,
    /// When it was made.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub made_at: Date,
    /// When it ends.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub ends_at: Date,
    /// When it was last used, to the hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime, required = false))]
    pub used_at: Option<Date>,
}

/// A client secret that was asked for; no body asks for one of 180 days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecretRequest {
    /// For how many days, 1 to 730.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = i64, required = false))]
    pub days: Option<i64>,
}

/// A client secret with its value, shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewSecret {
    /// Its id.
    pub id: Uuid,
    /// The secret itself. It is kept nowhere: whoever loses it adds another.
    pub value: String,
    /// When it ends.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub ends_at: Date,
}

impl fmt::Debug for NewSecret {
    /// Without the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSecret").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An invitation to choose a password, shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Invitation {
    /// Where to go with it.
    pub page: String,
    /// The one-time code to enter there.
    pub code: String,
    /// When it ends.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub ends_at: Date,
}

impl fmt::Debug for Invitation {
    /// Without the code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitation").field("page", &self.page).finish_non_exhaustive()
    }
}
