//! The embedded store: SQLite with one writer thread that commits whatever has queued up in one durable transaction.

use super::cache::Newest;
use super::following::{Following, News};
use super::sqlite_writer::{Job, QUEUE, in_savepoint, locked, run, write_batches};
use super::{
    Change, Claim, Document, Listed, Live, LiveSelection, Publisher, Selection, Store, StoreError, Stored, migrate,
    sealed, sqlite_durations, sqlite_journal, sqlite_live, sqlite_read, sqlite_write,
};
use crate::vault::Vault;
use async_trait::async_trait;
use publishing::moment::Moment;
use publishing::offer::{OfferKey, Snapshot};
use publishing::operation::{Operation, Purpose};
use rusqlite::{Connection, MAIN_DB, OpenFlags};
use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// How many connections wait for the next reads. Each has files open and keeps pages in memory; another is open in a moment.
const MOST_IDLE: usize = 16;

/// A SQLite database, on disk or in memory.
#[derive(Clone, Debug)]
pub struct Sqlite(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    vault: Vault,
    jobs: mpsc::Sender<Job>,
    readers: Readers,
    documents: Arc<Newest<Document>>,
    offers: Arc<Newest<Arc<Stored>>>,
    following: Arc<Following>,
    /// Rises with every change of who may what.
    generation: AtomicU64,
}

/// Where reads find a connection: their own on disk, the writer's in memory.
#[derive(Debug)]
enum Readers {
    Pool { path: PathBuf, idle: Mutex<Vec<Connection>> },
    Shared(Arc<Mutex<Connection>>),
}

impl Sqlite {
    /// Opens or creates the database in this directory, with its secrets sealed by the newest key of the vault.
    /// `cache_bytes` bounds what is kept in memory: for three quarters status documents, for one quarter offers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where another process has it open, or the directory cannot be used;
    /// [`StoreError::Corrupt`] where a key is missing.
    pub fn open(directory: &Path, cache_bytes: u64, vault: Vault) -> Result<Self, StoreError> {
        let unusable = |error: std::io::Error| StoreError::Unavailable(format!("{}: {error}", directory.display()));
        // Nobody else on the machine has any business in here: drafts are not public.
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(unusable)?;
        let private = |name: &str| {
            File::options().write(true).create(true).truncate(false).mode(0o600).open(directory.join(name))
        };
        let lock = private("portolan.lock").map_err(unusable)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::Unavailable(format!(
                "{} is in use by another portolan process; stop that one, or choose another --data directory",
                directory.display()
            )),
            TryLockError::Error(error) => unusable(error),
        })?;
        let path = directory.join("portolan.db");
        private("portolan.db").map_err(unusable)?;
        let connection = Connection::open(&path)?;
        // WAL with FULL: a commit is on the disk before it is acknowledged.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Checkpoints cost two more syncs; a longer log makes them rare, and a page written often is then copied once.
        connection.pragma_update(None, "wal_autocheckpoint", 8_192)?;
        let readers = |_| Readers::Pool { path: path.clone(), idle: Mutex::new(Vec::new()) };
        let store = Self::start(connection, readers, cache_bytes, vault, Some(lock))?;
        // The names of the database and its log must survive a power cut as well as what is in them.
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(unusable)?;
        Ok(store)
    }

    /// A database in memory with a key of its own, gone when the last handle is.
    ///
    /// # Errors
    /// Where SQLite cannot make one.
    pub fn in_memory(cache_bytes: u64) -> Result<Self, StoreError> {
        let vault = Vault::in_memory().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Self::of_image(&[], cache_bytes, vault)
    }

    /// A database in memory as another was when [`Sqlite::image`] was taken, with the same vault; a fresh one where it is empty.
    ///
    /// # Errors
    /// Where SQLite cannot make one, or the image is none.
    pub fn of_image(image: &[u8], cache_bytes: u64, vault: Vault) -> Result<Self, StoreError> {
        let mut connection = Connection::open_in_memory()?;
        if !image.is_empty() {
            connection.deserialize_read_exact(MAIN_DB, image, image.len(), false)?;
        }
        Self::start(connection, Readers::Shared, cache_bytes, vault, None)
    }

    /// Everything that a database in memory holds; nothing of one on disk, which has its files.
    ///
    /// # Errors
    /// Where SQLite cannot give it.
    pub fn image(&self) -> Result<Vec<u8>, StoreError> {
        match &self.0.readers {
            Readers::Shared(connection) => Ok(locked(connection).serialize(MAIN_DB)?.to_vec()),
            Readers::Pool { .. } => Ok(Vec::new()),
        }
    }

    fn start(
        mut connection: Connection,
        readers: impl FnOnce(Arc<Mutex<Connection>>) -> Readers,
        cache_bytes: u64,
        vault: Vault,
        lock: Option<File>,
    ) -> Result<Self, StoreError> {
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.set_prepared_statement_cache_capacity(64);
        migrate::sqlite(&mut connection)?;
        sealed::seal_all(&mut connection, &vault)?;
        sqlite_durations::fill(&mut connection)?;
        // No other process has the database open, so whoever held these leases is gone.
        connection.execute("UPDATE due SET leased_until = NULL WHERE leased_until IS NOT NULL", [])?;
        connection.execute("UPDATE lane SET fence = NULL, due_at = rests_until WHERE fence IS NOT NULL", [])?;
        let connection = Arc::new(Mutex::new(connection));
        let (jobs, queue) = mpsc::channel(QUEUE);
        let inner = Inner {
            vault,
            jobs,
            readers: readers(Arc::clone(&connection)),
            documents: Arc::new(Newest::new(cache_bytes / 4 * 3)),
            offers: Arc::new(Newest::new(cache_bytes / 4)),
            following: Arc::default(),
            generation: AtomicU64::new(0),
        };
        std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || {
                write_batches(&connection, queue);
                // Held until the last write is done.
                drop(lock);
            })
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self(Arc::new(inner)))
    }

    /// What seals secrets.
    pub(super) fn vault(&self) -> &Vault {
        &self.0.vault
    }

    /// Who waits for news.
    pub(super) fn following(&self) -> &Arc<Following> {
        &self.0.following
    }

    /// How often it has changed who may what since the store was opened.
    pub(super) fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::Acquire)
    }

    pub(super) fn raise_generation(&self) {
        self.0.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Runs `work` in the writer's next transaction; `then` sees a success once it is durable, in commit order.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = connection.and_then(|connection| in_savepoint(connection, work));
            Box::new(move |durable| {
                let result = durable.and(result);
                if let Ok(value) = &result {
                    then(value);
                }
                // Nobody waits any more where the caller has gone; the work is done all the same.
                let _ = answer.send(result);
            })
        });
        let stopped = |_| StoreError::Unavailable("the writer has stopped".into());
        self.0.jobs.send(job).await.map_err(|_| stopped(()))?;
        answered.await.map_err(|_| stopped(()))?
    }

    /// A short read on the calling thread: it is over sooner than a hop to another thread.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.0.readers.read(work)
    }

    /// A read that may take long, on a thread where that hurts nobody.
    pub(super) async fn read_long<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let store = self.clone();
        let task = tokio::task::spawn_blocking(move || store.read(work));
        task.await.map_err(|error| StoreError::Unavailable(error.to_string()))?
    }
}

