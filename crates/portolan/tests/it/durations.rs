//! What steps usually take is learned from those before, told while it is true, and a step that takes longer is noted once.

use crate::world::{Setting, World, vault};
use api::dates::Date;
use portolan::store::{Line, Sqlite, Store, StoreError};
use publishing::moment::{Moment, TICKS_PER_SECOND};
use publishing::offer::PublisherId;
use publishing::principal::Circle;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const HOUR: i64 = 3_600;

/// The hours of six reviews. Their median is 16.5; of so few even the longest is passed by more than one in ten, so the upper bound
/// is half of the distance from the median beyond it.
const REVIEWS: [i64; 6] = [12, 30, 9, 18, 24, 15];
const HIGH: i64 = 36 * HOUR + HOUR * 3 / 4;

fn hours(world: &World, hours: i64) {
    world.clock.advance(Duration::from_secs(u64::try_from(hours * HOUR).unwrap()));
}

/// Publishes a memo and waits until it is reviewed; gives the address of the operation, and since when it is.
async fn in_review(world: &World, offer: &str) -> (String, Moment) {
    world.put_memo(offer).await;
    let published = world.post(&format!("/api/publishers/contoso/offers/{offer}/publish"), "").await;
    assert_eq!(published.status, 202, "{}", published.body);
    world.settle().await;
    (published.header("location").to_owned(), waiting_since(world, offer).await)
}

async fn waiting_since(world: &World, offer: &str) -> Moment {
    let reviews = world.get("/api/reviews").await.json();
    let review = reviews.as_array().unwrap().iter().find(|review| review["offerId"] == offer).unwrap();
    moment(&review["waitingSince"])
}

fn moment(date: &Value) -> Moment {
    Moment::from_ticks(Date::parse(date.as_str().unwrap()).unwrap().ticks())
}

/// Turns the clock to so many seconds after a moment.
fn turn_to(world: &World, since: Moment, seconds: i64) {
    let ticks = since.plus_seconds(seconds).ticks() - world.clock.now().ticks();
    world.clock.advance(Duration::from_nanos(u64::try_from(ticks * 100).unwrap()));
    assert_eq!(world.clock.now(), since.plus_seconds(seconds));
}

async fn reviewed(world: &World, offer: &str, after: i64) {
    let (_, since) = in_review(world, offer).await;
    turn_to(world, since, after * HOUR);
    assert_eq!(world.verdict(offer, "approve", "").await.status, 200);
    world.settle().await;
}

async fn six_reviewed(world: &World) {
    for (number, hours) in REVIEWS.into_iter().enumerate() {
        reviewed(world, &format!("memo-{number}"), hours).await;
    }
}

async fn steps(world: &World, offer: &str) -> Vec<Value> {
    world.status(offer).await["steps"].as_array().unwrap().clone()
}

fn late(step: &Value) -> Vec<&Value> {
    step["messages"].as_array().unwrap().iter().filter(|message| message["code"] == "StepLate").collect()
}

/// From when until when the step at hand usually ends by now, and from how many that is known.
async fn usual_end(world: &World, offer: &str) -> Option<(Moment, Moment, u64)> {
    let told = world.get(&format!("/api/publishers/contoso/offers/{offer}/explain")).await.json();
    let usual = told["step"].get("usual")?;
    Some((moment(&usual["from"]), moment(&usual["to"]), usual["samples"].as_u64().unwrap()))
}

async fn lines(world: &World) -> Vec<Line> {
    let contoso = Circle::Publisher(PublisherId::parse("contoso").unwrap());
    world.store.journal(&contoso, 0, 100_000).await.unwrap()
}

async fn noted(world: &World) -> Vec<Value> {
    let entries = lines(world).await.into_iter().map(|line| serde_json::from_str::<Value>(&line.entry).unwrap());
    entries.filter(|entry| entry["event"] == "stepLate").collect()
}

