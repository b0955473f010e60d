//! Leads: the packaging step tries the endpoint, what customers leave is delivered at least once, and nothing of it is left.

use crate::binary::{Portolan, curl};
use crate::world::{Answer, Setting, World, opened};
use portolan::egress::{Egress, EgressSettings};
use portolan::http::LimitSettings;
use portolan::store::{Claims, Store, Then};
use publishing::command::Command;
use publishing::offer_type::OfferTypeFile;
use rusqlite::Connection;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A type whose way to live needs no person but for the sign-off.
const LEAD_TYPE: &str = r#"
id = "lead-memo"
display_text = "Memo with leads"
[[step]]
id = "package"
name = "Package"
description = "The lead destination is tried, and the preview put in place."
checks = [{ kind = "leads" }, { kind = "listing" }]
[[step]]
id = "publisher-signoff"
name = "Sign off"
description = "The publisher looks."
checks = [{ kind = "sign-off" }]
[[step]]
id = "live"
name = "Live"
description = "Customers see it."
checks = [{ kind = "promote" }]
"#;

const CANARY: &str = "canary-4711@customer.example";

/// What an endpoint got.
#[derive(Clone, Debug)]
struct Got {
    path: String,
    id: String,
    body: Value,
    /// What it answered.
    status: u16,
}

/// An https endpoint that answers as it is told; 0 breaks off without an answer.
struct Receiver {
    address: SocketAddr,
    root: String,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Receiver {
    async fn start(answer: impl Fn(&Got) -> u16 + Send + Sync + 'static) -> Self {
        let made =
            rcgen::generate_simple_self_signed(vec!["leads.test".into(), "moving.test".into(), "127.0.0.1".into()])
                .unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let got: Arc<Mutex<Vec<Got>>> = Arc::default();
        let (answer, into) = (Arc::new(answer), Arc::clone(&got));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, answer, into) = (acceptor.clone(), Arc::clone(&answer), Arc::clone(&into));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut bytes = Vec::new();
                    let (head, body) = loop {
                        let mut some = [0; 4_096];
                        let Ok(count @ 1..) = stream.read(&mut some).await else { return };
                        bytes.extend_from_slice(&some[..count]);
                        let text = String::from_utf8(bytes.clone()).unwrap();
                        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                        let length = header(head, "content-length").parse::<usize>().unwrap();
                        if body.len() >= length {
                            break (head.to_owned(), body.to_owned());
                        }
                    };
                    let path = head.split(' ').nth(1).unwrap().to_owned();
                    let body = serde_json::from_str(&body).unwrap();
                    let mut got = Got { path, id: header(&head, "webhook-id"), body, status: 0 };
                    let status = answer(&got);
                    got.status = status;
                    into.lock().unwrap().push(got);
                    if status > 0 {
                        let location = if status == 302 { "location: /elsewhere\r\n" } else { "" };
                        let answer = format!("HTTP/1.1 {status} So\r\n{location}content-length: 4\r\n\r\nhush");
                        let _ = stream.write_all(answer.as_bytes()).await;
                    }
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { address, root: made.cert.pem(), got }
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// What was no test.
    fn leads(&self) -> Vec<Got> {
        self.got().into_iter().filter(|got| got.body.get("test").is_none()).collect()
    }

    /// `leads.test` at this endpoint's port.
    fn url(&self) -> String {
        format!("https://leads.test:{}/new?key=hush", self.address.port())
    }
}

fn header(head: &str, name: &str) -> String {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .filter(|(there, _)| there.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.to_owned())
        .next()
        .unwrap_or_default()
}

/// A way out on which every name lies at this endpoint, and nothing else internal is allowed.
fn egress(receivers: &[&Receiver]) -> Egress {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), receivers.iter().map(|receiver| receiver.root.as_str()).collect::<String>()).unwrap();
    let allow = receivers.iter().map(|receiver| receiver.address.to_string().parse().unwrap()).collect();
    let settings = EgressSettings { allow, http_hosts: Vec::new(), ca_file: Some(file.path().to_owned()) };
    Egress::new(&settings).unwrap().with_names(BTreeMap::from([("leads.test".into(), receivers[0].address)]))
}

fn setting(egress: Egress) -> Setting {
    let mut setting = Setting { egress, ..Setting::default() };
    setting.types.add(OfferTypeFile::parse("lead.toml", LEAD_TYPE).unwrap().with_schema("lead.toml", "{}").unwrap());
    setting
}

async fn world(receivers: &[&Receiver]) -> World {
    World::with(setting(egress(receivers))).await
}

