//! How a call is sent with curl, with a body that has the shape which the call's description gives.

use super::described::{Described, OperationRow, named};
use api::paths::{API_VERSION, API_VERSION_PARAMETER};
use serde_json::{Map, Value, json};

/// How deep an example goes into objects.
const DEPTH: usize = 5;

const GUID: &str = "2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50";

/// What stands in examples for a name; for others the name itself, in capitals.
const EXAMPLES: [(&str, &str); 19] = [
    ("publisherId", "contoso"),
    ("offerId", "web-gateway"),
    ("offerTypeId", "microsoft-azure-virtualmachines"),
    ("operationId", GUID),
    ("memberId", GUID),
    ("secretId", GUID),
    ("subscriptionId", GUID),
    ("deliveryId", GUID),
    ("stepId", "certify"),
    ("slot", "preview"),
    ("version", "1"),
    ("verdict", "approve"),
    ("index", "0"),
    ("url", "https://hooks.contoso.example/portolan"),
    ("mail", "jane@contoso.example"),
    ("email", "jane@contoso.example"),
    ("notification-emails", "jane@contoso.example"),
    ("firstName", "Jane"),
    ("lastName", "Doe"),
];

/// Bodies of which the schema does not say what goes with what, by operation ids.
const BODIES: [(&str, &str); 8] = [
    ("create_publisher", r#"{"id":"contoso","displayText":"Contoso, Ltd."}"#),
    (
        "put_offer",
        r#"{"publisherId":"contoso","offerTypeId":"microsoft-azure-virtualmachines","id":"web-gateway","definition":{}}"#,
    ),
    ("add_member", r#"{"kind":"user","name":"Jane Doe","mail":"jane@contoso.example","roles":["reader"]}"#),
    ("set_member_roles", r#"{"roles":["contributor"]}"#),
    ("add_staff", r#"{"kind":"user","name":"Jane Doe","mail":"jane@portolan.example","roles":["reviewer"]}"#),
    ("set_staff_roles", r#"{"roles":["operator","reviewer"]}"#),
    ("give_verdict", "{}"),
    ("get_token_v2", "scope=https://cloudpartner.azure.com/.default"),
];

/// What a token of version 1 is for.
const RESOURCE: &str = "resource=https://cloudpartner.azure.com";

/// The line for a shell that sends a call.
pub(super) fn curl(described: &Described, operation: &OperationRow, url: &str) -> String {
    let mut line = "curl".to_owned();
    if operation.method != "GET" {
        line = format!("{line} -X {}", operation.method);
    }
    if operation.answers.iter().flat_map(|answer| &answer.bodies).any(|(media, _)| media == "text/event-stream") {
        line += " -N";
    }
    if operation.has_token {
        line += " -H \"Authorization: Bearer $PORTOLAN_TOKEN\"";
    }
    let required = |place: &'static str| {
        operation.parameters.iter().filter(move |parameter| parameter.is_required && parameter.place == place)
    };
    for header in required("header") {
        line = format!("{line} -H {}", quoted(&format!("{}: {}", header.name, for_name(&header.name))));
    }
    let known = BODIES.iter().find(|(id, _)| *id == operation.id).map(|(_, body)| *body);
    match &operation.body {
        Some(body) if body.media == "application/x-www-form-urlencoded" => {
            line += " -d grant_type=client_credentials --data-urlencode \"client_id=$CLIENT_ID\"";
            line += " --data-urlencode \"client_secret=$CLIENT_SECRET\"";
            line = format!("{line} --data-urlencode {}", quoted(known.unwrap_or(RESOURCE)));
        }
        Some(body) => {
            let sample = || sample("", &body.schema, described, DEPTH).to_string();
            let body_type = quoted(&format!("Content-Type: {}", body.media));
            line = format!("{line} -H {body_type} -d {}", quoted(&known.map_or_else(sample, str::to_owned)));
        }
        None => (),
    }
    let path = required("path")
        .fold(operation.path.clone(), |path, one| path.replace(&format!("{{{}}}", one.name), &for_name(&one.name)));
    let query: Vec<String> = required("query")
        .map(|one| match one.name.as_str() {
            API_VERSION_PARAMETER => format!("{API_VERSION_PARAMETER}={API_VERSION}"),
            name => format!("{name}={}", for_name(name)),
        })
        .collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    format!("{line} {}", quoted(&format!("{url}{path}{query}")))
}

fn for_name(name: &str) -> String {
    let known = EXAMPLES.iter().find(|(one, _)| *one == name);
    known.map_or_else(|| name.to_ascii_uppercase().replace('-', "_"), |(_, example)| (*example).to_owned())
}

/// A text for a shell, as it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A value of this schema: what is required of an object, and all of it where nothing is.
fn sample(name: &str, schema: &Value, described: &Described, depth: usize) -> Value {
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(schema) = named(schema).and_then(|name| described.written.get(name)) {
        return sample(name, schema, described, depth);
    }
    for word in ["oneOf", "anyOf", "allOf"] {
        if let Some(first) = schema.get(word).and_then(|parts| parts.get(0)) {
            return sample(name, first, described, depth);
        }
    }
    if let Some(first) = schema.get("enum").and_then(|values| values.get(0)) {
        return first.clone();
    }
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let of = match schema.get("type") {
        Some(Value::Array(several)) => several.first().and_then(Value::as_str),
        of => of.and_then(Value::as_str),
    };
    match (of.unwrap_or_default(), format) {
        ("object", _) => object(schema, described, depth),
        ("array", _) => {
            Value::Array(schema.get("items").map(|item| sample(name, item, described, depth)).into_iter().collect())
        }
        ("integer" | "number", _) => json!(1),
        ("boolean", _) => json!(true),
        (_, "uuid") => json!(GUID),
        (_, "date-time") => json!("2026-11-22T09:41:00Z"),
        _ => EXAMPLES.iter().find(|(one, _)| *one == name).map_or_else(|| json!(name), |(_, example)| json!(example)),
    }
}

fn object(schema: &Value, described: &Described, depth: usize) -> Value {
    let Some(properties) = schema.get("properties").and_then(Value::as_object).filter(|_| depth > 0) else {
        return json!({});
    };
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let chosen = properties.iter().filter(|(name, _)| required.is_empty() || required.contains(&name.as_str()));
    let chosen = chosen.map(|(name, member)| (name.clone(), sample(name, member, described, depth - 1)));
    Value::Object(chosen.collect::<Map<_, _>>())
}
