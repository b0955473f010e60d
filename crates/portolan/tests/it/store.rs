//! What every store promises: one suite, run against each of them.

use crate::world::{START, links, memo_type, opened};
use portolan::store::{
    Change, Claim, Directory, Document, GENESIS, Learned, Line, Link, Publisher, Sqlite, Store, StoreError, Then,
    UnderClaim,
};
use portolan::wire;
use publishing::command::{Command, Ending, Expected, Report};
use publishing::decide::{Context, Decision, MissingIfMatch, decide};
use publishing::moment::Moment;
use publishing::offer::{OfferId, OfferKey, PublisherId};
use publishing::offer_type::OfferTypes;
use publishing::operation::Purpose;
use publishing::principal::Circle;
use publishing::status;
use std::future::Future;
use std::sync::Arc;
use uuid::Uuid;

/// Runs a promise against every store there is.
async fn every_store<F: Future<Output = ()>>(promise: impl Fn(Arc<dyn Store>) -> F) {
    let directory = tempfile::tempdir().unwrap();
    let stores: [Arc<dyn Store>; 2] =
        [Arc::new(Sqlite::in_memory(1 << 20).unwrap()), Arc::new(opened(directory.path()).unwrap())];
    for store in stores {
        store.add_publisher(publisher("Contoso")).await.unwrap();
        promise(store).await;
    }
}

pub fn publisher(id: &str) -> Publisher {
    let id = PublisherId::parse(id).unwrap();
    Publisher { id, display_text: "Contoso, Ltd.".into(), seller_id: "1".into(), version: 1 }
}

pub fn key(offer: &str) -> OfferKey {
    OfferKey { publisher: PublisherId::parse("Contoso").unwrap(), offer: OfferId::parse(offer).unwrap() }
}

fn types() -> OfferTypes {
    let mut types = OfferTypes::default();
    types.add(memo_type());
    types
}

/// Decides a command on what is stored, without storing it.
async fn decided(store: &Arc<dyn Store>, key: &OfferKey, command: Command, now: Moment) -> (Decision, Option<i64>) {
    let stored = store.load(key).await.unwrap();
    let context = Context {
        principal: None,
        now,
        fresh_id: Uuid::new_v4(),
        actor: "test",
        types: &types(),
        missing_if_match: MissingIfMatch::Accept,
    };
    let decision = decide(key, stored.as_ref().map(|stored| &stored.offer), command, &context).unwrap();
    (decision, stored.map(|stored| stored.revision))
}

fn change((decision, decided_on): (Decision, Option<i64>), claim: Option<UnderClaim>) -> Change {
    let types = types();
    let pipeline = types.get("memo").map(|offer_type| &offer_type.pipeline);
    let document = wire::render(&wire::status_document(
        &status::of_offer(&decision.offer, pipeline),
        &decision.offer.key,
        &links(),
    ))
    .unwrap();
    Change {
        mails: false,
        display_text: wire::display_text(&decision.offer.draft.definition),
        offer: decision.offer,
        signed_off: decision.signed_off,
        decided_on,
        snapshot: decision.snapshot,
        entry: decision.entry,
        document,
        learned: Learned::default(),
        claim,
        repeated: None,
    }
}

pub fn save() -> Command {
    let definition = r#"{"displayText":"A memo", "password":"hush", "n":1e3,"plans":[{"planId":"one"}]}"#.to_owned();
    Command::SaveDraft { offer_type: "memo".into(), definition: definition.into(), expected: Expected::Unstated }
}

pub fn publish() -> Command {
    Command::Publish { emails: vec!["a@x.example".into()], expected: Expected::Unstated }
}

pub async fn perform(store: &Arc<dyn Store>, key: &OfferKey, command: Command, now: Moment) -> Document {
    let change = change(decided(store, key, command, now).await, None);
    let document = change.document.clone();
    store.commit(change).await.unwrap();
    document
}