fn definition(destination: &Value) -> Value {
    let mut offer = json!({});
    for (name, value) in destination.as_object().unwrap() {
        offer[format!("microsoft-azure-marketplace.{name}")] = value.clone();
    }
    let plans = json!([{"planId": "open"}, {"planId": "closed", "restrictedAudience": {"manualEntries": [{"subscriptionId": "s"}]}}]);
    json!({"displayText": "Relay", "offer": offer, "plans": plans})
}

fn https(url: &str) -> Value {
    json!({"leadDestination": "HttpsEndpoint", "httpsEndpointLeadConfiguration": {"httpsEndpointUrl": url}})
}

async fn published(world: &World, offer: &str, destination: &Value) {
    let path = format!("/api/publishers/contoso/offers/{offer}");
    let body = json!({"publisherId": "contoso", "id": offer, "offerTypeId": "lead-memo", "definition": definition(destination)});
    assert!(world.put(&path, &body.to_string()).await.status < 300);
    let answer = world.post(&format!("{path}/publish"), "").await;
    assert_eq!(answer.status, 202, "{}", answer.body);
}

async fn live(world: &World, offer: &str, destination: &Value) {
    published(world, offer, destination).await;
    world.settle().await;
    world.clock.advance(Duration::from_secs(60));
    world.settle().await;
    let answer = world.post(&format!("/api/publishers/contoso/offers/{offer}/golive"), "").await;
    assert_eq!(answer.status, 202, "{}: {}", answer.body, world.status(offer).await);
    world.settle().await;
    assert_eq!(world.status(offer).await["status"], "succeeded");
}

fn lead() -> Value {
    json!({"planId": "open", "customer": {"firstName": "Ada", "lastName": "Canary", "email": CANARY, "phone": "+49 30 1",
        "company": "Customer", "title": "CTO", "country": "DE"}, "note": "Call me"})
}

async fn send(world: &World, offer: &str, lead: &Value, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![("authorization", "none"), ("content-type", "application/json")];
    all.retain(|(name, _)| !headers.iter().any(|(given, _)| given == name));
    all.extend(headers);
    world.send("POST", &format!("/catalog/offers/Contoso/{offer}/leads?x=1"), &all, lead.to_string()).await
}

