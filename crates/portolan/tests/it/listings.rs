//! What customers see: the page of an offer, its preview, and the catalogue. Nothing more than is meant for them, and at once.

use crate::browser::{Browser, says};
use crate::origin::{Served, png};
use crate::sign_in::{jane, signed_in};
use crate::world::{Answer, Setting, World, links};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{BufferQueue, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use portolan::auth::{Caller, Permission, Role};
use portolan::store::{Claims, Then};
use publishing::command::{Artifact, Command, Ending, Expected, Pinned, Report};
use publishing::offer::{OfferId, OfferKey, PublisherId};
use publishing::offer_type::OfferTypeFile;
use publishing::pipeline::CheckKind;
use publishing::principal::Circle;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// A type without a reviewer and, but for one secret and one picture, without a schema.
const NOTE: &str = r#"
id = "note"
display_text = "Note"
schema = "note.schema.json"
[[step]]
id = "check"
name = "Check"
description = "x"
checks = [{ kind = "artifacts" }]
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

const SCHEMA: &str = r#"{"properties": {"offer": {"properties": {
    "microsoft-azure-marketplace.mediumLogo": {"x-artifact": true},
    "microsoft-azure-marketplace.tableLeadConfiguration": {"properties": {"connectionString": {"type": ["string", "null"], "writeOnly": true}}}
}}}}"#;

const SUBSCRIPTION: &str = "3f0c1a52-7f5d-4c1e-9b58-2a6d0e4b7c11";

async fn world() -> World {
    let mut setting = Setting::default();
    setting.types.add(OfferTypeFile::parse("note.toml", NOTE).unwrap().with_schema("note.toml", SCHEMA).unwrap());
    let world = World::with(setting).await;
    world.origin.put("/medium.png", Served::File(png(90, 90)));
    world
}

/// A definition with all that pages show, and with what nobody may see.
fn definition(title: &str) -> Value {
    json!({
        "displayText": "Not the title",
        "offer": {
            "microsoft-azure-marketplace.title": title,
            "microsoft-azure-marketplace.summary": "In short.",
            "microsoft-azure-marketplace.longSummary": "At length.",
            "microsoft-azure-marketplace.description": "<h5>Why</h5><p>Because.</p>",
            "microsoft-azure-marketplace.categories": ["networking"],
            "microsoft-azure-marketplace.allowedSubscriptions": [SUBSCRIPTION],
            "microsoft-azure-marketplace.usefulLinks": [{"linkTitle": "Docs", "linkUrl": "https://docs.contoso.example/"}],
            "microsoft-azure-marketplace.mediumLogo": "https://assets.contoso.example/medium.png",
            "microsoft-azure-marketplace.screenshots": [{"screenshotName": "A door", "screenshotUrl": "https://assets.contoso.example/door.png"}],
            "microsoft-azure-marketplace.videos": [{"videoName": "A film", "videoUrl": "https://videos.contoso.example/"}],
            "microsoft-azure-marketplace.privacyURL": "https://www.contoso.example/privacy",
            "microsoft-azure-marketplace.termsOfUse": "Be <b>good</b>.",
            "microsoft-azure-marketplace.supportContactName": "Customer Care",
            "microsoft-azure-marketplace.supportContactEmail": "care@contoso.example",
            "microsoft-azure-marketplace.supportContactPhone": "+1 425 555 0100",
            "microsoft-azure-marketplace.engineeringContactName": "canary-engineer",
            "microsoft-azure-marketplace.engineeringContactEmail": "canary@engineers.example",
            "microsoft-azure-marketplace.leadDestination": "canary-destination",
            "microsoft-azure-marketplace.blobLeadConfiguration": {"containerName": "canary-container"},
            "microsoft-azure-marketplace.tableLeadConfiguration": {"connectionString": "canary-secret"},
            "somebody-elses.member": "canary-member"
        },
        "plans": [
            {"planId": "open", "x.skuTitle": "Open plan", "regions": ["US", "GB"], "x.operationSystem": "Ubuntu",
             "x.vmImages": {"1.0.0": {"osVhdUrl": "https://images.contoso.example/canary.vhd?sig=canary"}},
             "virtualMachinePricing": {"isByol": false, "freeTrialDurationInMonths": 1, "coreMultiplier": {"currency": "USD", "single": 0.0450}}},
            {"planId": "closed", "x.skuTitle": "Closed plan", "virtualMachinePricing": {"isByol": true},
             "restrictedAudience": {"manualEntries": [{"type": "subscriptionId", "id": "canary-audience"}]}},
            {"planId": "template", "x.skuTitle": "Template plan", "x.hideSKUForSolutionTemplate": true}
        ]
    })
}

