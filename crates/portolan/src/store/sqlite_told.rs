//! What a commit puts into the outbox for those who follow: webhooks and mails, one letter for each that wants this line.

use super::mailed::{Mailed, Says, Words, receiver, stable_id};
use super::outbox::{Letter, LetterKind, Tells};
use super::sqlite_mails::are_stopped;
use super::sqlite_outbox::{Lane, add, read_id};
use super::sqlite_read::{all, parse};
use super::sqlite_subscriptions::means;
use super::subscriptions::Means;
use super::{Change, StoreError};
use crate::vault::Vault;
use publishing::principal::MARKETPLACE;
use rusqlite::Connection;
use std::cell::LazyCell;
use std::collections::HashSet;
use uuid::Uuid;
use zeroize::Zeroizing;

type Result<T> = std::result::Result<T, StoreError>;

/// What all mails have in common: the server that takes them.
const MAIL_SERVER: &str = "mail";

/// Puts into the outbox what this line of the journal is told to whom; gives how many letters that is.
pub(super) fn tell(connection: &Connection, vault: &Vault, change: &Change, line: i64) -> Result<usize> {
    let Some(told) = &change.entry.told else { return Ok(0) };
    let happening = told.happening;
    let mut letters = 0;
    let statement =
        // Whoever is no member any more gets no mail.
        "SELECT s.id, s.kind, s.events, p.mail FROM subscription s
           LEFT JOIN member m ON m.circle = s.circle AND m.principal = s.principal
           LEFT JOIN principal p ON p.id = m.principal
          WHERE s.circle IN (?1, ?2) AND s.disabled_at IS NULL ORDER BY s.made_at, s.id";
    type Told = (String, String, String, Option<String>);
    let circle = change.offer.key.publisher.folded();
    let subscriptions: Vec<Told> = all(connection, statement, (&circle, MARKETPLACE), |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    let words = LazyCell::new(|| Words::of(&change.offer, &change.display_text, happening, change.entry.at));
    let mut mailed = HashSet::new();
    for (id, kind, events, mail) in subscriptions {
        // Damage, or what a newer program wrote, must not make every commit fail.
        let (id, means, events) = match read_row(&id, &kind, &events) {
            Ok(row) => row,
            Err(error) => {
                tracing::error!(%error, subscription = id, "a subscription cannot be read; it is told nothing");
                continue;
            }
        };
        let wanted = |otherwise| match events.is_empty() {
            true => otherwise,
            false => events.iter().any(|name| name == happening.name()),
        };
        match (means, mail) {
            (Means::Webhook, _) if wanted(true) => webhook(connection, vault, change, line, id)?,
            (Means::Mail, Some(mail)) if change.mails && wanted(happening.is_mailed()) => {
                if !mailed.insert(mail.to_lowercase()) {
                    continue;
                }
                mail_to(connection, vault, change, Tells { line, subscription: Some(id) }, &mail, &words)?;
            }
            _ => continue,
        }
        letters += 1;
    }
    if change.mails && happening.is_mailed() {
        for address in change.offer.operation.iter().flat_map(|operation| &operation.emails) {
            if mailed.insert(address.to_lowercase()) && !are_stopped(connection, receiver(address), &change.offer.key)?
            {
                mail_to(connection, vault, change, Tells { line, subscription: None }, address, &words)?;
                letters += 1;
            }
        }
    }
    Ok(letters)
}

/// What a row says; names of events that are not known here stay names.
fn read_row(id: &str, kind: &str, events: &str) -> Result<(Uuid, Means, Vec<String>)> {
    Ok((read_id(id)?, means(kind)?, parse(events)?))
}

fn webhook(connection: &Connection, vault: &Vault, change: &Change, line: i64, subscription: Uuid) -> Result<()> {
    let offer = change.offer.key.name();
    let letter =
        letter(change, LetterKind::Webhook, stable_id(&[&subscription.to_string(), &offer, &line.to_string()]));
    let destination = subscription.to_string();
    let lane = Lane { name: format!("webhook/{subscription}/{offer}"), kind: letter.kind, destination: &destination };
    let tells = Tells { line, subscription: Some(subscription) };
    let happening = change.entry.told.as_ref().map_or("", |told| told.happening.name());
    add(connection, vault, &letter, &lane, Some((tells, happening))).map(drop)
}

fn mail_to(
    connection: &Connection,
    vault: &Vault,
    change: &Change,
    tells: Tells,
    address: &str,
    words: &Words,
) -> Result<()> {
    let offer = change.offer.key.name();
    let id = stable_id(&[&address.to_lowercase(), &offer, &tells.line.to_string()]);
    let mailed = Mailed { to: address.to_owned(), says: Says::Happened(words.clone()) };
    let body = serde_json::to_vec(&mailed).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let letter = Letter { body: body.into(), ..letter(change, LetterKind::Mail, id) };
    add(connection, vault, &letter, &mail_lane(receiver(address), &offer), Some((tells, words.happening.name())))
        .map(drop)
}

/// Where mails about an offer wait for this receiver's turn.
pub(super) fn mail_lane(receiver: Uuid, offer: &str) -> Lane<'static> {
    // Of the address the lane has what cannot be turned back into it.
    Lane { name: format!("mail/{receiver}/{offer}"), kind: LetterKind::Mail, destination: MAIL_SERVER }
}

fn letter(change: &Change, kind: LetterKind, id: Uuid) -> Letter {
    let key = change.offer.key.clone();
    Letter { id, key, kind, body: Zeroizing::default(), made_at: change.entry.at, once: None }
}
