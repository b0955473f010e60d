//! Recorded exchanges: every call of the wire contract with its answers, errors included, as they go over the wire.
//!
//! `tests/exchanges/*.txt` holds them. A file begins with a fresh service whose clock stands at 2026-11-22T09:40:00Z and
//! whose answers are therefore the same every time. Lines that begin with `=== ` are requests, or say what happens
//! between them; `--- ` begins the answer, of an event stream as far as its first event. `PORTOLAN_RECORD=1` writes the answers anew, to be read against the contract
//! before they are committed.
//!
//! Between requests: `=== wait` lets the service do all that needs no person; `=== wait 2s` turns the clock, and lets it
//! do what is due then; `=== work 1s` turns the clock, and lets it do what is due then, but not what follows from that;
//! `=== take 2s` turns the clock, and a worker takes in hand what is due then and dies, so that another one takes over
//! 30 s later; `=== deliver` sends to webhooks what is due; `=== # ...` says something to the reader. In requests `{{operation-1}}` is the id of the file's first
//! operation, `{{lead-1}}` in answers that of its first lead, `{{subscription-1}}` and `{{delivery-1}}` of its first webhook and what that
//! was told, `{{secret}}` a secret that was made, `{{ci}}` the id of who asks, `{{etag}}` the latest ETag that was answered, `{{definition}}` what `web-gateway.json` holds, `{{staff}}` the id of who reviews, `{{staff-token}}` their token; `{{64KiB}}`
//! and `{{4MiB}}` are long texts. The lines above the first `=== ` may set `missing_if_match` and
//! `operation_success_word`.

use crate::world::{Answer, Setting, World};
use api::audit::{AuditEntry, AuditPage};
use api::catalog::{CatalogOffer, CatalogPage};
use api::errors::{ErrorDocument, UnauthorizedDocument};
use api::events::Event;
use api::events::HistoryPage;
use api::explain::{CancelForecast, Explanation};
use api::leads::{Lead, TakenLead};
use api::mails::MailSubscription;
use api::offers::{Offer, OfferSummary};
use api::operations::{Operation, Submission};
use api::publishers::{OfferType, Publisher};
use api::reviews::{Hold, Review, ReviewedStep};
use api::status::StatusDocument;
use api::subscriptions::{Delivery, DeliveryAttempt, Subscription, SubscriptionWithSecret};
use portolan::store::Claims;
use portolan::store::Then;
use portolan::wire::SuccessWord;
use publishing::command::Command;
use publishing::decide::MissingIfMatch;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Headers that only some answers have, and that a recording therefore names.
const NAMED_HEADERS: [&str; 10] = [
    "allow",
    "content-disposition",
    "etag",
    "idempotency-replayed",
    "location",
    "operation-location",
    "preference-applied",
    "repeatability-result",
    "retry-after",
    "www-authenticate",
];

const CORRELATION_ID: &str = "x-ms-correlation-request-id";

const DEFINITION: &str = include_str!("../web-gateway.json");

#[tokio::test]
async fn every_recorded_exchange_happens_again() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exchanges");
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut happened = 0;
    for file in files {
        let recorded = std::fs::read_to_string(&file).unwrap();
        let (played, exchanges) = play(&recorded).await;
        happened += exchanges;
        if std::env::var_os("PORTOLAN_RECORD").is_some() {
            std::fs::write(&file, &played).unwrap();
        } else if played != recorded {
            let at = played.lines().zip(recorded.lines()).position(|(now, then)| now != then).unwrap_or(0);
            let line = |text: &str| text.lines().nth(at).unwrap_or("(nothing)").to_owned();
            panic!("{}:{}\n recorded: {}\n answered: {}", file.display(), at + 1, line(&recorded), line(&played));
        }
    }
    assert!(happened >= 100, "only {happened} exchanges are recorded");
}

