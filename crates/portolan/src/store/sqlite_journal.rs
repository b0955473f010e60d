//! The embedded store as the journal, to be read.

use super::journal::{Journal, Line, LineSelection};
use super::sqlite_read::{all, first};
use super::{Sqlite, StoreError};
use async_trait::async_trait;
use publishing::offer::{OfferId, PublisherId};
use publishing::principal::Circle;
use rusqlite::{Connection, Row};

type Result<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl Journal for Sqlite {
    async fn journal(&self, circle: &Circle, after: i64, most: i64) -> Result<Vec<Line>> {
        let circle = circle.name();
        self.read_long(move |connection| journal(connection, &circle, after, most)).await
    }

    async fn lines(&self, selection: LineSelection) -> Result<Vec<Line>> {
        self.read_long(move |connection| lines(connection, &selection)).await
    }

    async fn line(&self, publisher: &PublisherId, sequence: i64) -> Result<Option<Line>> {
        self.read(|connection| {
            let statement = "SELECT sequence, offer, at, entry, document, hash FROM journal
                              WHERE publisher = ?1 AND sequence = ?2";
            first(connection, statement, (publisher.folded(), sequence), line)
        })
    }

    fn newest_line(&self, publisher: &PublisherId) -> Result<i64> {
        self.read(|connection| {
            let sequence = "SELECT sequence FROM chain WHERE circle = ?1";
            Ok(first(connection, sequence, [publisher.folded()], |row| row.get(0))?.unwrap_or(0))
        })
    }
}

fn journal(connection: &Connection, circle: &str, after: i64, most: i64) -> Result<Vec<Line>> {
    all(
        connection,
        "SELECT sequence, offer, at, entry, document, hash FROM journal
          WHERE publisher = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3",
        (circle, after, most),
        line,
    )
}

fn lines(connection: &Connection, selection: &LineSelection) -> Result<Vec<Line>> {
    let LineSelection { publisher, offer, after, before, newest_first, most } = selection;
    // One statement for each way, so that each finds its index.
    let of_offer = if offer.is_some() { "offer = ?4" } else { "offer <> ?4" };
    let order = if *newest_first { "DESC" } else { "ASC" };
    let statement = format!(
        "SELECT sequence, offer, at, entry, document, hash FROM journal
          WHERE publisher = ?1 AND sequence > ?2 AND sequence < ?3 AND {of_offer} ORDER BY sequence {order} LIMIT ?5"
    );
    let offer = offer.as_ref().map_or("", OfferId::as_str);
    all(connection, &statement, (publisher.folded(), after, before, offer, most), line)
}

fn line(row: &Row<'_>) -> rusqlite::Result<Line> {
    Ok(Line {
        sequence: row.get(0)?,
        offer: row.get(1)?,
        at: row.get(2)?,
        entry: row.get(3)?,
        document: row.get(4)?,
        hash: row.get(5)?,
    })
}