async fn taken(world: &World, offer: &str) -> String {
    let answer = send(world, offer, &lead(), &[]).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn listed(world: &World, offer: &str) -> Value {
    let answer = world.get(&format!("/api/publishers/contoso/offers/{offer}/leads")).await;
    assert!(!answer.body.contains("canary") && !answer.body.contains("Canary"), "{}", answer.body);
    answer.json()
}

/// Turns the clock on and delivers what is due.
async fn deliver(world: &World, seconds: u64) -> usize {
    world.clock.advance(Duration::from_secs(seconds));
    let mut tried = 0;
    loop {
        match world.delivery.deliver_due().await.unwrap() {
            0 => return tried,
            some => tried += some,
        }
    }
}

/// How the packaging step ends, and the code or text of what it says.
async fn packaged(world: &World, offer: &str) -> (String, String) {
    for _ in 0..8 {
        world.settle().await;
        world.clock.advance(Duration::from_secs(20));
    }
    let status = world.status(offer).await;
    assert!(!status.to_string().contains("hush"), "{status}");
    let step = &status["steps"][0];
    let said = &step["messages"][0];
    let word = said["code"].as_str().or(said["text"].as_str()).unwrap_or_default();
    (step["status"].as_str().unwrap().to_owned(), word.to_owned())
}

#[tokio::test]
async fn the_packaging_step_tries_the_endpoint_and_says_what_came_of_it() {
    let counts: Mutex<HashMap<String, usize>> = Mutex::default();
    let receiver = Receiver::start(move |got| {
        let mut counts = counts.lock().unwrap();
        let count = counts.entry(got.body["offerId"].as_str().unwrap().to_owned()).or_default();
        *count += 1;
        match got.body["offerId"].as_str().unwrap() {
            "good" => 204,
            "refusing" => 403,
            "redirecting" => 302,
            "failing" => 503,
            "breaking" if *count < 3 => 0,
            "late" if *count < 5 => 500,
            _ => 200,
        }
    })
    .await;
    let world = world(&[&receiver]).await;
    let storage = |key: &str| format!("DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey={key}");
    let table = |key: &str| json!({"leadDestination": "AzureTable", "tableLeadConfiguration": {"connectionString": storage(key)}});
    let took = "The lead endpoint took a test lead.";
    for (offer, destination, status, word, tries) in [
        ("good", https(&receiver.url()), "complete", took, 1),
        ("refusing", https(&receiver.url()), "rejected", "LeadEndpointRefused", 1),
        ("redirecting", https(&receiver.url()), "rejected", "LeadEndpointRefused", 1),
        ("failing", https(&receiver.url()), "rejected", "LeadEndpointRefused", 5),
        ("breaking", https(&receiver.url()), "complete", took, 3),
        ("late", https(&receiver.url()), "complete", took, 5),
        ("private", https("https://10.0.0.1/new?hush"), "rejected", "LeadEndpointUnreachable", 0),
        ("metadata", https("https://169.254.169.254/hush"), "rejected", "LeadEndpointUnreachable", 0),
        ("plain", https("http://leads.test/hush"), "rejected", "BadFormat", 0),
        ("table", table("aHVzaA=="), "complete", "LeadsNotDelivered", 0),
        ("broken-table", table("hush!"), "rejected", "BadFormat", 0),
        ("none", json!({"leadDestination": "None"}), "complete", "", 0),
        ("unset", json!({}), "complete", "No lead destination is set: leads go nowhere.", 0),
    ] {
        published(&world, offer, &destination).await;
        assert_eq!(packaged(&world, offer).await, (status.to_owned(), word.to_owned()), "{offer}");
        let got: Vec<Got> = receiver.got().into_iter().filter(|got| got.body["offerId"] == offer).collect();
        assert_eq!(got.len(), tries, "{offer}");
        assert!(
            got.iter().all(|got| got.body["test"] == true && got.id == got.body["id"] && got.id.starts_with("test-"))
        );
        assert!(got.iter().all(|one| one.id == got[0].id), "{offer}: a second test can be told from the first");
        assert!(got.iter().all(|one| one.path == "/new?key=hush"), "no redirect is followed");
    }
    let said = world.status("private").await.to_string();
    assert!(said.contains("The address leads to a private network."), "{said}");
    assert!(said.contains("httpsEndpointUrl"), "{said}");
}

#[tokio::test]
async fn a_worker_that_dies_in_the_middle_leaves_a_test_that_is_sent_again_under_the_same_id() {
    let receiver = Receiver::start(|_| 200).await;
    let world = world(&[&receiver]).await;
    published(&world, "good", &https(&receiver.url())).await;
    world.clock.advance(Duration::from_secs(2));
    // One worker begins and is never heard of again; another has run the check, and its report was lost.
    for _ in 0..2 {
        let now = world.clock.now();
        for claim in Claims::new(Arc::clone(&world.store)).claim(now, now.plus_seconds(30), 32).await.unwrap() {
            let start = Command::StartCheck(claim.check.clone());
            let _ = world.perform.perform_claimed(&claim, Then::Keep, start).await;
        }
        world.clock.advance(Duration::from_secs(31));
    }
    let (status, _) = packaged(&world, "good").await;
    assert_eq!((status.as_str(), receiver.got().len()), ("complete", 1));
}

#[tokio::test]
async fn a_lead_reaches_the_endpoint_in_the_originals_shape_and_is_gone_then() {
    let receiver = Receiver::start(|_| 201).await;
    let data = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(opened(data.path()).unwrap());
    let world = World::on(store, setting(egress(&[&receiver]))).await;
    live(&world, "relay", &https(&receiver.url())).await;
    let id = taken(&world, "relay").await;
    assert_eq!(listed(&world, "relay").await[0]["state"], "waiting");
    no_canary(data.path());
    assert_eq!(deliver(&world, 0).await, 1);
    let got = receiver.leads();
    let expected = json!({
        "UserDetails": {"FirstName": "Ada", "LastName": "Canary", "Email": CANARY, "Phone": "+49 30 1",
            "Company": "Customer", "Title": "CTO", "Country": "DE"},
        "LeadSource": "AzureMarketplace", "ActionCode": "INS", "OfferTitle": "Relay", "Description": "Call me",
        "id": id, "publisherId": "contoso", "offerId": "relay", "planId": "open", "takenAt": got[0].body["takenAt"],
    });
    assert_eq!((got.len(), &got[0].body, &got[0].id), (1, &expected, &id));
    let there = listed(&world, "relay").await;
    assert_eq!(there, json!([{"id": id, "takenAt": there[0]["takenAt"], "state": "delivered", "attempts": 1}]));
    no_canary(data.path());
    let file = Connection::open(data.path().join("portolan.db")).unwrap();
    let bodies = || -> (i64, i64) {
        file.query_row("SELECT COUNT(*), COUNT(body) FROM outbox", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    assert_eq!(bodies(), (1, 0), "the fact stays, what was left does not");
    // Where nothing is due, nothing is written.
    let version = || -> i64 { file.query_row("PRAGMA data_version", [], |row| row.get(0)).unwrap() };
    let before = version();
    for _ in 0..5 {
        assert_eq!(deliver(&world, 3_600).await, 0);
    }
    assert_eq!(version(), before);
    deliver(&world, 30 * 24 * 3_600).await;
    assert_eq!((bodies(), listed(&world, "relay").await), ((0, 0), json!([])), "after 30 days nothing is left");
    let journal: i64 =
        file.query_row("SELECT COUNT(*) FROM journal WHERE entry LIKE '%anary%'", [], |row| row.get(0)).unwrap();
    assert_eq!(journal, 0);
}

/// Nothing of the customer stands in any file, as it is.
fn no_canary(data: &Path) {
    for file in std::fs::read_dir(data).unwrap() {
        let path = file.unwrap().path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
        assert!(!text.contains("canary-4711") && !text.contains("Canary"), "{}", path.display());
    }
}

#[tokio::test]
async fn whatever_is_not_live_and_public_is_missing_in_the_same_words() {
    let receiver = Receiver::start(|_| 200).await;
    let world = world(&[&receiver]).await;
    live(&world, "relay", &https(&receiver.url())).await;
    live(&world, "silent", &json!({"leadDestination": "None"})).await;
    published(&world, "preview", &https(&receiver.url())).await;
    world.settle().await;
    let with = |pointer: &str, value: Value| {
        let mut lead = lead();
        *lead.pointer_mut(pointer).unwrap() = value;
        lead
    };
    let missing = send(&world, "none", &lead(), &[]).await;
    assert_eq!((missing.status, missing.code().as_str()), (404, "NotFound"));
    for (offer, lead) in [
        ("preview", lead()),
        ("-", lead()),
        ("relay", with("/planId", json!("closed"))),
        ("relay", with("/planId", json!("unknown"))),
    ] {
        let answer = send(&world, offer, &lead, &[]).await;
        assert_eq!((answer.status, &answer.body), (404, &missing.body), "{offer}");
    }
    let elsewhere =
        world.send("POST", "/catalog/offers/nobody/relay/leads?x=1", &[("authorization", "none")], "").await;
    assert_eq!((elsewhere.status, &elsewhere.body), (404, &missing.body));
    let refused = send(&world, "silent", &lead(), &[]).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "Conflict"), "{}", refused.body);
    for (lead, target) in [
        (with("/customer/email", json!("not an address hush")), "/customer/email"),
        (with("/customer/firstName", json!(" ")), "/customer/firstName"),
        (with("/note", json!("x".repeat(2_001))), "/note"),
        (with("/customer", json!({"email": CANARY, "hush": 1})), ""),
        (json!([]), ""),
    ] {
        let answer = send(&world, "relay", &lead, &[]).await;
        assert_eq!((answer.status, &answer.json()["error"]["target"]), (400, &json!(target)), "{}", answer.body);
        assert!(!answer.body.contains("hush") && !answer.body.contains("canary"), "{}", answer.body);
    }
    assert_eq!(send(&world, "relay", &lead(), &[("content-type", "text/plain")]).await.status, 415);
    assert_eq!(send(&world, "relay", &json!("x".repeat(70_000)), &[]).await.status, 413);
    assert_eq!(listed(&world, "relay").await, json!([]), "nothing of all this was stored");
    assert_eq!(listed(&world, "silent").await, json!([]));
}

#[tokio::test]
async fn a_key_makes_that_a_lead_is_taken_once_a_day() {
    let receiver = Receiver::start(|_| 200).await;
    let world = world(&[&receiver]).await;
    live(&world, "relay", &https(&receiver.url())).await;
    live(&world, "other", &https(&receiver.url())).await;
    let keyed =
        async |offer: &str, lead: &Value, key: &str| send(&world, offer, lead, &[("idempotency-key", key)]).await;
    let first = keyed("relay", &lead(), "key-1").await;
    assert_eq!(first.status, 202);
    assert_eq!(keyed("relay", &lead(), "key-1").await.body, first.body);
    deliver(&world, 0).await;
    assert_eq!(keyed("relay", &lead(), "key-1").await.body, first.body, "also when it is delivered");
    let mut another = lead();
    another["note"] = json!("Do not call me");
    let refused = keyed("relay", &another, "key-1").await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "Conflict"));
    assert_ne!(keyed("relay", &lead(), "key-2").await.body, first.body);
    assert_ne!(keyed("other", &lead(), "key-1").await.body, first.body, "a key is one offer's");
    let id = "0F8FAD5B-D9CB-469F-A165-70867728950E";
    let by_id = async |headers: &[(&str, &str)]| send(&world, "other", &lead(), headers).await;
    let taken = by_id(&[("repeatability-request-id", id)]).await;
    assert_eq!((taken.status, taken.header("repeatability-result")), (202, "accepted"));
    let again = by_id(&[("repeatability-request-id", &id.to_lowercase()), ("idempotency-key", id)]).await;
    assert_eq!((&again.body, again.header("idempotency-replayed")), (&taken.body, "true"));
    assert_eq!(by_id(&[("repeatability-request-id", "no-guid")]).await.status, 400);
    assert_eq!(keyed("relay", &lead(), "").await.status, 400);
    assert_eq!(keyed("relay", &lead(), &"k".repeat(256)).await.status, 400);
    live(&world, "other", &json!({"leadDestination": "None"})).await;
    assert_eq!(keyed("other", &lead(), "key-1").await.status, 202, "the key is looked at before the destination");
    assert_eq!(keyed("other", &lead(), "key-3").await.status, 409);
    live(&world, "other", &https(&receiver.url())).await;
    world.clock.advance(Duration::from_secs(24 * 3_600 + 1));
    assert_eq!(keyed("relay", &another, "key-1").await.status, 202, "it counts no more");
    deliver(&world, 0).await;
    let ids: BTreeSet<String> = receiver.leads().into_iter().map(|got| got.id).collect();
    assert_eq!((ids.len(), receiver.leads().len()), (5, 5));
}

