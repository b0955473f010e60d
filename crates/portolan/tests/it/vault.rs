//! Secrets at rest: sealed for their row, sealed anew when keys are rotated, and found nowhere but in the vault.

use crate::binary::{Portolan, command, curl, watch};
use crate::store::{key, perform, publish, publisher, save};
use crate::world::{START, opened};
use portolan::store::{Sqlite, Store, StoreError};
use portolan::vault::is_sealed;
use publishing::command::Command;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

/// The secret of the memos that `store::save` saves.
const SECRET: &str = "hush";

const CANARY: &str = "canary4d5e9b7c2f";

/// A type whose definitions must have a secret of a certain form.
const TYPE: &str = r#"
id = "locked"
display_text = "Locked"
schema = "locked.schema.json"
[[step]]
id = "validate"
name = "Validate"
description = "It is read."
checks = [{ kind = "definition" }, { kind = "artifacts" }]
[[step]]
id = "package"
name = "Package"
description = "The preview is put in place."
checks = [{ kind = "listing" }]
[[step]]
id = "publisher-signoff"
name = "Sign off"
description = "The publisher looks."
checks = [{ kind = "sign-off" }]
[[step]]
id = "live"
name = "Live"
description = "Customers see it."
checks = [{ kind = "promote" }]
"#;

const SCHEMA: &str = r#"{
  "required": ["lock"],
  "properties": { "lock": { "required": ["key"], "properties": {
    "key": { "type": ["string", "null"], "writeOnly": true, "pattern": "^canary", "maxLength": 40 }
  } } }
}"#;

/// Writes a key file, readable by its owner only, with these keys, each of one digit.
fn write_keys(data: &Path, digits: &str) {
    let path = data.join("secret.key");
    let _ = std::fs::remove_file(&path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).unwrap();
    for digit in digits.chars() {
        writeln!(file, "key-{digit} {}", digit.to_string().repeat(64)).unwrap();
    }
}

/// Opens the store once whoever had it has let go of it.
pub fn reopened(data: &Path) -> Result<Sqlite, StoreError> {
    loop {
        match opened(data) {
            Err(StoreError::Unavailable(said)) if said.contains("in use") => std::thread::yield_now(),
            other => return other,
        }
    }
}

/// The names of the files in a directory, but for the key file, that hold these bytes.
pub fn holding(data: &Path, bytes: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(data).unwrap() {
        let (name, path) = entry.map(|entry| (entry.file_name().into_string().unwrap(), entry.path())).unwrap();
        // The log is gone once the last who had it open has let go.
        let Ok(there) = std::fs::read(path) else { continue };
        if name != "secret.key" && there.windows(bytes.len()).any(|window| window == bytes.as_bytes()) {
            found.push(name);
        }
    }
    found
}

/// A store with two memos, each with a secret, of which the first is published; closed again.
async fn two_memos(data: &Path) {
    let store: Arc<dyn Store> = Arc::new(opened(data).unwrap());
    store.add_publisher(publisher("Contoso")).await.unwrap();
    perform(&store, &key("memo-1"), save(), START).await;
    perform(&store, &key("memo-2"), save(), START).await;
    perform(&store, &key("memo-1"), publish(), START.plus_seconds(1)).await;
}

