//! Private audiences: what is live comes with the version, and is synchronised from the draft without publishing.

use crate::origin::Served;
use crate::world::World;
use publishing::offer::PublisherId;
use publishing::principal::Circle;
use serde_json::{Value, json};

const MACHINE: &str = include_str!("../../samples/core-virtual-machine.json");
const PATH: &str = "/api/publishers/contoso/offers/anchor";
const CSV: &str = "/anchor-linux/extended-support-customers.csv";
const FIRST: &str = "0a6cbd22-9f1c-4d6e-8a35-1f0e5a3e2b61";
const SECOND: &str = "7d3f1b0e-52a4-4a9c-9c1b-6f2f0f6f4f11";

fn put_body(definition: &str) -> String {
    format!(
        r#"{{"publisherId":"contoso","id":"anchor","offerTypeId":"microsoft-azure-corevm","definition":{definition}}}"#
    )
}

fn csv(rows: &[&str]) -> Served {
    Served::File(format!("Type,Id,Description\n{}\n", rows.join("\n")).into_bytes())
}

/// An offer with a private plan that is live; its audience is a file of one entry.
async fn live() -> World {
    let world = World::new().await;
    world.origin.put(CSV, csv(&[&format!("SubscriptionId,{FIRST},The first")]));
    assert_eq!(world.put(PATH, &put_body(MACHINE)).await.status, 201);
    assert_eq!(world.post(&format!("{PATH}/publish"), "").await.status, 202);
    world.settle().await;
    assert_eq!(world.verdict("anchor", "approve", "").await.status, 200);
    world.settle().await;
    assert_eq!(world.post(&format!("{PATH}/golive"), "").await.status, 202);
    world.settle().await;
    assert_eq!(world.status("anchor").await["status"], "succeeded");
    world
}

async fn synchronise(world: &World) -> crate::world::Answer {
    world.post(&format!("{PATH}/audiences/synchronise"), "").await
}

