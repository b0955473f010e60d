//! Who is a member of a circle, and the rules of changing that.

use crate::entry::{Event, FirstCredential};
use crate::moment::Moment;
use crate::principal::{BUILT_IN, Circle, Kind, Principal, Role};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;
use uuid::Uuid;

/// How many secrets a service principal may have that have not ended: two are needed to change one without a pause.
pub const MOST_SECRETS: usize = 5;

/// How long a secret may last, in days.
pub const LONGEST_SECRET_DAYS: i64 = 730;

/// How many members a circle may have.
const MOST_MEMBERS: usize = 1_000;

/// The members of a circle with their roles.
pub type Members = BTreeMap<Uuid, BTreeSet<Role>>;

/// A request to change who may what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessCommand {
    /// Make the circle's publisher.
    CreatePublisher,
    /// Make a principal a member.
    AddMember {
        /// Who.
        principal: Principal,
        /// As what.
        roles: BTreeSet<Role>,
        /// What it gets to prove who it is.
        first: FirstCredential,
    },
    /// Let somebody in again who is staff already, as an operator with a new password.
    SetUpAgain {
        /// Who.
        member: Uuid,
        /// As what from now on.
        roles: BTreeSet<Role>,
    },
    /// Give a member other roles.
    SetRoles {
        /// Who.
        member: Uuid,
        /// As what from now on.
        roles: BTreeSet<Role>,
    },
    /// Make a member none.
    RemoveMember {
        /// Who.
        member: Uuid,
    },
    /// Give a service principal a secret.
    AddSecret {
        /// Whose.
        principal: Principal,
        /// The secret's id.
        secret: Uuid,
        /// When it ends.
        ends_at: Moment,
        /// How many it has that have not ended.
        there: usize,
        /// Whether an operator asks.
        by_operator: bool,
    },
    /// Take a secret away.
    RemoveSecret {
        /// Whose.
        principal: Principal,
        /// The secret's id.
        secret: Uuid,
        /// Whether it has that secret.
        is_there: bool,
        /// Whether an operator asks.
        by_operator: bool,
    },
    /// Let a user of the built-in issuer choose a password.
    Invite {
        /// Whom.
        principal: Principal,
        /// Whether the user has one already: then only the marketplace's operators may.
        has_password: bool,
        /// Whether an operator asks.
        by_operator: bool,
    },
    /// The password was chosen.
    SetPassword {
        /// By whom.
        principal: Principal,
    },
}

/// Why access was not changed, in words for the caller.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AccessRefusal {
    /// Something in the request cannot be.
    #[error("{message}")]
    Invalid {
        /// A JSON pointer into the body.
        target: &'static str,
        /// The fault and the mend.
        message: String,
    },
    /// There is no such member.
    #[error("There is no such member. List the members to see their ids.")]
    MemberMissing,
    /// There is no such secret.
    #[error("The service principal has no such secret. List its secrets to see their ids.")]
    SecretMissing,
    /// It stands against what is there.
    #[error("{0}")]
    Conflict(String),
}

/// The change that a command makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessDecision {
    /// A member with its roles from now on; none means that it is no member any more.
    pub roles: Option<(Uuid, BTreeSet<Role>)>,
    /// The journal's line.
    pub event: Event,
}

/// Decides a command on a circle with these members.
///
/// # Errors
/// [`AccessRefusal`]; then nothing changes.
pub fn decide(circle: &Circle, members: &Members, command: &AccessCommand) -> Result<AccessDecision, AccessRefusal> {
    match command {
        AccessCommand::CreatePublisher => Ok(AccessDecision { roles: None, event: Event::PublisherCreated }),
        AccessCommand::AddMember { principal, roles, first } => add(circle, members, principal, roles, *first),
        AccessCommand::SetUpAgain { member, roles } => {
            fit(circle, roles)?;
            if !members.contains_key(member) {
                return Err(AccessRefusal::MemberMissing);
            }
            let event = Event::SetUpAgain { principal: *member, roles: roles.clone() };
            Ok(AccessDecision { roles: Some((*member, roles.clone())), event })
        }
        AccessCommand::SetRoles { member, roles } => {
            fit(circle, roles)?;
            keeps_a_head(circle, members, *member, roles)?;
            let event = Event::RolesChanged { principal: *member, roles: roles.clone() };
            Ok(AccessDecision { roles: Some((*member, roles.clone())), event })
        }
        AccessCommand::RemoveMember { member } => {
            let none = BTreeSet::new();
            keeps_a_head(circle, members, *member, &none)?;
            Ok(AccessDecision { roles: Some((*member, none)), event: Event::MemberRemoved { principal: *member } })
        }
        AccessCommand::AddSecret { principal, secret, ends_at, there, by_operator } => {
            at_home(circle, members, principal, Kind::ServicePrincipal, *by_operator)?;
            if *there >= MOST_SECRETS {
                return Err(AccessRefusal::Conflict(format!(
                    "The service principal has {there} secrets. Remove one, then add another."
                )));
            }
            let event = Event::SecretAdded { principal: principal.id, secret: *secret, ends_at: *ends_at };
            Ok(AccessDecision { roles: None, event })
        }
        AccessCommand::RemoveSecret { principal, secret, is_there, by_operator } => {
            at_home(circle, members, principal, Kind::ServicePrincipal, *by_operator)?;
            if !is_there {
                return Err(AccessRefusal::SecretMissing);
            }
            let event = Event::SecretRemoved { principal: principal.id, secret: *secret };
            Ok(AccessDecision { roles: None, event })
        }
        AccessCommand::Invite { principal, has_password, by_operator } => {
            at_home(circle, members, principal, Kind::User, *by_operator)?;
            // Whoever can set somebody's password can act as them, also where they are members and one is not.
            if *has_password && !by_operator {
                return Err(AccessRefusal::Conflict(
                    "The user has chosen a password. Ask an operator of the marketplace for a new invitation.".into(),
                ));
            }
            Ok(AccessDecision { roles: None, event: Event::Invited { principal: principal.id } })
        }
        AccessCommand::SetPassword { principal } => {
            Ok(AccessDecision { roles: None, event: Event::PasswordSet { principal: principal.id } })
        }
    }
}

