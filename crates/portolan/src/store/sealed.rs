//! The secret members of definitions as the database holds them: sealed for their row, by the newest key.

use super::StoreError;
use crate::vault::{Vault, VaultError, is_sealed};
use publishing::secrets::Secrets;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::Path;
use zeroize::Zeroizing;

type Result<T> = std::result::Result<T, StoreError>;

/// No secrets. They cost nothing: no key is asked.
const NONE: &str = "{}";

/// Where secrets stand: how they are found with the name of their place, and how they are put back, by row.
const COLUMNS: [(&str, &str); 7] = [
    (
        "SELECT rowid, 'draft.secrets/' || publisher || '/' || offer, secrets FROM draft WHERE secrets <> '{}'",
        "UPDATE draft SET secrets = ?2 WHERE rowid = ?1",
    ),
    (
        "SELECT rowid, 'version.secrets/' || publisher || '/' || offer || '/' || version, secrets
           FROM version WHERE secrets <> '{}'",
        "UPDATE version SET secrets = ?2 WHERE rowid = ?1",
    ),
    (
        "SELECT rowid, 'signing_key.sealed/' || id, sealed FROM signing_key",
        "UPDATE signing_key SET sealed = ?2 WHERE rowid = ?1",
    ),
    (
        "SELECT rowid, 'outbox.body/' || id, body FROM outbox WHERE body IS NOT NULL",
        "UPDATE outbox SET body = ?2 WHERE rowid = ?1",
    ),
    (
        "SELECT rowid, 'subscription.target/' || id, target FROM subscription",
        "UPDATE subscription SET target = ?2 WHERE rowid = ?1",
    ),
    (
        "SELECT rowid, 'repeated.answer/' || hex(key), answer FROM repeated",
        "UPDATE repeated SET answer = ?2 WHERE rowid = ?1",
    ),
    ("SELECT rowid, 'link_key.sealed', sealed FROM link_key", "UPDATE link_key SET sealed = ?2 WHERE rowid = ?1"),
];

/// The row that secrets belong to; what is sealed for one opens at no other.
pub(super) struct Place<'a> {
    /// Folded.
    pub(super) publisher: &'a str,
    pub(super) offer: &'a str,
    /// `None` for the draft.
    pub(super) version: Option<i64>,
}

impl Place<'_> {
    fn name(&self) -> String {
        let Self { publisher, offer, version } = self;
        match version {
            None => format!("draft.secrets/{publisher}/{offer}"),
            Some(version) => format!("version.secrets/{publisher}/{offer}/{version}"),
        }
    }
}

/// Secrets as they are stored.
pub(super) fn seal(vault: &Vault, place: &Place<'_>, secrets: &Secrets) -> Result<String> {
    if secrets.0.is_empty() {
        return Ok(NONE.to_owned());
    }
    let plain = serde_json::to_vec(secrets).map_err(|_| unreadable(&place.name()))?;
    vault.seal(&Zeroizing::new(plain), &place.name()).map_err(|error| failed(&place.name(), &error))
}

/// Secrets as they are meant. What was stored before there were keys is read as it is.
pub(super) fn unseal(vault: &Vault, place: &Place<'_>, stored: &str) -> Result<Secrets> {
    if stored == NONE {
        return Ok(Secrets::default());
    }
    // The parser's own words would quote what it could not read.
    if !is_sealed(stored) {
        return serde_json::from_str(stored).map_err(|_| unreadable(&place.name()));
    }
    let plain = vault.unseal(stored, &place.name()).map_err(|error| failed(&place.name(), &error))?;
    serde_json::from_slice(&plain).map_err(|_| unreadable(&place.name()))
}

fn unreadable(place: &str) -> StoreError {
    StoreError::Corrupt(format!("{place}: these are no secrets; restore them from a backup, or PUT them anew"))
}

fn failed(place: &str, error: &VaultError) -> StoreError {
    let text = format!("{place}: {error}");
    if matches!(error, VaultError::NotSealed(_) | VaultError::UnknownKey(_)) {
        StoreError::Unavailable(text)
    } else {
        StoreError::Corrupt(text)
    }
}

/// Seals what is plain, and seals anew what another key than the newest has sealed; then nothing of it is left in the files.
///
/// # Errors
/// [`StoreError::Corrupt`] where something does not open, or the key of it is not there; then nothing is changed.
pub(super) fn seal_all(connection: &mut Connection, vault: &Vault) -> Result<()> {
    // What is written over, is written over with zeros.
    connection.pragma_update(None, "secure_delete", true)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let (mut plain, mut aged) = (0, 0);
    for (find, put) in COLUMNS {
        let mut find = transaction.prepare(find)?;
        let mut rows = find.query([])?;
        let mut sealed_anew: Vec<(i64, String)> = Vec::new();
        while let Some(row) = rows.next()? {
            let (place, stored): (String, String) = (row.get(1)?, row.get(2)?);
            if vault.is_newest(&stored) {
                continue;
            }
            let opened = if is_sealed(&stored) {
                aged += 1;
                vault.unseal(&stored, &place).map_err(|error| failed(&place, &error))?
            } else {
                serde_json::from_str::<Secrets>(&stored).map_err(|_| unreadable(&place))?;
                plain += 1;
                Zeroizing::new(stored.into_bytes())
            };
            sealed_anew.push((row.get(0)?, vault.seal(&opened, &place).map_err(|error| failed(&place, &error))?));
        }
        let mut put = transaction.prepare(put)?;
        for row in sealed_anew {
            put.execute(row)?;
        }
    }
    if plain > 0 {
        transaction.execute("UPDATE scrub SET wanted = 1", [])?;
    }
    transaction.commit()?;
    if plain + aged > 0 {
        tracing::info!(plain, aged, "secrets were sealed with the newest key");
    }
    let wanted = connection.query_row("SELECT wanted FROM scrub", [], |row| row.get(0))?;
    // The service can run without it, and a full disk is better mended while it does.
    if (wanted || aged > 0)
        && let Err(error) = scrub(connection, wanted)
    {
        tracing::warn!(%error, "secrets may still be in unused parts of the database's files; the next start tries again");
    }
    connection.pragma_update(None, "secure_delete", false)?;
    Ok(())
}

/// Writes the files anew without what nobody uses any more: earlier values lie about in free pages and in the log.
fn scrub(connection: &Connection, wholly: bool) -> Result<()> {
    if wholly {
        connection.execute_batch("VACUUM")?;
    }
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        return Err(StoreError::Unavailable("another program reads the database; end it".into()));
    }
    connection.execute("UPDATE scrub SET wanted = 0", [])?;
    Ok(())
}

/// Whether the database in this directory, if there is one, holds anything that only its keys can open.
///
/// # Errors
/// Where it is there and cannot be read.
pub fn holds_sealed(directory: &Path) -> Result<bool> {
    let path = directory.join("portolan.db");
    if !path.try_exists().map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))? {
        return Ok(false);
    }
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Tables that an older schema has not are empty.
    let there = |table: &str| connection.table_exists(None, table);
    for (find, put) in COLUMNS {
        if !put.split(' ').nth(1).map_or(Ok(false), there)? {
            continue;
        }
        let mut find = connection.prepare(find)?;
        let mut rows = find.query([])?;
        while let Some(row) = rows.next()? {
            if is_sealed(&row.get::<_, String>(2)?) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