#[tokio::test]
async fn an_address_that_sends_too_much_has_to_wait() {
    let receiver = Receiver::start(|_| 200).await;
    let mut setting = setting(egress(&[&receiver]));
    let burst = NonZeroU32::new(40).unwrap();
    setting.entrance.limits =
        LimitSettings { address_per_second: 1, address_burst: burst, caller_per_second: 0, ..LimitSettings::default() };
    let world = World::with(setting).await;
    live(&world, "relay", &https(&receiver.url())).await;
    world.clock.advance(Duration::from_secs(60));
    let mut statuses = Vec::new();
    for _ in 0..42 {
        statuses.push(send(&world, "relay", &lead(), &[]).await.status);
    }
    assert_eq!((statuses[39], statuses[40], statuses[41]), (202, 429, 429));
}

#[tokio::test]
async fn an_address_that_leaves_too_many_leads_has_to_wait() {
    let receiver = Receiver::start(|_| 200).await;
    let mut setting = setting(egress(&[&receiver]));
    let burst = NonZeroU32::new(2).unwrap();
    setting.entrance.limits = LimitSettings { leads_per_second: 1, leads_burst: burst, ..setting.entrance.limits };
    let world = World::with(setting).await;
    live(&world, "relay", &https(&receiver.url())).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(send(&world, "relay", &lead(), &[]).await.status);
    }
    assert_eq!(statuses, [202, 202, 429]);
    world.clock.advance(Duration::from_secs(1));
    taken(&world, "relay").await;
}

