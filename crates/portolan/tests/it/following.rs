//! Whoever follows is told of each entry once and in order, whatever breaks; and of nothing that is not theirs.

use crate::binary::{Portolan, curl, token};
use crate::world::{Setting, World, opened};
use api::client::{Client, ClientError, Credentials, Events};
use portolan::auth::Role;
use portolan::issuer::Audience;
use portolan::store::Store;
use publishing::offer::PublisherId;
use publishing::principal::Circle;
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

const MEMO: &str = "/api/publishers/contoso/offers/memo";

async fn world(limits: &str, heartbeat: Duration) -> World {
    let mut setting = Setting { heartbeat, ..Setting::default() };
    setting.entrance.limits =
        toml::from_str(&format!("caller_per_second = 0\naddress_per_second = 0\n{limits}")).unwrap();
    World::with(setting).await
}

fn client(world: &World, token: &str) -> Client {
    Client::new(&format!("http://{}", world.address), Credentials::token(token)).unwrap()
}

/// Numbers and offers of the lines about offers.
async fn lines(store: &dyn Store) -> Vec<(i64, String)> {
    let contoso = Circle::Publisher(PublisherId::parse("contoso").unwrap());
    let lines = store.journal(&contoso, 0, 100_000).await.unwrap().into_iter();
    lines.filter(|line| !line.offer.is_empty()).map(|line| (line.sequence, line.offer)).collect()
}

/// The next event, which comes soon.
async fn next(events: &mut Events) -> (i64, String) {
    let event = timeout(Duration::from_secs(20), events.next()).await.expect("an event").unwrap().expect("no end");
    assert_eq!(event.id, event.data.entry.sequence.to_string());
    (event.data.entry.sequence, event.data.entry.event)
}

/// That a stream ends without another event, and cleanly.
async fn ends(events: &mut Events, why: &str) {
    let end = timeout(Duration::from_secs(20), events.next()).await.expect(why);
    assert!(end.unwrap().is_none(), "{why}: nothing more is told");
}

async fn live(world: &World, offer: &str) {
    let offers = format!("/api/publishers/contoso/offers/{offer}");
    assert_eq!(world.post(&format!("{offers}/publish"), "").await.status, 202);
    world.settle().await;
    assert_eq!(world.verdict(offer, "approve", "").await.status, 200);
    world.settle().await;
    assert_eq!(world.post(&format!("{offers}/golive"), "").await.status, 202);
    world.settle().await;
}