/// Plays a recording, and gives it back with the answers that came.
async fn play(recorded: &str) -> (String, usize) {
    let (preface, rest) = recorded.split_once("=== ").unwrap();
    let world = World::with(setting(preface)).await;
    let mut played = preface.to_owned();
    let mut exchanges = 0;
    let staff = world.member("staff", None, &[]).await.id.to_string();
    let ci = world.member("ci", Some("contoso"), &[]).await.id.to_string();
    let staff_token = world.staff_token.clone();
    let mut seen = Seen { staff, staff_token, ci, ..Seen::default() };
    for block in rest.split("\n=== ") {
        let request = block.split("\n--- ").next().unwrap().trim_end();
        played.push_str(&format!("=== {request}\n"));
        let (word, more) = request.split_once(' ').unwrap_or((request, ""));
        match word {
            "#" => {}
            "wait" => wait(&world, more).await,
            "work" => {
                world.clock.advance(seconds(more));
                world.worker.work_off_due().await.unwrap();
            }
            "take" => take(&world, more).await,
            "deliver" => drop(world.webhooks.deliver_due().await.unwrap()),
            _ => {
                let answer = ask(&world, &seen.filled(request)).await;
                reads_and_writes_back(request, &answer);
                seen.note(&answer);
                played.push_str(&seen.shown(request, &answer));
                exchanges += 1;
            }
        }
        played.push('\n');
    }
    (format!("{}\n", played.trim_end()), exchanges)
}

fn setting(preface: &str) -> Setting {
    let mut setting = Setting::default();
    for (line, means) in [("conflict", MissingIfMatch::Conflict), ("bad-request", MissingIfMatch::BadRequest)] {
        if preface.contains(&format!("missing_if_match = \"{line}\"")) {
            setting.missing_if_match = means;
        }
    }
    if preface.contains("operation_success_word = \"complete\"") {
        setting.success_word = SuccessWord::Complete;
    }
    setting
}

/// `wait 2s` turns the clock and works off what is due then; `wait` settles everything that needs no person.
async fn wait(world: &World, time: &str) {
    if time.is_empty() {
        // What is due a tick after the second would not be seen, and end the settling.
        world.clock.advance(Duration::from_secs(1));
        return world.settle().await;
    }
    world.clock.advance(seconds(time));
    while world.worker.work_off_due().await.unwrap() > 0 {}
}

/// A worker that begins what is due, and is never heard of again.
async fn take(world: &World, time: &str) {
    world.clock.advance(seconds(time));
    let now = world.clock.now();
    for claim in Claims::new(Arc::clone(&world.store)).claim(now, now.plus_seconds(30), 32).await.unwrap() {
        world.perform.perform_claimed(&claim, Then::Keep, Command::StartCheck(claim.check.clone())).await.unwrap();
    }
}

fn seconds(time: &str) -> Duration {
    Duration::from_secs(time.trim_end_matches('s').parse().unwrap())
}

/// What later requests of a file can name.
#[derive(Default)]
struct Seen {
    operations: Vec<String>,
    leads: Vec<String>,
    subscriptions: Vec<String>,
    deliveries: Vec<String>,
    etag: String,
    /// The id of who reviews.
    staff: String,
    /// The token of who reviews.
    staff_token: String,
    /// The id of who asks otherwise.
    ci: String,
}

impl Seen {
    /// A request with what it names.
    fn filled(&self, request: &str) -> String {
        let mut filled = request
            .replace("{{etag}}", &self.etag)
            .replace("{{staff-token}}", &self.staff_token)
            .replace("{{definition}}", DEFINITION.trim_end())
            .replace("{{64KiB}}", &"x".repeat(64 << 10))
            .replace("{{4MiB}}", &"x".repeat(4 << 20));
        for (at, id) in self.operations.iter().enumerate() {
            filled = filled.replace(&format!("{{{{operation-{}}}}}", at + 1), id);
        }
        for (word, ids) in [("subscription", &self.subscriptions), ("delivery", &self.deliveries)] {
            for (at, id) in ids.iter().enumerate() {
                filled = filled.replace(&format!("{{{{{word}-{}}}}}", at + 1), id);
            }
        }
        filled
    }

