//! The emulator's pages through its own door: every deed by a form, programs as before, nothing for other sites, both languages.

use crate::browser::{Browser, query_of, says};
use crate::emulator::Emulated;
use crate::world::Answer;
use serde_json::{Value, json};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");

/// A browser of this machine.
fn browser(emulated: &Emulated) -> Browser {
    Browser::at(emulated.url.strip_prefix("http://").unwrap().parse().unwrap(), "http://emulator.test")
}

async fn look(browser: &mut Browser, path: &str) -> Answer {
    let page = browser.ask("GET", path, &[HTML, OWN], "").await;
    assert_eq!(page.status, 200, "{path}: {}", page.body);
    assert!(page.header("content-type").starts_with("text/html"), "{path}");
    page
}

/// Sends a form of the panel; gives the page that it leads to.
async fn act(browser: &mut Browser, deed: &str, form: &[(&str, &str)]) -> Answer {
    let sent = browser.post_with(&format!("/emulator/panel/{deed}"), form, &[HTML, OWN]).await;
    assert_eq!(sent.status, 303, "{deed}: {}", sent.body);
    let mut next = sent.header("location").to_owned();
    for _ in 0..3 {
        let page = browser.ask("GET", &next, &[HTML, OWN], "").await;
        if page.status != 303 {
            return page;
        }
        next = page.header("location").to_owned();
    }
    panic!("{deed} leads nowhere");
}

#[tokio::test]
async fn every_deed_is_a_form() {
    let emulated = Emulated::frozen(&[]);
    let mut browser = browser(&emulated);
    let page = look(&mut browser, "/emulator").await;
    assert!(says(&page, "Emulator control panel") && says(&page, "frozen"), "{}", page.body);
    assert!(says(&page, "Nothing is going to happen by itself."), "{}", page.body);

    let page = act(&mut browser, "reach", &[("reach-offer", "contoso/shown"), ("reach-status", "running")]).await;
    assert!(says(&page, "The offer stands where you wanted it."), "{}", page.body);
    assert!(says(&page, "To the next event (a check ends, in "), "{}", page.body);

    let before = emulated.get("/emulator").await;
    let page = act(&mut browser, "advance", &[("by", "15m")]).await;
    assert!(says(&page, "The clock was turned."), "{}", page.body);
    act(&mut browser, "advance", &[("to", "next")]).await;
    assert_ne!(before["now"], emulated.get("/emulator").await["now"]);
    act(&mut browser, "speed", &[("speed", "3600")]).await;
    assert_eq!(emulated.get("/emulator").await["speed"], 3_600);
    let page = act(&mut browser, "freeze", &[]).await;
    assert!(says(&page, "The clock stands."), "{}", page.body);
    assert_eq!(emulated.get("/emulator").await["frozen"], true);

    let fault = [("kind", "reject"), ("step", "displaycertify"), ("code", "IMG-048"), ("times", "2"), ("fix", " ")];
    let page = act(&mut browser, "fault", &fault).await;
    assert!(
        says(&page, "step=displaycertify") && says(&page, "code=IMG-048") && says(&page, "2 of 2"),
        "{}",
        page.body
    );
    let faults = emulated.get("/emulator/faults").await;
    let expected = json!({"kind": "reject", "step": "displaycertify", "code": "IMG-048", "times": 2});
    assert_eq!(faults[0]["fault"], expected);
    act(&mut browser, "remove-fault", &[("id", "fault-1")]).await;
    assert_eq!(emulated.get("/emulator/faults").await, json!([]));

    let page = act(&mut browser, "snapshot", &[("name", "half")]).await;
    assert!(says(&page, "The snapshot is kept."), "{}", page.body);
    act(&mut browser, "reach", &[("reach-offer", "contoso/shown"), ("reach-status", "succeeded")]).await;
    let page = act(&mut browser, "restore", &[("name", "half")]).await;
    assert!(says(&page, "when the snapshot was taken"), "{}", page.body);
    let status = emulated.get("/api/publishers/contoso/offers/shown/status").await;
    assert_eq!(status["status"], "running");
    act(&mut browser, "forget", &[("name", "half")]).await;
    assert_eq!(emulated.get("/emulator/snapshots").await, json!([]));

    let wanted = json!({"offer": "contoso/shown", "step": "displaycertify", "stepStatus": "waitingForApproval"});
    emulated.post("/emulator/reach", wanted).await;
    let page = look(&mut browser, "/emulator").await;
    assert!(says(&page, "Next: a step may be late, in ") && !says(&page, "(a step may be late"), "{}", page.body);

    let asks = look(&mut browser, "/emulator/panel/reset").await;
    assert!(says(&asks, "Reset everything"), "{}", asks.body);
    assert_eq!(emulated.get("/api/publishers/contoso/offers").await.as_array().unwrap().len(), 1);
    let page = act(&mut browser, "reset", &[]).await;
    assert!(says(&page, "Everything is as it was at the start."), "{}", page.body);
    assert_eq!(emulated.get("/api/publishers/contoso/offers").await, json!([]));
}