#[tokio::test]
async fn a_lead_that_fails_is_tried_less_and_less_often_then_given_up() {
    let receiver = Receiver::start(|got| if got.body.get("test").is_some() { 200 } else { 500 }).await;
    let world = world(&[&receiver]).await;
    live(&world, "relay", &https(&receiver.url())).await;
    taken(&world, "relay").await;
    assert_eq!(deliver(&world, 0).await, 1);
    for wait in [5, 30, 120, 600, 1_800, 3_600, 3_600] {
        assert_eq!(deliver(&world, wait - 1).await, 0, "{wait}");
        assert_eq!(deliver(&world, 1).await, 1, "{wait}");
    }
    let there = listed(&world, "relay").await;
    assert_eq!((&there[0]["attempts"], &there[0]["lastFailure"]), (&json!(8), &json!("refused")));
    assert!(there[0]["nextAttempt"].is_string());
    deliver(&world, 3 * 24 * 3_600).await;
    let there = listed(&world, "relay").await;
    assert_eq!(
        (&there[0]["state"], &there[0]["attempts"], &there[0]["nextAttempt"]),
        (&json!("failed"), &json!(9), &Value::Null)
    );
    assert_eq!(deliver(&world, 24 * 3_600).await, 0);
    let ids: BTreeSet<String> = receiver.leads().into_iter().map(|got| got.id).collect();
    assert_eq!((ids.len(), receiver.leads().len()), (1, 8), "the ninth time it was too old to be tried");
}