    /// Remembers the operation that an answer leads to, and its ETag.
    fn note(&mut self, answer: &Answer) {
        if answer.headers.contains_key("etag") {
            self.etag = answer.header("etag").to_owned();
        }
        if answer.status == 202 && !answer.body.is_empty() {
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            if !self.leads.contains(&id) {
                self.leads.push(id);
            }
        }
        if answer.status == 201
            && let Some(id) = answer.json()["subscription"]["id"].as_str()
        {
            self.subscriptions.push(id.to_owned());
        }
        if answer.status == 200 && answer.body.contains("\"attempts\":[") {
            for delivery in answer.json().as_array().into_iter().flatten() {
                let id = delivery["id"].as_str().unwrap().to_owned();
                if !self.deliveries.contains(&id) {
                    self.deliveries.push(id);
                }
            }
        }
        let path = answer.header("location").split('?').next().unwrap_or_default();
        if let Some((_, id)) = path.rsplit_once('/') {
            assert_eq!(Uuid::try_parse(id).unwrap().to_string(), id);
            if !self.operations.iter().any(|known| known == id) {
                self.operations.push(id.to_owned());
            }
        }
    }

    fn shown(&self, request: &str, answer: &Answer) -> String {
        let mut text = format!("--- {}\n", answer.status);
        for name in NAMED_HEADERS.iter().filter(|name| answer.headers.contains_key(**name)) {
            text.push_str(&format!("{name}: {}\n", answer.header(name)));
        }
        if let Some((_, sent)) = request.split_once(&format!("\n{CORRELATION_ID}: ")) {
            let echoed = Some(answer.header(CORRELATION_ID)).filter(|id| sent.lines().next() == Some(id));
            text.push_str(&format!("{CORRELATION_ID}: {}\n", echoed.unwrap_or("{{another}}")));
        }
        if !answer.body.is_empty() {
            let body = answer.body.trim_end().replace(DEFINITION.trim_end(), "{{definition}}");
            text.push_str(&format!("\n{body}\n"));
        }
        for (at, id) in self.operations.iter().enumerate() {
            text = text.replace(id, &format!("{{{{operation-{}}}}}", at + 1));
        }
        for (at, id) in self.leads.iter().enumerate() {
            text = text.replace(id, &format!("{{{{lead-{}}}}}", at + 1));
        }
        for (word, ids) in [("subscription", &self.subscriptions), ("delivery", &self.deliveries)] {
            for (at, id) in ids.iter().enumerate() {
                text = text.replace(id, &format!("{{{{{word}-{}}}}}", at + 1));
            }
        }
        // One that the request brings along is the same each time.
        if let Some((before, after)) = text.split_once("\"secret\":\"").filter(|_| !request.contains("whsec_")) {
            text = format!("{before}\"secret\":\"{{{{secret}}}}\"{}", after.split_once('"').unwrap().1);
        }
        text.replace(&self.staff, "{{staff}}").replace(&self.ci, "{{ci}}")
    }
}

async fn ask(world: &World, request: &str) -> Answer {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let mut lines = head.lines();
    let (method, path) = lines.next().unwrap().split_once(' ').unwrap();
    let headers: Vec<(&str, &str)> = lines.map(|line| line.split_once(": ").unwrap()).collect();
    let answer = world.send(method, path, &headers, body.to_owned()).await;
    let public = method == "GET" && path.starts_with("/catalog/") && answer.status < 400;
    let kept = if public { "public, max-age=60" } else { "no-cache" };
    let is_stream = path.contains("/events?") && answer.status == 200;
    let kind = match answer.header("content-disposition") {
        "attachment; filename=\"audit.csv\"" => "text/csv; charset=utf-8; header=present",
        "attachment; filename=\"audit.jsonl\"" => "application/x-ndjson; charset=utf-8",
        _ if is_stream => "text/event-stream",
        _ => "application/json; charset=utf-8",
    };
    for (name, value) in [("content-type", kind), ("cache-control", kept), ("x-content-type-options", "nosniff")] {
        assert_eq!(answer.header(name), value, "{name} of {request}");
    }
    for name in ["x-ms-request-id", CORRELATION_ID] {
        assert!(Uuid::try_parse(answer.header(name)).is_ok(), "{name} of {request}");
    }
    answer
}

