//! Reviewers: they claim, note and decide; never two at once, never their own, and what they tell each other stays among them.

use crate::world::{Answer, Setting, World, memo_type};
use portolan::auth::{Caller, Permission, Role};
use portolan::perform::{AccessRequest, Failure, Newcomer};
use publishing::command::{Command, Verdict};
use publishing::entry::{Entry, Event};
use publishing::offer::{OfferId, PublisherId};
use publishing::pipeline::CheckKind;
use publishing::principal::{Circle, Principal};
use publishing::review::HOLD_SECONDS;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

const ROUNDS: usize = 50;

/// Somebody with a token.
struct Person {
    principal: Principal,
    token: String,
}

/// A world whose memos are reviewed like this.
async fn world_with(reviewers: &[(&str, u8)]) -> World {
    let mut memo = memo_type();
    let reviewed = memo.pipeline.with_checks(|_, step| match step.id.as_str() {
        "review" => reviewers
            .iter()
            .map(|(queue, approvals)| CheckKind::Reviewer {
                queue: (*queue).to_owned(),
                approvals: *approvals,
                reusable: false,
            })
            .collect(),
        _ => step.checks.clone(),
    });
    memo.pipeline = reviewed.unwrap();
    let mut setting = Setting::default();
    setting.types.add(memo);
    World::with(setting).await
}

async fn person(world: &World, name: &str, role: Role) -> Person {
    let principal = world.member(name, None, &[role]).await;
    let token = world.token_of(&principal).await;
    Person { principal, token }
}

async fn become_member(world: &World, who: &Person, role: Role) {
    let founder = Caller::new("founder", None).with(Circle::Marketplace, [Role::Operator]);
    let by = founder.authorise_staff(PublisherId::parse("contoso").unwrap(), Permission::ManageMembers).unwrap();
    let request = AccessRequest::AddMember { newcomer: Newcomer::Known(who.principal.id), roles: [role].into() };
    world.perform.change_members(&by, request).await.unwrap();
}

async fn ask(world: &World, who: &Person, method: &str, path: &str, body: &str) -> Answer {
    let header = format!("Bearer {}", who.token);
    world.send(method, path, &[("authorization", &header)], body.to_owned()).await
}

/// Publishes a memo, and waits until it is reviewed; gives the path of the review.
async fn in_review(world: &World, offer: &str) -> String {
    world.put_memo(offer).await;
    let published = world.post(&format!("/api/publishers/contoso/offers/{offer}/publish"), "").await;
    assert_eq!(published.status, 202, "{}", published.body);
    world.settle().await;
    let id = published.header("location").rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    format!("/api/reviews/{id}/review")
}

async fn lines(world: &World, offer: &str) -> Vec<Event> {
    let circle = Circle::Publisher(PublisherId::parse("contoso").unwrap());
    let lines = world.store.journal(&circle, 0, 100_000).await.unwrap();
    let of_it = lines.iter().filter(|line| line.offer == offer);
    of_it.map(|line| serde_json::from_str::<Entry>(&line.entry).unwrap().event).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_race_to_decide_never_both_do() {
    let world = World::new().await;
    let (ana, bo) = (person(&world, "ana", Role::Reviewer).await, person(&world, "bo", Role::Reviewer).await);
    let reject = json!({ "message": "No." }).to_string();
    let mut first = 0;
    for round in 0..ROUNDS {
        let offer = format!("memo-{round}");
        let review = in_review(&world, &offer).await;
        let (yes, no) = (format!("{review}/approve"), format!("{review}/reject"));
        let (yes, no) = tokio::join!(ask(&world, &ana, "POST", &yes, ""), ask(&world, &bo, "POST", &no, &reject));
        let mut both = [yes.status, no.status];
        both.sort_unstable();
        assert_eq!(both, [200, 400], "round {round}: {} {}", yes.body, no.body);
        let given = lines(&world, &offer).await.into_iter().filter_map(|event| match event {
            Event::VerdictGiven { verdict, .. } => Some(verdict),
            _ => None,
        });
        let given: Vec<Verdict> = given.collect();
        assert_eq!(given.len(), 1, "round {round}: {given:?}");
        assert_eq!(given[0] == Verdict::Approve, yes.status == 200);
        first += usize::from(yes.status == 200);
    }
    println!("{first} of {ROUNDS} were decided by the first");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_race_to_claim_never_both_hold() {
    let world = World::new().await;
    let (ana, bo) = (person(&world, "ana", Role::Reviewer).await, person(&world, "bo", Role::Reviewer).await);
    let review = in_review(&world, "memo-1").await;
    let (claim, release) = (format!("{review}/claim"), format!("{review}/release"));
    for round in 0..ROUNDS {
        let (one, other) = tokio::join!(ask(&world, &ana, "POST", &claim, ""), ask(&world, &bo, "POST", &claim, ""));
        let mut both = [one.status, other.status];
        both.sort_unstable();
        assert_eq!(both, [200, 409], "round {round}: {} {}", one.body, other.body);
        let (holder, loser, told) = if one.status == 200 { (&ana, &bo, &one) } else { (&bo, &ana, &other) };
        let listed = world.get("/api/reviews").await.json();
        assert_eq!(
            (&listed[0]["heldBy"], &listed[0]["heldUntil"]),
            (&told.json()["heldBy"], &told.json()["heldUntil"])
        );
        assert!(listed[0]["heldBy"].as_str().unwrap().starts_with(&holder.principal.name));
        let refused = ask(&world, loser, "POST", &release, "").await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "Conflict"));
        assert_eq!(ask(&world, holder, "POST", &release, "").await.status, 200);
    }
}

