//! Requests that carry a key: each is done once, whoever sends it how often and whenever, and every answer is the first one.

use crate::binary::{Portolan, curl};
use crate::matrix::{Scene, Who, existing, tells};
use crate::permissions::{Route, routes};
use crate::sweep::TYPE;
use crate::vault::{column, holding, reopened};
use crate::world::{Answer, Setting, World, opened};
use portolan::auth::{Permission, Role};
use portolan::perform::{AccessRequest, Newcomer};
use portolan::store::Repeats;
use portolan::vault::is_sealed;
use publishing::command::{Command, Expected};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const MEMO: &str = "/api/publishers/contoso/offers/memo-1";
const GUID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Somebody who may do everything: an owner at `contoso`, operator and reviewer.
async fn mighty(scene: &Scene, name: &'static str) -> Who {
    let principal = scene.world.member(name, None, &[Role::Operator, Role::Reviewer]).await;
    let known = AccessRequest::AddMember { newcomer: Newcomer::Known(principal.id), roles: [Role::Owner].into() };
    scene.change("contoso", known).await;
    let sends = Some(format!("Bearer {}", scene.world.token_of(&principal).await));
    Who { name, sends, is_known: true, roles: Vec::new(), sets_up: false }
}

/// A request with these headers besides who asks.
async fn ask(scene: &Scene, who: &Who, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    let own = [("content-type", "application/json"), ("authorization", who.sends.as_deref().unwrap())];
    scene.world.send("POST", path, &[&own[..], headers].concat(), body.to_owned()).await
}

/// An answer without what says that it is not the first.
fn as_first(answer: &Answer) -> (u16, String, Vec<(String, String)>) {
    let mut answer = answer.clone();
    answer.headers.remove("idempotency-replayed");
    tells(&answer)
}

fn is_replay(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == "true"
}

/// Everything that a POST with a token can ask for, but for what checkers say, which has its own numbers, and for tests, which change
/// nothing.
fn repeatable() -> Vec<Route> {
    let posts = routes().into_iter().filter(|(method, path, _)| method == "POST" && path.starts_with("/api/"));
    posts.filter(|(_, path, id)| !path.starts_with("/api/checks/") && !id.starts_with("test_")).collect()
}

/// One route with one kind of key: the first answer, what is the same request, and what is not. Gives what was sent and heard.
async fn once(scene: &Scene, route: &Route, whos: [&Who; 2], header: &'static str) -> Sent {
    let (_, path, operation) = route;
    let at = if path.contains("{publisherId}") { "contoso" } else { "" };
    let mut asked = existing(scene, operation, at, true).await;
    if operation == "release_review" {
        let claimed = ask(scene, whos[0], &asked.path.replace("/release", "/claim"), "", &[]).await;
        assert_eq!(claimed.status, 200, "{}", claimed.body);
        asked.status = 200;
    }
    let key = uuid::Uuid::new_v4().to_string();
    let keyed = [(header, key.as_str())];
    let first = ask(scene, whos[0], &asked.path, &asked.body, &keyed).await;
    assert_eq!(first.status, asked.status, "{operation}: {}", first.body);
    assert!(!is_replay(&first));
    let result = if header == "idempotency-key" { "" } else { "accepted" };
    assert_eq!(first.header("repeatability-result"), result, "{operation}");

    let (writes, journal) = (scene.writes(), scene.journal());
    let version = |version: &str| format!("{}?{version}", asked.path);
    let spelled = asked.path.replace("/api/", "/API/").replace("/contoso/", "/Contoso/") + "/";
    for path in [asked.path.clone(), spelled, version("API-Version=2016-08-01-preview")] {
        let again = ask(scene, whos[0], &path, &asked.body, &keyed).await;
        assert_eq!(as_first(&again), as_first(&first), "{operation} {path}");
        assert!(is_replay(&again), "{operation}");
    }
    let [with_body, with_query] = [format!("{} ", asked.body), version("api-version=2017-10-31&x=1")];
    for (path, body, condition) in
        [(&asked.path, &with_body, "none"), (&with_query, &asked.body, "none"), (&asked.path, &asked.body, "*")]
    {
        let other = ask(scene, whos[0], path, body, &[keyed[0], ("if-match", condition)]).await;
        assert_eq!((other.status, other.code().as_str()), (422, "KeyUsed"), "{operation}: {}", other.body);
        let target = other.json()["error"]["target"].as_str().unwrap().to_ascii_lowercase();
        assert_eq!(target, header, "{operation}");
    }
    assert_eq!((scene.writes(), scene.journal()), (writes, journal), "{operation} was done again");

    let theirs = ask(scene, whos[1], &asked.path, &asked.body, &keyed).await;
    assert!(
        !is_replay(&theirs) && !theirs.body.contains("KeyUsed"),
        "{operation}: a key is its caller's: {}",
        theirs.body
    );
    assert!(theirs.status >= 300 || scene.journal() == journal + 1, "{operation}");
    Sent { operation: operation.clone(), path: asked.path, body: asked.body, header, key, first }
}

