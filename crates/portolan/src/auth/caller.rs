//! A proven caller, and the proofs of what one may do.

use super::once::Once;
use super::roles::{Permission, Role};
use crate::store::Hash;
use publishing::moment::Moment;
use publishing::offer::PublisherId;
use publishing::principal::Circle;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// A proven caller with the roles it has.
#[derive(Clone, Debug)]
pub struct Caller {
    name: String,
    principal: Option<Uuid>,
    roles: HashMap<String, (PublisherId, Role)>,
    staff: BTreeSet<Role>,
    setup: Option<Hash>,
    /// When its token ends.
    ends_at: Moment,
    /// The store's generation of access by which it has these roles.
    generation: u64,
    once: Option<Arc<Once>>,
}

/// Proof that a caller may do something to a publisher. Only [`Caller`] makes one.
#[derive(Clone, Debug)]
pub struct Authorised<'a> {
    caller: &'a Caller,
    publisher: Cow<'a, PublisherId>,
    permission: Permission,
}

/// Proof that a caller may do something to the marketplace itself. Only [`Caller`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct AuthorisedStaff<'a> {
    caller: &'a Caller,
    permission: Permission,
}

/// The caller has no role that allows it. Also the answer for a publisher that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forbidden;

impl Caller {
    /// A caller with a name for the journal, and no role.
    pub fn new(name: impl Into<String>, principal: Option<Uuid>) -> Self {
        let (roles, staff, ends_at) = (HashMap::new(), BTreeSet::new(), Moment::from_ticks(i64::MAX));
        Self { name: name.into(), principal, roles, staff, setup: None, ends_at, generation: 0, once: None }
    }

    /// Whoever brings the secret of a fresh installation: may make the first operator, and nothing else.
    pub(super) fn setting_up(secret: Hash) -> Self {
        Self { setup: Some(secret), ..Self::new("setup", None) }
    }

    /// The caller with these roles in a circle.
    #[must_use]
    pub fn with(mut self, circle: Circle, roles: impl IntoIterator<Item = Role>) -> Self {
        match circle {
            Circle::Marketplace => self.staff.extend(roles),
            Circle::Publisher(id) => {
                self.roles.extend(roles.into_iter().map(|role| (id.folded(), (id.clone(), role))));
            }
        }
        self
    }

    /// The caller as it is until its token ends, with its roles as they were at a generation of access.
    pub(super) fn until(self, ends_at: Moment, generation: u64) -> Self {
        Self { ends_at, generation, ..self }
    }

    /// When its token ends, and the generation of access its roles are of.
    pub(super) fn bounds(&self) -> (Moment, u64) {
        (self.ends_at, self.generation)
    }

    /// The caller as one who wants this request to be done once.
    #[must_use]
    pub fn asking(self, once: Arc<Once>) -> Self {
        Self { once: Some(once), ..self }
    }

    /// The name in the journal.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The principal's id; none for the secret of a fresh installation.
    pub fn principal(&self) -> Option<Uuid> {
        self.principal
    }

    /// The publishers the caller is a member of with the role there, in no order.
    pub fn publishers(&self) -> impl Iterator<Item = (&PublisherId, Role)> {
        self.roles.values().map(|(publisher, role)| (publisher, *role))
    }

    /// Whether the caller is a member of this publisher, as whatever.
    pub fn is_member(&self, publisher: &PublisherId) -> bool {
        self.roles.contains_key(&publisher.folded())
    }

    /// The caller's roles in the marketplace.
    pub fn staff_roles(&self) -> impl Iterator<Item = Role> {
        self.staff.iter().copied()
    }

    /// The secret of a fresh installation, where it is what lets this caller in.
    pub fn setup(&self) -> Option<Hash> {
        self.setup
    }

    /// Asks whether the caller, as a member, may do something to a publisher, named as in a path.
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
        if !permission.is_of(*role) {
            return Err(Forbidden);
        }
        Ok(Authorised { caller: self, publisher: Cow::Borrowed(publisher), permission })
    }

    /// Asks whether the caller, as marketplace staff, may do something to any publisher.
    ///
    /// # Errors
    /// [`Forbidden`].
    pub fn authorise_staff(&self, publisher: PublisherId, permission: Permission) -> Result<Authorised<'_>, Forbidden> {
        self.authorise_marketplace(permission)?;
        Ok(Authorised { caller: self, publisher: Cow::Owned(publisher), permission })
    }

    /// Asks whether the caller may do something to the marketplace itself.
    ///
    /// # Errors
    /// [`Forbidden`].
    pub fn authorise_marketplace(&self, permission: Permission) -> Result<AuthorisedStaff<'_>, Forbidden> {
        if self.staff.iter().any(|role| permission.is_of(*role)) {
            return Ok(AuthorisedStaff { caller: self, permission });
        }
        Err(Forbidden)
    }

    /// Asks whether the caller may make somebody staff. The secret of a fresh installation allows this, and nothing else.
    ///
    /// # Errors
    /// [`Forbidden`].
    pub fn authorise_newcomer(&self) -> Result<AuthorisedStaff<'_>, Forbidden> {
        let permission = Permission::ManageStaff;
        if self.setup.is_some() {
            return Ok(AuthorisedStaff { caller: self, permission });
        }
        self.authorise_marketplace(permission)
    }
}

impl Authorised<'_> {
    /// The principal that asks; none for the service itself.
    pub fn principal(&self) -> Option<Uuid> {
        self.caller.principal
    }

    /// Who, for the journal.
    pub fn actor(&self) -> &str {
        &self.caller.name
    }

    /// The publisher in its stored form.
    pub fn publisher(&self) -> &PublisherId {
        &self.publisher
    }

    /// What was asked.
    pub fn permission(&self) -> Permission {
        self.permission
    }

    /// What makes that it is done once, if the caller wants that.
    pub fn once(&self) -> Option<&Once> {
        self.caller.once.as_deref()
    }

    /// Whether the caller is an operator of the marketplace.
    pub fn by_operator(&self) -> bool {
        self.caller.staff.contains(&Role::Operator)
    }
}

impl AuthorisedStaff<'_> {
    /// The principal that asks; none for the secret of a fresh installation.
    pub fn principal(&self) -> Option<Uuid> {
        self.caller.principal
    }

    /// Who, for the journal.
    pub fn actor(&self) -> &str {
        &self.caller.name
    }

    /// What was asked.
    pub fn permission(&self) -> Permission {
        self.permission
    }

    /// What makes that it is done once, if the caller wants that.
    pub fn once(&self) -> Option<&Once> {
        self.caller.once.as_deref()
    }

    /// The secret of a fresh installation, where it is what lets this caller in.
    pub fn setup(&self) -> Option<Hash> {
        self.caller.setup
    }
}
