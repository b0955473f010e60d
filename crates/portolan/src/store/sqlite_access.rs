//! What is asked of SQLite, and written to it, about who may what.

use super::directory::{
    AccessChange, ClientSecret, Credential, Hash, Invitation, Member, Session, SigningKey, StoredCircle,
};
use super::sqlite_mails::forget_member;
use super::sqlite_read::{all, first, parse, publisher_id, word, word_of};
use super::sqlite_write::{self, json};
use super::{Publisher, StoreError, sqlite_repeated};
use crate::vault::Vault;
use publishing::moment::Moment;
use publishing::principal::{Circle, Identity, Principal, Role};
use rusqlite::{Connection, Params, Row, params};
use std::collections::BTreeSet;
use uuid::Uuid;

type Result<T> = std::result::Result<T, StoreError>;

const PRINCIPAL: &str = "p.id, p.kind, p.name, p.mail, p.issuer, p.tenant, p.subject, p.application, p.home";
const SECRET: &str = "id, principal, hash, made_at, ends_at, used_at";
const SESSION: &str = "hash, id, principal, began_at, seen_at, agent, address";

pub(super) fn circle(connection: &Connection, circle: &Circle) -> Result<Option<StoredCircle>> {
    let name = circle.name();
    let revision = first(connection, "SELECT access FROM chain WHERE circle = ?1", [&name], |row| row.get(0))?;
    let Some(revision) = revision else { return Ok(None) };
    let members = all(
        connection,
        &format!(
            "SELECT {PRINCIPAL}, m.roles, m.since FROM member m JOIN principal p ON p.id = m.principal
              WHERE m.circle = ?1 ORDER BY p.name, p.id"
        ),
        [&name],
        |row| Ok((principal(row), row.get::<_, String>(9)?, row.get(10)?)),
    )?;
    let member = |(principal, roles, since): (Result<Principal>, String, i64)| {
        Ok(Member { principal: principal?, roles: parse(&roles)?, since: Moment::from_ticks(since) })
    };
    Ok(Some(StoredCircle { members: members.into_iter().map(member).collect::<Result<_>>()?, revision }))
}

const PUBLISHER: &str = "SELECT id, display_text, seller_id, version FROM publisher";

/// A row of a publisher, before its id is read.
type PublisherRow = (String, String, String, i64);

fn publisher_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<PublisherRow> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

fn as_publisher((id, display_text, seller_id, version): PublisherRow) -> Result<Publisher> {
    Ok(Publisher { id: publisher_id(&id)?, display_text, seller_id, version })
}

pub(super) fn publisher(connection: &Connection, folded: &str) -> Result<Option<Publisher>> {
    let found = first(connection, &format!("{PUBLISHER} WHERE folded = ?1"), [folded], publisher_row)?;
    found.map(as_publisher).transpose()
}

pub(super) fn publishers(connection: &Connection) -> Result<Vec<Publisher>> {
    let found = all(connection, &format!("{PUBLISHER} ORDER BY folded"), [], publisher_row)?;
    found.into_iter().map(as_publisher).collect()
}

pub(super) fn principal_by_id(connection: &Connection, id: Uuid) -> Result<Option<Principal>> {
    one_principal(connection, "p.id = ?1", [id.to_string()])
}

pub(super) fn principal_of(connection: &Connection, identity: &Identity) -> Result<Option<Principal>> {
    let which = "p.issuer = ?1 AND p.tenant = ?2 AND p.subject = ?3";
    one_principal(connection, which, [&identity.issuer, &identity.tenant, &identity.subject])
}

pub(super) fn application(connection: &Connection, application: &str) -> Result<Option<Principal>> {
    one_principal(connection, "p.application = ?1 AND p.issuer = 'built-in'", [application])
}

pub(super) fn user(connection: &Connection, mail: &str) -> Result<Option<Principal>> {
    one_principal(connection, "p.mail = ?1 AND p.issuer = 'built-in'", [mail])
}

fn one_principal(connection: &Connection, which: &str, params: impl Params) -> Result<Option<Principal>> {
    let statement = format!("SELECT {PRINCIPAL} FROM principal p WHERE {which}");
    first(connection, &statement, params, |row| Ok(principal(row)))?.transpose()
}

fn principal(row: &Row<'_>) -> Result<Principal> {
    let home: String = row.get(8)?;
    Ok(Principal {
        id: uuid(&row.get::<_, String>(0)?)?,
        kind: word_of(&row.get::<_, String>(1)?)?,
        name: row.get(2)?,
        mail: row.get(3)?,
        identity: Identity { issuer: row.get(4)?, tenant: row.get(5)?, subject: row.get(6)? },
        application: row.get(7)?,
        home: Circle::try_from(home).map_err(|name| StoreError::Corrupt(format!("circle {name:?}")))?,
    })
}

