//! Checkers call back: only what is signed, of this check, and newer than what was heard changes anything.

use crate::outside::{
    KEY, Seen, System, call, call_back, callback, lines, publish, reply, running, seconds, step, tick,
};
use crate::world::World;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

async fn waiting() -> (System, World, Seen) {
    let system = System::start(|_| running()).await;
    let world = system.world(|_| ()).await;
    publish(&world, "memo-1").await;
    tick(&world, 2).await;
    let start = system.asked(1).await;
    (system, world, start)
}

#[tokio::test]
async fn what_comes_twice_late_or_out_of_order_changes_nothing_and_progress_only_rises() {
    let (_system, world, start) = waiting().await;
    let progress = |done: u32| {
        json!({"state": "running", "progress": {"done": done, "total": 10},
        "messages": [{"level": "information", "message": format!("{done} done")}]})
    };
    let mut shown = Vec::new();
    for (sequence, done, applied) in
        [(2, 3, true), (1, 9, false), (2, 9, false), (5, 5, true), (6, 4, true), (4, 8, false)]
    {
        tick(&world, 1).await;
        let before = lines(&world).await;
        let answer = call_back(&world, &start, sequence, progress(done)).await;
        assert_eq!((answer.status, &answer.json()["applied"]), (200, &json!(applied)), "{sequence}");
        assert_eq!(answer.json()["reason"].is_string(), !applied);
        assert_eq!(lines(&world).await - before, usize::from(applied));
        let step = step(&world, "memo-1").await;
        shown.push((step["progressPercentage"].as_u64().unwrap(), step["messages"][0]["messageHtml"].to_string()));
    }
    let shown: Vec<(u64, &str)> =
        shown.iter().map(|(percentage, text)| (*percentage, text.trim_matches('"'))).collect();
    assert_eq!(shown, [(30, "3 done"), (30, "3 done"), (30, "3 done"), (50, "5 done"), (50, "4 done"), (50, "4 done")]);
    assert_eq!(call_back(&world, &start, 7, json!({"state": "passed"})).await.json()["applied"], true);
    assert_eq!(
        call_back(&world, &start, 8, json!({"state": "rejected", "messages": [{"level": "error", "message": "x"}]}))
            .await
            .json()["applied"],
        false
    );
    assert_eq!(step(&world, "memo-1").await["status"], "complete");
}

#[tokio::test]
async fn a_check_may_say_once_a_second_that_it_goes_on_and_how_it_ends_at_any_time() {
    let (system, world, start) = waiting().await;
    publish(&world, "memo-2").await;
    tick(&world, 2).await;
    let other = system.asked(2).await;
    let goes_on = json!({"state": "running", "progress": {"done": 1, "total": 9}});
    let before = lines(&world).await;
    assert_eq!(call_back(&world, &start, 1, goes_on.clone()).await.status, 200);
    for sequence in 2..50 {
        let answer = call_back(&world, &start, sequence, goes_on.clone()).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, "1"));
    }
    assert_eq!(call_back(&world, &start, 1, goes_on.clone()).await.json()["applied"], false, "a repeat is none");
    assert_eq!(lines(&world).await - before, 1);
    assert_eq!(call_back(&world, &other, 1, goes_on.clone()).await.status, 200, "each has its own second");
    tick(&world, 1).await;
    assert_eq!(call_back(&world, &start, 50, goes_on).await.json()["applied"], true);
    assert_eq!(call_back(&world, &start, 51, json!({"state": "passed"})).await.json()["applied"], true);
}

