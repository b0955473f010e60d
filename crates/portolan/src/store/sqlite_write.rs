//! What is written to SQLite, always by the one writer and inside its transaction.

use super::chain::{GENESIS, Link};
use super::sealed::{Place, seal};
use super::sqlite_durations::learn;
use super::sqlite_read::{key, word};
use super::sqlite_told::tell;
use super::{Change, Claim, Publisher, StoreError, Then, UnderClaim, sqlite_repeated};
use crate::vault::Vault;
use publishing::command::CheckRef;
use publishing::entry::{Entry, Event};
use publishing::moment::Moment;
use publishing::offer::Snapshot;
use publishing::operation::Operation;
use rusqlite::{Connection, Row, params};
use serde::Serialize;
use uuid::Uuid;

type Result<T> = std::result::Result<T, StoreError>;

/// Everything a decision changes; gives the number of its line in the journal, and how many letters tell of it. Fails as
/// [`super::Store::commit`] says.
pub(super) fn commit(connection: &Connection, vault: &Vault, change: &Change) -> Result<(i64, usize)> {
    let publisher = change.offer.key.publisher.folded();
    sqlite_repeated::keep(connection, vault, change.repeated.as_ref())?;
    if let Some(under) = &change.claim {
        hold(connection, under)?;
    }
    offer(connection, &publisher, change)?;
    if matches!(change.entry.event, Event::Created | Event::DraftSaved) {
        draft(connection, vault, &publisher, change)?;
    }
    if let Some(snapshot) = &change.snapshot {
        version(connection, vault, &publisher, change, snapshot)?;
    }
    for changed in change.signed_off.iter().chain(&change.offer.operation) {
        operation(connection, &publisher, change, changed)?;
    }
    learn(connection, change)?;
    due_checks(connection, &publisher, change)?;
    match &change.claim {
        Some(UnderClaim { claim, then: Then::GiveBack }) => release(connection, claim, true)?,
        Some(UnderClaim { claim, then: Then::TryAgain }) => release(connection, claim, false)?,
        Some(UnderClaim { then: Then::Keep, .. }) | None => {}
    }
    let offer = change.offer.key.offer.as_str();
    let line = journal(connection, &publisher, offer, &change.entry, &change.document.body)?;
    Ok((line, tell(connection, vault, change, line)?))
}

/// Fails where the check is not held under this fencing number any more.
fn hold(connection: &Connection, under: &UnderClaim) -> Result<()> {
    let CheckRef { operation, step, check } = &under.claim.check;
    let held: i64 = connection
        .prepare_cached(
            "SELECT COUNT(*) FROM due WHERE operation = ?1 AND step = ?2 AND check_index = ?3
                AND fence = ?4 AND leased_until IS NOT NULL",
        )?
        .query_row(params![operation.to_string(), step, check, under.claim.fence], |row| row.get(0))?;
    if held == 1 { Ok(()) } else { Err(StoreError::Superseded) }
}

/// Holds a check for longer; fails where the claim is not held any more.
pub(super) fn renew(connection: &Connection, claim: &Claim, until: Moment) -> Result<()> {
    change_claim(connection, claim, "UPDATE due SET leased_until = MAX(leased_until, ?5)", until)
}

/// Gives a check back until a time, with nothing to say of it; fails where the claim is not held any more.
pub(super) fn put_off(connection: &Connection, claim: &Claim, until: Moment, was_run: bool) -> Result<()> {
    let attempt = if was_run { "0" } else { "attempt - 1" };
    let change = format!("UPDATE due SET leased_until = NULL, attempt = {attempt}, due_at = ?5");
    change_claim(connection, claim, &change, until)
}

fn change_claim(connection: &Connection, claim: &Claim, change: &str, until: Moment) -> Result<()> {
    let CheckRef { operation, step, check } = &claim.check;
    let which = "WHERE operation = ?1 AND step = ?2 AND check_index = ?3 AND fence = ?4 AND leased_until IS NOT NULL";
    let changed = connection.prepare_cached(&format!("{change} {which}"))?.execute(params![
        operation.to_string(),
        step,
        check,
        claim.fence,
        until.ticks()
    ])?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Superseded) }
}

fn release(connection: &Connection, claim: &Claim, was_run: bool) -> Result<()> {
    let CheckRef { operation, step, check } = &claim.check;
    connection
        .prepare_cached(
            "UPDATE due SET leased_until = NULL, attempt = CASE WHEN ?4 THEN 0 ELSE attempt END
              WHERE operation = ?1 AND step = ?2 AND check_index = ?3",
        )?
        .execute(params![operation.to_string(), step, check, was_run])?;
    Ok(())
}