async fn save(world: &World, offer: &str, definition: &Value) {
    let body = json!({"publisherId": "contoso", "id": offer, "offerTypeId": "note", "definition": definition});
    let answer = world.put(&format!("/api/publishers/contoso/offers/{offer}"), &body.to_string()).await;
    assert!(answer.status < 300, "{}", answer.body);
}

async fn act(world: &World, offer: &str, action: &str) {
    let answer = world.post(&format!("/api/publishers/contoso/offers/{offer}/{action}"), "").await;
    assert!(answer.status < 300, "{action} {offer}: {}", answer.body);
}

/// Brings a definition into the preview slot.
async fn preview(world: &World, offer: &str, definition: &Value) {
    save(world, offer, definition).await;
    act(world, offer, "publish").await;
    world.settle().await;
}

async fn go_live(world: &World, offer: &str, definition: &Value) {
    preview(world, offer, definition).await;
    act(world, offer, "golive").await;
    world.settle().await;
}

/// Does what is due as a worker would that keeps a copy of every file.
async fn work_keeping_copies(world: &World) {
    for _ in 0..6 {
        world.clock.advance(Duration::from_secs(2));
        let now = world.clock.now();
        for claim in Claims::new(Arc::clone(&world.store)).claim(now, now.plus_seconds(30), 32).await.unwrap() {
            let at = claim.check.clone();
            let offer = world.store.load(&claim.key).await.unwrap().unwrap().offer;
            let kind = offer.operation.unwrap().check(&at).unwrap().kind.clone();
            world.perform.perform_claimed(&claim, Then::Keep, Command::StartCheck(at.clone())).await.unwrap();
            let mut report = Report::new(Ending::Done, Vec::new());
            if kind == CheckKind::Artifacts {
                let file = |member: &str, kept, media_type: &str| Artifact {
                    target: format!("/definition/offer/microsoft-azure-marketplace.{member}"),
                    url: "https://assets.contoso.example/x".into(),
                    pinned: Some(Pinned { digest: "ab".repeat(32), bytes: 9, media_type: media_type.into(), kept }),
                };
                report.artifacts = vec![
                    file("mediumLogo", true, "image/png"),
                    file("screenshots/0/screenshotUrl", true, "image/jpeg"),
                    file("largeLogo", false, "image/png"),
                    file("wideLogo", true, "text/html"),
                ];
            }
            world.perform.perform_claimed(&claim, Then::GiveBack, Command::ReportCheck(at, report)).await.unwrap();
        }
    }
}

async fn roll_back(world: &World, offer: &str) {
    let contoso = PublisherId::parse("contoso").unwrap();
    let caller = Caller::new("ci", None).with(Circle::Publisher(contoso), [Role::Owner]);
    let by = caller.authorise("contoso", Permission::GoLive).unwrap();
    let command = Command::RollBack { from: 2, expected: Expected::Unstated };
    world.perform.perform(&by, &OfferId::parse(offer).unwrap(), command).await.unwrap();
}

