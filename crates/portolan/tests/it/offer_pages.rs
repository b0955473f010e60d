//! The pages of an offer beside the one that says where it stands: its submissions, what is different between its versions, and
//! the pages that say what follows before it is done.

use crate::browser::{Browser, field, says};
use crate::sign_in::signed_in;
use crate::world::{Answer, Setting, World};
use portolan::auth::Role;
use publishing::offer_type::OfferTypeFile;
use serde_json::{Value, json};
use std::time::Instant;

const OFFER: &str = "/publishers/contoso/offers/memo-one";

/// A type whose reviewers look again only at what was changed, and that has a secret.
const LETTER: &str = r#"
id = "letter"
display_text = "Letter"
schema = "letter.schema.json"
[[step]]
id = "check"
name = "Check"
description = "x"
checks = [{ kind = "artifacts" }]
[[step]]
id = "review"
name = "Reading"
description = "x"
checks = [{ kind = "reviewer", reusable = true }]
[[step]]
id = "package"
name = "Package"
description = "x"
checks = [{ kind = "listing" }]
[[step]]
id = "sign-off"
name = "Sign-off"
description = "x"
checks = [{ kind = "sign-off" }]
[[step]]
id = "live"
name = "Live"
description = "x"
checks = [{ kind = "promote" }]
"#;

const SCHEMA: &str = r#"{"properties": {"seal": {"type": ["string", "null"], "writeOnly": true}}}"#;

async fn world() -> World {
    let mut setting = Setting::default();
    setting.types.add(OfferTypeFile::parse("letter.toml", LETTER).unwrap().with_schema("letter.toml", SCHEMA).unwrap());
    World::with(setting).await
}

async fn put(world: &World, offer: &str, offer_type: &str, definition: Value) {
    let body = json!({"publisherId": "contoso", "id": offer, "offerTypeId": offer_type, "definition": definition});
    let path = format!("/api/publishers/contoso/offers/{offer}");
    let saved = world.put(&path, &body.to_string()).await;
    assert!(matches!(saved.status, 200 | 201), "{}", saved.body);
}

async fn put_memo(world: &World, text: &str) {
    put(world, "memo-one", "memo", json!({"displayText": text, "plans": [{"planId": "one"}]})).await;
}

/// Publishes and has it reviewed, up to sign-off.
async fn to_preview(world: &World, offer: &str) {
    let answer = world.post(&format!("/api/publishers/contoso/offers/{offer}/publish"), "").await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    world.settle().await;
    if world.status(offer).await["status"] == "running" {
        world.verdict(offer, "approve", "{}").await;
        world.settle().await;
    }
    assert_eq!(world.status(offer).await["status"], "waitingForPublisherReview");
}

async fn to_live(world: &World, offer: &str) {
    to_preview(world, offer).await;
    let answer = world.post(&format!("/api/publishers/contoso/offers/{offer}/golive"), "").await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    world.settle().await;
    assert_eq!(world.status(offer).await["status"], "succeeded");
}

async fn owner(world: &World) -> Browser {
    signed_in(world, &world.member("olga", Some("contoso"), &[Role::Owner]).await).await
}

/// Sends the form of a page as the page has it.
async fn press(browser: &mut Browser, address: &str, page: &Answer, more: &[(&str, &str)]) -> Answer {
    let (token, seen) = (field(&page.body, "form_token"), field(&page.body, "seen"));
    let form = [&[("form_token", token.as_str()), ("seen", seen.as_str())], more].concat();
    browser.post(address, &form).await
}

fn done(answer: &Answer) {
    assert_eq!((answer.status, answer.header("location")), (303, OFFER), "{}", answer.body);
}

