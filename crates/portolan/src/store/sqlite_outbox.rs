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

const REMEMBERED_SECONDS: i64 = REMEMBERED_DAYS * 24 * 3600;

#[async_trait]
impl Outbox for Sqlite {
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

/// One destination of one offer: what goes there goes one by one.
fn lane(letter: &Letter) -> String {
    format!("{}/{}", letter.kind.word(), letter.key.name())
}

fn post(connection: &Connection, vault: &Vault, letter: &Letter) -> Result<Posted> {
    let lane = lane(letter);
    if let Some(once) = &letter.once
        && let Some(posted) = posted_before(connection, &lane, once)?
    {
        return Ok(posted);
    }
    let body = vault.seal(&letter.body, &place(letter.id)).map_err(|error| failed(&error))?;
    run(
        connection,
        "INSERT INTO outbox (id, publisher, offer, kind, lane, body, made_at, due_at, attempt, fence, once_key, once_digest)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, 0, 0, ?8, ?9)",
        params![
            letter.id.to_string(),
            letter.key.publisher.folded(),
            letter.key.offer.as_str(),
            letter.kind.word(),
            lane,
            body,
            letter.made_at.ticks(),
            letter.once.map(|once| once.key),
            letter.once.map(|once| once.digest),
        ],
    )?;
    Ok(Posted::As(letter.id))
}

/// What came of the letter that was handed in before with the same key; an old key counts no more.
fn posted_before(connection: &Connection, lane: &str, once: &OnceOnly) -> Result<Option<Posted>> {
    let forget =
        "UPDATE outbox SET once_key = NULL, once_digest = NULL WHERE lane = ?1 AND once_key = ?2 AND made_at < ?3";
    run(connection, forget, params![lane, once.key, once.since.ticks()])?;
    let there: Option<(String, [u8; 32])> = connection
        .prepare_cached("SELECT id, once_digest FROM outbox WHERE lane = ?1 AND once_key = ?2")?
        .query_row(params![lane, once.key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match there {
        Some((id, digest)) if digest == once.digest => Ok(Some(Posted::As(read_id(&id)?))),
        Some(_) => Ok(Some(Posted::KeyUsed)),
        None => Ok(None),
    }
}

/// The first that is due of a lane that nobody has in hand, or the end of a lease, or what is to be forgotten.
fn next(connection: &Connection) -> Result<Option<Moment>> {
    let at: Option<i64> = connection
        .prepare_cached(
            "SELECT MIN(at) FROM (
                SELECT MIN(leased_until) AS at FROM outbox WHERE leased_until IS NOT NULL
                UNION ALL
                SELECT due_at FROM (
                    SELECT due_at FROM outbox o WHERE body IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM outbox h WHERE h.lane = o.lane AND h.leased_until IS NOT NULL)
                    ORDER BY due_at, sequence LIMIT 1)
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
    let mut statement = connection.prepare_cached(
        "UPDATE outbox SET attempt = attempt + 1, fence = ?4, leased_until = ?2
          WHERE sequence IN (
            SELECT sequence FROM outbox o
             WHERE body IS NOT NULL AND due_at <= ?1
               AND NOT EXISTS (SELECT 1 FROM outbox h WHERE h.lane = o.lane AND h.leased_until > ?1)
               AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.body IS NOT NULL AND b.lane = o.lane
                                  AND (b.due_at, b.sequence) < (o.due_at, o.sequence))
             ORDER BY due_at, sequence LIMIT ?3)
         RETURNING id, (SELECT id FROM publisher WHERE folded = publisher), offer, made_at, attempt, body",
    )?;
    let rows = statement.query_map(params![now.ticks(), until.ticks(), most, fence], |row| {
        let names: (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((names, row.get::<_, i64>(3)?, row.get::<_, i64>(4)?, row.get::<_, String>(5)?))
    })?;
    let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    let held = |((id, publisher, offer), made_at, attempt, sealed): ((String, String, String), i64, i64, String)| {
        let made_at = Moment::from_ticks(made_at);
        Ok(Held { id: read_id(&id)?, key: key(&publisher, &offer)?, made_at, attempt, fence, sealed })
    };
    rows.into_iter().map(held).collect()
}

fn end_letter(connection: &Connection, held: &Held, now: Moment, end: LetterEnd) -> Result<()> {
    let id = held.id.to_string();
    const HELD: &str = "WHERE id = ?1 AND fence = ?2 AND body IS NOT NULL AND leased_until IS NOT NULL";
    let changed = match end {
        LetterEnd::Delivered => {
            let set =
                format!("UPDATE outbox SET body = NULL, leased_until = NULL, failure = NULL, done_at = ?3 {HELD}");
            run(connection, &set, params![id, held.fence, now.ticks()])?
        }
        LetterEnd::GivenUp { failure } => {
            let set =
                format!("UPDATE outbox SET body = NULL, leased_until = NULL, failure = ?4, failed_at = ?3 {HELD}");
            run(connection, &set, params![id, held.fence, now.ticks(), failure])?
        }
        LetterEnd::PutOff { until, failure, .. } => {
            let set = format!("UPDATE outbox SET leased_until = NULL, failure = ?4, due_at = ?3 {HELD}");
            run(connection, &set, params![id, held.fence, until.ticks(), failure])?
        }
    };
    if changed == 0 {
        return Err(StoreError::Superseded);
    }
    if let LetterEnd::PutOff { until, with_lane: true, .. } = end {
        let lane = "UPDATE outbox SET due_at = ?2
                     WHERE body IS NOT NULL AND due_at < ?2 AND lane = (SELECT lane FROM outbox WHERE id = ?1)";
        run(connection, lane, params![id, until.ticks()])?;
    }
    Ok(())
}

fn letters(connection: &Connection, key: &OfferKey, kind: LetterKind, skip: i64, top: i64) -> Result<Vec<Sent>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, made_at, due_at, done_at, failed_at, attempt, failure FROM outbox
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