/// The types of the `api` crate read every answer, and write the same bytes.
fn reads_and_writes_back(request: &str, answer: &Answer) {
    let path = request.lines().next().unwrap().split(' ').nth(1).unwrap();
    let path = path.split('?').next().unwrap().trim_end_matches('/').to_ascii_lowercase();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (answer.status, &segments[..]) {
        (200, [_, _, _, _, _, "explain"]) => same::<Explanation>(answer),
        (200, [_, _, _, _, _, "cancel"]) if request.lines().next().unwrap().contains("dryRun=true") => {
            same::<CancelForecast>(answer);
        }
        (202, ["catalog", ..]) => same::<TakenLead>(answer),
        (200, [_, _, _, "events"] | [_, _, _, _, _, "events"]) => first_event(answer),
        (_, [_, _, _, _, _, "leads"]) if answer.status == 200 => same::<Vec<Lead>>(answer),
        (200, [.., "subscriptions", _, "deliveries"]) => same::<Vec<Delivery>>(answer),
        (200, [.., "subscriptions", _, "test"]) => same::<DeliveryAttempt>(answer),
        (201, [.., "subscriptions"]) | (200, [.., "subscriptions", _, "rotate"]) => {
            same::<SubscriptionWithSecret>(answer)
        }
        (200, [.., "subscriptions"]) => same::<Vec<Subscription>>(answer),
        (200, [.., "subscriptions", _] | [.., "subscriptions", _, "enable"]) => same::<Subscription>(answer),
        (202 | 204 | 304, _) => assert_eq!(answer.body, "", "{request}"),
        (401, _) => same::<UnauthorizedDocument>(answer),
        (400.., _) => same::<ErrorDocument>(answer),
        (_, ["api", "reviews", _, _]) => same::<ReviewedStep>(answer),
        (_, ["api", "reviews", _, _, "claim"]) => same::<Hold>(answer),
        (_, [_, _, _, _, _, "publish" | "golive" | "cancel" | "rollback"] | [_, "reviews", ..])
            if segments.len() > 2 =>
        {
            assert_eq!(answer.body, "", "{request}");
        }
        (_, [.., "notifications", "mail"]) => same::<MailSubscription>(answer),
        (_, ["catalog", "offers"]) => same::<CatalogPage>(answer),
        (_, ["catalog", "offers", _, _]) => same::<CatalogOffer>(answer),
        (_, ["api", "publishers"]) => same::<Vec<Publisher>>(answer),
        (_, ["api", "offertypes"]) => same::<Vec<OfferType>>(answer),
        (_, ["api", "reviews"]) => same::<Vec<Review>>(answer),
        (_, ["api", "operations", _] | [_, _, _, _, _, "operations", _]) => same::<Operation>(answer),
        (_, [_, _, _, "offers"]) => same::<Vec<OfferSummary>>(answer),
        (_, [.., "audit"]) if answer.header("content-disposition").ends_with("csv\"") => {
            assert_eq!(answer.body.lines().next().unwrap().split(',').count(), 13);
        }
        (_, [.., "audit"]) if answer.header("content-disposition").ends_with("jsonl\"") => {
            for line in answer.body.lines() {
                same::<AuditEntry>(&Answer { body: line.to_owned(), ..answer.clone() });
            }
        }
        (_, [.., "audit"]) => same::<AuditPage>(answer),
        (_, [_, _, _, _, _, "history"] | [_, _, _, "history"]) => same::<HistoryPage>(answer),
        (_, [_, _, _, _, _, "status"]) => same::<StatusDocument>(answer),
        (_, [_, _, _, _, _, "submissions"]) => same::<Vec<Submission>>(answer),
        (_, [_, _, _, "offers", _] | [_, _, _, _, _, "versions" | "slot", _]) => same::<Offer>(answer),
        _ => panic!("no type is known for the answer to {request}"),
    }
}

/// The first event of a stream, after the hint.
fn first_event(answer: &Answer) {
    let data = answer.body.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    same::<Event>(&Answer { body: data.to_owned(), ..answer.clone() });
}

fn same<T: DeserializeOwned + Serialize>(answer: &Answer) {
    let read: T = serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body));
    assert_eq!(serde_json::to_string(&read).unwrap(), answer.body);
}