pub fn column(data: &Path, query: &str) -> Vec<String> {
    let database = Connection::open(data.join("portolan.db")).unwrap();
    let mut statement = database.prepare(query).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

const STORED: &str = "SELECT secrets FROM draft UNION ALL SELECT secrets FROM version";

#[tokio::test]
async fn secrets_are_sealed_and_what_is_moved_to_another_row_does_not_open() {
    let data = tempfile::tempdir().unwrap();
    two_memos(data.path()).await;
    let store = reopened(data.path()).unwrap();
    let stored = store.load(&key("memo-1")).await.unwrap().unwrap();
    assert_eq!(stored.offer.draft.secrets.0["/password"], SECRET);
    let snapshot = store.snapshot(&key("memo-1"), 1).await.unwrap().unwrap();
    assert_eq!(snapshot.draft.secrets, stored.offer.draft.secrets);
    drop(store);
    let texts = column(data.path(), STORED);
    assert!(texts.len() == 3 && texts.iter().all(|text| is_sealed(text)), "{texts:?}");
    assert_eq!(holding(data.path(), SECRET), [""; 0]);

    let database = Connection::open(data.path().join("portolan.db")).unwrap();
    database
        .execute_batch(
            "UPDATE version SET secrets = (SELECT secrets FROM draft WHERE offer = 'memo-1');
             UPDATE draft SET secrets = (SELECT secrets FROM draft AS other WHERE other.offer <> draft.offer)",
        )
        .unwrap();
    drop(database);
    let store = reopened(data.path()).unwrap();
    let draft = store.load(&key("memo-1")).await.unwrap_err().to_string();
    let version = store.snapshot(&key("memo-1"), 1).await.unwrap_err().to_string();
    assert!(draft.contains("corrupt: draft.secrets/contoso/memo-1: it does not open"), "{draft}");
    assert!(version.contains("corrupt: version.secrets/contoso/memo-1/1: it does not open"), "{version}");
}

#[tokio::test]
async fn what_cannot_be_read_is_not_quoted() {
    let data = tempfile::tempdir().unwrap();
    two_memos(data.path()).await;
    let database = Connection::open(data.path().join("portolan.db")).unwrap();
    database.execute("UPDATE draft SET secrets = '\"hush\"' WHERE offer = 'memo-1'", []).unwrap();
    drop(database);
    let error = reopened(data.path()).unwrap_err().to_string();
    assert!(error.contains("draft.secrets/contoso/memo-1: these are no secrets") && !error.contains(SECRET), "{error}");
}

#[test]
fn what_is_printed_for_debugging_names_no_secret() {
    let Command::SaveDraft { definition, .. } = save() else { panic!() };
    assert!(definition.0.contains(SECRET));
    assert!(!format!("{:?}", save()).contains(SECRET));
}

#[tokio::test]
async fn a_new_key_on_top_takes_over_at_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    write_keys(data.path(), "1");
    two_memos(data.path()).await;
    assert!(column(data.path(), STORED).iter().all(|text| text.starts_with("v1.key-1.")));
    write_keys(data.path(), "21");
    drop(reopened(data.path()).unwrap());
    assert!(column(data.path(), STORED).iter().all(|text| text.starts_with("v1.key-2.")));
    write_keys(data.path(), "2");
    let store = reopened(data.path()).unwrap();
    let stored = store.load(&key("memo-1")).await.unwrap().unwrap();
    assert_eq!(stored.offer.draft.secrets.0["/password"], SECRET);
    assert!(store.snapshot(&key("memo-1"), 1).await.unwrap().is_some());
    drop(store);
    write_keys(data.path(), "3");
    let error = reopened(data.path()).unwrap_err().to_string();
    assert!(error.contains("the key \"key-2\"") && error.contains("put the line of that key back"), "{error}");
    write_keys(data.path(), "32");
    let store = reopened(data.path()).unwrap();
    assert!(store.load(&key("memo-2")).await.unwrap().is_some(), "the refusal has changed nothing");
}

