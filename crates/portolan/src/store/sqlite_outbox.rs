//! The embedded store as the outbox: rows whose body is sealed and bound to them, claimed under a lease and a fencing number.

use super::outbox::{
    Held, Letter, LetterEnd, LetterKind, LetterState, OnceOnly, Outbox, Posted, REMEMBERED_DAYS, Sent,
};
use super::sqlite_access::run;
use super::sqlite_read::key;
use super::{Sqlite, StoreError};
use crate::vault::{Vault, VaultError};
use async_trait::async_trait;
use publishing::moment::Moment;
use publishing::offer::OfferKey;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;
use zeroize::Zeroizing;

type Result<T> = std::result::Result<T, StoreError>;

/// How many letters may wait in a lane: more would only grow old.
const MOST_WAITING: i64 = 10_000;

const REMEMBERED_SECONDS: i64 = REMEMBERED_DAYS * 24 * 3600;

#[async_trait]
impl Outbox for Sqlite {
    fn posted_before(&self, key: &OfferKey, kind: LetterKind, once: &OnceOnly) -> Result<Option<Posted>> {
        self.read(|connection| posted_before(connection, &lane(kind, key), once))
    }

    async fn post(&self, letter: Letter) -> Result<Posted> {
        let vault = self.vault().clone();
        self.write(move |connection| post(connection, &vault, &letter), |_| {}).await
    }

    async fn next_letter(&self) -> Result<Option<Moment>> {
        self.read(next)
    }

    async fn claim_letters(&self, now: Moment, until: Moment, most: usize) -> Result<Vec<Held>> {
        // A look first: a claim of nothing would be a durable commit all the same.
        if self.read(next)?.is_none_or(|at| at > now) {
            return Ok(Vec::new());
        }
        self.write(move |connection| claim(connection, now, until, most), |_| {}).await
    }

    fn open_letter(&self, held: &Held) -> Result<Zeroizing<Vec<u8>>> {
        self.vault().unseal(&held.sealed, &place(held.id)).map_err(|error| failed(&error))
    }

    async fn end_letter(&self, held: &Held, now: Moment, end: LetterEnd) -> Result<()> {
        let held = held.clone();
        self.write(move |connection| end_letter(connection, &held, now, end), |()| {}).await
    }

    async fn letters(&self, key: &OfferKey, kind: LetterKind, skip: i64, top: i64) -> Result<Vec<Sent>> {
        self.read(|connection| letters(connection, key, kind, skip, top))
    }
}

/// The row that a body is sealed for.
fn place(id: Uuid) -> String {
    format!("outbox.body/{id}")
}