#[tokio::test]
async fn what_fails_holds_up_no_other_and_where_leads_go_is_judged_at_each_try() {
    let dead = Receiver::start(|got| if got.body.get("test").is_some() { 200 } else { 0 }).await;
    let good = Receiver::start(|got| match got.body["UserDetails"]["FirstName"].as_str().unwrap() {
        "Poison" => 400,
        "Redirect" => 302,
        _ => 200,
    })
    .await;
    let moved = Arc::new(AtomicBool::new(false));
    let (seen, here) = (Arc::clone(&moved), good.address);
    let out = egress(&[&good, &dead]).with_lookup(move |name| match name {
        "moving.test" if seen.load(Ordering::SeqCst) => vec!["10.0.0.1:443".parse().unwrap()],
        _ => vec![here],
    });
    let world = World::with(setting(out)).await;
    live(&world, "dead", &https(&format!("https://127.0.0.1:{}/new?key=hush", dead.address.port()))).await;
    live(&world, "good", &https(&good.url())).await;
    for _ in 0..3 {
        taken(&world, "dead").await;
    }
    let mut poison = lead();
    poison["customer"]["firstName"] = json!("Poison");
    send(&world, "good", &poison, &[]).await;
    let after = taken(&world, "good").await;
    deliver(&world, 0).await;
    // The poisoned lead waits by itself; at the dead endpoint one try is enough to know.
    assert_eq!(good.leads().iter().map(|got| got.id.clone()).next_back(), Some(after));
    assert_eq!(dead.leads().len(), 1, "the others of a destination that fails wait as long");
    let states: Vec<Value> =
        listed(&world, "dead").await.as_array().unwrap().iter().map(|l| l["attempts"].clone()).collect();
    assert_eq!(states, [json!(0), json!(0), json!(1)]);
    for _ in 0..20 {
        taken(&world, "good").await;
    }
    let before = good.leads().len();
    deliver(&world, 1).await;
    assert_eq!(good.leads().len(), before + 20);
    // What an address leads to is judged at each try, and no redirect is followed.
    live(&world, "moving", &https(&format!("https://moving.test:{}/new", good.address.port()))).await;
    let mut redirected = lead();
    redirected["customer"]["firstName"] = json!("Redirect");
    send(&world, "moving", &redirected, &[]).await;
    deliver(&world, 0).await;
    assert_eq!(listed(&world, "moving").await[0]["lastFailure"], "redirected");
    moved.store(true, Ordering::SeqCst);
    let before = good.got().len();
    deliver(&world, 10).await;
    assert_eq!(listed(&world, "moving").await[0]["lastFailure"], "addressNotAllowed");
    assert_eq!(good.got().iter().skip(before).filter(|got| got.body["offerId"] == "moving").count(), 0);
    assert!(good.got().iter().all(|got| !got.path.starts_with("/elsewhere")));
}

#[tokio::test]
async fn a_lead_over_which_the_endpoint_breaks_off_holds_up_no_other() {
    let receiver = Receiver::start(|got| if got.body["UserDetails"]["FirstName"] == "Poison" { 0 } else { 200 }).await;
    let world = world(&[&receiver]).await;
    live(&world, "relay", &https(&receiver.url())).await;
    let mut poison = lead();
    poison["customer"]["firstName"] = json!("Poison");
    assert_eq!(send(&world, "relay", &poison, &[]).await.status, 202);
    let good = taken(&world, "relay").await;
    deliver(&world, 0).await;
    assert_eq!(receiver.leads().len(), 1, "the destination may be dead");
    deliver(&world, 5).await;
    assert!(receiver.leads().iter().any(|got| got.id == good), "the next try is another lead's");
}

#[tokio::test]
async fn a_destination_that_failed_gets_its_leads_in_order_and_no_try_for_each_new_one() {
    let up = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&up);
    let receiver = Receiver::start(move |_| if seen.load(Ordering::SeqCst) { 200 } else { 0 }).await;
    let world = world(&[&receiver]).await;
    live(&world, "relay", &https(&receiver.url())).await;
    up.store(false, Ordering::SeqCst);
    let mut sent = vec![taken(&world, "relay").await];
    for wait in [0, 5, 30, 120, 600, 1_800] {
        deliver(&world, wait).await;
    }
    let tries = receiver.leads().len();
    for _ in 0..3 {
        sent.push(taken(&world, "relay").await);
        assert_eq!(deliver(&world, 1).await, 0);
    }
    let there = listed(&world, "relay").await;
    assert!(there.as_array().unwrap().iter().all(|lead| lead["nextAttempt"] == there[0]["nextAttempt"]), "{there}");
    up.store(true, Ordering::SeqCst);
    deliver(&world, 3_600).await;
    let came: Vec<String> = receiver.leads().into_iter().skip(tries).map(|got| got.id).collect();
    assert_eq!(came, sent);
}