/// A database as it was before there were keys, left by a kill: plain secrets in rows, in free pages, and in the log.
fn written_before(data: &Path) {
    let elsewhere = tempfile::tempdir().unwrap();
    let database = Connection::open(elsewhere.path().join("portolan.db")).unwrap();
    database.pragma_update(None, "journal_mode", "WAL").unwrap();
    database.execute_batch(include_str!("../../migrations/sqlite/0001_spine.sql")).unwrap();
    database.pragma_update(None, "user_version", 1).unwrap();
    let plain = json!({ "/password": CANARY }).to_string();
    let long = json!({ "/password": CANARY.repeat(5_000) }).to_string();
    database
        .execute_batch(
            "INSERT INTO publisher VALUES ('contoso', 'Contoso', 'Contoso, Ltd.', '1', 1, 0, x'00');
             INSERT INTO offer VALUES ('contoso', 'memo-1', 1, 'memo', 2, 'neverPublished', 'A memo', 1, 1, NULL, NULL,
                                       NULL, '[]', '\"1\"', x'7b7d');",
        )
        .unwrap();
    let insert = "INSERT INTO draft VALUES ('contoso', ?1, ?2, '{}')";
    for (offer, secrets) in [("memo-1", plain.as_str()), ("memo-2", &long), ("memo-3", &long), ("memo-4", "{}")] {
        database.execute(insert, [offer, secrets]).unwrap();
    }
    database.execute("INSERT INTO version VALUES ('contoso', 'memo-1', 1, 1, 1, ?1, '{}')", [&plain]).unwrap();
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    database.execute("DELETE FROM draft WHERE offer = 'memo-2'", []).unwrap();
    database.execute("UPDATE draft SET secrets = '{}' WHERE offer = 'memo-3'", []).unwrap();
    database.execute("UPDATE draft SET definition = '{\"n\":1}' WHERE offer = 'memo-1'", []).unwrap();
    for file in ["portolan.db", "portolan.db-wal"] {
        std::fs::copy(elsewhere.path().join(file), data.join(file)).unwrap();
    }
}

#[tokio::test]
async fn plain_secrets_of_an_older_database_are_sealed_and_gone_from_its_files() {
    let data = tempfile::tempdir().unwrap();
    written_before(data.path());
    let mut before = holding(data.path(), CANARY);
    before.sort();
    assert_eq!(before, ["portolan.db", "portolan.db-wal"]);
    let store = opened(data.path()).unwrap();
    assert_eq!(holding(data.path(), CANARY), [""; 0]);
    let stored = store.load(&key("memo-1")).await.unwrap().unwrap();
    assert_eq!(stored.offer.draft.secrets.0["/password"], CANARY);
    assert_eq!(stored.offer.draft.definition, "{\"n\":1}");
    let snapshot = store.snapshot(&key("memo-1"), 1).await.unwrap().unwrap();
    assert_eq!(snapshot.draft.secrets, stored.offer.draft.secrets);
    drop(store);
    drop(reopened(data.path()).unwrap());
    let texts = column(data.path(), STORED);
    assert_eq!(texts.iter().filter(|text| is_sealed(text)).count(), 2);
    assert_eq!(texts.iter().filter(|text| *text == "{}").count(), 2, "what is empty stays as it is");
}

#[test]
fn a_kill_between_sealing_and_tidying_up_is_made_good_by_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    drop(opened(data.path()).unwrap());
    let rest = || {
        let database = Connection::open(data.path().join("portolan.db")).unwrap();
        database.pragma_update(None, "secure_delete", false).unwrap();
        let long = CANARY.repeat(5_000);
        database.execute("INSERT INTO draft VALUES ('contoso', 'memo-1', ?1, '{}')", [&long]).unwrap();
        database.execute("DELETE FROM draft", []).unwrap();
        database
    };
    drop(rest());
    let store = reopened(data.path()).unwrap();
    assert_eq!(holding(data.path(), CANARY), ["portolan.db"], "nobody has asked for tidying up, which takes a while");
    drop(store);
    rest().execute("UPDATE scrub SET wanted = 1", []).unwrap();
    let _store = reopened(data.path()).unwrap();
    assert_eq!(holding(data.path(), CANARY), [""; 0]);
    assert_eq!(column(data.path(), "SELECT CAST(wanted AS TEXT) FROM scrub"), ["0"]);
}

