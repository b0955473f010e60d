//! Performs what is asked about who may what: load the circle, decide, commit; again if someone was faster.

use super::requests::{AccessRequest, Granted, Newcomer};
use super::{Failure, MOST_ROUNDS, Perform};
use crate::auth::{Authorised, AuthorisedStaff, Once, Permission, hash_password, principal_name, secret_hash};
use crate::store::{AccessChange, Credential, Hash, Member, Publisher, StoreError, StoredCircle};
use publishing::access::{AccessCommand, AccessRefusal, Members, decide};
use publishing::entry::{Entry, FirstCredential};
use publishing::moment::Moment;
use publishing::principal::{BUILT_IN, Circle, Kind, Principal, Role};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Who asks, and in which circle.
pub(super) struct By<'a> {
    pub(super) actor: &'a str,
    pub(super) circle: Circle,
    pub(super) operator: bool,
    pub(super) spends: Option<Hash>,
    /// The principal that asks, and with which permission.
    pub(super) principal: Option<Uuid>,
    pub(super) permission: Permission,
    /// What makes that it is done once.
    pub(super) once: Option<&'a Once>,
}

impl Perform {
    /// Changes a publisher's members or the credentials of those it made.
    ///
    /// # Errors
    /// [`Failure`]; then nothing has changed.
    pub async fn change_members(&self, by: &Authorised<'_>, request: AccessRequest) -> Result<Granted, Failure> {
        if by.permission() != Permission::ManageMembers {
            return Err(Failure::Forbidden);
        }
        let circle = Circle::Publisher(by.publisher().clone());
        let by = By {
            actor: by.actor(),
            circle,
            operator: by.by_operator(),
            spends: None,
            principal: by.principal(),
            permission: by.permission(),
            once: by.once(),
        };
        self.change_access(by, request).await
    }

    /// Changes the marketplace's staff or its credentials.
    ///
    /// # Errors
    /// [`Failure`]; then nothing has changed.
    pub async fn change_staff(&self, by: &AuthorisedStaff<'_>, request: AccessRequest) -> Result<Granted, Failure> {
        if by.permission() != Permission::ManageStaff {
            return Err(Failure::Forbidden);
        }
        if by.setup().is_some() {
            let makes_operator =
                matches!(&request, AccessRequest::AddMember { roles, .. } if roles.contains(&Role::Operator));
            if !makes_operator {
                let message =
                    "The setup secret makes the first operator, and nothing else. Add a member with the role operator.";
                return Err(invalid("/roles", message));
            }
            let invited = matches!(
                &request,
                AccessRequest::AddMember { newcomer: Newcomer::Described { kind: Kind::User, identity: None, .. }, .. }
            );
            if invited {
                let message = "An invitation may be lost, and the setup secret works once. Make a service principal here, or open /setup with a browser.";
                return Err(invalid("/kind", message));
            }
        }
        let by = By {
            actor: by.actor(),
            circle: Circle::Marketplace,
            operator: true,
            spends: by.setup(),
            principal: by.principal(),
            permission: by.permission(),
            once: by.once(),
        };
        self.change_access(by, request).await
    }

    /// Creates a publisher that has no members yet.
    ///
    /// # Errors
    /// [`Failure`]; [`AccessRefusal::Conflict`] where there is one of that id.
    pub async fn create_publisher(&self, by: &AuthorisedStaff<'_>, publisher: Publisher) -> Result<(), Failure> {
        if by.permission() != Permission::CreatePublisher {
            return Err(Failure::Forbidden);
        }
        self.still_may(by.principal(), &Circle::Marketplace, by.permission())?;
        self.once(by.once(), self.add_publisher(by, publisher)).await
    }

    async fn add_publisher(&self, by: &AuthorisedStaff<'_>, publisher: Publisher) -> Result<(), Failure> {
        let circle = Circle::Publisher(publisher.id.clone());
        let decision = decide(&circle, &Default::default(), &AccessCommand::CreatePublisher)?;
        let exists = format!("There is a publisher {:?} already. Choose another id.", publisher.id.as_str());
        let change = AccessChange {
            circle,
            decided_on: 0,
            publisher: Some(publisher),
            principal: None,
            roles: None,
            credentials: Vec::new(),
            spends: None,
            entry: Entry { at: self.clock.now(), actor: by.actor().to_owned(), told: None, event: decision.event },
            repeated: self.kept(by.once(), &())?,
        };
        match self.store.commit_access(change).await {
            Err(StoreError::Overtaken) => Err(AccessRefusal::Conflict(exists).into()),
            result => Ok(result?),
        }
    }