#[tokio::test]
async fn a_hold_keeps_others_away_until_it_ends_or_an_operator_ends_it() {
    let world = World::new().await;
    let (ana, bo) = (person(&world, "ana", Role::Reviewer).await, person(&world, "bo", Role::Reviewer).await);
    let olga = person(&world, "olga", Role::Operator).await;
    let review = in_review(&world, "memo-1").await;
    let (claim, approve, release) =
        (format!("{review}/claim"), format!("{review}/approve"), format!("{review}/release"));
    assert_eq!(ask(&world, &ana, "POST", &claim, "").await.status, 200);
    let held = ask(&world, &bo, "POST", &approve, "").await;
    assert_eq!((held.status, held.code().as_str()), (409, "Conflict"));
    let until =
        ask(&world, &ana, "GET", &review, "").await.json()["checks"][0]["heldUntil"].as_str().unwrap().to_owned();
    assert!(held.body.contains("ana (") && held.body.contains(&until), "{}", held.body);
    // It is renewed at the last moment, and ends half an hour after that.
    world.clock.advance(Duration::from_secs(HOLD_SECONDS as u64 - 1));
    assert_eq!(ask(&world, &ana, "POST", &claim, "").await.status, 200);
    world.clock.advance(Duration::from_secs(HOLD_SECONDS as u64 - 1));
    assert_eq!(ask(&world, &bo, "POST", &claim, "").await.status, 409);
    world.clock.advance(Duration::from_secs(1));
    assert!(world.get("/api/reviews").await.json()[0].get("heldBy").is_none());
    assert_eq!(ask(&world, &bo, "POST", &claim, "").await.status, 200);
    // A reviewer cannot end somebody else's; an operator can.
    assert_eq!(ask(&world, &ana, "POST", &release, "").await.status, 409);
    assert_eq!(ask(&world, &olga, "POST", &release, "").await.status, 200);
    assert_eq!(ask(&world, &olga, "POST", &release, "").await.status, 400);
    assert_eq!(ask(&world, &ana, "POST", &approve, "").await.status, 200);
    let events = lines(&world, "memo-1").await;
    let ended = events.iter().find_map(|event| match event {
        Event::ReviewReleased { held_by, .. } => Some(held_by.clone()),
        _ => None,
    });
    assert!(ended.unwrap().starts_with("bo ("), "{events:?}");
}