/// Starts a service that must not start; gives what it said.
fn refused(data: &Path, more: &[&str]) -> String {
    let mut serve = command();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(more);
    let output = serve.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn without_its_key_file_a_service_with_secrets_does_not_start() {
    let data = tempfile::tempdir().unwrap();
    let key_file = data.path().join("secret.key");
    drop(Portolan::serve(data.path(), &[]));
    std::fs::remove_file(&key_file).unwrap();
    let said = refused(data.path(), &[]);
    assert!(said.contains("is missing, and the database in"), "its tokens are signed by a key that is sealed: {said}");

    let elsewhere = tempfile::tempdir().unwrap();
    two_memos(elsewhere.path()).await;
    drop(reopened(elsewhere.path()).unwrap());
    let (data, key_file) = (elsewhere.path(), elsewhere.path().join("secret.key"));
    let moved = tempfile::tempdir().unwrap();
    let moved = moved.path().join("moved.key");
    std::fs::copy(&key_file, &moved).unwrap();
    std::fs::remove_file(&key_file).unwrap();
    for more in [&[][..], &["--key-file", "/nowhere/at/all.key"]] {
        let said = refused(data, more);
        assert!(said.contains("is missing, and the database in") && said.contains("put the file back"), "{said}");
        assert!(!key_file.exists(), "no key was made in its place");
    }
    std::fs::set_permissions(&moved, Permissions::from_mode(0o644)).unwrap();
    let said = refused(data, &["--key-file", moved.to_str().unwrap()]);
    assert!(said.contains(&format!("chmod 600 {}", moved.display())), "{said}");
    std::fs::set_permissions(&moved, Permissions::from_mode(0o600)).unwrap();
    let service = Portolan::serve(data, &["--key-file", moved.to_str().unwrap()]);
    let offer = format!("{}/api/publishers/contoso/offers/memo-1?api-version=2017-10-31", service.url);
    assert_eq!(curl(&[&offer]).0, 200);
    assert!(!key_file.exists());
}

/// Every address that can be read, with the parts that vary filled in from the life of one offer.
fn every_address(url: &str, submissions: &str) -> Vec<String> {
    let description: Value = serde_json::from_str(&curl(&[&format!("{url}/openapi.json")]).1).unwrap();
    let submissions: Value = serde_json::from_str(submissions).unwrap();
    let robot = r#"{"kind":"servicePrincipal","name":"robot","roles":["reader"]}"#;
    let added = curl(&["--data", robot, &format!("{url}/api/publishers/contoso/members?api-version=2017-10-31")]).1;
    let added: Value = serde_json::from_str(&added).unwrap();
    let hook = format!(r#"{{"url":"https://127.0.0.1/?key={CANARY}","secret":"whsec_{CANARY}{CANARY}{CANARY}"}}"#);
    let hooked = ["/api/publishers/contoso/subscriptions", "/api/subscriptions"].map(|at| {
        let added = curl(&["--data", &hook, &format!("{url}{at}?api-version=2017-10-31")]).1;
        let added: Value = serde_json::from_str(&added).unwrap();
        added["subscription"]["id"].as_str().unwrap().to_owned()
    });
    let staff: Value = serde_json::from_str(&curl(&[&format!("{url}/api/staff?api-version=2017-10-31")]).1).unwrap();
    let mut addresses = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        // An artifact is a file of the publisher's, and this offer names none.
        if item.get("get").is_none() || path.starts_with("/artifacts/") {
            continue;
        }
        let path = path.replace("{publisherId}", "contoso").replace("{offerId}", "safe").replace("{version}", "1");
        let member = if path.starts_with("/api/staff") { &staff[0]["id"] } else { &added["member"]["id"] };
        let path = path.replace("{memberId}", member.as_str().unwrap()).replace("{tenant}", "common");
        let hook = if path.starts_with("/api/subscriptions") { &hooked[1] } else { &hooked[0] };
        let path = path.replace("{stepId}", "validate").replace("{subscriptionId}", hook);
        let slots = ["draft", "preview", "production"].map(|slot| path.replace("{slot}", slot));
        let mut filled: Vec<String> = if path.contains("{slot}") { slots.to_vec() } else { vec![path] };
        if filled[0].starts_with("/api/operations/") {
            filled = vec![
                "/api/operations/contoso$safe$2$preview".into(),
                "/api/operations/contoso$safe$2$production".into(),
            ];
        }
        for path in filled {
            for submission in submissions.as_array().unwrap() {
                let path = path.replace("{operationId}", submission["id"].as_str().unwrap());
                assert!(!path.contains('{'), "this test knows no value for {path}");
                let all = if path.ends_with("/events") { "&lastEventId=0" } else { "" };
                addresses.push(format!("{url}{path}?api-version=2017-10-31{all}"));
            }
        }
    }
    addresses.sort();
    addresses.dedup();
    addresses
}

#[test]
fn a_secret_is_judged_and_is_in_no_answer_no_log_line_and_no_file() {
    let data = tempfile::tempdir().unwrap();
    let settings = tempfile::tempdir().unwrap();
    for (name, text) in
        [("locked.toml", TYPE), ("locked.schema.json", SCHEMA), ("settings.toml", "offer_types = [\"locked.toml\"]\n")]
    {
        std::fs::write(settings.path().join(name), text).unwrap();
    }
    let settings = settings.path().join("settings.toml");
    let mut service = Portolan::serve(data.path(), &["--config", settings.to_str().unwrap(), "--log-level", "trace"]);
    let url = service.url.clone();
    let at = |rest: &str| format!("{url}/api/publishers/contoso/offers/safe{rest}?api-version=2017-10-31");
    let mut heard = Vec::new();
    let mut put = |lock: Value| {
        let definition = json!({ "displayText": "A safe", "lock": lock });
        let body = json!({ "publisherId": "contoso", "id": "safe", "offerTypeId": "locked", "definition": definition });
        let answer = curl(&[
            "--request",
            "PUT",
            "--header",
            "Content-Type: application/json",
            "--data",
            &body.to_string(),
            &at(""),
        ]);
        heard.push(answer.1);
        answer.0
    };
    assert_eq!(put(json!({})), 201);
    let (status, body) = curl(&["--request", "POST", &at("/publish")]);
    assert!(status == 422 && body.contains("/definition/lock/key"), "{body}");
    for faulty in [format!("not-{CANARY}"), CANARY.repeat(3)] {
        assert_eq!(put(json!({ "key": faulty })), 200);
        let (status, body) = curl(&["--request", "POST", &at("/publish")]);
        assert!(status == 422 && body.contains("/definition/lock/key"), "{body}");
        assert!(!body.contains(CANARY), "{body}");
    }
    assert_eq!(put(json!({ "key": [CANARY] })), 400);
    assert_eq!(put(json!({ "key": CANARY })), 200);
    assert_eq!(put(json!({})), 200, "what is not sent is kept");
    assert_eq!(curl(&["--request", "POST", &at("/publish")]).0, 202);
    watch(&at("/status"), "waitingForPublisherReview");
    assert_eq!(curl(&["--request", "POST", &at("/golive")]).0, 202);
    watch(&at("/status"), "succeeded");

    let addresses = every_address(&url, &curl(&[&at("/submissions")]).1);
    for address in &addresses {
        let (status, body) = curl(&["--include", address]);
        let expected = match address {
            // Who asks belongs to the publisher, and so reviews none of its offers.
            address if address.contains("/validate?") => 403,
            // Nobody follows by mail.
            address if address.contains("/notifications/mail?") => 404,
            _ => 200,
        };
        assert_eq!(status, expected, "{address}: {body}");
        heard.push(body);
    }
    assert!(addresses.len() >= 17, "{addresses:?}");
    assert!(heard.iter().all(|body| !body.contains(CANARY)));
    assert_eq!(holding(data.path(), CANARY), [""; 0], "while it runs");
    service.signal("TERM");
    assert!(service.child.wait().unwrap().success());
    let logged = service.logging.take().unwrap().join().unwrap();
    assert!(logged.contains("answered"), "every request is logged: {logged}");
    let telling: Vec<&str> = service.said.lines().chain(logged.lines()).filter(|line| line.contains(CANARY)).collect();
    assert_eq!(telling, [""; 0]);
    assert_eq!(holding(data.path(), CANARY), [""; 0], "after it has stopped");
    assert!(column(data.path(), STORED).iter().all(|text| is_sealed(text)));
}
