//! What can be asked about who may what, and what it makes.

use super::access::{By, invalid};
use super::{Failure, Perform};
use crate::auth::{LONGEST_NAME, is_unseen, secret_hash};
use crate::clock::random_secret;
use crate::store::{ClientSecret, Credential, Invitation, Member, StoreError};
use publishing::access::{AccessCommand, AccessRefusal, LONGEST_SECRET_DAYS};
use publishing::addresses::is_address;
use publishing::entry::FirstCredential;
use publishing::moment::Moment;
use publishing::principal::{BUILT_IN, Circle, Identity, Kind, Principal, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// How long an invitation is good, in days.
const INVITATION_DAYS: i64 = 7;

/// How long a secret lasts where nobody says, in days.
const USUAL_SECRET_DAYS: i64 = 180;

const DAY_SECONDS: i64 = 24 * 3600;

/// Somebody to be made a member: known already, or new.
#[derive(Clone, Debug)]
pub enum Newcomer {
    /// A principal that is known here.
    Known(Uuid),
    /// A principal by what tokens say of it, or of the built-in issuer.
    Described {
        /// What it is.
        kind: Kind,
        /// Its name for people.
        name: String,
        /// A user's mail address.
        mail: Option<String>,
        /// Who it is in another issuer's tokens; none makes it one of the built-in issuer's.
        identity: Option<Identity>,
        /// A service principal's application id at another issuer.
        application: Option<String>,
    },
}

/// What to change.
#[derive(Clone, Debug)]
pub enum AccessRequest {
    /// Make somebody a member. One that is new to the built-in issuer gets a first secret or an invitation.
    AddMember {
        /// Who.
        newcomer: Newcomer,
        /// As what.
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
    RemoveMember(Uuid),
    /// Give a service principal a secret.
    AddSecret {
        /// Whose.
        member: Uuid,
        /// For how many days; 180 where nothing is said.
        days: Option<i64>,
    },
    /// Take a secret away.
    RemoveSecret {
        /// Whose.
        member: Uuid,
        /// Which.
        secret: Uuid,
    },
    /// Let a user choose a password.
    Invite(Uuid),
}

/// What was made, to be shown this once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Granted {
    /// The principal that became a member.
    pub principal: Option<Principal>,
    /// Whether it was not known before.
    pub is_new: bool,
    /// The member that it is about, as it is from now on.
    pub member: Option<Member>,
    /// A client secret: what is known of it, and the secret itself.
    pub secret: Option<(ClientSecret, OneTime)>,
    /// An invitation: when it ends, and the secret itself.
    pub invitation: Option<(Moment, OneTime)>,
}

/// A secret on its way to whom it is for; it shows itself only when asked to. What is written of it is to be sealed.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OneTime(String);

impl OneTime {
    /// Makes one that says what it is by its first letters.
    ///
    /// # Errors
    /// Where the operating system gives no randomness.
    pub fn make(prefix: &str) -> Result<Self, StoreError> {
        let random = random_secret().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self(format!("{prefix}{random}")))
    }

    /// The secret, to be shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for OneTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OneTime(…)")
    }
}

impl Perform {
    /// The command that a request comes to, with the credentials that it makes.
    pub(super) async fn access_command(
        &self,
        by: &By<'_>,
        request: &AccessRequest,
        granted: &mut Granted,
        credentials: &mut Vec<Credential>,
    ) -> Result<AccessCommand, Failure> {
        match request {
            AccessRequest::AddMember { newcomer, roles } => {
                let (principal, is_new) = self.principal(&by.circle, newcomer).await?;
                if is_new && principal.identity.issuer == BUILT_IN {
                    match principal.kind {
                        Kind::ServicePrincipal => drop(self.grant_secret(&principal, None, granted, credentials)?),
                        Kind::User => self.grant_invitation(&principal, granted, credentials)?,
                    }
                }
                let first = match (&granted.secret, &granted.invitation) {
                    (Some((secret, _)), _) => FirstCredential::Secret(secret.id),
                    (None, Some(_)) => FirstCredential::Invitation,
                    (None, None) => FirstCredential::Nothing,
                };
                granted.principal = Some(principal.clone());
                granted.is_new = is_new;
                Ok(AccessCommand::AddMember { principal, roles: roles.clone(), first })
            }
            AccessRequest::SetRoles { member, roles } => {
                Ok(AccessCommand::SetRoles { member: *member, roles: roles.clone() })
            }
            AccessRequest::RemoveMember(member) => Ok(AccessCommand::RemoveMember { member: *member }),
            AccessRequest::AddSecret { member, days } => {
                let principal = self.known(*member)?;
                let now = self.clock.now();
                let there = self.store.secrets(principal.id)?.iter().filter(|secret| secret.ends_at > now).count();
                let (secret, ends_at) = self.grant_secret(&principal, *days, granted, credentials)?;
                Ok(AccessCommand::AddSecret { principal, secret, ends_at, there, by_operator: by.operator })
            }
            AccessRequest::RemoveSecret { member, secret } => {
                let principal = self.known(*member)?;
                let is_there = self.store.secrets(principal.id)?.iter().any(|there| there.id == *secret);
                credentials.push(Credential::RemoveSecret { principal: principal.id, secret: *secret });
                Ok(AccessCommand::RemoveSecret { principal, secret: *secret, is_there, by_operator: by.operator })
            }
            AccessRequest::Invite(member) => {
                let principal = self.known(*member)?;
                let has_password = self.store.password(principal.id)?.is_some();
                self.grant_invitation(&principal, granted, credentials)?;
                Ok(AccessCommand::Invite { principal, has_password, by_operator: by.operator })
            }
        }
    }

