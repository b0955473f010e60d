//! What is submitted is pinned: the files of a version are fetched once, and served by us from then on, whatever becomes of
//! their origin.

use crate::artifacts::check_store;
use crate::origin::{Served, png};
use crate::world::World;
use publishing::offer::{OfferId, OfferKey, PublisherId};
use publishing::operation::Operation;
use serde_json::{Value, json};
use std::time::Duration;

const MACHINE: &str = include_str!("../../samples/core-virtual-machine.json");
const PATH: &str = "/api/publishers/contoso/offers/anchor";
const SMALL: &str = "/anchor-linux/logo-small.png";
const LARGE: &str = "/anchor-linux/logo-large.png";
const CSV: &str = "/anchor-linux/extended-support-customers.csv";

fn body(definition: &str) -> String {
    format!(
        r#"{{"publisherId":"contoso","id":"anchor","offerTypeId":"microsoft-azure-corevm","definition":{definition}}}"#
    )
}

async fn publish(world: &World, definition: &str) {
    let saved = world.put(PATH, &body(definition)).await;
    assert!(saved.status < 300, "{}", saved.body);
    let answer = world.post(&format!("{PATH}/publish"), "{}").await;
    assert_eq!(answer.status, 202, "{}", answer.body);
}

async fn operation(world: &World) -> Operation {
    let key = OfferKey { publisher: PublisherId::parse("contoso").unwrap(), offer: OfferId::parse("anchor").unwrap() };
    world.store.load(&key).await.unwrap().unwrap().offer.operation.unwrap()
}

/// Plan and digest of each audience.
fn lists(run: &Operation) -> Vec<(String, String)> {
    run.audiences.iter().map(|audience| (audience.plan.clone(), audience.digest.clone())).collect()
}

/// The definition in an answer, byte for byte.
fn definition(body: &str) -> String {
    let rest = body.split_once("\"definition\":").unwrap().1;
    rest.rsplit_once(",\"changedTime\"").unwrap().0.to_owned()
}

/// The codes and targets of a step's messages.
fn said(status: &Value, step: usize) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let messages = status["steps"][step]["messages"].as_array().unwrap().iter();
    messages.map(|said| (text(&said["code"]), text(&said["target"]), text(&said["text"]))).collect()
}

#[tokio::test]
async fn what_was_submitted_stays_when_its_origin_vanishes_or_changes() {
    let world = World::new().await;
    publish(&world, MACHINE).await;
    world.clock.advance(Duration::from_secs(1));
    world.settle().await;
    let run = operation(&world).await;
    let kept = run.artifacts.iter().filter(|artifact| artifact.pinned.is_some()).count();
    assert_eq!((kept, run.artifacts.len()), (6, 9), "three are disk images, which are not looked at: {run:?}");
    let asked = world.origin.asked("");
    assert_eq!(asked, 6);

    // All of it changes or goes, and the rest of the way needs nothing of it.
    world.origin.put(SMALL, Served::File(png(49, 49)));
    world.origin.put(LARGE, Served::Status(410));
    assert_eq!(world.verdict("anchor", "approve", "").await.status, 200);
    world.settle().await;
    assert_eq!(world.status("anchor").await["status"], "waitingForPublisherReview");
    assert_eq!(world.origin.asked(""), asked, "nothing was fetched twice");

    // The draft stays as sent; what was published has our addresses, and is as sent in every other byte.
    let sent = MACHINE.trim();
    assert_eq!(definition(&world.get(PATH).await.body), sent);
    assert_eq!(definition(&world.get(&format!("{PATH}/slot/draft")).await.body), sent);
    let preview = world.get(&format!("{PATH}/slot/preview")).await;
    let mut back = definition(&preview.body);
    assert_eq!(definition(&world.get(&format!("{PATH}/versions/1")).await.body), back);
    for artifact in run.artifacts.iter().filter(|artifact| artifact.pinned.is_some()) {
        let pointer = artifact.target.strip_prefix("/definition").unwrap();
        let own = preview.json()["definition"].pointer(pointer).unwrap().as_str().unwrap().to_owned();
        if artifact.url.ends_with(CSV) {
            assert_eq!(own, artifact.url, "whom a list names is nobody's to open");
            continue;
        }
        let path = own.strip_prefix("http://portolan.test").unwrap();
        let file = world.send("GET", &format!("{path}?"), &[("authorization", "none")], "").await;
        assert_eq!(file.status, 200, "{own}");
        assert_eq!(file.header("content-length"), artifact.pinned.as_ref().unwrap().bytes.to_string());
        back = back.replacen(&own, &artifact.url, 1);
    }
    assert_eq!(back, sent);

    // What a client sends back as it read it is taken from the store, but for the list, which has no address of ours.
    publish_again(&world, &definition(&preview.body)).await;
    assert_eq!((world.origin.asked(""), world.origin.asked(CSV)), (asked + 1, 2));
    let again = operation(&world).await;
    let digests = |run: &Operation| {
        let pinned = run.artifacts.iter().filter_map(|artifact| artifact.pinned.clone());
        pinned.map(|pinned| pinned.digest).collect::<Vec<_>>()
    };
    assert_eq!(digests(&again), digests(&run));
    assert_eq!(lists(&again), lists(&run));
}

