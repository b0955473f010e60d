//! The embedded store as the directory: reads on the calling thread, writes in the writer's transactions.

use super::directory::{AccessChange, ClientSecret, Directory, Hash, Invitation, Session, SigningKey, StoredCircle};
use super::sqlite_access::{self, run};
use super::{Publisher, Sqlite, StoreError};
use crate::vault::VaultError;
use async_trait::async_trait;
use publishing::moment::Moment;
use publishing::principal::{Circle, Identity, Principal, Role};
use rusqlite::{OptionalExtension, params};
use std::collections::BTreeSet;
use uuid::Uuid;

/// What the key of links is sealed for.
const LINK_KEY: &str = "link_key.sealed";

type Result<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl Directory for Sqlite {
    fn access_generation(&self) -> u64 {
        self.generation()
    }

    fn circle(&self, circle: &Circle) -> Result<Option<StoredCircle>> {
        self.read(|connection| sqlite_access::circle(connection, circle))
    }

    fn publisher(&self, folded: &str) -> Result<Option<Publisher>> {
        self.read(|connection| sqlite_access::publisher(connection, folded))
    }

    fn publishers(&self) -> Result<Vec<Publisher>> {
        self.read(sqlite_access::publishers)
    }

    fn principal(&self, id: Uuid) -> Result<Option<Principal>> {
        self.read(|connection| sqlite_access::principal_by_id(connection, id))
    }

    fn principal_of(&self, identity: &Identity) -> Result<Option<Principal>> {
        self.read(|connection| sqlite_access::principal_of(connection, identity))
    }

    fn application(&self, application: &str) -> Result<Option<Principal>> {
        self.read(|connection| sqlite_access::application(connection, application))
    }

    fn user(&self, mail: &str) -> Result<Option<Principal>> {
        self.read(|connection| sqlite_access::user(connection, mail))
    }

    fn memberships(&self, principal: Uuid) -> Result<Vec<(Circle, BTreeSet<Role>)>> {
        self.read(|connection| sqlite_access::memberships(connection, principal))
    }

    fn secrets(&self, principal: Uuid) -> Result<Vec<ClientSecret>> {
        self.read(|connection| sqlite_access::secrets(connection, principal))
    }

    fn password(&self, principal: Uuid) -> Result<Option<String>> {
        self.read(|connection| sqlite_access::password(connection, principal))
    }

    fn invitation(&self, hash: &Hash) -> Result<Option<Invitation>> {
        self.read(|connection| sqlite_access::invitation(connection, hash))
    }

    async fn commit_access(&self, change: AccessChange) -> Result<()> {
        let (store, vault) = (self.clone(), self.vault().clone());
        let work = move |connection: &_| sqlite_access::commit(connection, &vault, &change);
        self.write(work, move |()| store.raise_generation()).await
    }

    async fn set_setup(&self, invitation: Option<Invitation>) -> Result<()> {
        self.write(move |connection| sqlite_access::set_setup(connection, invitation.as_ref()), |()| {}).await
    }

    async fn secret_used(&self, secret: Uuid, at: Moment) -> Result<()> {
        let statement = "UPDATE client_secret SET used_at = ?2 WHERE id = ?1";
        let work = move |connection: &_| run(connection, statement, params![secret.to_string(), at.ticks()]).map(drop);
        self.write(work, |()| {}).await
    }

    fn signing_keys(&self) -> Result<Vec<SigningKey>> {
        self.read(sqlite_access::signing_keys)
    }

    async fn add_signing_key(&self, key: SigningKey, newest: Option<String>) -> Result<bool> {
        let work = move |connection: &_| {
            let keys = sqlite_access::signing_keys(connection)?;
            if keys.last().map(|key| &key.id) != newest.as_ref() {
                return Ok(false);
            }
            let statement = "INSERT INTO signing_key (id, made_at, signs_from, sealed) VALUES (?1, ?2, ?3, ?4)";
            run(connection, statement, params![key.id, key.made_at.ticks(), key.signs_from.ticks(), key.sealed])?;
            Ok(true)
        };
        self.write(work, |_| {}).await
    }

    async fn remove_signing_key(&self, id: String) -> Result<()> {
        let work = move |connection: &_| run(connection, "DELETE FROM signing_key WHERE id = ?1", [id]).map(drop);
        self.write(work, |()| {}).await
    }

    async fn link_key(&self, fresh: [u8; 32]) -> Result<[u8; 32]> {
        let vault = self.vault().clone();
        let work = move |connection: &rusqlite::Connection| {
            let there: Option<String> =
                connection.query_row("SELECT sealed FROM link_key", [], |row| row.get(0)).optional()?;
            let failed = |error: VaultError| StoreError::Corrupt(format!("link_key.sealed: {error}"));
            if let Some(sealed) = there {
                let plain = vault.unseal(&sealed, LINK_KEY).map_err(failed)?;
                return plain[..].try_into().map_err(|_| StoreError::Corrupt("link_key.sealed is no key".into()));
            }
            let sealed = vault.seal(&fresh, LINK_KEY).map_err(failed)?;
            run(connection, "INSERT INTO link_key (sealed) VALUES (?1)", [sealed])?;
            Ok(fresh)
        };
        self.write(work, |_| {}).await
    }

    async fn tenant(&self, fresh: Uuid) -> Result<Uuid> {
        let work = move |connection: &rusqlite::Connection| {
            let query = "SELECT tenant FROM installation";
            let there: Option<String> = connection.query_row(query, [], |row| row.get(0)).optional()?;
            if let Some(tenant) = there {
                return Uuid::try_parse(&tenant).map_err(|error| StoreError::Corrupt(error.to_string()));
            }
            run(connection, "INSERT INTO installation (tenant) VALUES (?1)", [fresh.to_string()])?;
            Ok(fresh)
        };
        self.write(work, |_| {}).await
    }

    async fn begin_session(&self, session: Session, stale: Moment) -> Result<()> {
        let work = move |connection: &_| {
            run(connection, "DELETE FROM session WHERE seen_at < ?1", [stale.ticks()])?;
            run(
                connection,
                "INSERT INTO session (hash, id, principal, began_at, seen_at, agent, address)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    session.hash,
                    session.id.to_string(),
                    session.principal.to_string(),
                    session.began_at.ticks(),
                    session.seen_at.ticks(),
                    session.agent,
                    session.address,
                ],
            )
            .map(drop)
        };
        self.write(work, |()| {}).await
    }

    fn session(&self, hash: &Hash) -> Result<Option<Session>> {
        self.read(|connection| sqlite_access::session(connection, hash))
    }

    fn sessions(&self, principal: Uuid) -> Result<Vec<Session>> {
        self.read(|connection| sqlite_access::sessions(connection, principal))
    }

    async fn session_seen(&self, id: Uuid, at: Moment) -> Result<()> {
        let statement = "UPDATE session SET seen_at = ?2 WHERE id = ?1";
        let work = move |connection: &_| run(connection, statement, params![id.to_string(), at.ticks()]).map(drop);
        self.write(work, |()| {}).await
    }

    async fn end_sessions(&self, principal: Uuid, session: Option<Uuid>) -> Result<()> {
        let statement = "DELETE FROM session WHERE principal = ?1 AND (?2 IS NULL OR id = ?2)";
        let params = (principal.to_string(), session.map(|id| id.to_string()));
        self.write(move |connection| run(connection, statement, params).map(drop), |()| {}).await
    }

    async fn put_code(&self, hash: Hash, record: String, ends_at: Moment, now: Moment) -> Result<()> {
        let work = move |connection: &_| {
            run(connection, "DELETE FROM code WHERE ends_at < ?1", [now.ticks()])?;
            let statement = "INSERT INTO code (hash, record, ends_at) VALUES (?1, ?2, ?3)";
            run(connection, statement, params![hash, record, ends_at.ticks()]).map(drop)
        };
        self.write(work, |()| {}).await
    }

    async fn take_code(&self, hash: Hash, now: Moment) -> Result<Option<String>> {
        let work = move |connection: &rusqlite::Connection| {
            let statement = "DELETE FROM code WHERE hash = ?1 RETURNING record, ends_at";
            let taken: Option<(String, i64)> = connection
                .prepare_cached(statement)?
                .query_row([hash], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            Ok(taken.filter(|(_, ends_at)| *ends_at > now.ticks()).map(|(record, _)| record))
        };
        self.write(work, |_| {}).await
    }
}