    /// The principal of a newcomer, and whether it is new.
    pub(super) async fn principal(&self, home: &Circle, newcomer: &Newcomer) -> Result<(Principal, bool), Failure> {
        let (kind, name, mail, identity, application) = match newcomer {
            Newcomer::Described { kind, name, mail, identity, application } => {
                (kind, name, mail, identity, application)
            }
            Newcomer::Known(id) => {
                let missing = || {
                    invalid(
                        "/id",
                        "Nobody here has this id. Describe the member instead: kind, name, and what else it needs.",
                    )
                };
                return Ok((self.store.principal(*id)?.ok_or_else(missing)?, false));
            }
        };
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(is_unseen) {
            return Err(invalid(
                "/name",
                format!("The name must have 1 to {LONGEST_NAME} characters, all of them to be seen."),
            ));
        }
        let mail = mail.as_ref().map(|mail| mail.trim().to_ascii_lowercase());
        if mail.as_ref().is_some_and(|mail| !is_address(mail)) {
            return Err(invalid("/mail", "This is no mail address. Write it like jane@contoso.example."));
        }
        let known = match (identity, kind, &mail) {
            (Some(identity), _, _) => self.store.principal_of(identity)?,
            (None, Kind::User, Some(mail)) => self.store.user(mail)?,
            (None, Kind::User, None) => {
                return Err(invalid("/mail", "A user of the built-in issuer signs in with a mail address. Give one."));
            }
            (None, Kind::ServicePrincipal, _) => None,
        };
        match known {
            Some(known) if known.kind != *kind => {
                let message =
                    format!("{} is known as the other kind of principal. Leave kind as it is known.", known.name);
                Err(invalid("/kind", message))
            }
            // Whoever made an account may hold its password still: a mail address alone proves nobody's.
            Some(known) if identity.is_none() && known.home != *home && known.home != Circle::Marketplace => {
                Err(AccessRefusal::Conflict(
                    "Somebody with this mail address is known already, and was let in elsewhere. Ask them for their id, which their account page shows, and add them by that.".into(),
                )
                .into())
            }
            Some(known) => Ok((known, false)),
            None => {
                let id = self.clock.fresh_id();
                let (identity, application) = match identity {
                    Some(identity) => (identity.clone(), application.clone()),
                    None => {
                        let tenant = self.store.tenant(self.clock.fresh_id()).await?.to_string();
                        let application = (*kind == Kind::ServicePrincipal).then(|| self.clock.fresh_id().to_string());
                        (Identity { issuer: BUILT_IN.into(), tenant, subject: id.to_string() }, application)
                    }
                };
                let principal = Principal {
                    id,
                    kind: *kind,
                    name: name.to_owned(),
                    mail,
                    identity,
                    application,
                    home: home.clone(),
                };
                Ok((principal, true))
            }
        }
    }

    fn known(&self, member: Uuid) -> Result<Principal, Failure> {
        Ok(self.store.principal(member)?.ok_or(AccessRefusal::MemberMissing)?)
    }

    fn grant_secret(
        &self,
        principal: &Principal,
        days: Option<i64>,
        granted: &mut Granted,
        credentials: &mut Vec<Credential>,
    ) -> Result<(Uuid, Moment), Failure> {
        let days = days.unwrap_or(USUAL_SECRET_DAYS);
        if !(1..=LONGEST_SECRET_DAYS).contains(&days) {
            return Err(invalid(
                "/days",
                format!("A secret lasts from 1 to {LONGEST_SECRET_DAYS} days. Give a number of days between."),
            ));
        }
        let plain = OneTime::make("pcs_")?;
        let now = self.clock.now();
        let secret = ClientSecret {
            id: self.clock.fresh_id(),
            principal: principal.id,
            hash: secret_hash(plain.reveal()),
            made_at: now,
            ends_at: now.plus_seconds(days * DAY_SECONDS),
            used_at: None,
        };
        let made = (secret.id, secret.ends_at);
        credentials.push(Credential::AddSecret(secret.clone()));
        granted.secret = Some((secret, plain));
        Ok(made)
    }

    fn grant_invitation(
        &self,
        principal: &Principal,
        granted: &mut Granted,
        credentials: &mut Vec<Credential>,
    ) -> Result<(), Failure> {
        let plain = OneTime::make("pin_")?;
        let ends_at = self.clock.now().plus_seconds(INVITATION_DAYS * DAY_SECONDS);
        let invitation = Invitation { hash: secret_hash(plain.reveal()), principal: Some(principal.id), ends_at };
        credentials.push(Credential::Invite(invitation));
        granted.invitation = Some((ends_at, plain));
        Ok(())
    }
}
