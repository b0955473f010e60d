//! The audit: every line of a journal once, by filters, as pages and as files; and nothing in it that its reader may not know.

use crate::world::{Answer, World};
use portolan::auth::Role;
use publishing::offer::PublisherId;
use publishing::principal::Circle;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

const VERSION: &str = "api-version=2017-10-31";
const AUDIT: &str = "/api/publishers/contoso/audit";
const OFFERS: &str = "/api/publishers/contoso/offers";
const MEMBERS: &str = "/api/publishers/contoso/members";

async fn ask(world: &World, token: &str, path: &str) -> Answer {
    world.send("GET", path, &[("authorization", &format!("Bearer {token}"))], "").await
}

/// All entries, over all pages.
async fn all(world: &World, token: &str, path: &str, query: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut next = Some(format!("{path}?{VERSION}&{query}"));
    while let Some(path) = next {
        let answer = ask(world, token, &path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let page = answer.json();
        found.extend(page["value"].as_array().unwrap().iter().cloned());
        next = page["nextLink"].as_str().map(|link| link.strip_prefix(world.public_url).unwrap().to_owned());
    }
    found
}

fn numbers(entries: &[Value]) -> Vec<i64> {
    entries.iter().map(|entry| entry["sequence"].as_i64().unwrap()).collect()
}

/// The numbers of all lines of a journal, the newest first.
async fn lines(world: &World, circle: &Circle) -> Vec<i64> {
    let lines = world.store.journal(circle, 0, 100_000).await.unwrap();
    lines.iter().rev().map(|line| line.sequence).collect()
}

fn contoso() -> Circle {
    Circle::Publisher(PublisherId::parse("contoso").unwrap())
}

async fn in_review(world: &World, offer: &str) -> String {
    world.put_memo(offer).await;
    let published = world.post(&format!("{OFFERS}/{offer}/publish"), "").await;
    assert_eq!(published.status, 202, "{}", published.body);
    world.settle().await;
    let id = published.header("location").rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    format!("/api/reviews/{id}/review")
}

#[tokio::test]
async fn every_line_is_there_once_and_filters_pass_over() {
    let world = World::new().await;
    in_review(&world, "memo-1").await;
    in_review(&world, "memo-2").await;
    let added = world
        .post(MEMBERS, &json!({"kind": "servicePrincipal", "name": "build", "roles": ["reader"]}).to_string())
        .await;
    let member = added.json()["member"]["id"].as_str().unwrap().to_owned();
    world.clock.advance(std::time::Duration::from_secs(60));
    let roles = json!({ "roles": ["contributor"] }).to_string();
    assert_eq!(world.put(&format!("{MEMBERS}/{member}"), &roles).await.status, 200);
    let token = &world.token;
    let every = lines(&world, &contoso()).await;
    assert_eq!(every.len() as i64, every[0], "without gaps");
    for top in [1, 3, 50, 200] {
        assert_eq!(numbers(&all(&world, token, AUDIT, &format!("$top={top}")).await), every, "{top}");
    }
    let mut oldest = every.clone();
    oldest.reverse();
    let entries = all(&world, token, AUDIT, "order=asc&$top=2").await;
    assert_eq!(numbers(&entries), oldest);
    let which = async |query: &str, wanted: &dyn Fn(&Value) -> bool| {
        let found = all(&world, token, AUDIT, &format!("order=asc&$top=2&{query}")).await;
        let expected: Vec<Value> = entries.iter().filter(|entry| wanted(entry)).cloned().collect();
        assert_eq!(found, expected, "{query}");
        assert!(!found.is_empty() && found.len() < entries.len(), "{query}");
    };
    which("offerId=memo-2", &|entry| entry["offerId"] == "memo-2").await;
    which("event=MemberAdded,rolesChanged", &|entry| entry.get("memberId").is_some()).await;
    which("who=portolan", &|entry| entry["who"] == "portolan").await;
    which("who=CI", &|entry| entry["who"] == "ci").await;
    let ci = entries.iter().find(|entry| entry["who"] == "ci").unwrap()["principalId"].as_str().unwrap();
    which(&format!("who={ci}"), &|entry| entry["principalId"] == ci).await;
    let newest = entries.last().unwrap();
    let at = newest["at"].as_str().unwrap();
    which(&format!("since={at}"), &|entry| entry["at"] == at).await;
    which(&format!("until={at}&who=ci"), &|entry| entry["at"] != at && entry["who"] == "ci").await;
    assert_eq!(
        (&newest["event"], &newest["words"], &newest["memberId"], &newest["publisherId"]),
        (
            &json!("rolesChanged"),
            &json!("Changed the roles of build to contributor."),
            &json!(member),
            &json!("contoso")
        )
    );
    let published = entries.iter().find(|entry| entry["event"] == "published").unwrap();
    assert_eq!((&published["words"], &published["version"]), (&json!("Submitted version 1."), &json!(1)));
    assert!(
        entries
            .iter()
            .any(|entry| entry["words"] == "Began a check of the step Validate." && entry["stepId"] == "validate")
    );
    for (query, target) in [
        ("event=exploded", "event"),
        ("event=previewReady", "event"),
        ("offerId=-", "offerId"),
        ("since=yesterday", "since"),
        ("before=x", "before"),
        ("$top=201", "$top"),
        ("order=up", "order"),
        ("format=xml", "format"),
        ("who=a&who=b", "who"),
    ] {
        let refused = world.get(&format!("{AUDIT}?{VERSION}&{query}")).await;
        assert_eq!(
            (refused.status, &refused.json()["error"]["target"]),
            (400, &json!(target)),
            "{query}: {}",
            refused.body
        );
    }
    let staff = all(&world, &world.staff_token, "/API/Audit", "$top=1").await;
    assert_eq!(numbers(&staff), lines(&world, &Circle::Marketplace).await);
    assert!(staff.iter().all(|entry| entry.get("publisherId").is_none()) && !staff.is_empty());
    let etag = world.get(AUDIT).await.header("etag").to_owned();
    assert_eq!(world.send("GET", AUDIT, &[("if-none-match", &etag)], "").await.status, 304);
}

#[tokio::test]
async fn nobody_reads_a_secret_and_publishers_read_no_reviewers_name_or_note() {
    const NOTE: &str = "canary-of-a-note";
    const TEXT: &str = "canary-of-a-public-note";
    let world = World::new().await;
    let mut secrets = vec![NOTE.to_owned(), TEXT.to_owned()];
    let ana = world.member("ana-the-reviewer", None, &[Role::Reviewer]).await;
    let (ana_token, ana_id) = (world.token_of(&ana).await, ana.id.to_string());
    let bearer = format!("Bearer {ana_token}");
    let review = in_review(&world, "memo-1").await;
    for (word, body) in [
        ("claim", String::new()),
        ("notes", json!({ "text": NOTE }).to_string()),
        ("notes", json!({ "text": TEXT, "public": true }).to_string()),
        ("release", String::new()),
        ("block", json!({ "message": "canary-of-a-reason", "code": "IMG-048" }).to_string()),
    ] {
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let answer = world.send("POST", &format!("{review}/{word}"), &headers, body).await;
        assert_eq!(answer.status, 200, "{word}: {}", answer.body);
    }
    let body = |kind: &str| json!({"kind": kind, "name": "new", "mail": (kind == "user").then_some("new@contoso.example"), "roles": ["reader"]});
    let added = world.post(MEMBERS, &body("servicePrincipal").to_string()).await.json();
    secrets.push(added["secret"]["value"].as_str().unwrap().to_owned());
    let base = format!("{MEMBERS}/{}/secrets", added["member"]["id"].as_str().unwrap());
    secrets.push(world.post(&base, "").await.json()["value"].as_str().unwrap().to_owned());
    let invited = world.post(MEMBERS, &body("user").to_string()).await.json();
    secrets.push(invited["invitation"]["code"].as_str().unwrap().to_owned());
    let hook = json!({ "url": "https://127.0.0.1/hook?key=canary-of-an-address" }).to_string();
    let hook = world.post("/api/publishers/contoso/subscriptions", &hook).await.json();
    secrets.push(hook["secret"].as_str().unwrap().to_owned());
    secrets.extend(["canary-of-an-address", "canary-of-a-reason"].map(str::to_owned));

    let auditor = world.member("auditor", None, &[Role::Auditor]).await;
    let auditor = world.token_of(&auditor).await;
    for (token, is_staff) in [(&world.token, false), (&world.staff_token, true), (&auditor, true)] {
        for format in ["json", "csv", "jsonl"] {
            let answer = ask(&world, token, &format!("{AUDIT}?{VERSION}&$top=200&format={format}")).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            for secret in &secrets {
                assert!(secret.len() > 8 && !answer.body.contains(secret), "{format} tells {secret}");
            }
            for name in ["ana-the-reviewer", &ana_id] {
                assert_eq!(answer.body.contains(name), is_staff, "{format}: {name}");
            }
        }
        let blocked = all(&world, token, AUDIT, "event=verdictGiven").await;
        assert_eq!(blocked[0]["words"], "Blocked the step Review, with the code IMG-048.");
        assert_eq!(blocked[0]["who"], if is_staff { "ana-the-reviewer" } else { "marketplace" });
        // Nor can they be found out by asking for them.
        for who in ["ana-the-reviewer", &ana_id] {
            let theirs = all(&world, token, AUDIT, &format!("who={who}")).await;
            assert_eq!(theirs.len(), if is_staff { 5 } else { 0 }, "{who}");
        }
    }
    assert_eq!(all(&world, &world.token, AUDIT, "who=marketplace").await.len(), 5);
    let reader = world.member("reader", Some("contoso"), &[Role::Reader]).await;
    for (token, path) in [(&world.token_of(&reader).await, AUDIT), (&ana_token, AUDIT), (&world.token, "/api/audit")] {
        assert_eq!(ask(&world, token, path).await.status, 403, "{path}");
    }
}

fn records(body: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(body.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[tokio::test]
async fn files_have_what_pages_have_and_no_formulas() {
    let world = World::new().await;
    let evil = world.member("=HYPERLINK(\"http://x.example\",\"a,b\")", Some("contoso"), &[Role::Owner]).await;
    let header = format!("Bearer {}", world.token_of(&evil).await);
    let memo = r#"{"publisherId":"contoso","id":"memo-1","offerTypeId":"memo","definition":{"displayText":"A memo","plans":[{"planId":"one"}]}}"#;
    let headers = [("authorization", header.as_str()), ("content-type", "application/json")];
    // More than is read at once.
    for _ in 0..260 {
        assert!(world.send("PUT", &format!("{OFFERS}/memo-1"), &headers, memo).await.status < 300);
    }
    let pages = all(&world, &world.token, AUDIT, "").await;
    assert!(pages.len() > 250);
    let answer = world.get(&format!("{AUDIT}?{VERSION}&format=jsonl")).await;
    let told: Vec<Value> = answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((answer.header("content-type"), told), ("application/x-ndjson; charset=utf-8", pages.clone()));
    let answer = world.send("GET", AUDIT, &[("accept", "text/csv")], "").await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    let records = records(&answer.body);
    let (names, rows) = records.split_first().unwrap();
    assert_eq!(rows.len(), pages.len());
    for (row, page) in rows.iter().zip(&pages) {
        for (cell, name) in row.iter().zip(names) {
            let value = match &page[name] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let safe = if value.starts_with('=') { format!("'{value}") } else { value };
            assert_eq!(cell, &safe, "{name}");
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t']), "{cell}");
        }
    }
    assert!(answer.body.contains("\"'=HYPERLINK("));
    let members: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let known: BTreeSet<&str> =
        pages.iter().flat_map(|page| page.as_object().unwrap().keys().map(String::as_str)).collect();
    assert!(known.is_subset(&members), "{known:?}");
    let few = world.get(&format!("{AUDIT}?{VERSION}&format=csv&$top=3&event=draftSaved")).await;
    assert_eq!(self::records(&few.body).len(), 4);
    let many = world.get(&format!("{AUDIT}?{VERSION}&format=jsonl&order=asc&who={}", evil.id)).await;
    assert_eq!(many.body.lines().count(), 260);
    let none = world.get(&format!("{AUDIT}?{VERSION}&format=csv&event=rolledBack")).await;
    assert_eq!(self::records(&none.body).len(), 1, "the names alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missed_or_told_twice_while_others_write() {
    let world = Arc::new(World::new().await);
    for _ in 0..300 {
        world.put_memo("memo-0").await;
    }
    let writer = {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            for round in 0..150 {
                assert!(world.put_memo(&format!("memo-{}", round % 3)).await.status < 300);
            }
        })
    };
    let mut rounds = 0;
    while !writer.is_finished() || rounds < 2 {
        let paged = numbers(&all(&world, &world.token, AUDIT, "$top=7").await);
        let file = world.get(&format!("{AUDIT}?{VERSION}&format=jsonl")).await;
        let entries: Vec<Value> = file.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for numbers in [paged, numbers(&entries)] {
            let expected: Vec<i64> = (1..=numbers[0]).rev().collect();
            assert_eq!(numbers, expected);
        }
        rounds += 1;
    }
}