#[tokio::test]
async fn one_can_be_anybody_again_and_again() {
    let emulated = Emulated::frozen(&["--demo"]);
    let mut browser = browser(&emulated);
    for _ in 0..2 {
        for (role, mail, room) in [
            ("owner", "owner@emulator.example", "/notifications"),
            ("reviewer", "reviewer@emulator.example", "/reviews"),
            ("operator", "operator@emulator.example", "/audit"),
        ] {
            let page = act(&mut browser, "be", &[("role", role)]).await;
            assert!(says(&page, "You are signed in.") && says(&page, mail), "{role}: {}", page.body);
            assert!(page.body.contains(&format!("href=\"{room}\"")), "{role}: {}", page.body);
        }
        act(&mut browser, "reset", &[]).await;
        assert!(!browser.is_in().await);
    }
    // Also the link that was printed at the start, and after a snapshot is put back.
    let owner = emulated.get("/emulator/people").await[0]["signIn"].as_str().unwrap().to_owned();
    act(&mut browser, "snapshot", &[("name", "new")]).await;
    act(&mut browser, "restore", &[("name", "new")]).await;
    assert_eq!(browser.ask("GET", &owner, &[HTML, OWN], "").await.status, 303);
    assert!(browser.is_in().await);
    let sent = browser.post_with("/emulator/panel/be", &[("role", "nobody")], &[HTML, OWN]).await;
    assert_eq!(sent.status, 404, "{}", sent.body);
}

#[tokio::test]
async fn what_is_refused_is_said_and_what_was_typed_is_kept() {
    let emulated = Emulated::frozen(&[]);
    let mut browser = browser(&emulated);
    for (deed, form, status, why) in [
        ("fault", &[("kind", "reject"), ("path", "/x<b>")][..], 400, "has no member path"),
        ("fault", &[("kind", "reject"), ("times", "often")], 400, "Give a number."),
        ("reach", &[("reach-offer", "contoso/x"), ("reach-status", "odd<i>")], 400, "odd"),
        ("snapshot", &[("name", "No <b>")], 400, "A snapshot&#39;s name"),
        ("restore", &[("name", "../people")], 404, "There is no snapshot"),
        ("remove-fault", &[("id", "fault-9")], 404, "There is no fault"),
        ("advance", &[("by", "soon")], 400, "soon"),
        ("speed", &[("speed", "fast")], 400, "Give a number."),
    ] {
        let page = browser.post_with(&format!("/emulator/panel/{deed}"), form, &[HTML, OWN]).await;
        assert_eq!(page.status, status, "{deed}: {}", page.body);
        assert!(says(&page, why), "{deed}, {why}: {}", page.body);
        assert!(!page.body.contains("<b>") && !page.body.contains("<i>"), "{deed}: {}", page.body);
    }
    let form = [("kind", "stall"), ("times", "often"), ("step", "live\"><script>"), ("message", "kept")];
    let page = browser.post_with("/emulator/panel/fault", &form, &[HTML, OWN]).await;
    assert!(page.body.contains("value=\"kept\"") && page.body.contains("<option selected>stall"), "{}", page.body);
    assert!(!page.body.contains("<script>") && page.body.contains("times-fault"), "{}", page.body);
    assert_eq!(emulated.get("/emulator/faults").await, json!([]));
    // What comes from the address is a word that is known, or nothing.
    let page = look(&mut browser, "/emulator?done=%3Cb%3Eyes").await;
    assert!(!page.body.contains("class=\"done\""), "{}", page.body);
}