/// Numbers that look like chance, and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Follows an offer, or all, with a cut at every other moment, until this line has come.
async fn cut_off_often(client: Client, offer: Option<String>, until: Arc<Mutex<Option<i64>>>, dice: u64) -> Vec<i64> {
    let (mut dice, mut seen, mut last) = (Dice(dice), Vec::new(), Some(0));
    loop {
        let mut events = match &offer {
            Some(offer) => client.follow_offer("contoso", offer, last).await.unwrap(),
            None => client.follow_publisher("contoso", last).await.unwrap(),
        };
        for _ in 0..=dice.roll(8) {
            let patience = Duration::from_millis(5 + dice.roll(200));
            let Ok(event) = timeout(patience, events.next()).await else { break };
            let event = event.unwrap().unwrap();
            assert!(offer.as_ref().is_none_or(|offer| *offer == event.subject));
            seen.push(event.data.entry.sequence);
        }
        last = events.last();
        if until.lock().unwrap().is_some_and(|until| last >= Some(until)) {
            return seen;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_followers_that_are_cut_off_all_the_time_miss_nothing_and_see_nothing_twice() {
    let world = world("", Duration::from_secs(15)).await;
    let offers: Vec<String> = (0..20).map(|n| format!("memo-{n}")).collect();
    for offer in &offers {
        assert_eq!(world.put_memo(offer).await.status, 201);
    }
    let ends: Vec<_> = (0..=offers.len()).map(|_| Arc::new(Mutex::new(None))).collect();
    let followers: Vec<_> = (0..50)
        .map(|n| {
            // Every other one follows the whole publisher.
            let at = if n % 2 == 0 { offers.len() } else { (n / 2) % offers.len() };
            let follower =
                cut_off_often(client(&world, &world.token), offers.get(at).cloned(), Arc::clone(&ends[at]), n as u64);
            (at, tokio::spawn(follower))
        })
        .collect();
    for offer in &offers {
        live(&world, offer).await;
        assert_eq!(world.put_memo(offer).await.status, 200);
    }
    let lines = lines(world.store.as_ref()).await;
    let of = |at: usize| {
        let about = lines.iter().filter(|(_, offer)| offers.get(at).is_none_or(|one| one == offer));
        about.map(|(sequence, _)| *sequence).collect::<Vec<_>>()
    };
    for (at, end) in ends.iter().enumerate() {
        *end.lock().unwrap() = Some(*of(at).last().unwrap());
    }
    for (at, follower) in followers {
        let seen = timeout(Duration::from_secs(120), follower).await.expect("everything comes").unwrap();
        assert_eq!(seen, of(at), "each once, and in order");
    }
    assert!(lines.len() > 20 * 10, "{}", lines.len());
}

#[tokio::test]
async fn a_stream_begins_with_the_newest_entry_or_after_the_one_that_is_named() {
    let world = world("", Duration::from_secs(15)).await;
    let none = world.get("/api/publishers/contoso/events").await;
    assert_eq!((none.status, none.body.as_str()), (200, "retry: 2000\n\n"), "nothing has happened yet");
    world.put_memo("memo").await;
    world.put_memo("other").await;
    world.put_memo("memo").await;
    let numbers: Vec<i64> = lines(world.store.as_ref()).await.into_iter().map(|(sequence, _)| sequence).collect();
    let [first, other, newest] = numbers[..] else { panic!("{numbers:?}") };

    let answer = world.get(&format!("{MEMO}/events")).await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert_eq!((answer.header("cache-control"), answer.header("x-accel-buffering")), ("no-cache", "no"));
    let begins =
        format!("retry: 2000\nid: {newest}\nevent: draftSaved\ndata: {{\"specversion\":\"1.0\",\"id\":\"{newest}\",");
    assert!(answer.body.starts_with(&begins), "{}", answer.body);
    assert!(answer.body.ends_with("}\n\n") && answer.body.matches('\n').count() == 5, "{}", answer.body);
    let data = answer.body.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let event: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!((&event["type"], &event["subject"]), (&"portolan.offer.draftSaved".into(), &"memo".into()));
    assert_eq!(event["data"]["status"], world.status("memo").await);

    let client = client(&world, &world.token);
    let mut all = client.follow_publisher("contoso", Some(0)).await.unwrap();
    for sequence in numbers {
        assert_eq!(next(&mut all).await.0, sequence);
    }
    let mut rest = client.follow_offer("CONTOSO", "memo", Some(other)).await.unwrap();
    assert_eq!(next(&mut rest).await, (newest, "draftSaved".into()));
    let by_query = world.get(&format!("{MEMO}/events?api-version=2017-10-31&lasteventid={first}")).await;
    assert!(by_query.body.contains(&format!("\nid: {newest}\n")), "{}", by_query.body);
    let empty = [("last-event-id", "")];
    let blanked =
        world.send("GET", &format!("{MEMO}/events?api-version=2017-10-31&lastEventId={first}"), &empty, "").await;
    assert!(!blanked.body.contains(&format!("\nid: {first}\n")), "an empty header says nothing: {}", blanked.body);
    assert!(blanked.body.contains(&format!("\nid: {newest}\n")), "{}", blanked.body);
    let both = [("last-event-id", "0")];
    let both =
        world.send("GET", &format!("{MEMO}/events?api-version=2017-10-31&lastEventId={newest}"), &both, "").await;
    assert!(both.body.contains(&format!("\nid: {first}\n")), "the header is the newer one: {}", both.body);

    for wrong in [&(newest + 1).to_string(), "x", "-1", "1.5", "99999999999999999999"] {
        let refused = world.send("GET", &format!("{MEMO}/events"), &[("last-event-id", wrong)], "").await;
        assert_eq!((refused.status, refused.code().as_str()), (400, "BadRequest"), "{wrong}");
        assert_eq!(refused.json()["error"]["target"], "Last-Event-ID");
    }
    assert_eq!(world.get("/api/publishers/contoso/offers/none/events").await.status, 404);
}

#[tokio::test]
async fn a_waiting_read_answers_when_something_changes_and_when_the_wait_is_over() {
    let world = Arc::new(world("", Duration::from_secs(15)).await);
    world.put_memo("memo").await;
    let path = format!("{MEMO}/status");
    let current = world.get(&path).await.header("etag").to_owned();
    let ask = async |path: &str, etag: &str, prefer: &str| {
        let began = Instant::now();
        let answer = world.send("GET", path, &[("if-none-match", etag), ("prefer", prefer)], "").await;
        (answer, began.elapsed())
    };
    let (over, took) = ask(&path, &current, "wait=1").await;
    assert_eq!(
        (over.status, over.header("preference-applied"), over.header("etag")),
        (304, "wait=1", current.as_str())
    );
    assert!((1_000..8_000).contains(&took.as_millis()), "{took:?}");
    for (etag, prefer, status, applied) in [
        ("\"x\"", "wait=50", 200, "wait=50"),
        (current.as_str(), "wait=soon", 304, ""),
        ("\"x\"", "wait=99", 200, "wait=60"),
    ] {
        let (answer, took) = ask(&path, etag, prefer).await;
        assert_eq!((answer.status, answer.header("preference-applied")), (status, applied), "{prefer}");
        assert!(took < Duration::from_secs(8), "at once: {took:?}");
    }

    let reader = client(&world, &world.token);
    let waits = tokio::spawn(async move {
        let changed = reader.get_offer_status_changed("contoso", "memo", Some(&current), 50).await.unwrap().unwrap();
        (changed.value.status, Instant::now())
    });
    // What happens elsewhere is none of its business.
    world.put_memo("other").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waits.is_finished());
    let published = world.post(&format!("{MEMO}/publish"), "").await;
    let committed = Instant::now();
    let (status, at) = timeout(Duration::from_secs(10), waits).await.expect("the answer").unwrap();
    assert_eq!(status, api::status::OfferStatus::Running);
    let delay = at.saturating_duration_since(committed);
    println!("the waiting read answered {delay:?} after the commit's own answer");
    assert!(delay < Duration::from_secs(1), "{delay:?}");

    // Both ways to an operation wait too.
    let mut waits = Vec::new();
    for path in [published.header("location"), "/api/operations/contoso$memo$2$preview"] {
        let etag = world.get(path).await.header("etag").to_owned();
        let (waiting, path) = (Arc::clone(&world), path.to_owned());
        waits.push(tokio::spawn(async move {
            waiting.send("GET", &path, &[("if-none-match", &etag), ("prefer", "wait=50")], "").await
        }));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waits.iter().any(|wait| wait.is_finished()));
    world.clock.advance(Duration::from_secs(2));
    world.worker.work_off_due().await.unwrap();
    for wait in waits {
        let changed = timeout(Duration::from_secs(10), wait).await.expect("the answer").unwrap();
        assert_eq!((changed.status, changed.header("preference-applied")), (200, "wait=50"));
    }
}

#[tokio::test]
async fn whoever_is_no_member_any_more_is_told_nothing_more() {
    let world = world("", Duration::from_secs(15)).await;
    world.put_memo("memo").await;
    let reader = world.member("reader", Some("contoso"), &[Role::Reader]).await;
    let reading = client(&world, &world.token_of(&reader).await);
    let etag = world.get(&format!("{MEMO}/status")).await.header("etag").to_owned();
    let mut streams = [
        reading.follow_offer("contoso", "memo", None).await.unwrap(),
        reading.follow_publisher("contoso", None).await.unwrap(),
    ];
    for events in &mut streams {
        next(events).await;
    }
    let waits = tokio::spawn(async move { reading.get_offer_status_changed("contoso", "memo", Some(&etag), 50).await });
    world.member("another", Some("contoso"), &[Role::Reader]).await;
    world.put_memo("memo").await;
    for events in &mut streams {
        assert_eq!(next(events).await.1, "draftSaved", "a change of somebody else's roles is none of theirs");
    }
    let path = format!("/api/publishers/contoso/members/{}", reader.id);
    assert_eq!(world.send("DELETE", &path, &[], "").await.status, 204);
    assert_eq!(world.post(&format!("{MEMO}/publish"), "").await.status, 202);
    for events in &mut streams {
        ends(events, "the member is gone").await;
    }
    let refused = timeout(Duration::from_secs(10), waits).await.expect("an answer").unwrap().unwrap_err();
    assert!(matches!(refused, ClientError::Refused { status: 403, .. }), "{refused}");
}

#[tokio::test]
async fn a_stream_ends_with_the_role_and_with_the_token_also_where_nothing_happens() {
    let world = world("", Duration::from_millis(200)).await;
    world.put_memo("memo").await;
    let reader = world.member("reader", Some("contoso"), &[Role::Reader]).await;
    let short = world.issuer.token_for(&reader, &Audience::Resource(None), 3_600).await.unwrap().access_token;
    let mut short = client(&world, &short).follow_offer("contoso", "memo", None).await.unwrap();
    let mut long = client(&world, &world.token_of(&reader).await).follow_offer("contoso", "memo", None).await.unwrap();
    next(&mut short).await;
    next(&mut long).await;
    world.clock.advance(Duration::from_secs(3_500));
    assert!(timeout(Duration::from_secs(1), short.next()).await.is_err(), "the token is still good");
    world.clock.advance(Duration::from_secs(200));
    ends(&mut short, "the token has ended").await;
    assert!(timeout(Duration::from_millis(500), long.next()).await.is_err(), "this one has not");
    let path = format!("/api/publishers/contoso/members/{}", reader.id);
    assert_eq!(world.send("DELETE", &path, &[], "").await.status, 204);
    ends(&mut long, "the member is gone").await;
}

#[tokio::test]
async fn nobody_is_told_of_another_publishers_offers() {
    let world = world("", Duration::from_millis(200)).await;
    let other = world.member("other", Some("fabrikam"), &[Role::Owner]).await;
    let header = format!("Bearer {}", world.token_of(&other).await);
    let put = async |offer: &str| {
        let body = format!(
            r#"{{"publisherId":"fabrikam","id":"{offer}","offerTypeId":"memo","definition":{{"displayText":"Theirs"}}}}"#
        );
        let headers = [("authorization", header.as_str()), ("content-type", "application/json")];
        let path = format!("/api/publishers/fabrikam/offers/{offer}");
        assert!(world.send("PUT", &path, &headers, body).await.status < 300);
    };
    world.put_memo("memo").await;
    put("memo").await;
    let own = client(&world, &world.token);
    let mut streams = [
        own.follow_publisher("contoso", Some(0)).await.unwrap(),
        own.follow_offer("contoso", "memo", Some(0)).await.unwrap(),
    ];
    for _ in 0..3 {
        put("memo").await;
        put("contoso").await;
        world.put_memo("memo").await;
    }
    for events in &mut streams {
        for (sequence, offer) in lines(world.store.as_ref()).await {
            let event = timeout(Duration::from_secs(20), events.next()).await.unwrap().unwrap().unwrap();
            let entry = event.data.entry;
            assert_eq!((entry.sequence, entry.offer_id, entry.publisher_id), (sequence, offer, "contoso".to_owned()));
        }
        assert!(timeout(Duration::from_millis(600), events.next()).await.is_err());
    }
    for path in ["/api/publishers/fabrikam/events", "/api/publishers/fabrikam/offers/memo/events"] {
        assert_eq!(world.get(path).await.status, 403);
    }
}

/// Lines that nobody is told of: written past the service.
fn write_behind_its_back(data: &Path, lines: i64) {
    let file = Connection::open(data.join("portolan.db")).unwrap();
    file.busy_timeout(Duration::from_secs(5)).unwrap();
    file.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {lines})
         INSERT INTO journal (publisher, sequence, offer, at, entry, document, hash)
         SELECT publisher, sequence + i, offer, at, entry, document, hash FROM journal, n
          WHERE publisher = 'contoso' AND sequence = (SELECT sequence FROM chain WHERE circle = 'contoso');
         UPDATE chain SET sequence = sequence + {lines} WHERE circle = 'contoso';
         COMMIT;"
    ))
    .unwrap();
}