async fn publish_again(world: &World, definition: &str) {
    let canceled = world.post(&format!("{PATH}/cancel"), "").await;
    assert!(canceled.status < 300, "{}", canceled.body);
    publish(world, definition).await;
    world.clock.advance(Duration::from_secs(1));
    world.settle().await;
}

#[tokio::test]
async fn all_faults_of_all_files_are_told_at_once_by_their_places() {
    let world = World::new().await;
    world.origin.put(SMALL, Served::File(png(40, 40)));
    world.origin.put(LARGE, Served::Status(404));
    world.origin.put(CSV, Served::File(b"Type,Id\nUser,7\n".to_vec()));
    publish(&world, MACHINE).await;
    world.clock.advance(Duration::from_secs(1));
    world.settle().await;
    let status = world.status("anchor").await;
    assert_eq!(status["status"], "failed");
    let told = said(&status, 0);
    let codes: Vec<&str> = told.iter().map(|(code, _, _)| code.as_str()).collect();
    assert_eq!(codes, ["FileUnreachable", "ImageSize", "AudienceCell", "AudienceCell"], "{told:?}");
    assert_eq!(told[1].1, "/definition/offer/microsoft-azure-marketplace.smallLogo");
    assert!(told[2].1.ends_with("/restrictedAudience/uploadedCsvUri"), "{told:?}");
    assert!(told[2].2.contains("Cell A2: `User` is no type."), "{told:?}");
}

#[tokio::test]
async fn what_cannot_be_reached_is_tried_again_and_then_has_to_be_mended() {
    let world = World::new().await;
    world.origin.put(LARGE, Served::Status(503));
    publish(&world, MACHINE).await;
    world.clock.advance(Duration::from_secs(2));
    while world.worker.work_off_due().await.unwrap() > 0 {}
    let status = world.status("anchor").await;
    assert_eq!(status["status"], "running");
    let told = said(&status, 0);
    assert!(told[0].0 == "FileUnreachable" && told[0].2.contains("503") && told[0].2.contains("again"), "{told:?}");

    // It comes back, and only it is fetched.
    let asked = world.origin.asked("");
    world.origin.put(LARGE, Served::File(png(216, 216)));
    world.clock.advance(Duration::from_secs(60));
    while world.worker.work_off_due().await.unwrap() > 0 {}
    assert_eq!(world.origin.asked(""), asked + 1);
    assert_eq!(world.status("anchor").await["steps"][0]["status"], "complete");

    let world = World::new().await;
    world.origin.put(LARGE, Served::Status(503));
    publish(&world, MACHINE).await;
    for _ in 0..60 {
        world.clock.advance(Duration::from_secs(60));
        while world.worker.work_off_due().await.unwrap() > 0 {}
    }
    assert_eq!(world.origin.asked(LARGE), 5);
    let status = world.status("anchor").await;
    assert_eq!((&status["status"], said(&status, 0)[0].0.as_str()), (&json!("failed"), "FileUnreachable"));
}

/// However many places name a file, it comes once, and a list is kept once.
#[tokio::test]
async fn a_file_that_many_places_name_is_fetched_once() {
    let world = World::new().await;
    let mut definition: Value = serde_json::from_str(MACHINE).unwrap();
    let plans = definition["plans"].as_array_mut().unwrap();
    let private = plans.iter().find(|plan| plan.pointer("/restrictedAudience/uploadedCsvUri").is_some());
    let private = private.unwrap().clone();
    for at in 0..40 {
        let mut plan = private.clone();
        plan["planId"] = json!(format!("more-{at}"));
        plans.push(plan);
    }
    publish(&world, &definition.to_string()).await;
    world.clock.advance(Duration::from_secs(1));
    world.settle().await;
    assert_eq!(world.origin.asked(CSV), 1);
    let run = operation(&world).await;
    assert_eq!(run.audiences.len(), 41);
    assert!(run.audiences.iter().all(|audience| audience.digest == run.audiences[0].digest && audience.entries == 1));
    assert_eq!(run.artifacts.iter().filter(|artifact| artifact.url.ends_with(CSV)).count(), 41);
}

#[tokio::test]
async fn an_outage_here_is_the_operators_to_mend() {
    let world = World::new().await;
    let incoming = world.files.path().join("incoming");
    std::fs::remove_dir(&incoming).unwrap();
    publish(&world, MACHINE).await;
    for _ in 0..10 {
        world.clock.advance(Duration::from_secs(60));
        while world.worker.work_off_due().await.unwrap() > 0 {}
    }
    let status = world.status("anchor").await;
    let told = said(&status, 0);
    assert_eq!(told.iter().map(|told| told.0.as_str()).collect::<Vec<_>>(), ["CheckCannotRun"], "{told:?}");
    assert_ne!(status["status"], "failed");
}