pub(super) fn memberships(connection: &Connection, principal: Uuid) -> Result<Vec<(Circle, BTreeSet<Role>)>> {
    let found: Vec<(String, String)> = all(
        connection,
        "SELECT COALESCE(p.id, m.circle), m.roles FROM member m LEFT JOIN publisher p ON p.folded = m.circle
          WHERE m.principal = ?1",
        [principal.to_string()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let membership = |(circle, roles): (String, String)| {
        let circle = Circle::try_from(circle).map_err(|name| StoreError::Corrupt(format!("circle {name:?}")))?;
        Ok((circle, parse(&roles)?))
    };
    found.into_iter().map(membership).collect()
}

pub(super) fn secrets(connection: &Connection, principal: Uuid) -> Result<Vec<ClientSecret>> {
    let statement = format!("SELECT {SECRET} FROM client_secret WHERE principal = ?1 ORDER BY made_at DESC, id");
    all(connection, &statement, [principal.to_string()], |row| {
        Ok((row.get::<_, String>(0)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get::<_, Option<i64>>(5)?))
    })?
    .into_iter()
    .map(|(id, hash, made_at, ends_at, used_at)| {
        Ok(ClientSecret {
            id: uuid(&id)?,
            principal,
            hash,
            made_at: Moment::from_ticks(made_at),
            ends_at: Moment::from_ticks(ends_at),
            used_at: used_at.map(Moment::from_ticks),
        })
    })
    .collect()
}

pub(super) fn password(connection: &Connection, principal: Uuid) -> Result<Option<String>> {
    let statement = "SELECT hash FROM password WHERE principal = ?1";
    first(connection, statement, [principal.to_string()], |row| row.get(0))
}

pub(super) fn invitation(connection: &Connection, hash: &Hash) -> Result<Option<Invitation>> {
    let statement = "SELECT principal, ends_at FROM invitation WHERE hash = ?1";
    let found: Option<(Option<String>, i64)> =
        first(connection, statement, [hash], |row| Ok((row.get(0)?, row.get(1)?)))?;
    found
        .map(|(principal, ends_at)| {
            let principal = principal.map(|id| uuid(&id)).transpose()?;
            Ok(Invitation { hash: *hash, principal, ends_at: Moment::from_ticks(ends_at) })
        })
        .transpose()
}

pub(super) fn signing_keys(connection: &Connection) -> Result<Vec<SigningKey>> {
    all(connection, "SELECT id, made_at, signs_from, sealed FROM signing_key ORDER BY signs_from, id", [], |row| {
        Ok(SigningKey {
            id: row.get(0)?,
            made_at: Moment::from_ticks(row.get(1)?),
            signs_from: Moment::from_ticks(row.get(2)?),
            sealed: row.get(3)?,
        })
    })
}

pub(super) fn session(connection: &Connection, hash: &Hash) -> Result<Option<Session>> {
    let statement = format!("SELECT {SESSION} FROM session WHERE hash = ?1");
    first(connection, &statement, [hash], |row| Ok(read_session(row)))?.transpose()
}

pub(super) fn sessions(connection: &Connection, principal: Uuid) -> Result<Vec<Session>> {
    let statement = format!("SELECT {SESSION} FROM session WHERE principal = ?1 ORDER BY began_at DESC, id");
    all(connection, &statement, [principal.to_string()], |row| Ok(read_session(row)))?.into_iter().collect()
}

fn read_session(row: &Row<'_>) -> Result<Session> {
    Ok(Session {
        hash: row.get(0)?,
        id: uuid(&row.get::<_, String>(1)?)?,
        principal: uuid(&row.get::<_, String>(2)?)?,
        began_at: Moment::from_ticks(row.get(3)?),
        seen_at: Moment::from_ticks(row.get(4)?),
        agent: row.get(5)?,
        address: row.get(6)?,
    })
}

/// Everything that a change of access writes. Fails as [`super::Directory::commit_access`] says.
pub(super) fn commit(connection: &Connection, vault: &Vault, change: &AccessChange) -> Result<()> {
    let circle = change.circle.name();
    sqlite_repeated::keep(connection, vault, change.repeated.as_ref())?;
    if let Some(publisher) = &change.publisher
        && !sqlite_write::add_publisher(connection, publisher)?
    {
        return Err(StoreError::Overtaken);
    }
    let guarded = run(
        connection,
        "UPDATE chain SET access = access + 1 WHERE circle = ?1 AND access = ?2",
        params![circle, change.decided_on],
    )?;
    if guarded != 1 {
        return Err(StoreError::Overtaken);
    }
    if let Some(hash) = &change.spends
        && run(connection, "DELETE FROM invitation WHERE hash = ?1", [hash])? != 1
    {
        return Err(StoreError::Overtaken);
    }
    if let Some(principal) = &change.principal {
        add_principal(connection, principal)?;
    }
    if let Some((member, roles)) = &change.roles {
        set_roles(connection, &circle, *member, roles, change.entry.at)?;
    }
    for credential in &change.credentials {
        write_credential(connection, credential, change.entry.at)?;
    }
    sqlite_write::journal(connection, &circle, "", &change.entry, b"").map(drop)
}

fn add_principal(connection: &Connection, principal: &Principal) -> Result<()> {
    let Identity { issuer, tenant, subject } = &principal.identity;
    let added = run(
        connection,
        "INSERT INTO principal (id, kind, name, mail, issuer, tenant, subject, application, home)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        params![
            principal.id.to_string(),
            word(&principal.kind)?,
            principal.name,
            principal.mail,
            issuer,
            tenant,
            subject,
            principal.application,
            principal.home.name(),
        ],
    )?;
    if added == 1 { Ok(()) } else { Err(StoreError::Overtaken) }
}

fn set_roles(connection: &Connection, circle: &str, member: Uuid, roles: &BTreeSet<Role>, at: Moment) -> Result<()> {
    let member = member.to_string();
    if !roles.is_empty() {
        run(
            connection,
            "INSERT INTO member (circle, principal, roles, since) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET roles = excluded.roles",
            params![circle, member, json(roles)?, at.ticks()],
        )?;
        return Ok(());
    }
    run(connection, "DELETE FROM member WHERE circle = ?1 AND principal = ?2", [circle, &member])?;
    forget_member(connection, circle, &member)?;
    // Nobody who should could take these away any more.
    for table in ["client_secret", "invitation"] {
        let statement = format!(
            "DELETE FROM {table} WHERE principal = ?1
                AND (EXISTS (SELECT 1 FROM principal WHERE id = ?1 AND home = ?2)
                     OR NOT EXISTS (SELECT 1 FROM member WHERE principal = ?1))"
        );
        run(connection, &statement, [&member, circle])?;
    }
    Ok(())
}

fn write_credential(connection: &Connection, credential: &Credential, at: Moment) -> Result<()> {
    match credential {
        Credential::AddSecret(secret) => {
            run(
                connection,
                "INSERT INTO client_secret (id, principal, hash, made_at, ends_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    secret.id.to_string(),
                    secret.principal.to_string(),
                    secret.hash,
                    secret.made_at.ticks(),
                    secret.ends_at.ticks(),
                ],
            )?;
        }
        Credential::RemoveSecret { principal, secret } => {
            let statement = "DELETE FROM client_secret WHERE id = ?1 AND principal = ?2";
            if run(connection, statement, [secret.to_string(), principal.to_string()])? != 1 {
                return Err(StoreError::Overtaken);
            }
        }
        Credential::Invite(invitation) => put_invitation(connection, invitation)?,
        Credential::Password { principal, hash } => {
            let principal = principal.to_string();
            run(
                connection,
                "INSERT INTO password (principal, hash, set_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET hash = excluded.hash, set_at = excluded.set_at",
                params![principal, hash, at.ticks()],
            )?;
            // Whoever still holds an invitation could set another one.
            for table in ["session", "invitation"] {
                run(connection, &format!("DELETE FROM {table} WHERE principal = ?1"), [&principal])?;
            }
        }
    }
    Ok(())
}

/// The setup secret there is from now on; none, where nobody wants one.
pub(super) fn set_setup(connection: &Connection, invitation: Option<&Invitation>) -> Result<()> {
    run(connection, "DELETE FROM invitation WHERE principal IS NULL", [])?;
    invitation.map_or(Ok(()), |invitation| put_invitation(connection, invitation))
}

pub(super) fn put_invitation(connection: &Connection, invitation: &Invitation) -> Result<()> {
    let principal = invitation.principal.map(|id| id.to_string());
    run(connection, "DELETE FROM invitation WHERE principal IS ?1", [&principal])?;
    run(
        connection,
        "INSERT INTO invitation (hash, principal, ends_at) VALUES (?1, ?2, ?3)",
        params![invitation.hash, principal, invitation.ends_at.ticks()],
    )?;
    Ok(())
}

pub(super) fn run(connection: &Connection, statement: &str, params: impl Params) -> Result<usize> {
    Ok(connection.prepare_cached(statement)?.execute(params)?)
}

fn uuid(text: &str) -> Result<Uuid> {
    Uuid::try_parse(text).map_err(|error| StoreError::Corrupt(error.to_string()))
}