#[tokio::test]
async fn what_is_committed_is_what_is_read() {
    every_store(|store| async move {
        let key = key("memo-1");
        assert!(store.load(&key).await.unwrap().is_none());
        assert!(store.status("contoso/memo-1").unwrap().is_none());
        perform(&store, &key, save(), START).await;
        let (decision, _) = decided(&store, &key, publish(), START.plus_seconds(1)).await;
        let document = {
            let change = change((decision.clone(), Some(1)), None);
            store.commit(change.clone()).await.unwrap();
            change.document
        };
        let stored = store.load(&key).await.unwrap().unwrap();
        assert_eq!(stored.offer, decision.offer, "secrets, operation and all");
        assert_eq!(stored.revision, 2);
        assert_eq!(store.status("contoso/memo-1").unwrap().unwrap(), document);
        assert_eq!(store.snapshot(&key, 1).await.unwrap(), decision.snapshot);
        assert!(store.snapshot(&key, 2).await.unwrap().is_none());
        let operation = decision.offer.operation.unwrap();
        assert_eq!(store.operations(&key).await.unwrap(), std::slice::from_ref(&operation));
        assert_eq!(store.operation(operation.id).await.unwrap().unwrap(), (key.clone(), operation.clone()));
        let by_version = store.operation_of_version(&key, 1, Purpose::Publish).await.unwrap();
        assert_eq!(by_version, Some(operation));
        assert!(store.operation_of_version(&key, 1, Purpose::GoLive).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_was_overtaken_changes_nothing() {
    every_store(|store| async move {
        let key = key("memo-1");
        let twice = [decided(&store, &key, save(), START).await, decided(&store, &key, save(), START).await];
        let [first, second] = twice.map(|decision| change(decision, None));
        store.commit(first).await.unwrap();
        assert_eq!(store.commit(second).await, Err(StoreError::Overtaken));
        let [first, second] =
            [decided(&store, &key, save(), START).await, decided(&store, &key, publish(), START).await];
        store.commit(change(first, None)).await.unwrap();
        assert_eq!(store.commit(change(second, None)).await, Err(StoreError::Overtaken));
        let stored = store.load(&key).await.unwrap().unwrap();
        assert!(stored.offer.operation.is_none());
        assert_eq!(store.journal(&Circle::Publisher(key.publisher.clone()), 0, 10).await.unwrap().len(), 2);
        assert!(store.next_due().await.unwrap().is_none());
    })
    .await;
}

/// The journal of `contoso` from its beginning has no gap, and each line's hash follows from the one before it.
pub fn assert_chain(lines: &[Line]) {
    assert_chain_of("contoso", lines);
}

/// The same for another circle.
pub fn assert_chain_of(circle: &str, lines: &[Line]) {
    let mut before = GENESIS.to_vec();
    for (line, sequence) in lines.iter().zip(1..) {
        assert_eq!(line.sequence, sequence, "gapless");
        let Line { offer, at, entry, document, hash, .. } = line;
        let link = Link { circle, sequence, offer, at: *at, entry, document };
        assert_eq!(link.hash(&before).to_vec(), *hash, "the chain holds");
        before.clone_from(hash);
    }
}

#[tokio::test]
async fn many_at_once_make_a_gapless_journal_whose_chain_holds() {
    every_store(|store| async move {
        let tasks: Vec<_> = (0..50)
            .map(|n| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { perform(&store, &key(&format!("memo-{n}")), save(), START).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let lines = store.journal(&Circle::Publisher(key("x").publisher), 0, 1_000).await.unwrap();
        assert_eq!(lines.len(), 50);
        assert_chain(&lines);
        for line in &lines {
            assert_eq!(store.status(&format!("contoso/{}", line.offer)).unwrap().unwrap().body, line.document);
        }
    })
    .await;
}

#[tokio::test]
async fn a_check_is_claimed_once_and_a_late_report_is_refused() {
    every_store(|store| async move {
        let key = key("memo-1");
        perform(&store, &key, save(), START).await;
        perform(&store, &key, publish(), START).await;
        let due = START.plus_seconds(2);
        assert!(store.claim(START, due, 10).await.unwrap().is_empty(), "nothing is due yet");
        let claims = store.claim(due, due.plus_seconds(30), 10).await.unwrap();
        assert_eq!(claims.len(), 2, "both checks of the first step");
        assert!(store.claim(due, due.plus_seconds(30), 10).await.unwrap().is_empty(), "they are held");
        assert_eq!(store.next_due().await.unwrap(), Some(due.plus_seconds(30)), "until their lease ends");

        let later = due.plus_seconds(30);
        let again = store.claim(later, later.plus_seconds(30), 10).await.unwrap();
        assert_eq!(again.iter().map(|claim| claim.attempt).collect::<Vec<_>>(), [2, 2]);
        let stale = claims[0].clone();
        let late = report(&store, &stale, later).await;
        assert_eq!(store.commit(late).await, Err(StoreError::Superseded), "the sleeper that woke up");
        let held = again.iter().find(|claim| claim.check == stale.check).unwrap();
        let in_time = report(&store, held, later).await;
        store.commit(in_time.clone()).await.unwrap();
        assert!(store.commit(in_time).await.is_err(), "no check is completed twice");
        assert_eq!(store.next_due().await.unwrap(), Some(later.plus_seconds(30)), "the other check is still held");
    })
    .await;
}

async fn report(store: &Arc<dyn Store>, claim: &Claim, now: Moment) -> Change {
    let command = Command::ReportCheck(claim.check.clone(), Report::new(Ending::Done, Vec::new()));
    let under = UnderClaim { claim: claim.clone(), then: Then::GiveBack };
    change(decided(store, &claim.key, command, now).await, Some(under))
}

#[tokio::test]
async fn a_cancel_takes_the_due_checks_away() {
    every_store(|store| async move {
        let key = key("memo-1");
        perform(&store, &key, save(), START).await;
        perform(&store, &key, publish(), START).await;
        perform(&store, &key, Command::Cancel { expected: Expected::Unstated }, START).await;
        assert!(store.next_due().await.unwrap().is_none());
        assert!(store.running().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let key = key("memo-1");
    let document = {
        let store: Arc<dyn Store> = Arc::new(opened(directory.path()).unwrap());
        store.add_publisher(publisher("Contoso")).await.unwrap();
        store.add_publisher(publisher("CONTOSO")).await.unwrap();
        perform(&store, &key, save(), START).await;
        perform(&store, &key, publish(), START).await
    };
    // The writer's thread lets go of the lock a moment after the last handle is gone.
    let store = loop {
        match opened(directory.path()) {
            Ok(store) => break store,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(store.status("contoso/memo-1").unwrap().unwrap(), document);
    assert_eq!(
        Directory::publisher(&store, "contoso").unwrap(),
        Some(publisher("Contoso")),
        "one publisher, in its first spelling"
    );
    let again = opened(directory.path()).unwrap_err().to_string();
    assert!(again.contains("in use by another portolan process"), "{again}");
}
