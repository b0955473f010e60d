//! What is served is the truth: every document is the one its offer gives, under concurrency and through a cancel that
//! takes time.

use crate::world::{Setting, World, links, memo_type};
use portolan::store::Then;
use portolan::wire::{self, SuccessWord};
use publishing::command::{Command, Ending, Report};
use publishing::decide::MissingIfMatch;
use publishing::offer::{OfferId, OfferKey, PublisherId};
use publishing::principal::Circle;
use publishing::status;
use std::sync::Arc;

fn key(offer: &str) -> OfferKey {
    OfferKey { publisher: PublisherId::parse("contoso").unwrap(), offer: OfferId::parse(offer).unwrap() }
}

/// Renders an offer anew, and compares with what is served, what is stored, and what the journal keeps.
async fn assert_true(world: &World, offer: &str) {
    let stored = world.store.load(&key(offer)).await.unwrap().unwrap().offer;
    let rebuilt = wire::render(&wire::status_document(
        &status::of_offer(&stored, Some(&memo_type().pipeline)),
        &key(offer),
        &links(),
    ))
    .unwrap();
    let served = world.get(&format!("/api/publishers/contoso/offers/{offer}/status")).await;
    assert_eq!(served.body.as_bytes(), rebuilt.body, "{offer}");
    assert_eq!(served.header("etag"), rebuilt.etag.to_str().unwrap());
    let journal = world.store.journal(&Circle::Publisher(key(offer).publisher), 0, 100_000).await.unwrap();
    let newest = journal.iter().rfind(|line| line.offer == offer).unwrap();
    assert_eq!(newest.document, rebuilt.body, "{offer} in the journal");
    let not_modified = [("if-none-match", served.header("etag"))];
    let path = format!("/api/publishers/contoso/offers/{offer}/status");
    assert_eq!(world.send("GET", &path, &not_modified, "").await.status, 304);
}

#[tokio::test]
async fn every_document_is_the_one_its_offer_gives() {
    // What is learned of other offers is none of its own.
    let world = World::with(Setting { learned_durations: false, ..Setting::default() }).await;
    // A fixed sequence of pseudo-random moves: the same ones every time.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    for _ in 0..400 {
        let offer = format!("memo-{}", random(6));
        let path = format!("/api/publishers/contoso/offers/{offer}");
        match random(9) {
            0 | 1 => drop(world.put_memo(&offer).await),
            2 | 3 => drop(world.post(&format!("{path}/publish"), "").await),
            4 => drop(world.post(&format!("{path}/golive"), "").await),
            5 => drop(world.post(&format!("{path}/cancel"), "").await),
            6 => world.settle().await,
            _ => {
                let reviews = world.get("/api/reviews").await.json();
                if reviews.as_array().unwrap().iter().any(|review| review["offerId"] == *offer) {
                    let (verdict, body) = [
                        ("approve", ""),
                        ("block", r#"{"message":"Hm."}"#),
                        ("unblock", ""),
                        ("reject", r#"{"message":"No."}"#),
                    ][random(4) as usize];
                    world.verdict(&offer, verdict, body).await;
                }
            }
        }
        if world.store.load(&key(&offer)).await.unwrap().is_some() {
            assert_true(&world, &offer).await;
        }
    }
}

#[tokio::test]
async fn of_a_hundred_publishes_at_once_one_starts() {
    let world = Arc::new(World::new().await);
    world.put_memo("memo-1").await;
    let answers = at_once(&world, "/api/publishers/contoso/offers/memo-1/publish").await;
    assert_eq!(answers.iter().filter(|status| **status == 202).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 409).count(), 99);
    let submissions = world.get("/api/publishers/contoso/offers/memo-1/submissions").await.json();
    assert_eq!(submissions.as_array().unwrap().len(), 1);
    let canceled = at_once(&world, "/api/publishers/contoso/offers/memo-1/cancel").await;
    assert_eq!(canceled.iter().filter(|status| **status == 200).count(), 1, "{canceled:?}");
    assert_true(&world, "memo-1").await;
}

async fn at_once(world: &Arc<World>, path: &str) -> Vec<u16> {
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (world, path) = (Arc::clone(world), path.to_owned());
            tokio::spawn(async move { world.post(&path, "").await.status })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

#[tokio::test]
async fn drafts_saved_at_once_are_all_saved() {
    let world = Arc::new(World::new().await);
    world.put_memo("memo-1").await;
    let tasks: Vec<_> = (0..60)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.put_memo("memo-1").await })
        })
        .collect();
    let mut tags = std::collections::BTreeSet::new();
    for task in tasks {
        let answer = task.await.unwrap();
        assert_eq!(answer.status, 200);
        tags.insert(answer.header("etag").to_owned());
    }
    assert_eq!(tags.len(), 60, "each save has its own ETag, though the clock stands still");
}