/// Asks as somebody who is not known.
async fn ask(world: &World, path: &str) -> Answer {
    let path = path.strip_prefix(world.public_url).unwrap_or(path);
    let path = if path.contains('?') { path.to_owned() } else { format!("{path}?") };
    world.send("GET", &path, &[("authorization", "none")], "").await
}

fn shown(answer: &Answer, words: &[&str], hidden: &[&str]) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    for word in words {
        assert!(says(answer, word), "{word} is missing in {}", answer.body);
    }
    for word in hidden {
        assert!(!says(answer, word), "{word} is in {}", answer.body);
    }
}

/// What a page says, without what stands around it on every page; what is no page, whole.
fn content(answer: &Answer) -> &str {
    let page = answer.body.split_once("<main").and_then(|(_, rest)| rest.split_once("</main>"));
    page.map_or(answer.body.as_str(), |(content, _)| content)
}

#[tokio::test]
async fn the_page_and_the_catalogue_show_what_is_live_and_nothing_else() {
    let world = world().await;
    let (page, entry) = ("/listings/contoso/web", "/catalog/offers/contoso/web");
    let unknown = [ask(&world, "/listings/nobody/web").await, ask(&world, "/catalog/offers/nobody/web").await];
    assert_eq!(unknown.each_ref().map(|answer| answer.status), [404, 404]);
    preview(&world, "web", &definition("First")).await;
    for (at, path) in [page, entry].into_iter().enumerate() {
        let answer = ask(&world, path).await;
        assert_eq!((answer.status, content(&answer)), (404, content(&unknown[at])), "{path}");
    }
    assert_eq!(ask(&world, "/catalog/offers").await.body, r#"{"value":[]}"#);

    act(&world, "web", "golive").await;
    world.settle().await;
    let public = ["First", "In short.", "At length.", "Because.", "networking", "docs.contoso.example", "Open plan"];
    let more = [
        "videos.contoso.example",
        "www.contoso.example/privacy",
        "Be good.",
        "Customer Care",
        "USD",
        "0.045",
        "Ubuntu",
    ];
    let secret = ["canary", "Closed plan", "Template plan", "Not the title", SUBSCRIPTION, "assets.contoso.example"];
    for path in [page, entry, "/listings/CONTOSO/Web/", "/catalog/offers/Contoso/WEB?api-version=2017-10-31"] {
        let answer = ask(&world, path).await;
        shown(&answer, &[&public[..], &more[..]].concat(), &secret);
        assert_eq!(answer.header("cache-control"), "public, max-age=60");
        let headers = [("authorization", "none"), ("if-none-match", answer.header("etag"))];
        let again = world.send("GET", &format!("{path}?"), &headers, "").await;
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, answer.header("etag")), "{path}");
    }
    let answer = ask(&world, page).await;
    assert!(
        answer.header("content-security-policy").starts_with(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'"
        )
    );
    shown(&answer, &["<h3>Why</h3>", "First month free", "A door"], &["not public"]);
    assert!(!content(&answer).contains("<script"), "{}", answer.body);
    let logo = answer.body.split_once("<img class=\"logo\" src=\"").unwrap().1.split_once('"').unwrap().0;
    assert_eq!((ask(&world, logo).await.header("content-type"), answer.body.matches("<img").count()), ("image/png", 1));
    let listed = ask(&world, "/catalog/offers").await;
    shown(&listed, &["First", "In short.", "networking", "http://portolan.test/listings/contoso/web"], &secret);
    assert!(listed.json()["value"][0]["liveSince"].as_str().unwrap().starts_with("2026-11-22T09:40:"));
    let status = world.status("web").await;
    assert_eq!(status["liveLinks"][0]["uri"], format!("{}{page}", world.public_url));

    go_live(&world, "web", &definition("Second")).await;
    shown(&ask(&world, page).await, &["Second"], &["First<"]);
    let second = ask(&world, "/catalog/offers").await;
    roll_back(&world, "web").await;
    for path in [page, entry, "/catalog/offers"] {
        shown(&ask(&world, path).await, &["First"], &["Second"]);
    }
    let first = ask(&world, "/catalog/offers").await;
    assert!(first.json()["value"][0]["version"] == 1 && first.header("etag") != second.header("etag"));
    assert!(first.json()["value"][0]["liveSince"].as_str() > second.json()["value"][0]["liveSince"].as_str());
}