#[tokio::test]
async fn a_range_is_told_from_the_fifth_sample_on() {
    let world = World::new().await;
    for (number, hours) in REVIEWS.into_iter().enumerate() {
        let offer = format!("memo-{number}");
        world.put_memo(&offer).await;
        let before = steps(&world, &offer).await;
        assert_eq!(before[1].get("usualDuration").is_some(), number >= 5, "{number} samples");
        reviewed(&world, &offer, hours).await;
    }
    world.put_memo("memo-6").await;
    let planned = steps(&world, "memo-6").await;
    let usual =
        json!({"medianSeconds": 16 * HOUR + HOUR / 2, "lowSeconds": 9 * HOUR, "highSeconds": HIGH, "samples": 6});
    assert_eq!(planned[1]["usualDuration"], usual);
    assert!(planned.iter().all(|step| step.get("since").is_none()), "nobody is at it");
    assert!(planned[3].get("usualDuration").is_none(), "sign-off takes as long as the publisher wants");
    assert_eq!(planned[0]["estimatedTimeFrame"], "< 1 min", "the words of the pipeline stay");

    let (operation, since) = in_review(&world, "memo-6").await;
    let [told, shown] =
        [steps(&world, "memo-6").await[1].clone(), world.get(&operation).await.json()["steps"][1].clone()];
    for step in [&told, &shown] {
        assert_eq!((&step["usualDuration"], &step["status"]), (&usual, &json!("waitingForApproval")));
        assert_eq!(moment(&step["since"]), since);
    }
    assert_eq!(usual_end(&world, "memo-6").await, Some((since.plus_seconds(9 * HOUR), since.plus_seconds(HIGH), 6)));
    assert!(steps(&world, "memo-6").await[0].get("usualDuration").is_none(), "it has ended");

    // What documents say is so of earlier ones, whatever the time. When this one ends is told as of now: half an hour into the
    // tenth hour one of the six is out of it, and nothing that is told is below the time spent.
    turn_to(&world, since, 9 * HOUR + HOUR / 2);
    let (from, to, samples) = usual_end(&world, "memo-6").await.unwrap();
    assert_eq!((from, samples), (since.plus_seconds(12 * HOUR), 5));
    assert!(to >= since.plus_seconds(HIGH));
    let id = operation.split('?').next().unwrap().rsplit('/').next().unwrap();
    assert_eq!(world.post(&format!("/api/reviews/{id}/review/claim"), "").await.status, 200);
    // After that too few took longer for anything to be told.
    turn_to(&world, since, 13 * HOUR);
    assert_eq!(usual_end(&world, "memo-6").await, None);
    for shown in [&steps(&world, "memo-6").await[1], &world.get(&operation).await.json()["steps"][1]] {
        assert_eq!((&shown["usualDuration"], moment(&shown["since"])), (&usual, since));
    }
    // What comes to no good end tells nothing any more.
    world.post("/api/publishers/contoso/offers/memo-6/cancel", "").await;
    assert!(steps(&world, "memo-6").await.iter().all(|step| step.get("usualDuration").is_none()));
}

#[tokio::test]
async fn a_step_that_takes_longer_is_noted_once_and_at_its_time() {
    let world = World::new().await;
    six_reviewed(&world).await;
    let (operation, since) = in_review(&world, "memo-6").await;
    assert_eq!(world.store.next_look().unwrap(), Some(Moment::from_ticks(since.plus_seconds(HIGH).ticks() + 1)));
    turn_to(&world, since, HIGH);
    assert_eq!(world.lookout.look().await.unwrap(), 0, "it may still end in time");
    assert!(late(&steps(&world, "memo-6").await[1]).is_empty());
    turn_to(&world, since, HIGH + 1);
    assert_eq!(world.lookout.look().await.unwrap(), 1);

    let step = steps(&world, "memo-6").await[1].clone();
    let messages = late(&step);
    assert_eq!((messages.len(), &messages[0]["level"]), (1, &json!("warning")), "{step}");
    let text = "This step takes longer than nine in ten earlier ones (6 of them; usually 9 to 37 hours). That is on record for \
                the marketplace's operator.";
    assert_eq!(messages[0]["text"], text);
    assert_eq!(moment(&messages[0]["timestamp"]), since.plus_seconds(HIGH + 1));
    assert!(step.get("usualDuration").is_none() && step.get("since").is_none(), "nobody knows any more");
    assert_eq!(late(&world.get(&operation).await.json()["steps"][1]).len(), 1);
    let lines = noted(&world).await;
    assert_eq!((lines.len(), &lines[0]["actor"], &lines[0]["step"]), (1, &json!("portolan"), &json!("review")));
    assert_eq!((&lines[0]["samples"], &lines[0]["highSeconds"]), (&json!(6), &json!(HIGH)));

    // Once, whatever else happens to the offer.
    hours(&world, 500);
    world.put_memo("memo-6").await;
    assert_eq!((world.lookout.look().await.unwrap(), world.store.next_look().unwrap()), (0, None));
    assert_eq!((noted(&world).await.len(), late(&steps(&world, "memo-6").await[1]).len()), (1, 1));
    // It is said as long as it is so.
    assert_eq!(world.verdict("memo-6", "approve", "").await.status, 200);
    assert!(late(&steps(&world, "memo-6").await[1]).is_empty());
    world.settle().await;
    world.put_memo("memo-7").await;
    assert_eq!(steps(&world, "memo-7").await[1]["usualDuration"]["samples"], 7, "the late one is a sample too");
}

