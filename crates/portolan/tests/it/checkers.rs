//! Outside systems do checks: what they are asked, what they answer, and what becomes of it when they do not.

use crate::outside::{
    KEY, Reply, System, call_back, callback, lines, passed, publish, reply, running, seconds, signature, step, tick,
};
use serde_json::{Value, json};
use std::time::Duration;

fn error(text: &str) -> Value {
    json!([{"level": "error", "code": "P-1", "messageHtml": format!("<b onclick=x>{text}</b><script>x</script>")}])
}

#[tokio::test]
async fn a_start_request_is_a_signed_cloud_event_with_all_of_the_job() {
    let system = System::start(|_| running()).await;
    let world = system.world(|_| ()).await;
    publish(&world, "memo-1").await;
    tick(&world, 2).await;
    let start = system.asked(1).await;
    assert_eq!((start.method.as_str(), start.path.as_str()), ("POST", "/start"));
    assert_eq!(start.header("content-type"), "application/cloudevents+json");
    let time = seconds(&world);
    assert_eq!(start.header("webhook-timestamp"), time.to_string());
    assert_eq!(start.header("webhook-signature"), signature(KEY, &start.id(), time, &start.body));
    let event = start.json();
    let operation = event["data"]["check"]["operationId"].as_str().unwrap();
    assert_eq!(event["id"], format!("{operation}-0-0-0"));
    assert_eq!(event["id"], start.id());
    for (pointer, value) in [
        ("/specversion", json!("1.0")),
        ("/type", json!("portolan.check.start")),
        ("/source", json!("http://portolan.test")),
        ("/subject", json!("contoso/memo-1")),
        ("/time", json!("2026-11-22T09:40:02Z")),
        ("/datacontenttype", json!("application/json")),
        ("/data/check/id", event["id"].clone()),
        ("/data/check/step", json!("validate")),
        ("/data/check/round", json!(0)),
        ("/data/offer", json!({"publisherId": "contoso", "offerId": "memo-1", "offerTypeId": "memo", "version": 2})),
        ("/data/definition/displayText", json!("A memo")),
        ("/data/artifacts", json!([])),
        ("/data/deadline", json!("2026-11-25T09:40:02Z")),
        ("/data/callbackUrl", json!(format!("http://portolan.test/api/checks/{operation}/validate/0/report"))),
    ] {
        if pointer == "/data/offer" {
            let offer = event.pointer(pointer).unwrap();
            assert_eq!((&offer["offerId"], &offer["offerTypeId"]), (&value["offerId"], &value["offerTypeId"]));
            assert!(offer["version"].is_i64() && offer["publisherId"] == "contoso", "{offer}");
        } else {
            assert_eq!(event.pointer(pointer), Some(&value), "{pointer}");
        }
    }
    assert_eq!(step(&world, "memo-1").await["status"], "inProgress");
    let applied = call_back(&world, &start, 1, json!({"state": "passed"})).await;
    assert_eq!((applied.status, applied.json()), (200, json!({"applied": true})));
    world.settle().await;
    assert_eq!(step(&world, "memo-1").await["status"], "complete");
    assert_eq!(system.count(), 1, "nothing more is asked");
}

#[tokio::test]
async fn it_passes_rejects_and_blocks_at_once_and_a_new_round_has_a_new_id() {
    let system = System::start(|_| passed()).await;
    let world = system.world(|_| ()).await;
    publish(&world, "passes").await;
    world.settle().await;
    assert_eq!(step(&world, "passes").await["status"], "complete");
    system.tell(|_| reply(200, &json!({"state": "rejected", "messages": error("bad")})));
    publish(&world, "rejects").await;
    world.settle().await;
    let rejected = step(&world, "rejects").await;
    assert_eq!(
        (&rejected["status"], &rejected["messages"][0]["messageHtml"]),
        (&json!("rejected"), &json!("<b>bad</b>"))
    );

    system.tell(|_| reply(200, &json!({"state": "blocked", "messages": error("stuck")})));
    publish(&world, "blocks").await;
    world.settle().await;
    assert_eq!(step(&world, "blocks").await["status"], "blocked");
    let before = system.seen().pop().unwrap();
    system.tell(|_| running());
    assert_eq!(world.verdict("blocks", "unblock", "").await.status, 200);
    tick(&world, 2).await;
    let after = system.seen().pop().unwrap();
    assert_eq!(after.id(), before.id().replace("-0-0-0", "-0-0-1"));
    let old = call_back(&world, &before, 9, json!({"state": "passed"})).await;
    assert_eq!((old.status, &old.json()["applied"]), (200, &json!(false)), "of a former round");
    assert_eq!(step(&world, "blocks").await["status"], "inProgress");
    let new = call_back(&world, &after, 1, json!({"state": "passed"})).await;
    assert_eq!(new.json()["applied"], true);
    assert_eq!(step(&world, "blocks").await["status"], "complete");
}