#[tokio::test]
async fn a_status_is_the_fault_of_the_destination_or_of_the_lead() {
    let status = Arc::new(AtomicU64::new(200));
    let seen = Arc::clone(&status);
    let receiver = Receiver::start(move |_| u16::try_from(seen.load(Ordering::SeqCst)).unwrap()).await;
    let world = world(&[&receiver]).await;
    live(&world, "relay", &https(&receiver.url())).await;
    for (answer, tries) in
        [(500, 1), (503, 1), (429, 1), (408, 1), (401, 1), (403, 1), (404, 1), (302, 1), (400, 3), (413, 3), (422, 3)]
    {
        for _ in 0..3 {
            taken(&world, "relay").await;
        }
        status.store(answer, Ordering::SeqCst);
        assert_eq!(deliver(&world, 0).await, tries, "{answer}");
        status.store(200, Ordering::SeqCst);
        assert_eq!(deliver(&world, 3_600).await, 3, "{answer}");
    }
}

#[tokio::test]
async fn what_is_too_old_is_given_up_without_a_try_also_where_trying_never_ends_well() {
    let receiver = Receiver::start(|_| 200).await;
    let data = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(opened(data.path()).unwrap());
    let world = World::on(store, setting(egress(&[&receiver]))).await;
    live(&world, "relay", &https(&receiver.url())).await;
    taken(&world, "relay").await;
    // The version in production cannot be read, so no try comes to an end.
    let file = Connection::open(data.path().join("portolan.db")).unwrap();
    file.execute("UPDATE version SET definition = 'broken'", []).unwrap();
    assert_eq!(deliver(&world, 0).await, 1);
    assert_eq!(deliver(&world, 31).await, 1);
    assert_eq!(listed(&world, "relay").await[0]["state"], "waiting");
    deliver(&world, 3 * 24 * 3_600).await;
    assert_eq!(listed(&world, "relay").await[0]["state"], "failed");
    let left: i64 =
        file.query_row("SELECT COUNT(body) + (SELECT COUNT(*) FROM lane) FROM outbox", [], |row| row.get(0)).unwrap();
    assert_eq!((left, receiver.leads().len()), (0, 0));
}

#[tokio::test]
async fn where_too_many_wait_no_more_are_taken() {
    let receiver = Receiver::start(|_| 200).await;
    let data = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(opened(data.path()).unwrap());
    let world = World::on(store, setting(egress(&[&receiver]))).await;
    live(&world, "relay", &https(&receiver.url())).await;
    taken(&world, "relay").await;
    let file = Connection::open(data.path().join("portolan.db")).unwrap();
    file.execute("UPDATE lane SET waiting = 9999", []).unwrap();
    taken(&world, "relay").await;
    let refused = send(&world, "relay", &lead(), &[]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "2"), "{}", refused.body);
    deliver(&world, 0).await;
    taken(&world, "relay").await;
}

#[tokio::test]
async fn five_hundred_leads_reach_an_endpoint_that_fails_at_random() {
    let dice = AtomicU64::new(0x9e37_79b9_7f4a_7c15);
    let receiver = Receiver::start(move |got| {
        if got.body.get("test").is_some() {
            return 200;
        }
        let mut x = dice.load(Ordering::SeqCst);
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        dice.store(x, Ordering::SeqCst);
        // A lead may also have arrived although nobody says so.
        match x % 100 {
            0..20 => 500,
            20..30 => 0,
            _ => 200,
        }
    })
    .await;
    let world = world(&[&receiver]).await;
    live(&world, "relay", &https(&receiver.url())).await;
    let mut ids = BTreeSet::new();
    for _ in 0..500 {
        ids.insert(taken(&world, "relay").await);
    }
    let mut turns = 0;
    while listed_waiting(&world).await {
        deliver(&world, 30).await;
        turns += 1;
        assert!(turns < 3_000, "they do not get through");
    }
    let got = receiver.leads();
    let took = got.iter().filter(|got| got.status == 200);
    let reached: BTreeSet<String> = took.map(|got| got.id.clone()).collect();
    assert_eq!(reached, ids, "each is taken at least once, and none that nobody sent");
    assert!(got.len() > 500, "some were sent twice");
    assert!(got.iter().all(|got| got.body["id"] == got.id));
}