impl Readers {
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self {
            Self::Shared(connection) => work(&locked(connection)),
            Self::Pool { path, idle } => {
                let pooled = locked(idle).pop();
                let connection = pooled.map_or_else(|| open_reader(path), Ok)?;
                let result = work(&connection);
                let mut idle = locked(idle);
                if result.is_ok() && idle.len() < MOST_IDLE {
                    idle.push(connection);
                }
                result
            }
        }
    }
}

fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

#[async_trait]
impl Store for Sqlite {
    async fn load(&self, key: &OfferKey) -> Result<Option<Stored>, StoreError> {
        let name = key.name();
        let load = || self.read(|connection| sqlite_read::load(connection, &self.0.vault, key));
        let stored = self.0.offers.get(&name, || Ok(load()?.map(Arc::new)))?;
        Ok(stored.map(|stored| Stored::clone(&stored)))
    }

    async fn commit(&self, change: Change) -> Result<usize, StoreError> {
        let (documents, offers) = (Arc::clone(&self.0.documents), Arc::clone(&self.0.offers));
        let name = change.offer.key.name();
        let document = change.document.clone();
        let stored = Arc::new(Stored { offer: change.offer.clone(), revision: change.decided_on.unwrap_or(0) + 1 });
        let vault = self.0.vault.clone();
        let following = Arc::clone(&self.0.following);
        // Whoever begins to follow only now reads what this commits from the journal.
        let is_followed = following.has(&name);
        let work = move |connection: &Connection| {
            let (sequence, letters) = sqlite_write::commit(connection, &vault, &change)?;
            let news = || sqlite_journal::news(connection, &change.offer.key, sequence);
            Ok((sequence, if is_followed { news()?.map(Arc::new) } else { None }, letters))
        };
        let put = move |(sequence, news, _): &(i64, Option<Arc<News>>, usize)| {
            offers.put(name.clone(), stored);
            documents.put(name.clone(), document);
            following.tell(&name, *sequence, news.clone());
        };
        self.write(work, put).await.map(|(_, _, letters)| letters)
    }

    fn status(&self, name: &str) -> Result<Option<Document>, StoreError> {
        self.0.documents.get(name, || self.read(|connection| sqlite_read::document(connection, name)))
    }