    /// Makes the first operator of a fresh installation, with a password.
    ///
    /// # Errors
    /// [`Failure`]; [`AccessRefusal::Invalid`] where the secret is not the one that was printed, or not any more.
    pub async fn set_up(
        &self,
        secret: &str,
        name: String,
        mail: String,
        password: String,
    ) -> Result<Principal, Failure> {
        let spends = secret_hash(secret);
        let used = || {
            invalid(
                "/secret",
                "This is not the setup secret, or it was used. The service prints one at start as long as there is no operator.",
            )
        };
        let is_good = || Ok::<_, StoreError>(self.store.invitation(&spends)?.is_some_and(|it| it.principal.is_none()));
        if !is_good()? {
            return Err(used());
        }
        let hash = hash_password(password).await?;
        let newcomer =
            Newcomer::Described { kind: Kind::User, name, mail: Some(mail), identity: None, application: None };
        for _ in 0..MOST_ROUNDS {
            let (principal, is_new) = self.principal(&Circle::Marketplace, &newcomer).await?;
            let circle = self.store.circle(&Circle::Marketplace)?.ok_or(AccessRefusal::MemberMissing)?;
            // Somebody who is staff already, and has lost the way in, keeps the roles there are.
            let mut roles = circle.roles().get(&principal.id).cloned().unwrap_or_default();
            let is_member = !roles.is_empty();
            roles.insert(Role::Operator);
            let command = if is_member {
                AccessCommand::SetUpAgain { member: principal.id, roles }
            } else {
                AccessCommand::AddMember { principal: principal.clone(), roles, first: FirstCredential::Password }
            };
            let decision = decide(&Circle::Marketplace, &circle.roles(), &command)?;
            let change = AccessChange {
                circle: Circle::Marketplace,
                decided_on: circle.revision,
                publisher: None,
                principal: is_new.then(|| principal.clone()),
                roles: decision.roles,
                credentials: vec![Credential::Password { principal: principal.id, hash: hash.clone() }],
                spends: Some(spends),
                entry: Entry { at: self.clock.now(), actor: "setup".into(), told: None, event: decision.event },
                repeated: None,
            };
            match self.store.commit_access(change).await {
                Err(StoreError::Overtaken) if is_good()? => {}
                Err(StoreError::Overtaken) => return Err(used()),
                result => return result.map(|()| principal).map_err(Failure::from),
            }
        }
        Err(overtaken().into())
    }

    /// Sets the password of whoever holds an invitation.
    ///
    /// # Errors
    /// [`Failure`]; [`AccessRefusal::Invalid`] where the invitation is not good, or not any more.
    pub async fn accept_invitation(&self, secret: &str, password: String) -> Result<Principal, Failure> {
        let spends = secret_hash(secret);
        let not_good = || invalid("/secret", "This invitation is not good, or not any more. Ask for a new one.");
        let asked_at = self.clock.now();
        let invitation = self.store.invitation(&spends)?.filter(|invitation| invitation.ends_at > asked_at);
        let principal = invitation.and_then(|invitation| invitation.principal).ok_or_else(not_good)?;
        let principal = self.store.principal(principal)?.ok_or_else(not_good)?;
        let hash = hash_password(password).await?;
        let circle = principal.home.clone();
        for _ in 0..MOST_ROUNDS {
            let stored = self.store.circle(&circle)?.ok_or_else(not_good)?;
            let command = AccessCommand::SetPassword { principal: principal.clone() };
            let decision = decide(&circle, &stored.roles(), &command)?;
            let change = AccessChange {
                circle: circle.clone(),
                decided_on: stored.revision,
                publisher: None,
                principal: None,
                roles: None,
                credentials: vec![Credential::Password { principal: principal.id, hash: hash.clone() }],
                spends: Some(spends),
                entry: Entry {
                    at: self.clock.now(),
                    actor: principal_name(&principal),
                    told: None,
                    event: decision.event,
                },
                repeated: None,
            };
            match self.store.commit_access(change).await {
                // Of the circle, or of the invitation: only the latter is for good.
                Err(StoreError::Overtaken) if self.store.invitation(&spends)?.is_some() => {}
                Err(StoreError::Overtaken) => return Err(not_good()),
                result => return result.map(|()| principal).map_err(Failure::from),
            }
        }
        Err(overtaken().into())
    }

