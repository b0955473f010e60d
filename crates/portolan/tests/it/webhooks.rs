//! Webhooks: each line of the journal is told once, signed and in order; failures rest and end; what is secret stays so.

use crate::python::python;
use crate::receiver::{Does, Got, Receiver, egress};
use crate::store::{key, perform, save};
use crate::world::{Answer, START, Setting, World, opened};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portolan::auth::Role;
use portolan::egress::{Egress, EgressSettings};
use portolan::store::{Line, Store, StoreError, SubscriptionChange};
use publishing::entry::{Entry, Event};
use publishing::moment::{TICKS_PER_SECOND, UNIX_EPOCH_TICKS};
use publishing::offer::PublisherId;
use publishing::principal::Circle;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;

const CONTOSO: &str = "/api/publishers/contoso/subscriptions";
const MARKET: &str = "/api/subscriptions";

async fn world(receivers: &[&Receiver]) -> World {
    World::with(Setting { egress: egress(receivers), ..Setting::default() }).await
}

/// The same with its database in a file, where another connection can look at it, and change it.
async fn in_file(receivers: &[&Receiver], mails: bool) -> (World, Connection, tempfile::TempDir) {
    let data = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(opened(data.path()).unwrap());
    let world = World::on(store, Setting { egress: egress(receivers), mails, ..Setting::default() }).await;
    let file = Connection::open(data.path().join("portolan.db")).unwrap();
    file.busy_timeout(Duration::from_secs(5)).unwrap();
    (world, file, data)
}

/// A request as an operator where it is about the marketplace or fabrikam, and as an owner of contoso otherwise.
async fn ask(world: &World, method: &str, path: &str, body: &Value) -> Answer {
    let token = if path.starts_with("/api/publishers/contoso") { &world.token } else { &world.staff_token };
    let bearer = format!("Bearer {token}");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    world.send(method, path, &[("authorization", &bearer), ("content-type", "application/json")], body).await
}

/// Makes a webhook; gives its address at the service, and its secret.
async fn add(world: &World, base: &str, url: &str, events: &[&str]) -> (String, String) {
    let answer = ask(world, "POST", base, &json!({"url": url, "events": events})).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let added = answer.json();
    let id = added["subscription"]["id"].as_str().unwrap();
    (format!("{base}/{id}"), added["secret"].as_str().unwrap().to_owned())
}

/// Turns the clock on and delivers what is due, until nothing is; gives how often something was tried. While the clock stands,
/// what happens to an offer is a tick later each time: so it goes on a little anyway.
async fn deliver(world: &World, seconds: u64) -> usize {
    world.clock.advance(Duration::from_secs(seconds) + Duration::from_micros(10));
    let mut tried = 0;
    loop {
        match world.webhooks.deliver_due().await.unwrap() {
            0 => return tried,
            some => tried += some,
        }
    }
}

async fn saved(world: &World, offer: &str) {
    assert!(world.put_memo(offer).await.status < 300);
}

async fn live(world: &World, offer: &str) {
    saved(world, offer).await;
    let at = |rest: &str| format!("/api/publishers/contoso/offers/{offer}/{rest}");
    assert_eq!(world.post(&at("publish"), "").await.status, 202);
    world.settle().await;
    assert_eq!(world.verdict(offer, "approve", "").await.status, 200);
    world.settle().await;
    assert_eq!(world.post(&at("golive"), "").await.status, 202);
    world.settle().await;
    assert_eq!(world.status(offer).await["status"], "succeeded");
}

/// The lines of a publisher's journal that are about offers.
async fn lines(world: &World, publisher: &str) -> Vec<Line> {
    let circle = Circle::Publisher(PublisherId::parse(publisher).unwrap());
    let lines = world.store.journal(&circle, 0, 100_000).await.unwrap();
    lines.into_iter().filter(|line| !line.offer.is_empty()).collect()
}

fn told(got: &[Got]) -> Vec<(String, i64)> {
    got.iter().map(Got::told).collect()
}

fn seconds(world: &World) -> i64 {
    (world.clock.now().ticks() - UNIX_EPOCH_TICKS) / TICKS_PER_SECOND
}

/// Whether each signature of a request is right for one of these secrets, in their order.
fn signed_by(got: &Got, secrets: &[&str]) -> bool {
    let signed = format!("{}.{}.{}", got.header("webhook-id"), got.header("webhook-timestamp"), got.body);
    let signature = |secret: &&str| {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
        format!("v1,{}", STANDARD.encode(tag.as_ref()))
    };
    got.header("webhook-signature") == secrets.iter().map(signature).collect::<Vec<_>>().join(" ")
}

