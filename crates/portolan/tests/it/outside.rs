//! An outside system for tests: it remembers what it is asked, and answers what it is told to.

use crate::world::{Answer, PUBLIC_URL, Setting, World, memo_type};
use aws_lc_rs::hmac;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portolan::checks::CheckerSetting;
use publishing::moment::UNIX_EPOCH_TICKS;
use publishing::offer::PublisherId;
use publishing::offer_type::{OfferType, OfferTypes};
use publishing::pipeline::CheckKind;
use publishing::principal::Circle;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub const KEY: &[u8] = b"twenty-four bytes, or so";

/// A request as the outside system got it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn id(&self) -> String {
        self.header("webhook-id").to_owned()
    }
}

/// What it answers.
#[derive(Clone, Default)]
pub struct Reply {
    pub status: u16,
    pub location: Option<String>,
    pub body: String,
    pub after: Duration,
    /// The connection is cut instead.
    pub cut: bool,
}

pub fn reply(status: u16, body: &Value) -> Reply {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    Reply { status, body, ..Reply::default() }
}

pub fn passed() -> Reply {
    reply(200, &json!({"state": "passed"}))
}

pub fn running() -> Reply {
    reply(202, &json!({"state": "running"}))
}

type Answers = Arc<Mutex<Box<dyn FnMut(&Seen) -> Reply + Send>>>;

#[derive(Clone)]
pub struct System {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    answers: Answers,
    /// How many requests are being answered, and how many ever were at a time.
    within: Arc<(AtomicUsize, AtomicUsize)>,
}

impl System {
    pub async fn start(answer: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let system = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            answers: Arc::new(Mutex::new(Box::new(answer))),
            within: Arc::default(),
        };
        let this = system.clone();
        let handler = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
            let body = String::from_utf8(body.to_vec()).unwrap();
            this.answer(Seen { method: method.to_string(), path: uri.to_string(), headers, body }).await
        };
        let router = axum::Router::new().fallback(handler);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        system
    }

    async fn answer(self, seen: Seen) -> Response {
        let reply = (self.answers.lock().unwrap())(&seen);
        self.seen.lock().unwrap().push(seen);
        let now = self.within.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.within.1.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(reply.after).await;
        self.within.0.fetch_sub(1, Ordering::SeqCst);
        if reply.cut {
            std::panic::resume_unwind(Box::new("cut"));
        }
        let mut response = (StatusCode::from_u16(reply.status).unwrap(), reply.body).into_response();
        if let Some(location) = reply.location {
            response.headers_mut().insert("location", location.parse().unwrap());
        }
        response
    }

    pub fn tell(&self, answer: impl FnMut(&Seen) -> Reply + Send + 'static) {
        *self.answers.lock().unwrap() = Box::new(answer);
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub fn most_at_once(&self) -> usize {
        self.within.1.load(Ordering::SeqCst)
    }

    /// Waits until it was asked so often.
    pub async fn asked(&self, times: usize) -> Seen {
        for _ in 0..2_000 {
            if self.count() >= times {
                return self.seen()[times - 1].clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("asked {} times and not {times}", self.count());
    }

    /// The settings of a checker that is this system; the secret is kept in a directory.
    pub fn setting(&self, directory: &Path) -> CheckerSetting {
        CheckerSetting {
            name: "probe".into(),
            url: Some(format!("http://{}/start", self.address)),
            secret_file: Some(secret_file(directory, KEY)),
            ..CheckerSetting::default()
        }
    }

    /// A world with this system as its checker.
    pub async fn world(&self, change: impl FnOnce(&mut CheckerSetting)) -> World {
        let directory = tempfile::tempdir().unwrap();
        let mut setting = self.setting(directory.path());
        change(&mut setting);
        world(vec![setting], CheckKind::Http { checker: "probe".into(), reusable: false }).await
    }
}

/// A world whose memos are checked by this in their first step.
pub async fn world(checkers: Vec<CheckerSetting>, kind: CheckKind) -> World {
    let mut types = OfferTypes::default();
    types.add(checked(kind));
    World::with(Setting { types, checkers, ..Setting::default() }).await
}

pub fn checked(kind: CheckKind) -> OfferType {
    let mut memo = memo_type();
    let checks = |at, step: &publishing::pipeline::PlannedStep| match at {
        0 => vec![kind.clone()],
        _ => step.checks.clone(),
    };
    memo.pipeline = memo.pipeline.with_checks(checks).unwrap();
    memo
}

pub fn secret_file(directory: &Path, key: &[u8]) -> std::path::PathBuf {
    let path = directory.join("probe.secret");
    std::fs::write(&path, format!("whsec_{}\n", STANDARD.encode(key))).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

pub fn signature(key: &[u8], id: &str, time: i64, body: &str) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), format!("{id}.{time}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag.as_ref()))
}

pub fn seconds(world: &World) -> i64 {
    (world.clock.now().ticks() - UNIX_EPOCH_TICKS) / 10_000_000
}

/// Saves a memo and publishes it.
pub async fn publish(world: &World, offer: &str) {
    world.put_memo(offer).await;
    let answer = world.post(&format!("/api/publishers/contoso/offers/{offer}/publish"), "").await;
    assert_eq!(answer.status, 202, "{}", answer.body);
}

/// Turns the clock on, and works off what is due then.
pub async fn tick(world: &World, seconds: u64) {
    world.clock.advance(Duration::from_secs(seconds));
    while world.worker.work_off_due().await.unwrap() > 0 {}
}

pub async fn step(world: &World, offer: &str) -> Value {
    world.status(offer).await["steps"][0].clone()
}

pub async fn lines(world: &World) -> usize {
    let circle = Circle::Publisher(PublisherId::parse("contoso").unwrap());
    world.store.journal(&circle, 0, 100_000).await.unwrap().len()
}

/// The path of a start request's callback.
pub fn callback(start: &Seen) -> String {
    start.json()["data"]["callbackUrl"].as_str().unwrap().strip_prefix(PUBLIC_URL).unwrap().to_owned()
}

/// Calls back, signed with this key at this time.
pub async fn call(world: &World, path: &str, key: &[u8], time: i64, body: &Value) -> Answer {
    let body = body.to_string();
    let signature = signature(key, "call-1", time, &body);
    let time = time.to_string();
    let headers = [
        ("authorization", "none"),
        ("webhook-id", "call-1"),
        ("webhook-timestamp", time.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    world.send("POST", &format!("{path}?x"), &headers, body).await
}

/// Calls back about a start request, as it has to be.
pub async fn call_back(world: &World, start: &Seen, sequence: u64, mut said: Value) -> Answer {
    said["id"] = start.json()["id"].clone();
    said["sequence"] = sequence.into();
    call(world, &callback(start), KEY, seconds(world), &said).await
}
