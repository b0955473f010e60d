//! Reviews in a browser: the queue and the page of one review, from the first look to the verdict.

use crate::browser::{Browser, field};
use crate::sign_in::{jane, signed_in};
use crate::world::{Answer, Setting, World, memo_type};
use portolan::auth::{Caller, Permission, Role};
use portolan::perform::{AccessRequest, Newcomer};
use publishing::offer::PublisherId;
use publishing::pipeline::CheckKind;
use publishing::principal::{Circle, Principal};
use serde_json::json;

const HOSTILE: &str = "</bdi><script>alert(1)</script>\"' onload=x";

/// Whether a page says this, but for the marks that keep numbers and names apart from what is around them.
fn says(page: &Answer, words: &str) -> bool {
    page.body.replace(['\u{2068}', '\u{2069}'], "").contains(words)
}

/// Somebody of the staff, and their browser.
async fn staff(world: &World, name: &str, role: Role) -> (Principal, Browser) {
    let principal = world.member(name, None, &[role]).await;
    let browser = signed_in(world, &principal).await;
    (principal, browser)
}

async fn put(world: &World, offer: &str, name: &str) {
    let definition = json!({"displayText": name, "plans": [{"planId": "one"}]});
    let body = json!({"publisherId": "contoso", "id": offer, "offerTypeId": "memo", "definition": definition});
    let saved = world
        .send(
            "PUT",
            &format!("/api/publishers/contoso/offers/{offer}"),
            &[("content-type", "application/json"), ("if-match", "*")],
            body.to_string(),
        )
        .await;
    assert!(matches!(saved.status, 200 | 201), "{}", saved.body);
}

/// Publishes an offer of this name, and waits until it is reviewed; gives the path of the review's page.
async fn in_review(world: &World, offer: &str, name: &str) -> String {
    let is_there = world.get(&format!("/api/publishers/contoso/offers/{offer}")).await.status == 200;
    if is_there {
        put(world, offer, name).await;
    } else {
        let definition = json!({"displayText": name, "plans": [{"planId": "one"}]});
        let body = json!({"publisherId": "contoso", "id": offer, "offerTypeId": "memo", "definition": definition});
        let saved = world.put(&format!("/api/publishers/contoso/offers/{offer}"), &body.to_string()).await;
        assert!(matches!(saved.status, 200 | 201), "{}", saved.body);
    }
    let published = world.post(&format!("/api/publishers/contoso/offers/{offer}/publish"), "").await;
    assert_eq!(published.status, 202, "{}", published.body);
    world.settle().await;
    let id = published.header("location").rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    format!("/reviews/{id}/review")
}

/// Sends a form of a page of this browser.
async fn send(browser: &mut Browser, path: &str, members: &[(&str, &str)]) -> Answer {
    let token = browser.form_token().await;
    let form: Vec<_> =
        [("form_token", token.as_str()), ("queue", "review")].into_iter().chain(members.iter().copied()).collect();
    browser.post(path, &form).await
}

#[tokio::test]
async fn two_reviewers_and_one_review() {
    let world = World::new().await;
    let (_, mut ana) = staff(&world, "ana", Role::Reviewer).await;
    let (_, mut bo) = staff(&world, "bo", Role::Reviewer).await;
    let empty = ana.get("/reviews").await;
    assert!(empty.status == 200 && says(&empty, "Nothing waits for a reviewer."), "{}", empty.body);
    let page = in_review(&world, "memo-1", "A memo").await;
    in_review(&world, "memo-2", "Another memo").await;
    let queue = ana.get("/reviews").await;
    for words in ["2 wait", "none is late", "A memo", "New offer", "not enough history", "Claim"] {
        assert!(says(&queue, words), "{words}: {}", queue.body);
    }
    assert!(!says(&ana.get("/reviews?q=another").await, ">A memo<"));
    assert!(says(&ana.get("/reviews?step=nothing").await, "Nothing that waits fits."));

    let claimed = send(&mut ana, &page, &[("deed", "claim")]).await;
    assert_eq!((claimed.status, claimed.header("location")), (303, format!("{page}?queue=review").as_str()));
    let mine = ana.open(&page).await;
    for words in ["You hold this review until", "Approve submission 1", "Reject submission 1", "Release"] {
        assert!(says(&mine, words), "{words}: {}", mine.body);
    }
    let theirs = bo.get(&page).await;
    assert!(says(&theirs, "ana (") && says(&theirs, "Somebody else has this in hand"), "{}", theirs.body);
    assert!(!says(&theirs, "Approve submission"), "{}", theirs.body);
    let refused = send(&mut bo, &page, &[("deed", "claim")]).await;
    assert!(refused.status == 409 && says(&refused, "ana ("), "{}", refused.body);
    assert_eq!(send(&mut bo, &page, &[("deed", "approve")]).await.status, 409);
    assert!(!says(&bo.get("/reviews?held=mine-or-free").await, ">A memo<"));
    assert!(says(&ana.get("/reviews?held=mine").await, ">A memo<"));

    let approved = send(&mut ana, &page, &[("deed", "approve")]).await;
    let there = format!("/reviews?done=approve&of={}", page.split('/').nth(2).unwrap());
    assert_eq!((approved.status, approved.header("location")), (303, there.as_str()));
    let queue = ana.open(&there).await;
    assert!(says(&queue, "approved. The publisher can see that.") && says(&queue, "1 waits"), "{}", queue.body);
    assert!(says(&queue, "Next: <bdi>Another memo"), "{}", queue.body);
    // Who comes late is told by what it was decided.
    let late = send(&mut bo, &page, &[("deed", "reject"), ("message", "Too late.")]).await;
    assert_eq!(late.status, 400, "{}", late.body);
    assert!(says(&late, "Nothing waits for a decision here.") && says(&late, "Approved by ana ("), "{}", late.body);
    assert_eq!(bo.open(&format!("/reviews/{}", page.split('/').nth(2).unwrap())).await.status, 200);
}