/// Whether the reference library takes a request with these secrets, each alone; nothing where there is no Python.
fn taken_by_library(got: &Got, now: i64, secrets: &[&str]) -> Option<Vec<bool>> {
    let python = python()?;
    let given: Vec<Value> = secrets
        .iter()
        .map(|secret| json!({"secret": secret, "headers": got.headers, "body": got.body, "now": now}))
        .collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/verify_webhook.py");
    let mut child = Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(json!(given).to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

async fn log(world: &World, at: &str) -> Vec<Value> {
    let answer = ask(world, "GET", &format!("{at}/deliveries?api-version=2017-10-31&$top=1000"), &Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json().as_array().unwrap().clone()
}

#[tokio::test]
async fn each_line_is_told_once_in_order_to_those_who_want_it() {
    let receiver = Receiver::start(|_| Does::Answers(204)).await;
    let world = world(&[&receiver]).await;
    let url = |path: &str| receiver.url().replace("/in", path);
    let (_, secret) = add(&world, CONTOSO, &url("/all"), &[]).await;
    add(&world, CONTOSO, &url("/live"), &["live"]).await;
    add(&world, "/api/publishers/fabrikam/subscriptions", &url("/fabrikam"), &[]).await;
    add(&world, MARKET, &url("/market"), &["created", "live"]).await;
    let (removed, _) = add(&world, CONTOSO, &url("/removed"), &[]).await;
    saved(&world, "memo-1").await;
    assert_eq!(ask(&world, "DELETE", &removed, &Value::Null).await.status, 204);
    live(&world, "memo-1").await;
    add(&world, CONTOSO, &url("/later"), &[]).await;
    saved(&world, "memo-1").await;
    let owner = world.member("fab", Some("fabrikam"), &[Role::Owner]).await;
    let bearer = format!("Bearer {}", world.token_of(&owner).await);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = json!({"publisherId": "fabrikam", "id": "other", "offerTypeId": "memo", "definition": {}}).to_string();
    let put = world.send("PUT", "/api/publishers/fabrikam/offers/other", &headers, body).await;
    assert_eq!(put.status, 201, "{}", put.body);
    deliver(&world, 0).await;

    let mut got: BTreeMap<String, Vec<Got>> = BTreeMap::new();
    for one in receiver.got() {
        got.entry(one.path.split('?').next().unwrap().to_owned()).or_default().push(one);
    }
    let lines = lines(&world, "contoso").await;
    let expected: Vec<(String, i64)> = lines.iter().map(|line| (line.offer.clone(), line.sequence)).collect();
    assert!(expected.len() > 8);
    assert_eq!(told(&got["/all"]), expected);
    for (one, line) in got["/all"].iter().zip(&lines) {
        let document = std::str::from_utf8(&line.document).unwrap();
        assert!(one.body.ends_with(&format!(",\"status\":{document}}}}}")), "byte for byte: {}", one.body);
        let event = one.json();
        let what = format!("portolan.offer.{}", event["data"]["entry"]["event"].as_str().unwrap());
        assert_eq!((&event["specversion"], &event["type"]), (&json!("1.0"), &json!(what)));
        assert_eq!((&event["id"], &event["subject"]), (&json!(line.sequence.to_string()), &json!(line.offer)));
        assert_eq!(event["source"], "http://portolan.test/api/publishers/contoso");
        assert_eq!(one.header("content-type"), "application/cloudevents+json; charset=utf-8");
        assert!(one.header("user-agent").starts_with("Portolan"), "{one:?}");
        assert!(signed_by(one, &[&secret]));
        assert_eq!(one.path, "/all?key=hush");
    }
    let ids: BTreeSet<&str> = receiver_ids(&got["/all"]);
    assert_eq!(ids.len(), expected.len(), "each has an id of its own");
    let whats = |path: &str| -> Vec<String> {
        let what =
            |one: &Got| format!("{} {}", one.json()["source"].as_str().unwrap(), one.json()["type"].as_str().unwrap());
        got.get(path).map(|got| got.iter().map(what).collect()).unwrap_or_default()
    };
    let (contoso, fabrikam) =
        ("http://portolan.test/api/publishers/contoso", "http://portolan.test/api/publishers/fabrikam");
    assert_eq!(whats("/live"), [format!("{contoso} portolan.offer.live")]);
    assert_eq!(whats("/fabrikam"), [format!("{fabrikam} portolan.offer.created")]);
    assert_eq!(whats("/later"), [format!("{contoso} portolan.offer.draftSaved")]);
    let mut market = whats("/market");
    market.sort();
    let created = |at: &str| format!("{at} portolan.offer.created");
    assert_eq!(market, [created(contoso), format!("{contoso} portolan.offer.live"), created(fabrikam)]);
    assert!(whats("/removed").is_empty(), "what waited is gone too");
    assert_eq!(deliver(&world, 3_600).await, 0, "nothing is told twice");
}

fn receiver_ids(got: &[Got]) -> BTreeSet<&str> {
    got.iter().map(|one| one.header("webhook-id")).collect()
}

#[tokio::test]
async fn for_a_day_after_a_rotation_both_secrets_sign() {
    let receiver = Receiver::start(|_| Does::Answers(200)).await;
    let world = world(&[&receiver]).await;
    let (at, old) = add(&world, CONTOSO, &receiver.url(), &[]).await;
    let answer = ask(&world, "POST", &format!("{at}/rotate"), &Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let new = answer.json()["secret"].as_str().unwrap().to_owned();
    assert_ne!(new, old);
    let until = answer.json()["subscription"]["oldSecretUntil"].clone();
    assert_eq!(until, "2026-11-23T09:40:00Z");
    let mut signed = Vec::new();
    for wait in [0, 24 * 3_600 - 1, 1] {
        world.clock.advance(Duration::from_secs(wait));
        saved(&world, "memo-1").await;
        assert_eq!(deliver(&world, 0).await, 1);
        signed.push((receiver.got().pop().unwrap(), seconds(&world)));
    }
    for (one, _) in &signed[..2] {
        assert!(signed_by(one, &[&new, &old]), "{one:?}");
    }
    assert!(signed_by(&signed[2].0, &[&new]));
    let there = ask(&world, "GET", &at, &Value::Null).await;
    assert!(there.json().get("oldSecretUntil").is_none() && !there.body.contains("whsec"), "{}", there.body);
    for ((one, now), old_counts) in signed.iter().zip([true, true, false]) {
        let Some(taken) = taken_by_library(one, *now, &[&new, &old]) else { return };
        assert_eq!(taken, [true, old_counts]);
    }
    let mut spoilt = signed[0].0.clone();
    spoilt.body.push(' ');
    assert_eq!(taken_by_library(&spoilt, signed[0].1, &[&new]).unwrap(), [false], "the library would say no");
}

#[tokio::test]
async fn what_was_tried_is_in_the_log_and_can_be_delivered_again_or_tested() {
    let answers = Arc::new(Mutex::new(500));
    let receiver = {
        let answers = Arc::clone(&answers);
        Receiver::start(move |_| Does::Answers(*answers.lock().unwrap())).await
    };
    let world = world(&[&receiver]).await;
    let (at, secret) = add(&world, CONTOSO, &receiver.url(), &[]).await;
    saved(&world, "memo-1").await;
    deliver(&world, 0).await;
    let waiting = log(&world, &at).await;
    assert_eq!((waiting[0]["state"].as_str(), waiting[0]["lastFailure"].as_str()), (Some("waiting"), Some("refused")));
    assert!(waiting[0]["nextAttempt"].as_str().unwrap().starts_with("2026-11-22T09:40:05"), "{waiting:?}");
    let id = waiting[0]["id"].as_str().unwrap().to_owned();
    let again = format!("{at}/deliveries/{id}/redeliver");
    assert_eq!(ask(&world, "POST", &again, &Value::Null).await.status, 404, "it waits anyway");
    *answers.lock().unwrap() = 204;
    assert_eq!(deliver(&world, 4).await, 0, "not before its time");
    assert_eq!(deliver(&world, 1).await, 1);
    let done = log(&world, &at).await;
    assert_eq!(done.len(), 1);
    assert_eq!((&done[0]["state"], &done[0]["event"]), (&json!("delivered"), &json!("created")));
    assert_eq!((&done[0]["publisherId"], &done[0]["offerId"]), (&json!("contoso"), &json!("memo-1")));
    assert!(done[0].get("lastFailure").is_none() && done[0].get("nextAttempt").is_none());
    let tries = done[0]["attempts"].as_array().unwrap();
    assert_eq!((&tries[0]["status"], &tries[0]["failure"]), (&json!(500), &json!("refused")));
    assert_eq!((&tries[1]["status"], tries[1].get("failure"), tries.len()), (&json!(204), None, 2));
    assert!(tries[0]["tookMilliseconds"].is_i64());

    saved(&world, "memo-1").await;
    *answers.lock().unwrap() = 500;
    deliver(&world, 0).await;
    assert_eq!(ask(&world, "POST", &again, &Value::Null).await.status, 202);
    *answers.lock().unwrap() = 200;
    assert_eq!(deliver(&world, 10).await, 2);
    let got = receiver.got();
    let ids: Vec<&str> = got.iter().map(|one| one.header("webhook-id")).collect();
    let second = ids[2];
    assert_eq!(ids, [&*id, &*id, second, &*id, second], "again under its id, and before what came after it");
    assert_ne!(second, id);
    assert_eq!(got[0].body, got[3].body);
    assert_eq!(log(&world, &at).await[1]["attempts"].as_array().unwrap().len(), 3);
    for wrong in [format!("{at}/deliveries/{}/redeliver", uuid::Uuid::nil()), format!("{at}/deliveries/x/redeliver")] {
        assert_eq!(ask(&world, "POST", &wrong, &Value::Null).await.status, 404);
    }
    let page =
        ask(&world, "GET", &format!("{at}/deliveries?api-version=2017-10-31&$top=1&$skip=1"), &Value::Null).await;
    assert_eq!(page.json().as_array().unwrap().len(), 1);
    assert_eq!(page.json()[0]["id"], id);

    receiver.forget();
    let test = format!("{at}/test");
    let tried = ask(&world, "POST", &test, &Value::Null).await;
    assert_eq!((tried.status, &tried.json()["status"]), (200, &json!(200)), "{}", tried.body);
    let ping = receiver.got().pop().unwrap();
    assert_eq!(
        (&ping.json()["type"], ping.header("webhook-id")),
        (&json!("portolan.test"), ping.json()["id"].as_str().unwrap())
    );
    assert!(signed_by(&ping, &[&secret]));
    assert_eq!(taken_by_library(&ping, seconds(&world), &[&secret]).unwrap_or(vec![true]), [true]);
    *answers.lock().unwrap() = 418;
    let tried = ask(&world, "POST", &test, &Value::Null).await.json();
    assert_eq!((&tried["status"], &tried["failure"]), (&json!(418), &json!("refused")));
    assert_eq!(log(&world, &at).await.len(), 2, "a test is in no log");
}

#[tokio::test]
async fn a_letter_that_is_refused_holds_up_its_offer_and_no_other() {
    let receiver = Receiver::start(|got| {
        let event = got.json();
        let is_refused = event["subject"] == "memo-1" && event["type"] == "portolan.offer.created";
        Does::Answers(if is_refused { 500 } else { 200 })
    })
    .await;
    let world = world(&[&receiver]).await;
    let (at, _) = add(&world, CONTOSO, &receiver.url(), &["created", "draftSaved"]).await;
    for offer in ["memo-1", "memo-2", "memo-1", "memo-2"] {
        saved(&world, offer).await;
    }
    deliver(&world, 0).await;
    let of = |offer: &str| told(&receiver.got()).into_iter().filter(|(there, _)| there == offer).count();
    assert_eq!((of("memo-1"), of("memo-2")), (1, 2));
    let mut waits = Vec::new();
    for _ in 0..6 {
        let began = world.clock.now();
        while deliver(&world, 5).await == 0 {}
        waits.push((world.clock.now().ticks() - began.ticks()) / TICKS_PER_SECOND);
    }
    assert_eq!(waits, [5, 30, 120, 600, 1_800, 3_600], "longer each time");
    assert_eq!((of("memo-1"), of("memo-2")), (7, 2), "nothing overtakes it");
    saved(&world, "memo-2").await;
    deliver(&world, 0).await;
    assert_eq!(of("memo-2"), 3);
    assert_eq!(ask(&world, "GET", &at, &Value::Null).await.json()["state"], "active", "others were delivered");
    // It is given up after three days, and what waits behind it comes next.
    for _ in 0..80 {
        deliver(&world, 3_600).await;
    }
    let log = log(&world, &at).await;
    let states: Vec<(&str, &str)> = log
        .iter()
        .filter(|one| one["offerId"] == "memo-1")
        .map(|one| (one["event"].as_str().unwrap(), one["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [("draftSaved", "delivered"), ("created", "failed")]);
}

#[tokio::test]
async fn what_is_removed_or_forgotten_goes_in_portions_and_is_not_sent_meanwhile() {
    let receiver = Receiver::start(|_| Does::Answers(204)).await;
    let (world, file, _data) = in_file(&[&receiver], false).await;
    let (kept, _) = add(&world, CONTOSO, &receiver.url().replace("/in", "/kept"), &["created"]).await;
    let (at, _) = add(&world, CONTOSO, &receiver.url(), &[]).await;
    saved(&world, "memo-1").await;
    assert_eq!(deliver(&world, 0).await, 2);
    let copies = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
        INSERT INTO outbox (id, publisher, offer, kind, lane, made_at, due_at, attempt, done_at, subscription, line)
        SELECT 'copy-' || subscription || i, publisher, offer, kind, lane, made_at, due_at, 1, IIF(subscription = ?1, done_at, 0), subscription,
               line FROM outbox, n WHERE sequence <= 2";
    let id = at.rsplit('/').next().unwrap();
    assert_eq!(file.execute(copies, [id]).unwrap(), 2_000);
    saved(&world, "memo-1").await;
    saved(&world, "memo-2").await;
    assert_eq!(ask(&world, "DELETE", &at, &Value::Null).await.status, 204);
    let left = |of: &str| {
        let count = "SELECT COUNT(*) FROM outbox WHERE subscription = ?1";
        file.query_row(count, [of], |row| row.get::<_, i64>(0)).unwrap()
    };
    let mut before = (left(kept.rsplit('/').next().unwrap()), left(id));
    assert!(before.0 > 1_000 && before.1 > 1_000, "{before:?}");
    while before.1 > 0 {
        world.webhooks.deliver_due().await.unwrap();
        let now = (left(kept.rsplit('/').next().unwrap()), left(id));
        assert!(before.0 - now.0 <= 200 && before.1 - now.1 <= 200 && now.1 < before.1, "{before:?} {now:?}");
        before = now;
    }
    deliver(&world, 0).await;
    assert_eq!(before.0, 2, "what is old");
    let got = receiver.got();
    assert_eq!(got.iter().filter(|got| got.path.starts_with("/in")).count(), 1, "what was sent before");
    assert_eq!(got.iter().filter(|got| got.path.starts_with("/kept")).count(), 2);
    let rows = "SELECT (SELECT COUNT(*) FROM lane) + (SELECT COUNT(*) FROM removed_subscription)";
    assert_eq!(file.query_row(rows, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[tokio::test]
async fn what_is_removed_does_not_come_back_by_a_change_that_was_slower() {
    let receiver = Receiver::start(|_| Does::Answers(204)).await;
    let world = world(&[&receiver]).await;
    let (at, _) = add(&world, CONTOSO, &receiver.url(), &[]).await;
    let id = at.rsplit('/').next().unwrap().parse().unwrap();
    let there = world.store.subscription(id).unwrap().unwrap();
    assert_eq!((there.revision, ask(&world, "DELETE", &at, &Value::Null).await.status), (1, 204));
    let event = Event::SubscriptionDisabled { subscription: id, why: "failing".into() };
    let entry = Entry { at: world.clock.now(), actor: "portolan".into(), told: None, event };
    let (circle, change) = (there.circle.clone(), SubscriptionChange::Put(Box::new(there)));
    let put = world.store.change_subscription(&circle, change, entry, None).await;
    assert_eq!(put, Err(StoreError::Overtaken));
    assert!(world.store.subscription(id).unwrap().is_none());
}

#[tokio::test]
async fn a_subscription_that_cannot_be_read_stops_no_commit() {
    let receiver = Receiver::start(|_| Does::Answers(204)).await;
    let (world, file, _data) = in_file(&[&receiver], true).await;
    let mut damages = Vec::new();
    for (base, damage) in [
        (CONTOSO, "kind = 'pigeon'"),
        (CONTOSO, "events = '[\"created'"),
        (MARKET, "events = '[\"sunrise\"]'"),
        (MARKET, "events = '[\"sunrise\", \"draftSaved\"]'"),
        (MARKET, "id = 'damaged'"),
    ] {
        let (at, _) = add(&world, base, &receiver.url(), &[]).await;
        damages.push(format!("UPDATE subscription SET {damage} WHERE id = '{}'", at.rsplit('/').next().unwrap()));
    }
    for damage in damages {
        assert_eq!(file.execute(&damage, []).unwrap(), 1);
    }
    saved(&world, "memo-1").await;
    saved(&world, "memo-1").await;
    let waiting = "SELECT group_concat(happening) FROM outbox";
    let waiting: String = file.query_row(waiting, [], |row| row.get(0)).unwrap();
    assert_eq!(waiting, "draftSaved", "what is known of a newer program's list");
    assert_eq!((deliver(&world, 0).await, receiver.count()), (1, 1));
}

#[tokio::test]
async fn where_an_endpoint_fails_as_a_whole_all_rest_and_one_goes_to_see() {
    let does = Arc::new(Mutex::new(Does::BreaksOff));
    let receiver = {
        let does = Arc::clone(&does);
        Receiver::start(move |_| does.lock().unwrap().clone()).await
    };
    let (world, file, _data) = in_file(&[&receiver], false).await;
    add(&world, CONTOSO, &receiver.url(), &[]).await;
    for at in 0..20 {
        saved(&world, &format!("memo-{at}")).await;
    }
    let failures = || file.query_row("SELECT failures FROM destination", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(deliver(&world, 0).await, 8, "at most eight are on their way");
    assert_eq!((receiver.count(), failures()), (8, 1), "side by side they fail once");
    assert_eq!(deliver(&world, 4).await, 0);
    assert_eq!(deliver(&world, 1).await, 1, "one goes to see");
    assert_eq!(failures(), 2);
    let mut waits = Vec::new();
    for _ in 0..3 {
        let began = world.clock.now();
        while deliver(&world, 5).await == 0 {}
        waits.push((world.clock.now().ticks() - began.ticks()) / TICKS_PER_SECOND);
    }
    assert_eq!(waits, [30, 120, 600]);
    *does.lock().unwrap() = Does::AsksToWait(503, 7_000);
    assert_eq!(deliver(&world, 1_800).await, 1);
    *does.lock().unwrap() = Does::Answers(200);
    assert_eq!(deliver(&world, 3_599).await, 0, "as long as it asked for, but an hour at most");
    assert_eq!(deliver(&world, 1).await, 20, "and then all of them");
    let offers: BTreeSet<String> = told(&receiver.got()[13..]).into_iter().map(|(offer, _)| offer).collect();
    assert_eq!(offers.len(), 20);
    *does.lock().unwrap() = Does::AsksToWait(429, 60);
    saved(&world, "memo-1").await;
    saved(&world, "memo-2").await;
    assert_eq!(deliver(&world, 0).await, 2);
    *does.lock().unwrap() = Does::Floods;
    assert_eq!(
        (deliver(&world, 59).await, deliver(&world, 1).await),
        (0, 2),
        "what comes behind the answer is nothing"
    );
    let rows = "SELECT (SELECT COUNT(*) FROM lane) + (SELECT COUNT(*) FROM destination)";
    assert_eq!(file.query_row(rows, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[tokio::test]
async fn a_lane_that_was_refused_often_does_not_make_the_whole_endpoint_rest_long() {
    let does = Arc::new(Mutex::new(Does::Answers(500)));
    let receiver = {
        let does = Arc::clone(&does);
        Receiver::start(move |_| does.lock().unwrap().clone()).await
    };
    let world = world(&[&receiver]).await;
    add(&world, CONTOSO, &receiver.url(), &[]).await;
    saved(&world, "memo-1").await;
    for wait in [0, 5, 30, 120, 600] {
        assert_eq!(deliver(&world, wait).await, 1);
    }
    *does.lock().unwrap() = Does::BreaksOff;
    assert_eq!(deliver(&world, 1_800).await, 1);
    *does.lock().unwrap() = Does::Answers(200);
    saved(&world, "memo-2").await;
    assert_eq!((deliver(&world, 4).await, deliver(&world, 1).await), (0, 2));
}

#[tokio::test]
async fn after_three_days_of_failures_a_webhook_is_disabled_until_somebody_enables_it() {
    let does = Arc::new(Mutex::new(Does::Answers(500)));
    let receiver = {
        let does = Arc::clone(&does);
        Receiver::start(move |_| does.lock().unwrap().clone()).await
    };
    let (world, file, _data) = in_file(&[&receiver], true).await;
    let code = world.invite("Jane", "jane@contoso.example", "owner").await;
    assert!(code.starts_with("pin_"));
    world.invite("Ray", "ray@contoso.example", "reader").await;
    let (at, _) = add(&world, CONTOSO, &receiver.url(), &[]).await;
    saved(&world, "memo-1").await;
    saved(&world, "memo-2").await;
    let hour = 3_600;
    for passed in 0..72 {
        deliver(&world, if passed == 0 { 0 } else { hour }).await;
        let there = ask(&world, "GET", &at, &Value::Null).await.json();
        assert_eq!(there["state"], "failing", "{passed}");
        assert!(there["failingSince"].as_str().unwrap().starts_with("2026-11-22T09:40:00"), "{there}");
    }
    let before = receiver.count();
    deliver(&world, hour).await;
    let there = ask(&world, "GET", &at, &Value::Null).await.json();
    assert_eq!((&there["state"], &there["disabledBecause"]), (&json!("disabled"), &json!("failing")), "{there}");
    assert!(there["disabledAt"].as_str().unwrap().starts_with("2026-11-25T09:40:00"), "{there}");
    let circle = Circle::Publisher(PublisherId::parse("contoso").unwrap());
    let last = world.store.journal(&circle, 0, 10_000).await.unwrap().pop().unwrap().entry;
    assert!(last.contains("subscriptionDisabled") && last.contains("\"actor\":\"portolan\""), "{last}");
    let mails = "SELECT COUNT(*) FROM outbox WHERE kind = 'mail' AND body IS NOT NULL AND line IS NULL";
    assert_eq!(file.query_row(mails, [], |row| row.get::<_, i64>(0)).unwrap(), 1, "to the owner with an address");

    saved(&world, "memo-1").await;
    deliver(&world, 10 * hour).await;
    assert_eq!(receiver.count(), before, "nothing is sent");
    let there = log(&world, &at).await;
    assert!(there.len() == 2 && there.iter().all(|one| one["state"] == "failed"), "{there:?}");
    let again = format!("{at}/deliveries/{}/redeliver", there[0]["id"].as_str().unwrap());
    assert_eq!(ask(&world, "POST", &again, &Value::Null).await.status, 409);
    *does.lock().unwrap() = Does::Answers(200);
    let enabled = ask(&world, "POST", &format!("{at}/enable"), &Value::Null).await;
    assert_eq!((enabled.status, &enabled.json()["state"]), (200, &json!("active")), "{}", enabled.body);
    saved(&world, "memo-1").await;
    assert_eq!(deliver(&world, 0).await, 1, "what happens from now on");
    assert_eq!(ask(&world, "POST", &again, &Value::Null).await.status, 202);
    assert_eq!(deliver(&world, 0).await, 1, "and what somebody wants again");

    *does.lock().unwrap() = Does::Answers(410);
    saved(&world, "memo-1").await;
    saved(&world, "memo-2").await;
    deliver(&world, 0).await;
    let there = ask(&world, "GET", &at, &Value::Null).await.json();
    assert_eq!((&there["state"], &there["disabledBecause"]), (&json!("disabled"), &json!("gone")));
    let gone = log(&world, &at).await;
    assert!(gone.iter().any(|one| one["lastFailure"] == "gone" && one["attempts"][0]["status"] == 410), "{gone:?}");
    assert!(gone.iter().all(|one| one["state"] != "waiting"));
}

#[tokio::test]
async fn enabling_and_moving_a_webhook_ends_every_rest() {
    let does = Arc::new(Mutex::new(Does::BreaksOff));
    let receiver = {
        let does = Arc::clone(&does);
        Receiver::start(move |_| does.lock().unwrap().clone()).await
    };
    let world = world(&[&receiver]).await;
    let (at, _) = add(&world, CONTOSO, &receiver.url(), &[]).await;
    saved(&world, "memo-1").await;
    assert_eq!((deliver(&world, 0).await, deliver(&world, 0).await), (1, 0));
    let change = json!({"events": ["created"]});
    assert_eq!(ask(&world, "PUT", &at, &change).await.status, 200);
    assert_eq!(deliver(&world, 0).await, 0, "that says nothing of where it goes");
    let moved = receiver.url().replace("/in", "/elsewhere");
    let change = json!({"url": moved, "events": ["created"]});
    let answer = ask(&world, "PUT", &at, &change).await;
    assert_eq!((answer.status, &answer.json()["state"]), (200, &json!("active")));
    assert_eq!(deliver(&world, 0).await, 1);
    assert_eq!(receiver.got().pop().unwrap().path, "/elsewhere?key=hush");
    *does.lock().unwrap() = Does::Answers(500);
    assert_eq!(deliver(&world, 30).await, 1);
    *does.lock().unwrap() = Does::Answers(200);
    assert_eq!(ask(&world, "POST", &format!("{at}/enable"), &Value::Null).await.status, 200);
    assert_eq!(deliver(&world, 0).await, 1);
    saved(&world, "memo-1").await;
    assert_eq!(deliver(&world, 0).await, 0, "a draft that was saved is not wanted any more");
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_what_is_secret_is_told_to_nobody() {
    let receiver = Receiver::start(|_| Does::Answers(200)).await;
    let (world, file, data) = in_file(&[&receiver], false).await;
    let own = format!("whsec_{}", STANDARD.encode([0x5a; 24]));
    let good = receiver.url();
    for (body, target) in [
        (json!({"url": "http://hooks.test/?key=hush"}), "/url"),
        (json!({"url": "https://me:hush@hooks.test/"}), "/url"),
        (json!({"url": good, "events": ["live", "lived"]}), "/events"),
        (json!({"url": good, "secret": "whsec_hush"}), "/secret"),
        (json!({"url": good, "sekret": "hush"}), ""),
        (json!({"events": []}), ""),
    ] {
        let answer = ask(&world, "POST", CONTOSO, &body).await;
        assert_eq!((answer.status, answer.json()["error"]["target"].as_str().unwrap_or("")), (400, target), "{body}");
        assert!(!answer.body.contains("hush"), "{}", answer.body);
    }
    let answer = ask(&world, "POST", CONTOSO, &json!({"url": good, "secret": own})).await;
    assert_eq!(answer.json()["secret"], own);
    let at = format!("{CONTOSO}/{}", answer.json()["subscription"]["id"].as_str().unwrap());
    saved(&world, "memo-1").await;
    deliver(&world, 0).await;
    assert!(signed_by(&receiver.got()[0], &[&own]));
    for path in [at.clone(), CONTOSO.to_owned(), format!("{at}/deliveries")] {
        let body = ask(&world, "GET", &path, &Value::Null).await.body;
        assert!(!body.contains("hush") && !body.contains("whsec"), "{body}");
    }
    assert_eq!(ask(&world, "GET", &at, &Value::Null).await.json()["url"], good.replace("key=hush", "…"));
    // Another publisher's, and the marketplace's, are not there.
    let id = at.rsplit_once('/').unwrap().1.to_owned();
    for base in ["/api/publishers/fabrikam/subscriptions", MARKET] {
        for (method, rest) in
            [("GET", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/test"), ("GET", "/deliveries")]
        {
            let answer = ask(&world, method, &format!("{base}/{id}{rest}"), &Value::Null).await;
            assert_eq!(answer.status, 404, "{method} {base}{rest}: {}", answer.body);
        }
    }
    let world = Arc::new(world);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 1..25 {
        let (world, good) = (Arc::clone(&world), good.clone());
        tasks.spawn(async move { ask(&world, "POST", CONTOSO, &json!({ "url": good })).await.status });
    }
    let mut statuses = tasks.join_all().await;
    statuses.sort();
    assert_eq!(statuses, [vec![201; 19], vec![409; 5]].concat(), "also where many come at once");
    let answer = ask(&world, "POST", CONTOSO, &json!({"url": good})).await;
    assert_eq!((answer.status, answer.code()), (409, "Conflict".to_owned()), "{}", answer.body);
    assert_eq!(ask(&world, "GET", CONTOSO, &Value::Null).await.json().as_array().unwrap().len(), 20);
    add(&world, MARKET, &good, &[]).await;
    let left = || -> i64 {
        let rows = "SELECT (SELECT COUNT(*) FROM outbox WHERE subscription = ?1) + (SELECT COUNT(*) FROM attempt)";
        file.query_row(rows, [&id], |row| row.get(0)).unwrap()
    };
    assert_eq!(left(), 2, "a letter and a try");
    assert_eq!(ask(&world, "DELETE", &at, &Value::Null).await.status, 204);
    assert_eq!(deliver(&world, 0).await, 0);
    assert_eq!(left(), 0, "with a webhook goes its log");
    for file in std::fs::read_dir(data.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in ["key=hush", &own[..20], &STANDARD.encode([0x5a; 24])] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
        }
    }
}

#[tokio::test]
async fn of_changes_at_once_none_is_lost() {
    let receiver = Receiver::start(|_| Does::Answers(200)).await;
    let world = Arc::new(world(&[&receiver]).await);
    let (at, _) = add(&world, CONTOSO, &receiver.url(), &[]).await;
    let mut tasks = tokio::task::JoinSet::new();
    for turn in 0..20 {
        let (world, at) = (Arc::clone(&world), at.clone());
        tasks.spawn(async move {
            match turn % 2 {
                0 => ask(&world, "POST", &format!("{at}/rotate"), &Value::Null).await,
                _ => ask(&world, "PUT", &at, &json!({"events": ["created"]})).await,
            }
        });
    }
    while let Some(answer) = tasks.join_next().await {
        assert_eq!(answer.unwrap().status, 200);
    }
    let circle = Circle::Publisher(PublisherId::parse("contoso").unwrap());
    let entries = world.store.journal(&circle, 0, 1_000).await.unwrap();
    assert_eq!(entries.iter().filter(|line| line.entry.contains("subscriptionChanged")).count(), 20);
    let answer = ask(&world, "POST", &format!("{at}/rotate"), &Value::Null).await.json();
    saved(&world, "memo-1").await;
    deliver(&world, 0).await;
    let got = receiver.got().pop().unwrap();
    let signatures = got.header("webhook-signature").to_owned();
    let newest = answer["secret"].as_str().unwrap();
    let mut alone = got.clone();
    alone.headers.insert("webhook-signature".into(), signatures.split(' ').next().unwrap().into());
    assert!(signed_by(&alone, &[newest]) && signatures.split(' ').count() == 2);
    assert_eq!(answer["subscription"]["events"], json!(["created"]));
}

#[tokio::test]
async fn no_address_inside_is_reached_not_even_by_a_name_that_moves() {
    let receiver = Receiver::start(|_| Does::Redirects("https://inside.test/".into())).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &receiver.root).unwrap();
    let allow = vec![receiver.address.to_string().parse().unwrap()];
    let settings = EgressSettings { allow, http_hosts: Vec::new(), ca_file: Some(file.path().to_owned()) };
    let (good, bad, turns) = (receiver.address, "10.0.0.1:443".parse().unwrap(), AtomicUsize::new(0));
    let way = Egress::new(&settings).unwrap().with_lookup(move |name| match name {
        "hooks.test" => vec![good],
        // First it leads where it may, and then inside.
        "moving.test" if turns.fetch_add(1, Ordering::SeqCst) == 0 => vec![good],
        _ => vec![bad],
    });
    let world = World::with(Setting { egress: way, ..Setting::default() }).await;
    let port = receiver.address.port();
    for (url, failures) in [
        (format!("https://hooks.test:{port}/"), ["redirected", "redirected"]),
        (format!("https://moving.test:{port}/"), ["redirected", "addressNotAllowed"]),
        (format!("https://inside.test:{port}/"), ["addressNotAllowed"; 2]),
        ("https://127.0.0.1/".to_owned(), ["addressNotAllowed"; 2]),
        ("https://[::ffff:169.254.169.254]/latest".to_owned(), ["addressNotAllowed"; 2]),
        (format!("https://10.0.0.1:{port}/"), ["addressNotAllowed"; 2]),
    ] {
        let (at, _) = add(&world, CONTOSO, &url, &[]).await;
        for failure in failures {
            let tried = ask(&world, "POST", &format!("{at}/test"), &Value::Null).await.json();
            assert_eq!(tried["failure"], failure, "{url}");
        }
    }
    saved(&world, "memo-1").await;
    deliver(&world, 0).await;
    assert_eq!(receiver.count(), 3 + 1, "three tests, and the one webhook that leads there");
}

#[tokio::test]
async fn a_commit_that_fails_leaves_no_letter() {
    let receiver = Receiver::start(|_| Does::Answers(200)).await;
    let (world, file, _data) = in_file(&[&receiver], false).await;
    add(&world, CONTOSO, &receiver.url(), &[]).await;
    let count = |table: &str| -> i64 {
        file.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    let all = || (count("outbox"), count("lane"), count("offer"), count("journal"));
    let before = all();
    // Whatever fails last takes everything back: the letter here, and after the letter the lane's number of letters.
    for trigger in [
        "CREATE TRIGGER broken BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'broken'); END",
        "CREATE TRIGGER broken AFTER INSERT ON outbox BEGIN SELECT RAISE(FAIL, 'broken'); END",
    ] {
        file.execute_batch(trigger).unwrap();
        assert!(world.put_memo("memo-1").await.status >= 500);
        assert_eq!(all(), before, "{trigger}");
        file.execute_batch("DROP TRIGGER broken").unwrap();
    }
    // Of many at once each is told as often as it was committed, however often it was overtaken.
    let world = Arc::new(world);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let world = Arc::clone(&world);
        tasks.spawn(async move { world.put_memo("memo-1").await.status });
    }
    while let Some(status) = tasks.join_next().await {
        assert!(status.unwrap() < 300);
    }
    let lines = lines(&world, "contoso").await;
    assert_eq!((lines.len(), count("outbox")), (30, 30));
    deliver(&world, 0).await;
    let expected: Vec<(String, i64)> = lines.iter().map(|line| (line.offer.clone(), line.sequence)).collect();
    assert_eq!(told(&receiver.got()), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_lanes_of_a_black_hole_delay_nobody_and_write_little() {
    let hole = Receiver::start(|_| Does::Hangs).await;
    let receiver = Receiver::start(|_| Does::Answers(200)).await;
    let (world, file, _data) = in_file(&[&receiver, &hole], false).await;
    let hung = format!("https://127.0.0.1:{}/", hole.address.port());
    add(&world, CONTOSO, &hung, &[]).await;
    let mut tasks = tokio::task::JoinSet::new();
    for at in 0..1_000 {
        let store = Arc::clone(&world.store);
        tasks.spawn(async move { drop(perform(&store, &key(&format!("memo-{at}")), save(), START).await) });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let claims = || file.query_row("SELECT highest FROM fence", [], |row| row.get::<_, i64>(0)).unwrap();
    let (stop, stopped) = watch::channel(false);
    let webhooks = world.webhooks.clone();
    let running = tokio::spawn(async move { webhooks.run(stopped).await });
    while hole.count() < 8 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    add(&world, CONTOSO, &receiver.url(), &[]).await;
    let began = Instant::now();
    saved(&world, "memo-new").await;
    while receiver.count() == 0 {
        assert!(began.elapsed() < Duration::from_secs(5), "a healthy endpoint waits");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let before = claims();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(claims() - before <= 3, "{} claims in three seconds in which nothing is to be done", claims() - before);
    assert_eq!(hole.count(), 8, "no more than eight at once");
    // After 15 seconds they are given back, and the hole rests: by the clock here, which stands, for ever.
    while file.query_row("SELECT COUNT(*) FROM destination", [], |row| row.get::<_, i64>(0)).unwrap() == 0 {
        assert!(began.elapsed() < Duration::from_secs(30), "a try never ends");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = claims();
    let changes = |file: &Connection| file.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).unwrap();
    let writes = changes(&file);
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!((claims(), changes(&file)), (before, writes), "while it rests nothing is written");
    stop.send(true).unwrap();
    running.await.unwrap();
}

/// A hundred webhooks' worth of offers, all at once, with nothing lost: in order for each offer, whatever is answered.
#[tokio::test]
async fn offers_at_once_are_each_told_in_order_whatever_is_answered() {
    let dice = Mutex::new(0x2545_f491_4f6c_dd1d_u64);
    let receiver = Receiver::start(move |_| {
        let mut x = dice.lock().unwrap();
        *x ^= *x << 13;
        *x ^= *x >> 7;
        *x ^= *x << 17;
        match *x % 10 {
            0 => Does::Answers(500),
            1 => Does::BreaksOff,
            2 => Does::AsksToWait(503, 1),
            _ => Does::Answers(200),
        }
    })
    .await;
    let world = Arc::new(world(&[&receiver]).await);
    let (at, _) = add(&world, CONTOSO, &receiver.url(), &[]).await;
    for _ in 0..5 {
        for offer in 0..10 {
            saved(&world, &format!("memo-{offer}")).await;
        }
        deliver(&world, 1).await;
    }
    for _ in 0..400 {
        deliver(&world, 60).await;
    }
    let lines = lines(&world, "contoso").await;
    assert_eq!(lines.len(), 50);
    let mut first: HashMap<String, Vec<i64>> = HashMap::new();
    let mut ids: HashMap<(String, i64), String> = HashMap::new();
    for one in receiver.got() {
        let (offer, sequence) = one.told();
        let id = ids.entry((offer.clone(), sequence)).or_insert_with(|| one.header("webhook-id").to_owned());
        assert_eq!(id, one.header("webhook-id"));
        let told = first.entry(offer).or_default();
        if !told.contains(&sequence) {
            told.push(sequence);
        }
    }
    for (offer, told) in &first {
        let expected: Vec<i64> = lines.iter().filter(|line| line.offer == *offer).map(|line| line.sequence).collect();
        assert_eq!(*told, expected, "{offer}");
    }
    assert_eq!(first.len(), 10);
    assert!(log(&world, &at).await.iter().all(|one| one["state"] == "delivered"));
}