#[tokio::test]
async fn an_audience_is_the_same_list_wherever_it_comes_from() {
    let world = World::new().await;
    publish(&world, MACHINE).await;
    world.clock.advance(Duration::from_secs(1));
    world.settle().await;
    let run = operation(&world).await;
    assert_eq!(run.audiences.len(), 1, "{:?}", run.audiences);
    assert_eq!(run.audiences[0].entries, 1);

    let mut definition: Value = serde_json::from_str(MACHINE).unwrap();
    for plan in definition["plans"].as_array_mut().unwrap() {
        if plan.get("restrictedAudience").is_some() {
            plan["restrictedAudience"] = json!({"manualEntries": [
                {"type": "SubscriptionId", "id": "0a6cbd22-9f1c-4d6e-8a35-1f0e5a3e2b61", "description": "Contoso"}
            ]});
        }
    }
    publish_again(&world, &definition.to_string()).await;
    assert_eq!(lists(&operation(&world).await), lists(&run));
}

#[tokio::test]
async fn a_file_is_served_to_whoever_has_its_address_and_harms_nobody() {
    let world = World::new().await;
    publish(&world, MACHINE).await;
    world.clock.advance(Duration::from_secs(1));
    world.settle().await;
    let version = world.get(&format!("{PATH}/versions/1")).await.json();
    let own = |pointer: &str| {
        let url = version["definition"].pointer(pointer).unwrap().as_str().unwrap();
        format!("{}?", url.strip_prefix("http://portolan.test").unwrap())
    };
    let path = own("/offer/microsoft-azure-marketplace.smallLogo");
    let get = async |path: &str, headers: &[(&str, &str)]| {
        let headers = [headers, &[("authorization", "none")]].concat();
        world.send("GET", path, &headers, "").await
    };
    let whole = get(&path, &[]).await;
    assert_eq!(whole.status, 200);
    assert_eq!(whole.header("content-type"), "image/png");
    assert_eq!(whole.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(whole.header("content-security-policy"), "sandbox; default-src 'none'");
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    assert_eq!(whole.header("content-disposition"), "");
    let etag = whole.header("etag").to_owned();
    assert_eq!(etag.len(), 66);

    let part = get(&path, &[("range", "bytes=1-3")]).await;
    assert_eq!((part.status, &*part.body), (206, "PNG"));
    assert_eq!(part.header("content-range"), format!("bytes 1-3/{}", png(48, 48).len()));
    assert_eq!(get(&path, &[("range", "bytes=1-3"), ("if-range", "\"other\"")]).await.status, 200);
    let beyond = get(&path, &[("range", "bytes=9999-")]).await;
    assert_eq!((beyond.status, beyond.header("content-range")), (416, &*format!("bytes */{}", png(48, 48).len())));
    assert_eq!(get(&path, &[("if-none-match", &etag)]).await.status, 304);
    let head = world.send("HEAD", &path, &[("authorization", "none")], "").await;
    assert_eq!((head.status, head.header("content-length")), (200, &*png(48, 48).len().to_string()));

    let sheet = version["definition"]["plans"].as_array().unwrap().iter().enumerate().find_map(|(at, plan)| {
        plan.pointer("/virtualMachinePricing/spreadSheetPricing/uri")?;
        Some(own(&format!("/plans/{at}/virtualMachinePricing/spreadSheetPricing/uri")))
    });
    let sheet = get(&sheet.unwrap(), &[]).await;
    assert_eq!((sheet.status, sheet.header("content-disposition")), (200, "attachment"));

    // Nobody can guess an address, nor change the type that it names.
    let name = path.strip_prefix("/artifacts/").unwrap().strip_suffix(".png?").unwrap();
    let (digest, signature) = name.split_once('.').unwrap();
    let other = signature.chars().rev().collect::<String>();
    for name in
        [format!("{digest}.{other}.png"), format!("{digest}.{signature}.html"), format!("{digest}..png"), digest.into()]
    {
        let answer = get(&format!("/artifacts/{name}?"), &[]).await;
        assert_eq!((answer.status, answer.code().as_str()), (404, "NotFound"), "{name}");
    }
}

/// An address that leads inside is told by its category, at the place that names it, and in no other way.
#[tokio::test]
async fn an_address_that_leads_inside_tells_nothing_of_it() {
    let world = World::new().await;
    let definition = MACHINE.replace("https://assets.contoso.example", "https://inside.contoso.example");
    publish(&world, &definition).await;
    world.clock.advance(Duration::from_secs(1));
    world.settle().await;
    let status = world.status("anchor").await;
    assert_eq!(status["status"], "failed");
    for (code, target, text) in said(&status, 0) {
        assert_eq!(code, "FileUnreachable", "{target}");
        assert!(text.contains("private network") && !text.contains("10.0"), "{text}");
    }
    // What was good of the rest is pinned, a list in its one form too, and nothing else is kept.
    let pinned = operation(&world).await.artifacts;
    assert!(pinned.iter().all(|artifact| !artifact.url.contains("inside")), "{pinned:?}");
    assert_eq!(check_store(world.files.path()), 3);
}