#[tokio::test]
async fn a_reject_says_why_and_keeps_what_was_written() {
    let world = World::new().await;
    let (_, mut ana) = staff(&world, "ana", Role::Reviewer).await;
    let page = in_review(&world, "memo-1", "A memo").await;
    let members =
        [("deed", "reject"), ("message", " "), ("code", "IMG-048"), ("target", "/definition/plans"), ("mend", HOSTILE)];
    let refused = send(&mut ana, &page, &members).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    for words in [
        "href=\"#message\"",
        "id=\"fault-message\"",
        "message is missing or blank",
        "value=\"IMG-048\"",
        "value=\"/definition/plans\"",
    ] {
        assert!(says(&refused, words), "{words}: {}", refused.body);
    }
    assert!(!says(&refused, "<script>alert"), "{}", refused.body);
    let pointer = send(&mut ana, &page, &[("deed", "reject"), ("message", "Small."), ("target", "plans")]).await;
    assert!(pointer.status == 400 && says(&pointer, "fault-target") && says(&pointer, ">Small.</textarea>"));
    assert_eq!(send(&mut ana, &page, &[("deed", "preview")]).await.status, 400);
    // A preview decides nothing, and neither does a form without a button.
    for deed in ["preview", "", "REJECT!"] {
        let shown =
            send(&mut ana, &page, &[("deed", deed), ("message", "It is small.\n<b>Really</b>"), ("code", "IMG-048")])
                .await;
        assert!(shown.status == 200 && says(&shown, "What the publisher will see"), "{}", shown.body);
        assert!(!says(&shown, "<b>Really") && says(&shown, "Really"), "{}", shown.body);
    }
    // Forms of others, and those without the token.
    let form = [("deed", "reject"), ("message", "No."), ("queue", "review")];
    assert_eq!(ana.post(&page, &form).await.status, 403);
    let token = ana.form_token().await;
    let form: Vec<_> = form.into_iter().chain([("form_token", token.as_str())]).collect();
    assert_eq!(ana.post_with(&page, &form, &[("sec-fetch-site", "cross-site")]).await.status, 403);
    assert_eq!(world.status("memo-1").await["steps"][1]["status"], "waitingForApproval");

    let members = [("deed", "reject"), ("message", HOSTILE), ("code", "IMG-048"), ("target", "/definition/plans")];
    let rejected = send(&mut ana, &page, &members).await;
    assert_eq!(rejected.status, 303, "{}", rejected.body);
    let said = world.status("memo-1").await["steps"][1]["messages"][0].clone();
    assert_eq!((said["code"].as_str(), said["text"].as_str()), (Some("IMG-048"), Some(HOSTILE)));
    assert!(says(&ana.get(rejected.header("location")).await, "rejected. The publisher can read why"));
    // The next submission shows what the one before it failed for.
    let next = in_review(&world, "memo-1", HOSTILE).await;
    for path in [next.as_str(), "/reviews", page.as_str()] {
        let shown = ana.get(path).await;
        assert!(shown.status == 200 && !says(&shown, "<script>alert"), "{}", shown.body);
        assert!(says(&shown, "alert(1)"), "{}", shown.body);
    }
    let shown = ana.get(&next).await;
    for words in
        ["Earlier submissions that failed", "submission 1", "Approve submission 2", "<option value=\"IMG-048\">"]
    {
        assert!(says(&shown, words), "{words}: {}", shown.body);
    }
    // Blocked, and unblocked.
    assert_eq!(send(&mut ana, &next, &[("deed", "block"), ("message", "Wait.")]).await.status, 303);
    let blocked = ana.get(&next).await;
    assert!(says(&blocked, "Unblock submission 2") && !says(&blocked, "Block submission 2"), "{}", blocked.body);
    assert!(says(&ana.get("/reviews").await, "Blocked"));
    let unblocked = send(&mut ana, &next, &[("deed", "unblock")]).await;
    assert_eq!(unblocked.status, 303, "{}", unblocked.body);
}

