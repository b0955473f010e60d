//! The embedded store as the place of subscriptions, with the log of what was delivered for them.

use super::outbox::{Attempt, LetterState};
use super::sqlite_access::run;
use super::sqlite_outbox::{failed, place, read_id};
use super::sqlite_read::{all, first, parse};
use super::sqlite_write::{journal, json};
use super::subscriptions::{Delivered, Means, Subscription, SubscriptionChange, Subscriptions};
use super::{Repeated, Sqlite, StoreError, sqlite_mails, sqlite_repeated};
use crate::vault::Vault;
use async_trait::async_trait;
use publishing::entry::Entry;
use publishing::happening::Happening;
use publishing::moment::Moment;
use publishing::offer::OfferKey;
use publishing::principal::{Circle, MARKETPLACE};
use publishing::webhook::MOST_WEBHOOKS;
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

type Result<T> = std::result::Result<T, StoreError>;

/// The columns of a subscription.
const SUBSCRIPTION: &str =
    "SELECT id, circle, (SELECT p.id FROM publisher p WHERE p.folded = circle), kind, principal, events, target, made_at,
            made_by, failing_since, disabled_at, disabled_why, revision FROM subscription";

#[async_trait]
impl Subscriptions for Sqlite {
    fn subscriptions(&self, circle: &Circle) -> Result<Vec<Subscription>> {
        self.read(|connection| {
            let statement = format!("{SUBSCRIPTION} WHERE circle = ?1 ORDER BY made_at, id");
            let rows = all(connection, &statement, [circle.name()], row)?;
            rows.into_iter().map(|row| row.open(self.vault())).collect()
        })
    }

    fn subscription(&self, id: Uuid) -> Result<Option<Subscription>> {
        self.read(|connection| {
            let found = first(connection, &format!("{SUBSCRIPTION} WHERE id = ?1"), [id.to_string()], row)?;
            found.map(|row| row.open(self.vault())).transpose()
        })
    }

    async fn change_subscription(
        &self,
        circle: &Circle,
        change: SubscriptionChange,
        entry: Entry,
        repeated: Option<Repeated>,
    ) -> Result<()> {
        let (circle, vault) = (circle.name(), self.vault().clone());
        let work = move |connection: &Connection| {
            sqlite_repeated::keep(connection, &vault, repeated.as_ref())?;
            match &change {
                SubscriptionChange::Put(subscription) => put(connection, &vault, subscription, entry.at)?,
                SubscriptionChange::Remove(id) => remove(connection, &circle, *id)?,
            }
            journal(connection, &circle, "", &entry, &[]).map(drop)
        };
        self.write(work, |()| {}).await
    }

    fn are_mails_stopped(&self, receiver: Uuid, key: &OfferKey) -> Result<bool> {
        self.read(|connection| sqlite_mails::are_stopped(connection, receiver, key))
    }

    async fn stop_mails(&self, receiver: Uuid, key: &OfferKey, now: Moment, stopped: bool) -> Result<()> {
        let key = key.clone();
        self.write(move |connection| sqlite_mails::stop(connection, receiver, &key, now, stopped), |()| {}).await
    }

    async fn deliveries(&self, subscription: Uuid, skip: i64, top: i64) -> Result<Vec<Delivered>> {
        self.read_long(move |connection| deliveries(connection, subscription, skip, top)).await
    }

    async fn redeliver(
        &self,
        circle: &Circle,
        subscription: Uuid,
        letter: Uuid,
        now: Moment,
        entry: Entry,
        repeated: Option<Repeated>,
    ) -> Result<bool> {
        let (circle, vault) = (circle.name(), self.vault().clone());
        let work = move |connection: &Connection| {
            let again = again(connection, &vault, subscription, letter, now)?;
            if again {
                sqlite_repeated::keep(connection, &vault, repeated.as_ref())?;
                journal(connection, &circle, "", &entry, &[])?;
            }
            Ok(again)
        };
        self.write(work, |_| {}).await
    }
}

