//! The embedded store as the journal, to be read.

use super::following::{Before, Follower, News};
use super::journal::{About, Journal, Line, LineSelection};
use super::sqlite_read::{all, first, publisher_id};
use super::{Sqlite, StoreError};
use async_trait::async_trait;
use publishing::moment::Moment;
use publishing::offer::{OfferId, OfferKey, PublisherId};
use publishing::principal::Circle;
use rusqlite::{Connection, Row};
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;

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

    fn first_since(&self, circle: &Circle, offer: Option<&OfferId>, at: Moment) -> Result<i64> {
        self.read(|connection| first_since(connection, &circle.name(), offer, at.ticks()))
    }

    fn follow(&self, name: &str) -> Follower {
        self.following().follow(name)
    }

    fn changes(&self) -> Receiver<Arc<str>> {
        self.following().changes()
    }
}

impl Sqlite {
    /// Everybody who has a journal: the marketplace, then the publishers in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn circles(&self) -> Result<Vec<Circle>> {
        let ids: Vec<String> =
            self.read(|connection| all(connection, "SELECT id FROM publisher ORDER BY folded", [], |row| row.get(0)))?;
        let publishers = ids.iter().map(|id| publisher_id(id).map(Circle::Publisher));
        std::iter::once(Ok(Circle::Marketplace)).chain(publishers).collect()
    }
}

/// Halves the numbers until one is left: some twenty looks into an index that is there anyway, where an index by time would cost
/// every commit. Of an offer it passes over what the service did at a start: the clock may have been set back before that.
fn first_since(connection: &Connection, circle: &str, offer: Option<&OfferId>, at: i64) -> Result<i64> {
    let newest = first(connection, "SELECT sequence FROM chain WHERE circle = ?1", [circle], |row| row.get(0))?;
    let (of_offer, rising) = match offer {
        Some(_) => ("offer = ?3", r#"instr(entry, '"event":"replanned"') = 0"#),
        None => ("?3 = ''", "TRUE"),
    };
    let next = |which: &str| {
        format!(
            "SELECT sequence, at FROM journal
              WHERE publisher = ?1 AND sequence >= ?2 AND {of_offer} AND {which} ORDER BY sequence LIMIT 1"
        )
    };
    let offer = offer.map_or("", OfferId::as_str);
    let rising = next(rising);
    // Every line that is looked for before `low` is too early, and the one at `high` or after it is not.
    let end = newest.unwrap_or(0) + 1;
    let (mut low, mut high): (i64, i64) = (1, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let found: Option<(i64, i64)> =
            first(connection, &rising, (circle, middle, offer), |row| Ok((row.get(0)?, row.get(1)?)))?;
        match found {
            Some((sequence, then)) if then < at => low = sequence + 1,
            _ => high = middle,
        }
    }
    // Of those that were passed over, some may be late enough.
    let late = next("at >= ?4");
    Ok(first(connection, &late, (circle, low, offer, at), |row| row.get(0))?.unwrap_or(end))
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
    let LineSelection { circle, about, after, before, newest_first, most } = selection;
    // One statement for each way, so that each finds its index.
    let (of_these, offer) = match about {
        About::Offer(offer) => ("offer = ?4", offer.as_str()),
        About::Offers => ("offer <> ?4", ""),
        About::Anything => ("?4 = ''", ""),
    };
    let order = if *newest_first { "DESC" } else { "ASC" };
    let statement = format!(
        "SELECT sequence, offer, at, entry, document, hash FROM journal
          WHERE publisher = ?1 AND sequence > ?2 AND sequence < ?3 AND {of_these} ORDER BY sequence {order} LIMIT ?5"
    );
    all(connection, &statement, (circle.name(), after, before, offer, most), line)
}

/// The line that was just written about an offer, for those who follow it.
pub(super) fn news(connection: &Connection, key: &OfferKey, sequence: i64) -> Result<Option<News>> {
    let just = LineSelection {
        before: sequence + 1,
        ..LineSelection::after(key.publisher.clone(), Some(key.offer.clone()), sequence - 1, 1)
    };
    let before = |of_offer: &str| {
        let statement = format!(
            "SELECT sequence FROM journal
              WHERE publisher = ?1 AND sequence < ?2 AND {of_offer} ORDER BY sequence DESC LIMIT 1"
        );
        let parameters = (key.publisher.folded(), sequence, key.offer.as_str());
        Ok::<_, StoreError>(first(connection, &statement, parameters, |row| row.get(0))?.unwrap_or(0))
    };
    let before = Before { of_offer: before("offer = ?3")?, of_publisher: before("offer <> '' AND ?3 <> ''")? };
    Ok(lines(connection, &just)?.pop().map(|line| News::new(key.name(), line, before)))
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