fn add(
    circle: &Circle,
    members: &Members,
    principal: &Principal,
    roles: &BTreeSet<Role>,
    first: FirstCredential,
) -> Result<AccessDecision, AccessRefusal> {
    fit(circle, roles)?;
    if *circle == Circle::Marketplace && principal.identity.issuer == BUILT_IN && principal.home != *circle {
        // Whoever gives it its credentials could act for the whole marketplace.
        return Err(AccessRefusal::Conflict(format!(
            "{} was made by a publisher, whose owners give it its credentials. Make somebody new among the staff.",
            principal.name
        )));
    }
    if members.contains_key(&principal.id) {
        return Err(AccessRefusal::Conflict(format!(
            "{} is a member already, under the id {}. Change its role there.",
            principal.name, principal.id
        )));
    }
    if members.len() >= MOST_MEMBERS {
        return Err(AccessRefusal::Conflict(format!("There are {MOST_MEMBERS} members. Remove one first.")));
    }
    let event = Event::MemberAdded {
        principal: principal.id,
        kind: principal.kind,
        name: principal.name.clone(),
        identity: principal.identity.clone(),
        roles: roles.clone(),
        first,
    };
    Ok(AccessDecision { roles: Some((principal.id, roles.clone())), event })
}

/// Refuses roles that the circle does not have.
fn fit(circle: &Circle, roles: &BTreeSet<Role>) -> Result<(), AccessRefusal> {
    let staff = *circle == Circle::Marketplace;
    let wrong = |target, message: &str| Err(AccessRefusal::Invalid { target, message: message.to_owned() });
    match (staff, roles.len(), roles.iter().all(|role| role.is_of_staff() == staff)) {
        (true, 1.., true) | (false, 1, true) => Ok(()),
        (true, ..) => {
            wrong("/roles", "Staff have one or more of the roles operator, reviewer and auditor. Send those.")
        }
        (false, ..) => {
            wrong("/roles", "A publisher's member has one of the roles owner, contributor and reader. Send one.")
        }
    }
}

/// Refuses what would leave nobody who can let others in.
fn keeps_a_head(circle: &Circle, members: &Members, member: Uuid, roles: &BTreeSet<Role>) -> Result<(), AccessRefusal> {
    let before = members.get(&member).ok_or(AccessRefusal::MemberMissing)?;
    let head = if *circle == Circle::Marketplace { Role::Operator } else { Role::Owner };
    let others = members.iter().any(|(other, roles)| *other != member && roles.contains(&head));
    if before.contains(&head) && !roles.contains(&head) && !others {
        return Err(AccessRefusal::Conflict(format!(
            "This is the last {head}. Make another member {head} first, then do this again."
        )));
    }
    Ok(())
}

/// Refuses credentials for those whom this circle has not made, or who get theirs elsewhere. Operators may help everybody: who was
/// removed where they were made would otherwise be stuck.
fn at_home(
    circle: &Circle,
    members: &Members,
    principal: &Principal,
    kind: Kind,
    by_operator: bool,
) -> Result<(), AccessRefusal> {
    if !members.contains_key(&principal.id) {
        return Err(AccessRefusal::MemberMissing);
    }
    if principal.identity.issuer != BUILT_IN {
        return Err(AccessRefusal::Conflict(format!(
            "This member signs in at the issuer {:?}. Its credentials are managed there.",
            principal.identity.issuer
        )));
    }
    if principal.home.name() != circle.name() && !by_operator {
        return Err(AccessRefusal::Conflict(
            "This member was made elsewhere, and gets its credentials there. Ask its owners, or an operator of the marketplace.".into(),
        ));
    }
    match (principal.kind == kind, kind) {
        (true, _) => Ok(()),
        (false, Kind::ServicePrincipal) => {
            Err(AccessRefusal::Conflict("Only service principals have secrets. Users choose a password.".into()))
        }
        (false, Kind::User) => {
            Err(AccessRefusal::Conflict("Only users are invited. Give the service principal a secret.".into()))
        }
    }
}
