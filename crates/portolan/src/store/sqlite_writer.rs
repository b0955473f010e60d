//! The writer's thread of SQLite: commits whatever has queued up in one durable transaction, a savepoint for each unit.

use super::StoreError;
use rusqlite::Connection;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

/// How many writes may wait before callers wait too, and how many share one transaction at most.
pub(super) const QUEUE: usize = 1_024;
const BATCH: usize = 128;

/// Runs in the writer's transaction, or hears why there is none, and gives what to do once that is durable or has failed.
pub(super) type Job = Box<dyn FnOnce(Result<&Connection, StoreError>) -> After + Send>;
pub(super) type After = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The writer's thread: takes what has queued up, commits it together, and answers.
pub(super) fn write_batches(connection: &Mutex<Connection>, mut queue: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(first) = queue.blocking_recv() {
        batch.push(first);
        while batch.len() < BATCH {
            match queue.try_recv() {
                Ok(job) => batch.push(job),
                Err(_) => break,
            }
        }
        let (answers, durable) = commit_together(&locked(connection), batch.drain(..));
        for answer in answers {
            answer(durable.clone());
        }
    }
}

fn commit_together(connection: &Connection, jobs: impl Iterator<Item = Job>) -> (Vec<After>, Result<(), StoreError>) {
    let begun = run(connection, "BEGIN IMMEDIATE");
    let answers = jobs.map(|job| job(begun.clone().map(|()| connection))).collect();
    let durable = begun.and_then(|()| run(connection, "COMMIT"));
    if durable.is_err() && !connection.is_autocommit() {
        let _ = run(connection, "ROLLBACK");
    }
    (answers, durable)
}

/// Runs one unit of work so that its failure takes back what it did, and nothing of its neighbours in the batch.
pub(super) fn in_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    // A full disk makes SQLite take the whole transaction back; what came next would then commit by itself, unasked.
    if connection.is_autocommit() {
        return Err(StoreError::Unavailable("the transaction was taken back".into()));
    }
    run(connection, "SAVEPOINT unit")?;
    let result = work(connection);
    if connection.is_autocommit() {
        return result.and(Err(StoreError::Unavailable("the transaction was taken back".into())));
    }
    if result.is_err()
        && let Err(error) = run(connection, "ROLLBACK TO unit")
    {
        // What is left of the unit must not be committed with its neighbours.
        run(connection, "ROLLBACK")?;
        return Err(error);
    }
    run(connection, "RELEASE unit")?;
    result
}

pub(super) fn run(connection: &Connection, statement: &str) -> Result<(), StoreError> {
    connection.prepare_cached(statement)?.execute([])?;
    Ok(())
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation) => {
                Self::Corrupt(error.to_string())
            }
            None => Self::Corrupt(error.to_string()),
            Some(_) => Self::Unavailable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Job, StoreError, commit_together, in_savepoint, run};
    use rusqlite::Connection;
    use std::sync::{Arc, Mutex};

    type Said = Arc<Mutex<Vec<Result<(), StoreError>>>>;

    /// A unit of work that runs a statement, and says how it ended once that is durable.
    fn unit(statement: &'static str, fails: bool, said: &Said) -> Job {
        let said = Arc::clone(said);
        Box::new(move |connection| {
            let work = |connection: &Connection| {
                run(connection, statement)?;
                if fails { Err(StoreError::Overtaken) } else { Ok(()) }
            };
            let result = connection.and_then(|connection| in_savepoint(connection, work));
            Box::new(move |durable| said.lock().unwrap().push(durable.and(result)))
        })
    }

    fn together(statements: &[(&'static str, bool)]) -> (Vec<bool>, i64) {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
        let said = Said::default();
        let jobs = statements.iter().map(|(statement, fails)| unit(statement, *fails, &said));
        let (answers, durable) = commit_together(&connection, jobs);
        answers.into_iter().for_each(|answer| answer(durable.clone()));
        let kept = connection.query_row("SELECT COUNT(*) FROM t", [], |row| row.get(0)).unwrap();
        (said.lock().unwrap().iter().map(Result::is_ok).collect(), kept)
    }

    #[test]
    fn a_unit_that_fails_takes_nothing_of_its_neighbours_back() {
        let insert = "INSERT INTO t VALUES (1)";
        assert_eq!(together(&[(insert, false), (insert, true), (insert, false)]), (vec![true, false, true], 2));
    }

    #[test]
    fn where_the_whole_transaction_is_taken_back_nobody_is_told_otherwise() {
        // What SQLite does by itself when the disk is full.
        let insert = "INSERT INTO t VALUES (1)";
        assert_eq!(together(&[(insert, false), ("ROLLBACK", false), (insert, false)]), (vec![false; 3], 0));
    }
}
