//! Whether the journal is whole: reads every line of a database, changes nothing, and names the first line of each circle
//! that is not as it was written.

use super::chain::{GENESIS, Link};
use super::{StoreError, migrate};
use rusqlite::types::{ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use url::Url;

type Result<T> = std::result::Result<T, StoreError>;

/// How often the progress is told, in lines.
const TOLD_EVERY: u64 = 1_000;

/// An entry that somebody outside has kept the hash of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownEntry {
    /// The circle: a publisher's folded id, or the marketplace's name.
    pub circle: String,
    /// Its number, from 1.
    pub sequence: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// What was found of one circle's journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The circle.
    pub circle: String,
    /// How many entries are right, from the first on.
    pub entries: i64,
    /// The hash of the last one of them; what the first entry follows where there is none.
    pub head: [u8; 32],
    /// What is wrong first, if anything is.
    pub flaw: Option<Flaw>,
}

/// The first thing that is wrong in a circle's journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The number of the entry; none where it is about no entry.
    pub sequence: Option<i64>,
    /// The offer it is about; empty where it is about none, or the entry is not there.
    pub offer: String,
    /// When it says that it was written, in ticks; none where the entry is not there.
    pub at: Option<i64>,
    /// What is wrong, in words.
    pub what: String,
}

/// Verifies the journals of the database in this directory, also while a service works on it. Memory grows with the number of
/// circles and offers, and not with the number of entries. `progress` is told how many lines were read.
///
/// # Errors
/// [`StoreError::Unavailable`] where the database cannot be opened; [`StoreError::Corrupt`] where SQLite cannot read it.
pub fn verify(directory: &Path, known: &[KnownEntry], progress: &mut dyn FnMut(u64)) -> Result<Vec<Verified>> {
    let path = directory.join("portolan.db");
    let log = directory.join("portolan.db-wal");
    if !path.is_file() {
        let hint = "give the data directory of the service with --data";
        return Err(StoreError::Unavailable(format!("there is no {}; {hint}", path.display())));
    }
    if !log.exists() {
        // Nobody has it open. Opened in the usual way, even for reading, SQLite would put files of its own beside it.
        let found = verify_with(&opened(&path, true)?, known, progress);
        if !log.exists() {
            return found;
        }
        // A service was started meanwhile, and may have written under our hands.
    }
    verify_with(&opened(&path, false)?, known, progress)
}

fn opened(path: &PathBuf, is_still: bool) -> Result<Connection> {
    let failed = |error: &dyn std::fmt::Display| {
        StoreError::Unavailable(format!(
            "{} cannot be read: {error}; run this as the service's user, or copy portolan.db with its -wal to a directory of \
             your own, and give that",
            path.display()
        ))
    };
    let whole = path.canonicalize().map_err(|error| failed(&error))?;
    let mut url = Url::from_file_path(&whole).map_err(|()| failed(&"its path is no address"))?;
    url.set_query(is_still.then_some("immutable=1"));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(url.as_str(), flags).map_err(|error| failed(&error))?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    let schema: usize =
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(|error| failed(&error))?;
    if schema != migrate::NEWEST {
        return Err(StoreError::Unavailable(format!(
            "the database has schema {schema}, and this program knows {}; use the program that serves it",
            migrate::NEWEST
        )));
    }
    Ok(connection)
}

