//! What must not be mailed any more, in SQLite: letters of subscriptions that end, of members who go, and of addresses that
//! were given at publish and want no more.

use super::StoreError;
use super::sqlite_access::run;
use super::sqlite_read::{all, first};
use super::sqlite_told::mail_lane;
use publishing::moment::Moment;
use publishing::offer::OfferKey;
use rusqlite::{Connection, params};
use std::collections::BTreeSet;
use uuid::Uuid;

type Result<T> = std::result::Result<T, StoreError>;

/// Whether this receiver wants no mail about the offer.
pub(super) fn are_stopped(connection: &Connection, receiver: Uuid, key: &OfferKey) -> Result<bool> {
    let stop = "SELECT EXISTS (SELECT 1 FROM mail_stop WHERE receiver = ?1 AND publisher = ?2 AND offer = ?3)";
    let named = params![receiver.to_string(), key.publisher.folded(), key.offer.as_str()];
    Ok(connection.prepare_cached(stop)?.query_row(named, |row| row.get(0))?)
}

/// Stops mails about the offer to this receiver, or lets them go on.
pub(super) fn stop(connection: &Connection, receiver: Uuid, key: &OfferKey, now: Moment, stopped: bool) -> Result<()> {
    let (name, publisher, offer) = (receiver.to_string(), key.publisher.folded(), key.offer.as_str());
    if !stopped {
        let go_on = "DELETE FROM mail_stop WHERE receiver = ?1 AND publisher = ?2 AND offer = ?3";
        return run(connection, go_on, params![name, publisher, offer]).map(drop);
    }
    let stop =
        "INSERT INTO mail_stop (receiver, publisher, offer, stopped_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    run(connection, stop, params![name, publisher, offer, now.ticks()])?;
    let lane = mail_lane(receiver, &key.name()).name;
    // A member's own subscription has its own end.
    let give_up = "UPDATE outbox SET body = NULL, failed_at = ?2, failure = 'stopped'
                    WHERE lane = ?1 AND subscription IS NULL AND line IS NOT NULL AND body IS NOT NULL";
    run(connection, give_up, params![lane, now.ticks()])?;
    count_again(connection, &lane)
}

/// Takes away all letters of a subscription that is removed: from now on none is handed out, and [`take_away_some`] removes them.
pub(super) fn take_away(connection: &Connection, subscription: &str) -> Result<()> {
    run(connection, "INSERT INTO removed_subscription (id) VALUES (?1)", [subscription]).map(drop)
}

/// Removes a portion of the letters of a subscription that is removed, whatever else is in the same lanes.
pub(super) fn take_away_some(connection: &Connection, most: usize) -> Result<()> {
    let removed: Option<String> =
        first(connection, "SELECT id FROM removed_subscription LIMIT 1", [], |row| row.get(0))?;
    let Some(subscription) = removed else { return Ok(()) };
    let portion =
        "SELECT sequence, IIF(body IS NULL, NULL, lane) FROM outbox WHERE subscription = ?1 ORDER BY sequence LIMIT ?2";
    let letters: Vec<(i64, Option<String>)> =
        all(connection, portion, params![subscription, most], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (sequence, _) in &letters {
        run(connection, "DELETE FROM outbox WHERE sequence = ?1", [sequence])?;
    }
    let lanes: BTreeSet<&String> = letters.iter().filter_map(|(_, lane)| lane.as_ref()).collect();
    lanes.into_iter().try_for_each(|lane| count_again(connection, lane))?;
    if letters.len() < most {
        run(connection, "DELETE FROM destination WHERE name = ?1", [&subscription])?;
        run(connection, "DELETE FROM removed_subscription WHERE id = ?1", [&subscription])?;
    }
    Ok(())
}

/// Whoever is no member any more is told nothing more.
pub(super) fn forget_member(connection: &Connection, circle: &str, member: &str) -> Result<()> {
    let theirs = "SELECT id FROM subscription WHERE circle = ?1 AND principal = ?2 AND kind = 'mail'";
    let subscriptions: Vec<String> = all(connection, theirs, [circle, member], |row| row.get(0))?;
    for subscription in subscriptions {
        take_away(connection, &subscription)?;
        run(connection, "DELETE FROM subscription WHERE id = ?1", [&subscription])?;
    }
    Ok(())
}

/// Makes a lane fit its letters after some were taken out. Whoever has a letter of it in hand keeps it, unless that one is gone.
pub(super) fn count_again(connection: &Connection, lane: &str) -> Result<()> {
    let count = "UPDATE lane
                    SET waiting = (SELECT COUNT(*) FROM outbox WHERE outbox.lane = lane.name AND body IS NOT NULL)
                  WHERE name = ?1";
    run(connection, count, [lane])?;
    run(connection, "DELETE FROM lane WHERE name = ?1 AND waiting = 0", [lane])?;
    Ok(())
}