#[tokio::test]
async fn an_offer_goes_all_the_way_in_a_browser() {
    let world = world().await;
    put_memo(&world, "A memo").await;
    let mut browser = owner(&world).await;

    let address = format!("{OFFER}/publish");
    let page = browser.get(&address).await;
    assert!(page.status == 200 && says(&page, "<button>Publish draft as version 1</button>"), "{}", page.body);
    assert!(says(&page, "Nothing is live yet") && says(&page, "Reviewers look at every submission"), "{}", page.body);
    assert!(says(&page, "portolan publish memo-one --publisher contoso"), "{}", page.body);
    let bad = press(&mut browser, &address, &page, &[("emails", "jane@contoso.example, nobody")]).await;
    assert!(bad.status == 400 && says(&bad, "Address 2 of the list is not a mail address"), "{}", bad.body);
    assert!(says(&bad, "aria-invalid") && says(&bad, "value=\"jane@contoso.example, nobody\""), "{}", bad.body);
    done(&press(&mut browser, &address, &bad, &[("emails", "jane@contoso.example")]).await);
    assert_eq!(world.status("memo-one").await["notificationEmails"], "jane@contoso.example");

    let again = press(&mut browser, &address, &page, &[]).await;
    assert!(again.status == 409 && says(&again, "Nothing was done"), "{}", again.body);
    assert!(!says(&again, "<button>Publish"), "{}", again.body);

    world.settle().await;
    world.verdict("memo-one", "approve", "{}").await;
    world.settle().await;
    let address = format!("{OFFER}/golive");
    let page = browser.get(&address).await;
    assert!(says(&page, "<button>Go live with version 1</button>"), "{}", page.body);
    assert!(says(&page, "Customers will see version 1") && says(&page, "until the step"), "{}", page.body);
    done(&press(&mut browser, &address, &page, &[]).await);
    world.settle().await;
    assert_eq!(world.status("memo-one").await["status"], "succeeded");

    put_memo(&world, "Another memo").await;
    to_live(&world, "memo-one").await;
    assert!(says(&browser.get(OFFER).await, "/rollback"), "the way back is on the page of the offer");
    let address = format!("{OFFER}/rollback");
    let page = browser.get(&address).await;
    assert!(says(&page, "<button>Roll back to version 1</button>"), "{}", page.body);
    assert!(says(&page, "1 field is different from version 2"), "{}", page.body);
    done(&press(&mut browser, &address, &page, &[]).await);
    let live = world.get("/api/publishers/contoso/offers/memo-one/slot/production").await.json();
    assert_eq!(live["version"], 1, "{live}");
    let stale = press(&mut browser, &address, &page, &[]).await;
    assert!(stale.status == 409 && says(&stale, "Roll back to version 2"), "{}", stale.body);
}

#[tokio::test]
async fn a_cancel_says_what_stays() {
    let world = world().await;
    put_memo(&world, "A memo").await;
    to_live(&world, "memo-one").await;
    put_memo(&world, "Another memo").await;
    to_preview(&world, "memo-one").await;
    let mut browser = owner(&world).await;
    let address = format!("{OFFER}/cancel");
    let page = browser.get(&address).await;
    assert!(says(&page, "<button>Cancel submission 3</button>"), "{}", page.body);
    assert!(says(&page, "Version 1 stays live.") && says(&page, "The preview of version 2 is withdrawn."));
    assert!(says(&page, "The draft is kept."), "{}", page.body);
    done(&press(&mut browser, &address, &page, &[]).await);
    assert_eq!(world.status("memo-one").await["status"], "canceled");
    let none = browser.get(&address).await;
    assert!(none.status == 200 && says(&none, "This cannot be done now.") && !says(&none, "name=\"seen\""));

    // A page that was opened before another submission began must not cancel that one.
    to_preview(&world, "memo-one").await;
    let stale = press(&mut browser, &address, &page, &[]).await;
    assert!(stale.status == 409 && says(&stale, "<button>Cancel submission 4</button>"), "{}", stale.body);
    assert_eq!(world.status("memo-one").await["status"], "waitingForPublisherReview");
}

#[tokio::test]
async fn a_cancel_withdraws_no_preview_that_its_page_keeps() {
    let world = world().await;
    put_memo(&world, "A memo").await;
    to_live(&world, "memo-one").await;
    put_memo(&world, "Another memo").await;
    let answer = world.post("/api/publishers/contoso/offers/memo-one/publish", "").await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    world.settle().await;
    let mut browser = owner(&world).await;
    let address = format!("{OFFER}/cancel");
    let page = browser.get(&address).await;
    assert!(!says(&page, "The preview of version 2 is withdrawn."), "{}", page.body);
    world.verdict("memo-one", "approve", "{}").await;
    world.settle().await;
    let stale = press(&mut browser, &address, &page, &[]).await;
    assert!(stale.status == 409 && says(&stale, "The preview of version 2 is withdrawn."), "{}", stale.body);
    assert_eq!(world.status("memo-one").await["status"], "waitingForPublisherReview");
    done(&press(&mut browser, &address, &stale, &[]).await);
}

#[tokio::test]
async fn a_draft_with_faults_leads_to_its_fields() {
    let world = world().await;
    put(&world, "memo-one", "memo", json!({"displayText": "", "plans": []})).await;
    let mut browser = owner(&world).await;
    let page = browser.get(&format!("{OFFER}/publish")).await;
    assert!(says(&page, "would be refused") && says(&page, "/edit?at=%2Fdefinition"), "{}", page.body);
    assert!(!says(&page, "name=\"seen\""), "{}", page.body);
}