#[tokio::test]
async fn it_is_asked_where_it_says_and_what_is_not_new_is_not_written() {
    for by_header in [true, false] {
        let system = System::start(|_| running()).await;
        system.tell(move |seen| match (seen.method.as_str(), by_header) {
            ("POST", true) => Reply { location: Some("/jobs/7".into()), ..reply(202, &Value::Null) },
            ("POST", false) => reply(202, &json!({"state": "running", "poll": "/jobs/7"})),
            _ => reply(
                200,
                &json!({"state": "running", "progress": {"done": 1, "total": 4},
                                    "messages": [{"level": "information", "message": "looking"}]}),
            ),
        });
        let world = system.world(|_| ()).await;
        publish(&world, "memo-1").await;
        tick(&world, 2).await;
        tick(&world, 29).await;
        assert_eq!(system.count(), 1);
        tick(&world, 1).await;
        let poll = system.asked(2).await;
        assert_eq!((poll.method.as_str(), poll.path.as_str(), poll.body.as_str()), ("GET", "/jobs/7", ""));
        assert_eq!(poll.header("webhook-signature"), signature(KEY, &poll.id(), seconds(&world), ""));
        assert_eq!(step(&world, "memo-1").await["progressPercentage"], 25);
        let before = lines(&world).await;
        for _ in 0..20 {
            tick(&world, 30).await;
        }
        assert_eq!((system.count(), lines(&world).await), (22, before), "asked often, and nothing written");
        system.tell(|_| passed());
        tick(&world, 30).await;
        assert_eq!(step(&world, "memo-1").await["status"], "complete");
    }
}

#[tokio::test]
async fn it_is_asked_as_often_as_the_settings_or_it_says_and_only_at_its_own_address() {
    let elsewhere = System::start(|_| passed()).await;
    let stranger = format!("http://{}/x", elsewhere.address);
    let system = System::start(move |seen| match seen.method.as_str() {
        "POST" => reply(202, &json!({"state": "running", "poll": stranger})),
        _ => reply(200, &json!({"state": "running", "retryAfterSeconds": 100})),
    })
    .await;
    let world = system.world(|setting| setting.poll_seconds = Some(7)).await;
    publish(&world, "memo-1").await;
    tick(&world, 2).await;
    tick(&world, 7).await;
    let poll = system.asked(2).await;
    assert_eq!(poll.path, format!("/start/{}", poll.id()));
    tick(&world, 99).await;
    assert_eq!(system.count(), 2);
    tick(&world, 1).await;
    assert_eq!((system.count(), elsewhere.count()), (3, 0));
}