#[tokio::test]
async fn an_offer_without_a_plan_for_everybody_is_on_its_preview_alone() {
    let world = world().await;
    let mut closed = definition("Closed offer");
    closed["plans"].as_array_mut().unwrap().remove(0);
    go_live(&world, "web", &closed).await;
    assert_eq!(ask(&world, "/catalog/offers").await.body, r#"{"value":[]}"#);
    for path in ["/listings/contoso/web", "/catalog/offers/contoso/web"] {
        assert_eq!(ask(&world, path).await.status, 404, "{path}");
    }
    let json = [("authorization", "none"), ("content-type", "application/json")];
    let lead = world.send("POST", "/catalog/offers/contoso/web/leads?", &json, "{}").await;
    assert_eq!(lead.status, 404, "{}", lead.body);
    preview(&world, "web", &closed).await;
    shown(&ask(&world, &preview_links(&world, "web").await[1]).await, &["Closed offer", "Closed plan"], &[]);

    let mut without = definition("Without plans");
    without["plans"] = json!([]);
    go_live(&world, "other", &without).await;
    shown(&ask(&world, "/catalog/offers").await, &["Without plans"], &["Closed offer"]);
    shown(&ask(&world, "/listings/contoso/other").await, &["Without plans"], &[]);
}

#[tokio::test]
async fn pictures_are_our_own_copies_or_left_out() {
    let world = world().await;
    let mut definition = definition("Pictures");
    for logo in ["largeLogo", "wideLogo"] {
        definition["offer"][format!("microsoft-azure-marketplace.{logo}")] = json!("https://assets.contoso.example/x");
    }
    save(&world, "web", &definition).await;
    act(&world, "web", "publish").await;
    work_keeping_copies(&world).await;
    act(&world, "web", "golive").await;
    work_keeping_copies(&world).await;
    let logo = links().artifact(&"ab".repeat(32), "image/png");
    let door = links().artifact(&"ab".repeat(32), "image/jpeg");
    let offer = ask(&world, "/catalog/offers/contoso/web").await.json();
    assert_eq!(offer["logos"], json!({ "medium": logo }), "one is not kept, and one is no picture");
    assert_eq!(offer["screenshots"], json!([{ "name": "A door", "url": door }]));
    let page = ask(&world, "/listings/contoso/web").await;
    let path = |url: &str| format!("src=\"{}\"", url.strip_prefix(world.public_url).unwrap());
    shown(&page, &[&path(&logo), &path(&door), "alt=\"Screenshot: A door\""], &["assets.contoso.example"]);
    assert_eq!(page.body.matches("<img").count(), 2);
}

/// The addresses in the status document: for those who sign in, and for the subscription.
async fn preview_links(world: &World, offer: &str) -> Vec<String> {
    let status = world.status(offer).await;
    status["previewLinks"].as_array().unwrap().iter().map(|link| link["uri"].as_str().unwrap().to_owned()).collect()
}

/// Whether an address leads to signing in, and nowhere else.
fn leads_to_sign_in(answer: &Answer, offer: &str) {
    assert_eq!(answer.status, 303, "{}", answer.body);
    let then = format!("/sign-in?then=%2Flistings%2Fcontoso%2F{offer}%2Fpreview");
    assert_eq!(answer.header("location"), then, "without the query");
}

#[tokio::test]
async fn a_signed_link_opens_its_preview_and_no_other_as_long_as_it_is_there() {
    let world = world().await;
    preview(&world, "web", &definition("First")).await;
    preview(&world, "other", &definition("Other")).await;
    let link = preview_links(&world, "web").await[1].clone();
    let opened = ask(&world, &link).await;
    let marked = ["Preview of version 1 – not public", "First", "Closed plan", "Private", "Template plan", "Hidden"];
    shown(&opened, &marked, &["canary", SUBSCRIPTION]);
    for (name, value) in [
        ("cache-control", "private, no-store"),
        ("x-robots-tag", "noindex"),
        ("referrer-policy", "no-referrer"),
        ("etag", ""),
    ] {
        assert_eq!(opened.header(name), value, "{name}");
    }
    let (path, query) = link.split_once('?').unwrap();
    let signature = query.rsplit_once('=').unwrap().1;
    let own = links();
    let key = OfferKey { publisher: PublisherId::parse("contoso").unwrap(), offer: OfferId::parse("web").unwrap() };
    let forgeries = [
        query.replace("version=1", "version=2"),
        query.replace("version=1", "version=01"),
        query.replace("version=1", "version=%2B1"),
        query.replace("version=1&", ""),
        query.replace(SUBSCRIPTION, "b8e2d964-15a7-4f0b-8c3d-71f9a2c5e830"),
        query.replace(SUBSCRIPTION, &SUBSCRIPTION.to_uppercase()),
        query.replace(SUBSCRIPTION, ""),
        query.replace(signature, &signature.to_uppercase()),
        query.replace(signature, ""),
        query.replace(signature, &signature[..31]),
        query.replace(signature, &"0".repeat(32)),
        query.replace("signature", "Signature"),
        format!("{query}&version=1"),
        format!("version=2&{query}"),
        format!("{query}&subscription={SUBSCRIPTION}"),
        format!("{query}&signature={signature}"),
        // Signed with the right key, for a version that is not there and for somebody who was not asked.
        own.preview_page_for(&key, 2, SUBSCRIPTION).split_once('?').unwrap().1.to_owned(),
        own.preview_page_for(&key, 1, "b8e2d964-15a7-4f0b-8c3d-71f9a2c5e830").split_once('?').unwrap().1.to_owned(),
        own.preview_page_for(&key, 1, "").split_once('?').unwrap().1.to_owned(),
    ];
    for forged in &forgeries {
        leads_to_sign_in(&ask(&world, &format!("{path}?{forged}")).await, "web");
    }
    leads_to_sign_in(&ask(&world, &link.replace("/web/", "/other/")).await, "other");
    leads_to_sign_in(&ask(&world, &link.replace("/web/", "/missing/")).await, "missing");
    leads_to_sign_in(&ask(&world, path).await, "web");
    shown(&ask(&world, &link).await, &["First"], &[]);

    act(&world, "web", "cancel").await;
    leads_to_sign_in(&ask(&world, &link).await, "web");
    let mut without = definition("Second");
    without["offer"]["microsoft-azure-marketplace.allowedSubscriptions"] = json!([]);
    preview(&world, "web", &without).await;
    assert_eq!(preview_links(&world, "web").await.len(), 1);
    leads_to_sign_in(&ask(&world, &own.preview_page_for(&key, 2, SUBSCRIPTION)).await, "web");

    let before = preview_links(&world, "other").await[1].clone();
    act(&world, "other", "golive").await;
    world.settle().await;
    preview(&world, "other", &definition("Newer")).await;
    leads_to_sign_in(&ask(&world, &before).await, "other");
    let published = |version: i64| format!("/api/operations/contoso$other${version}$preview");
    let former = world.get(&published(2)).await.json();
    assert_eq!(former["previewLinks"], json!([]), "they would open nothing");
    let current = world.get(&published(3)).await.json();
    assert_eq!(current["previewLinks"], world.status("other").await["previewLinks"]);
    shown(&ask(&world, &preview_links(&world, "other").await[1]).await, &["Newer", "version 2"], &[]);
}

#[tokio::test]
async fn members_and_staff_see_a_preview_after_signing_in_and_others_see_nothing() {
    let world = world().await;
    preview(&world, "web", &definition("First")).await;
    save(&world, "draft", &definition("Draft")).await;
    let link = preview_links(&world, "web").await[0].clone();
    let jane = jane(&world).await;
    let staff = world.member("auditor", None, &[Role::Auditor]).await;
    let stranger = world.member("stranger", Some("fabrikam"), &[Role::Owner]).await;
    for principal in [&jane, &staff] {
        let mut browser = signed_in(&world, principal).await;
        shown(&browser.get(&link).await, &["Preview of version 1", "Closed plan"], &["canary"]);
        assert_eq!(browser.get("/listings/contoso/draft/preview").await.status, 404);
    }
    let mut browser = signed_in(&world, &stranger).await;
    let pages = ["/listings/contoso/web/preview", "/listings/contoso/none/preview", "/listings/none/none/preview"];
    let mut answers = Vec::new();
    for page in pages {
        answers.push(browser.get(page).await);
    }
    for answer in &answers {
        assert_eq!((answer.status, content(answer)), (404, content(&answers[0])));
        assert_eq!(answer.header("cache-control"), "private, no-store");
    }
    let mut newcomer = Browser::new(&world);
    let sent = newcomer.get("/listings/contoso/web/preview?version=1&signature=x").await;
    leads_to_sign_in(&sent, "web");
    assert_eq!((sent.header("referrer-policy"), sent.header("x-robots-tag")), ("no-referrer", "noindex"));
    let hostile = newcomer.get("/listings/%2F%2Fevil.example/x/preview").await;
    assert!(hostile.header("location").starts_with("/sign-in?then=%2Flistings"), "{}", hostile.header("location"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_live_offers_are_paged_completely_while_others_go_live() {
    let world = world().await;
    let some = |at: usize| {
        let category = if at.is_multiple_of(100) { "rare" } else { "usual" };
        json!({"displayText": format!("Offer {at}"), "offer": {"microsoft-azure-marketplace.categories": [category]}, "plans": []})
    };
    for at in 0..1_000 {
        save(&world, &format!("offer-{at:04}"), &some(at)).await;
        act(&world, &format!("offer-{at:04}"), "publish").await;
    }
    world.settle().await;
    for at in 0..1_000 {
        act(&world, &format!("offer-{at:04}"), "golive").await;
    }
    world.settle().await;
    let (mut seen, mut next, mut pages) = (Vec::new(), Some("/catalog/offers?top=120".to_owned()), 0_u32);
    while let Some(path) = next.take() {
        let page = ask(&world, &path).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let page = page.json();
        seen.extend(page["value"].as_array().unwrap().iter().map(|one| one["offerId"].as_str().unwrap().to_owned()));
        next = page["nextLink"].as_str().map(str::to_owned);
        assert!(next.as_ref().is_none_or(|next| next.starts_with("http://portolan.test/catalog/offers?")));
        pages += 1;
        if pages.is_multiple_of(3) {
            // One before all that was seen, and one after.
            go_live(&world, &format!("a-new-{pages}"), &some(1)).await;
            go_live(&world, &format!("z-new-{pages}"), &some(1)).await;
        }
    }
    let distinct: BTreeSet<_> = seen.iter().cloned().collect();
    assert_eq!(distinct.len(), seen.len(), "none twice");
    assert!(seen.is_sorted() && (0..1_000).all(|at| distinct.contains(&format!("offer-{at:04}"))));
    assert!(distinct.contains("z-new-3") && !distinct.contains("a-new-3"));

    let mut rare = Vec::new();
    let mut next = Some("/catalog/offers?category=RARE&top=3&offerTypeId=NOTE&publisherId=Contoso".to_owned());
    while let Some(path) = next.take() {
        let page = ask(&world, &path).await.json();
        let value = page["value"].as_array().unwrap();
        assert!(value.len() <= 3);
        rare.extend(value.iter().map(|one| one["offerId"].as_str().unwrap().to_owned()));
        next = page["nextLink"].as_str().map(str::to_owned);
    }
    assert_eq!(rare, (0..10).map(|at| format!("offer-{at:02}00")).collect::<Vec<_>>());
    let found = ask(&world, "/catalog/offers?q=oFFer+77").await.json();
    assert_eq!(found["value"].as_array().unwrap().len(), 11, "77, and 770 to 779");
    for empty in ["publisherId=fabrikam", "offerTypeId=memo", "category=none", "q=nothing"] {
        let page = ask(&world, &format!("/catalog/offers?{empty}")).await.json();
        assert!(page["value"].as_array().unwrap().is_empty(), "{empty}");
    }
}

/// What is done by script on a page, as far as the tags show it.
struct Dangers(RefCell<Vec<String>>);

impl TokenSink for Dangers {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let Token::TagToken(tag) = token else { return TokenSinkResult::Continue };
        let mut found = self.0.borrow_mut();
        let bad = [
            "script", "iframe", "object", "embed", "base", "form", "style", "svg", "math", "template", "input",
            "button",
        ];
        if bad.contains(&&*tag.name)
            || (&*tag.name == "meta" && tag.attrs.iter().any(|one| &*one.name.local == "http-equiv"))
        {
            found.push(format!("<{}>", tag.name));
        }
        for attribute in &tag.attrs {
            let (name, value) = (&*attribute.name.local, &*attribute.value);
            let goes = ["https://", "http://", "mailto:", "/assets/", "/artifacts/", "data:,"];
            let safe = match name {
                "href" => goes.iter().any(|start| value.starts_with(start)) || (value == "/" && &*tag.name == "a"),
                "src" => value.starts_with("/artifacts/"),
                "style" | "srcdoc" | "action" | "formaction" | "ping" | "background" => false,
                other => !other.starts_with("on"),
            };
            if !safe {
                found.push(format!("{}: {name}={value}", tag.name));
            }
        }
        TokenSinkResult::Continue
    }
}

fn dangers(html: &str) -> Vec<String> {
    let tokenizer = Tokenizer::new(Dangers(RefCell::default()), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner()
}

/// Each tells of itself at the address behind its page's `#`, if it is executed.
const SCRIPTS: [&str; 14] = [
    "<script>new Image().src=location.hash.slice(1)</script>",
    "\"><script>new Image().src=location.hash.slice(1)</script>",
    "'><img src=x onerror=\"new Image().src=location.hash.slice(1)\">",
    "\" autofocus onfocus=\"new Image().src=location.hash.slice(1)\" x=\"",
    "</title></style></textarea><svg onload=\"new Image().src=location.hash.slice(1)\">",
    "<details open ontoggle=\"new Image().src=location.hash.slice(1)\">x</details>",
    "javascript:new Image().src=location.hash.slice(1)",
    "https://x.example/\" onclick=\"new Image().src=location.hash.slice(1)\" onpointerenter=\"new Image().src=location.hash.slice(1)",
    "<iframe srcdoc=\"<script>new Image().src=parent.location.hash.slice(1)</script>\"></iframe>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--><img src=1 onerror=new Image().src=location.hash.slice(1)>\">",
    "<svg></p><style><a id=\"</style><img src=1 onerror=new Image().src=location.hash.slice(1)>\">",
    "<noscript><p title=\"</noscript><img src=x onerror=new Image().src=location.hash.slice(1)>\"></noscript>",
    "<meta http-equiv=refresh content=\"0;url=javascript:new Image().src=location.hash.slice(1)\"><base href=//evil.example/>",
    "{{7*7}}{% raw %}<form action=javascript:new Image().src=location.hash.slice(1)><button autofocus>x</button></form>",
];

/// The same definition with every text of it, and every name, replaced.
fn poisoned(value: &Value, poison: &str) -> Value {
    match value {
        Value::String(_) => json!(poison),
        Value::Array(items) => items.iter().map(|item| poisoned(item, poison)).collect(),
        Value::Object(members) => {
            let kept = ["planId", "allowedSubscriptions", "restrictedAudience", "mediumLogo"];
            let members = members.iter().map(|(name, member)| {
                let keep = kept.iter().any(|kept| name.ends_with(kept));
                (name.clone(), if keep { member.clone() } else { poisoned(member, poison) })
            });
            Value::Object(members.collect())
        }
        other => other.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_of_a_definition_becomes_script() {
    let world = world().await;
    let template = {
        let mut template = definition("x");
        template["plans"][0]["virtualMachinePricing"]["coreMultiplier"] =
            json!({ "currency": "USD", "individually": { SCRIPTS[1]: 1 } });
        template["offer"]["microsoft-azure-marketplace.publicAzureSupportUrl"] = json!("x");
        template
    };
    let directory = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for (at, poison) in SCRIPTS.iter().enumerate() {
        let offer = format!("web-{at}");
        let address = format!("https://x.example/{poison}");
        for (kind, poison) in [("text", *poison), ("address", address.as_str())] {
            let offer = format!("{offer}-{kind}");
            preview(&world, &offer, &poisoned(&template, poison)).await;
            let seen = ask(&world, &preview_links(&world, &offer).await[1]).await;
            act(&world, &offer, "golive").await;
            world.settle().await;
            let live = ask(&world, &format!("/listings/contoso/{offer}")).await;
            for (name, answer) in [("preview", seen), ("live", live)] {
                assert_eq!(answer.status, 200, "{}", answer.body);
                assert!(answer.header("content-security-policy").contains("default-src 'none'"));
                let found = dangers(content(&answer));
                assert!(found.is_empty(), "{offer} {name}: {found:?}\n{}", answer.body);
                // As a file it comes without the headers, and so without the policy that would stop scripts too.
                let file = directory.path().join(format!("{offer}-{name}.html"));
                std::fs::write(&file, &answer.body).unwrap();
                files.push(file);
            }
        }
    }
    assert!(!dangers(SCRIPTS[1]).is_empty() && !dangers(SCRIPTS[4]).is_empty());
    let planted = directory.path().join("planted.html");
    std::fs::write(&planted, format!("<!doctype html><title>x</title>{}", SCRIPTS[0])).unwrap();
    files.push(planted);
    match executed(directory.path(), &files) {
        None => println!("there is no chromium: pages were not opened"),
        Some(executed) => assert_eq!(executed, ["planted.html"], "of {} pages", files.len()),
    }
}

/// The names of the pages that execute a script when Chromium opens them, each in a frame.
fn executed(directory: &std::path::Path, files: &[std::path::PathBuf]) -> Option<Vec<String>> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let told = format!("http://{}", listener.local_addr().unwrap());
    let (heard, names) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut head = String::new();
            std::io::BufRead::read_line(&mut std::io::BufReader::new(stream.unwrap()), &mut head).unwrap();
            if heard.send(head.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned()).is_err() {
                return;
            }
        }
    });
    let name = |file: &std::path::PathBuf| file.file_name().unwrap().to_str().unwrap().to_owned();
    let frame = |file| format!("<iframe src=\"{0}#{told}/{0}\"></iframe>", name(file));
    let index = directory.join("index.html");
    std::fs::write(&index, files.iter().map(frame).collect::<String>()).unwrap();
    let opened = std::process::Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", directory.join("profile").display()))
        .arg(format!("file://{}", index.display()))
        .output()
        .ok()?;
    assert!(String::from_utf8_lossy(&opened.stdout).contains("<iframe"), "{}", String::from_utf8_lossy(&opened.stderr));
    let distinct: BTreeSet<String> = names.try_iter().collect();
    Some(distinct.into_iter().collect())
}
