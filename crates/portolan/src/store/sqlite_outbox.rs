//! The embedded store as the outbox: rows whose body is sealed and bound to them.

use super::outbox::{Attempt, Held, Letter, LetterEnd, LetterKind, LetterState, OnceOnly, Outbox, Posted, Sent, Tells};
use super::sqlite_access::run;
use super::sqlite_lanes::{claim, end_letter, give_up_all, is_due, next};
use super::sqlite_told::mail_lane;
use super::{Sqlite, StoreError};
use crate::vault::{Vault, VaultError};
use async_trait::async_trait;
use publishing::moment::Moment;
use publishing::offer::OfferKey;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;
use zeroize::Zeroizing;

type Result<T> = std::result::Result<T, StoreError>;

/// How many leads may wait in a lane: more would only grow old.
const MOST_WAITING: i64 = 10_000;

#[async_trait]
impl Outbox for Sqlite {
    fn posted_before(&self, key: &OfferKey, kind: LetterKind, once: &OnceOnly) -> Result<Option<Posted>> {
        self.read(|connection| posted_before(connection, &lane(kind, key), once))
    }

    async fn post(&self, letter: Letter) -> Result<Posted> {
        let vault = self.vault().clone();
        self.write(move |connection| post(connection, &vault, &letter), |_| {}).await
    }

    async fn post_notice(&self, letter: Letter, receiver: Uuid) -> Result<()> {
        let vault = self.vault().clone();
        let work = move |connection: &Connection| {
            let there = "SELECT EXISTS (SELECT 1 FROM outbox WHERE id = ?1)";
            if connection.prepare_cached(there)?.query_row([letter.id.to_string()], |row| row.get(0))? {
                return Ok(());
            }
            add(connection, &vault, &letter, &mail_lane(receiver, &letter.key.name()), None).map(drop)
        };
        self.write(work, |()| {}).await
    }

    async fn next_letter(&self, kind: LetterKind) -> Result<Option<Moment>> {
        self.read(|connection| next(connection, kind))
    }

    async fn claim_letters(&self, kind: LetterKind, now: Moment, until: Moment, most: usize) -> Result<Vec<Held>> {
        if !self.read(|connection| is_due(connection, kind, now))? {
            return Ok(Vec::new());
        }
        self.write(move |connection| claim(connection, kind, now, until, most), |_| {}).await
    }

    fn open_letter(&self, held: &Held) -> Result<Zeroizing<Vec<u8>>> {
        self.vault().unseal(&held.sealed, &place(held.id)).map_err(|error| failed(&error))
    }

    async fn end_letter(&self, held: &Held, now: Moment, end: LetterEnd, attempt: Option<Attempt>) -> Result<()> {
        let held = held.clone();
        self.write(move |connection| end_letter(connection, &held, now, end, attempt.as_ref()), |()| {}).await
    }

    async fn give_up_all(&self, kind: LetterKind, now: Moment) -> Result<usize> {
        self.write(move |connection| give_up_all(connection, kind, now), |_| {}).await
    }

    async fn letters(&self, key: &OfferKey, kind: LetterKind, skip: i64, top: i64) -> Result<Vec<Sent>> {
        self.read(|connection| letters(connection, key, kind, skip, top))
    }
}

/// The row that a body is sealed for.
pub(super) fn place(id: Uuid) -> String {
    format!("outbox.body/{id}")
}

pub(super) fn failed(error: &VaultError) -> StoreError {
    StoreError::Corrupt(format!("outbox.body: {error}"))
}

/// What goes there goes one by one.
fn lane(kind: LetterKind, key: &OfferKey) -> String {
    format!("{}/{}", kind.word(), key.name())
}

fn post(connection: &Connection, vault: &Vault, letter: &Letter) -> Result<Posted> {
    let lane = lane(letter.kind, &letter.key);
    if let Some(once) = &letter.once {
        if let Some(posted) = posted_before(connection, &lane, once)? {
            return Ok(posted);
        }
        let forget = "UPDATE outbox SET once_key = NULL, once_digest = NULL WHERE lane = ?1 AND once_key = ?2";
        run(connection, forget, params![lane, once.key])?;
    }
    let place = Lane { name: lane, kind: letter.kind, destination: "" };
    if add(connection, vault, letter, &place, None)? > MOST_WAITING {
        return Err(StoreError::Unavailable(format!("{MOST_WAITING} letters of {} wait already", place.name)));
    }
    Ok(Posted::As(letter.id))
}

/// Where a letter waits for its turn.
pub(super) struct Lane<'a> {
    pub(super) name: String,
    pub(super) kind: LetterKind,
    /// What it has in common with other lanes; empty for nothing.
    pub(super) destination: &'a str,
}