#[tokio::test]
async fn no_answer_that_can_be_used_is_asked_for_again_with_the_same_id_and_never_passes() {
    let elsewhere = System::start(|_| passed()).await;
    let location = Some(format!("http://{}/", elsewhere.address));
    let text = |status, body: &str| Reply { status, body: body.into(), ..Reply::default() };
    let answers = [
        text(500, r#"{"state":"passed"}"#),
        text(429, r#"{"state":"passed"}"#),
        Reply { cut: true, ..passed() },
        Reply { location, ..text(307, r#"{"state":"passed"}"#) },
        text(200, "passed"),
        text(200, r#"{"state":"passed","state":"passed"}"#),
        text(200, r#"{"state":"passed","messages":[{"level":"error","message":"no"}]}"#),
        text(200, &format!(r#"{{"state":"passed","x":"{}"}}"#, "x".repeat(1 << 20))),
    ];
    for answer in answers {
        let (status, shown) = (answer.status, answer.body.chars().take(40).collect::<String>());
        let system = System::start(move |_| answer.clone()).await;
        let world = system.world(|_| ()).await;
        publish(&world, "memo-1").await;
        tick(&world, 2).await;
        for (times, wait) in [(1, 2), (2, 4), (3, 8)] {
            assert_eq!(system.count(), times, "{status} {shown}");
            let unreachable = step(&world, "memo-1").await["messages"].clone();
            let told = unreachable.as_array().is_some_and(|messages| !messages.is_empty());
            assert_eq!(told, times == 3, "{status} {shown}: {unreachable}");
            tick(&world, wait - 1).await;
            assert_eq!(system.count(), times, "{status} {shown}: it waits");
            tick(&world, 1).await;
        }
        let warned = step(&world, "memo-1").await;
        assert_eq!(warned["status"], "inProgress");
        assert_eq!(
            (&warned["messages"][0]["level"], &warned["messages"][0]["code"]),
            (&json!("warning"), &json!("CheckerUnreachable"))
        );
        system.tell(|_| running());
        tick(&world, 16).await;
        let answered = step(&world, "memo-1").await;
        assert!(!answered.to_string().contains("CheckerUnreachable"), "gone when it answers: {answered}");
        let seen = system.seen();
        assert!(seen.iter().all(|one| one.id() == seen[0].id()), "one id, so that it can tell a repeat");
        assert_eq!(elsewhere.count(), 0, "redirects are not followed");
    }
}

#[tokio::test]
async fn what_is_said_of_an_offer_has_its_checker_asked_no_sooner() {
    let system = System::start(|_| running()).await;
    let world = system.world(|setting| setting.poll_seconds = Some(50)).await;
    publish(&world, "memo-1").await;
    tick(&world, 2).await;
    let start = system.asked(1).await;
    tick(&world, 50).await;
    tick(&world, 25).await;
    let before = system.count();
    let applied = call_back(&world, &start, 1, json!({"state": "running", "progress": {"done": 1, "total": 2}})).await;
    assert_eq!(applied.json()["applied"], true);
    tick(&world, 24).await;
    assert_eq!((before, system.count()), (2, 2));
    tick(&world, 1).await;
    assert_eq!(system.count(), 3);
}

#[tokio::test]
async fn whoever_refuses_blocks_the_check_after_a_few_tries() {
    let system = System::start(|_| reply(403, &json!({"state": "passed"}))).await;
    let world = system.world(|_| ()).await;
    publish(&world, "memo-1").await;
    for _ in 0..40 {
        tick(&world, 2).await;
    }
    let blocked = step(&world, "memo-1").await;
    assert_eq!((&blocked["status"], &blocked["messages"][0]["code"]), (&json!("blocked"), &json!("CheckCannotRun")));
    assert_eq!(system.count(), 5);
}

#[tokio::test]
async fn who_refuses_is_given_no_more_tries_and_no_more_time_where_the_places_are_taken_between() {
    let system = System::start(|_| reply(403, &Value::Null)).await;
    let world = system.world(|setting| setting.timeout_seconds = Some(3_600)).await;
    publish(&world, "memo-1").await;
    for _ in 0..8 {
        tick(&world, 1).await;
        // It is claimed, and nothing is run: as when every place is taken.
        let now = world.clock.now().plus_seconds(60);
        for claim in world.store.claim(now, now.plus_seconds(30), 10).await.unwrap() {
            world.store.put_off(&claim, world.clock.now(), false).await.unwrap();
        }
        tick(&world, 60).await;
    }
    assert_eq!(system.count(), 5);
    assert_eq!(step(&world, "memo-1").await["messages"][0]["code"], "CheckCannotRun");
    let deadlines: std::collections::BTreeSet<String> =
        system.seen().iter().map(|seen| seen.json()["data"]["deadline"].to_string()).collect();
    assert_eq!(deadlines.len(), 1, "{deadlines:?}");
}

#[tokio::test]
async fn whoever_does_not_say_in_time_how_it_ends_blocks_the_check() {
    for answer in [running(), reply(500, &Value::Null)] {
        let taken = answer.status == 202;
        let system = System::start(move |_| answer.clone()).await;
        let world = system.world(|setting| setting.timeout_seconds = Some(3_600)).await;
        publish(&world, "memo-1").await;
        tick(&world, 2).await;
        for _ in 0..359 {
            tick(&world, 10).await;
        }
        assert_eq!(step(&world, "memo-1").await["status"], "inProgress");
        tick(&world, 10).await;
        let asked = system.count();
        assert!(if taken { asked == 1 } else { (10..30).contains(&asked) }, "{asked}");
        let blocked = step(&world, "memo-1").await;
        assert_eq!(blocked["status"], "blocked", "{blocked}");
        assert!(blocked.to_string().contains("CheckTimedOut") && !blocked.to_string().contains("CheckerUnreachable"));
        let late = call_back(&world, &system.seen()[0], 1, json!({"state": "passed"})).await;
        assert_eq!(late.json()["applied"], false);
        system.tell(|_| passed());
        assert_eq!(world.verdict("memo-1", "unblock", "").await.status, 200);
        for _ in 0..31 {
            tick(&world, 10).await;
        }
        assert_eq!(step(&world, "memo-1").await["status"], "complete");
        assert!(system.seen().pop().unwrap().id().ends_with("-0-0-1"));
    }
}

#[tokio::test]
async fn a_checker_that_does_not_answer_is_left_in_peace_and_then_probed() {
    let system = System::start(|_| reply(503, &Value::Null)).await;
    let world = system.world(|setting| setting.at_once = Some(1)).await;
    for offer in ["a", "b", "c", "d", "e"] {
        publish(&world, offer).await;
        tick(&world, 1).await;
    }
    while system.count() < 5 {
        tick(&world, 1).await;
    }
    publish(&world, "late").await;
    for _ in 0..28 {
        tick(&world, 1).await;
    }
    assert_eq!(system.count(), 5, "nothing is asked while it is open");
    let late = step(&world, "late").await;
    assert_eq!((&late["status"], &late["messages"][0]["code"]), (&json!("inProgress"), &json!("CheckerUnreachable")));
    let before = lines(&world).await;
    for _ in 0..4 {
        tick(&world, 1).await;
    }
    assert_eq!(system.count(), 6, "one probe");
    for _ in 0..50 {
        tick(&world, 1).await;
    }
    assert_eq!(system.count(), 6, "twice as long");
    assert!(lines(&world).await <= before + 1, "nobody is told twice");
    system.tell(|_| passed());
    for _ in 0..40 {
        tick(&world, 1).await;
    }
    for offer in ["a", "b", "c", "d", "e", "late"] {
        assert_eq!(step(&world, offer).await["status"], "complete", "{offer}");
    }
}

#[tokio::test]
async fn the_time_of_a_check_counts_while_its_checker_is_left_in_peace() {
    let system = System::start(|_| reply(503, &Value::Null)).await;
    let world = system.world(|setting| (setting.timeout_seconds, setting.at_once) = (Some(100), Some(5))).await;
    for offer in ["a", "b", "c", "d", "e"] {
        publish(&world, offer).await;
    }
    tick(&world, 2).await;
    assert_eq!(system.count(), 5);
    publish(&world, "late").await;
    for _ in 0..130 {
        tick(&world, 1).await;
    }
    let late = step(&world, "late").await;
    assert_eq!((&late["status"], &late["messages"][0]["code"]), (&json!("blocked"), &json!("CheckTimedOut")));
}

#[tokio::test]
async fn a_check_that_it_does_not_know_any_more_keeps_no_other_check_waiting() {
    let system = System::start(|seen| match seen.method.as_str() {
        "POST" => running(),
        _ => reply(404, &Value::Null),
    })
    .await;
    let world = system.world(|setting| setting.poll_seconds = Some(1)).await;
    publish(&world, "forgotten").await;
    for _ in 0..80 {
        tick(&world, 1).await;
    }
    assert!(system.count() > 5, "asked {} times", system.count());
    assert!(step(&world, "forgotten").await.to_string().contains("CheckerUnreachable"));
    system.tell(|seen| if seen.method == "POST" { passed() } else { reply(404, &Value::Null) });
    publish(&world, "other").await;
    tick(&world, 2).await;
    assert_eq!(step(&world, "other").await["status"], "complete", "it answers, and is asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_asked_at_once_than_may_be() {
    let system = System::start(|_| Reply { after: Duration::from_millis(100), ..passed() }).await;
    let world = system.world(|setting| setting.at_once = Some(2)).await;
    for offer in ["a", "b", "c", "d", "e", "f"] {
        publish(&world, offer).await;
    }
    for _ in 0..12 {
        tick(&world, 1).await;
    }
    assert_eq!((system.count(), system.most_at_once()), (6, 2));
    for offer in ["a", "b", "c", "d", "e", "f"] {
        assert_eq!(step(&world, offer).await["status"], "complete", "{offer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_does_not_wait_for_a_slow_answer_and_what_comes_later_is_superseded() {
    let system = System::start(|_| Reply { after: Duration::from_secs(60), ..passed() }).await;
    let world = std::sync::Arc::new(system.world(|_| ()).await);
    publish(&world, "memo-1").await;
    let worker = std::sync::Arc::clone(&world);
    let working = tokio::spawn(async move { tick(&worker, 2).await });
    let start = system.asked(1).await;
    let cancel = "/api/publishers/contoso/offers/memo-1/cancel";
    assert_eq!(world.post(cancel, "").await.status, 202, "a check is in hand");
    tokio::time::timeout(Duration::from_secs(20), working).await.unwrap().unwrap();
    assert_eq!(world.status("memo-1").await["status"], "canceled");
    let late = call_back(&world, &start, 1, json!({"state": "passed"})).await;
    assert_eq!(late.json()["applied"], false);
    assert_eq!(step(&world, "memo-1").await["status"], "canceled");
    assert!(callback(&start).ends_with("/validate/0/report"));
}