#[tokio::test]
async fn what_changed_is_shown_field_by_field() {
    let world = World::new().await;
    let (_, mut ana) = staff(&world, "ana", Role::Reviewer).await;
    let page = in_review(&world, "memo-1", "A memo").await;
    assert!(says(&ana.get(&page).await, "New offer, 2 fields"));
    assert_eq!(send(&mut ana, &page, &[("deed", "approve")]).await.status, 303);
    world.settle().await;
    let live = world.post("/api/publishers/contoso/offers/memo-1/golive", "").await;
    assert_eq!(live.status, 202, "{}", live.body);
    world.settle().await;
    let page = in_review(&world, "memo-1", "A better memo").await;
    let shown = ana.get(&page).await;
    for words in
        ["1 field to look at", "/definition/displayText", "<bdi>A memo</bdi></del>", "<bdi>A better memo</bdi></ins>"]
    {
        assert!(says(&shown, words), "{words}: {}", shown.body);
    }
    assert!(says(&ana.get("/reviews").await, "1 changed field"));
}

#[tokio::test]
async fn of_very_many_fields_the_first_are_shown() {
    let world = World::new().await;
    let (_, mut ana) = staff(&world, "ana", Role::Reviewer).await;
    let many: Vec<u32> = (0..30_000).collect();
    let definition = json!({"displayText": "A memo", "plans": [{"planId": "one"}], "more": many});
    let body = json!({"publisherId": "contoso", "id": "memo-1", "offerTypeId": "memo", "definition": definition});
    let saved = world.put("/api/publishers/contoso/offers/memo-1", &body.to_string()).await;
    assert_eq!(saved.status, 201, "{}", saved.body);
    let published = world.post("/api/publishers/contoso/offers/memo-1/publish", "").await;
    assert_eq!(published.status, 202, "{}", published.body);
    world.settle().await;
    let id = published.header("location").rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    let page = ana.get(&format!("/reviews/{id}/review")).await;
    assert!(says(&page, "New offer, 30002 fields") && says(&page, "29802 more fields"), "{}", page.status);
    assert_eq!(page.body.matches("<option value=\"/definition").count(), 200);
}