/// Puts a letter into its lane; gives how many wait there with it.
pub(super) fn add(
    connection: &Connection,
    vault: &Vault,
    letter: &Letter,
    lane: &Lane<'_>,
    tells: Option<(Tells, &str)>,
) -> Result<i64> {
    // Behind those whose destination rests, and not before them; in order where that counts.
    let (waiting, behind): (i64, i64) = connection
        .prepare_cached(
            "INSERT INTO lane (name, kind, destination, waiting, due_at, rests_until, failures)
             VALUES (?1, ?3, ?4, 1, ?2, 0, 0)
             ON CONFLICT DO UPDATE SET waiting = waiting + 1,
                due_at = IIF(fence IS NULL, MAX(rests_until, MIN(due_at, ?2)), due_at)
             RETURNING waiting, MAX(rests_until, ?2)",
        )?
        .query_row(params![lane.name, letter.made_at.ticks(), lane.kind.word(), lane.destination], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let due_at = if lane.kind.is_in_order() { last_place(connection, lane, letter.made_at)? } else { behind };
    let body = vault.seal(&letter.body, &place(letter.id)).map_err(|error| failed(&error))?;
    run(
        connection,
        "INSERT INTO outbox (id, publisher, offer, kind, lane, body, made_at, due_at, attempt, once_key, once_digest,
                             subscription, line, happening)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10, ?11, ?12, ?13)",
        params![
            letter.id.to_string(),
            letter.key.publisher.folded(),
            letter.key.offer.as_str(),
            letter.kind.word(),
            lane.name,
            body,
            letter.made_at.ticks(),
            due_at,
            letter.once.map(|once| once.key),
            letter.once.map(|once| once.digest),
            tells.and_then(|(tells, _)| tells.subscription).map(|id| id.to_string()),
            tells.map(|(tells, _)| tells.line),
            tells.map(|(_, happening)| happening),
        ],
    )?;
    Ok(waiting)
}

/// A place behind all that wait, also where the clock was set back since they came.
fn last_place(connection: &Connection, lane: &Lane<'_>, made_at: Moment) -> Result<i64> {
    let last = "SELECT MAX(?2, COALESCE(MAX(due_at), ?2)) FROM outbox WHERE body IS NOT NULL AND lane = ?1";
    Ok(connection.prepare_cached(last)?.query_row(params![lane.name, made_at.ticks()], |row| row.get(0))?)
}

/// What came of the letter that was handed in before with the same key; an old key counts no more.
fn posted_before(connection: &Connection, lane: &str, once: &OnceOnly) -> Result<Option<Posted>> {
    let there: Option<(String, [u8; 32])> = connection
        .prepare_cached("SELECT id, once_digest FROM outbox WHERE lane = ?1 AND once_key = ?2 AND made_at >= ?3")?
        .query_row(params![lane, once.key, once.since.ticks()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match there {
        Some((id, digest)) if digest == once.digest => Ok(Some(Posted::As(read_id(&id)?))),
        Some(_) => Ok(Some(Posted::KeyUsed)),
        None => Ok(None),
    }
}

fn letters(connection: &Connection, key: &OfferKey, kind: LetterKind, skip: i64, top: i64) -> Result<Vec<Sent>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, made_at, MAX(due_at, COALESCE((SELECT rests_until FROM lane WHERE name = lane), 0)),
                done_at, failed_at, attempt, failure FROM outbox
          WHERE publisher = ?1 AND offer = ?2 AND kind = ?3 ORDER BY sequence DESC LIMIT ?4 OFFSET ?5",
    )?;
    let rows =
        statement.query_map(params![key.publisher.folded(), key.offer.as_str(), kind.word(), top, skip], sent)?;
    rows.map(|row| {
        let (id, sent) = row?;
        Ok(Sent { id: read_id(&id)?, ..sent })
    })
    .collect()
}

fn sent(row: &Row<'_>) -> rusqlite::Result<(String, Sent)> {
    let (due, done, failed): (i64, Option<i64>, Option<i64>) = (row.get(2)?, row.get(3)?, row.get(4)?);
    let state = match (done, failed) {
        (Some(_), _) => LetterState::Delivered,
        (None, Some(_)) => LetterState::Failed,
        (None, None) => LetterState::Waiting(Moment::from_ticks(due)),
    };
    let made_at = Moment::from_ticks(row.get(1)?);
    Ok((row.get(0)?, Sent { id: Uuid::nil(), made_at, state, attempts: row.get(5)?, failure: row.get(6)? }))
}

pub(super) fn read_id(text: &str) -> Result<Uuid> {
    Uuid::try_parse(text).map_err(|error| StoreError::Corrupt(error.to_string()))
}
