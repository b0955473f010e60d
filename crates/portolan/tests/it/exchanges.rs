//! Recorded exchanges: every call of the wire contract with its answers, errors included, as they go over the wire.
//!
//! `tests/exchanges/*.txt` holds them. A file begins with a fresh service whose clock stands at 2026-11-22T09:40:00Z and
//! whose ids count up, so an answer is the same to the byte every time. Lines that begin with `=== ` are requests or
//! turns of the clock, `--- ` begins the answer. `PORTOLAN_RECORD=1` writes the answers anew, to be read against the
//! contract before they are committed.

use crate::world::{Answer, World};
use api::errors::{ErrorDocument, UnauthorizedDocument};
use api::offers::{Offer, OfferSummary};
use api::operations::{Operation, Submission};
use api::publishers::{OfferType, Publisher};
use api::reviews::Review;
use api::status::StatusDocument;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

/// Headers that only some answers have, and that a recording therefore names.
const NAMED_HEADERS: [&str; 6] = ["allow", "etag", "location", "operation-location", "retry-after", "www-authenticate"];

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
    let world = World::new().await;
    let mut played = String::new();
    let mut exchanges = 0;
    let (preface, rest) = recorded.split_once("=== ").unwrap();
    played.push_str(preface);
    for block in rest.split("\n=== ") {
        let request = block.split("\n--- ").next().unwrap().trim_end();
        played.push_str(&format!("=== {request}\n"));
        match request.strip_prefix("wait") {
            Some(seconds) => wait(&world, seconds.trim()).await,
            None => {
                let answer = ask(&world, request).await;
                reads_and_writes_back(request, &answer);
                played.push_str(&shown(&answer));
                exchanges += 1;
            }
        }
        played.push('\n');
    }
    (format!("{}\n", played.trim_end()), exchanges)
}

/// `wait 2s` turns the clock and works off what is due then; `wait` settles everything that needs no person.
async fn wait(world: &World, seconds: &str) {
    let Some(seconds) = seconds.strip_suffix('s') else { return world.settle().await };
    world.clock.advance(Duration::from_secs(seconds.parse().unwrap()));
    while world.worker.work_off_due().await.unwrap() > 0 {}
}

async fn ask(world: &World, request: &str) -> Answer {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let mut lines = head.lines();
    let (method, path) = lines.next().unwrap().split_once(' ').unwrap();
    let headers: Vec<(&str, &str)> = lines.map(|line| line.split_once(": ").unwrap()).collect();
    let body = body.replace("{{definition}}", DEFINITION.trim_end());
    let answer = world.send(method, path, &headers, body).await;
    for (name, value) in [
        ("content-type", "application/json; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.header(name), value, "{name} of {request}");
    }
    for name in ["x-ms-request-id", "x-ms-correlation-request-id"] {
        assert!(Uuid::try_parse(answer.header(name)).is_ok(), "{name} of {request}");
    }
    answer
}

fn shown(answer: &Answer) -> String {
    let mut text = format!("--- {}\n", answer.status);
    for name in NAMED_HEADERS.iter().filter(|name| answer.headers.contains_key(**name)) {
        text.push_str(&format!("{name}: {}\n", answer.header(name)));
    }
    if !answer.body.is_empty() {
        let body = answer.body.replace(DEFINITION.trim_end(), "{{definition}}");
        text.push_str(&format!("\n{body}\n"));
    }
    text
}

/// The types of the `api` crate read every answer, and write the same bytes.
fn reads_and_writes_back(request: &str, answer: &Answer) {
    let path = request.lines().next().unwrap().split(' ').nth(1).unwrap();
    let path = path.split('?').next().unwrap().trim_end_matches('/').to_ascii_lowercase();
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match (answer.status, &segments[..]) {
        (202 | 304, _) => assert_eq!(answer.body, "", "{request}"),
        (401, _) => same::<UnauthorizedDocument>(answer),
        (400.., _) => same::<ErrorDocument>(answer),
        (_, [_, _, _, _, _, "publish" | "golive" | "cancel"] | [_, "reviews", ..]) if segments.len() > 2 => {
            assert_eq!(answer.body, "", "{request}");
        }
        (_, ["api", "publishers"]) => same::<Vec<Publisher>>(answer),
        (_, ["api", "offertypes"]) => same::<Vec<OfferType>>(answer),
        (_, ["api", "reviews"]) => same::<Vec<Review>>(answer),
        (_, ["api", "operations", _] | [_, _, _, _, _, "operations", _]) => same::<Operation>(answer),
        (_, [_, _, _, "offers"]) => same::<Vec<OfferSummary>>(answer),
        (_, [_, _, _, _, _, "status"]) => same::<StatusDocument>(answer),
        (_, [_, _, _, _, _, "submissions"]) => same::<Vec<Submission>>(answer),
        (_, [_, _, _, "offers", _] | [_, _, _, _, _, "versions" | "slot", _]) => same::<Offer>(answer),
        _ => panic!("no type is known for the answer to {request}"),
    }
}

fn same<T: DeserializeOwned + Serialize>(answer: &Answer) {
    let read: T = serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body));
    assert_eq!(serde_json::to_string(&read).unwrap(), answer.body);
}