struct Sent {
    operation: String,
    path: String,
    body: String,
    header: &'static str,
    key: String,
    first: Answer,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_post_with_a_key_is_done_once_and_hears_the_first_answer_whatever_happened_since() {
    let scene = Scene::new().await;
    let (one, other) = (mighty(&scene, "one").await, mighty(&scene, "another").await);
    let posts = repeatable();
    assert!(posts.len() >= 16, "{posts:?}");
    let mut sent = Vec::new();
    for route in &posts {
        for header in ["idempotency-key", "repeatability-request-id"] {
            sent.push(once(&scene, route, [&one, &other], header).await);
        }
    }
    // Whatever the answers speak of goes on, or is gone.
    scene.world.settle().await;
    let mut changed = BTreeSet::new();
    for sent in &sent {
        let (_, rest) = sent.path.split_at(sent.path.find("/members/").or(sent.path.find("/staff/")).unwrap_or(0));
        if sent.operation.ends_with("_secret") {
            let id = rest.split('/').nth(2).unwrap().parse().unwrap();
            let at = if sent.operation.contains("staff") { "$" } else { "contoso" };
            scene.change(at, AccessRequest::RemoveMember(id)).await;
            changed.insert("a member");
        }
        if sent.operation == "synchronise_audiences" {
            let offer = sent.path.split('/').nth(5).unwrap();
            let definition = r#"{"displayText":"A memo"}"#.to_owned().into();
            let command = Command::SaveDraft { offer_type: "memo".into(), definition, expected: Expected::Unstated };
            scene.perform("contoso", offer, Permission::SaveDraft, command).await;
            changed.insert("a draft");
        }
    }
    assert_eq!(changed.len(), 2);
    let (writes, journal) = (scene.writes(), scene.journal());
    for Sent { operation, path, body, header, key, first } in &sent {
        let again = ask(&scene, &one, path, body, &[(header, key)]).await;
        assert!(is_replay(&again), "{operation}: {} {}", again.status, again.body);
        assert_eq!(as_first(&again), as_first(first), "{operation}");
    }
    assert_eq!((scene.writes(), scene.journal()), (writes, journal));
    println!("{} routes, {} requests, each done once", posts.len(), sent.len());
}

/// A world on disk, with a look at its database.
async fn on_disk(data: &Path) -> (Arc<World>, Connection) {
    let world = World::on(Arc::new(opened(data).unwrap()), Setting::default()).await;
    (Arc::new(world), Connection::open(data.join("portolan.db")).unwrap())
}

fn count(file: &Connection, from: &str) -> i64 {
    file.query_row(&format!("SELECT COUNT(*) FROM {from}"), [], |row| row.get(0)).unwrap()
}

/// The answers to so many equal requests that are all under way at once.
async fn at_once(world: &Arc<World>, times: usize, path: &str, body: &str, key: &str) -> Vec<Answer> {
    let mut tasks = JoinSet::new();
    for _ in 0..times {
        let (world, path, body, key) = (Arc::clone(world), path.to_owned(), body.to_owned(), key.to_owned());
        tasks.spawn(async move { world.send("POST", &path, &[("idempotency-key", &key)], body).await });
    }
    tasks.join_all().await
}

/// All are the same, and one of them is the first.
fn assert_one(answers: &[Answer], status: u16) {
    let told: BTreeSet<_> = answers.iter().map(as_first).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(answers[0].status, status, "{}", answers[0].body);
    assert_eq!(answers.iter().filter(|answer| !is_replay(answer)).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_equal_requests_at_once_are_one() {
    let data = tempfile::tempdir().unwrap();
    let (world, file) = on_disk(data.path()).await;
    for round in 0..6 {
        let offer = format!("memo-{round}");
        assert_eq!(world.put_memo(&offer).await.status, 201);
        let publish = format!("/api/publishers/contoso/offers/{offer}/publish");
        let answers = at_once(&world, 100, &publish, "", &format!("publish-{round}")).await;
        assert_one(&answers, 202);
        assert!(answers[0].header("operation-location").contains("/operations/"));
        assert_eq!(count(&file, &format!("operation WHERE offer = '{offer}'")), 1);
    }
    world.settle().await;
    // What the rules would take any number of times: nothing but the key stands in its way.
    let reviews = world.get("/api/reviews").await.json();
    let notes = format!("/api/reviews/{}/review/notes", reviews[0]["operationId"].as_str().unwrap());
    let before = count(&file, "journal");
    assert_one(&at_once(&world, 100, &notes, r#"{"text":"Seen."}"#, "note").await, 200);
    assert_eq!(count(&file, "journal"), before + 1);
    let members = world.get("/api/publishers/contoso/members").await.json();
    let secrets = format!("/api/publishers/contoso/members/{}/secrets", members[0]["id"].as_str().unwrap());
    let there = count(&file, "client_secret");
    assert_one(&at_once(&world, 50, &secrets, "", "secret").await, 201);
    assert_eq!(count(&file, "client_secret"), there + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_saw_the_first_answer_gets_it_from_the_second() {
    let data = tempfile::tempdir().unwrap();
    let (world, file) = on_disk(data.path()).await;
    for round in 0..20 {
        let offer = format!("memo-{round}");
        world.put_memo(&offer).await;
        let path = format!("/api/publishers/contoso/offers/{offer}/publish?api-version=2017-10-31");
        let mut lost = TcpStream::connect(world.address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nIdempotency-Key: lost\r\nContent-Length: 2\r\n\r\n{{}}",
            world.token
        );
        lost.write_all(head.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(round % 5)).await;
        drop(lost);
        // The key of an earlier round is another request's by now.
        let mut answer = world.send("POST", &path, &[("idempotency-key", "lost")], "{}").await;
        if round > 0 {
            assert_eq!(answer.code(), "KeyUsed");
            answer = world.send("POST", &path, &[("idempotency-key", &offer)], "{}").await;
        }
        let operations = count(&file, &format!("operation WHERE offer = '{offer}'"));
        assert_eq!((answer.status, operations), (202, 1), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_key_is_one_callers_and_who_may_not_any_more_gets_no_replay() {
    let world = World::new().await;
    world.put_memo("memo-1").await;
    let publisher = world.member("publisher", Some("contoso"), &[Role::Contributor]).await;
    let token = format!("Bearer {}", world.token_of(&publisher).await);
    let publish = async || {
        let headers = [("authorization", token.as_str()), ("idempotency-key", "one")];
        world.send("POST", &format!("{MEMO}/publish"), &headers, "").await
    };
    let first = publish().await;
    assert_eq!(first.status, 202);
    let member = format!("/api/publishers/contoso/members/{}", publisher.id);
    for (role, status) in [("reader", 403), ("contributor", 202)] {
        assert_eq!(world.put(&member, &json!({ "roles": [role] }).to_string()).await.status, 200);
        let again = publish().await;
        assert_eq!((again.status, is_replay(&again)), (status, status == 202), "{}", again.body);
    }
    assert_eq!(world.send("DELETE", &member, &[], "").await.status, 204);
    assert_eq!(publish().await.status, 403);
}

#[tokio::test]
async fn what_was_refused_may_be_sent_again_with_the_same_key() {
    let world = World::new().await;
    let body = r#"{"publisherId":"contoso","id":"memo-1","offerTypeId":"memo","definition":{}}"#;
    assert_eq!(world.put(MEMO, body).await.status, 201);
    let publish = async || world.send("POST", &format!("{MEMO}/publish"), &[("idempotency-key", "k")], "").await;
    let refused = publish().await;
    assert_eq!((refused.status, refused.code().as_str()), (422, "ValidationFailed"), "{}", refused.body);
    world.put_memo("memo-1").await;
    let first = publish().await;
    assert_eq!((first.status, is_replay(&first)), (202, false));
    let again = publish().await;
    assert_eq!((as_first(&again), is_replay(&again)), (as_first(&first), true));
}

#[tokio::test]
async fn headers_that_cannot_be_are_named_and_nothing_is_done() {
    let world = World::new().await;
    world.put_memo("memo-1").await;
    let (key, id, sent) = ("Idempotency-Key", "Repeatability-Request-ID", "Repeatability-First-Sent");
    let long = "k".repeat(256);
    let date = "Sun, 22 Nov 2026 09:40:00 GMT";
    for (headers, target) in [
        (&[(key, "")][..], key),
        (&[(key, long.as_str())], key),
        (&[(key, "a"), (key, "a")], key),
        (&[(key, "k\u{e9}y")], key),
        (&[(id, "")], id),
        (&[(id, "0f8fad5bd9cb469fa16570867728950e")], id),
        (&[(id, "{0f8fad5b-d9cb-469f-a165-70867728950e}")], id),
        (&[(id, "not-a-guid")], id),
        (&[(id, GUID), (id, GUID)], id),
        (&[(id, GUID), (key, "7d3f1b0e-52a4-4a9c-9c1b-6f2f0f6f4f11")], key),
        (&[(id, GUID), (key, "a")], key),
        (&[(id, GUID), (sent, "2026-11-22T09:40:00Z")], sent),
        (&[(id, GUID), (sent, "Mon, 22 Nov 2026 09:40:00 GMT")], sent),
        (&[(id, GUID), (sent, "Sun, 32 Nov 2026 09:40:00 GMT")], sent),
        (&[(id, GUID), (sent, "")], sent),
        (&[(id, GUID), (sent, date), (sent, date)], sent),
        (&[(sent, date)], sent),
    ] {
        let answer = world.send("POST", &format!("{MEMO}/publish"), headers, "").await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "BadRequest"), "{headers:?}: {}", answer.body);
        assert_eq!(answer.json()["error"]["target"], target, "{headers:?}");
        assert_eq!((answer.header("repeatability-result"), is_replay(&answer)), ("", false));
    }
    let too_long = world.send("POST", &format!("{MEMO}/publish"), &[(key, "k")], "x".repeat(70_000)).await;
    assert_eq!((too_long.status, too_long.code().as_str()), (413, "PayloadTooLarge"));
    let right = [(id, GUID), (sent, date), (key, GUID)];
    let first = world.send("POST", &format!("{MEMO}/publish"), &right, "").await;
    assert_eq!((first.status, first.header("repeatability-result")), (202, "accepted"), "{}", first.body);
    // A GUID is the same in capitals, with or without the date.
    let again = world.send("POST", &format!("{MEMO}/publish"), &[(id, &GUID.to_uppercase())], "").await;
    assert_eq!((as_first(&again), is_replay(&again)), (as_first(&first), true));
    assert_eq!(world.get(&format!("{MEMO}/status")).await.header("repeatability-result"), "");
}

#[tokio::test]
async fn a_key_counts_for_a_week_and_is_then_forgotten() {
    let data = tempfile::tempdir().unwrap();
    let (world, file) = on_disk(data.path()).await;
    world.put_memo("memo-1").await;
    world.post(&format!("{MEMO}/publish"), "").await;
    world.settle().await;
    let operation = world.get("/api/reviews").await.json()[0]["operationId"].as_str().unwrap().to_owned();
    let path = format!("/api/reviews/{operation}/review/notes");
    let note = async |key: &str, text: &str| {
        let body = json!({ "text": text }).to_string();
        world.send("POST", &path, &[("idempotency-key", key)], body).await
    };
    for n in 0..30 {
        assert_eq!(note(&format!("key-{n}"), "Seen.").await.status, 200);
    }
    assert_eq!(count(&file, "repeated"), 30);
    world.clock.advance(WEEK - Duration::from_secs(1));
    assert!(is_replay(&note("key-0", "Seen.").await));
    assert_eq!(note("key-0", "Other.").await.status, 422);
    world.clock.advance(Duration::from_secs(1));
    let lines = count(&file, "journal");
    let anew = note("key-29", "Other.").await;
    assert_eq!((anew.status, is_replay(&anew), count(&file, "journal")), (200, false, lines + 1), "{}", anew.body);
    assert!(is_replay(&note("key-29", "Other.").await), "and counts for another week");
    assert!((20..30).contains(&count(&file, "repeated")), "a few at a time");
    for n in 0..5 {
        note(&format!("new-{n}"), "Seen.").await;
    }
    assert_eq!(count(&file, "repeated"), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_kept_to_be_shown_again_is_sealed_and_sealed_anew() {
    let data = tempfile::tempdir().unwrap();
    let (world, _) = on_disk(data.path()).await;
    let body = r#"{"kind":"servicePrincipal","name":"robot","roles":["reader"]}"#;
    let members = "/api/publishers/contoso/members";
    let key = [("idempotency-key", "canary-key-6b1f")];
    let first = world.send("POST", members, &key, body).await;
    assert_eq!(first.status, 201, "{}", first.body);
    let secret = first.json()["secret"]["value"].as_str().unwrap().to_owned();
    let again = world.send("POST", members, &key, body).await;
    assert_eq!((as_first(&again), is_replay(&again)), (as_first(&first), true));
    let files = || [secret.as_str(), key[0].1].map(|text| holding(data.path(), text));
    assert_eq!(files(), [[""; 0]; 2], "while it runs");
    let now = world.clock.now();
    drop(world);
    let answers = "SELECT answer FROM repeated";
    let newest = |id: &str| column(data.path(), answers).iter().all(|text| is_sealed(text) && text.contains(id));
    let hash: [u8; 32] = {
        let file = Connection::open(data.path().join("portolan.db")).unwrap();
        // The tests' worlds share an issuer's key, whose vault is another one.
        file.execute("DELETE FROM signing_key", []).unwrap();
        file.query_row("SELECT key FROM repeated", [], |row| row.get(0)).unwrap()
    };
    let keys = data.path().join("secret.key");
    let old = std::fs::read_to_string(&keys).unwrap();
    std::fs::write(&keys, format!("newer {}\n{old}", "1".repeat(64))).unwrap();
    let store = reopened(data.path()).unwrap();
    assert!(newest("v1.newer."), "the newest key has sealed it anew");
    let kept = now.plus_seconds(1);
    let repeated = store.repeated(&hash, kept).unwrap().unwrap();
    assert!(String::from_utf8_lossy(&repeated.answer).contains(&secret));
    assert!(!format!("{repeated:?}").contains(&secret));
    assert_eq!(files(), [[""; 0]; 2], "and after it was sealed anew");
    // What is moved to another row does not open.
    drop(store);
    let file = Connection::open(data.path().join("portolan.db")).unwrap();
    file.execute("UPDATE repeated SET key = ?1", [[7_u8; 32]]).unwrap();
    drop(file);
    let error = reopened(data.path()).unwrap().repeated(&[7; 32], kept).unwrap_err().to_string();
    assert!(error.contains("corrupt: repeated.answer: it does not open"), "{error}");
}

/// Sends a publish with this key; gives head and body of the answer in lower case, or nothing where it broke off.
fn publish(url: &str, key: &str) -> String {
    let key = format!("Idempotency-Key: {key}");
    curl(&["--include", "--request", "POST", "--header", &key, url]).1.to_ascii_lowercase()
}

fn location(said: &str) -> &str {
    said.lines().find_map(|line| line.strip_prefix("operation-location: ")).unwrap_or_default()
}

#[test]
fn whenever_it_is_killed_the_same_request_comes_to_one_operation() {
    let data = tempfile::tempdir().unwrap();
    let settings = data.path().join("settings.toml");
    std::fs::write(data.path().join("quick.toml"), TYPE).unwrap();
    std::fs::write(&settings, "offer_types = [\"quick.toml\"]\n").unwrap();
    let start = || Portolan::serve(data.path(), &["--config", settings.to_str().unwrap()]);
    let mut service = start();
    // Milliseconds between sending and the kill, beside those that curl takes to start.
    let waits = [4, 6, 7, 8, 9, 10, 11, 12, 14, 18, 25, 300];
    let mut was_done = 0;
    for (round, wait) in waits.into_iter().enumerate() {
        let offer = format!("quick-{round}");
        let at = |service: &Portolan, rest: &str| {
            format!("{}/api/publishers/contoso/offers/{offer}{rest}?api-version=2017-10-31", service.url)
        };
        let body = json!({"publisherId": "contoso", "id": offer, "offerTypeId": "quick", "definition": {}}).to_string();
        let put = ["--request", "PUT", "--header", "Content-Type: application/json", "--data", &body];
        assert_eq!(curl(&[&put[..], &[at(&service, "").as_str()]].concat()).0, 201);
        let (url, key) = (at(&service, "/publish"), format!("{GUID}-{round}"));
        let token = crate::binary::token();
        let asking = std::thread::spawn({
            let key = key.clone();
            move || crate::binary::with_token(token, || publish(&url, &key))
        });
        std::thread::sleep(Duration::from_millis(wait));
        service.child.kill().unwrap();
        service.child.wait().unwrap();
        let heard = asking.join().unwrap();
        service = start();
        let [second, third] = [0, 1].map(|_| publish(&at(&service, "/publish"), &key));
        assert!(second.starts_with("http/1.1 202"), "{second}");
        assert!(third.contains("idempotency-replayed: true"), "{third}");
        assert_eq!(location(&second), location(&third));
        was_done += usize::from(second.contains("idempotency-replayed: true"));
        assert!(!heard.contains(" 202 ") || location(&heard) == location(&second), "{heard}");
        let submissions: Value = serde_json::from_str(&curl(&[&at(&service, "/submissions/")]).1).unwrap();
        assert_eq!(submissions.as_array().unwrap().len(), 1, "{submissions}");
    }
    println!("{} kills, {was_done} of them after the commit", waits.len());
    assert!(was_done >= 1, "the last one waits long enough");
}