async fn listed_waiting(world: &World) -> bool {
    let path = "/api/publishers/contoso/offers/relay/leads?api-version=2017-10-31&$top=1000";
    let there = world.get(path).await.json();
    assert!(there.as_array().unwrap().iter().all(|lead| lead["state"] != "failed"));
    there.as_array().unwrap().iter().any(|lead| lead["state"] == "waiting")
}

/// The process, killed again and again, loses no lead that it has acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_lead_is_lost_when_the_process_is_killed() {
    let seen: Mutex<BTreeSet<String>> = Mutex::default();
    // Every third lead fails the first time.
    let receiver = Receiver::start(move |got| {
        let first = seen.lock().unwrap().insert(got.id.clone());
        if got.body.get("test").is_none() && first && got.id.bytes().next_back().unwrap() % 3 == 0 { 422 } else { 200 }
    })
    .await;
    let (port, root) = (receiver.address.port(), receiver.root.clone());
    let (acknowledged, logged) = tokio::task::spawn_blocking(move || killed(port, &root)).await.unwrap();
    let took = receiver.leads().into_iter().filter(|got| got.status == 200);
    let reached: BTreeSet<String> = took.map(|got| got.id).collect();
    assert!(acknowledged.len() >= 60, "{}", acknowledged.len());
    assert!(acknowledged.is_subset(&reached), "lost: {:?}", acknowledged.difference(&reached));
    assert!(!logged.contains("canary") && !logged.contains("Canary") && !logged.contains("hush"), "{logged}");
}

/// Leaves leads at a service that is killed five times; gives those that were acknowledged, and all that was logged.
fn killed(port: u16, root: &str) -> (BTreeSet<String>, String) {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("lead.toml"), LEAD_TYPE).unwrap();
    std::fs::write(data.path().join("root.pem"), root).unwrap();
    let settings = data.path().join("settings.toml");
    let text = format!(
        "offer_types = [\"lead.toml\"]\n[egress]\nallow = [\"127.0.0.1:{port}\"]\nca_file = {:?}\n",
        data.path().join("root.pem")
    );
    std::fs::write(&settings, text).unwrap();
    let settings = settings.to_str().unwrap().to_owned();
    let start = || Portolan::serve(data.path(), &["--config", &settings]);
    let mut service = start();
    let at = |service: &Portolan, rest: &str| {
        format!("{}/api/publishers/contoso/offers/relay{rest}?api-version=2017-10-31", service.url)
    };
    let url = format!("https://127.0.0.1:{port}/new?key=hush");
    let body = json!({"publisherId": "contoso", "id": "relay", "offerTypeId": "lead-memo", "definition": definition(&https(&url))});
    let put = ["--request", "PUT", "--header", "Content-Type: application/json", "--data"];
    assert_eq!(curl(&[&put[..], &[&body.to_string(), &at(&service, "")]].concat()).0, 201);
    assert_eq!(curl(&["--request", "POST", &at(&service, "/publish")]).0, 202);
    crate::binary::watch(&at(&service, "/status"), "waitingForPublisherReview");
    assert_eq!(curl(&["--request", "POST", &at(&service, "/golive")]).0, 202);
    crate::binary::watch(&at(&service, "/status"), "succeeded");
    let (mut acknowledged, mut logged) = (BTreeSet::new(), String::new());
    for round in 0..6 {
        let leave = || {
            let url = format!("{}/catalog/offers/contoso/relay/leads", service.url);
            curl(&["--header", "Content-Type: application/json", "--data", &lead().to_string(), &url])
        };
        for _ in 0..15 {
            let (status, body) = leave();
            assert_eq!(status, 202, "{body}");
            acknowledged.insert(serde_json::from_str::<Value>(&body).unwrap()["id"].as_str().unwrap().to_owned());
        }
        if round < 5 {
            service.child.kill().unwrap();
            service.child.wait().unwrap();
            logged.push_str(&service.logging.take().unwrap().join().unwrap());
            service = start();
        }
    }
    let began = Instant::now();
    loop {
        let leads = curl(&[&format!("{}&$top=1000", at(&service, "/leads"))]).1;
        if !leads.contains("waiting") {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{leads}");
        std::thread::sleep(Duration::from_millis(300));
    }
    service.child.kill().unwrap();
    service.child.wait().unwrap();
    no_canary(data.path());
    logged.push_str(&service.logging.take().unwrap().join().unwrap());
    (acknowledged, logged)
}