/// The same over a connection.
fn verify_with(connection: &Connection, known: &[KnownEntry], progress: &mut dyn FnMut(u64)) -> Result<Vec<Verified>> {
    // One snapshot for all of it, whatever is committed meanwhile.
    let snapshot = connection.unchecked_transaction()?;
    let mut looked_at = 0;
    let mut told = || {
        looked_at += 1;
        if looked_at % TOLD_EVERY == 0 {
            progress(looked_at);
        }
    };
    let mut statement = snapshot.prepare(
        "SELECT circle FROM chain UNION SELECT DISTINCT publisher FROM journal UNION SELECT DISTINCT publisher FROM offer",
    )?;
    let names = statement.query_map([], |row| Ok(Text(bytes(row, 0)?.to_vec())))?;
    let names: Vec<Text> = names.collect::<rusqlite::Result<_>>()?;
    let mut found = Vec::new();
    for name in &names {
        let of_it = known.iter().filter(|entry| entry.circle.as_bytes() == name.0);
        let circle = Circle { connection: &snapshot, name, known: of_it.map(|one| (one.sequence, one.hash)).collect() };
        found.push(circle.verify(&mut told)?);
    }
    for entry in known.iter().filter(|entry| !names.iter().any(|name| name.0 == entry.circle.as_bytes())) {
        let what = format!("there is no journal of this name, and entry {} was expected", entry.sequence);
        let flaw = Some(Flaw { sequence: Some(1), offer: String::new(), at: None, what });
        found.push(Verified { circle: entry.circle.clone(), entries: 0, head: GENESIS, flaw });
    }
    Ok(found)
}

/// Text as it is stored, which need not be UTF-8 any more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Text(Vec<u8>);

impl Text {
    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

impl ToSql for Text {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}

/// One circle whose journal is verified.
struct Circle<'a> {
    connection: &'a Connection,
    name: &'a Text,
    known: BTreeMap<i64, [u8; 32]>,
}

/// How far the lines of a circle are right.
struct Right {
    entries: i64,
    head: [u8; 32],
    /// The newest line of each offer, and the time before which its next one cannot be.
    newest: BTreeMap<Text, (i64, i64)>,
}

