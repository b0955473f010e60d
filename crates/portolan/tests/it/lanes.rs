//! Lanes of the outbox with a destination in common, of webhooks and mails alike: order, hands, leases, rests.

use crate::store::key;
use crate::world::{Setting, World, opened};
use portolan::store::{Held, LetterEnd, LetterKind, Notice, Post, Rest, Store, StoreError, receiver};
use publishing::entry::{Entry, Event};
use publishing::moment::Moment;
use publishing::offer::OfferKey;
use publishing::principal::Circle;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const OFFERS: usize = 10;

/// A world with its database in a file, where another connection can look at it, and change it.
async fn in_file(mails: bool) -> (World, Post, Connection, tempfile::TempDir) {
    let data = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(opened(data.path()).unwrap());
    let world = World::on(store, Setting { mails, ..Setting::default() }).await;
    let file = Connection::open(data.path().join("portolan.db")).unwrap();
    file.busy_timeout(Duration::from_secs(5)).unwrap();
    let post = Post::new(Arc::clone(&world.store));
    (world, post, file, data)
}

/// Brings an offer to where these addresses, with commas, are mailed that it is rejected.
async fn rejected(world: &World, offer: &str, addresses: &str) {
    assert_eq!(world.put_memo(offer).await.status, 201);
    let publish = format!(r#"{{"metadata":{{"notification-emails":"{addresses}"}}}}"#);
    let path = format!("/api/publishers/contoso/offers/{offer}/publish");
    assert_eq!(world.post(&path, &publish).await.status, 202);
    world.settle().await;
    assert_eq!(world.verdict(offer, "reject", r#"{"message":"No."}"#).await.status, 200);
}

/// A world in which two addresses wait for two mails each about ten offers: 20 lanes of two letters.
async fn world() -> (World, Post) {
    let world = World::with(Setting { mails: true, ..Setting::default() }).await;
    let emails = r#"{"metadata":{"notification-emails":"jane@x.example,JANE@x.example,joe@x.example"}}"#;
    for offer in (0..OFFERS).map(|offer| format!("memo-{offer}")) {
        world.put_memo(&offer).await;
        let at = |rest: &str| format!("/api/publishers/contoso/offers/{offer}/{rest}");
        assert_eq!(world.post(&at("publish"), emails).await.status, 202);
        world.settle().await;
        assert_eq!(world.verdict(&offer, "approve", "").await.status, 200);
        world.settle().await;
        assert_eq!(world.post(&at("cancel"), emails).await.status, 200);
    }
    let post = Post::new(Arc::clone(&world.store));
    (world, post)
}

async fn claim(post: &Post, now: Moment) -> Vec<Held> {
    post.claim(LetterKind::Mail, now, now.plus_seconds(30), 128).await.unwrap()
}

/// Offer and address.
fn lane(post: &Post, held: &Held) -> (String, bool) {
    let said = post.open(held).unwrap();
    (held.key.name(), String::from_utf8_lossy(&said).contains("joe@x.example"))
}

#[tokio::test]
async fn letters_are_delivered_in_order_by_eight_hands() {
    let (world, post) = world().await;
    let now = world.clock.now().plus_seconds(1);
    let mut held = claim(&post, now).await;
    assert_eq!(held.len(), 8);
    assert!(claim(&post, now).await.is_empty(), "all hands are full");
    let lanes: BTreeSet<_> = held.iter().map(|held| lane(&post, held)).collect();
    assert_eq!(lanes.len(), 8, "each of a lane of its own");
    let mut delivered: Vec<((String, bool), i64)> = Vec::new();
    // Each hand that gets free takes the next, without anybody having to wait for the clock.
    while let Some(one) = held.pop() {
        delivered.push((lane(&post, &one), one.tells.unwrap().line));
        post.end(&one, now, LetterEnd::Delivered, None).await.unwrap();
        held.extend(claim(&post, now).await);
        let over = |lane: &(String, bool)| delivered.iter().filter(|(there, _)| there == lane).count() == 2;
        let lanes_over =
            delivered.iter().map(|(lane, _)| lane).collect::<BTreeSet<_>>().into_iter().filter(|lane| over(lane));
        assert_eq!(held.len(), 8.min(OFFERS * 2 - lanes_over.count()), "after {}", delivered.len());
    }
    assert_eq!(delivered.len(), OFFERS * 4, "one mail for each address, however it is written");
    for (lane, _) in &delivered {
        let lines: Vec<i64> = delivered.iter().filter(|(there, _)| there == lane).map(|(_, line)| *line).collect();
        assert!(lines.len() == 2 && lines.is_sorted(), "{lane:?}: {lines:?}");
    }
}

#[tokio::test]
async fn whoever_was_too_slow_is_superseded_and_a_destination_rests_as_a_whole() {
    let (world, post) = world().await;
    let now = world.clock.now().plus_seconds(1);
    let slow = claim(&post, now).await;
    assert!(claim(&post, now.plus_seconds(29)).await.is_empty());
    let now = now.plus_seconds(30);
    let held = claim(&post, now).await;
    assert_eq!(held.len(), 8, "the lease of the others is over");
    for one in &slow {
        assert_eq!(post.end(one, now, LetterEnd::Delivered, None).await, Err(StoreError::Superseded));
    }
    let rest = |until| LetterEnd::PutOff { until, failure: "unreachable", rest: Rest::Destination(until) };
    for one in &held {
        post.end(one, now, rest(now.plus_seconds(60)), None).await.unwrap();
    }
    assert!(claim(&post, now.plus_seconds(59)).await.is_empty());
    assert_eq!(post.next(LetterKind::Mail).await.unwrap(), Some(now.plus_seconds(60)), "nobody looks before that");
    let now = now.plus_seconds(60);
    let one = claim(&post, now).await;
    assert_eq!(one.len(), 1, "one goes to see");
    assert_eq!((one[0].destination_failures, one[0].failures), (1, 0));
    assert!(claim(&post, now).await.is_empty());
    // It is refused: its lane rests, the destination has answered.
    let refused = LetterEnd::PutOff { until: now, failure: "refused", rest: Rest::Lane(now.plus_seconds(600)) };
    post.end(&one[0], now, refused, None).await.unwrap();
    let held = claim(&post, now).await;
    assert_eq!(held.len(), 8);
    assert!(held.iter().all(|held| held.destination_failures == 0 && held.id != one[0].id));
    // What is given up says nothing of the destination, and the next of its lane comes after it.
    let given_up = LetterEnd::GivenUp { failure: Some("noAddress") };
    post.end(&held[0], now, given_up, None).await.unwrap();
    assert_eq!(claim(&post, now).await.len(), 1);
}

/// Puts a mail into the outbox that is about no line of the journal.
async fn notice(post: &Post, key: &OfferKey, to: &str, since: i64, at: Moment) {
    let (subscription, since) = (Uuid::from_u128(1), Moment::from_ticks(since));
    let notice = Notice::WebhookDisabled { subscription, url: String::new(), publisher: "contoso".into(), since };
    post.notice(key, to, notice, at).await.unwrap();
}

#[tokio::test]
async fn who_wants_no_more_gets_what_is_in_hand_once() {
    let world = World::with(Setting { mails: true, ..Setting::default() }).await;
    let post = Post::new(Arc::clone(&world.store));
    world.put_memo("memo-1").await;
    let (key, jane) = (key("memo-1"), "jane@x.example");
    let publish = format!(r#"{{"metadata":{{"notification-emails":"{jane}"}}}}"#);
    notice(&post, &key, jane, 1, world.clock.now()).await;
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.post("/api/publishers/contoso/offers/memo-1/publish", &publish).await.status, 202);
    world.settle().await;
    assert_eq!(world.verdict("memo-1", "block", r#"{"message":"Hm."}"#).await.status, 200);
    let now = world.clock.now().plus_seconds(1);
    let held = claim(&post, now).await;
    assert_eq!((held.len(), held[0].tells), (1, None));
    // What waits behind it is taken away meanwhile: the one in hand is not sent again for that.
    world.store.stop_mails(receiver(jane), &key, now, true).await.unwrap();
    assert!(claim(&post, now).await.is_empty());
    post.end(&held[0], now, LetterEnd::Delivered, None).await.unwrap();
    assert!(claim(&post, now.plus_seconds(3_600)).await.is_empty());

    // The one in hand is taken away: how it ends says nothing any more, and what is behind it comes in its turn.
    world.store.stop_mails(receiver(jane), &key, now, false).await.unwrap();
    assert_eq!(world.verdict("memo-1", "unblock", "").await.status, 200);
    assert_eq!(world.verdict("memo-1", "block", r#"{"message":"Hm."}"#).await.status, 200);
    let told = claim(&post, now.plus_seconds(1)).await;
    assert!(told.len() == 1 && told[0].tells.is_some());
    notice(&post, &key, jane, 2, world.clock.now()).await;
    world.store.stop_mails(receiver(jane), &key, now, true).await.unwrap();
    let end = LetterEnd::Delivered;
    assert_eq!(post.end(&told[0], now.plus_seconds(1), end, None).await, Err(StoreError::Superseded));
    let behind = claim(&post, now.plus_seconds(31)).await;
    assert!(behind.len() == 1 && behind[0].tells.is_none());
    post.end(&behind[0], now.plus_seconds(31), LetterEnd::Delivered, None).await.unwrap();
}

#[tokio::test]
async fn what_is_damaged_in_the_outbox_stops_nobody_else() {
    let (world, post, file, _data) = in_file(true).await;
    for offer in ["memo-1", "memo-2", "memo-3", "memo-4"] {
        rejected(&world, offer, "jane@x.example").await;
    }
    let damages = [
        "UPDATE outbox SET body = NULL, done_at = made_at WHERE offer = 'memo-1'",
        "UPDATE outbox SET id = 'damaged' WHERE offer = 'memo-2'",
        "UPDATE outbox SET publisher = 'nobody' WHERE offer = 'memo-3'",
    ];
    for damage in damages {
        assert_eq!(file.execute(damage, []).unwrap(), 1);
    }
    let now = world.clock.now().plus_seconds(1);
    let held = claim(&post, now).await;
    assert_eq!(held.iter().map(|held| held.key.name()).collect::<Vec<_>>(), ["contoso/memo-4"]);
    post.end(&held[0], now, LetterEnd::Delivered, None).await.unwrap();
    let left = "SELECT (SELECT COUNT(*) FROM lane), COUNT(body), COUNT(failed_at) FROM outbox";
    let left: (i64, i64, i64) = file.query_row(left, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    assert_eq!(left, (0, 0, 2));
}

#[tokio::test]
async fn a_clock_that_ran_ahead_silences_nobody() {
    let (world, post) = world().await;
    let now = world.clock.now().plus_seconds(1);
    let ahead = now.plus_seconds(365 * 24 * 3_600);
    let rests = |rest| LetterEnd::PutOff { until: ahead.plus_seconds(600), failure: "refused", rest };
    let held = claim(&post, ahead).await;
    let (of_lanes, of_all) = held.split_at(4);
    for one in of_lanes {
        post.end(one, ahead, rests(Rest::Lane(ahead.plus_seconds(600))), None).await.unwrap();
    }
    for one in of_all {
        post.end(one, ahead, rests(Rest::Destination(ahead.plus_seconds(600))), None).await.unwrap();
    }
    assert!(claim(&post, ahead).await.is_empty());
    let one = claim(&post, now).await;
    assert_eq!((one.len(), one[0].destination_failures), (1, 1), "it is tried, and it has failed");
    post.end(&one[0], now, LetterEnd::Delivered, None).await.unwrap();
    let mut delivered = 1;
    loop {
        let held = claim(&post, now).await;
        if held.is_empty() {
            break;
        }
        delivered += held.len();
        for one in held {
            post.end(&one, now, LetterEnd::Delivered, None).await.unwrap();
        }
    }
    assert_eq!(delivered, OFFERS * 4);
}

#[tokio::test]
async fn one_free_hand_looks_past_all_that_must_wait() {
    let (world, post, file, _data) = in_file(true).await;
    for offer in (0..9).map(|offer| format!("memo-{offer}")) {
        rejected(&world, &offer, "jane@x.example,joe@x.example").await;
    }
    let now = world.clock.now().plus_seconds(1);
    assert_eq!(claim(&post, now).await.len(), 8);
    file.execute("UPDATE lane SET due_at = 0 WHERE fence IS NULL", []).unwrap();
    assert!(post.claim(LetterKind::Mail, now, now.plus_seconds(30), 1).await.unwrap().is_empty());
    let due = "SELECT COUNT(*) FROM lane WHERE due_at = 0";
    assert_eq!(file.query_row(due, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "all are put off by one claim");
}

#[tokio::test]
async fn where_letters_keep_their_order_one_that_is_put_off_alone_makes_its_lane_rest() {
    let (world, post) = world().await;
    let now = world.clock.now().plus_seconds(1);
    let until = now.plus_seconds(60);
    for one in claim(&post, now).await {
        post.end(&one, now, LetterEnd::PutOff { until, failure: "refused", rest: Rest::Letter }, None).await.unwrap();
    }
    loop {
        let others = claim(&post, now).await;
        if others.is_empty() {
            break;
        }
        for one in others {
            assert_eq!(one.failures, 0, "others come, and not the same at once");
            post.end(&one, now, LetterEnd::Delivered, None).await.unwrap();
        }
    }
    let again: Vec<_> = claim(&post, until).await.iter().map(|held| (held.failures, held.attempt)).collect();
    assert_eq!(again, [(1, 2); 8]);
}

#[tokio::test]
async fn what_comes_after_the_clock_was_set_back_overtakes_nothing() {
    let world = World::with(Setting { mails: true, ..Setting::default() }).await;
    let post = Post::new(Arc::clone(&world.store));
    let (key, now) = (key("memo-1"), world.clock.now());
    for (since, seconds) in [(1, 0), (2, -600), (3, -300)] {
        notice(&post, &key, "jane@x.example", since, now.plus_seconds(seconds)).await;
    }
    for since in 1..=3 {
        let held = claim(&post, now).await;
        let said: serde_json::Value = serde_json::from_slice(&post.open(&held[0]).unwrap()).unwrap();
        assert_eq!((held.len(), &said["since"]), (1, &serde_json::json!(since)));
        post.end(&held[0], now, LetterEnd::Delivered, None).await.unwrap();
    }
}

#[tokio::test]
async fn a_mail_subscription_takes_what_waits_for_it_along_and_its_letters_are_not_sent_again() {
    let (world, post, file, _data) = in_file(true).await;
    world.invite("Jane", "jane@x.example", "reader").await;
    let contoso = Circle::Publisher(key("memo-1").publisher);
    let members = world.store.circle(&contoso).unwrap().unwrap().members;
    let jane = members.into_iter().find(|member| member.principal.name == "Jane").unwrap().principal;
    let bearer = format!("Bearer {}", world.token_of(&jane).await);
    let ask = async |method: &str| {
        let path = "/api/publishers/contoso/notifications/mail";
        world.send(method, path, &[("authorization", &bearer)], "{}").await.status
    };
    assert_eq!(ask("PUT").await, 200);
    rejected(&world, "memo-1", "joe@x.example").await;
    let now = world.clock.now().plus_seconds(1);
    let held = claim(&post, now).await;
    assert_eq!(held.len(), 2);
    for one in &held {
        post.end(one, now, LetterEnd::Delivered, None).await.unwrap();
    }
    let told = held.iter().find(|held| held.tells.unwrap().subscription.is_some()).unwrap();
    let subscription = told.tells.unwrap().subscription.unwrap();
    let event = Event::SubscriptionDisabled { subscription, why: "test".into() };
    let entry = Entry { at: now, actor: "test".into(), told: None, event };
    let again = world.store.redeliver(&contoso, subscription, told.id, now, entry, None).await;
    assert_eq!(again, Ok(false), "only what goes to webhooks is delivered again");
    assert!(claim(&post, now).await.is_empty());

    world.clock.advance(Duration::from_secs(2));
    rejected(&world, "memo-2", "joe@x.example").await;
    assert_eq!(ask("DELETE").await, 204);
    let held = claim(&post, world.clock.now().plus_seconds(1)).await;
    assert_eq!(held.iter().map(|held| held.tells.unwrap().subscription).collect::<Vec<_>>(), [None]);
    let left = "SELECT (SELECT COUNT(*) FROM outbox WHERE subscription IS NOT NULL), COUNT(*) FROM lane";
    let left: (i64, i64) = file.query_row(left, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(left, (0, 1));
}