fn offer(connection: &Connection, publisher: &str, change: &Change) -> Result<()> {
    let offer = &change.offer;
    let statement = if change.decided_on.is_none() {
        "INSERT INTO offer (publisher, id, revision, offer_type, version, status, display_text, changed_at, saved_at,
                            preview, production, operation, live_plans, etag, document,
                            preview_audience, live_audiences, previous)
         VALUES (?1, ?2, COALESCE(?3, 0) + 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
         ON CONFLICT DO NOTHING"
    } else {
        "UPDATE offer SET revision = ?3 + 1, offer_type = ?4, version = ?5, status = ?6, display_text = ?7,
                changed_at = ?8, saved_at = ?9, preview = ?10, production = ?11, operation = ?12, live_plans = ?13,
                etag = ?14, document = ?15, preview_audience = ?16, live_audiences = ?17, previous = ?18
          WHERE publisher = ?1 AND id = ?2 AND revision = ?3"
    };
    let written = connection.prepare_cached(statement)?.execute(params![
        publisher,
        offer.key.offer.as_str(),
        change.decided_on,
        offer.offer_type,
        offer.version,
        word(&offer.status())?,
        change.display_text,
        offer.changed_at.ticks(),
        offer.draft.saved_at.ticks(),
        offer.preview,
        offer.production,
        offer.operation.as_ref().map(|operation| operation.id.to_string()),
        json(&offer.live_plans)?,
        change.document.etag.to_str().unwrap_or_default(),
        &change.document.body[..],
        json(&offer.preview_audience)?,
        json(&offer.live_audiences)?,
        offer.previous.as_ref().map(json).transpose()?,
    ])?;
    if written == 1 { Ok(()) } else { Err(StoreError::Overtaken) }
}

fn draft(connection: &Connection, vault: &Vault, publisher: &str, change: &Change) -> Result<()> {
    let (offer, draft) = (change.offer.key.offer.as_str(), &change.offer.draft);
    let place = Place { publisher, offer, version: None };
    connection
        .prepare_cached(
            "INSERT INTO draft (publisher, offer, secrets, definition) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET secrets = excluded.secrets, definition = excluded.definition",
        )?
        .execute(params![publisher, offer, seal(vault, &place, &draft.secrets)?, draft.definition])?;
    Ok(())
}

fn version(
    connection: &Connection,
    vault: &Vault,
    publisher: &str,
    change: &Change,
    snapshot: &Snapshot,
) -> Result<()> {
    let place = Place { publisher, offer: change.offer.key.offer.as_str(), version: Some(snapshot.version) };
    connection
        .prepare_cached(
            "INSERT INTO version (publisher, offer, version, saved_at, published_at, secrets, definition)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            publisher,
            change.offer.key.offer.as_str(),
            snapshot.version,
            snapshot.draft.saved_at.ticks(),
            snapshot.published_at.ticks(),
            seal(vault, &place, &snapshot.draft.secrets)?,
            snapshot.draft.definition,
        ])?;
    Ok(())
}

fn operation(connection: &Connection, publisher: &str, change: &Change, operation: &Operation) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO operation (id, publisher, offer, purpose, course, offer_version, started_at, record)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (id) DO UPDATE SET course = excluded.course, record = excluded.record",
        )?
        .execute(params![
            operation.id.to_string(),
            publisher,
            change.offer.key.offer.as_str(),
            word(&operation.purpose)?,
            word(&operation.course)?,
            operation.offer_version,
            operation.started_at.ticks(),
            json(operation)?,
        ])?;
    Ok(())
}

/// Makes the rows of the offer's due checks those that its newest operation has due. Leases of checks that stay, stay; so does
/// until when one was put off, as long as it names the same time itself.
fn due_checks(connection: &Connection, publisher: &str, change: &Change) -> Result<()> {
    let offer = change.offer.key.offer.as_str();
    let Some(newest) = &change.offer.operation else { return Ok(()) };
    let wanted = newest.due_checks();
    let mut there = connection
        .prepare_cached("SELECT operation, step, check_index FROM due WHERE publisher = ?1 AND offer = ?2")?;
    let there: Vec<CheckRef> = there.query_map([publisher, offer], check_ref)?.collect::<rusqlite::Result<_>>()?;
    let mut remove =
        connection.prepare_cached("DELETE FROM due WHERE operation = ?1 AND step = ?2 AND check_index = ?3")?;
    for gone in there.iter().filter(|check| !wanted.iter().any(|(wanted, _)| wanted == *check)) {
        remove.execute(params![gone.operation.to_string(), gone.step, gone.check])?;
    }
    let mut put = connection.prepare_cached(
        "INSERT INTO due (publisher, offer, operation, step, check_index, due_at, own_at, attempt, fence)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 0, 0) ON CONFLICT DO UPDATE
            SET due_at = CASE WHEN own_at = excluded.own_at THEN due_at ELSE excluded.due_at END, own_at = excluded.own_at",
    )?;
    for (check, at) in &wanted {
        put.execute(params![publisher, offer, check.operation.to_string(), check.step, check.check, at.ticks()])?;
    }
    Ok(())
}