#[tokio::test]
async fn a_cancel_while_a_check_is_in_hand_takes_time_and_then_is_done() {
    let world = World::new().await;
    let path = "/api/publishers/contoso/offers/memo-1";
    world.put_memo("memo-1").await;
    let publish = world.post(&format!("{path}/publish"), "").await;
    let operation = publish.header("location").to_owned();
    world.clock.advance(std::time::Duration::from_secs(2));
    let now = world.clock.now();
    let claims = world.store.claim(now, now.plus_seconds(30), 10).await.unwrap();
    let claim = &claims[0];
    world.perform.perform_claimed(claim, Then::Keep, Command::StartCheck(claim.check.clone())).await.unwrap();

    let cancel = world.post(&format!("{path}/cancel"), "").await;
    assert_eq!((cancel.status, cancel.header("operation-location")), (202, operation.as_str()));
    let asked = world.get(&operation).await.json();
    assert_eq!((&asked["status"], &asked["cancellationRequestState"]), (&"running".into(), &"cancelRequested".into()));
    assert_eq!(world.post(&format!("{path}/publish"), "").await.status, 409);
    assert_eq!(world.post(&format!("{path}/cancel"), "").await.status, 202, "asking again changes nothing");

    let report = Report::new(Ending::Done, Vec::new());
    world
        .perform
        .perform_claimed(claim, Then::GiveBack, Command::ReportCheck(claim.check.clone(), report))
        .await
        .unwrap();
    let done = world.get(&operation).await.json();
    assert_eq!((&done["status"], &done["cancellationRequestState"]), (&"canceled".into(), &"canceled".into()));
    assert_eq!(world.status("memo-1").await["status"], "canceled");
    assert!(world.store.next_due().await.unwrap().is_none());
    assert_true(&world, "memo-1").await;
}

#[tokio::test]
async fn a_check_whose_worker_died_is_taken_over_and_done_once() {
    let world = World::new().await;
    world.put_memo("memo-1").await;
    world.post("/api/publishers/contoso/offers/memo-1/publish", "").await;
    world.clock.advance(std::time::Duration::from_secs(2));
    let now = world.clock.now();
    let dead = world.store.claim(now, now.plus_seconds(30), 10).await.unwrap();
    for claim in &dead {
        world.perform.perform_claimed(claim, Then::Keep, Command::StartCheck(claim.check.clone())).await.unwrap();
    }
    world.settle().await;
    assert_eq!(world.status("memo-1").await["steps"][0]["status"], "inProgress", "the lease still holds");
    world.clock.advance(std::time::Duration::from_secs(30));
    world.settle().await;
    assert_eq!(world.status("memo-1").await["steps"][0]["status"], "complete");
    let late = Command::ReportCheck(dead[0].check.clone(), Report::new(Ending::Rejected, Vec::new()));
    assert!(world.perform.perform_claimed(&dead[0], Then::GiveBack, late).await.is_err(), "the dead worker woke up");
    assert_eq!(world.status("memo-1").await["status"], "running");
}

#[tokio::test]
async fn settings_decide_what_a_missing_if_match_means_and_what_success_is_called() {
    for (missing_if_match, status, code) in [
        (MissingIfMatch::Accept, 200, ""),
        (MissingIfMatch::Conflict, 409, "InvalidResourceId"),
        (MissingIfMatch::BadRequest, 400, "BadRequest"),
    ] {
        let world = World::with(Setting { missing_if_match, ..Setting::default() }).await;
        assert_eq!(world.put_memo("memo-1").await.status, 201);
        let again = world.put_memo("memo-1").await;
        assert_eq!((again.status, again.code().as_str()), (status, code));
    }
    let world = World::with(Setting { success_word: SuccessWord::Complete, ..Setting::default() }).await;
    world.put_memo("memo-1").await;
    let operation = world.post("/api/publishers/contoso/offers/memo-1/publish", "").await.header("location").to_owned();
    world.settle().await;
    assert_eq!(world.get(&operation).await.json()["status"], "running");
    world.verdict("memo-1", "approve", "").await;
    world.settle().await;
    assert_eq!(world.get(&operation).await.json()["status"], "complete");
    assert_eq!(world.status("memo-1").await["status"], "waitingForPublisherReview");
}