#[tokio::test]
async fn what_is_canceled_or_blocked_is_not_late_and_what_is_mended_begins_anew() {
    let world = World::new().await;
    six_reviewed(&world).await;
    in_review(&world, "memo-6").await;
    world.post("/api/publishers/contoso/offers/memo-6/cancel", "").await;
    assert_eq!(world.store.next_look().unwrap(), None);
    in_review(&world, "memo-7").await;
    world.verdict("memo-7", "block", r#"{"message":"The page is empty."}"#).await;
    assert_eq!(world.store.next_look().unwrap(), None);
    let step = steps(&world, "memo-7").await[1].clone();
    assert!(step.get("usualDuration").is_none() && step.get("since").is_none(), "{step}");
    hours(&world, 100);
    world.lookout.look().await.unwrap();
    world.verdict("memo-7", "unblock", "").await;
    let mended = world.clock.now();
    assert_eq!(moment(&steps(&world, "memo-7").await[1]["since"]), mended);
    assert_eq!(usual_end(&world, "memo-7").await.unwrap().1, mended.plus_seconds(HIGH));
    turn_to(&world, mended, HIGH);
    assert_eq!(world.lookout.look().await.unwrap(), 0);
    turn_to(&world, mended, HIGH + 1);
    world.lookout.look().await.unwrap();
    assert_eq!(noted(&world).await.len(), 1);
    // It was blocked: how long it took tells nothing of others.
    world.verdict("memo-7", "approve", "").await;
    world.settle().await;
    world.put_memo("memo-8").await;
    assert_eq!(steps(&world, "memo-8").await[1]["usualDuration"]["samples"], 6);
}

/// Whether a step is late is decided by what is known then. Where it is not, its time is moved, and the journal hears nothing.
#[tokio::test]
async fn what_was_learned_meanwhile_counts() {
    let world = World::new().await;
    six_reviewed(&world).await;
    for slow in 0..5 {
        in_review(&world, &format!("slow-{slow}")).await;
    }
    hours(&world, 20);
    let (operation, since) = in_review(&world, "memo-6").await;
    turn_to(&world, since, 30 * HOUR);
    for slow in 0..5 {
        world.verdict(&format!("slow-{slow}"), "approve", "").await;
    }
    world.settle().await;
    let (before, document) = (lines(&world).await.len(), world.status("memo-6").await);
    turn_to(&world, since, HIGH + 1);
    assert_eq!(world.lookout.look().await.unwrap(), 1);
    assert_eq!((lines(&world).await.len(), world.status("memo-6").await), (before, document));
    // Nothing in what is served has become untrue by that, and both doors say the same.
    let (shown, told) = (world.get(&operation).await.json(), world.status("memo-6").await);
    assert_eq!(shown["steps"], told["steps"]);
    let now = world.clock.now();
    assert!(usual_end(&world, "memo-6").await.is_none_or(|(from, to, _)| now < from && from <= to));
    let moved = world.store.next_look().unwrap().unwrap();
    assert!(moved > since.plus_seconds(49 * HOUR) && moved < since.plus_seconds(52 * HOUR), "{moved:?}");
    turn_to(&world, since, 52 * HOUR);
    assert_eq!(world.lookout.look().await.unwrap(), 1);
    assert_eq!(noted(&world).await.len(), 1);
}

/// A step of which too little is known is looked at again when more may be.
#[tokio::test]
async fn a_step_that_was_there_before_anything_was_learned_is_noted_too() {
    let world = World::new().await;
    let (_, since) = in_review(&world, "first").await;
    assert_eq!(world.store.next_look().unwrap(), Some(since.plus_seconds(HOUR)));
    six_reviewed(&world).await;
    assert_eq!(noted(&world).await.len(), 0);
    world.lookout.look().await.unwrap();
    let noted = noted(&world).await;
    assert_eq!((noted.len(), moment(&json!(Date::from_ticks(noted[0]["since"].as_i64().unwrap())))), (1, since));
}

#[tokio::test]
async fn a_setting_removes_what_is_told_and_not_that_a_step_is_late() {
    let world = World::with(Setting { learned_durations: false, ..Setting::default() }).await;
    six_reviewed(&world).await;
    let (operation, since) = in_review(&world, "memo-6").await;
    let explained = world.get("/api/publishers/contoso/offers/memo-6/explain").await.body;
    for body in [world.status("memo-6").await.to_string(), world.get(&operation).await.body, explained] {
        assert!(!body.contains("\"usual"), "{body}");
    }
    turn_to(&world, since, HIGH + 1);
    world.lookout.look().await.unwrap();
    let step = steps(&world, "memo-6").await[1].clone();
    let text =
        "This step takes longer than nine in ten earlier ones. That is on record for the marketplace's operator.";
    assert_eq!((late(&step).len(), &late(&step)[0]["text"]), (1, &json!(text)), "without figures");
}

/// What was not there at the first start is not looked for at every other, and a row that nobody can read stops no look.
#[test]
fn it_is_filled_once_and_one_unreadable_row_stops_no_look() {
    let data = tempfile::tempdir().unwrap();
    let since = life(async {
        let world = World::on(reopened(data.path()).await, Setting::default()).await;
        six_reviewed(&world).await;
        in_review(&world, "memo-6").await.1
    });
    let raw = Connection::open(data.path().join("portolan.db")).unwrap();
    let unreadable = "CREATE TEMP TABLE one AS SELECT * FROM operation LIMIT 1;
                      UPDATE one SET id = 'no-uuid', started_at = 1, course = 'completed', look_at = 0;
                      INSERT INTO operation SELECT * FROM one";
    raw.execute_batch(unreadable).unwrap();
    drop(raw);
    life(async {
        let world = World::on(reopened(data.path()).await, Setting::default()).await;
        turn_to(&world, since, HIGH + 1);
        assert_eq!(world.lookout.look().await.unwrap(), 1);
        assert_eq!((noted(&world).await.len(), world.store.next_look().unwrap()), (1, None));
    });
    Connection::open(data.path().join("portolan.db")).unwrap().execute_batch("DELETE FROM duration").unwrap();
    drop(life(reopened(data.path())));
    assert!(rows(data.path()).is_empty(), "once is enough");
}

/// A clock that was set back makes no sample that is newer than all that come.
#[tokio::test]
async fn what_was_learned_last_is_the_newest_whatever_the_clock_said() {
    let data = tempfile::tempdir().unwrap();
    drop(reopened(data.path()).await);
    let raw = Connection::open(data.path().join("portolan.db")).unwrap();
    for number in 0..60_i64 {
        let row = (i64::MAX - number, HOUR * TICKS_PER_SECOND);
        raw.execute("INSERT INTO duration VALUES ('memo', 'review', ?1, ?2)", row).unwrap();
    }
    drop(raw);
    let world = World::on(reopened(data.path()).await, Setting::default()).await;
    for (number, hours) in REVIEWS.into_iter().enumerate() {
        reviewed(&world, &format!("memo-{number}"), hours).await;
    }
    let range = world.store.durations("memo", "review").unwrap().after(2 * HOUR * TICKS_PER_SECOND).unwrap();
    assert_eq!(range.samples, 6, "all that came later count");
}

/// The loop that a service runs, by itself.
#[tokio::test]
async fn the_lookout_wakes_when_the_time_has_come() {
    let world = World::new().await;
    six_reviewed(&world).await;
    let (_, since) = in_review(&world, "memo-6").await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let lookout = world.lookout.clone();
    let running = tokio::spawn(async move { lookout.run(stopped).await });
    turn_to(&world, since, HIGH + 1);
    for _ in 0..500 {
        if !noted(&world).await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(noted(&world).await.len(), 1);
    stop.send(true).unwrap();
    running.await.unwrap();
}

async fn reopened(data: &Path) -> Arc<dyn Store> {
    for _ in 0..500 {
        match Sqlite::open(data, 1 << 20, vault()) {
            Ok(store) => return Arc::new(store),
            Err(StoreError::Unavailable(said)) if said.contains("in use") => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("it stays in use");
}

fn rows(data: &Path) -> Vec<(String, String, i64, i64)> {
    let connection = Connection::open(data.join("portolan.db")).unwrap();
    let mut read = connection
        .prepare("SELECT offer_type, step, ended_at, ticks FROM duration ORDER BY offer_type, step, ended_at")
        .unwrap();
    let rows = read.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// A life of the service: nothing of it is left when it is over.
fn life<T>(life: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(life)
}

/// After a restart it is as it was; and a database that is older than this teaches what it can.
#[test]
fn a_restart_keeps_it_and_an_old_database_teaches_it() {
    let data = tempfile::tempdir().unwrap();
    let (since, told) = life(async {
        let world = World::on(reopened(data.path()).await, Setting::default()).await;
        six_reviewed(&world).await;
        let (_, since) = in_review(&world, "memo-6").await;
        (since, steps(&world, "memo-6").await)
    });
    let learned = rows(data.path());
    assert_eq!(learned.iter().filter(|(_, step, ..)| step == "review").count(), 6);
    let is_sample = |(offer_type, step, _, ticks): &(String, String, i64, i64)| {
        offer_type == "memo" && step != "publisher-signoff" && *ticks > 0
    };
    assert!(learned.iter().all(is_sample), "{learned:?}");
    life(async {
        let world = World::on(reopened(data.path()).await, Setting::default()).await;
        assert_eq!(steps(&world, "memo-6").await, told);
        turn_to(&world, since, HIGH);
        assert_eq!(world.lookout.look().await.unwrap(), 0);
        assert_eq!(world.store.durations("memo", "review").unwrap().range().unwrap().samples, 6);
    });
    let old = Connection::open(data.path().join("portolan.db")).unwrap();
    old.execute_batch(
        "DELETE FROM duration; INSERT INTO duration_unlearned VALUES (1);
         UPDATE operation SET look_at = 0 WHERE course = 'running'",
    )
    .unwrap();
    drop(old);
    life(async {
        let world = World::on(reopened(data.path()).await, Setting::default()).await;
        // A clock that stands still makes change times of consecutive ticks.
        let in_seconds = |rows: Vec<(String, String, i64, i64)>| -> Vec<(String, i64, i64)> {
            let second = |ticks: i64| ticks / TICKS_PER_SECOND;
            rows.into_iter().map(|(_, step, at, ticks)| (step, second(at), second(ticks))).collect()
        };
        assert_eq!(
            in_seconds(rows(data.path())),
            in_seconds(learned),
            "what the operations say is what was learned as they went"
        );
        turn_to(&world, since, HIGH + 1);
        assert_eq!(world.lookout.look().await.unwrap(), 1, "each run that goes on is looked at once");
        assert_eq!(noted(&world).await.len(), 1);
    });
}

#[tokio::test]
async fn the_newest_are_kept_and_no_more() {
    let data = tempfile::tempdir().unwrap();
    drop(reopened(data.path()).await);
    let raw = Connection::open(data.path().join("portolan.db")).unwrap();
    for number in 1..=700_i64 {
        let row = (number, number * TICKS_PER_SECOND);
        raw.execute("INSERT INTO duration VALUES ('memo', 'review', ?1, ?2)", row).unwrap();
    }
    drop(raw);
    let world = World::on(reopened(data.path()).await, Setting::default()).await;
    let range = world.store.durations("memo", "review").unwrap().range().unwrap();
    assert_eq!((range.samples, range.high), (60, 695 * TICKS_PER_SECOND), "of the newest sixty");
    reviewed(&world, "memo-1", 1).await;
    let left: Vec<_> = rows(data.path()).into_iter().filter(|(_, step, ..)| step == "review").collect();
    assert_eq!((left.len(), left[0].2), (500, 202), "the oldest are gone");
    assert_eq!(left[499].3, HOUR * TICKS_PER_SECOND);
}