#[tokio::test]
async fn nobody_reviews_what_is_their_own() {
    let world = World::new().await;
    let (ana, bo) = (person(&world, "ana", Role::Reviewer).await, person(&world, "bo", Role::Reviewer).await);
    // Bo publishes as a member, and is none any more when it is reviewed.
    become_member(&world, &bo, Role::Contributor).await;
    world.put_memo("memo-1").await;
    let published = ask(&world, &bo, "POST", "/api/publishers/contoso/offers/memo-1/publish", "").await;
    assert_eq!(published.status, 202, "{}", published.body);
    world.settle().await;
    let id = published.header("location").rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    let review = format!("/api/reviews/{id}/review");
    // Ana becomes a reader there.
    become_member(&world, &ana, Role::Reader).await;
    let reason = json!({ "message": "No." }).to_string();
    let note = json!({ "text": "Seen." }).to_string();
    for who in [&ana, &bo] {
        for (word, body) in [("claim", ""), ("approve", ""), ("reject", &reason), ("block", &reason), ("notes", &note)]
        {
            let refused = ask(&world, who, "POST", &format!("{review}/{word}"), body).await;
            assert_eq!((refused.status, refused.code().as_str()), (403, "Forbidden"), "{word}: {}", refused.body);
            assert!(refused.body.contains("nobody reviews an offer of their own publisher"), "{}", refused.body);
        }
        assert_eq!(ask(&world, who, "GET", &review, "").await.status, 403);
    }
    let founder = Caller::new("founder", None).with(Circle::Marketplace, [Role::Operator]);
    let by = founder.authorise_staff(PublisherId::parse("contoso").unwrap(), Permission::ManageMembers).unwrap();
    world.perform.change_members(&by, AccessRequest::RemoveMember(bo.principal.id)).await.unwrap();
    for (word, body) in [("claim", ""), ("approve", ""), ("reject", &reason), ("notes", &note)] {
        let refused = ask(&world, &bo, "POST", &format!("{review}/{word}"), body).await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "Forbidden"), "{word}: {}", refused.body);
        assert!(refused.body.contains("whoever submitted cannot decide"), "{}", refused.body);
    }
    // Whoever was let in at the door before becoming a member is asked again when it happens.
    let early = Caller::new("ana", Some(ana.principal.id)).with(Circle::Marketplace, [Role::Reviewer]);
    let by = early.authorise_staff(PublisherId::parse("contoso").unwrap(), Permission::Review).unwrap();
    let operation = Uuid::parse_str(&id).unwrap();
    let approve = Command::GiveVerdict { operation, step: "review".into(), queue: None, verdict: Verdict::Approve };
    let failed = world.perform.perform(&by, &OfferId::parse("memo-1").unwrap(), approve).await.unwrap_err();
    assert_eq!(failed, Failure::OwnPublisher);
    assert!(lines(&world, "memo-1").await.iter().all(|event| !matches!(event, Event::VerdictGiven { .. })));
    let another = person(&world, "cem", Role::Reviewer).await;
    assert_eq!(ask(&world, &another, "POST", &format!("{review}/approve"), "").await.status, 200);
}

