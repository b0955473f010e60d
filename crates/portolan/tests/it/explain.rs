//! Whose turn it is, through the doors: the explanation, the dry run of a cancel, and the page that people read.

use crate::browser::Browser;
use crate::sign_in::{jane, signed_in};
use crate::world::{Answer, Setting, World, links, opened};
use portolan::auth::Role;
use portolan::store::{Claims, Store, Then};
use publishing::command::Command;
use publishing::offer::{OfferId, OfferKey, PublisherId};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const OFFERS: &str = "/api/publishers/contoso/offers";

/// What an offer named after it is brought to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    NeverPublished,
    Published,
    InHand,
    InReview,
    Blocked,
    AwaitsSignOff,
    AfterGoLive,
    LiveBegun,
    Succeeded,
    Failed,
    Canceled,
    CancelRequested,
    Update,
}

const KINDS: [Kind; 13] = [
    Kind::NeverPublished,
    Kind::Published,
    Kind::InHand,
    Kind::InReview,
    Kind::Blocked,
    Kind::AwaitsSignOff,
    Kind::AfterGoLive,
    Kind::LiveBegun,
    Kind::Succeeded,
    Kind::Failed,
    Kind::Canceled,
    Kind::CancelRequested,
    Kind::Update,
];

impl Kind {
    fn offer(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Brings an offer there by real requests.
    async fn reached(self, world: &World) {
        let offer = self.offer();
        assert_eq!(world.put_memo(&offer).await.status, 201);
        let steps: &[&str] = match self {
            Self::NeverPublished => &[],
            Self::Published => &["publish"],
            Self::InHand => &["publish", "take"],
            Self::InReview => &["publish", "settle"],
            Self::Blocked => &["publish", "settle", "block"],
            Self::AwaitsSignOff => &["publish", "settle", "approve", "settle"],
            Self::AfterGoLive => &["publish", "settle", "approve", "settle", "golive"],
            Self::LiveBegun => &["publish", "settle", "approve", "settle", "golive", "take"],
            Self::Succeeded => &["publish", "settle", "approve", "settle", "golive", "settle"],
            Self::Failed => &["publish", "settle", "reject"],
            Self::Canceled => &["publish", "cancel"],
            Self::CancelRequested => &["publish", "take", "cancel"],
            Self::Update => &["publish", "settle", "approve", "settle", "golive", "settle", "publish", "settle"],
        };
        for step in steps {
            match *step {
                "settle" => world.settle().await,
                "take" => take(world).await,
                verdict @ ("approve" | "block" | "reject") => {
                    let said = r#"{"message":"The <b>memo</b> cannot be read.","code":"MEM-001","mend":"Write it in English."}"#;
                    let body = if verdict == "approve" { "" } else { said };
                    assert_eq!(world.verdict(&offer, verdict, body).await.status, 200);
                }
                action => {
                    let answer = world.post(&format!("{OFFERS}/{offer}/{action}"), "").await;
                    assert!(answer.status < 300, "{self:?} {action}: {}", answer.body);
                }
            }
        }
    }
}

/// A worker takes what is due in hand, and is never heard of again.
async fn take(world: &World) {
    world.clock.advance(Duration::from_secs(2));
    let now = world.clock.now();
    for claim in Claims::new(Arc::clone(&world.store)).claim(now, now.plus_seconds(30), 32).await.unwrap() {
        world.perform.perform_claimed(&claim, Then::Keep, Command::StartCheck(claim.check.clone())).await.unwrap();
    }
}

async fn explained(world: &World, offer: &str) -> Value {
    let answer = world.get(&format!("{OFFERS}/{offer}/explain")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

async fn cancel(world: &World, offer: &str, query: &str) -> Answer {
    world.post(&format!("{OFFERS}/{offer}/cancel?api-version=2017-10-31{query}"), "").await
}

/// The status document in an answer, byte for byte.
fn foretold(answer: &Answer) -> &str {
    answer.body.split_once(r#""statusDocument":"#).unwrap().1.strip_suffix('}').unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_answers_what_the_cancel_then_does_and_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(opened(data.path()).unwrap());
    let world = World::on(store, Setting::default()).await;
    let file = Connection::open(data.path().join("portolan.db")).unwrap();
    let writes = || file.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).unwrap();
    let mut outcomes = Vec::new();
    for kind in KINDS {
        kind.reached(&world).await;
        let offer = kind.offer();
        let (status, draft) = (format!("{OFFERS}/{offer}/status"), format!("{OFFERS}/{offer}"));
        let as_it_is = async || {
            let (status, draft) = (world.get(&status).await, world.get(&draft).await);
            (status.header("etag").to_owned(), status.body, draft.header("etag").to_owned(), draft.body)
        };
        let (before, seen) = (as_it_is().await, writes());
        let mut explained = explained(&world, &offer).await["cancel"].clone();
        let dry = cancel(&world, &offer, "&dryRun=true").await;
        assert_eq!((as_it_is().await, writes()), (before.clone(), seen), "{kind:?}: something changed");
        let real = cancel(&world, &offer, "&dryRun=false").await;
        assert_eq!(explained["status"], real.status, "{kind:?}");
        outcomes.push(real.status);
        if real.status >= 400 {
            assert_eq!((dry.status, &dry.body), (real.status, &real.body), "{kind:?}");
            assert_eq!(explained["words"], real.json()["error"]["message"], "{kind:?}");
            continue;
        }
        assert_eq!((dry.status, real.body.as_str()), (200, ""), "{kind:?}: {}", dry.body);
        assert_eq!(foretold(&dry), world.get(&status).await.body, "{kind:?}");
        let forecast = dry.json();
        explained["statusDocument"] = forecast["statusDocument"].clone();
        assert_eq!(explained, forecast, "{kind:?}");
        let location = real.header("location");
        assert!(location.is_empty() || location.contains(forecast["operationId"].as_str().unwrap()), "{kind:?}");
        // Once whoever has it in hand has let go, it is as the forecast says.
        world.clock.advance(Duration::from_secs(40));
        world.settle().await;
        let after = world.status(&offer).await;
        assert_eq!(after["status"], "canceled", "{kind:?}");
        let withdrawn = forecast["preview"]["withdrawn"].as_bool();
        assert_eq!(after["previewLinks"].as_array().unwrap().is_empty(), withdrawn != Some(false), "{kind:?}");
        assert_eq!(after["liveLinks"].as_array().unwrap().is_empty(), forecast["liveVersion"].is_null(), "{kind:?}");
        assert_eq!(
            world.get(&draft).await.body.split_once("definition").unwrap().1,
            before.3.split_once("definition").unwrap().1
        );
    }
    assert_eq!(outcomes, [400, 200, 202, 200, 200, 200, 200, 400, 400, 400, 400, 202, 200]);
}

#[tokio::test]
async fn a_dry_run_is_refused_as_the_cancel_would_be() {
    let world = World::new().await;
    Kind::Published.reached(&world).await;
    let path = format!("{OFFERS}/published/cancel?api-version=2017-10-31");
    for spelled in
        ["dryRun=perhaps", "dryRun=", "dryRun", "dryRun=True", "DRYRUN=1", "dryRun=true&dryRun=false", "$dryRun=x"]
    {
        let answer = world.post(&format!("{path}&{spelled}"), "").await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "BadRequest"), "{spelled}");
        let error = &answer.json()["error"];
        assert_eq!(error["target"], "dryRun", "{spelled}");
        assert!(error["message"].as_str().unwrap().ends_with("Write true or false, once."), "{spelled}");
    }
    let stale = [("if-match", "W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\"")];
    let reader = world.member("a reader", Some("contoso"), &[Role::Reader]).await;
    let bearer = format!("Bearer {}", world.token_of(&reader).await);
    for (headers, body, status) in
        [(&stale[..], "", 412), (&[], "{", 400), (&[("authorization", bearer.as_str())], "", 403)]
    {
        let dry = world.send("POST", &format!("{path}&dryRun=true"), headers, body).await;
        let real = world.send("POST", &path, headers, body).await;
        assert_eq!((dry.status, &dry.body), (status, &real.body));
    }
    let missing = world.post(&path.replace("published", "none").replace("17-10-31", "17-10-31&dryRun=x"), "").await;
    assert_eq!(missing.status, 404, "what is not there comes before the query");
    // A slip in the name must not cancel anything.
    assert_eq!(world.post(&format!("{path}&DryRun=true"), "").await.json()["outcome"], "canceled");
    assert_eq!(world.status("published").await["status"], "running");
}

/// Where there is no dry run, asking for one does nothing.
#[tokio::test]
async fn what_has_no_dry_run_is_not_done_for_real() {
    let world = World::new().await;
    Kind::NeverPublished.reached(&world).await;
    Kind::AwaitsSignOff.reached(&world).await;
    Kind::Update.reached(&world).await;
    for (kind, action, body) in [(Kind::AwaitsSignOff, "golive", ""), (Kind::Update, "rollback", r#"{"from":2}"#)] {
        let (offer, before) = (kind.offer(), world.status(&kind.offer()).await);
        for dry in ["dryRun=true", "DryRun=true", "dryRun=perhaps"] {
            let answer = world.post(&format!("{OFFERS}/{offer}/{action}?api-version=2017-10-31&{dry}"), body).await;
            assert_eq!((answer.status, &answer.json()["error"]["target"]), (400, &json!("dryRun")), "{action} {dry}");
        }
        assert_eq!(world.status(&offer).await, before, "{action}");
    }
    let published = format!("{OFFERS}/{}/publish?api-version=2017-10-31&dryRun=false", Kind::NeverPublished.offer());
    assert_eq!(world.post(&published, "").await.status, 202);
}

#[tokio::test]
async fn publishers_read_whose_turn_it_is() {
    let world = World::new().await;
    let mut told = Vec::new();
    for kind in [Kind::InReview, Kind::Blocked, Kind::Failed, Kind::AwaitsSignOff] {
        kind.reached(&world).await;
        let explained = explained(&world, &kind.offer()).await;
        told.push((explained["turn"].as_str().unwrap().to_owned(), explained["headline"].as_str().unwrap().to_owned()));
        assert_eq!(explained["status"], world.status(&kind.offer()).await["status"]);
        let stopped = matches!(kind, Kind::Blocked | Kind::Failed);
        assert_eq!(explained["errors"][0]["mend"].as_str(), stopped.then_some("Write it in English."), "{kind:?}");
    }
    let expected = [
        ("reviewer", "Review waits for a reviewer."),
        ("publisher", "Review is blocked."),
        ("publisher", "Version 1 failed at Review."),
        ("publisher", "The preview of version 1 is ready."),
    ];
    assert_eq!(told, expected.map(|(turn, headline)| (turn.to_owned(), headline.to_owned())));

    let held = explained(&world, "inreview").await;
    assert_eq!(held["waitsFor"][0]["held"], false);
    let reviews = world.get("/api/reviews").await.json();
    let review = reviews.as_array().unwrap().iter().find(|review| review["offerId"] == "inreview").unwrap().clone();
    let claim = format!("/api/reviews/{}/review/claim", review["operationId"].as_str().unwrap());
    let holder = world.post(&claim, "").await.json()["heldBy"].as_str().unwrap().to_owned();
    let held = world.get(&format!("{OFFERS}/inreview/explain")).await;
    assert_eq!(held.json()["waitsFor"][0]["held"], true);
    assert!(!held.body.contains(&holder) && holder.contains("staff"), "who, is nobody's business");
}

fn page(offer: &str) -> String {
    let key = OfferKey { publisher: PublisherId::parse("contoso").unwrap(), offer: OfferId::parse(offer).unwrap() };
    links().status_page(&key)
}

#[tokio::test]
async fn people_read_where_an_offer_stands() {
    let world = World::new().await;
    let mut browser = signed_in(&world, &jane(&world).await).await;
    for kind in KINDS {
        kind.reached(&world).await;
        let explained = explained(&world, &kind.offer()).await;
        let shown = browser.get(&page(&kind.offer())).await;
        assert_eq!(shown.status, 200, "{}", shown.body);
        for name in ["headline", "next"] {
            let words = explained[name].as_str().unwrap().replace('\'', "&#39;");
            let body = shown.body.replace(['\u{2068}', '\u{2069}'], "");
            assert!(body.contains(&words), "{kind:?}: {words}\n{body}");
        }
        assert!(shown.body.contains("<h1><bdi>A memo</bdi></h1>") && shown.body.contains("contoso</bdi>"));
        assert_eq!(shown.body.matches("<h3>").count(), 5, "{kind:?}");
        let policy = shown.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert_eq!(shown.header("cache-control"), "no-store");
        // Our own, and no other.
        assert_eq!(shown.body.matches("<script").count(), 1, "{}", shown.body);
        assert!(shown.body.contains(r#"<script src="/assets/script-"#), "{}", shown.body);
    }
    let failed = browser.get(&page("failed")).await;
    assert!(failed.body.contains("The &#60;b&#62;memo&#60;/b&#62; cannot be read."), "{}", failed.body);
    assert!(failed.body.contains("Write it in English.") && failed.body.contains("MEM-001"));
    let preview = browser.get(&page("awaitssignoff")).await;
    assert!(preview.body.contains(r#"<a href="/listings/contoso/awaitssignoff/preview">"#), "{}", preview.body);
}

#[tokio::test]
async fn who_may_not_read_an_offer_sees_no_more_than_where_there_is_none() {
    let world = World::new().await;
    world.put_memo("memo").await;
    let mut newcomer = Browser::new(&world);
    for offer in ["memo", "none"] {
        let sent = newcomer.get(&page(offer)).await;
        let then = format!("/sign-in?then=%2Fpublishers%2Fcontoso%2Foffers%2F{offer}");
        assert_eq!((sent.status, sent.header("location")), (303, then.as_str()));
    }
    let stranger = world.member("stranger", Some("fabrikam"), &[Role::Owner]).await;
    let auditor = world.member("auditor", None, &[Role::Auditor]).await;
    let mut strange = signed_in(&world, &stranger).await;
    let mut answers = Vec::new();
    for path in
        ["contoso/offers/memo", "contoso/offers/none", "nobody/offers/memo", "fabrikam/offers/memo", "-/offers/-"]
    {
        answers.push(strange.get(&format!("/publishers/{path}")).await);
    }
    // All the same, but for the address that the page itself was asked by.
    let bare = |answer: &Answer| {
        let (before, rest) = answer.body.split_once(r#"name="then" value=""#).unwrap();
        format!("{before}{}", rest.split_once('"').unwrap().1)
    };
    for answer in &answers {
        assert_eq!((answer.status, bare(answer)), (404, bare(&answers[0])));
    }
    let mut staff = signed_in(&world, &auditor).await;
    assert_eq!(staff.get(&page("memo")).await.status, 200);
    assert!(staff.get(&page("none")).await.body.contains("There is no such offer"));
    let mut spelled = signed_in(&world, &jane(&world).await).await;
    assert_eq!(spelled.get("/publishers/CONTOSO/offers/Memo").await.status, 200);
    let definition = json!({"displayText": "</bdi><script>x</script>", "plans": []});
    let body = json!({"publisherId": "contoso", "id": "memo", "offerTypeId": "memo", "definition": definition});
    assert_eq!(world.put(&format!("{OFFERS}/memo"), &body.to_string()).await.status, 200);
    let shown = spelled.get(&page("memo")).await;
    assert!(shown.status == 200 && shown.body.matches("<script").count() == 1, "{}", shown.body);
}
