//! Brings a database to the schema of this program: numbered files, each in one transaction, forward only.

use super::StoreError;
use rusqlite::Connection;

const SQLITE: [&str; 12] = [
    include_str!("../../migrations/sqlite/0001_spine.sql"),
    include_str!("../../migrations/sqlite/0002_access.sql"),
    include_str!("../../migrations/sqlite/0003_sealed.sql"),
    include_str!("../../migrations/sqlite/0004_work.sql"),
    include_str!("../../migrations/sqlite/0005_outbox.sql"),
    include_str!("../../migrations/sqlite/0006_own_time.sql"),
    include_str!("../../migrations/sqlite/0007_followed.sql"),
    include_str!("../../migrations/sqlite/0008_repeated.sql"),
    include_str!("../../migrations/sqlite/0009_durations.sql"),
    include_str!("../../migrations/sqlite/0010_told.sql"),
    include_str!("../../migrations/sqlite/0011_mail.sql"),
    include_str!("../../migrations/sqlite/0012_learned_once.sql"),
];

/// The schema of this program.
pub(super) const NEWEST: usize = SQLITE.len();

/// Runs the migrations that the database has not had.
///
/// # Errors
/// [`StoreError::Corrupt`] where the database was made by a newer program.
pub(super) fn sqlite(connection: &mut Connection) -> Result<(), StoreError> {
    let had: usize = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if had > SQLITE.len() {
        return Err(StoreError::Corrupt(format!(
            "the database has schema {had}, and this program knows {}; start the program that wrote it, or a newer one",
            SQLITE.len()
        )));
    }
    for (at, script) in SQLITE.iter().enumerate().skip(had) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(script)?;
        transaction.pragma_update(None, "user_version", at + 1)?;
        transaction.commit()?;
    }
    Ok(())
}
