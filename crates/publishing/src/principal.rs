//! Who can be known: users and service principals, and the roles they can have.

use crate::offer::PublisherId;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// A user or a service principal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Its id here.
    pub id: Uuid,
    /// What it is.
    pub kind: Kind,
    /// Its name for people.
    pub name: String,
    /// A user's mail address, with which one signs in at the built-in issuer.
    pub mail: Option<String>,
    /// Who it is in tokens.
    pub identity: Identity,
    /// A service principal's application id, which clients call the client id.
    pub application: Option<String>,
    /// The circle that made it, and alone may give it credentials.
    pub home: Circle,
}

/// What a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A person.
    User,
    /// A program.
    ServicePrincipal,
}

/// Who a token is about: no two principals share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The issuer's name in the settings; [`BUILT_IN`] is the service's own.
    pub issuer: String,
    /// The tenant (`tid`); empty where the issuer has none.
    pub tenant: String,
    /// The subject (`oid` or `sub`).
    pub subject: String,
}

/// The name of the service's own issuer.
pub const BUILT_IN: &str = "built-in";

/// What one is a member of: a publisher, or the marketplace's staff.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Circle {
    /// The people who run the marketplace.
    Marketplace,
    /// A publisher's people.
    Publisher(PublisherId),
}

/// The marketplace's name among circles; no publisher can have it.
pub const MARKETPLACE: &str = "$marketplace";

impl Circle {
    /// The name under which it is kept: folded, so that all spellings of a publisher share it.
    pub fn name(&self) -> String {
        match self {
            Self::Marketplace => MARKETPLACE.to_owned(),
            Self::Publisher(id) => id.folded(),
        }
    }
}

impl From<Circle> for String {
    fn from(circle: Circle) -> Self {
        match circle {
            Circle::Marketplace => MARKETPLACE.to_owned(),
            Circle::Publisher(id) => id.as_str().to_owned(),
        }
    }
}

impl TryFrom<String> for Circle {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if name == MARKETPLACE {
            return Ok(Self::Marketplace);
        }
        PublisherId::parse(&name).map(Self::Publisher).ok_or(name)
    }
}

/// What a member may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// At a publisher: may do everything the publisher can.
    Owner,
    /// At a publisher: may write and publish.
    Contributor,
    /// At a publisher: may look.
    Reader,
    /// In the marketplace: runs the service.
    Operator,
    /// In the marketplace: decides reviews.
    Reviewer,
    /// In the marketplace: looks at what was done.
    Auditor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] =
        [Self::Owner, Self::Contributor, Self::Reader, Self::Operator, Self::Reviewer, Self::Auditor];

    /// Its word.
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

    /// Reads its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word().eq_ignore_ascii_case(word))
    }

    /// Whether it is a role of the marketplace's staff, and none at a publisher.
    pub const fn is_of_staff(self) -> bool {
        match self {
            Self::Owner | Self::Contributor | Self::Reader => false,
            Self::Operator | Self::Reviewer | Self::Auditor => true,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
