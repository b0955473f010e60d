//! The lanes of the outbox in SQLite: letters are claimed under a lease and a fencing number, first of their lane, and what
//! fails rests.

use super::StoreError;
use super::outbox::{Attempt, Held, LONGEST_REST, LetterEnd, LetterKind, REMEMBERED_DAYS, Rest, Tells};
use super::sqlite_access::run;
use super::sqlite_mails::{count_again, take_away_some};
use super::sqlite_outbox::read_id;
use super::sqlite_read::{all, first, key};
use publishing::moment::Moment;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::HashMap;
use uuid::Uuid;

type Result<T> = std::result::Result<T, StoreError>;

/// How many letters are removed at once: whoever else wants to write waits for that.
const PORTION: usize = 200;

const REMEMBERED_SECONDS: i64 = REMEMBERED_DAYS * 24 * 3600;

/// How many letters may be on their way to one destination.
const MOST_TO_ONE: i64 = 8;

/// How many lanes are looked at for each letter that is wanted: of those that must wait, many can be due.
const LOOKED_AT: usize = 4;

/// How many are looked at, however few letters are wanted: many small claims would be as many commits.
const LOOKED_AT_LEAST: usize = 64;

/// The first lane of a kind that is due, or whose lease ends, or what is to be forgotten.
pub(super) fn next(connection: &Connection, kind: LetterKind) -> Result<Option<Moment>> {
    let at: Option<i64> = connection
        .prepare_cached(
            "SELECT MIN(at) FROM (
                SELECT MIN(due_at) AS at FROM lane WHERE kind = ?2
                UNION ALL
                SELECT 0 FROM removed_subscription
                UNION ALL
                SELECT MIN(COALESCE(done_at, failed_at)) + ?1 FROM outbox WHERE body IS NULL)",
        )?
        .query_row(params![Moment::from_ticks(0).plus_seconds(REMEMBERED_SECONDS).ticks(), kind.word()], |row| {
            row.get(0)
        })?;
    Ok(at.map(Moment::from_ticks))
}

/// Whether a claim would do anything: a durable commit for nothing is dear.
pub(super) fn is_due(connection: &Connection, kind: LetterKind, now: Moment) -> Result<bool> {
    let due = "SELECT EXISTS (SELECT 1 FROM lane WHERE kind = ?1 AND due_at <= ?2)
                   OR EXISTS (SELECT 1 FROM lane WHERE kind = ?1 AND due_at > ?3)
                   OR EXISTS (SELECT 1 FROM removed_subscription)
                   OR EXISTS (SELECT 1 FROM outbox WHERE body IS NULL AND COALESCE(done_at, failed_at) <= ?4)";
    let (far, old) = (now.plus_seconds(LONGEST_REST), now.plus_seconds(-REMEMBERED_SECONDS));
    let moments = params![kind.word(), now.ticks(), far.ticks(), old.ticks()];
    Ok(connection.prepare_cached(due)?.query_row(moments, |row| row.get(0))?)
}

pub(super) fn claim(
    connection: &Connection,
    kind: LetterKind,
    now: Moment,
    until: Moment,
    most: usize,
) -> Result<Vec<Held>> {
    forget(connection, now)?;
    // A clock that ran ahead must not silence anybody until its time has come.
    let far = "UPDATE lane SET due_at = ?2, rests_until = MIN(rests_until, ?2) WHERE kind = ?1 AND due_at > ?3";
    run(connection, far, params![kind.word(), now.ticks(), now.plus_seconds(LONGEST_REST).ticks()])?;
    let fence: i64 = connection
        .prepare_cached("UPDATE fence SET highest = highest + 1 RETURNING highest")?
        .query_row([], |row| row.get(0))?;
    let due: Vec<(String, String)> = all(
        connection,
        "SELECT name, destination FROM lane WHERE kind = ?1 AND due_at <= ?2 ORDER BY due_at, name LIMIT ?3",
        params![kind.word(), now.ticks(), most.saturating_mul(LOOKED_AT).max(LOOKED_AT_LEAST)],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let mut known = HashMap::new();
    let mut held = Vec::new();
    for (lane, destination) in due {
        let room = match known.get_mut(&destination) {
            Some(room) => room,
            None => known.entry(destination.clone()).or_insert(Room::at(connection, &destination, now, until)?),
        };
        match room {
            Room { wait: None, free, failures, .. } if *free > 0 && held.len() < most => {
                if let Some(taken) = take(connection, (kind, &lane), *failures, (now, until), fence)? {
                    *free -= 1;
                    held.push(taken);
                }
            }
            // What there are no hands for stays due.
            Room { wait: None, free, .. } if *free > 0 => break,
            // Whoever gets a hand free wakes one of those that wait for it.
            Room { wait, hands_until, .. } => {
                let later = wait.unwrap_or(*hands_until);
                let put_off = "UPDATE lane SET due_at = ?2, fence = NULL WHERE name = ?1";
                run(connection, put_off, params![lane, later.ticks()])?;
            }
        }
    }
    Ok(held)
}

/// Forgets a portion of what is to be forgotten; the rest is due as before.
fn forget(connection: &Connection, now: Moment) -> Result<()> {
    let old = "DELETE FROM outbox WHERE sequence IN (SELECT sequence FROM outbox
                WHERE body IS NULL AND COALESCE(done_at, failed_at) <= ?1 LIMIT ?2)";
    run(connection, old, params![now.plus_seconds(-REMEMBERED_SECONDS).ticks(), PORTION])?;
    take_away_some(connection, PORTION)
}