    async fn offers(&self, selection: Selection) -> Result<Vec<Listed>, StoreError> {
        self.read_long(move |connection| sqlite_read::offers(connection, &selection)).await
    }

    async fn listed(&self, keys: Vec<OfferKey>) -> Result<Vec<Option<Listed>>, StoreError> {
        self.read_long(move |connection| sqlite_read::listed(connection, &keys)).await
    }

    async fn live(&self, selection: LiveSelection) -> Result<Vec<Live>, StoreError> {
        self.read_long(move |connection| sqlite_live::live(connection, &selection)).await
    }

    async fn snapshot(&self, key: &OfferKey, version: i64) -> Result<Option<Snapshot>, StoreError> {
        self.read(|connection| sqlite_read::snapshot(connection, &self.0.vault, key, version))
    }

    async fn operations(&self, key: &OfferKey) -> Result<Vec<Operation>, StoreError> {
        let key = key.clone();
        self.read_long(move |connection| sqlite_read::operations(connection, &key)).await
    }

    async fn operation(&self, id: Uuid) -> Result<Option<(OfferKey, Operation)>, StoreError> {
        self.read(|connection| sqlite_read::operation(connection, id))
    }

    async fn operation_of_version(
        &self,
        key: &OfferKey,
        version: i64,
        purpose: Purpose,
    ) -> Result<Option<Operation>, StoreError> {
        self.read(|connection| sqlite_read::operation_of_version(connection, key, version, purpose))
    }

    async fn running(&self) -> Result<Vec<(OfferKey, Operation)>, StoreError> {
        self.read_long(sqlite_read::running).await
    }

    async fn claim(&self, now: Moment, until: Moment, most: usize) -> Result<Vec<Claim>, StoreError> {
        // A look first: a claim of nothing would be a durable commit all the same.
        if self.next_due().await?.is_none_or(|at| at > now) {
            return Ok(Vec::new());
        }
        self.write(move |connection| sqlite_write::claim(connection, now, until, most), |_| {}).await
    }

    async fn renew(&self, claim: &Claim, until: Moment) -> Result<(), StoreError> {
        let claim = claim.clone();
        self.write(move |connection| sqlite_write::renew(connection, &claim, until), |()| {}).await
    }

    async fn put_off(&self, claim: &Claim, until: Moment, was_run: bool) -> Result<(), StoreError> {
        let claim = claim.clone();
        self.write(move |connection| sqlite_write::put_off(connection, &claim, until, was_run), |()| {}).await
    }

    async fn next_due(&self) -> Result<Option<Moment>, StoreError> {
        self.read(sqlite_read::next_due)
    }

    async fn add_publisher(&self, publisher: Publisher) -> Result<(), StoreError> {
        self.write(move |connection| sqlite_write::add_publisher(connection, &publisher).map(drop), |()| {}).await
    }

    async fn pipeline_digest(&self, offer_type: &str) -> Result<Option<String>, StoreError> {
        self.read(|connection| sqlite_read::pipeline_digest(connection, offer_type))
    }

    async fn set_pipeline_digest(&self, offer_type: &str, digest: &str) -> Result<(), StoreError> {
        let (offer_type, digest) = (offer_type.to_owned(), digest.to_owned());
        self.write(move |connection| sqlite_write::set_pipeline_digest(connection, &offer_type, &digest), |()| {}).await
    }

    async fn planned_only(&self, offer_type: &str) -> Result<Vec<OfferKey>, StoreError> {
        let offer_type = offer_type.to_owned();
        self.read_long(move |connection| sqlite_read::planned_only(connection, &offer_type)).await
    }

    async fn shown(&self) -> Result<Vec<OfferKey>, StoreError> {
        self.read_long(sqlite_read::shown).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.write(|connection| run(connection, "UPDATE fence SET highest = highest + 1"), |()| {}).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        let Readers::Pool { path, .. } = &self.0.readers else { return Ok(()) };
        let path = path.clone();
        self.read_long(move |_| {
            let connection = Connection::open(&path)?;
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_IDLE, Readers, Sqlite};
    use crate::vault::Vault;

    fn reads_at_once(store: &Sqlite, more: usize) {
        let read = store.read(|_| {
            if more > 0 {
                reads_at_once(store, more - 1);
            }
            Ok(())
        });
        read.unwrap();
    }

    #[test]
    fn many_reads_at_once_leave_few_connections() {
        let data = tempfile::tempdir().unwrap();
        let store = Sqlite::open(data.path(), 1 << 20, Vault::in_memory().unwrap()).unwrap();
        reads_at_once(&store, 3 * MOST_IDLE);
        let Readers::Pool { idle, .. } = &store.0.readers else { panic!("it is on disk") };
        assert_eq!(idle.lock().unwrap().len(), MOST_IDLE);
    }
}
