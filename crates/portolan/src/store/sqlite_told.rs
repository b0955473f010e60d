//! What a commit puts into the outbox for those who follow: webhooks and mails, one letter for each that wants this line.

use super::outbox::{Letter, LetterKind, Tells};
use super::sqlite_outbox::{Lane, add, read_id};
use super::sqlite_read::{all, parse};
use super::sqlite_subscriptions::means;
use super::subscriptions::Means;
use super::{Change, StoreError};
use crate::vault::Vault;
use publishing::happening::Happening;
use publishing::principal::MARKETPLACE;
use rusqlite::Connection;
use sha2::{Digest, Sha256};
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
    let mut mailed = HashSet::new();
    for (id, kind, events, mail) in subscriptions {
        let events: Vec<Happening> = parse(&events)?;
        let id = read_id(&id)?;
        let wanted = |otherwise| if events.is_empty() { otherwise } else { events.contains(&happening) };
        match (means(&kind)?, mail) {
            (Means::Webhook, _) if wanted(true) => webhook(connection, vault, change, line, id)?,
            (Means::Mail, Some(mail)) if change.mails && wanted(happening.is_mailed()) => {
                if !mailed.insert(mail.to_lowercase()) {
                    continue;
                }
                mail_to(connection, vault, change, line, Some(id), &mail)?;
            }
            _ => continue,
        }
        letters += 1;
    }
    if change.mails && happening.is_mailed() {
        for address in change.offer.operation.iter().flat_map(|operation| &operation.emails) {
            if mailed.insert(address.to_lowercase()) {
                mail_to(connection, vault, change, line, None, address)?;
                letters += 1;
            }
        }
    }
    Ok(letters)
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
    line: i64,
    subscription: Option<Uuid>,
    address: &str,
) -> Result<()> {
    let offer = change.offer.key.name();
    let id = stable_id(&[&address.to_lowercase(), &offer, &line.to_string()]);
    let letter = Letter { body: address.as_bytes().to_vec().into(), ..letter(change, LetterKind::Mail, id) };
    // Of the address the lane has what cannot be turned back into it.
    let receiver = stable_id(&[&address.to_lowercase()]);
    let lane = Lane { name: format!("mail/{receiver}/{offer}"), kind: letter.kind, destination: MAIL_SERVER };
    let happening = change.entry.told.as_ref().map_or("", |told| told.happening.name());
    add(connection, vault, &letter, &lane, Some((Tells { line, subscription }, happening))).map(drop)
}

fn letter(change: &Change, kind: LetterKind, id: Uuid) -> Letter {
    let key = change.offer.key.clone();
    Letter { id, key, kind, body: Zeroizing::default(), made_at: change.entry.at, once: None }
}

/// The same for the same parts: whoever gets something twice can tell by it.
fn stable_id(parts: &[&str]) -> Uuid {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let digest: [u8; 32] = hasher.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