/// What a destination has room for.
struct Room {
    /// Until when it rests.
    wait: Option<Moment>,
    /// How many letters more may be on their way.
    free: i64,
    /// How often it failed since it last answered.
    failures: i64,
    /// When the first of those who are on their way there is back, or given up for dead.
    hands_until: Moment,
}

impl Room {
    fn at(connection: &Connection, destination: &str, now: Moment, until: Moment) -> Result<Self> {
        if destination.is_empty() {
            return Ok(Self { wait: None, free: i64::MAX, failures: 0, hands_until: until });
        }
        let failing = "SELECT rests_until, failures FROM destination WHERE name = ?1";
        let failing: Option<(i64, i64)> =
            first(connection, failing, [destination], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let in_hand =
            "SELECT COUNT(*), MIN(due_at) FROM lane WHERE destination = ?1 AND due_at > ?2 AND fence IS NOT NULL";
        let (in_hand, first_back): (i64, Option<i64>) = connection
            .prepare_cached(in_hand)?
            .query_row(params![destination, now.ticks()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (mut rests_until, failures) = failing.unwrap_or((0, 0));
        if rests_until > now.plus_seconds(LONGEST_REST).ticks() {
            rests_until = now.ticks();
            let over = "UPDATE destination SET rests_until = ?2 WHERE name = ?1";
            run(connection, over, params![destination, rests_until])?;
        }
        let most = if failures > 0 { 1 } else { MOST_TO_ONE };
        let wait = (rests_until > now.ticks()).then(|| Moment::from_ticks(rests_until));
        Ok(Self { wait, free: most - in_hand, failures, hands_until: first_back.map_or(until, Moment::from_ticks) })
    }
}

/// Takes the first letter of a lane in hand. A lane without a letter is removed, and a letter that cannot be read, or whose
/// subscription is removed, is given up: none of them may stop others.
fn take(
    connection: &Connection,
    (kind, lane): (LetterKind, &str),
    destination_failures: i64,
    (now, until): (Moment, Moment),
    fence: i64,
) -> Result<Option<Held>> {
    let of_lane: i64 = connection
        .prepare_cached("UPDATE lane SET due_at = ?2, fence = ?3 WHERE name = ?1 RETURNING failures")?
        .query_row(params![lane, until.ticks(), fence], |row| row.get(0))?;
    let mut statement = connection.prepare_cached(
        "UPDATE outbox SET attempt = attempt + 1
          WHERE sequence = (SELECT sequence FROM outbox WHERE body IS NOT NULL AND lane = ?1 ORDER BY due_at, sequence LIMIT 1)
         RETURNING id, (SELECT id FROM publisher WHERE folded = publisher), offer, made_at, attempt, body, line, subscription,
                   sequence, subscription IN (SELECT id FROM removed_subscription)",
    )?;
    let mut rows = statement.query([lane])?;
    let Some(row) = rows.next()? else {
        tracing::error!(lane, "a lane has no letter; it is removed");
        run(connection, "DELETE FROM lane WHERE name = ?1", [lane])?;
        return Ok(None);
    };
    let sequence: i64 = row.get(8)?;
    let failure = match (row.get(9)?, read_held(kind, row)) {
        (None | Some(false), Ok(held)) => {
            return Ok(Some(Held { failures: of_lane, destination_failures, fence, ..held }));
        }
        (Some(true), _) => "removed",
        (_, Err(error)) => {
            tracing::error!(%error, lane, sequence, "a letter of the outbox cannot be read; it is given up");
            "unreadable"
        }
    };
    drop(rows);
    let give_up = "UPDATE outbox SET body = NULL, failed_at = ?2, failure = ?3 WHERE sequence = ?1";
    run(connection, give_up, params![sequence, now.ticks(), failure])?;
    run(connection, "UPDATE lane SET due_at = ?2, fence = NULL WHERE name = ?1", params![lane, now.ticks()])?;
    count_again(connection, lane).map(|()| None)
}

/// What a row says of the letter itself.
fn read_held(kind: LetterKind, row: &Row<'_>) -> Result<Held> {
    let (id, publisher, offer): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (line, subscription): (Option<i64>, Option<String>) = (row.get(6)?, row.get(7)?);
    let subscription = subscription.as_deref().map(read_id).transpose()?;
    Ok(Held {
        id: read_id(&id)?,
        kind,
        key: key(&publisher, &offer)?,
        made_at: Moment::from_ticks(row.get(3)?),
        attempt: row.get(4)?,
        failures: 0,
        destination_failures: 0,
        tells: line.map(|line| Tells { line, subscription }),
        fence: 0,
        sealed: row.get(5)?,
    })
}

/// Nobody carries letters of this kind any more.
pub(super) fn give_up_all(connection: &Connection, kind: LetterKind, now: Moment) -> Result<usize> {
    let give_up = "UPDATE outbox SET body = NULL, failed_at = ?2, failure = 'notCarried'
                    WHERE body IS NOT NULL AND lane IN (SELECT name FROM lane WHERE kind = ?1)";
    let given_up = run(connection, give_up, params![kind.word(), now.ticks()])?;
    let rests = "DELETE FROM destination WHERE name IN (SELECT destination FROM lane WHERE kind = ?1)";
    run(connection, rests, [kind.word()])?;
    run(connection, "DELETE FROM lane WHERE kind = ?1", [kind.word()])?;
    Ok(given_up)
}

pub(super) fn end_letter(
    connection: &Connection,
    held: &Held,
    now: Moment,
    end: LetterEnd,
    attempt: Option<&Attempt>,
) -> Result<()> {
    let id = held.id.to_string();
    let end = match end {
        LetterEnd::PutOff { until, failure, rest: Rest::Letter } if held.kind.is_in_order() => {
            LetterEnd::PutOff { until, failure, rest: Rest::Lane(until) }
        }
        end => end,
    };
    let (rests_until, answered) = match end {
        LetterEnd::PutOff { rest: Rest::Lane(until), .. } => (Some(until.ticks()), false),
        LetterEnd::Delivered | LetterEnd::PutOff { rest: Rest::Letter, .. } => (None, true),
        // Neither says anything of this lane.
        LetterEnd::PutOff { rest: Rest::Destination(_), .. } | LetterEnd::GivenUp { .. } => (None, false),
    };
    // An answer ends the rest, whatever it was.
    let lane: Option<(String, String)> = connection
        .prepare_cached(
            "UPDATE lane SET fence = NULL, rests_until = COALESCE(?3, 0),
                failures = CASE WHEN ?3 IS NOT NULL THEN failures + 1 WHEN ?4 THEN 0 ELSE failures END
              WHERE fence = ?2 AND name = (SELECT lane FROM outbox WHERE id = ?1 AND body IS NOT NULL)
             RETURNING name, destination",
        )?
        .query_row(params![id, held.fence, rests_until, answered], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (lane, destination) = lane.ok_or(StoreError::Superseded)?;
    if let (Some(attempt), Some(tells)) = (attempt, held.tells) {
        record(connection, &id, held.attempt, attempt)?;
        if let Some(subscription) = tells.subscription {
            note_on_subscription(connection, subscription, now, end)?;
        }
    }
    end_row(connection, &id, now, end)?;
    let is_over = !matches!(end, LetterEnd::PutOff { .. });
    run(connection, "UPDATE lane SET waiting = waiting - ?2 WHERE name = ?1", params![lane, i64::from(is_over)])?;
    run(connection, "DELETE FROM lane WHERE name = ?1 AND waiting = 0", [&lane])?;
    let due = "UPDATE lane SET due_at = MAX(rests_until, (SELECT due_at FROM outbox
                    WHERE body IS NOT NULL AND lane = ?1 ORDER BY due_at, sequence LIMIT 1)) WHERE name = ?1";
    run(connection, due, [&lane])?;
    if destination.is_empty() { Ok(()) } else { end_at_destination(connection, held, (&destination, &lane), now, end) }
}

/// What became of the letter itself.
fn end_row(connection: &Connection, id: &str, now: Moment, end: LetterEnd) -> Result<()> {
    match end {
        LetterEnd::Delivered => {
            let set = "UPDATE outbox SET body = NULL, failure = NULL, done_at = ?2 WHERE id = ?1";
            run(connection, set, params![id, now.ticks()])?;
        }
        LetterEnd::GivenUp { failure } => {
            let set = "UPDATE outbox SET body = NULL, failed_at = ?2, failure = COALESCE(?3, failure) WHERE id = ?1";
            run(connection, set, params![id, now.ticks(), failure])?;
        }
        LetterEnd::PutOff { until, failure, rest } => {
            let rests = if let Rest::Lane(rests) = rest { rests } else { until };
            let until = until.max(rests);
            // In order means that it keeps its place.
            let set = "UPDATE outbox SET failure = ?3, due_at = IIF(kind = 'lead', ?2, due_at) WHERE id = ?1";
            run(connection, set, params![id, until.ticks(), failure])?;
        }
    }
    Ok(())
}

/// What the end of a try says of the destination: it rests, or the others may go on.
fn end_at_destination(
    connection: &Connection,
    held: &Held,
    (destination, lane): (&str, &str),
    now: Moment,
    end: LetterEnd,
) -> Result<()> {
    match end {
        LetterEnd::PutOff { rest: Rest::Destination(until), .. } => {
            // Those who fail side by side are one failure.
            let rest = "INSERT INTO destination (name, rests_until, failures) VALUES (?1, ?2, ?3)
                        ON CONFLICT DO UPDATE SET rests_until = MAX(rests_until, excluded.rests_until),
                            failures = MAX(failures, excluded.failures)";
            run(connection, rest, params![destination, until.ticks(), held.destination_failures + 1])?;
            run(connection, "UPDATE lane SET due_at = ?2 WHERE name = ?1", params![lane, until.ticks()])?;
        }
        LetterEnd::Delivered | LetterEnd::PutOff { .. } => {
            if run(connection, "DELETE FROM destination WHERE name = ?1", [destination])? > 0 {
                let all = "UPDATE lane SET due_at = MAX(rests_until, ?2) WHERE destination = ?1 AND fence IS NULL";
                run(connection, all, params![destination, now.ticks()])?;
            }
        }
        LetterEnd::GivenUp { .. } => {}
    }
    // A hand is free for the next one that waits for one.
    let next = "UPDATE lane SET due_at = ?2
                 WHERE name = (SELECT name FROM lane WHERE destination = ?1 AND due_at > ?2 AND fence IS NULL AND rests_until <= ?2
                                ORDER BY due_at LIMIT 1)
                   AND NOT EXISTS (SELECT 1 FROM destination WHERE name = ?1 AND rests_until > ?2)";
    run(connection, next, params![destination, now.ticks()])?;
    Ok(())
}

fn record(connection: &Connection, id: &str, number: i64, attempt: &Attempt) -> Result<()> {
    run(
        connection,
        "INSERT OR REPLACE INTO attempt (letter, number, at, took, status, failure)
         SELECT sequence, ?2, ?3, ?4, ?5, ?6 FROM outbox WHERE id = ?1",
        params![id, number, attempt.at.ticks(), attempt.took, attempt.status, attempt.failure],
    )?;
    Ok(())
}

/// Since when a subscription gets nothing although it is tried.
fn note_on_subscription(connection: &Connection, id: Uuid, now: Moment, end: LetterEnd) -> Result<()> {
    let set = match end {
        LetterEnd::Delivered => {
            "UPDATE subscription SET failing_since = NULL WHERE id = ?1 AND failing_since IS NOT NULL AND ?2 = ?2"
        }
        LetterEnd::PutOff { .. } => {
            "UPDATE subscription SET failing_since = ?2 WHERE id = ?1 AND failing_since IS NULL"
        }
        LetterEnd::GivenUp { .. } => return Ok(()),
    };
    run(connection, set, params![id.to_string(), now.ticks()])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::store::migrate;
    use rusqlite::Connection;

    /// What is said to SQLite in the files about letters.
    const FILES: [&str; 5] = [
        include_str!("sqlite_lanes.rs"),
        include_str!("sqlite_told.rs"),
        include_str!("sqlite_mails.rs"),
        include_str!("sqlite_outbox.rs"),
        include_str!("sqlite_subscriptions.rs"),
    ];

    /// The statements of a file, but for those that are put together.
    fn statements(file: &'static str) -> impl Iterator<Item = &'static str> {
        let code = file.split("#[cfg(test)]").next().unwrap();
        let words = ["SELECT ", "UPDATE ", "DELETE ", "INSERT "];
        code.split('"').skip(1).step_by(2).filter(move |text| words.iter().any(|word| text.starts_with(word)))
    }

    #[test]
    fn no_statement_reads_all_lanes_letters_or_attempts() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate::sqlite(&mut connection).unwrap();
        let mut looked_at = 0;
        for statement in FILES.into_iter().flat_map(statements) {
            let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
            let mut rows = explained.raw_query();
            while let Some(row) = rows.next().unwrap() {
                let step: String = row.get(3).unwrap();
                // The least of an index is its first row.
                let is_least = statement.contains("MIN(COALESCE(") && step == "SCAN outbox USING INDEX outbox_ended";
                let reads_all =
                    ["lane", "outbox", "attempt"].iter().any(|table| step.starts_with(&format!("SCAN {table}")));
                assert!(!reads_all || is_least, "{step}: {statement}");
            }
            looked_at += 1;
        }
        assert!(looked_at > 40, "{looked_at}");
    }
}