fn check_ref(row: &Row<'_>) -> rusqlite::Result<CheckRef> {
    let operation: String = row.get(0)?;
    // An id that is none can be no wanted check's, and is removed.
    Ok(CheckRef { operation: Uuid::try_parse(&operation).unwrap_or_default(), step: row.get(1)?, check: row.get(2)? })
}

/// Adds a line to a circle's journal, linked to the line before it; gives its number.
pub(super) fn journal(
    connection: &Connection,
    circle: &str,
    offer: &str,
    entry: &Entry,
    document: &[u8],
) -> Result<i64> {
    let (sequence, head): (i64, Vec<u8>) = connection
        .prepare_cached("SELECT sequence, head FROM chain WHERE circle = ?1")?
        .query_row([circle], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (at, entry) = (entry.at.ticks(), json(entry)?);
    let link = Link { circle, sequence: sequence + 1, offer, at, entry: &entry, document };
    let hash = link.hash(&head);
    connection
        .prepare_cached(
            "INSERT INTO journal (publisher, sequence, offer, at, entry, document, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![circle, link.sequence, link.offer, link.at, entry, link.document, hash])?;
    connection.prepare_cached("UPDATE chain SET sequence = ?2, head = ?3 WHERE circle = ?1")?.execute(params![
        circle,
        link.sequence,
        hash
    ])?;
    Ok(link.sequence)
}

/// Leases what is due and free, or whose lease has ended.
pub(super) fn claim(connection: &Connection, now: Moment, until: Moment, most: usize) -> Result<Vec<Claim>> {
    let fence: i64 = connection
        .prepare_cached("UPDATE fence SET highest = highest + 1 RETURNING highest")?
        .query_row([], |row| row.get(0))?;
    let mut statement = connection.prepare_cached(
        "UPDATE due SET attempt = attempt + 1, fence = ?4, leased_until = ?2
          WHERE rowid IN (SELECT rowid FROM due
                           WHERE (leased_until IS NULL AND due_at <= ?1) OR leased_until <= ?1
                           ORDER BY due_at, rowid LIMIT ?3)
         RETURNING (SELECT id FROM publisher WHERE folded = publisher), offer, operation, step, check_index, attempt",
    )?;
    let rows = statement.query_map(params![now.ticks(), until.ticks(), most, fence], |row| {
        let names: (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok((names, row.get(3)?, row.get(4)?, row.get(5)?))
    })?;
    let claim =
        |((publisher, offer, operation), step, check, attempt): ((String, String, String), usize, usize, i64)| {
            let operation = Uuid::try_parse(&operation).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            Ok(Claim { key: key(&publisher, &offer)?, check: CheckRef { operation, step, check }, attempt, fence })
        };
    rows.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().map(claim).collect()
}

/// Adds a publisher and its journal, unless there is one of that id; whether it was added.
pub(super) fn add_publisher(connection: &Connection, publisher: &Publisher) -> Result<bool> {
    let folded = publisher.id.folded();
    let added = connection
        .prepare_cached(
            "INSERT INTO publisher (folded, id, display_text, seller_id, version)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            folded,
            publisher.id.as_str(),
            publisher.display_text,
            publisher.seller_id,
            publisher.version,
        ])?;
    if added == 1 {
        connection
            .prepare_cached("INSERT INTO chain (circle, sequence, head, access) VALUES (?1, 0, ?2, 0)")?
            .execute(params![folded, GENESIS])?;
    }
    Ok(added == 1)
}

pub(super) fn set_pipeline_digest(connection: &Connection, offer_type: &str, digest: &str) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO pipeline (offer_type, digest) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET digest = excluded.digest",
        )?
        .execute([offer_type, digest])?;
    Ok(())
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Corrupt(error.to_string()))
}