fn put(connection: &Connection, vault: &Vault, subscription: &Subscription, now: Moment) -> Result<()> {
    let id = subscription.id.to_string();
    let target = vault.seal(&subscription.target, &target_place(subscription.id)).map_err(|error| failed(&error))?;
    let (events, disabled) = (json(&subscription.events)?, subscription.disabled.as_ref());
    let (disabled_at, disabled_why) = (disabled.map(|(at, _)| at.ticks()), disabled.map(|(_, why)| why));
    let circle = subscription.circle.name();
    if subscription.revision == 0 {
        let principal = subscription.principal.map(|principal| principal.to_string());
        has_room(connection, subscription.means, &circle, principal.as_deref())?;
        run(
            connection,
            "INSERT INTO subscription (id, circle, kind, principal, events, target, made_at, made_by, disabled_at,
                                       disabled_why, revision)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1)",
            params![
                id,
                circle,
                word(subscription.means),
                principal,
                events,
                target,
                subscription.made_at.ticks(),
                subscription.made_by,
                disabled_at,
                disabled_why,
            ],
        )?;
        return Ok(());
    }
    // Since when it fails is written by those who try; here it can only be taken back.
    let changed = run(
        connection,
        "UPDATE subscription SET events = ?4, target = ?5, disabled_at = ?6, disabled_why = ?7, revision = revision + 1,
                failing_since = IIF(?8, NULL, failing_since)
          WHERE id = ?1 AND circle = ?2 AND revision = ?3",
        params![
            id,
            circle,
            subscription.revision,
            events,
            target,
            disabled_at,
            disabled_why,
            subscription.failing_since.is_none(),
        ],
    )?;
    if changed == 0 {
        return Err(StoreError::Overtaken);
    }
    if disabled.is_some() {
        give_up_waiting(connection, &id, now)?;
    } else if subscription.failing_since.is_none() {
        try_at_once(connection, &id, now)?;
    }
    Ok(())
}

/// Fails where one more of this kind cannot be.
fn has_room(connection: &Connection, means: Means, circle: &str, principal: Option<&str>) -> Result<()> {
    let there = "SELECT COUNT(*) FROM subscription WHERE circle = ?1 AND kind = ?2 AND (?3 IS NULL OR principal = ?3)";
    let (principal, most) = match means {
        Means::Webhook => (None, MOST_WEBHOOKS),
        Means::Mail => (principal, 1),
    };
    let there: usize =
        connection.prepare_cached(there)?.query_row(params![circle, word(means), principal], |row| row.get(0))?;
    if there < most { Ok(()) } else { Err(StoreError::Overtaken) }
}

fn remove(connection: &Connection, circle: &str, id: Uuid) -> Result<()> {
    let id = id.to_string();
    let removed = run(connection, "DELETE FROM subscription WHERE id = ?1 AND circle = ?2", [&id, circle])?;
    if removed == 0 {
        return Err(StoreError::Overtaken);
    }
    sqlite_mails::take_away(connection, &id)
}

/// Nothing that waits for a subscription is tried any more; it can be delivered again by hand.
fn give_up_waiting(connection: &Connection, id: &str, now: Moment) -> Result<()> {
    take_away_lanes(connection, id)?;
    let give_up = "UPDATE outbox SET body = NULL, failed_at = ?2, failure = COALESCE(failure, 'disabled')
                    WHERE subscription = ?1 AND body IS NOT NULL";
    run(connection, give_up, params![id, now.ticks()])?;
    Ok(())
}

/// What rests, rests no longer.
fn try_at_once(connection: &Connection, id: &str, now: Moment) -> Result<()> {
    run(connection, "DELETE FROM destination WHERE name = ?1", [id])?;
    let set = "UPDATE lane SET due_at = ?2, rests_until = 0, failures = 0 WHERE destination = ?1 AND fence IS NULL";
    run(connection, set, params![id, now.ticks()])?;
    Ok(())
}

/// Whoever has a letter of them in hand is superseded by that.
fn take_away_lanes(connection: &Connection, id: &str) -> Result<()> {
    run(connection, "DELETE FROM lane WHERE destination = ?1", [id])?;
    run(connection, "DELETE FROM destination WHERE name = ?1", [id])?;
    Ok(())
}

fn again(connection: &Connection, vault: &Vault, subscription: Uuid, letter: Uuid, now: Moment) -> Result<bool> {
    let (destination, id) = (subscription.to_string(), letter.to_string());
    let over = "SELECT lane FROM outbox WHERE id = ?1 AND subscription = ?2 AND kind = 'webhook' AND body IS NULL";
    let lane: Option<String> =
        connection.prepare_cached(over)?.query_row([&id, &destination], |row| row.get(0)).optional()?;
    let Some(lane) = lane else { return Ok(false) };
    let body = vault.seal(&[], &place(letter)).map_err(|error| failed(&error))?;
    run(
        connection,
        "UPDATE outbox SET body = ?2, done_at = NULL, failed_at = NULL, failure = NULL, made_at = ?3, due_at = MIN(due_at, ?3)
          WHERE id = ?1",
        params![id, body, now.ticks()],
    )?;
    run(
        connection,
        "INSERT INTO lane (name, kind, destination, waiting, due_at, rests_until, failures)
         VALUES (?1, 'webhook', ?2, 1, ?3, 0, 0)
         ON CONFLICT DO UPDATE SET waiting = waiting + 1, due_at = IIF(fence IS NULL, MAX(rests_until, MIN(due_at, ?3)), due_at)",
        params![lane, destination, now.ticks()],
    )?;
    Ok(true)
}