impl Circle<'_> {
    fn verify(&self, told: &mut dyn FnMut()) -> Result<Verified> {
        let mut right = Right { entries: 0, head: GENESIS, newest: BTreeMap::new() };
        let flaw = match self.lines(&mut right, told)? {
            None => match self.end(&right)? {
                None => self.documents(&right)?,
                flaw => flaw,
            },
            flaw => flaw,
        };
        Ok(Verified { circle: self.name.shown(), entries: right.entries, head: right.head, flaw })
    }

    /// The first line that is not right.
    fn lines(&self, right: &mut Right, told: &mut dyn FnMut()) -> Result<Option<Flaw>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT sequence, offer, at, entry, document, hash FROM journal WHERE publisher = ?1 ORDER BY sequence",
        )?;
        let mut rows = statement.query([self.name])?;
        while let Some(row) = rows.next()? {
            told();
            if let Some(what) = self.fault(row, right)? {
                return Ok(Some(what));
            }
        }
        Ok(None)
    }

    /// What is wrong with the next line; where nothing is, it is one of those that are right.
    fn fault(&self, row: &Row<'_>, right: &mut Right) -> Result<Option<Flaw>> {
        let (sequence, wanted) = (row.get::<_, i64>(0)?, right.entries + 1);
        let offer = Text(bytes(row, 1)?.to_vec());
        let at: i64 = row.get(2)?;
        let (entry, hash) = (bytes(row, 3)?, bytes(row, 5)?);
        let flaw = |what: String| Ok(Some(Flaw { sequence: Some(sequence), offer: offer.shown(), at: Some(at), what }));
        if sequence > wanted {
            return Ok(Some(at_number(wanted, format!("number {wanted} is missing"))));
        }
        if sequence < wanted {
            return flaw(format!("number {sequence} stands before number {wanted}, where no entry belongs"));
        }
        let texts = [&self.name.0[..], &offer.0, entry].map(std::str::from_utf8);
        let [Ok(circle), Ok(of), Ok(entry)] = texts else {
            return flaw("it is not text any more".to_owned());
        };
        let link = Link { circle, sequence, offer: of, at, entry, document: bytes(row, 4)? };
        let head = link.hash(&right.head);
        if head != hash {
            return flaw("its hash does not fit what it says and what it follows".to_owned());
        }
        if self.known.get(&sequence).is_some_and(|known| *known != head) {
            return flaw("its hash is not the one expected: it, or an entry before it, was written anew".to_owned());
        }
        let earliest = right.newest.get(&offer).map_or(i64::MIN, |(_, earliest)| *earliest);
        if !of.is_empty() && at < earliest {
            return flaw("its time is before that of the entry before it about the same offer".to_owned());
        }
        // What the service does at a start leaves no trace in the offer by which a later change could be told to come after it.
        let is_replanned = entry.contains(r#""event":"replanned""#);
        right.newest.insert(offer, (sequence, if is_replanned { earliest } else { at }));
        (right.entries, right.head) = (sequence, head);
        Ok(None)
    }

    /// Whether the journal ends where its head says, and no earlier than somebody outside knows.
    fn end(&self, right: &Right) -> Result<Option<Flaw>> {
        let head = "SELECT sequence, head FROM chain WHERE circle = ?1";
        let head: Option<(i64, Vec<u8>)> = self
            .connection
            .prepare_cached(head)?
            .query_row([self.name], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (last, next) = (right.entries, right.entries + 1);
        if let Some((known, _)) = self.known.range(next..).next() {
            return Ok(Some(at_number(next, format!("the journal ends at {last}, and entry {known} was expected"))));
        }
        Ok(match head {
            None => Some(at_number(1, "the journal has no head: nothing says where it ends".to_owned())),
            Some((said, _)) if said > last => {
                Some(at_number(next, format!("the journal ends at {last}, and its head says {said}")))
            }
            Some((said, _)) if said < last => {
                let what = format!("the journal goes on to {last}, and its head says {said}");
                Some(at_number(said.max(0) + 1, what))
            }
            Some((_, hash)) if hash != right.head => {
                Some(at_number(last, "the head of the journal is not the hash of this last entry".to_owned()))
            }
            Some(_) => None,
        })
    }

    /// Whether each offer's status document is that of its newest line; of several that are not, the one with the lowest number.
    fn documents(&self, right: &Right) -> Result<Option<Flaw>> {
        let mut unseen: BTreeMap<&Text, i64> = right.newest.iter().map(|(of, (line, _))| (of, *line)).collect();
        unseen.retain(|offer, _| !offer.0.is_empty());
        let mut first: Option<Flaw> = None;
        let mut offers = self.connection.prepare_cached("SELECT id, document FROM offer WHERE publisher = ?1")?;
        let mut written = self
            .connection
            .prepare_cached("SELECT document = ?3, at FROM journal WHERE publisher = ?1 AND sequence = ?2")?;
        let mut note = |flaw: Flaw| {
            let is_first = first.as_ref().is_none_or(|first| flaw.sequence < first.sequence);
            first = if is_first { Some(flaw) } else { first.take() };
        };
        let mut rows = offers.query([self.name])?;
        while let Some(row) = rows.next()? {
            let offer = Text(bytes(row, 0)?.to_vec());
            let Some(line) = unseen.remove(&offer) else {
                let what = "the offer is there, and no entry is about it".to_owned();
                note(Flaw { sequence: None, offer: offer.shown(), at: None, what });
                continue;
            };
            let document: Value = row.get(1)?;
            let (same, at): (bool, i64) =
                written.query_row((self.name, line, document), |row| Ok((row.get(0)?, row.get(1)?)))?;
            if !same {
                let what =
                    "the status document that is served is not that of this entry, the offer's newest".to_owned();
                note(Flaw { sequence: Some(line), offer: offer.shown(), at: Some(at), what });
            }
        }
        for (offer, line) in unseen {
            let what = "the offer that it is about is not there".to_owned();
            note(Flaw { sequence: Some(line), offer: offer.shown(), at: None, what });
        }
        Ok(first)
    }
}

fn at_number(sequence: i64, what: String) -> Flaw {
    Flaw { sequence: Some(sequence), offer: String::new(), at: None, what }
}

/// Text or bytes as they are stored.
fn bytes<'a>(row: &'a Row<'_>, column: usize) -> rusqlite::Result<&'a [u8]> {
    Ok(row.get_ref(column)?.as_bytes()?)
}
