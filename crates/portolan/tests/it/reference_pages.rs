//! The reference for those who write programs: every call is described with lines that can be used, and every code has a meaning.

use crate::browser::{Browser, says};
use crate::tree;
use crate::world::{Answer, World};
use portolan::web::{codes, command};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// The most that a page may weigh, in bytes of HTML.
const WEIGHT: usize = 35 * 1024;

/// Where the service says codes, beneath the crates' directory.
const SAYING: [&str; 6] = [
    "publishing/src",
    "portolan/src/artifacts",
    "portolan/src/checks",
    "portolan/src/emulator",
    "portolan/src/perform",
    "portolan/src/work",
];

/// Files of those in which such words are names of other things.
const NOT_SAYING: [&str; 4] = ["happening.rs", "lead.rs", "deeds.rs", "principal.rs"];

/// Words elsewhere in those that look like codes, and are names.
const NAMES: [&str; 16] = [
    "AccountKey",
    "AccountName",
    "ArtifactSettings",
    "AzureBlob",
    "AzureTable",
    "Cancel",
    "Currency",
    "DefaultEndpointsProtocol",
    "Dynamics",
    "Host",
    "HttpsEndpoint",
    "Market",
    "Marketo",
    "None",
    "Salesforce",
    "Secrets",
];

fn document() -> Value {
    serde_json::to_value(portolan::http::openapi()).unwrap()
}

/// The id of each operation, with its method and path.
fn operations() -> Vec<(String, String)> {
    let document = document();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            found.push((id, format!("{} {path}", method.to_ascii_uppercase())));
        }
    }
    assert!(found.len() > 80, "the document is not read");
    found
}

/// The text of a box that can be copied.
fn copied(page: &Answer, id: &str) -> String {
    let rest = page.body.split_once(&format!("<pre id=\"{id}\"")).unwrap_or_else(|| panic!("{}", page.body)).1;
    let text = rest.split_once('>').unwrap().1.split_once("</pre>").unwrap().0;
    text.replace("&#34;", "\"").replace("&#39;", "'").replace("&#38;", "&").replace("&#60;", "<").replace("&#62;", ">")
}

/// The addresses of the reference that a page leads to.
fn links(page: &Answer) -> BTreeSet<String> {
    let links = page.body.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    links.filter(|link| link.starts_with("/docs/")).map(|link| link.split('#').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_call_is_reached_from_the_index_and_described() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    assert!(browser.get("/docs").await.body.contains("href=\"/docs/api\""));
    let index = browser.get("/docs/api").await;
    assert!(index.status == 200 && index.body.len() < WEIGHT, "{}: {}", index.body.len(), index.body);
    let mut others = BTreeSet::new();
    for (id, line) in operations() {
        let address = format!("/docs/api/{id}");
        assert!(links(&index).contains(&address) && says(&index, &line), "{id}");
        let page = browser.get(&address).await;
        assert!(page.status == 200 && says(&page, &line), "{id}: {}", page.body);
        assert!(page.body.len() < WEIGHT, "{id}: {} bytes", page.body.len());
        let curl = copied(&page, "curl");
        assert!(curl.starts_with("curl ") && curl.contains(&format!("'{}/", world.public_url)), "{curl}");
        assert!(!curl.contains('{') || curl.contains("-d '"), "{curl}");
        match command(&id).unwrap() {
            Some(command) => assert_eq!(copied(&page, "command"), command),
            None => assert!(says(&page, "There is no command for this call"), "{id}"),
        }
        others.extend(links(&page));
    }
    // Whatever schemas lead to is there too.
    let mut seen = BTreeSet::new();
    while let Some(address) = others.pop_first() {
        if !seen.insert(address.clone()) {
            continue;
        }
        let page = browser.get(&address).await;
        assert!(page.status == 200 && page.body.len() < WEIGHT, "{address}: {}", page.status);
        others.extend(links(&page).into_iter().filter(|link| !seen.contains(link)));
    }
    assert!(seen.iter().any(|address| address == "/docs/api/schemas/StatusDocument"), "{seen:?}");
}

#[tokio::test]
async fn a_line_can_be_sent_as_it_is() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let put = copied(&browser.get("/docs/api/put_offer").await, "curl");
    assert!(put.starts_with("curl -X PUT -H \"Authorization: Bearer $PORTOLAN_TOKEN\" "), "{put}");
    assert!(put.ends_with("/api/publishers/contoso/offers/web-gateway?api-version=2017-10-31'"), "{put}");
    let body = put.split_once(" -d '").unwrap().1.rsplit_once("' ").unwrap().0;
    let body: Value = serde_json::from_str(body).unwrap();
    assert!(body["definition"].is_object() && body["publisherId"] == "contoso", "{body}");
    let follow = copied(&browser.get("/docs/api/follow_offer").await, "curl");
    assert!(follow.starts_with("curl -N "), "{follow}");
    let health = copied(&browser.get("/docs/api/get_health").await, "curl");
    assert!(!health.contains("TOKEN") && !health.contains('?'), "{health}");
    // What was made of schemas satisfies them.
    let document = document();
    for (id, _) in operations() {
        let page = browser.get(&format!("/docs/api/{id}")).await;
        let curl = copied(&page, "curl");
        let Some((_, rest)) = curl.split_once("application/json' -d '") else { continue };
        let body: Value = serde_json::from_str(rest.rsplit_once("' ").unwrap().0).unwrap();
        let operation =
            document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
        let mut operation = operation.filter(|operation| operation["operationId"] == *id);
        let schema = &operation.next().unwrap()["requestBody"]["content"]["application/json"]["schema"];
        let mut whole = schema.clone();
        whole["components"] = document["components"].clone();
        let validator = jsonschema::validator_for(&whole).unwrap();
        assert!(validator.is_valid(&body), "{id}: {body}: {:?}", validator.iter_errors(&body).next());
    }
}

