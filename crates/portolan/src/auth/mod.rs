//! Who is asking, and what they may do.

mod roles;
mod token;

pub use roles::{MarketplaceRole, Permission, Role};
pub use token::{TokenGate, Unauthenticated};

use publishing::offer::PublisherId;
use std::borrow::Cow;
use std::collections::HashMap;

/// A proven caller with the roles it has.
#[derive(Clone, Debug)]
pub struct Caller {
    name: String,
    roles: HashMap<String, (PublisherId, Role)>,
    marketplace: Vec<MarketplaceRole>,
}

/// Proof that a caller may do something to a publisher. Only [`Caller`] makes one.
#[derive(Clone, Debug)]
pub struct Authorised<'a> {
    actor: &'a str,
    publisher: Cow<'a, PublisherId>,
    permission: Permission,
}

/// The caller has no role that allows it. Also the answer for a publisher that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forbidden;

impl Caller {
    /// A caller with a name for the journal, and its roles.
    pub fn new(
        name: impl Into<String>,
        roles: impl IntoIterator<Item = (PublisherId, Role)>,
        marketplace: Vec<MarketplaceRole>,
    ) -> Self {
        let roles = roles.into_iter().map(|(publisher, role)| (publisher.folded(), (publisher, role))).collect();
        Self { name: name.into(), roles, marketplace }
    }

    /// The name in the journal.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The publishers the caller is a member of, in no order.
    pub fn publishers(&self) -> impl Iterator<Item = &PublisherId> {
        self.roles.values().map(|(publisher, _)| publisher)
    }

    /// Asks whether the caller may do something to a publisher, named as in a path.
    ///
    /// # Errors
    /// [`Forbidden`], the same for a publisher that is not theirs and one that does not exist.
    pub fn authorise(&self, publisher: &str, permission: Permission) -> Result<Authorised<'_>, Forbidden> {
        // Ids are at most 50 bytes: folded on the stack, for this stands before every read.
        let mut folded = [0_u8; 50];
        let folded = folded.get_mut(..publisher.len()).ok_or(Forbidden)?;
        folded.copy_from_slice(publisher.as_bytes());
        folded.make_ascii_lowercase();
        let folded = std::str::from_utf8(folded).map_err(|_| Forbidden)?;
        let (publisher, role) = self.roles.get(folded).ok_or(Forbidden)?;
        if !role.allows(permission) {
            return Err(Forbidden);
        }
        Ok(Authorised { actor: &self.name, publisher: Cow::Borrowed(publisher), permission })
    }

    /// Asks whether the caller, as marketplace staff, may do something to any publisher.
    ///
    /// # Errors
    /// [`Forbidden`].
    pub fn authorise_staff(&self, publisher: PublisherId, permission: Permission) -> Result<Authorised<'_>, Forbidden> {
        if !self.is_staff(permission) {
            return Err(Forbidden);
        }
        Ok(Authorised { actor: &self.name, publisher: Cow::Owned(publisher), permission })
    }

    /// Whether a marketplace role of the caller allows it.
    pub fn is_staff(&self, permission: Permission) -> bool {
        self.marketplace.iter().any(|role| role.allows(permission))
    }
}

impl Authorised<'_> {
    /// Who, for the journal.
    pub fn actor(&self) -> &str {
        self.actor
    }

    /// The publisher in its stored form.
    pub fn publisher(&self) -> &PublisherId {
        &self.publisher
    }

    /// What was asked.
    pub fn permission(&self) -> Permission {
        self.permission
    }
}
