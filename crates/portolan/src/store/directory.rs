//! The directory: who is known, who is a member of what, and with what they prove who they are.

use super::{Publisher, Repeated, StoreError};
use async_trait::async_trait;
use publishing::access::Members;
use publishing::entry::Entry;
use publishing::moment::Moment;
use publishing::principal::{Circle, Identity, Principal, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The SHA-256 of a secret.
pub type Hash = [u8; 32];

/// A member of a circle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub principal: Principal,
    /// As what.
    pub roles: BTreeSet<Role>,
    /// Since when.
    pub since: Moment,
}

/// A circle as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCircle {
    /// Its members, in the order of their names.
    pub members: Vec<Member>,
    /// Rises when its members or their credentials change.
    pub revision: i64,
}

impl StoredCircle {
    /// The members' roles by their ids.
    pub fn roles(&self) -> Members {
        self.members.iter().map(|member| (member.principal.id, member.roles.clone())).collect()
    }
}

/// A client secret; the secret itself is nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSecret {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub principal: Uuid,
    /// Its SHA-256.
    pub hash: Hash,
    /// When it was made.
    pub made_at: Moment,
    /// When it ends.
    pub ends_at: Moment,
    /// When it was last used, to the hour.
    pub used_at: Option<Moment>,
}

/// A one-time secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its SHA-256.
    pub hash: Hash,
    /// Who may choose a password with it; `None` lets in the first operator.
    pub principal: Option<Uuid>,
    /// When it ends.
    pub ends_at: Moment,
}

/// What a change of access does to credentials.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Adds a secret.
    AddSecret(ClientSecret),
    /// Removes one.
    RemoveSecret {
        /// Whose.
        principal: Uuid,
        /// Which.
        secret: Uuid,
    },
    /// Adds an invitation in place of an earlier one for the same user.
    Invite(Invitation),
    /// Sets a password; all sessions of its user end.
    Password {
        /// Whose.
        principal: Uuid,
        /// In PHC form.
        hash: String,
    },
}

/// Everything that one change of access writes, for one transaction.
#[derive(Clone, Debug)]
pub struct AccessChange {
    /// Whose members or credentials.
    pub circle: Circle,
    /// The circle's revision that it was decided on.
    pub decided_on: i64,
    /// A publisher to be made; its circle must not be there yet, and is decided on 0.
    pub publisher: Option<Publisher>,
    /// A principal that is new.
    pub principal: Option<Principal>,
    /// A member with its roles from now on; none means that it is no member any more.
    pub roles: Option<(Uuid, BTreeSet<Role>)>,
    /// Credentials.
    pub credentials: Vec<Credential>,
    /// An invitation that is spent by it, and must be there.
    pub spends: Option<Hash>,
    /// The journal's line.
    pub entry: Entry,
    /// The answer to keep, if the request carries a key.
    pub repeated: Option<Repeated>,
}

/// Someone who is signed in with a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The SHA-256 of its cookie.
    pub hash: Hash,
    /// Its id, for lists.
    pub id: Uuid,
    /// Who.
    pub principal: Uuid,
    /// When it began.
    pub began_at: Moment,
    /// When it was last used, to the minute.
    pub seen_at: Moment,
    /// The browser, as it names itself.
    pub agent: String,
    /// The address it began from.
    pub address: String,
}

/// A key with which the built-in issuer signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// Its `kid`.
    pub id: String,
    /// When it was made, and published.
    pub made_at: Moment,
    /// From when on it signs.
    pub signs_from: Moment,
    /// The private key, sealed.
    pub sealed: String,
}