#[tokio::test]
async fn calls_are_searched_in_the_address() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let found = browser.get("/docs/api?q=GoLive").await;
    assert!(says(&found, "1 call") && links(&found).contains("/docs/api/go_live_offer"), "{}", found.body);
    assert!(!links(&found).contains("/docs/api/put_offer"), "{}", found.body);
    let none = browser.get("/docs/api?q=%3Cscript%3E%22").await;
    assert!(none.status == 200 && says(&none, "0 calls"), "{}", none.body);
    assert!(says(&none, "value=\"&#60;script&#62;&#34;\"") && !none.body.contains("<script>"), "{}", none.body);
}

#[tokio::test]
async fn what_is_not_there_says_so_and_is_escaped() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    for address in ["/docs/api/nothing", "/docs/api/schemas/Nothing", "/docs/api/%3Cb%3E", "/docs/api/schemas/%3Cb%3E"]
    {
        let page = browser.get(address).await;
        assert!(page.status == 404 && !page.body.contains("<b>"), "{address}: {}", page.body);
    }
    for code in ["IMG-048", "%3Cb%3E%22%27", "required", &"x".repeat(500)] {
        let page = browser.get(&format!("/docs/rules/{code}")).await;
        assert!(page.status == 200 && says(&page, "not one of the service&#39;s own"), "{code}: {}", page.body);
        assert!(!page.body.contains("<b>"), "{}", page.body);
    }
}

#[tokio::test]
async fn codes_are_told_in_both_languages() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let english = browser.get("/docs/rules").await;
    let chinese = browser.ask("GET", "/docs/rules", &[("accept-language", "zh-CN")], "").await;
    for code in codes() {
        for page in [&english, &chinese] {
            assert!(links(page).contains(&format!("/docs/rules/{code}")), "{code}");
        }
    }
    assert!(
        english.body.len() < WEIGHT && chinese.body.len() < WEIGHT,
        "{} {}",
        english.body.len(),
        chinese.body.len()
    );
    assert!(says(&chinese, "代码的含义") && says(&chinese, "必填内容缺失或为空"), "{}", chinese.body);
    let one = browser.get("/docs/rules/Required").await;
    assert!(says(&one, "missing or empty") && says(&one, "What to do"), "{}", one.body);
    let call = browser.ask("GET", "/docs/api/cancel_offer", &[("accept-language", "zh-CN")], "").await;
    assert!(says(&call, "对调用者的要求") && says(&call, "<p lang=\"en\">"), "{}", call.body);
}

#[test]
fn every_operation_has_its_row_among_the_commands() {
    let known: BTreeSet<_> = operations().into_iter().map(|(id, _)| id).collect();
    let tree = tree::tree();
    for id in &known {
        let Some(line) = command(id).unwrap_or_else(|| panic!("{id} has no row")) else { continue };
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(words[0], "portolan", "{line}");
        let is_begin = |path: &[String]| words[1..].starts_with(&path.iter().map(String::as_str).collect::<Vec<_>>());
        let node = tree.iter().filter(|node| is_begin(&node.path)).max_by_key(|node| node.path.len()).unwrap();
        assert!(!node.path.is_empty() && !node.help.contains("\nCommands:\n"), "{line} is no command");
        for flag in words.iter().filter(|word| word.starts_with('-')) {
            assert!(node.help.contains(*flag), "{line}: {flag} is no flag");
        }
    }
    assert_eq!(command("nothing"), None);
}

/// The words in quotes that look like codes, tests apart.
fn said(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            said(&path, found);
            continue;
        }
        if NOT_SAYING.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.split("#[cfg(test)]").next().unwrap().lines().filter(|line| !line.trim().starts_with("//")) {
            let is_code = |word: &str| {
                word.len() > 3
                    && word.starts_with(|c: char| c.is_ascii_uppercase())
                    && word.contains(|c: char| c.is_ascii_lowercase())
                    && word.chars().all(|c| c.is_ascii_alphabetic())
            };
            found.extend(line.split('"').skip(1).step_by(2).filter(|word| is_code(word)).map(str::to_owned));
        }
    }
}

#[test]
fn every_code_that_the_service_says_has_a_meaning() {
    let mut found = BTreeSet::new();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for directory in SAYING {
        said(&crates.join(directory), &mut found);
    }
    let codes: BTreeSet<&str> = codes().collect();
    assert!(found.contains("SheetCell") && found.contains("CheckCannotRun"), "the sources are not read");
    let unknown: Vec<_> =
        found.iter().filter(|code| !codes.contains(code.as_str()) && !NAMES.contains(&code.as_str())).collect();
    assert!(unknown.is_empty(), "no row in web/rules.rs for {unknown:?}");
    let document = document();
    let errors = document["components"]["schemas"]["ErrorCode"]["enum"].as_array().unwrap();
    for code in errors.iter().map(|code| code.as_str().unwrap()) {
        assert!(codes.contains(code), "no row in web/rules.rs for {code}");
        found.insert(code.to_owned());
    }
    for code in codes {
        assert!(found.contains(code), "nothing says {code}");
    }
}