#[tokio::test]
async fn where_two_have_to_approve_one_is_not_enough_with_two_tokens() {
    let world = world_with(&[("review", 2)]).await;
    let (ana, bo) = (person(&world, "ana", Role::Reviewer).await, person(&world, "bo", Role::Reviewer).await);
    let review = in_review(&world, "memo-1").await;
    let approve = format!("{review}/approve");
    assert_eq!(ask(&world, &ana, "POST", &approve, "").await.status, 200);
    let status = world.status("memo-1").await;
    let step = &status["steps"][1];
    assert_eq!((step["status"].as_str(), step["progressPercentage"].as_u64()), (Some("waitingForApproval"), Some(0)));
    assert_eq!(step["messages"][0]["text"], "1 of 2 reviewers approved.");
    assert_eq!(world.get("/api/reviews").await.json()[0]["approvals"], json!({ "given": 1, "needed": 2 }));
    let another_token = Person { token: world.token_of(&ana.principal).await, principal: ana.principal.clone() };
    for again in [&ana, &another_token] {
        let refused = ask(&world, again, "POST", &approve, "").await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "Conflict"));
        assert!(refused.body.contains("You have approved this already"), "{}", refused.body);
    }
    assert_eq!(ask(&world, &bo, "POST", &approve, "").await.status, 200);
    let shown = ask(&world, &ana, "GET", &review, "").await.json();
    assert_eq!((&shown["status"], shown["checks"][0]["approvedBy"].as_array().unwrap().len()), (&json!("complete"), 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_approvals_at_once_both_count() {
    let world = world_with(&[("review", 2)]).await;
    let (ana, bo) = (person(&world, "ana", Role::Reviewer).await, person(&world, "bo", Role::Reviewer).await);
    for round in 0..20 {
        let offer = format!("memo-{round}");
        let approve = format!("{}/approve", in_review(&world, &offer).await);
        let (one, other) =
            tokio::join!(ask(&world, &ana, "POST", &approve, ""), ask(&world, &bo, "POST", &approve, ""));
        assert_eq!((one.status, other.status), (200, 200), "{} {}", one.body, other.body);
        assert_eq!(world.status(&offer).await["steps"][1]["status"], "complete");
    }
}

#[tokio::test]
async fn two_queues_in_one_step_are_two_reviews_that_count() {
    let world = world_with(&[("legal", 1), ("technical", 1)]).await;
    let (ana, bo) = (person(&world, "ana", Role::Reviewer).await, person(&world, "bo", Role::Reviewer).await);
    let review = in_review(&world, "memo-1").await;
    let queues = |reviews: &Value| -> Vec<String> {
        reviews.as_array().unwrap().iter().map(|review| review["queue"].as_str().unwrap().to_owned()).collect()
    };
    let list = async |who: &Person, query: &str| {
        let path = format!("/api/reviews?api-version=2017-10-31{query}");
        queues(&ask(&world, who, "GET", &path, "").await.json())
    };
    assert_eq!(list(&ana, "").await, ["legal", "technical"]);
    assert_eq!(list(&ana, "&queue=technical").await, ["technical"]);
    let claimed = ask(&world, &ana, "POST", &format!("{review}/claim"), r#"{"queue":"technical"}"#).await;
    assert_eq!(claimed.status, 200, "{}", claimed.body);
    for (who, query, expected) in [
        (&ana, "&mine=true", &["technical"][..]),
        (&ana, "&free=true", &["legal"]),
        (&ana, "&mine=true&free=true", &["legal", "technical"]),
        (&ana, "&mine=false", &["legal", "technical"]),
        (&bo, "&mine=true", &[]),
        (&bo, "&Mine=true&FREE=true", &["legal"]),
        (&bo, "&free=true&queue=technical", &[]),
    ] {
        assert_eq!(list(who, query).await, expected, "{query} by {}", who.principal.name);
    }
    for (query, target) in [("mine=7", "mine"), ("free=maybe", "free"), ("queue=a%20b", "queue"), ("queue=", "queue")] {
        let refused = ask(&world, &ana, "GET", &format!("/api/reviews?api-version=2017-10-31&{query}"), "").await;
        assert_eq!((refused.status, &refused.json()["error"]["target"]), (400, &json!(target)), "{query}");
    }
    let unknown = ask(&world, &ana, "POST", &format!("{review}/approve"), r#"{"queue":"nowhere"}"#).await;
    assert_eq!((unknown.status, &unknown.json()["error"]["target"]), (400, &json!("/queue")), "{}", unknown.body);
    // Bo cannot decide what Ana holds, and can the other.
    let technical = ask(&world, &bo, "POST", &format!("{review}/approve"), r#"{"queue":"technical"}"#).await;
    assert_eq!(technical.status, 409);
    let unnamed = ask(&world, &bo, "POST", &format!("{review}/approve"), "").await;
    assert_eq!((unnamed.status, &unnamed.json()["error"]["target"]), (400, &json!("/queue")), "{}", unnamed.body);
    let legal = ask(&world, &bo, "POST", &format!("{review}/approve"), r#"{"queue":"legal"}"#).await;
    assert_eq!(legal.status, 200);
    let step = &world.status("memo-1").await["steps"][1];
    assert_eq!((step["progressPercentage"].as_u64(), step["status"].as_str()), (Some(50), Some("waitingForApproval")));
    let shown = ask(&world, &bo, "GET", &review, "").await.json();
    let kinds: Vec<_> =
        shown["checks"].as_array().unwrap().iter().map(|check| (&check["queue"], &check["status"])).collect();
    assert_eq!(kinds, [(&json!("legal"), &json!("complete")), (&json!("technical"), &json!("waitingForApproval"))]);
    assert_eq!(ask(&world, &ana, "POST", &format!("{review}/approve"), "").await.status, 200);
    assert_eq!(world.status("memo-1").await["steps"][1]["progressPercentage"], 100);
}

#[tokio::test]
async fn what_reviewers_tell_each_other_reaches_no_publisher() {
    const CANARY: &str = "canary-for-reviewers-alone";
    let world = World::new().await;
    let ana = person(&world, "ana", Role::Reviewer).await;
    let review = in_review(&world, "memo-1").await;
    for (text, public) in [(CANARY, false), ("All may <read> this.", true)] {
        let body = json!({ "text": text, "public": public }).to_string();
        let noted = ask(&world, &ana, "POST", &format!("{review}/notes"), &body).await;
        assert_eq!((noted.status, noted.body.as_str()), (200, ""));
    }
    let shown = ask(&world, &ana, "GET", &review, "").await;
    assert!(shown.body.contains(CANARY), "reviewers read it: {}", shown.body);
    let id = review.split('/').nth(3).unwrap().to_owned();
    let offers = "/api/publishers/contoso/offers";
    let paths = |version: u8| {
        vec![
            "/api/publishers".to_owned(),
            "/api/publishers/contoso/members".to_owned(),
            offers.to_owned(),
            format!("{offers}/memo-1"),
            format!("{offers}/memo-1/status"),
            format!("{offers}/memo-1/submissions"),
            format!("{offers}/memo-1/operations/{id}"),
            format!("{offers}/memo-1/history"),
            format!("{offers}/memo-1/history?api-version=2017-10-31&$expand=status&$top=200"),
            "/api/publishers/contoso/history?api-version=2017-10-31&$expand=status&order=desc".to_owned(),
            "/api/publishers/contoso/history".to_owned(),
            format!("{offers}/memo-1/versions/1"),
            format!("{offers}/memo-1/slot/draft"),
            format!("/api/operations/contoso$memo-1${version}$preview"),
        ]
    };
    let mut seen_public = 0;
    let mut look = async |paths: Vec<String>| {
        for path in paths {
            let answer = world.get(&path).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
            assert!(!answer.body.contains(CANARY), "{path}: {}", answer.body);
            seen_public += usize::from(answer.body.contains("All may &lt;read&gt; this."));
        }
    };
    look(paths(2)).await;
    assert_eq!(world.status("memo-1").await["steps"][1]["messages"][0]["code"], "ReviewerNote");
    // Nor later: decided, signed off, live, and published again.
    assert_eq!(ask(&world, &ana, "POST", &format!("{review}/approve"), "").await.status, 200);
    world.settle().await;
    assert_eq!(world.post(&format!("{offers}/memo-1/golive"), "").await.status, 202);
    world.settle().await;
    look(
        [
            paths(2),
            vec![format!("{offers}/memo-1/slot/production"), "/api/operations/contoso$memo-1$2$production".into()],
        ]
        .concat(),
    )
    .await;
    in_review(&world, "memo-1").await;
    look(paths(2)).await;
    assert!(seen_public >= 6, "the public one was seen {seen_public} times");
    for circle in [Circle::Publisher(PublisherId::parse("contoso").unwrap()), Circle::Marketplace] {
        for line in world.store.journal(&circle, 0, 10_000).await.unwrap() {
            let document = String::from_utf8(line.document.clone()).unwrap();
            assert!(!line.entry.contains(CANARY) && !document.contains(CANARY), "{line:?}");
        }
    }
    let noted =
        lines(&world, "memo-1").await.into_iter().filter(|event| matches!(event, Event::NoteAdded { .. })).count();
    assert_eq!(noted, 2, "that something was noted is recorded");
    // A member cannot read it where reviewers do, not even one who reviews.
    become_member(&world, &ana, Role::Reader).await;
    let refused = ask(&world, &ana, "GET", &review, "").await;
    assert!(refused.status == 403 && !refused.body.contains(CANARY));
}

#[tokio::test]
async fn bodies_of_reviews_are_judged() {
    let world = World::new().await;
    let review = in_review(&world, "memo-1").await;
    let long = "x".repeat(2_001);
    for (word, body, target) in [
        ("notes", json!({ "text": " " }), "/text"),
        ("notes", json!({ "text": long }), "/text"),
        ("notes", json!({ "text": "\u{202e}\u{1b}" }), "/text"),
        ("notes", json!({ "text": "Seen.", "publik": true }), ""),
        ("notes", json!({ "text": "Seen.", "queue": "A B" }), "/queue"),
        ("claim", json!({ "queue": 7 }), ""),
        ("release", json!({ "step": "review" }), ""),
        ("approve", json!({ "queue": "A B" }), "/queue"),
        ("approve", json!({ "mend": "Nothing." }), ""),
        ("reject", json!({ "message": "No.", "link": "javascript:alert(1)" }), "/link"),
        ("reject", json!({ "message": "No.", "link": "rules.example" }), "/link"),
        ("reject", json!({ "message": "No.", "link": 7 }), "/link"),
        ("reject", json!({ "message": "No.", "mend": long }), "/mend"),
    ] {
        let answer = world.post(&format!("{review}/{word}"), &body.to_string()).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "BadRequest"), "{word} {body}: {}", answer.body);
        assert_eq!(answer.json()["error"]["target"], target, "{word} {body}: {}", answer.body);
    }
    let link = "https://rules.example/IMG-048";
    // Nothing that hides or turns round what stands beside it comes through.
    let body =
        json!({ "message": "Sm\u{202e}all.\u{7}", "mend": "Upload\u{1b} 48 x 48.", "link": link, "code": "IMG-048" });
    assert_eq!(world.post(&format!("{review}/BLOCK"), &body.to_string()).await.status, 200);
    let said = world.status("memo-1").await["steps"][1]["messages"][0].clone();
    assert_eq!((&said["mend"], &said["link"]), (&json!("Upload 48 x 48."), &json!(link)));
    assert_eq!(said["messageHtml"], "Small. Upload 48 x 48.");
    // Fixed words are folded like all others; a GET on them is none.
    assert_eq!(world.post(&format!("{review}/Claim/"), "").await.status, 200);
    assert_eq!(world.get(&format!("{review}/claim")).await.status, 405);
}