#[tokio::test]
async fn where_another_queue_decides_too_an_approval_moves_nothing_on() {
    let mut memo = memo_type();
    let two = memo.pipeline.with_checks(|_, step| match step.id.as_str() {
        "review" => ["legal", "technical"]
            .map(|queue| CheckKind::Reviewer { queue: queue.to_owned(), approvals: 1, reusable: false })
            .to_vec(),
        _ => step.checks.clone(),
    });
    memo.pipeline = two.unwrap();
    let mut setting = Setting::default();
    setting.types.add(memo);
    let world = World::with(setting).await;
    let (_, mut ana) = staff(&world, "ana", Role::Reviewer).await;
    let page = in_review(&world, "memo-1", "A memo").await;
    let id = page.split('/').nth(2).unwrap().to_owned();
    let both = ana.get(&format!("{page}?queue=legal")).await;
    assert!(says(&both, "once its other checks are done") && !says(&both, "Moves on to"), "{}", both.body);
    for word in ["approve", "reject", "block"] {
        let queue = ana.get(&format!("/reviews?done={word}&of={id}")).await;
        assert!(!says(&queue, "The publisher can"), "{word}: {}", queue.body);
    }
    world.verdict("memo-1", "approve", r#"{"queue":"technical"}"#).await;
    let last = ana.get(&format!("{page}?queue=legal")).await;
    assert!(says(&last, "Moves on to"), "{}", last.body);
}

#[tokio::test]
async fn only_reviewers_of_others_offers_decide() {
    let world = World::new().await;
    let page = in_review(&world, "memo-1", "A memo").await;
    let mut member = signed_in(&world, &jane(&world).await).await;
    let nowhere = member.ask("GET", "/nowhere", &[("accept", "text/html")], "").await;
    let main = |page: &str| page.split_once("<main").unwrap().1.split_once("</main>").unwrap().0.to_owned();
    for path in ["/reviews", page.as_str(), "/reviews/x", "/reviews/x/y"] {
        let answer = member.ask("GET", path, &[("accept", "text/html")], "").await;
        assert_eq!((answer.status, main(&answer.body)), (404, main(&nowhere.body)), "{path}");
    }
    assert_eq!(send(&mut member, &page, &[("deed", "approve")]).await.status, 404);
    let mut nobody = Browser::new(&world);
    assert!(nobody.get(&page).await.header("location").starts_with("/sign-in?then="));
    assert_eq!(nobody.post(&page, &[("deed", "approve")]).await.status, 303);

    // A reviewer who belongs to the publisher sees that it waits, and that it is for others.
    let (ana, mut browser) = staff(&world, "ana", Role::Reviewer).await;
    let founder = Caller::new("founder", None).with(Circle::Marketplace, [Role::Operator]);
    let by = founder.authorise_staff(PublisherId::parse("contoso").unwrap(), Permission::ManageMembers).unwrap();
    let request = AccessRequest::AddMember { newcomer: Newcomer::Known(ana.id), roles: [Role::Reader].into() };
    world.perform.change_members(&by, request).await.unwrap();
    let queue = browser.get("/reviews").await;
    assert!(says(&queue, "another reviewer decides") && !says(&queue, "value=\"claim\""), "{}", queue.body);
    let own = browser.get(&page).await;
    assert!(own.status == 403 && says(&own, "nobody reviews an offer of their own publisher"), "{}", own.body);
    for deed in ["claim", "approve", "note"] {
        assert_eq!(send(&mut browser, &page, &[("deed", deed), ("text", "x")]).await.status, 403, "{deed}");
    }
    assert_eq!(world.status("memo-1").await["steps"][1]["status"], "waitingForApproval");
    let (_, mut other) = staff(&world, "bo", Role::Reviewer).await;
    for path in ["/reviews/x", "/reviews/x/y", &page.replace("/review", "/nothing").replace("/nothings", "/reviews")] {
        assert_eq!(other.ask("GET", path, &[("accept", "text/html")], "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn what_reviewers_tell_each_other_no_publisher_reads() {
    const CANARY: &str = "canary-of-the-reviewers";
    let world = World::new().await;
    let (_, mut ana) = staff(&world, "ana", Role::Reviewer).await;
    let (_, mut bo) = staff(&world, "bo", Role::Reviewer).await;
    let page = in_review(&world, "memo-1", "A memo").await;
    let blank = send(&mut ana, &page, &[("deed", "note"), ("text", " ")]).await;
    assert!(blank.status == 400 && says(&blank, "fault-note"), "{}", blank.body);
    let noted = send(&mut ana, &page, &[("deed", "note"), ("text", &format!("{CANARY}\r\n{HOSTILE}"))]).await;
    assert_eq!((noted.status, noted.header("location")), (303, format!("{page}#notes").as_str()));
    let told = send(&mut ana, &page, &[("deed", "note"), ("text", "For you."), ("public", "yes")]).await;
    assert_eq!(told.status, 303, "{}", told.body);
    let seen = bo.get(&page).await;
    assert!(
        says(&seen, CANARY) && says(&seen, "for reviewers alone") && !says(&seen, "<script>alert"),
        "{}",
        seen.body
    );
    let mut member = signed_in(&world, &jane(&world).await).await;
    let offer = "/publishers/contoso/offers/memo-1";
    let below = ["", "/submissions", "/submissions/1", "/diff", "/edit", "/cancel"];
    let mut paths: Vec<String> = below.iter().map(|below| format!("{offer}{below}")).collect();
    paths.extend(["/offers", "/account", "/audit", "/reviews", &page].map(str::to_owned));
    for path in paths {
        let shown = member.open(&path).await;
        assert!(!says(&shown, CANARY), "{path}: {}", shown.body);
    }
    let status = member.get(offer).await;
    assert!(status.status == 200 && says(&status, "For you."), "{}", status.body);
}

#[tokio::test]
async fn both_languages_and_no_words_outside_of_the_catalogues() {
    let world = World::new().await;
    let (_, mut ana) = staff(&world, "ana", Role::Reviewer).await;
    let page = in_review(&world, "memo-1", "A memo").await;
    for path in ["/reviews", page.as_str()] {
        let chinese =
            ana.ask("GET", path, &[("accept-language", "zh-CN"), ("sec-fetch-site", "same-origin")], "").await;
        assert!(
            chinese.status == 200 && says(&chinese, "lang=\"zh-Hans\"") && says(&chinese, "审核"),
            "{}",
            chinese.body
        );
        for english in ["Claim", "Approve", "waits", "Held by"] {
            assert!(!says(&chinese, english), "{english}: {}", chinese.body);
        }
    }
    let answer = ana.get(&page).await;
    assert!(!field(&answer.body, "queue").is_empty());
}