fn deliveries(connection: &Connection, subscription: Uuid, skip: i64, top: i64) -> Result<Vec<Delivered>> {
    let mut statement = connection.prepare_cached(
        "SELECT sequence, id, COALESCE((SELECT p.id FROM publisher p WHERE p.folded = publisher), publisher), offer, line,
                happening, made_at, MAX(due_at, COALESCE((SELECT due_at FROM lane WHERE name = lane), 0),
                    COALESCE((SELECT rests_until FROM destination WHERE name = subscription), 0)),
                done_at, failed_at, failure
           FROM outbox WHERE subscription = ?1 ORDER BY sequence DESC LIMIT ?2 OFFSET ?3",
    )?;
    let mut rows = statement.query(params![subscription.to_string(), top, skip])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (due, done, failed): (i64, Option<i64>, Option<i64>) = (row.get(7)?, row.get(8)?, row.get(9)?);
        let (id, happening): (String, Option<String>) = (row.get(1)?, row.get(5)?);
        found.push(Delivered {
            id: read_id(&id)?,
            publisher: row.get(2)?,
            offer: row.get(3)?,
            line: row.get(4)?,
            happening: happening.and_then(|name| Happening::of_name(&name)),
            made_at: Moment::from_ticks(row.get(6)?),
            state: match (done, failed) {
                (Some(_), _) => LetterState::Delivered,
                (None, Some(_)) => LetterState::Failed,
                (None, None) => LetterState::Waiting(Moment::from_ticks(due)),
            },
            failure: row.get(10)?,
            attempts: attempts(connection, row.get(0)?)?,
        });
    }
    Ok(found)
}

fn attempts(connection: &Connection, letter: i64) -> Result<Vec<Attempt>> {
    let statement = "SELECT at, took, status, failure FROM attempt WHERE letter = ?1 ORDER BY number";
    all(connection, statement, [letter], |row| {
        let at = Moment::from_ticks(row.get(0)?);
        Ok(Attempt { at, took: row.get(1)?, status: row.get(2)?, failure: row.get(3)? })
    })
}

/// A row of `subscription`, still sealed.
struct Sealed {
    id: String,
    circle: String,
    publisher: Option<String>,
    kind: String,
    principal: Option<String>,
    events: String,
    target: String,
    made_at: i64,
    made_by: String,
    failing_since: Option<i64>,
    disabled_at: Option<i64>,
    disabled_why: Option<String>,
    revision: i64,
}

fn row(row: &Row<'_>) -> rusqlite::Result<Sealed> {
    Ok(Sealed {
        id: row.get(0)?,
        circle: row.get(1)?,
        publisher: row.get(2)?,
        kind: row.get(3)?,
        principal: row.get(4)?,
        events: row.get(5)?,
        target: row.get(6)?,
        made_at: row.get(7)?,
        made_by: row.get(8)?,
        failing_since: row.get(9)?,
        disabled_at: row.get(10)?,
        disabled_why: row.get(11)?,
        revision: row.get(12)?,
    })
}

impl Sealed {
    fn open(self, vault: &Vault) -> Result<Subscription> {
        let id = read_id(&self.id)?;
        let circle = match self.publisher {
            Some(publisher) => Circle::Publisher(super::sqlite_read::publisher_id(&publisher)?),
            None if self.circle == MARKETPLACE => Circle::Marketplace,
            None => return Err(StoreError::Corrupt(format!("the subscription {id} is of no circle"))),
        };
        Ok(Subscription {
            id,
            circle,
            means: means(&self.kind)?,
            revision: self.revision,
            principal: self.principal.as_deref().map(read_id).transpose()?,
            events: known(&self.events)?,
            target: vault.unseal(&self.target, &target_place(id)).map_err(|error| failed(&error))?,
            made_at: Moment::from_ticks(self.made_at),
            made_by: self.made_by,
            failing_since: self.failing_since.map(Moment::from_ticks),
            disabled: self.disabled_at.map(|at| (Moment::from_ticks(at), self.disabled_why.unwrap_or_default())),
        })
    }
}

/// The happenings that are known here: a newer program may have written others.
fn known(events: &str) -> Result<Vec<Happening>> {
    let names: Vec<String> = parse(events)?;
    let known: Vec<Happening> = names.iter().filter_map(|name| Happening::of_name(name)).collect();
    // None at all would mean every one of them.
    if known.is_empty() && !names.is_empty() {
        return Err(StoreError::Corrupt(format!("a subscription to {names:?}, of which nothing is known")));
    }
    Ok(known)
}

/// The row that a target is sealed for.
fn target_place(id: Uuid) -> String {
    format!("subscription.target/{id}")
}

const fn word(means: Means) -> &'static str {
    match means {
        Means::Webhook => "webhook",
        Means::Mail => "mail",
    }
}

pub(super) fn means(word: &str) -> Result<Means> {
    match word {
        "webhook" => Ok(Means::Webhook),
        "mail" => Ok(Means::Mail),
        other => Err(StoreError::Corrupt(format!("a subscription by {other:?}"))),
    }
}