#[tokio::test]
async fn only_who_may_does_it_and_only_from_here() {
    let world = world().await;
    put_memo(&world, "A <b>memo</b>").await;
    let reader = world.member("rita", Some("contoso"), &[Role::Reader]).await;
    let mut reader = signed_in(&world, &reader).await;
    let stranger = world.member("stan", Some("fabrikam"), &[Role::Owner]).await;
    let mut stranger = signed_in(&world, &stranger).await;
    let mut owner = owner(&world).await;
    for word in ["publish", "golive", "cancel", "rollback"] {
        let address = format!("{OFFER}/{word}");
        assert_eq!(reader.get(&address).await.status, 403, "{word}");
        assert_eq!(stranger.get(&address).await.status, 404, "{word}");
        assert_eq!(Browser::new(&world).get(&address).await.status, 303, "{word}");
        assert_eq!(owner.get(&format!("/publishers/contoso/offers/none/{word}")).await.status, 404, "{word}");
        let token = reader.form_token().await;
        assert_eq!(reader.post(&address, &[("form_token", &token)]).await.status, 403, "{word}");
    }
    let address = format!("{OFFER}/publish");
    let page = owner.get(&address).await;
    assert!(says(&page, "A &#60;b&#62;memo") && !says(&page, "<b>memo"), "{}", page.body);
    let (token, seen) = (field(&page.body, "form_token"), field(&page.body, "seen"));
    assert_eq!(owner.post(&address, &[("seen", seen.as_str())]).await.status, 403, "without the session's token");
    let form = [("form_token", token.as_str()), ("seen", seen.as_str())];
    let elsewhere = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
    assert_eq!(owner.post_with(&address, &form, &elsewhere).await.status, 403);
    assert_eq!(owner.post(&address, &form[..1]).await.status, 409, "without what was seen");
    assert_eq!(world.status("memo-one").await["status"], "neverPublished");
    for path in ["submissions", "submissions/1", "diff", "diff.json"] {
        assert_eq!(stranger.get(&format!("{OFFER}/{path}")).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn submissions_are_kept_with_a_page_each() {
    let world = world().await;
    put_memo(&world, "A memo").await;
    let mut browser = owner(&world).await;
    let empty = browser.get(&format!("{OFFER}/submissions")).await;
    assert!(says(&empty, "There are none yet.") && says(&empty, "portolan publish memo-one"), "{}", empty.body);
    assert_eq!(browser.get(&format!("{OFFER}/submissions/1")).await.status, 404);
    to_live(&world, "memo-one").await;
    put_memo(&world, "Another memo").await;
    world.post("/api/publishers/contoso/offers/memo-one/publish", "").await;
    world.settle().await;
    let refused = r#"{"message":"Say more.<script>1</script>"}"#;
    let verdict = world.verdict("memo-one", "reject", refused).await;
    assert_eq!(verdict.status, 200, "{}", verdict.body);

    let list = browser.get(&format!("{OFFER}/submissions")).await;
    assert!(says(&list, "3 submissions") && says(&list, "/submissions/3\""), "{}", list.body);
    assert!(says(&list, "diff?from=1&amp;to=2") && says(&list, "Failed"), "{}", list.body);
    let page = browser.get(&format!("{OFFER}/submissions/3")).await;
    assert!(says(&page, "Submission 3") && says(&page, "It has ended") && !says(&page, "data-live"), "{}", page.body);
    assert!(says(&page, "id=\"step-review\"") && says(&page, "id=\"m-review-1\""), "{}", page.body);
    assert!(says(&page, "Say more.") && !says(&page, "<script>1"), "{}", page.body);
    assert!(says(&page, "/submissions/2\"") && !says(&page, "/submissions/4\""), "{}", page.body);
    assert!(says(&page, "GET /api/publishers/contoso/offers/memo-one/operations/"), "{}", page.body);
    assert!(says(&page, "portolan submission show memo-one 3 --publisher contoso"), "{}", page.body);
    assert!(says(&browser.get(&format!("{OFFER}/submissions/1")).await, "It came as far as the preview."));

    let chinese = [("sec-fetch-site", "same-origin"), ("accept-language", "zh-CN")];
    for (path, words) in [
        ("submissions", "共 3 次提交"),
        ("submissions/3", "第 3 次提交"),
        ("diff?from=1&to=2", "1 处更改：版本 1 → 版本 2"),
        ("publish", "将草稿发布为版本 3"),
    ] {
        let page = browser.ask("GET", &format!("{OFFER}/{path}"), &chinese, "").await;
        assert!(page.status == 200 && says(&page, words), "{path}: {}", page.body);
    }
}

#[tokio::test]
async fn differences_are_shown_word_by_word_and_secrets_are_not() {
    let world = world().await;
    let letter = |text: &str, seal: &str| {
        json!({"displayText": "A letter", "text": text, "count": 1, "seal": seal, "uri": format!("https://x/?sv=1&sig={seal}"),
            "plans": [{"planId": "one"}]})
    };
    put(&world, "letter", "letter", letter("A gateway for small web sites.", "hush-1")).await;
    let mut browser = owner(&world).await;
    let path = "/publishers/contoso/offers/letter";
    let nothing = browser.get(&format!("{path}/diff")).await;
    assert!(nothing.status == 404 && says(&nothing, "Nothing is live yet"), "{}", nothing.body);
    to_live(&world, "letter").await;
    let same = browser.get(&format!("{path}/diff?from=live&to=draft")).await;
    assert!(same.status == 200 && says(&same, "Nothing is different between the two."), "{}", same.body);

    let mut changed = letter("A gateway for regulated <web> sites.", "hush-2");
    changed["more"] = json!({"password": "hush-3"});
    changed["plans"] = json!([{"planId": "one"}, {"planId": "two"}]);
    changed.as_object_mut().unwrap().remove("count");
    put(&world, "letter", "letter", changed).await;
    let page = browser.get(&format!("{path}/diff?from=live&to=draft")).await;
    assert!(says(&page, "6 changes: live (version 1) → draft"), "{}", page.body);
    assert!(says(&page, "3 changed, 2 added, 1 removed."), "{}", page.body);
    assert!(says(&page, "<bdi>small</bdi></del>") && says(&page, "<bdi>regulated</bdi></ins>"), "{}", page.body);
    assert!(says(&page, "&#60;web&#62;") || says(&page, "&#60;"), "{}", page.body);
    assert!(says(&page, "plans › 1") && says(&page, "/edit?at=%2Fdefinition%2Ftext#at"), "{}", page.body);
    assert!(says(&page, "Reviewers look again once anything") && says(&page, "Reading"), "{}", page.body);
    assert!(!says(&page, "hush"), "{}", page.body);
    let patch = browser.get(&format!("{path}/diff.json?from=1&to=draft")).await;
    assert_eq!(patch.header("content-type"), "application/json-patch+json");
    let patch = patch.json();
    assert_eq!(patch.as_array().unwrap().len(), 3, "{patch}");
    assert!(!patch.to_string().contains("hush"), "{patch}");
    for wrong in ["from=9&to=draft", "from=x&to=draft", "from=live&to="] {
        assert_eq!(browser.get(&format!("{path}/diff?{wrong}")).await.status, 404, "{wrong}");
        assert_eq!(browser.get(&format!("{path}/diff.json?{wrong}")).await.status, 404, "{wrong}");
    }
}

#[tokio::test]
async fn much_that_is_different_comes_in_pages_and_soon() {
    let world = world().await;
    let members = |word: &str| {
        let mut made: serde_json::Map<String, Value> =
            (0..1_000).map(|at| (format!("member-{at}"), json!(format!("{word} {at} of many")))).collect();
        made.insert("displayText".into(), json!("A letter"));
        made.insert("plans".into(), json!([{"planId": "one"}]));
        made.insert(
            "description".into(),
            json!(format!("{}{word}", format!("{word} that changes all along. ").repeat(400))),
        );
        Value::Object(made)
    };
    put(&world, "letter", "letter", members("first")).await;
    to_preview(&world, "letter").await;
    put(&world, "letter", "letter", members("second")).await;
    let mut browser = owner(&world).await;
    let began = Instant::now();
    let page = browser.get("/publishers/contoso/offers/letter/diff?from=1&to=draft").await;
    let took = began.elapsed();
    assert!(took.as_secs() < 3, "{took:?}");
    assert!(says(&page, "1,001 changes") || says(&page, "1001 changes"), "{}", page.body);
    assert_eq!(page.body.matches("<section class=\"card field\">").count(), 50);
    assert!(says(&page, "page=2") && page.body.len() < 60_000, "{} bytes", page.body.len());
    let last = browser.get("/publishers/contoso/offers/letter/diff?from=1&to=draft&page=21").await;
    assert_eq!(last.body.matches("<section class=\"card field\">").count(), 1);
    assert!(!says(&last, "page=22"), "{}", last.body);
}