#[tokio::test]
async fn what_is_signed_and_cannot_be_read_is_told_why() {
    let (_system, world, start) = waiting().await;
    let id = start.json()["id"].clone();
    for (body, words) in [
        (json!({"sequence": 1, "state": "passed"}), "/id is missing"),
        (json!({"id": id, "state": "passed"}), "/sequence is missing"),
        (json!({"id": id, "sequence": 0, "state": "passed"}), "/sequence is missing"),
        (json!({"id": id, "sequence": 1, "state": "done"}), "unknown variant"),
        (json!({"id": id, "sequence": 1, "state": "rejected"}), "without an error message"),
        (json!({"id": 7, "sequence": 1, "state": "passed"}), "/id is missing"),
    ] {
        let before = lines(&world).await;
        let answer = call(&world, &callback(&start), KEY, seconds(&world), &body).await;
        assert!(answer.status == 400 && answer.body.contains(words), "{body}: {}", answer.body);
        let target = words.strip_suffix(" is missing").unwrap_or_default();
        assert_eq!(answer.json()["error"]["target"].as_str().unwrap_or_default(), target, "{}", answer.body);
        assert_eq!(lines(&world).await, before);
    }
    let long = json!({"id": id, "sequence": 1, "state": "passed", "x": "x".repeat(1 << 20)});
    assert_eq!(call(&world, &callback(&start), KEY, seconds(&world), &long).await.status, 413);
    assert_eq!(step(&world, "memo-1").await["status"], "inProgress");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_thousand_that_are_forged_stale_or_about_another_check_none_is_applied() {
    let (system, world, start) = waiting().await;
    publish(&world, "memo-2").await;
    tick(&world, 2).await;
    let other = system.asked(2).await;
    let (now, path) = (seconds(&world), callback(&start));
    let said = |id: &Value, sequence: usize| json!({"id": id, "sequence": sequence + 1, "state": "passed"});
    let (id, other_id) = (start.json()["id"].clone(), other.json()["id"].clone());
    let operation = start.json()["data"]["check"]["operationId"].as_str().unwrap().to_owned();
    let unknown = path.replace(&operation, "00000000-0000-0000-0000-00000000ffff");
    let before = lines(&world).await;
    let mut bodies = std::collections::BTreeSet::new();
    for chunk in (0..10_000_usize).collect::<Vec<_>>().chunks(50) {
        let calls = chunk.iter().map(|at| {
            let (path, key, time, body): (&str, &[u8], i64, Value) = match at % 8 {
                0 => (&path, b"another key of 24 bytes.", now, said(&id, *at)),
                1 => (&path, KEY, now - 301 - i64::try_from(*at).unwrap(), said(&id, *at)),
                2 => (&path, KEY, now + 301 + i64::try_from(*at).unwrap(), said(&id, *at)),
                3 => (&path, KEY, now, said(&other_id, *at)),
                4 => (&unknown, KEY, now, said(&id, *at)),
                5 => (&path, b"", now, said(&id, *at)),
                6 => (&path, KEY, now, said(&json!(format!("{}x", id.as_str().unwrap())), *at)),
                _ => (&unknown, b"another key of 24 bytes.", now, said(&id, *at)),
            };
            let (world, path) = (&world, path.to_owned());
            async move { call(world, &path, key, time, &body).await }
        });
        for answer in join_all(calls).await {
            assert_eq!(answer.status, 401, "{}", answer.body);
            bodies.insert(answer.body);
        }
    }
    assert_eq!(bodies.len(), 1, "they all look alike: {bodies:?}");
    assert_eq!(lines(&world).await, before);
    for offer in ["memo-1", "memo-2"] {
        assert_eq!(step(&world, offer).await["status"], "inProgress");
    }
    for wrong in ["/none/0/report", "/validate/1/report", "/validate/x/report", "/review/0/report"] {
        let path = format!("/api/checks/{operation}{wrong}");
        assert_eq!(call(&world, &path, KEY, now, &said(&id, 1)).await.status, 401, "{wrong}");
    }
    // A signature is over the body as it is, and one that fits is enough among several.
    let body = said(&id, 1).to_string();
    let right = crate::outside::signature(KEY, "m", now, &body);
    let send = async |body: String, signature: String| {
        let time = now.to_string();
        let headers = [
            ("authorization", "none"),
            ("webhook-id", "m"),
            ("webhook-timestamp", &*time),
            ("webhook-signature", &*signature),
        ];
        world.send("POST", &format!("{path}?x"), &headers, body).await.status
    };
    assert_eq!(send(body.replace("passed", "running"), right.clone()).await, 401);
    assert_eq!(send(body, format!("v1,AAAA v1a,x {right}")).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_callback_that_comes_over_two_connections_at_once_one_is_applied() {
    let (_system, world, start) = waiting().await;
    for sequence in 1..=30 {
        tick(&world, 1).await;
        let before = lines(&world).await;
        let said = json!({"state": "running", "progress": {"done": sequence, "total": 100}});
        let calls = (0..2).map(|_| call_back(&world, &start, sequence, said.clone()));
        let answers = join_all(calls).await;
        let applied = answers.iter().filter(|answer| answer.json()["applied"] == true).count();
        assert_eq!((applied, lines(&world).await - before), (1, 1));
    }
}

/// What comes while the start request is not answered yet: the worker has the check in hand.
#[tokio::test(flavor = "multi_thread")]
async fn a_callback_while_a_worker_has_the_check_in_hand_counts() {
    for (state, answer) in [("passed", "running"), ("running", "running"), ("running", "passed")] {
        let slot: Arc<Mutex<Option<Arc<World>>>> = Arc::default();
        let system = System::start(|_| running()).await;
        let (inner, handle) = (Arc::clone(&slot), tokio::runtime::Handle::current());
        system.tell(move |seen| {
            let world = inner.lock().unwrap().take();
            if let Some(world) = world {
                let said = json!({"state": state, "messages": [{"level": "information", "message": "heard"}]});
                let call = call_back(&world, seen, 1, said);
                let heard = tokio::task::block_in_place(|| handle.block_on(call));
                assert_eq!(heard.json()["applied"], true);
            }
            reply(200, &json!({ "state": answer }))
        });
        let world = Arc::new(system.world(|_| ()).await);
        *slot.lock().unwrap() = Some(Arc::clone(&world));
        publish(&world, "memo-1").await;
        tick(&world, 2).await;
        tick(&world, 2).await;
        let step = step(&world, "memo-1").await;
        let done = state == "passed" || answer == "passed";
        assert_eq!(step["status"], if done { "complete" } else { "inProgress" }, "{state} {answer}");
        let heard = step.to_string().contains("heard");
        assert_eq!(heard, answer == "running", "{state} {answer}: {step}");
    }
}

#[tokio::test]
async fn a_secret_can_be_changed_while_checks_run() {
    let directory = tempfile::tempdir().unwrap();
    let system = System::start(|_| running()).await;
    let old = system.setting(directory.path()).secret_file.unwrap();
    let new_key: &[u8] = b"a newer key of 24 bytes.";
    let fresh = tempfile::tempdir().unwrap();
    let new = crate::outside::secret_file(fresh.path(), new_key);
    let both = format!("{}{}", std::fs::read_to_string(&new).unwrap(), std::fs::read_to_string(&old).unwrap());
    std::fs::write(&new, both).unwrap();
    let world = system.world(|setting| setting.secret_file = Some(new)).await;
    publish(&world, "memo-1").await;
    tick(&world, 2).await;
    let start = system.asked(1).await;
    let signed = crate::outside::signature(new_key, &start.id(), seconds(&world), &start.body);
    assert_eq!(start.header("webhook-signature"), signed, "the first signs");
    let id = start.json()["id"].clone();
    for (sequence, key) in [(1, KEY), (2, new_key)] {
        tick(&world, 1).await;
        let said = json!({"id": id, "sequence": sequence, "state": "running"});
        assert_eq!(call(&world, &callback(&start), key, seconds(&world), &said).await.json()["applied"], true);
    }
}

#[tokio::test]
async fn one_checker_cannot_speak_for_another() {
    let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let system = System::start(|_| running()).await;
    let key: &[u8] = b"another key of 24 bytes.";
    let mut other = system.setting(directory.path());
    other.name = "other".into();
    other.secret_file = Some(crate::outside::secret_file(elsewhere.path(), key));
    let kind = publishing::pipeline::CheckKind::Http { checker: "probe".into(), reusable: false };
    let world = crate::outside::world(vec![system.setting(directory.path()), other], kind).await;
    publish(&world, "memo-1").await;
    tick(&world, 2).await;
    let start = system.asked(1).await;
    let said = json!({"id": start.json()["id"], "sequence": 1, "state": "passed"});
    assert_eq!(call(&world, &callback(&start), key, seconds(&world), &said).await.status, 401);
    assert_eq!(call(&world, &callback(&start), KEY, seconds(&world), &said).await.json()["applied"], true);
}

#[tokio::test]
async fn an_empty_answer_leaves_what_was_heard_before() {
    let system = System::start(|_| reply(202, &Value::Null)).await;
    let world = system.world(|setting| setting.poll_seconds = Some(5)).await;
    publish(&world, "memo-1").await;
    tick(&world, 2).await;
    let start = system.asked(1).await;
    let said = json!({"state": "running", "messages": [{"level": "warning", "message": "heard"}]});
    assert_eq!(call_back(&world, &start, 3, said).await.json()["applied"], true);
    tick(&world, 5).await;
    assert_eq!(system.count(), 2);
    assert_eq!(step(&world, "memo-1").await["messages"][0]["messageHtml"], "heard");
}

#[tokio::test]
async fn an_answer_that_is_not_newer_than_a_callback_is_thrown_away() {
    let system = System::start(|_| running()).await;
    let world = system.world(|setting| setting.poll_seconds = Some(5)).await;
    publish(&world, "memo-1").await;
    tick(&world, 2).await;
    let start = system.asked(1).await;
    let heard = json!({"state": "running", "messages": [{"level": "warning", "message": "heard"}]});
    assert_eq!(call_back(&world, &start, 3, heard).await.json()["applied"], true);
    let before = lines(&world).await;
    let stale = json!([{"level": "warning", "message": "stale"}]);
    for (times, answer) in [
        json!({"state": "passed"}),
        json!({"state": "running", "messages": stale}),
        json!({"state": "passed", "sequence": 2}),
        json!({"state": "passed", "sequence": 3}),
    ]
    .into_iter()
    .enumerate()
    {
        system.tell(move |_| reply(200, &answer));
        tick(&world, 5).await;
        assert_eq!(system.count(), times + 2);
        let step = step(&world, "memo-1").await;
        assert_eq!((&step["status"], &step["messages"][0]["messageHtml"]), (&json!("inProgress"), &json!("heard")));
    }
    assert_eq!(lines(&world).await, before, "and nothing is written");
    system.tell(|_| reply(200, &json!({"state": "passed", "sequence": 4})));
    tick(&world, 5).await;
    assert_eq!(step(&world, "memo-1").await["status"], "complete");
}
