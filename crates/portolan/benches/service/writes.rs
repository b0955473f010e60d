//! Durable transitions, against raw commits of SQLite with the same durability on the same disk.

use crate::median;
use portolan::auth::{Caller, Permission, Role};
use portolan::checks::Checks;
use portolan::clock::Clock;
use portolan::links::Links;
use portolan::perform::Perform;
use portolan::store::{Claims, Publisher, Sqlite, Store};
use portolan::vault::Vault;
use portolan::work::Worker;
use publishing::command::{Command, Expected};
use publishing::decide::MissingIfMatch;
use publishing::offer::{OfferId, PublisherId};
use publishing::offer_type::OfferTypes;
use publishing::principal::Circle;
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

const DEFINITION: &str = include_str!("../../samples/virtual-machine.json");

/// Prints transitions a second, one at a time and many at once, against raw commits one at a time.
pub(crate) fn compare(quick: bool) {
    let (rounds, length) = if quick { (1, Duration::from_millis(50)) } else { (5, Duration::from_secs(2)) };
    // On the disk that the build is on: a temporary directory may lie in memory, where nothing is durable.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let raw = raw_database(&directory.path().join("raw.db"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let perform = runtime.block_on(service(&directory.path().join("service")));
    let (mut base, mut one, mut many) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        base.push(raw_commits(&raw, length));
        one.push(runtime.block_on(transitions(&perform, 1, length)));
        many.push(runtime.block_on(transitions(&perform, 64, length)));
    }
    if quick {
        return;
    }
    let ratio = |figures: &[f64]| median(figures.iter().zip(&base).map(|(figure, base)| figure / base).collect());
    let (one_ratio, many_ratio) = (ratio(&one), ratio(&many));
    println!("durable transitions (save a draft of {} bytes), medians of {rounds} rounds", DEFINITION.len());
    println!("  raw SQLite commits, synchronous=FULL   {:>8.0} a second", median(base));
    println!("  one at a time                          {:>8.0} a second   ratio {one_ratio:.2}", median(one));
    println!("  64 at once                             {:>8.0} a second   ratio {many_ratio:.2}", median(many));
}

fn raw_database(path: &Path) -> Connection {
    let raw = Connection::open(path).unwrap();
    raw.pragma_update(None, "journal_mode", "WAL").unwrap();
    raw.pragma_update(None, "synchronous", "FULL").unwrap();
    raw.execute_batch("CREATE TABLE offer (id INTEGER PRIMARY KEY, definition TEXT) STRICT").unwrap();
    raw
}

/// The same text, one row a commit, in place.
fn raw_commits(raw: &Connection, length: Duration) -> f64 {
    let mut statement = raw.prepare("INSERT OR REPLACE INTO offer (id, definition) VALUES (?1, ?2)").unwrap();
    let (began, mut commits) = (Instant::now(), 0_u32);
    while began.elapsed() < length {
        statement.execute((commits % 64, DEFINITION)).unwrap();
        commits += 1;
    }
    f64::from(commits) / began.elapsed().as_secs_f64()
}

async fn service(directory: &Path) -> Perform {
    let vault = Vault::open(&directory.join("secret.key")).unwrap();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(directory, 16 << 20, vault).unwrap());
    let id = PublisherId::parse("contoso").unwrap();
    let publisher = Publisher { id, display_text: "Contoso".into(), seller_id: String::new(), version: 1 };
    store.add_publisher(publisher).await.unwrap();
    let types = Arc::new(OfferTypes::built_in().unwrap());
    let links = Links::new("http://portolan.test".into(), &[7; 32]);
    let perform = Perform::new(Arc::clone(&store), Clock::system(), Arc::clone(&types), MissingIfMatch::Accept, links);
    // Every commit wakes the worker, here as in a service.
    let worker = Worker::new(Claims::new(store), perform.clone(), types, Checks::default(), Clock::system());
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        worker.run(stopped).await;
        drop(stop);
    });
    perform
}

/// Saves drafts from so many tasks, each on an offer of its own.
async fn transitions(perform: &Perform, tasks: usize, length: Duration) -> f64 {
    let began = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|task| {
            let perform = perform.clone();
            tokio::spawn(async move {
                let contoso = PublisherId::parse("contoso").unwrap();
                let caller = Caller::new("bench", None).with(Circle::Publisher(contoso), [Role::Owner]);
                let by = caller.authorise("contoso", Permission::SaveDraft).unwrap();
                let offer = OfferId::parse(&format!("offer-{task}")).unwrap();
                let mut saved = 0_u32;
                while began.elapsed() < length {
                    let command = Command::SaveDraft {
                        offer_type: "microsoft-azure-virtualmachines".into(),
                        definition: DEFINITION.to_owned().into(),
                        expected: Expected::Unstated,
                    };
                    perform.perform(&by, &offer, command).await.unwrap();
                    saved += 1;
                }
                saved
            })
        })
        .collect();
    let mut saved = 0;
    for task in running {
        saved += task.await.unwrap();
    }
    f64::from(saved) / began.elapsed().as_secs_f64()
}
