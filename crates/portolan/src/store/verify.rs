//! Whether the journal is whole: reads every line of a database, changes nothing, and names the first line of each circle
//! that is not as it was written.

use super::chain::{GENESIS, Link};
use super::{StoreError, migrate};
use rusqlite::types::{ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use std::collections::BTreeMap;
use std::path::Path;
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
    let look = || [&path, &log].map(|file| std::fs::metadata(file).map(|file| (file.len(), file.modified().ok())).ok());
    let before = look();
    if before[1].is_none_or(|(length, _)| length == 0) {
        // Nobody works on it. Opened in the usual way, even for reading, SQLite would put files of its own beside it.
        let found = verify_opened(&path, true, known, progress);
        if look() == before {
            return found;
        }
        // A service was started meanwhile, and may have written under our hands.
    }
    verify_opened(&path, false, known, progress)
}

fn verify_opened(
    path: &Path,
    is_still: bool,
    known: &[KnownEntry],
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Verified>> {
    let connection = opened(path, is_still)?;
    // One snapshot for all of it, whatever is committed meanwhile.
    let snapshot = connection.unchecked_transaction()?;
    verify_with(&snapshot, known, progress)
}

fn opened(path: &Path, is_still: bool) -> Result<Connection> {
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
    let mut looked_at = 0;
    let mut told = || {
        looked_at += 1;
        if looked_at % TOLD_EVERY == 0 {
            progress(looked_at);
        }
    };
    // Whoever takes a journal away with its head leaves those who had it; the marketplace always has one.
    let mut statement = connection.prepare(
        "SELECT '$marketplace' UNION SELECT circle FROM chain UNION SELECT folded FROM publisher UNION SELECT circle FROM member
          UNION SELECT publisher FROM journal UNION SELECT publisher FROM offer",
    )?;
    let names = statement.query_map([], |row| Ok(Text(bytes(row, 0)?.to_vec())))?;
    let names: Vec<Text> = names.collect::<rusqlite::Result<_>>()?;
    let mut found = Vec::new();
    for name in &names {
        let of_it = known.iter().filter(|entry| entry.circle.as_bytes() == name.0);
        let circle = Circle { connection, name, known: of_it.map(|one| (one.sequence, one.hash)).collect() };
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
        let leaves_no_trace =
            [r#""event":"replanned""#, r#""event":"linksRenewed""#].iter().any(|event| entry.contains(event));
        right.newest.insert(offer, (sequence, if leaves_no_trace { earliest } else { at }));
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
            let place = |flaw: &Flaw| flaw.sequence.unwrap_or(i64::MAX);
            let is_first = first.as_ref().is_none_or(|first| place(&flaw) < place(first));
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

#[cfg(test)]
mod tests {
    use super::{GENESIS, KnownEntry, Link, Verified, verify_with};
    use crate::store::migrate;
    use rusqlite::{Connection, params};
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::time::Instant;

    const DAMAGES: usize = 10_000;
    const CONTOSO: i64 = 250;

    /// A fixed sequence of pseudo-random numbers: the same ones every time.
    struct Random(u64);

    impl Random {
        fn below(&mut self, below: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 % u64::try_from(below).unwrap()).unwrap()
        }

        fn line(&mut self) -> i64 {
            i64::try_from(self.below(usize::try_from(CONTOSO).unwrap())).unwrap() + 1
        }
    }

    fn put(connection: &Connection, circle: &str, lines: i64, document_bytes: usize) {
        let mut head = GENESIS;
        let mut newest = BTreeMap::new();
        let mut insert = connection.prepare("INSERT INTO journal VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)").unwrap();
        for sequence in 1..=lines {
            let offer = if sequence % 7 == 0 { String::new() } else { format!("memo-{}", sequence % 5) };
            let entry = format!(r#"{{"at":{sequence},"actor":"ci","event":"draftSaved"}}"#);
            let document = match offer.is_empty() {
                true => Vec::new(),
                false => format!(r#"{{"status":"running","n":{sequence}}}{}"#, "x".repeat(document_bytes)).into_bytes(),
            };
            let at = 639_309_372_000_000_000 + sequence / 2;
            let link = Link { circle, sequence, offer: &offer, at, entry: &entry, document: &document };
            head = link.hash(&head);
            insert.execute(params![circle, sequence, offer, at, entry, document, head]).unwrap();
            newest.insert(offer, document);
        }
        connection
            .execute("INSERT OR REPLACE INTO chain VALUES (?1, ?2, ?3, 0)", params![circle, lines, head])
            .unwrap();
        for (offer, document) in newest.into_iter().filter(|(offer, _)| !offer.is_empty()) {
            let statement = "INSERT INTO offer (publisher, id, revision, offer_type, version, status, display_text, changed_at,
                                saved_at, live_plans, etag, document) VALUES (?1, ?2, 1, 'memo', 1, 'running', '', 1, 1, '[]', '', ?3)";
            connection.execute(statement, params![circle, offer, document]).unwrap();
        }
    }

    fn filled() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate::sqlite(&mut connection).unwrap();
        connection.pragma_update(None, "foreign_keys", false).unwrap();
        put(&connection, "contoso", CONTOSO, 40);
        put(&connection, "fabrikam", 30, 40);
        connection
    }

    fn verified(connection: &Connection, known: &[KnownEntry]) -> Vec<Verified> {
        verify_with(connection, known, &mut |_| {}).unwrap()
    }

    fn hash_of(connection: &Connection, sequence: i64) -> [u8; 32] {
        let text = "SELECT hash FROM journal WHERE publisher = 'contoso' AND sequence = ?1";
        connection.query_row(text, [sequence], |row| row.get(0)).unwrap()
    }

    /// Flips one bit of a value; what was text stays text, though it may be none any more.
    fn flip(connection: &Connection, random: &mut Random, table: &str, column: &str, rowid: i64) {
        let get = format!("SELECT CAST({column} AS BLOB), typeof({column}) FROM {table} WHERE rowid = ?1");
        let (mut bytes, kind): (Vec<u8>, String) =
            connection.query_row(&get, [rowid], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        if bytes.is_empty() {
            bytes.push(b'x');
        } else {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        let set = format!("UPDATE {table} SET {column} = CAST(?2 AS {kind}) WHERE rowid = ?1");
        connection.execute(&set, params![rowid, bytes]).unwrap();
    }

    fn flip_number(connection: &Connection, random: &mut Random, table: &str, column: &str, rowid: i64) -> i64 {
        let get = format!("SELECT {column} FROM {table} WHERE rowid = ?1");
        let was: i64 = connection.query_row(&get, [rowid], |row| row.get(0)).unwrap();
        let flipped = was ^ (1 << random.below(64));
        // A number that is taken already cannot be written.
        let set = format!("UPDATE OR IGNORE {table} SET {column} = ?2 WHERE rowid = ?1");
        connection.execute(&set, [rowid, flipped]).unwrap();
        connection.query_row(&get, [rowid], |row| row.get(0)).unwrap()
    }

    fn rowid(connection: &Connection, sequence: i64) -> i64 {
        let text = "SELECT rowid FROM journal WHERE publisher = 'contoso' AND sequence = ?1";
        connection.query_row(text, [sequence], |row| row.get(0)).unwrap()
    }

    /// Makes the hashes from a line on right again, and the head.
    fn chain_anew(connection: &Connection, from: i64) {
        let mut head = if from == 1 { GENESIS } else { hash_of(connection, from - 1) };
        let text = "SELECT sequence, offer, at, entry, document FROM journal
                     WHERE publisher = 'contoso' AND sequence >= ?1 ORDER BY sequence";
        let mut statement = connection.prepare(text).unwrap();
        let lines = statement
            .query_map([from], |row| {
                Ok((
                    row.get(0)?,
                    row.get::<_, String>(1)?,
                    row.get(2)?,
                    row.get::<_, String>(3)?,
                    row.get::<_, Vec<u8>>(4)?,
                ))
            })
            .unwrap();
        let lines: Vec<(i64, String, i64, String, Vec<u8>)> = lines.collect::<rusqlite::Result<_>>().unwrap();
        for (sequence, offer, at, entry, document) in &lines {
            let link = Link { circle: "contoso", sequence: *sequence, offer, at: *at, entry, document };
            head = link.hash(&head);
            let set = "UPDATE journal SET hash = ?2 WHERE publisher = 'contoso' AND sequence = ?1";
            connection.execute(set, params![sequence, head]).unwrap();
        }
        let last = lines.last().map_or(from - 1, |line| line.0);
        connection
            .execute("UPDATE chain SET sequence = ?1, head = ?2 WHERE circle = 'contoso'", params![last, head])
            .unwrap();
    }

    /// Does one kind of damage; gives what was kept outside, and the number that has to be named, if there was any damage.
    fn damage(connection: &Connection, random: &mut Random, kind: usize) -> (Vec<KnownEntry>, Option<Option<i64>>) {
        let (line, of) = (random.line(), |connection: &Connection, text: &str, line: i64| {
            connection.execute(text, [line]).unwrap();
        });
        let known = |sequence| KnownEntry { circle: "contoso".into(), sequence, hash: hash_of(connection, sequence) };
        let named = |sequence| (Vec::new(), Some(Some(sequence)));
        match kind {
            0..=3 => {
                flip(
                    connection,
                    random,
                    "journal",
                    ["offer", "entry", "document", "hash"][kind],
                    rowid(connection, line),
                );
                named(line)
            }
            4 => {
                flip_number(connection, random, "journal", "at", rowid(connection, line));
                named(line)
            }
            5 => match flip_number(connection, random, "journal", "sequence", rowid(connection, line)) {
                same if same == line => (Vec::new(), None),
                early if early < line => named(early),
                _ => named(line),
            },
            6 => {
                flip(connection, random, "journal", "publisher", rowid(connection, line));
                named(line)
            }
            7 => {
                of(connection, "DELETE FROM journal WHERE publisher = 'contoso' AND sequence = ?1", line);
                named(line)
            }
            8 => {
                of(
                    connection,
                    "UPDATE journal SET sequence = -1 - sequence WHERE publisher = 'contoso' AND sequence >= ?1",
                    line,
                );
                connection.execute("UPDATE journal SET sequence = -sequence WHERE sequence < 0", []).unwrap();
                let forged = "INSERT INTO journal SELECT publisher, ?1, offer, at, entry, document, hash FROM journal
                               WHERE publisher = 'contoso' AND sequence = ?1 + 1";
                of(connection, forged, line);
                // The copy of a line, at its place, is that line: what is wrong is the next one.
                named(line + 1)
            }
            9 => {
                let other = random.line();
                let columns = "(offer, at, entry, document, hash)";
                let swap = format!(
                    "UPDATE journal SET {columns} = (SELECT offer, at, entry, document, hash FROM journal j WHERE j.publisher = 'contoso'
                        AND j.sequence = ?1 + ?2 - journal.sequence) WHERE publisher = 'contoso' AND sequence IN (?1, ?2)"
                );
                let both = format!(
                    "CREATE TEMP TABLE kept AS SELECT * FROM journal WHERE publisher = 'contoso' AND sequence IN ({line}, {other})"
                );
                connection.execute_batch(&both).unwrap();
                connection.execute(&swap.replace("FROM journal j", "FROM kept j"), [line, other]).unwrap();
                connection.execute_batch("DROP TABLE kept").unwrap();
                if line == other { (Vec::new(), None) } else { named(line.min(other)) }
            }
            10 => {
                of(connection, "DELETE FROM journal WHERE publisher = 'contoso' AND sequence >= ?1", line);
                named(line)
            }
            11 => {
                let kept = known(line.max(random.line()));
                of(connection, "DELETE FROM journal WHERE publisher = 'contoso' AND sequence >= ?1", line);
                chain_anew(connection, line);
                (vec![kept], Some(Some(line)))
            }
            12 => {
                let (kept, anew) = (known(line), random.line().min(line));
                of(
                    connection,
                    "UPDATE journal SET entry = replace(entry, 'ci', 'me') WHERE publisher = 'contoso' AND sequence = ?1",
                    anew,
                );
                chain_anew(connection, anew);
                (vec![kept], Some(Some(line)))
            }
            13 => {
                let row = "SELECT rowid FROM chain WHERE circle = 'contoso'";
                let row: i64 = connection.query_row(row, [], |row| row.get(0)).unwrap();
                match flip_number(connection, random, "chain", "sequence", row) {
                    more if more > CONTOSO => named(CONTOSO + 1),
                    less => named(less.max(0) + 1),
                }
            }
            14 => {
                let row = "SELECT rowid FROM chain WHERE circle = 'contoso'";
                let row: i64 = connection.query_row(row, [], |row| row.get(0)).unwrap();
                let column = ["head", "circle"][random.below(2)];
                flip(connection, random, "chain", column, row);
                named(if column == "head" { CONTOSO } else { 1 })
            }
            _ => {
                let offer = format!("memo-{}", random.below(5));
                let newest = "SELECT MAX(sequence) FROM journal WHERE publisher = 'contoso' AND offer = ?1";
                let newest: i64 = connection.query_row(newest, [&offer], |row| row.get(0)).unwrap();
                let row = "SELECT rowid FROM offer WHERE publisher = 'contoso' AND id = ?1";
                let row: i64 = connection.query_row(row, [&offer], |row| row.get(0)).unwrap();
                if random.below(2) == 0 {
                    flip(connection, random, "offer", "document", row);
                } else {
                    of(connection, "DELETE FROM offer WHERE rowid = ?1", row);
                }
                named(newest)
            }
        }
    }

    #[test]
    #[expect(clippy::print_stdout, reason = "the figures are what it is run for")]
    fn every_damage_is_found_and_the_first_bad_entry_is_named() {
        let connection = filled();
        assert!(verified(&connection, &[]).iter().all(|circle| circle.flaw.is_none()));
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        let (mut done, mut tried) = ([0; 16], 0);
        while done.iter().sum::<usize>() < DAMAGES {
            let kind = tried % done.len();
            tried += 1;
            connection.execute_batch("SAVEPOINT undamaged").unwrap();
            let (known, expected) = damage(&connection, &mut random, kind);
            if let Some(expected) = expected {
                let found = verified(&connection, &known);
                let flaw = found.iter().find(|one| one.circle == "contoso").unwrap().flaw.clone();
                let flaw = flaw.unwrap_or_else(|| panic!("damage {tried} of kind {kind} was not found"));
                assert_eq!(flaw.sequence, expected, "damage {tried} of kind {kind}: {flaw:?}");
                let other = found.iter().find(|one| one.circle == "fabrikam").unwrap();
                assert!(other.flaw.is_none() && other.entries == 30, "{other:?}");
                done[kind] += 1;
            }
            connection.execute_batch("ROLLBACK TO undamaged; RELEASE undamaged").unwrap();
        }
        println!("{} damages, all found and named; by kind: {done:?}", done.iter().sum::<usize>());
    }

    #[test]
    fn what_right_hashes_cannot_hide_is_found() {
        let connection = filled();
        let flaw = |connection: &Connection| verified(connection, &[])[1].flaw.clone().unwrap();
        let within = |change: &dyn Fn(&Connection), expected: Option<i64>, words: &str| {
            connection.execute_batch("SAVEPOINT undamaged").unwrap();
            change(&connection);
            let flaw = flaw(&connection);
            assert!(flaw.sequence == expected && flaw.what.contains(words), "{flaw:?}");
            connection.execute_batch("ROLLBACK TO undamaged; RELEASE undamaged").unwrap();
        };
        let run = |connection: &Connection, text: &str| connection.execute_batch(text).unwrap();
        let back = |connection: &Connection| {
            run(connection, "UPDATE journal SET at = at - 1000 WHERE publisher = 'contoso' AND sequence = 101");
            chain_anew(connection, 101);
        };
        within(&back, Some(101), "its time is before");
        let cut = |connection: &Connection| {
            run(connection, "DELETE FROM journal WHERE publisher = 'contoso' AND sequence > 240");
            chain_anew(connection, 241);
        };
        within(&cut, Some(233), "is not that of this entry");
        let added = "INSERT INTO offer (publisher, id, revision, offer_type, version, status, display_text, changed_at, saved_at,
                        live_plans, etag, document) VALUES ('contoso', 'new', 1, 'memo', 1, 'running', '', 1, 1, '[]', '', x'')";
        within(&|connection| run(connection, added), None, "no entry is about it");
        let longer = "INSERT INTO journal SELECT publisher, 251, offer, at, entry, document, hash FROM journal WHERE publisher = 'contoso' AND sequence = 250";
        within(
            &|connection| {
                run(connection, longer);
                chain_anew(connection, 251);
                run(connection, "UPDATE chain SET sequence = 250 WHERE circle = 'contoso'");
            },
            Some(251),
            "goes on to 251",
        );
        let elsewhere = KnownEntry { circle: "nobody".into(), sequence: 1, hash: [0; 32] };
        let found = verified(&connection, &[elsewhere]);
        assert!(found.iter().any(|one| one.circle == "nobody" && one.flaw.is_some()));
    }

    #[test]
    fn a_journal_that_vanished_with_its_head_is_missing() {
        let flawed = |change: &str| -> Vec<String> {
            let connection = filled();
            let there = "INSERT INTO publisher VALUES ('contoso', 'Contoso', '', '', 1);
                         INSERT INTO member VALUES ('fabrikam', '1', '[]', 1)";
            connection.execute_batch(there).unwrap();
            assert!(verified(&connection, &[]).iter().all(|circle| circle.flaw.is_none()));
            connection.execute_batch(change).unwrap();
            let bad = verified(&connection, &[]).into_iter().filter_map(|one| one.flaw.map(|flaw| (one.circle, flaw)));
            bad.inspect(|(_, flaw)| assert!(flaw.what.contains("has no head"), "{flaw:?}"))
                .map(|(name, _)| name)
                .collect()
        };
        let gone = "DELETE FROM journal WHERE publisher = 'NAME'; DELETE FROM chain WHERE circle = 'NAME';
                    DELETE FROM offer WHERE publisher = 'NAME'";
        for name in ["contoso", "fabrikam", "$marketplace"] {
            assert_eq!(flawed(&gone.replace("NAME", name)), [name]);
        }
        let all =
            "DELETE FROM journal; DELETE FROM chain; DELETE FROM offer; DELETE FROM publisher; DELETE FROM member";
        assert_eq!(flawed(all), ["$marketplace"]);
    }

    #[test]
    fn lines_are_read_in_the_order_of_an_index() {
        let connection = filled();
        let text = "EXPLAIN QUERY PLAN SELECT sequence, offer FROM journal WHERE publisher = ?1 ORDER BY sequence";
        let plan: String = connection.query_row(text, ["contoso"], |row| row.get(3)).unwrap();
        assert!(plan.contains("USING INDEX"), "{plan}");
    }

    #[test]
    #[ignore = "measures; run it by name, with --release where it shall say something"]
    #[expect(clippy::print_stdout, reason = "the figures are what it is run for")]
    fn how_fast_a_long_journal_is_verified() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("portolan.db");
        let mut connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        migrate::sqlite(&mut connection).unwrap();
        connection.pragma_update(None, "foreign_keys", false).unwrap();
        connection.execute_batch("BEGIN").unwrap();
        put(&connection, "contoso", 100_000, 3_000);
        connection.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        drop(connection);
        let began = Instant::now();
        let found = super::verify(Path::new(directory.path()), &[], &mut |_| {}).unwrap();
        assert!(found.iter().all(|one| one.flaw.is_none()));
        println!("100,000 lines of 3 KB verified in {:?}", began.elapsed());
    }
}
