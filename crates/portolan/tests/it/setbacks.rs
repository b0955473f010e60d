//! When the world says not now: pipelines that change, types that go, checks that cannot be run, readiness.

use crate::world::{Setting, World, memo_type, vault};
use portolan::store::{Sqlite, Store};
use publishing::offer_type::OfferTypes;
use publishing::pipeline::CheckKind;
use std::sync::Arc;
use std::time::Duration;

fn only(types: impl IntoIterator<Item = publishing::offer_type::OfferType>) -> Setting {
    let mut setting = Setting { types: OfferTypes::default(), ..Setting::default() };
    types.into_iter().for_each(|offer_type| setting.types.add(offer_type));
    setting
}

#[tokio::test]
async fn a_changed_pipeline_shows_in_unpublished_offers_and_leaves_running_ones_alone() {
    let store: Arc<dyn Store> = Arc::new(Sqlite::in_memory(1 << 20).unwrap());
    let before = World::on(Arc::clone(&store), only([memo_type()])).await;
    before.put_memo("planned").await;
    before.put_memo("running").await;
    before.post("/api/publishers/contoso/offers/running/publish", "").await;
    let frozen = before.status("running").await["steps"].clone();

    let mut changed = memo_type();
    changed.pipeline = changed
        .pipeline
        .with_checks(|_, step| match step.id.as_str() {
            "review" => vec![CheckKind::Pause { seconds: 5 }],
            _ => step.checks.clone(),
        })
        .unwrap();
    let file = include_str!("../memo.toml").replace("name = \"Review\"", "name = \"Second look\"");
    let renamed = publishing::offer_type::OfferTypeFile::parse("memo.toml", &file).unwrap();
    let renamed = renamed.with_schema("memo.toml", include_str!("../memo.schema.json")).unwrap();
    let after = World::on(store, only([renamed])).await;
    assert_eq!(after.status("planned").await["steps"][1]["stepName"], "Second look");
    assert_eq!(after.status("running").await["steps"], frozen);
    assert_eq!(after.perform.replan().await.unwrap(), 0, "what is planned is not planned again");
}

#[tokio::test]
async fn a_check_that_cannot_be_run_is_tried_five_times_then_blocked_and_goes_on_when_it_can() {
    let store: Arc<dyn Store> = Arc::new(Sqlite::in_memory(1 << 20).unwrap());
    let before = World::on(Arc::clone(&store), only([memo_type()])).await;
    before.put_memo("memo-1").await;
    before.post("/api/publishers/contoso/offers/memo-1/publish", "").await;
    // The operator takes the type away: nobody can judge the definition by it.
    let without = World::on(Arc::clone(&store), only([])).await;
    without.clock.advance(Duration::from_secs(2));
    for _ in 0..4 {
        assert!(without.worker.work_off_due().await.unwrap() > 0);
        assert_eq!(without.status("memo-1").await["steps"][0]["status"], "inProgress");
        without.clock.advance(Duration::from_secs(60));
    }
    without.worker.work_off_due().await.unwrap();
    let step = without.status("memo-1").await["steps"][0].clone();
    assert_eq!((&step["status"], &step["messages"][0]["code"]), (&"blocked".into(), &"CheckCannotRun".into()));
    assert!(
        !step["messages"][0]["messageHtml"].as_str().unwrap().contains("configured"),
        "the cause is the operator's"
    );
    // It is put back, and unblocked, check by check.
    let again = World::on(store, only([memo_type()])).await;
    again.clock.advance(Duration::from_secs(3600));
    for _ in 0..2 {
        assert_eq!(again.verdict("memo-1", "unblock", "").await.status, 200);
    }
    again.settle().await;
    assert_eq!(again.status("memo-1").await["steps"][0]["status"], "complete");
}

#[tokio::test]
async fn a_worker_with_nothing_to_do_writes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(data.path(), 1 << 20, vault()).unwrap());
    let world = World::on(store, Setting::default()).await;
    world.put_memo("memo-1").await;
    // Something will be due, but is not yet: the clock stands.
    world.post("/api/publishers/contoso/offers/memo-1/publish", "").await;
    let log = || std::fs::metadata(data.path().join("portolan.db-wal")).unwrap().len();
    let before = log();
    for _ in 0..100 {
        assert_eq!(world.worker.work_off_due().await.unwrap(), 0);
    }
    assert_eq!(log(), before);
    assert_eq!(world.get("/readyz").await.status, 200);
    let probed = log();
    assert!(probed > before, "ready means that a write went through");
    for _ in 0..20 {
        world.get("/readyz").await;
    }
    assert_eq!(log(), probed, "asking often writes once a second");
}

#[tokio::test]
async fn a_check_that_ends_its_worker_every_time_is_blocked() {
    let world = World::with(only([memo_type()])).await;
    world.put_memo("memo-1").await;
    world.post("/api/publishers/contoso/offers/memo-1/publish", "").await;
    world.clock.advance(Duration::from_secs(2));
    for attempt in 1..=5 {
        // Whoever claims it is never heard of again.
        let now = world.clock.now();
        let claims = world.store.claim(now, now.plus_seconds(30), 10).await.unwrap();
        assert!(claims.len() == 2 && claims.iter().all(|claim| claim.attempt == attempt), "{claims:?}");
        world.clock.advance(Duration::from_secs(31));
    }
    world.worker.work_off_due().await.unwrap();
    let step = world.status("memo-1").await["steps"][0].clone();
    assert_eq!((&step["status"], &step["messages"][0]["code"]), (&"blocked".into(), &"CheckCannotRun".into()));
    for _ in 0..2 {
        assert_eq!(world.verdict("memo-1", "unblock", "").await.status, 200);
    }
    world.settle().await;
    assert_eq!(world.status("memo-1").await["steps"][0]["status"], "complete", "its tries count from the beginning");
}

#[tokio::test]
async fn what_a_dead_process_had_in_hand_is_due_at_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    let held = {
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(data.path(), 1 << 20, vault()).unwrap());
        let world = World::on(Arc::clone(&store), Setting::default()).await;
        world.put_memo("memo-1").await;
        world.post("/api/publishers/contoso/offers/memo-1/publish", "").await;
        world.clock.advance(Duration::from_secs(2));
        let now = world.clock.now();
        store.claim(now, now.plus_seconds(30), 10).await.unwrap()
    };
    // As a new process finds it: the file as it is, and nobody's lock.
    let copy = tempfile::tempdir().unwrap();
    for file in ["portolan.db", "portolan.db-wal"] {
        std::fs::copy(data.path().join(file), copy.path().join(file)).unwrap();
    }
    let store = Sqlite::open(copy.path(), 1 << 20, vault()).unwrap();
    let now = portolan::clock::Clock::turned(crate::world::START).now().plus_seconds(2);
    let again = store.claim(now, now.plus_seconds(30), 10).await.unwrap();
    assert_eq!(again.len(), held.len());
    assert!(again.iter().all(|claim| held.iter().all(|old| claim.fence > old.fence)), "and the dead are fenced off");
}
