//! How long steps took, in SQLite: written in the commit that ends them, the newest of each kept.

use super::durations::{KEPT, Learning, Look};
use super::sqlite_read::{all, first, key};
use super::{Change, Sqlite, StoreError};
use async_trait::async_trait;
use publishing::durations::{Durations, Ended, NEWEST, ended_before};
use publishing::moment::Moment;
use publishing::operation::Operation;
use rusqlite::{Connection, params};
use uuid::Uuid;

type Result<T> = std::result::Result<T, StoreError>;

/// How many operations are read to learn from, where nothing was learned yet; the newest.
const MOST_READ: usize = 5_000;

#[async_trait]
impl Learning for Sqlite {
    fn durations(&self, offer_type: &str, step: &str) -> Result<Durations> {
        let statement = "SELECT ticks FROM duration WHERE offer_type = ?1 AND step = ?2
                          ORDER BY rowid DESC LIMIT ?3";
        let params = params![offer_type, step, NEWEST];
        self.read(|connection| all(connection, statement, params, |row| row.get(0))).map(Durations::new)
    }

    fn next_look(&self) -> Result<Option<Moment>> {
        let statement = "SELECT MIN(look_at) FROM operation WHERE look_at IS NOT NULL";
        let found = self.read(|connection| first(connection, statement, [], |row| row.get::<_, Option<i64>>(0)))?;
        Ok(found.flatten().map(Moment::from_ticks))
    }

    async fn looks(&self, now: Moment, most: usize) -> Result<Vec<Look>> {
        let (looks, unreadable) = self.read(|connection| looks(connection, now, most))?;
        if !unreadable.is_empty() {
            self.write(move |connection| give_up(connection, &unreadable), |()| {}).await?;
        }
        Ok(looks)
    }

    async fn put_looks_off(&self, looks: Vec<(Look, Option<Moment>)>) -> Result<()> {
        self.write(move |connection| put_off(connection, &looks), |()| {}).await
    }
}

/// What a commit teaches.
pub(super) fn learn(connection: &Connection, change: &Change) -> Result<()> {
    for ended in &change.learned.ended {
        insert(connection, &change.offer.offer_type, ended)?;
        connection
            .prepare_cached(
                "DELETE FROM duration WHERE rowid IN
                    (SELECT rowid FROM duration WHERE offer_type = ?1 AND step = ?2
                      ORDER BY rowid DESC LIMIT -1 OFFSET ?3)",
            )?
            .execute(params![change.offer.offer_type, ended.step, KEPT])?;
    }
    let Some(newest) = &change.offer.operation else { return Ok(()) };
    connection
        .prepare_cached("UPDATE operation SET look_at = ?2 WHERE id = ?1 AND look_at IS NOT ?2")?
        .execute(params![newest.id.to_string(), change.learned.look_at.map(Moment::ticks)])?;
    Ok(())
}

fn insert(connection: &Connection, offer_type: &str, Ended { step, at, ticks }: &Ended) -> Result<()> {
    connection
        .prepare_cached("INSERT INTO duration (offer_type, step, ended_at, ticks) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![offer_type, step, at.ticks(), ticks])?;
    Ok(())
}

/// The looks that are due, and the ids of operations of which nobody can say what to look at.
fn looks(connection: &Connection, now: Moment, most: usize) -> Result<(Vec<Look>, Vec<String>)> {
    let found: Vec<(String, String, String, i64)> = all(
        connection,
        "SELECT p.id, o.offer, o.id, o.look_at FROM operation o JOIN publisher p ON p.folded = o.publisher
          WHERE o.look_at <= ?1 ORDER BY o.look_at, o.rowid LIMIT ?2",
        params![now.ticks(), most],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    let (mut looks, mut unreadable) = (Vec::new(), Vec::new());
    for (publisher, offer, id, at) in found {
        match (Uuid::try_parse(&id), key(&publisher, &offer)) {
            (Ok(operation), Ok(key)) => looks.push(Look { key, operation, at: Moment::from_ticks(at) }),
            _ => unreadable.push(id),
        }
    }
    Ok((looks, unreadable))
}

/// One row that nobody can read must not keep the others from being looked at.
fn give_up(connection: &Connection, unreadable: &[String]) -> Result<()> {
    for id in unreadable {
        tracing::error!(
            operation = id,
            "this operation cannot be read, and is not looked at any more: restore a backup"
        );
        connection.execute("UPDATE operation SET look_at = NULL WHERE id = ?1", [id])?;
    }
    Ok(())
}

fn put_off(connection: &Connection, looks: &[(Look, Option<Moment>)]) -> Result<()> {
    let mut put = connection.prepare_cached("UPDATE operation SET look_at = ?3 WHERE id = ?1 AND look_at = ?2")?;
    for (look, until) in looks {
        put.execute(params![look.operation.to_string(), look.at.ticks(), until.map(Moment::ticks)])?;
    }
    Ok(())
}

/// Learns from the operations that are there, once in the life of a database: one that is older than this is.
pub(super) fn fill(connection: &mut Connection) -> Result<()> {
    let transaction = connection.transaction()?;
    if transaction.execute("DELETE FROM duration_unlearned", [])? == 0 {
        return Ok(());
    }
    let mut learned = Vec::new();
    {
        // By the number of the row, for which there is an index: the newest were written last.
        let mut read = transaction.prepare(
            "SELECT o.offer_type, p.record FROM (SELECT * FROM operation ORDER BY rowid DESC LIMIT ?1) p
               JOIN offer o ON o.publisher = p.publisher AND o.id = p.offer",
        )?;
        let mut rows = read.query([MOST_READ])?;
        while let Some(row) = rows.next()? {
            let (offer_type, record): (String, String) = (row.get(0)?, row.get(1)?);
            // One that cannot be read is no reason not to start; whoever needs it will say so.
            let Ok(operation) = serde_json::from_str::<Operation>(&record) else { continue };
            learned.extend(ended_before(&operation).into_iter().map(|ended| (offer_type.clone(), ended)));
        }
    }
    // The newest have the highest numbers, as where they were learned one by one.
    learned.sort_by_key(|(_, ended)| ended.at);
    for (offer_type, ended) in &learned {
        insert(&transaction, offer_type, ended)?;
    }
    transaction.execute(
        "DELETE FROM duration WHERE rowid IN
            (SELECT number FROM (SELECT rowid AS number, ROW_NUMBER() OVER
                (PARTITION BY offer_type, step ORDER BY rowid DESC) AS place FROM duration) WHERE place > ?1)",
        [KEPT],
    )?;
    transaction.commit()?;
    if !learned.is_empty() {
        tracing::info!(learned = learned.len(), "how long steps take was learned from the operations that are there");
    }
    Ok(())
}
