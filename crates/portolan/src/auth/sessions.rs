//! Who is signed in with a browser: sessions are rows of the store, and the cookie holds nothing but a random name of one.

use super::passwords::secret_hash;
use crate::clock::{Clock, random_secret};
use crate::store::{Hash, Session, Store, StoreError};
use publishing::moment::Moment;
use publishing::principal::Principal;
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, PoisonError};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// How long a session lasts at most, in hours.
pub const SESSION_HOURS: i64 = 12;

/// How long a session may be unused, in seconds.
const IDLE_SECONDS: i64 = 30 * 60;

/// How often it is written down that a session was used, in seconds.
const SEEN_EVERY_SECONDS: i64 = 60;

/// How much of a browser's name is kept, in characters.
const LONGEST_AGENT: usize = 200;

/// The sessions of browsers.
#[derive(Clone, Debug)]
pub struct Sessions {
    store: Arc<dyn Store>,
    clock: Clock,
    /// Who signs in with which secret of a link.
    links: Arc<Mutex<Vec<(Hash, Uuid)>>>,
}

impl Sessions {
    /// The sessions that this store keeps.
    pub fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        Self { store, clock, links: Arc::default() }
    }

    /// Begins a session; gives what its cookie holds. It is always a new one: nobody can have known it before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin(&self, principal: &Principal, agent: &str, address: String) -> Result<String, StoreError> {
        let cookie = random_secret().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let now = self.clock.now();
        let agent = agent.chars().filter(|c| !c.is_control()).take(LONGEST_AGENT).collect();
        let session = Session {
            hash: secret_hash(&cookie),
            id: self.clock.fresh_id(),
            principal: principal.id,
            began_at: now,
            seen_at: now,
            agent,
            address,
        };
        self.store.begin_session(session, now.plus_seconds(-SESSION_HOURS * 3600)).await?;
        Ok(cookie)
    }

    /// Makes the secret of a link that signs somebody in, as often as it is opened, until the service stops. For demos, whose
    /// token is printed beside it, and which keep nothing.
    ///
    /// # Errors
    /// Where there is no randomness.
    pub fn link(&self, principal: Uuid) -> Result<String, StoreError> {
        let secret = random_secret().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        links.push((secret_hash(&secret), principal));
        Ok(secret)
    }

    /// Links of other sessions are good for these too: an emulator's, whose people are the same again after a reset.
    pub fn take_links_of(&self, others: &Self) {
        let links = others.links.lock().unwrap_or_else(PoisonError::into_inner).clone();
        *self.links.lock().unwrap_or_else(PoisonError::into_inner) = links;
    }

    /// Who signs in with this secret of a link, if anybody does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn of_link(&self, secret: &str) -> Result<Option<Principal>, StoreError> {
        let hash = secret_hash(secret);
        let links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let found = links.iter().find(|(known, _)| *known == hash).map(|(_, principal)| *principal);
        drop(links);
        found.map_or(Ok(None), |principal| self.store.principal(principal))
    }

    /// The session of a cookie with who it is, if it goes on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, cookie: &str) -> Result<Option<(Session, Principal)>, StoreError> {
        let now = self.clock.now();
        let Some(session) = self.store.session(&secret_hash(cookie))?.filter(|session| goes_on(session, now)) else {
            return Ok(None);
        };
        if session.seen_at.plus_seconds(SEEN_EVERY_SECONDS) <= now {
            self.store.session_seen(session.id, now).await?;
        }
        Ok(self.store.principal(session.principal)?.map(|principal| (session, principal)))
    }

    /// The sessions of somebody that go on, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn list(&self, principal: Uuid) -> Result<Vec<Session>, StoreError> {
        let now = self.clock.now();
        Ok(self.store.sessions(principal)?.into_iter().filter(|session| goes_on(session, now)).collect())
    }

    /// Ends one of somebody's sessions, or all of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end(&self, principal: Uuid, session: Option<Uuid>) -> Result<(), StoreError> {
        self.store.end_sessions(principal, session).await
    }
}

fn goes_on(session: &Session, now: Moment) -> bool {
    now < session.began_at.plus_seconds(SESSION_HOURS * 3600) && now < session.seen_at.plus_seconds(IDLE_SECONDS)
}

/// What a form of this session must bring along, so that no other site's form can be taken for it.
pub fn form_token(cookie: &str) -> String {
    Sha256::digest(format!("form of {cookie}")).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a form brought the token of this session.
pub fn is_form_token(cookie: &str, brought: &str) -> bool {
    bool::from(form_token(cookie).as_bytes().ct_eq(brought.as_bytes()))
}