fn failed(error: &VaultError) -> StoreError {
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
    // Behind those whose destination rests, and not before them.
    let (waiting, due_at): (i64, i64) = connection
        .prepare_cached(
            "INSERT INTO lane (name, waiting, due_at, rests_until, failures) VALUES (?1, 1, ?2, 0, 0)
             ON CONFLICT DO UPDATE SET waiting = waiting + 1,
                due_at = IIF(fence IS NULL, MAX(rests_until, MIN(due_at, ?2)), due_at)
             RETURNING waiting, MAX(rests_until, ?2)",
        )?
        .query_row(params![lane, letter.made_at.ticks()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if waiting > MOST_WAITING {
        return Err(StoreError::Unavailable(format!("{MOST_WAITING} letters of {lane} wait already")));
    }
    let body = vault.seal(&letter.body, &place(letter.id)).map_err(|error| failed(&error))?;
    run(
        connection,
        "INSERT INTO outbox (id, publisher, offer, kind, lane, body, made_at, due_at, attempt, once_key, once_digest)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10)",
        params![
            letter.id.to_string(),
            letter.key.publisher.folded(),
            letter.key.offer.as_str(),
            letter.kind.word(),
            lane,
            body,
            letter.made_at.ticks(),
            due_at,
            letter.once.map(|once| once.key),
            letter.once.map(|once| once.digest),
        ],
    )?;
    Ok(Posted::As(letter.id))
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

/// The first lane that is due, or whose lease ends, or what is to be forgotten.
fn next(connection: &Connection) -> Result<Option<Moment>> {
    let at: Option<i64> = connection
        .prepare_cached(
            "SELECT MIN(at) FROM (
                SELECT MIN(due_at) AS at FROM lane
                UNION ALL
                SELECT MIN(COALESCE(done_at, failed_at)) + ?1 FROM outbox WHERE body IS NULL)",
        )?
        .query_row([Moment::from_ticks(0).plus_seconds(REMEMBERED_SECONDS).ticks()], |row| row.get(0))?;
    Ok(at.map(Moment::from_ticks))
}

fn claim(connection: &Connection, now: Moment, until: Moment, most: usize) -> Result<Vec<Held>> {
    let old = now.plus_seconds(-REMEMBERED_SECONDS).ticks();
    run(connection, "DELETE FROM outbox WHERE body IS NULL AND COALESCE(done_at, failed_at) <= ?1", [old])?;
    let fence: i64 = connection
        .prepare_cached("UPDATE fence SET highest = highest + 1 RETURNING highest")?
        .query_row([], |row| row.get(0))?;
    let mut lanes = connection.prepare_cached(
        "UPDATE lane SET due_at = ?2, fence = ?4
          WHERE name IN (SELECT name FROM lane WHERE due_at <= ?1 ORDER BY due_at LIMIT ?3)
         RETURNING name, failures",
    )?;
    let lanes = lanes.query_map(params![now.ticks(), until.ticks(), most, fence], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
    })?;
    let lanes: Vec<_> = lanes.collect::<rusqlite::Result<_>>()?;
    lanes.into_iter().map(|(lane, failures)| first(connection, &lane, failures, fence)).collect()
}

/// Takes the first letter of a lane in hand.
fn first(connection: &Connection, lane: &str, failures: i64, fence: i64) -> Result<Held> {
    let mut statement = connection.prepare_cached(
        "UPDATE outbox SET attempt = attempt + 1
          WHERE sequence = (SELECT sequence FROM outbox WHERE body IS NOT NULL AND lane = ?1 ORDER BY due_at, sequence LIMIT 1)
         RETURNING id, (SELECT id FROM publisher WHERE folded = publisher), offer, made_at, attempt, body",
    )?;
    let mut rows = statement.query([lane])?;
    let row = rows.next()?.ok_or_else(|| StoreError::Corrupt(format!("the lane {lane} has no letter")))?;
    let (id, publisher, offer): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let made_at = Moment::from_ticks(row.get(3)?);
    let (attempt, sealed) = (row.get(4)?, row.get(5)?);
    Ok(Held { id: read_id(&id)?, key: key(&publisher, &offer)?, made_at, attempt, failures, fence, sealed })
}

fn end_letter(connection: &Connection, held: &Held, now: Moment, end: LetterEnd) -> Result<()> {
    let id = held.id.to_string();
    let rest = match end {
        LetterEnd::PutOff { rest, .. } => rest.map(Moment::ticks),
        LetterEnd::Delivered | LetterEnd::GivenUp => None,
    };
    // An answer ends the rest, whatever it was; giving up without a try says nothing of the destination.
    let lane: Option<String> = connection
        .prepare_cached(
            "UPDATE lane SET fence = NULL, rests_until = COALESCE(?3, 0),
                failures = CASE WHEN ?3 IS NOT NULL THEN failures + 1 WHEN ?4 THEN failures ELSE 0 END
              WHERE fence = ?2 AND name = (SELECT lane FROM outbox WHERE id = ?1)
             RETURNING name",
        )?
        .query_row(params![id, held.fence, rest, end == LetterEnd::GivenUp], |row| row.get(0))
        .optional()?;
    let lane = lane.ok_or(StoreError::Superseded)?;
    match end {
        LetterEnd::Delivered => {
            let set = "UPDATE outbox SET body = NULL, failure = NULL, done_at = ?2 WHERE id = ?1";
            run(connection, set, params![id, now.ticks()])?;
        }
        LetterEnd::GivenUp => {
            run(connection, "UPDATE outbox SET body = NULL, failed_at = ?2 WHERE id = ?1", params![id, now.ticks()])?;
        }
        LetterEnd::PutOff { until, failure, .. } => {
            let due_at = until.ticks().max(rest.unwrap_or(0));
            run(connection, "UPDATE outbox SET failure = ?3, due_at = ?2 WHERE id = ?1", params![id, due_at, failure])?;
        }
    }
    let is_over = !matches!(end, LetterEnd::PutOff { .. });
    run(connection, "UPDATE lane SET waiting = waiting - ?2 WHERE name = ?1", params![lane, i64::from(is_over)])?;
    run(connection, "DELETE FROM lane WHERE name = ?1 AND waiting = 0", [&lane])?;
    let due = "UPDATE lane SET due_at = MAX(rests_until, (SELECT due_at FROM outbox
                    WHERE body IS NOT NULL AND lane = ?1 ORDER BY due_at, sequence LIMIT 1)) WHERE name = ?1";
    run(connection, due, [&lane])?;
    Ok(())
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

fn read_id(text: &str) -> Result<Uuid> {
    Uuid::try_parse(text).map_err(|error| StoreError::Corrupt(error.to_string()))
}
