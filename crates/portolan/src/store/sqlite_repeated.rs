//! The embedded store as the keeper of answers: rows that are sealed, written with what they answer, and forgotten by the next ones.

use super::repeated::{KEPT_DAYS, Repeated, Repeats};
use super::sqlite_access::run;
use super::sqlite_read::first;
use super::{Hash, Sqlite, StoreError};
use crate::vault::{Vault, VaultError};
use publishing::moment::Moment;
use rusqlite::{Connection, params};
use std::fmt::Write;

type Result<T> = std::result::Result<T, StoreError>;

/// How many old answers one new one removes at most: more than one, so that what has piled up grows less.
const FORGOTTEN_AT_ONCE: i64 = 8;

impl Repeats for Sqlite {
    fn repeated(&self, key: &Hash, now: Moment) -> Result<Option<Repeated>> {
        let statement = "SELECT digest, made_at, answer FROM repeated WHERE key = ?1 AND made_at > ?2";
        let found: Option<(Hash, i64, String)> = self.read(|connection| {
            first(connection, statement, params![key, oldest(now)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        })?;
        found
            .map(|(digest, made_at, sealed)| {
                let answer = self.vault().unseal(&sealed, &place(key)).map_err(|error| failed(&error))?;
                Ok(Repeated { key: *key, digest, made_at: Moment::from_ticks(made_at), answer })
            })
            .transpose()
    }
}

/// Keeps an answer, if there is one to be kept. Fails with [`StoreError::AnsweredBefore`] where one is kept for this key.
pub(super) fn keep(connection: &Connection, vault: &Vault, repeated: Option<&Repeated>) -> Result<()> {
    let Some(repeated) = repeated else { return Ok(()) };
    let Repeated { key, digest, made_at, answer } = repeated;
    let oldest = oldest(*made_at);
    run(
        connection,
        "DELETE FROM repeated WHERE rowid IN
            (SELECT rowid FROM repeated WHERE made_at <= ?1 ORDER BY made_at LIMIT ?2)",
        params![oldest, FORGOTTEN_AT_ONCE],
    )?;
    let sealed = vault.seal(answer, &place(key)).map_err(|error| failed(&error))?;
    let kept = run(
        connection,
        "INSERT INTO repeated (key, digest, made_at, answer) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET digest = excluded.digest, made_at = excluded.made_at, answer = excluded.answer
            WHERE made_at <= ?5",
        params![key, digest, made_at.ticks(), sealed, oldest],
    )?;
    if kept == 1 { Ok(()) } else { Err(StoreError::AnsweredBefore) }
}

/// Whatever was answered then, or before, is forgotten.
fn oldest(now: Moment) -> i64 {
    now.plus_seconds(-KEPT_DAYS * 24 * 3600).ticks()
}

/// The row that an answer is sealed for, as `sealed.rs` names it too.
fn place(key: &Hash) -> String {
    key.iter().fold("repeated.answer/".to_owned(), |mut place, byte| {
        let _ = write!(place, "{byte:02X}");
        place
    })
}

fn failed(error: &VaultError) -> StoreError {
    let text = format!("repeated.answer: {error}");
    if matches!(error, VaultError::NotSealed(_) | VaultError::UnknownKey(_)) {
        StoreError::Unavailable(text)
    } else {
        StoreError::Corrupt(text)
    }
}