/// Type and id of each entry of the one audience there is.
async fn listed(world: &World) -> Vec<(String, String)> {
    let answer = world.get(&format!("{PATH}/audiences")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let plans = answer.json();
    assert_eq!(plans.as_array().unwrap().len(), 1, "{plans}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    plans[0]["entries"].as_array().unwrap().iter().map(|entry| (text(&entry["type"]), text(&entry["id"]))).collect()
}

async fn journal(world: &World) -> Vec<Value> {
    let circle = Circle::Publisher(PublisherId::parse("contoso").unwrap());
    let lines = world.store.journal(&circle, 0, 1_000).await.unwrap();
    lines.iter().filter(|line| line.offer == "anchor").map(|line| serde_json::from_str(&line.entry).unwrap()).collect()
}

#[tokio::test]
async fn an_audience_goes_live_with_its_version_and_is_synchronised_without_publishing() {
    let world = live().await;
    assert_eq!(listed(&world).await, [("SubscriptionId".to_owned(), FIRST.to_owned())]);
    let before = (world.status("anchor").await, world.get(&format!("{PATH}/submissions/")).await.body);

    // The file behind the draft's address has another row now.
    let rows = [format!("SubscriptionId,{FIRST},The first"), format!("TenantId,{SECOND},")];
    world.origin.put(CSV, csv(&[&rows[0], &rows[1]]));
    let answer = synchronise(&world).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let both = [("SubscriptionId".to_owned(), FIRST.to_owned()), ("TenantId".to_owned(), SECOND.to_owned())];
    assert_eq!(listed(&world).await, both);
    assert_eq!(answer.json()[0]["entries"], 2);
    let after = (world.status("anchor").await, world.get(&format!("{PATH}/submissions/")).await.body);
    assert_eq!(before, after, "nothing was published for it");
    let entry = journal(&world).await.pop().unwrap();
    assert_eq!(entry["event"], "audiencesSynchronised");
    assert_eq!(entry["audiences"][0]["digest"], answer.json()[0]["digest"], "the journal names the list");

    // From then on the origin may vanish.
    world.origin.put(CSV, Served::Status(410));
    assert_eq!(listed(&world).await, both);
}

#[tokio::test]
async fn entries_of_the_draft_take_the_place_of_the_file() {
    let world = live().await;
    let mut definition: Value = serde_json::from_str(MACHINE).unwrap();
    for plan in definition["plans"].as_array_mut().unwrap() {
        if plan.get("restrictedAudience").is_some() {
            plan["restrictedAudience"] =
                json!({"manualEntries": [{"type": "TenantId", "id": SECOND, "description": "x"}]});
        }
    }
    assert_eq!(world.put(PATH, &put_body(&definition.to_string())).await.status, 200);
    assert_eq!(listed(&world).await, [("SubscriptionId".to_owned(), FIRST.to_owned())], "a draft changes nothing");
    assert_eq!(synchronise(&world).await.status, 200);
    assert_eq!(listed(&world).await, [("TenantId".to_owned(), SECOND.to_owned())]);
}

#[tokio::test]
async fn a_faulty_file_changes_nothing_and_is_told_by_cell() {
    let world = live().await;
    let lines = journal(&world).await.len();
    world.origin.put(CSV, csv(&["SubscriptionId,not-a-guid,"]));
    let answer = synchronise(&world).await;
    assert_eq!((answer.status, answer.code()), (422, "ValidationFailed".to_owned()), "{}", answer.body);
    let detail = &answer.json()["error"]["details"][0];
    assert_eq!(detail["code"], "AudienceCell");
    assert!(detail["message"].as_str().unwrap().contains("B2"), "{detail}");
    assert!(detail["target"].as_str().unwrap().ends_with("/restrictedAudience/uploadedCsvUri"), "{detail}");

    world.origin.put(CSV, Served::Status(503));
    let answer = synchronise(&world).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.json()["error"]["message"].as_str().unwrap().contains("Nothing was changed"), "{}", answer.body);
    assert_eq!(listed(&world).await, [("SubscriptionId".to_owned(), FIRST.to_owned())]);
    assert_eq!(journal(&world).await.len(), lines);
}

#[tokio::test]
async fn what_is_not_live_or_not_private_has_no_audience_to_synchronise() {
    let world = World::new().await;
    world.put_memo("memo").await;
    let answer = world.post("/api/publishers/contoso/offers/memo/audiences/synchronise", "").await;
    assert_eq!((answer.status, answer.code()), (400, "InvalidOfferState".to_owned()), "{}", answer.body);
    assert_eq!(world.get("/api/publishers/contoso/offers/memo/audiences").await.body, "[]");

    let world = live().await;
    let mut definition: Value = serde_json::from_str(MACHINE).unwrap();
    for plan in definition["plans"].as_array_mut().unwrap() {
        plan.as_object_mut().unwrap().remove("restrictedAudience");
    }
    assert_eq!(world.put(PATH, &put_body(&definition.to_string())).await.status, 200);
    let answer = synchronise(&world).await;
    assert_eq!((answer.status, answer.code()), (422, "ValidationFailed".to_owned()), "{}", answer.body);
    assert!(answer.body.contains("the draft names nobody for it"), "{}", answer.body);
    assert_eq!(listed(&world).await.len(), 1, "a plan does not become public by this");

    // What cannot be read as an entry is told, and not passed over.
    let mut definition: Value = serde_json::from_str(MACHINE).unwrap();
    for plan in definition["plans"].as_array_mut().unwrap() {
        if plan.get("restrictedAudience").is_some() {
            let entries = json!([{"type": "TenantId", "id": SECOND}, {"type": "TenantId", "id": "mistyped"}]);
            plan["restrictedAudience"] = json!({ "manualEntries": entries });
        }
    }
    assert_eq!(world.put(PATH, &put_body(&definition.to_string())).await.status, 200);
    let answer = synchronise(&world).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert!(answer.body.contains("/restrictedAudience/manualEntries/1"), "{}", answer.body);
    assert_eq!(listed(&world).await, [("SubscriptionId".to_owned(), FIRST.to_owned())]);
}