#[tokio::test]
async fn what_nobody_was_told_of_is_found_in_the_journal_all_the_same() {
    for (heartbeat, is_told_of_the_next) in [(Duration::from_millis(200), false), (Duration::from_secs(60), true)] {
        let data = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(opened(data.path()).unwrap());
        let world = World::on(store, Setting { heartbeat, ..Setting::default() }).await;
        world.put_memo("memo").await;
        let client = client(&world, &world.token);
        let mut streams = [
            client.follow_offer("contoso", "memo", None).await.unwrap(),
            client.follow_publisher("contoso", None).await.unwrap(),
        ];
        let mut at = 0;
        for events in &mut streams {
            at = next(events).await.0;
        }
        write_behind_its_back(data.path(), 1);
        if is_told_of_the_next {
            world.put_memo("memo").await;
        }
        for events in &mut streams {
            assert_eq!(next(events).await.0, at + 1);
            if is_told_of_the_next {
                assert_eq!(next(events).await.0, at + 2, "the one that was told comes after the one that was not");
            }
        }
    }
}

/// One entry that cannot be read is left out: those before it and those behind it come all the same, however many there are.
#[tokio::test]
async fn an_unreadable_entry_keeps_no_other_from_being_told() {
    let data = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(opened(data.path()).unwrap());
    let world = World::on(store, Setting::default()).await;
    world.put_memo("memo").await;
    let from = lines(world.store.as_ref()).await[0].0;
    write_behind_its_back(data.path(), 60);
    let raw = Connection::open(data.path().join("portolan.db")).unwrap();
    raw.busy_timeout(Duration::from_secs(5)).unwrap();
    // More in a row than are read at once, too.
    let spoil = "UPDATE journal SET entry = '{' WHERE publisher = 'contoso'
                    AND (sequence = ?1 + 3 OR sequence BETWEEN ?1 + 10 AND ?1 + 50)";
    raw.execute(spoil, [from]).unwrap();
    let mut events = client(&world, &world.token).follow_offer("contoso", "memo", Some(0)).await.unwrap();
    let mut told = Vec::new();
    while told.last() != Some(&(from + 60)) {
        let event = timeout(Duration::from_secs(10), events.next()).await.expect("an event").unwrap().expect("no end");
        told.push(event.data.entry.sequence);
    }
    let readable = (from..=from + 60).filter(|number| number - from != 3 && !(10..=50).contains(&(number - from)));
    assert_eq!(told, readable.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_reader_that_stalls_holds_nobody_up_and_is_let_go_while_idle_ones_stay() {
    let data = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(opened(data.path()).unwrap());
    let mut setting = Setting::default();
    setting.entrance.limits =
        toml::from_str("caller_per_second = 0\naddress_per_second = 0\nfollowers = 3\nbody_silence_seconds = 1")
            .unwrap();
    let world = World::on(store, setting).await;
    world.put_memo("memo").await;
    // More than there is room for on the way.
    write_behind_its_back(data.path(), 5_000);
    let own = client(&world, &world.token);
    let mut idle = own.follow_offer("contoso", "memo", None).await.unwrap();
    let mut busy = own.follow_publisher("contoso", None).await.unwrap();
    let mut last = next(&mut busy).await.0;
    next(&mut idle).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    // As small as the system lets it be.
    socket.set_recv_buffer_size(2_048).unwrap();
    let mut stalled = socket.connect(world.address).await.unwrap();
    let request = format!(
        "GET {MEMO}/events?api-version=2017-10-31 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nLast-Event-ID: 0\r\n\r\n",
        world.token
    );
    stalled.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(world.get(&format!("{MEMO}/events")).await.status, 503, "it has its place");
    for _ in 0..10 {
        world.put_memo("memo").await;
        last += 1;
        assert_eq!(next(&mut busy).await.0, last);
        assert_eq!(next(&mut idle).await.0, last);
    }
    let began = Instant::now();
    while world.get(&format!("{MEMO}/events")).await.status == 503 {
        assert!(began.elapsed() < Duration::from_secs(20), "it is let go");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // These two are silent for longer than anybody may be who has something to take.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    world.put_memo("memo").await;
    assert_eq!(next(&mut busy).await.0, last + 1);
    assert_eq!(next(&mut idle).await.0, last + 1);
}

#[tokio::test]
async fn no_more_follow_than_may() {
    let world = world("followers = 3\nfollowers_per_caller = 2", Duration::from_secs(15)).await;
    world.put_memo("memo").await;
    let own = client(&world, &world.token);
    let mut first = own.follow_offer("contoso", "memo", None).await.unwrap();
    next(&mut first).await;
    let second = own.follow_publisher("contoso", None).await.unwrap();
    let refused = world.get(&format!("{MEMO}/events")).await;
    assert_eq!(
        (refused.status, refused.code().as_str(), refused.header("retry-after")),
        (503, "ServiceUnavailable", "30")
    );
    let etag = world.get(&format!("{MEMO}/status")).await.header("etag").to_owned();
    let wait = [("if-none-match", etag.as_str()), ("prefer", "wait=50")];
    let at_once = world.send("GET", &format!("{MEMO}/status"), &wait, "").await;
    assert_eq!(
        (at_once.status, at_once.header("preference-applied")),
        (304, ""),
        "it does not wait, and does not say so"
    );

    let reader = world.member("reader", Some("contoso"), &[Role::Reader]).await;
    let another = client(&world, &world.token_of(&reader).await);
    let third = another.follow_offer("contoso", "memo", None).await.unwrap();
    let fourth = another.follow_offer("contoso", "memo", None).await.unwrap_err();
    assert!(matches!(fourth, ClientError::Refused { status: 503, .. }), "{fourth}");
    drop((second, third));
    let began = Instant::now();
    while world.get(&format!("{MEMO}/events")).await.status == 503 {
        assert!(began.elapsed() < Duration::from_secs(10), "a place that is free can be taken");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn when_the_service_stops_streams_end_and_waiting_reads_are_answered() {
    let world = world("", Duration::from_secs(15)).await;
    world.put_memo("memo").await;
    let own = client(&world, &world.token);
    let mut events = own.follow_offer("contoso", "memo", None).await.unwrap();
    next(&mut events).await;
    let etag = world.get(&format!("{MEMO}/status")).await.header("etag").to_owned();
    let waits = tokio::spawn(async move { own.get_offer_status_changed("contoso", "memo", Some(&etag), 50).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.stop.send(true).unwrap();
    ends(&mut events, "the service stops").await;
    let unchanged = timeout(Duration::from_secs(5), waits).await.expect("an answer").unwrap().unwrap();
    assert!(unchanged.is_none());
}

/// Follows the publisher of a service that dies again and again, until the last number is there.
fn follow_on(url: Arc<Mutex<String>>, token: String, until: Arc<Mutex<Option<i64>>>) -> Vec<i64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (mut seen, mut last) = (Vec::new(), Some(0));
        while !until.lock().unwrap().is_some_and(|until| last >= Some(until)) {
            let client = Client::new(&url.lock().unwrap(), Credentials::token(&token)).unwrap();
            let Ok(mut events) = client.follow_publisher("contoso", last).await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            while let Ok(Ok(Some(event))) = timeout(Duration::from_secs(1), events.next()).await {
                seen.push(event.data.entry.sequence);
            }
            last = events.last();
        }
        seen
    })
}

#[test]
fn whoever_follows_a_service_that_is_killed_misses_nothing_and_sees_nothing_twice() {
    let data = tempfile::tempdir().unwrap();
    let mut service = Portolan::serve(data.path(), &[]);
    let (url, until) = (Arc::new(Mutex::new(service.url.clone())), Arc::new(Mutex::new(None)));
    let follower = std::thread::spawn({
        let (url, token, until) = (Arc::clone(&url), token(), Arc::clone(&until));
        move || follow_on(url, token, until)
    });
    let body =
        r#"{"publisherId":"contoso","id":"memo","offerTypeId":"microsoft-azure-virtualmachines","definition":{}}"#;
    for round in 0..4 {
        for _ in 0..5 {
            let path = format!("{}/api/publishers/contoso/offers/memo?api-version=2017-10-31", service.url);
            let put = ["--request", "PUT", "--header", "Content-Type: application/json", "--data", body, &path];
            assert!(curl(&put).0 < 300);
        }
        if round < 3 {
            service.child.kill().unwrap();
            service.child.wait().unwrap();
            service = Portolan::serve(data.path(), &[]);
            url.lock().unwrap().clone_from(&service.url);
        }
    }
    // A stop that is asked for ends the streams, and the process with them.
    let began = Instant::now();
    service.signal("TERM");
    assert!(service.child.wait().unwrap().success());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let expected = journal(data.path());
    let service = Portolan::serve(data.path(), &[]);
    url.lock().unwrap().clone_from(&service.url);
    *until.lock().unwrap() = expected.last().copied();
    assert_eq!(follower.join().unwrap(), expected);
    assert_eq!(expected.len(), 20);
}

fn journal(data: &Path) -> Vec<i64> {
    let store = opened(data).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(lines(&store)).into_iter().map(|(sequence, _)| sequence).collect()
}
