//! The OpenAPI document says what is: every route, and the shape of every recorded answer.

use crate::world::World;
use jsonschema::Validator;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;

#[tokio::test]
async fn it_is_served_without_a_token_and_lists_every_operation() {
    let world = World::new().await;
    let answer = world.send("GET", "/openapi.json", &[("authorization", "none")], "").await;
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push(operation["operationId"].as_str().unwrap().to_owned());
            // A route that is described is there: whatever it answers, it is not "nothing at this path".
            let path = path.replace("{publisherId}", "contoso").replace(['{', '}'], "");
            let answer = world.send(&method.to_uppercase(), &path, &[], "").await;
            assert!(!answer.body.contains("There is nothing at"), "{method} {path}");
            assert_ne!(answer.status, 405, "{method} {path}");
        }
    }
    operations.sort();
    assert_eq!(
        operations,
        [
            "add_member",
            "add_member_secret",
            "add_review_note",
            "add_staff",
            "add_staff_secret",
            "cancel_offer",
            "change_marketplace_subscription",
            "change_subscription",
            "claim_review",
            "create_marketplace_subscription",
            "create_publisher",
            "create_subscription",
            "delete_mails",
            "delete_staff_mails",
            "enable_marketplace_subscription",
            "enable_subscription",
            "explain_offer",
            "follow_offer",
            "follow_publisher",
            "get_artifact",
            "get_catalog_offer",
            "get_discovery_v1",
            "get_discovery_v2",
            "get_health",
            "get_instance",
            "get_keys_v1",
            "get_keys_v2",
            "get_mails",
            "get_marketplace_audit",
            "get_marketplace_subscription",
            "get_offer",
            "get_offer_history",
            "get_offer_slot",
            "get_offer_status",
            "get_offer_version",
            "get_openapi",
            "get_operation",
            "get_operation_by_composite_id",
            "get_publisher_audit",
            "get_publisher_history",
            "get_readiness",
            "get_review",
            "get_staff_mails",
            "get_subscription",
            "get_token_v1",
            "get_token_v2",
            "give_verdict",
            "go_live_offer",
            "invite_member",
            "invite_staff",
            "list_audiences",
            "list_catalog_offers",
            "list_deliveries",
            "list_leads",
            "list_marketplace_deliveries",
            "list_marketplace_subscriptions",
            "list_member_secrets",
            "list_members",
            "list_offer_types",
            "list_offers",
            "list_publishers",
            "list_reviews",
            "list_staff",
            "list_staff_secrets",
            "list_submissions",
            "list_subscriptions",
            "publish_offer",
            "put_mails",
            "put_offer",
            "put_staff_mails",
            "release_review",
            "remove_marketplace_subscription",
            "remove_member",
            "remove_member_secret",
            "remove_staff",
            "remove_staff_secret",
            "remove_subscription",
            "repeat_delivery",
            "repeat_marketplace_delivery",
            "report_check",
            "roll_back_offer",
            "rotate_marketplace_subscription",
            "rotate_subscription",
            "send_lead",
            "set_member_roles",
            "set_staff_roles",
            "synchronise_audiences",
            "test_marketplace_subscription",
            "test_subscription",
        ]
    );
}

#[test]
fn every_route_of_the_table_is_described() {
    let table = include_str!("../../src/http/mod.rs");
    let document = serde_json::to_string(&portolan::http::openapi()).unwrap();
    let mut routed = 0;
    for line in table.lines().filter(|line| line.trim_start().starts_with(".routes(routes!(")) {
        for handler in line.split(['(', ',', ')']).filter(|part| part.contains("::")) {
            let name = handler.trim().split("::").last().unwrap();
            assert!(document.contains(&format!("\"operationId\":\"{name}\"")), "{name}");
            routed += 1;
        }
    }
    assert_eq!(routed, 89);
    assert!(!table.contains(".route("), "a route that is not described");
}

#[test]
fn every_recorded_answer_has_the_described_shape() {
    let document = serde_json::to_value(portolan::http::openapi()).unwrap();
    let mut validators = HashMap::new();
    let mut judged = 0;
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exchanges");
    for file in std::fs::read_dir(directory).unwrap() {
        let recorded = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for block in recorded.split("\n=== ").filter(|block| block.contains("\n--- ")) {
            judged += usize::from(judge(&document, &mut validators, block));
        }
    }
    assert!(judged >= 60, "only {judged} answers were judged");
}

/// Judges one answer; gives back whether it had a body that its operation describes.
fn judge(document: &Value, validators: &mut HashMap<String, Validator>, block: &str) -> bool {
    let (request, answer) = block.split_once("\n--- ").unwrap();
    let (method, path) = request.trim_start_matches("=== ").lines().next().unwrap().split_once(' ').unwrap();
    let (head, body) = answer.split_once("\n\n").unwrap_or((answer, ""));
    let status = head.lines().next().unwrap();
    let Some(template) = template(document, path.split('?').next().unwrap()) else { return false };
    let operation = &document["paths"][&template][method.to_lowercase()];
    if operation.is_null() {
        return false;
    }
    let class = format!("{}XX", &status[..1]);
    let response =
        [status, class.as_str()].into_iter().map(|key| &operation["responses"][key]).find(|found| !found.is_null());
    let response = response.unwrap_or_else(|| panic!("{method} {template} does not describe {status}"));
    let schema =
        &response["content"].as_object().and_then(|kinds| kinds.values().next()).unwrap_or(&Value::Null)["schema"];
    // A file is described by its media type alone.
    if head.contains("\ncontent-disposition: attachment") {
        return false;
    }
    // Of an event stream, the data of its first event.
    let body = body.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or(body);
    let mut body = body.trim().replace("{{definition}}", "{}").replace("{{lead-", "{{operation-");
    body = body.replace("{{subscription-", "{{operation-").replace("{{delivery-", "{{operation-");
    for who in ["{{ci}}", "{{staff}}"] {
        body = body.replace(who, "00000000-0000-0000-0000-000000000002");
    }
    while let Some((before, after)) = body.split_once("{{operation-") {
        let rest = after.split_once("}}").unwrap().1;
        body = format!("{before}00000000-0000-0000-0000-000000000001{rest}");
    }
    // Only the dry run of a cancel has a body.
    let is_canceled = operation["operationId"] == "cancel_offer" && status == "200" && !path.contains("dryRun=true");
    assert_eq!(schema.is_null() || is_canceled, body.is_empty(), "{method} {template} {status}: {body}");
    if body.is_empty() {
        return false;
    }
    let validator = validators.entry(schema.to_string()).or_insert_with(|| {
        let whole = json!({ "allOf": [schema], "components": document["components"] });
        jsonschema::options().should_validate_formats(true).build(&whole).unwrap()
    });
    let value: Value = serde_json::from_str(&body).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(&value).map(|error| format!("{} {error}", error.instance_path())).collect();
    assert!(faults.is_empty(), "{method} {template} {status}: {faults:?}\n{body}");
    true
}

/// The described path that a recorded one belongs to, without regard to the case of its words.
fn template(document: &Value, path: &str) -> Option<String> {
    let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let fits = |template: &&String| {
        let parts: Vec<&str> = template.split('/').collect();
        let same = |(part, segment): (&&str, &&str)| part.starts_with('{') || part.eq_ignore_ascii_case(segment);
        parts.len() == segments.len() && parts.iter().zip(&segments).all(same)
    };
    document["paths"].as_object().unwrap().keys().find(fits).cloned()
}