/// What is kept of who may what. Reads are short, and happen on the calling thread.
///
/// All methods fail with [`StoreError::Unavailable`] or [`StoreError::Corrupt`]; other errors are named.
#[async_trait]
pub trait Directory: Send + Sync + std::fmt::Debug + 'static {
    /// A number that rises whenever anything that a caller's roles depend on has changed.
    fn access_generation(&self) -> u64;

    /// A circle with its members; `None` where there is no such publisher.
    fn circle(&self, circle: &Circle) -> Result<Option<StoredCircle>, StoreError>;

    /// A publisher by its folded id.
    fn publisher(&self, folded: &str) -> Result<Option<Publisher>, StoreError>;

    /// Every publisher, in the order of their folded ids.
    fn publishers(&self) -> Result<Vec<Publisher>, StoreError>;

    /// A principal by its id.
    fn principal(&self, id: Uuid) -> Result<Option<Principal>, StoreError>;

    /// A principal by what tokens say of it.
    fn principal_of(&self, identity: &Identity) -> Result<Option<Principal>, StoreError>;

    /// A service principal of the built-in issuer by its application id.
    fn application(&self, application: &str) -> Result<Option<Principal>, StoreError>;

    /// A user of the built-in issuer by the folded mail address.
    fn user(&self, mail: &str) -> Result<Option<Principal>, StoreError>;

    /// What a principal is a member of, as what.
    fn memberships(&self, principal: Uuid) -> Result<Vec<(Circle, BTreeSet<Role>)>, StoreError>;

    /// A service principal's secrets, the newest first, ended ones too.
    fn secrets(&self, principal: Uuid) -> Result<Vec<ClientSecret>, StoreError>;

    /// A user's password in PHC form.
    fn password(&self, principal: Uuid) -> Result<Option<String>, StoreError>;

    /// An invitation by its hash.
    fn invitation(&self, hash: &Hash) -> Result<Option<Invitation>, StoreError>;

    /// Stores a change of access in one durable transaction.
    ///
    /// # Errors
    /// [`StoreError::Overtaken`] where the circle is not at the revision decided on, a name or identity is taken by now, or
    /// the invitation is not there; [`StoreError::AnsweredBefore`]. Then nothing is stored.
    async fn commit_access(&self, change: AccessChange) -> Result<(), StoreError>;

    /// Sets the invitation that lets in the first operator; an earlier one is void, also where there is none from now on.
    async fn set_setup(&self, invitation: Option<Invitation>) -> Result<(), StoreError>;

    /// Records that a secret was used.
    async fn secret_used(&self, secret: Uuid, at: Moment) -> Result<(), StoreError>;

    /// The keys with which the built-in issuer signs, the oldest first.
    fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError>;

    /// Adds a key where the newest is still this one, or there is none; whether it was added.
    async fn add_signing_key(&self, key: SigningKey, newest: Option<String>) -> Result<bool, StoreError>;

    /// Removes a key.
    async fn remove_signing_key(&self, id: String) -> Result<(), StoreError>;

    /// The key that signs this installation's links; `fresh` from now on where there is none yet.
    async fn link_key(&self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError>;

    /// The built-in issuer's tenant; `fresh` from now on where there is none yet.
    async fn tenant(&self, fresh: Uuid) -> Result<Uuid, StoreError>;

    /// Begins a session; forgets those last seen before `stale`.
    async fn begin_session(&self, session: Session, stale: Moment) -> Result<(), StoreError>;

    /// A session by the hash of its cookie.
    fn session(&self, hash: &Hash) -> Result<Option<Session>, StoreError>;

    /// The sessions of a principal, the newest first.
    fn sessions(&self, principal: Uuid) -> Result<Vec<Session>, StoreError>;

    /// Records that a session was used.
    async fn session_seen(&self, id: Uuid, at: Moment) -> Result<(), StoreError>;

    /// Ends a session of a principal; all of them where none is named.
    async fn end_sessions(&self, principal: Uuid, session: Option<Uuid>) -> Result<(), StoreError>;

    /// Keeps what a code stands for; forgets those that ended before `now`.
    async fn put_code(&self, hash: Hash, record: String, ends_at: Moment, now: Moment) -> Result<(), StoreError>;

    /// What a code stands for, if it has not ended; it is gone with this.
    async fn take_code(&self, hash: Hash, now: Moment) -> Result<Option<String>, StoreError>;
}