    /// The members as a command counts them: whoever has no way in is no head that could let others in.
    fn counted(&self, at: &Circle, circle: &StoredCircle, command: &AccessCommand) -> Result<Members, StoreError> {
        let mut members = circle.roles();
        if !matches!(command, AccessCommand::SetRoles { .. } | AccessCommand::RemoveMember { .. }) {
            return Ok(members);
        }
        let head = if *at == Circle::Marketplace { Role::Operator } else { Role::Owner };
        for member in circle.members.iter().filter(|member| member.roles.contains(&head)) {
            if !self.has_a_way_in(&member.principal)? {
                members.entry(member.principal.id).or_default().remove(&head);
            }
        }
        Ok(members)
    }

    /// Whether somebody can prove to be who it is: another issuer sees to that, or there is a password or a secret.
    fn has_a_way_in(&self, principal: &Principal) -> Result<bool, StoreError> {
        let now = self.clock.now();
        Ok(principal.identity.issuer != BUILT_IN
            || match principal.kind {
                Kind::User => self.store.password(principal.id)?.is_some(),
                Kind::ServicePrincipal => self.store.secrets(principal.id)?.iter().any(|secret| secret.ends_at > now),
            })
    }

    async fn change_access(&self, by: By<'_>, request: AccessRequest) -> Result<Granted, Failure> {
        self.still_may(by.principal, &by.circle, by.permission)?;
        self.once(by.once, self.granted(&by, request)).await
    }

    async fn granted(&self, by: &By<'_>, request: AccessRequest) -> Result<Granted, Failure> {
        for _ in 0..MOST_ROUNDS {
            let circle = self.store.circle(&by.circle)?.ok_or(AccessRefusal::MemberMissing)?;
            self.still_may(by.principal, &by.circle, by.permission)?;
            let mut granted = Granted::default();
            let mut credentials = Vec::new();
            let command = self.access_command(by, &request, &mut granted, &mut credentials).await?;
            let decision = decide(&by.circle, &self.counted(&by.circle, &circle, &command)?, &command)?;
            let now = self.clock.now();
            granted.member = member(&circle, &granted, decision.roles.as_ref(), now);
            let change = AccessChange {
                circle: by.circle.clone(),
                decided_on: circle.revision,
                publisher: None,
                principal: granted.principal.clone().filter(|_| granted.is_new),
                roles: decision.roles,
                credentials,
                spends: by.spends,
                entry: Entry { at: now, actor: by.actor.to_owned(), told: None, event: decision.event },
                repeated: self.kept(by.once, &granted)?,
            };
            match self.store.commit_access(change).await {
                Err(StoreError::Overtaken) => {
                    // By another change, or because the setup secret is spent: that is for good.
                    let spent = by.spends.map(|hash| self.store.invitation(&hash)).transpose()?;
                    if spent.is_some_and(|invitation| invitation.is_none()) {
                        return Err(Failure::Forbidden);
                    }
                }
                result => return result.map(|()| granted).map_err(Failure::from),
            }
        }
        Err(overtaken().into())
    }
}

/// Whom a decision is about, as a member from now on.
fn member(
    circle: &StoredCircle,
    granted: &Granted,
    roles: Option<&(Uuid, BTreeSet<Role>)>,
    now: Moment,
) -> Option<Member> {
    let (id, roles) = roles?;
    let roles = roles.clone();
    match circle.members.iter().find(|member| member.principal.id == *id) {
        Some(member) => Some(Member { roles, ..member.clone() }),
        None => granted.principal.clone().map(|principal| Member { principal, roles, since: now }),
    }
}

fn overtaken() -> StoreError {
    StoreError::Unavailable(format!("overtaken {MOST_ROUNDS} times"))
}

/// Something in the request cannot be.
pub(super) fn invalid(target: &'static str, message: impl Into<String>) -> Failure {
    AccessRefusal::Invalid { target, message: message.into() }.into()
}