#[tokio::test]
async fn nobody_elsewhere_moves_anything() {
    let emulated = Emulated::frozen(&[]);
    let mut browser = browser(&emulated);
    let before = emulated.get("/emulator").await;
    for header in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("host", "evil.example"),
    ] {
        for deed in ["advance", "be"] {
            let form = [("by", "1d"), ("role", "operator")];
            let sent = browser.post_with(&format!("/emulator/panel/{deed}"), &form, &[HTML, header]).await;
            assert_eq!(sent.status, 403, "{header:?} {}", sent.body);
        }
        assert_eq!(browser.ask("GET", "/emulator", &[HTML, header], "").await.status, 403, "{header:?}");
    }
    assert_eq!(emulated.get("/emulator").await, before);
    assert!(browser.cookies.is_empty());
}

/// The address of a page's stylesheet.
fn page_style(page: &str) -> String {
    let rest = page.split_once("rel=\"stylesheet\" href=\"").unwrap().1;
    rest.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn programs_get_json_and_pages_are_not_in_the_journal_of_requests() {
    let emulated = Emulated::frozen(&["--demo"]);
    let mut browser = browser(&emulated);
    for path in ["/emulator", "/emulator/outbox", "/emulator/requests"] {
        let page = look(&mut browser, path).await;
        let varies: Vec<_> = page.headers.get_all("vary").iter().map(|value| value.to_str().unwrap()).collect();
        assert!(varies.join(", ").contains("accept,") || varies.contains(&"accept"), "{varies:?}");
        let answer = browser.ask("GET", path, &[("accept", "*/*")], "").await;
        serde_json::from_str::<Value>(&answer.body).unwrap();
        assert_eq!(answer.header("vary"), "accept");
    }
    let style = page_style(&look(&mut browser, "/emulator").await.body);
    assert_eq!(browser.ask("GET", &style, &[("accept", "text/css,*/*;q=0.1"), OWN], "").await.status, 200);
    let asked = emulated.get("/emulator/requests").await;
    assert_eq!(asked, json!([]), "{asked}");
    emulated.get("/api/publishers").await;
    let asked = emulated.get("/emulator/requests").await;
    assert_eq!(asked.as_array().unwrap().len(), 1, "{asked}");
    let page = look(&mut browser, "/emulator/requests").await;
    assert!(says(&page, "/api/publishers?api-version=2017-10-31"), "{}", page.body);
    let banner = look(&mut browser, "/display").await;
    assert!(says(&banner, "Nothing here reaches a real marketplace."), "{}", banner.body);
}

#[tokio::test]
async fn what_was_sent_can_be_read() {
    let emulated = Emulated::frozen(&[]);
    let mut browser = browser(&emulated);
    let page = look(&mut browser, "/emulator/outbox").await;
    assert!(says(&page, "Nothing was sent yet."), "{}", page.body);
    act(&mut browser, "be", &[("role", "owner")]).await;
    let hook = json!({"url": "https://hooks.example/<b>", "events": []});
    emulated.post("/api/publishers/contoso/subscriptions", hook).await;
    act(&mut browser, "reach", &[("reach-offer", "contoso/sent"), ("reach-status", "failed")]).await;
    act(&mut browser, "advance", &[("by", "1d")]).await;
    let sent = emulated.get("/emulator/outbox").await;
    assert!(!sent.as_array().unwrap().is_empty(), "{sent}");
    let page = look(&mut browser, "/emulator/outbox").await;
    assert!(says(&page, "Webhook: ") && !page.body.contains("<b>"), "{}", page.body);
    let page = look(&mut browser, "/emulator/outbox/1").await;
    assert!(says(&page, "webhook-signature") && says(&page, "by a secret of the webhook"), "{}", page.body);
    let lost = browser.ask("GET", "/emulator/outbox/999999", &[HTML, OWN], "").await;
    assert_eq!(lost.status, 404);
}

#[tokio::test]
async fn the_panel_speaks_both_languages() {
    let emulated = Emulated::frozen(&["--demo"]);
    let mut browser = browser(&emulated);
    for (path, words) in [
        ("/emulator", "模拟器控制面板"),
        ("/emulator/outbox", "发件箱"),
        ("/emulator/requests", "还没有程序发来请求。"),
        ("/emulator/panel/reset", "全部重置"),
    ] {
        let page = browser.ask("GET", path, &[HTML, OWN, ("accept-language", "zh-CN")], "").await;
        assert!(page.status == 200 && says(&page, words), "{path}: {}", page.body);
    }
    let sent = browser.post_with("/emulator/panel/be", &[("role", "owner")], &[HTML, OWN]).await;
    assert_eq!(query_of(sent.header("location"), "then"), "/emulator?done=be");
}
