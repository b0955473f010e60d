//! Histories: every entry once and in order, whatever comes meanwhile; and each moment's status, byte for byte.

use crate::store::{key, perform, publish, publisher, save};
use crate::world::{START, World, opened};
use portolan::store::{LineSelection, Store};
use publishing::moment::Moment;
use publishing::offer::{OfferId, PublisherId};
use publishing::principal::Circle;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

const VERSION: &str = "api-version=2017-10-31";
const OFFERS: &str = "/api/publishers/contoso/offers";

/// Reads a history to its last page; gives the sequence numbers, and on how many pages they were.
async fn all(world: &World, path: &str, query: &str) -> (Vec<i64>, usize) {
    let (mut found, mut pages) = (Vec::new(), 0);
    let mut next = Some(format!("{path}?{VERSION}&{query}"));
    while let Some(path) = next {
        let answer = world.get(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let page = answer.json();
        found.extend(page["value"].as_array().unwrap().iter().map(|entry| entry["sequence"].as_i64().unwrap()));
        next = page["nextLink"].as_str().map(|link| link.strip_prefix(world.public_url).unwrap().to_owned());
        pages += 1;
    }
    (found, pages)
}

/// What the journal says: number and offer of each line that is about one.
async fn lines(world: &World) -> Vec<(i64, String)> {
    let circle = Circle::Publisher(PublisherId::parse("contoso").unwrap());
    let lines = world.store.journal(&circle, 0, 100_000).await.unwrap();
    lines.into_iter().filter(|line| !line.offer.is_empty()).map(|line| (line.sequence, line.offer)).collect()
}

async fn moved(world: &World, offers: &[&str]) {
    for offer in offers {
        world.put_memo(offer).await;
        assert_eq!(world.post(&format!("{OFFERS}/{offer}/publish"), "").await.status, 202);
        world.settle().await;
    }
}

#[tokio::test]
async fn pages_hold_every_entry_once_and_in_order() {
    let world = World::new().await;
    moved(&world, &["memo-1", "memo-2"]).await;
    world.verdict("memo-1", "block", r#"{"message":"Hm."}"#).await;
    let lines = lines(&world).await;
    let of = |offer: &str| lines.iter().filter(|line| line.1 == offer).map(|line| line.0).collect::<Vec<_>>();
    let backwards = |mut numbers: Vec<i64>| {
        numbers.reverse();
        numbers
    };
    let every: Vec<i64> = lines.iter().map(|line| line.0).collect();
    let path = format!("{OFFERS}/memo-1/history");
    for top in [1, 2, 3, 50] {
        assert_eq!(all(&world, &path, &format!("$top={top}")).await.0, of("memo-1"));
        assert_eq!(all(&world, &path, &format!("top={top}&order=DESC")).await.0, backwards(of("memo-1")));
        assert_eq!(all(&world, "/API/publishers/Contoso/History", &format!("$top={top}")).await.0, every);
    }
    // A page that is just full is the last one.
    let (found, pages) = all(&world, &path, &format!("$top={}", of("memo-1").len())).await;
    assert_eq!((found.len(), pages), (of("memo-1").len(), 1));
    let some = of("memo-1");
    let between = format!("after={}&before={}&$top=1", some[1], some[4]);
    assert_eq!(all(&world, &path, &between).await.0, some[2..4]);
    assert_eq!(all(&world, &path, &format!("{between}&order=desc")).await.0, backwards(some[2..4].to_vec()));
    assert_eq!(all(&world, &path, "after=9999").await.0, Vec::<i64>::new());
}

#[tokio::test]
async fn filters_pass_over_and_lose_nothing() {
    let world = World::new().await;
    moved(&world, &["memo-1", "memo-2"]).await;
    world.verdict("memo-1", "block", r#"{"message":"Hm."}"#).await;
    let path = format!("{OFFERS}/memo-1/history");
    let answer = world.get(&format!("{path}?{VERSION}&event=Blocked,failed")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let page = answer.json();
    let entry = &page["value"][0];
    assert_eq!((page["value"].as_array().unwrap().len(), &entry["event"]), (1, &json!("blocked")), "{page}");
    assert_eq!(
        (&entry["by"], &entry["stepId"], &entry["status"]),
        (&json!("marketplace"), &json!("review"), &json!("running"))
    );
    let operation = entry["operationId"].as_str().unwrap();
    let journal =
        world.store.journal(&Circle::Publisher(PublisherId::parse("contoso").unwrap()), 0, 1_000).await.unwrap();
    let line = journal.iter().find(|line| line.sequence == entry["sequence"]).unwrap();
    assert_eq!(entry["hash"], line.hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let everything = all(&world, "/api/publishers/contoso/history", "").await.0;
    let at = |sequence: i64| journal.iter().find(|line| line.sequence == sequence).unwrap().at;
    let date = |ticks: i64| api::dates::Date::from_ticks(ticks).to_string();
    for (query, wanted) in [
        (format!("operationId={operation}"), None),
        ("stepId=Review".to_owned(), None),
        (format!("since={}", date(at(everything[5]))), Some((at(everything[5]), i64::MAX))),
        (format!("until={}", date(at(everything[5]))), Some((0, at(everything[5])))),
        (
            format!("since={}&until={}", date(at(everything[3])), date(at(everything[9]))),
            Some((at(everything[3]), at(everything[9]))),
        ),
        ("since=0001-01-01T00:00:00Z&until=9999-12-30T20:00:00-01:00".to_owned(), Some((0, i64::MAX))),
        ("since=2026-11-22T10:40:00%2B01:00".to_owned(), Some((START.ticks(), i64::MAX))),
    ] {
        for (path, of) in [(path.as_str(), Some("memo-1")), ("/api/publishers/contoso/history", None)] {
            let found = all(&world, path, &format!("{query}&$top=2")).await.0;
            assert_eq!(found, all(&world, path, &query).await.0, "{query}");
            let expected = |(from, to): (i64, i64)| -> Vec<i64> {
                let of_it = |sequence: &&i64| {
                    of.is_none_or(|of| journal.iter().any(|line| line.sequence == **sequence && line.offer == of))
                };
                let then = |sequence: &&i64| (from..to).contains(&at(**sequence));
                everything.iter().filter(of_it).filter(then).copied().collect()
            };
            match wanted {
                Some(wanted) => assert_eq!(found, expected(wanted), "{query} at {path}"),
                None => assert!(!found.is_empty() && found.len() < everything.len(), "{query} at {path}"),
            }
        }
    }
    for (query, target) in [
        ("event=exploded", "event"),
        ("event=", "event"),
        ("operationId=7", "operationId"),
        ("since=yesterday", "since"),
        ("until=", "until"),
        ("since=2026-11-22T09:40:00+01:00", "since"),
        ("after=-1", "after"),
        ("before=x", "before"),
        ("$top=0", "$top"),
        ("$top=201", "$top"),
        ("order=up", "order"),
        ("$expand=everything", "$expand"),
        ("after=1&after=2", "after"),
    ] {
        let refused = world.get(&format!("{path}?{VERSION}&{query}")).await;
        assert_eq!(
            (refused.status, &refused.json()["error"]["target"]),
            (400, &json!(target)),
            "{query}: {}",
            refused.body
        );
    }
    let unknown = world.get(&format!("{path}?{VERSION}&event=exploded")).await;
    assert!(unknown.body.contains("waitingForReviewer"), "{}", unknown.body);
    assert_eq!(
        world.get(&format!("{path}?{VERSION}&whatever=1")).await.status,
        200,
        "what is not known is passed over"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_misses_nothing_that_comes_while_it_reads() {
    let world = Arc::new(World::new().await);
    moved(&world, &["memo-0"]).await;
    let writer = {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            for round in 0..120 {
                assert!(world.put_memo(&format!("memo-{}", round % 3)).await.status < 300);
            }
        })
    };
    let (mut seen, mut after) = (Vec::new(), 0);
    while !writer.is_finished() || after < lines(&world).await.last().unwrap().0 {
        let page = world.get(&format!("/api/publishers/contoso/history?{VERSION}&$top=7&after={after}")).await.json();
        seen.extend(page["value"].as_array().unwrap().iter().map(|entry| entry["sequence"].as_i64().unwrap()));
        after = seen.last().copied().unwrap_or(0);
    }
    assert_eq!(seen, lines(&world).await.into_iter().map(|line| line.0).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_filter_that_passes_thousands_over_ends_each_page_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(opened(directory.path()).unwrap());
    let world = World::on(Arc::clone(&store), crate::world::Setting::default()).await;
    let file = rusqlite::Connection::open(directory.path().join("portolan.db")).unwrap();
    world.put_memo("memo-1").await;
    let copies = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
        INSERT INTO journal SELECT publisher, sequence + i, offer, at, replace(entry, 'created', 'draftSaved'), document, hash FROM journal, n
         WHERE publisher = 'contoso' AND offer = 'memo-1'";
    assert_eq!(file.execute(copies, []).unwrap(), 2_500);
    let (found, pages) = all(&world, &format!("{OFFERS}/memo-1/history"), "event=created&order=desc").await;
    assert_eq!((found.len(), pages), (1, 3), "a thousand lines are looked at for a page");
}

#[tokio::test]
async fn every_moment_has_the_document_that_was_served_then() {
    let world = World::new().await;
    let status = format!("{OFFERS}/memo-1/status");
    let mut served = Vec::new();
    let mut look = async |world: &World| {
        let answer = world.get(&status).await;
        // Where the clock stands still, what happens in one moment is a tick apart.
        let newest = LineSelection {
            newest_first: true,
            ..LineSelection::after(PublisherId::parse("contoso").unwrap(), OfferId::parse("memo-1"), 0, 1)
        };
        let newest = Moment::from_ticks(world.store.lines(newest).await.unwrap()[0].at);
        served.push((world.clock.now().max(newest), answer.body.clone(), answer.header("etag").to_owned()));
        world.clock.advance(Duration::from_millis(700));
    };
    world.clock.advance(Duration::from_secs(60));
    world.put_memo("memo-1").await;
    look(&world).await;
    assert_eq!(world.post(&format!("{OFFERS}/memo-1/publish"), "").await.status, 202);
    for _ in 0..12 {
        look(&world).await;
        world.worker.work_off_due().await.unwrap();
        world.put_memo("memo-2").await;
        look(&world).await;
    }
    world.settle().await;
    world.verdict("memo-1", "block", r#"{"message":"Hm."}"#).await;
    look(&world).await;
    let different: BTreeSet<&String> = served.iter().map(|(_, body, _)| body).collect();
    assert!(different.len() >= 4, "{}", different.len());
    for (at, body, etag) in &served {
        let path = format!("{status}?{VERSION}&asOf={}", api::dates::Date::from_ticks(at.ticks()));
        let answer = world.get(&path).await;
        assert_eq!((answer.status, &answer.body, answer.header("etag")), (200, body, etag.as_str()), "{path}");
        assert_eq!(world.send("GET", &path, &[("if-none-match", etag)], "").await.status, 304);
    }
    let created = START.plus_seconds(60);
    let date = |moment: Moment| api::dates::Date::from_ticks(moment.ticks()).to_string();
    let at = async |text: String| world.get(&format!("{status}?asof={text}&{VERSION}")).await;
    assert_eq!(at(date(created)).await.body, served[0].1, "the moment itself");
    let before = at(date(Moment::from_ticks(created.ticks() - 1))).await;
    assert_eq!((before.status, before.body.contains(&date(created))), (404, true), "{}", before.body);
    let now = world.clock.now();
    assert_eq!(at(date(now)).await.status, 200);
    for text in
        [date(now.plus_seconds(1)), String::new(), "now".into(), "2026-11-22".into(), "-000001-01-01T00:00:00Z".into()]
    {
        let refused = at(text.clone()).await;
        assert_eq!(
            (refused.status, &refused.json()["error"]["target"]),
            (400, &json!("asOf")),
            "{text}: {}",
            refused.body
        );
    }
    let twice = world.get(&format!("{status}?{VERSION}&asOf={}&asOf={}", date(now), date(now))).await;
    assert_eq!(twice.status, 400);
    assert_eq!(world.get(&format!("{OFFERS}/none/status?{VERSION}&asOf={}", date(now))).await.status, 404);
}

#[tokio::test]
async fn expanded_entries_carry_the_document_of_their_moment() {
    let world = World::new().await;
    moved(&world, &["memo-1"]).await;
    let journal =
        world.store.journal(&Circle::Publisher(PublisherId::parse("contoso").unwrap()), 0, 1_000).await.unwrap();
    let page = world.get(&format!("{OFFERS}/memo-1/history?{VERSION}&$expand=status&$top=200")).await;
    let etag = page.header("etag").to_owned();
    for entry in page.json()["value"].as_array().unwrap() {
        let line = journal.iter().find(|line| line.sequence == entry["sequence"]).unwrap();
        assert_eq!(entry["statusDocument"], serde_json::from_slice::<Value>(&line.document).unwrap());
        assert!(page.body.contains(std::str::from_utf8(&line.document).unwrap()), "byte for byte");
    }
    let plain = world.get(&format!("{OFFERS}/memo-1/history")).await;
    assert!(!plain.body.contains("statusDocument"));
    let again = format!("{OFFERS}/memo-1/history?{VERSION}&$expand=status&$top=200");
    assert_eq!(world.send("GET", &again, &[("if-none-match", &etag)], "").await.status, 304);
    world.put_memo("memo-1").await;
    assert_eq!(world.send("GET", &again, &[("if-none-match", &etag)], "").await.status, 200);
}

#[tokio::test]
async fn a_moment_among_a_hundred_thousand_lines_is_found_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(opened(directory.path()).unwrap());
    store.add_publisher(publisher("Contoso")).await.unwrap();
    perform(&store, &key("memo-1"), save(), START).await;
    perform(&store, &key("memo-1"), publish(), START.plus_seconds(1)).await;
    let file = rusqlite::Connection::open(directory.path().join("portolan.db")).unwrap();
    let copies = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
        INSERT INTO journal SELECT publisher, 2 + i, iif(i % 2, offer, 'memo-2'), at + i * 10000000, entry, document, hash FROM journal, n
         WHERE publisher = 'contoso' AND sequence = 2";
    assert_eq!(file.execute(copies, []).unwrap(), 100_000);
    file.execute("UPDATE chain SET sequence = 100002 WHERE circle = 'contoso'", []).unwrap();
    let contoso = PublisherId::parse("contoso").unwrap();
    let (circle, offer) = (Circle::Publisher(contoso.clone()), OfferId::parse("memo-1").unwrap());
    for (seconds, of_offer, of_any) in [
        (-9, 1, 1),
        (0, 1, 1),
        (1, 2, 2),
        (2, 3, 3),
        (3, 5, 4),
        (70_000, 70_001, 70_001),
        (70_001, 70_003, 70_002),
        (200_000, 100_003, 100_003),
    ] {
        let at = START.plus_seconds(seconds);
        let found = store.first_since(&circle, Some(&offer), at).unwrap();
        let selection = LineSelection::after(contoso.clone(), Some(offer.clone()), found - 1, 1);
        let line = store.lines(selection).await.unwrap().first().map_or(100_003, |line| line.sequence);
        assert_eq!((line, store.first_since(&circle, None, at).unwrap()), (of_offer, of_any), "{seconds}");
    }
    let began = Instant::now();
    for n in 0..1_000 {
        store.first_since(&circle, Some(&offer), START.plus_seconds(n * 100)).unwrap();
    }
    let took = began.elapsed();
    println!("1,000 moments among 100,000 lines were found in {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test]
async fn a_start_after_the_clock_was_set_back_hides_no_moment() {
    let directory = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(opened(directory.path()).unwrap());
    store.add_publisher(publisher("Contoso")).await.unwrap();
    perform(&store, &key("memo-1"), save(), START).await;
    let file = rusqlite::Connection::open(directory.path().join("portolan.db")).unwrap();
    for (line, seconds, event) in
        [(2, 100, "draftSaved"), (3, 50, "replanned"), (4, 200, "draftSaved"), (5, 300, "replanned")]
    {
        let entry = json!({"event": event, "actor": "ci"}).to_string();
        let copy =
            "INSERT INTO journal SELECT publisher, ?1, offer, at + ?2 * 10000000, ?3, document, hash FROM journal
                     WHERE publisher = 'contoso' AND sequence = 1";
        file.execute(copy, (line, seconds, entry)).unwrap();
    }
    file.execute("UPDATE chain SET sequence = 5 WHERE circle = 'contoso'", []).unwrap();
    let circle = Circle::Publisher(PublisherId::parse("contoso").unwrap());
    let offer = OfferId::parse("memo-1").unwrap();
    for (seconds, expected) in [(0, 1), (1, 2), (80, 2), (100, 2), (101, 4), (200, 4), (201, 5), (300, 5), (301, 6)] {
        let found = store.first_since(&circle, Some(&offer), START.plus_seconds(seconds)).unwrap();
        assert_eq!(found, expected, "{seconds}");
    }
}
