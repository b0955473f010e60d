//! The emulator as somebody runs it: what repeats byte for byte, what the clock does, where offers can be brought, who may ask.

use crate::binary::command;
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A running emulator, killed when the test lets go of it.
pub struct Emulated {
    child: Child,
    pub url: String,
    pub token: String,
    pub reviewer: String,
    http: reqwest::Client,
}

impl Drop for Emulated {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Emulated {
    /// `portolan emulator start` on a free port, seen at the same address wherever it runs.
    pub fn start(arguments: &[&str]) -> Self {
        let mut child = command()
            .args(["emulator", "start", "--listen", "127.0.0.1:0", "--public-url", "http://emulator.test"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while !said.contains("ready: ") {
            said += &lines.next().unwrap_or_else(|| panic!("it ended before it was ready: {said}")).unwrap();
            said.push('\n');
        }
        let word = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        let (token, reviewer) = (word("export PORTOLAN_TOKEN="), word("export PORTOLAN_REVIEWER_TOKEN="));
        Self { url: word("ready: "), token, reviewer, child, http: reqwest::Client::new() }
    }

    pub fn frozen(arguments: &[&str]) -> Self {
        Self::start(&[&["--frozen"], arguments].concat())
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>, token: &str) -> (u16, String) {
        let separator = if path.contains('?') { '&' } else { '?' };
        let url = format!("{}{path}{separator}api-version=2017-10-31", self.url);
        let mut request = self.http.request(method, url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// A call that is a success.
    async fn call(&self, method: Method, path: &str, body: Value) -> Value {
        let body = (!body.is_null()).then_some(&body);
        let (status, answer) = self.send(method.clone(), path, body, &self.token).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        serde_json::from_str(&answer).unwrap_or_default()
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.call(Method::POST, path, body).await
    }

    pub async fn get(&self, path: &str) -> Value {
        self.call(Method::GET, path, Value::Null).await
    }

    /// A call that is refused: the status and the message.
    async fn refused(&self, path: &str, body: Value) -> (u16, String) {
        let (status, answer) = self.send(Method::POST, path, Some(&body), &self.token).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        (status, answer["error"]["message"].as_str().unwrap().to_owned())
    }

    async fn put(&self, offer: &str) {
        let definition: Value = serde_json::from_str(include_str!("../web-gateway.json")).unwrap();
        let offer_type = "microsoft-azure-virtualmachines";
        let body = json!({"publisherId": "contoso", "id": offer, "offerTypeId": offer_type, "definition": definition});
        self.call(Method::PUT, &offer_path(offer, ""), body).await;
    }

    async fn ask(&self, offer: &str, what: &str) {
        self.post(&offer_path(offer, what), Value::Null).await;
    }

    async fn status(&self, offer: &str) -> Value {
        self.get(&offer_path(offer, "/status")).await
    }

    async fn until(&self, offer: &str, condition: &str) -> Value {
        self.post("/emulator/advance", json!({"until": condition, "offer": format!("contoso/{offer}")})).await
    }

    async fn by(&self, span: &str) -> Value {
        self.post("/emulator/advance", json!({"by": span})).await
    }

    async fn next(&self) -> Value {
        self.post("/emulator/advance", json!({"to": "next"})).await
    }

    async fn now(&self) -> String {
        self.get("/emulator").await["now"].as_str().unwrap().to_owned()
    }

    /// The journal, byte for byte.
    async fn journal(&self) -> String {
        self.send(Method::GET, "/emulator/journal", None, &self.token).await.1
    }

    /// A person rejects what waits for one of an offer.
    async fn reject(&self, offer: &str) {
        let (_, reviews) = self.send(Method::GET, "/api/reviews", None, &self.reviewer).await;
        let reviews: Value = serde_json::from_str(&reviews).unwrap();
        let review = reviews.as_array().unwrap().iter().find(|review| review["offerId"] == offer).unwrap();
        let path = format!("/api/reviews/{}/{}/reject", text(&review["operationId"]), text(&review["stepId"]));
        let body = json!({"code": "IMG-048", "message": "The small logo is too small."});
        let (status, answer) = self.send(Method::POST, &path, Some(&body), &self.reviewer).await;
        assert!(status < 300, "{status} {answer}");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn offer_path(offer: &str, rest: &str) -> String {
    format!("/api/publishers/contoso/offers/{offer}{rest}")
}

/// The first half of a story: a draft that is rejected, mended, canceled, published again; and what happens beside it.
async fn first_half(emulated: &Emulated) {
    emulated.put("gateway").await;
    emulated.ask("gateway", "/publish").await;
    emulated.by("1s").await;
    emulated.post("/emulator/reach", json!({"offer": "contoso/beside", "status": "running"})).await;
    emulated.until("gateway", "step.displaycertify=waitingForApproval").await;
    emulated.reject("gateway").await;
    emulated.put("gateway").await;
    emulated.ask("gateway", "/publish").await;
    for _ in 0..3 {
        emulated.next().await;
    }
    emulated.ask("gateway", "/cancel").await;
    emulated.by("1d 12h").await;
    emulated.ask("gateway", "/publish").await;
    emulated.post("/api/publishers", json!({"id": "fabrikam"})).await;
    emulated.by("10m").await;
}

/// The second: it goes live, and another one fails.
async fn second_half(emulated: &Emulated) {
    emulated.until("gateway", "status=waitingForPublisherReview").await;
    emulated.ask("gateway", "/golive").await;
    emulated.post("/emulator/reach", json!({"offer": "contoso/third", "status": "failed"})).await;
    emulated.until("gateway", "status=succeeded").await;
    emulated.by("40d").await;
}

async fn whole_story(arguments: &[&str]) -> String {
    let emulated = Emulated::frozen(arguments);
    first_half(&emulated).await;
    second_half(&emulated).await;
    emulated.journal().await
}

/// Says where two texts part, for they are long.
fn assert_same(one: &str, other: &str) {
    let parted = one.lines().zip(other.lines()).enumerate().find(|(_, (one, other))| one != other);
    if let Some((line, (one, other))) = parted {
        panic!("line {line}:\n{one}\n{other}");
    }
    assert_eq!(one.len(), other.len(), "one is longer");
}

#[tokio::test]
async fn the_same_seed_and_calls_are_the_same_journal_and_another_seed_is_another() {
    let one = whole_story(&["--demo"]).await;
    assert!(one.lines().count() > 150, "{}", one.lines().count());
    assert_same(&one, &whole_story(&["--demo"]).await);
    assert_ne!(one, whole_story(&["--demo", "--seed", "2"]).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_under_load_changes_nothing() {
    let idle = whole_story(&[]).await;
    let over = Arc::new(AtomicBool::new(false));
    let burning: Vec<_> = (0..6)
        .map(|_| {
            let over = Arc::clone(&over);
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop()
                }
            })
        })
        .collect();
    for _ in 0..3 {
        assert_same(&idle, &whole_story(&[]).await);
    }
    over.store(true, Ordering::Relaxed);
    burning.into_iter().for_each(|thread| thread.join().unwrap());
}

#[tokio::test]
async fn what_is_put_back_goes_on_as_if_nothing_had_been() {
    let emulated = Emulated::frozen(&["--demo"]);
    first_half(&emulated).await;
    let kept = emulated.post("/emulator/snapshots", json!({"name": "half"})).await;
    let (state, half) = (emulated.get("/emulator").await, emulated.journal().await);
    assert_eq!(kept["at"], state["now"]);
    second_half(&emulated).await;
    let first = emulated.journal().await;
    emulated.post("/emulator/snapshots/half/restore", Value::Null).await;
    assert_eq!((emulated.get("/emulator").await, emulated.journal().await), (state, half));
    second_half(&emulated).await;
    assert_same(&first, &emulated.journal().await);
    assert_same(&first, &whole_story(&["--demo"]).await);
    // And from the very beginning, with the tokens of before.
    emulated.post("/emulator/reset", Value::Null).await;
    first_half(&emulated).await;
    second_half(&emulated).await;
    assert_same(&first, &emulated.journal().await);
    assert_eq!(emulated.send(Method::DELETE, "/emulator/snapshots/half", None, &emulated.token).await.0, 204);
    assert_eq!(emulated.refused("/emulator/snapshots/half/restore", json!({})).await.0, 404);
}

#[tokio::test]
async fn every_status_of_an_offer_is_one_call_away() {
    let emulated = Emulated::frozen(&[]);
    for status in
        ["neverPublished", "notStarted", "running", "waitingForPublisherReview", "succeeded", "canceled", "failed"]
    {
        let offer = format!("to-{}", status.to_lowercase());
        let reached = emulated.post("/emulator/reach", json!({"offer": offer, "status": status})).await;
        assert_eq!(reached["status"], status);
        assert_eq!(emulated.status(&offer).await["status"], status);
    }
    // From whatever there was before.
    for status in ["running", "notStarted", "succeeded", "failed", "waitingForPublisherReview", "canceled", "succeeded"]
    {
        emulated.post("/emulator/reach", json!({"offer": "wanders", "status": status})).await;
        assert_eq!(emulated.status("wanders").await["status"], status);
    }
    let (status, message) =
        emulated.refused("/emulator/reach", json!({"offer": "wanders", "status": "neverPublished"})).await;
    assert!(status == 409 && message.contains("name an offer that is not there yet"), "{status} {message}");
    assert_eq!(emulated.status("wanders").await["status"], "succeeded");
}

#[tokio::test]
async fn every_status_of_a_step_is_one_call_away() {
    let emulated = Emulated::frozen(&[]);
    for (step, status) in [
        ("displaydummycertify", "notStarted"),
        ("displaydummycertify", "inProgress"),
        ("displaycertify", "waitingForApproval"),
        ("publisher-signoff", "waitingForPublisherReview"),
        ("displaydummycertify", "blocked"),
        ("displaycertify", "blocked"),
        ("live", "blocked"),
        ("displaydummycertify", "rejected"),
        ("displaycertify", "rejected"),
        ("displaypackage", "rejected"),
        ("displayprovision", "complete"),
        ("live", "complete"),
        ("displaycertify", "canceled"),
        ("publisher-signoff", "canceled"),
        ("live", "inProgress"),
    ] {
        for offer in [format!("{step}-{}", status.to_lowercase()), "wanders".to_owned()] {
            let asked = json!({"offer": offer, "step": step, "stepStatus": status});
            let reached = emulated.post("/emulator/reach", asked).await;
            assert_eq!(reached["stepStatus"], status);
            let shown = emulated.status(&offer).await;
            let shown = shown["steps"].as_array().unwrap().iter().find(|shown| shown["id"] == step).unwrap();
            assert_eq!(shown["status"], status, "{offer}");
        }
    }
    for (step, status, code, why) in [
        ("publisher-signoff", "blocked", 409, "is the publisher's"),
        ("displaycertify", "inProgress", 409, "machines do nothing"),
        ("live", "waitingForApproval", 409, "no reviewer"),
        ("nowhere", "complete", 404, "Use one of displaydummycertify, displaycertify"),
        ("live", "done", 400, "Use one of notStarted"),
    ] {
        let before = emulated.journal().await;
        let asked = json!({"offer": "wanders", "step": step, "stepStatus": status});
        let (answered, message) = emulated.refused("/emulator/reach", asked).await;
        assert!(answered == code && message.contains(why), "{answered} {message}");
        assert_same(&before, &emulated.journal().await);
    }
}

/// How long each step took, by the journal's documents: when it was begun and when it was complete.
async fn steps_of(emulated: &Emulated, offer: &str) -> Vec<(String, String, i64)> {
    let mut steps = Vec::new();
    let mut published = 0;
    for line in emulated.journal().await.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let told = &line["entry"]["told"];
        if line["offer"] != offer || line["circle"] != "contoso" {
            continue;
        }
        let (what, ticks) = (text(&told["happening"]).to_owned(), line["ticks"].as_i64().unwrap());
        // A go live begins anew: people take their time with it.
        if matches!(what.as_str(), "published" | "goLiveStarted") {
            published = ticks;
        }
        // To the second: at one moment several things happen, a tick after the other.
        steps.push((
            what,
            told["step"].as_str().unwrap_or_default().to_owned(),
            (ticks - published + 5_000_000) / 10_000_000,
        ));
    }
    steps
}

#[tokio::test]
async fn a_whole_life_on_a_running_clock_is_stamped_as_on_one_that_is_turned() {
    let running = Emulated::start(&["--seed", "5"]);
    let began = Instant::now();
    running.put("gateway").await;
    running.ask("gateway", "/publish").await;
    let wait_for = async |status: &str| {
        while running.status("gateway").await["status"] != status {
            assert!(began.elapsed() < Duration::from_secs(30), "not {status} after half a minute");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    wait_for("waitingForPublisherReview").await;
    running.ask("gateway", "/golive").await;
    wait_for("succeeded").await;
    let frozen = Emulated::frozen(&["--seed", "5"]);
    frozen.put("gateway").await;
    frozen.ask("gateway", "/publish").await;
    frozen.until("gateway", "status=waitingForPublisherReview").await;
    frozen.ask("gateway", "/golive").await;
    frozen.until("gateway", "status=succeeded").await;
    let without_drafts = |steps: Vec<(String, String, i64)>| steps.into_iter().skip(1).collect::<Vec<_>>();
    let (one, other) = (steps_of(&running, "gateway").await, steps_of(&frozen, "gateway").await);
    assert!(one.iter().any(|(what, ..)| what == "live") && one.len() > 15, "{one:?}");
    assert_eq!(without_drafts(one), without_drafts(other));
}

#[tokio::test]
async fn the_clock_is_turned_by_and_to_and_until() {
    let emulated = Emulated::frozen(&["--start", "2026-02-01T00:00:00Z"]);
    assert_eq!(emulated.now().await, "2026-02-01T00:00:00Z");
    let turned = emulated.by("1d 2h").await;
    assert_eq!((&turned["from"], &turned["to"]), (&json!("2026-02-01T00:00:00Z"), &json!("2026-02-02T02:00:00Z")));
    emulated.post("/emulator/advance", json!({"to": "2026-02-03T00:00:00Z"})).await;
    emulated.put("gateway").await;
    let (status, message) = emulated.refused("/emulator/advance", json!({"to": "next"})).await;
    assert!(status == 409 && message.contains("Nothing happens by itself within 365d"), "{message}");
    emulated.ask("gateway", "/publish").await;
    let turned = emulated.next().await;
    assert_eq!(turned["to"], "2026-02-03T00:00:01.0000001Z", "a submission is picked up after a second");
    assert_eq!(turned["happened"][0]["offer"], "contoso/gateway");
    let turned = emulated.until("gateway", "step.displaycertify=waitingForApproval").await;
    assert!(turned["happened"].as_array().unwrap().iter().any(|it| it["kind"] == "waitingForReviewer"), "{turned}");
    // It waits for the publisher, and will for ever: the clock is where it was, and so is everything else.
    let (now, journal) = (emulated.now().await, emulated.journal().await);
    let asked = json!({"until": "status=succeeded", "offer": "contoso/gateway"});
    let (status, message) = emulated.refused("/emulator/advance", asked).await;
    assert!(status == 409 && message.contains("The preview") && message.contains("clock is where it was"), "{message}");
    assert_eq!(emulated.now().await, now);
    assert_same(&journal, &emulated.journal().await);
    let late = json!({"until": "status=waitingForPublisherReview", "offer": "contoso/gateway", "within": "1h"});
    assert_eq!(emulated.refused("/emulator/advance", late).await.0, 409);
    for (body, status, why) in [
        (json!({}), 400, "exactly one"),
        (json!({"by": "2h", "to": "next"}), 400, "exactly one"),
        (json!({"by": "soon"}), 400, "2h"),
        (json!({"by": "2h", "offer": "contoso/gateway"}), 400, "`until`"),
        (json!({"to": "2026-01-01T00:00:00Z"}), 409, "not turned back"),
        (json!({"until": "status=succeeded"}), 400, "Name the offer"),
        (json!({"until": "status=done", "offer": "gateway"}), 400, "Use one of neverPublished"),
        (json!({"until": "status=succeeded", "offer": "contoso/other"}), 404, "no offer contoso/other"),
        (json!({"until": "step.nowhere=complete", "offer": "gateway"}), 404, "no step"),
        (json!({"buy": "2h"}), 400, "unknown field"),
    ] {
        let (answered, message) = emulated.refused("/emulator/advance", body.clone()).await;
        assert!(answered == status && message.contains(why), "{body}: {answered} {message}");
    }
    assert_eq!(emulated.now().await, now);
}

#[tokio::test]
async fn a_clock_can_be_set_going_and_frozen() {
    let emulated = Emulated::frozen(&[]);
    emulated.post("/emulator/speed", json!({"speed": 3600})).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let state = emulated.post("/emulator/freeze", Value::Null).await;
    assert_eq!((&state["speed"], &state["frozen"]), (&json!(0), &json!(true)));
    assert!(text(&state["now"]) >= "2026-01-05T08:30:00", "{state}");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(emulated.get("/emulator").await["now"], state["now"]);
}

#[tokio::test]
async fn where_reviews_are_by_hand_nobody_approves_by_himself() {
    let emulated = Emulated::frozen(&["--reviews", "by-hand"]);
    emulated.put("gateway").await;
    emulated.ask("gateway", "/publish").await;
    emulated.by("365d").await;
    let status = emulated.status("gateway").await;
    assert_eq!(status["steps"][1]["status"], "waitingForApproval", "{status}");
    emulated.post("/emulator/reach", json!({"offer": "gateway", "status": "succeeded"})).await;
}

#[tokio::test]
async fn a_token_outlives_the_publishing_clock() {
    let emulated = Emulated::frozen(&[]);
    emulated.by("5000d").await;
    emulated.put("gateway").await;
    // A secret ends by the clock that wrote its end.
    let members = "/api/publishers/contoso/members";
    let newcomer = json!({"kind": "servicePrincipal", "name": "ci", "roles": ["contributor"]});
    let added = emulated.post(members, newcomer).await;
    let form = |added: &Value| {
        format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&resource=https://cloudpartner.azure.com",
            text(&added["member"]["applicationId"]),
            text(&added["secret"]["value"])
        )
    };
    let token = async |added: &Value| {
        let request = emulated.http.post(format!("{}/common/oauth2/token", emulated.url));
        let request = request.header("Content-Type", "application/x-www-form-urlencoded").body(form(added));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(token(&added).await, 200);
    emulated.by("3000d").await;
    assert_eq!(token(&added).await, 401, "its secret has ended");
}

#[tokio::test]
async fn a_page_in_a_browser_cannot_tell_it_anything() {
    let emulated = Emulated::frozen(&[]);
    let address = emulated.url.strip_prefix("http://").unwrap().to_owned();
    let before = emulated.get("/emulator").await;
    let advance = |headers: &[(&str, &str)], body: &'static str| {
        let mut request = emulated.http.post(format!("{}/emulator/advance", emulated.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).build().unwrap();
        emulated.http.execute(request)
    };
    let json = ("Content-Type", "application/json");
    for (headers, status) in [
        (&[json, ("Origin", "https://evil.example")][..], 403),
        (&[json, ("Origin", "null")], 403),
        (&[json, ("Sec-Fetch-Site", "cross-site")], 403),
        (&[json, ("Sec-Fetch-Site", "same-site"), ("Origin", "http://127.0.0.1:3000")], 403),
        (&[json, ("Host", "evil.example")], 403),
        (&[json, ("Host", "127.0.0.1.evil.example:8080")], 403),
        (&[("Content-Type", "text/plain")], 415),
        (&[("Content-Type", "application/x-www-form-urlencoded")], 415),
    ] {
        let answer = advance(headers, r#"{"by":"2h"}"#).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{headers:?}");
        assert!(answer.headers().contains_key("x-ms-request-id"));
        assert!(answer.text().await.unwrap().contains("\"code\""), "{headers:?}");
    }
    for (method, path) in
        [(Method::POST, "/emulator/reset"), (Method::GET, "/emulator/journal"), (Method::GET, "/emulator")]
    {
        let request = emulated.http.request(method, format!("{}{path}", emulated.url));
        assert_eq!(request.header("Origin", "https://evil.example").send().await.unwrap().status(), 403, "{path}");
    }
    assert_eq!(emulated.get("/emulator").await, before);
    let own = [json, ("Origin", &*format!("http://{address}")), ("Sec-Fetch-Site", "same-origin")];
    assert_eq!(advance(&own, r#"{"by":"2h"}"#).await.unwrap().status(), 200);
    assert_eq!(emulated.now().await, "2026-01-05T10:00:00Z");
}

/// What a stream says until it says nothing for a while; it must not end.
async fn heard(stream: &mut reqwest::Response) -> String {
    let mut heard = String::new();
    while let Ok(chunk) = tokio::time::timeout(Duration::from_secs(1), stream.chunk()).await {
        let chunk = chunk.unwrap().expect("the stream goes on");
        heard += std::str::from_utf8(&chunk).unwrap();
        if heard.len() > 100_000 {
            break;
        }
    }
    heard
}

#[tokio::test]
async fn followers_see_nothing_of_what_does_not_come_about() {
    let emulated = Emulated::frozen(&[]);
    emulated.put("gateway").await;
    emulated.ask("gateway", "/publish").await;
    let url = format!("{}/api/publishers/contoso/events?api-version=2017-10-31", emulated.url);
    let mut stream = emulated.http.get(url).bearer_auth(&emulated.token).send().await.unwrap();
    assert_eq!(stream.status().as_u16(), 200);
    heard(&mut stream).await;
    let (now, journal) = (emulated.now().await, emulated.journal().await);
    let until = json!({"until": "status=succeeded", "offer": "contoso/gateway"});
    assert_eq!(emulated.refused("/emulator/advance", until).await.0, 409);
    let reach = json!({"offer": "gateway", "step": "publisher-signoff", "stepStatus": "blocked"});
    assert_eq!(emulated.refused("/emulator/reach", reach).await.0, 409);
    let missing = json!({"status": "running", "offer": "contoso/other", "offerType": "none"});
    assert_eq!(emulated.refused("/emulator/reach", missing).await.0, 404);
    let said = heard(&mut stream).await;
    assert!(!said.contains("data:"), "{said}");
    assert_eq!(emulated.now().await, now);
    assert_same(&journal, &emulated.journal().await);
    emulated.until("gateway", "status=waitingForPublisherReview").await;
    assert!(heard(&mut stream).await.contains("data:"), "the same stream tells what does");
}

#[tokio::test]
async fn a_scenario_that_fails_half_way_changes_nothing() {
    let emulated = Emulated::frozen(&[]);
    let (before, journal) = (emulated.get("/emulator").await, emulated.journal().await);
    let scenario = json!({
        "speed": 60,
        "offer": [{"id": "contoso/first", "status": "succeeded"}, {"id": "nobody/x", "status": "succeeded"}],
        "fault": [{"kind": "reject"}],
    });
    assert_eq!(emulated.refused("/emulator/scenario", scenario).await.0, 404);
    assert_eq!(emulated.get("/emulator").await, before);
    assert_same(&journal, &emulated.journal().await);
}

#[tokio::test]
async fn an_offer_may_be_named_like_the_way_to_a_token() {
    let emulated = Emulated::start(&[]);
    emulated.put("oauth2").await;
    emulated.ask("oauth2", "/publish").await;
    let began = Instant::now();
    while emulated.status("oauth2").await["status"] != "waitingForPublisherReview" {
        assert!(began.elapsed() < Duration::from_secs(30), "nothing becomes of it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_key_is_kept_for_days_of_the_machine() {
    let emulated = Emulated::start(&[]);
    emulated.put("gateway").await;
    let url = format!("{}{}?api-version=2017-10-31", emulated.url, offer_path("gateway", "/publish"));
    let publish = async || {
        let request = emulated.http.post(&url).bearer_auth(&emulated.token).header("Idempotency-Key", "only-once");
        let answer = request.send().await.unwrap();
        let (status, location) = (answer.status().as_u16(), answer.headers().get("operation-location").cloned());
        let replayed = answer.headers().get("idempotency-replayed").cloned();
        (status, location, answer.text().await.unwrap(), replayed)
    };
    let first = publish().await;
    assert!(first.0 < 300 && first.3.is_none(), "{first:?}");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let again = publish().await;
    assert_eq!((again.0, &again.1, &again.2), (first.0, &first.1, &first.2));
    assert_eq!(again.3.unwrap(), "true");
}

#[tokio::test]
async fn the_speed_is_put_back_too_and_the_clock_does_not_leave_the_calendar() {
    let emulated = Emulated::frozen(&["--start", "8999-06-01T00:00:00Z"]);
    emulated.post("/emulator/snapshots", json!({"name": "stands"})).await;
    for back in ["/emulator/snapshots/stands/restore", "/emulator/reset"] {
        assert_eq!(emulated.post("/emulator/speed", json!({"speed": 4_000_000_000_u32})).await["frozen"], false);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(emulated.now().await, "9000-12-31T23:59:59Z");
        let state = emulated.post(back, Value::Null).await;
        assert_eq!((&state["speed"], &state["now"]), (&json!(0), &json!("8999-06-01T00:00:00Z")), "{back}");
    }
    let (status, message) = emulated.refused("/emulator/advance", json!({"by": "1000d"})).await;
    assert!(status == 409 && message.contains("9000-12-31"), "{status} {message}");
}
