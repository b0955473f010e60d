//! kill -9 while a check is outside the service: with an outside system, with a program; the example checker; the reference library.

use crate::binary::{PUBLIC_URL, Portolan, command, curl, watch};
use crate::kill::check_journal;
use crate::outside::{KEY, Reply, Seen, System, passed, running, secret_file, signature};
use crate::python::python;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

const TYPE: &str = r#"
id = "checked"
display_text = "Checked"
[[step]]
id = "certify"
name = "Certify"
description = "It is looked at elsewhere."
checks = [CHECK]
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

/// Writes a type with a check of this kind, and settings with this checker; gives the settings' path.
fn write(data: &Path, kind: &str, checker: &str) -> String {
    let check = format!(r#"{{ kind = "{kind}", checker = "probe" }}"#);
    std::fs::write(data.join("checked.toml"), TYPE.replace("CHECK", &check)).unwrap();
    secret_file(data, KEY);
    let settings = format!("offer_types = [\"checked.toml\"]\n[[checker]]\nname = \"probe\"\n{checker}\n");
    let path = data.join("settings.toml");
    std::fs::write(&path, settings).unwrap();
    path.to_str().unwrap().to_owned()
}

fn by_http(address: std::net::SocketAddr) -> String {
    format!("url = \"http://{address}/start\"\nsecret_file = \"probe.secret\"")
}

fn at(service: &Portolan, offer: &str, rest: &str) -> String {
    format!("{}/api/publishers/contoso/offers/{offer}{rest}?api-version=2017-10-31", service.url)
}

fn publish(service: &Portolan, offer: &str, definition: &Value) {
    let body = json!({"publisherId": "contoso", "id": offer, "offerTypeId": "checked", "definition": definition});
    let body = body.to_string();
    let put = ["--request", "PUT", "--header", "Content-Type: application/json", "--data", &body];
    assert_eq!(curl(&[&put[..], &[at(service, offer, "").as_str()]].concat()).0, 201);
    assert_eq!(curl(&["--request", "POST", &at(service, offer, "/publish")]).0, 202);
}

fn kill(service: &mut Portolan) {
    service.child.kill().unwrap();
    service.child.wait().unwrap();
}

async fn done_by_workers(data: tempfile::TempDir) -> usize {
    tokio::task::spawn_blocking(move || check_journal(data.path())).await.unwrap()
}

/// Lets the reference library verify a start request and sign a callback; does it in our own way where there is no Python.
fn signed(start: &Seen, callback: &str) -> BTreeMap<String, String> {
    let Some(python) = python() else {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let signature = signature(KEY, "m", i64::try_from(now).unwrap(), callback);
        let headers = [("webhook-id", "m"), ("webhook-timestamp", &now.to_string()), ("webhook-signature", &signature)];
        return headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    };
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: BTreeMap<&str, &str> = names.iter().map(|name| (*name, start.header(name))).collect();
    let secret = format!("whsec_{}", STANDARD.encode(KEY));
    let given = json!({"secret": secret, "headers": headers, "body": start.body, "callback": callback});
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/with_standardwebhooks.py");
    let mut child = Command::new(python).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the library does not take what we sign");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outside_check_goes_on_wherever_the_service_is_killed() {
    let data = tempfile::tempdir().unwrap();
    let system = System::start(|_| Reply { after: Duration::from_secs(60), ..passed() }).await;
    let settings = write(data.path(), "http", &by_http(system.address));
    let serve = || Portolan::serve(data.path(), &["--config", &settings]);
    let mut service = serve();
    publish(&service, "memo-1", &json!({"displayText": "Rows"}));
    let first = system.asked(1).await;
    kill(&mut service);
    // It was asked, and nobody knows what it would have said: it is asked again, by the same name.
    system.tell(|_| running());
    let mut service = serve();
    let again = system.asked(2).await;
    assert_eq!((again.id(), &again.json()["id"]), (first.id(), &first.json()["id"]));
    tokio::time::sleep(Duration::from_millis(800)).await;
    kill(&mut service);
    let mut service = serve();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(system.count(), 2, "it has taken the check, and calls back");

    let callback = json!({"id": first.json()["id"], "sequence": 1, "state": "passed"}).to_string();
    let url = again.json()["data"]["callbackUrl"].as_str().unwrap().to_owned();
    let path = url.strip_prefix(PUBLIC_URL).unwrap();
    let headers = signed(&again, &callback);
    let call = async |service: &Portolan| -> Value {
        let mut request = reqwest::Client::new().post(format!("{}{path}", service.url)).body(callback.clone());
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
    };
    assert_eq!(call(&service).await, json!({"applied": true}));
    kill(&mut service);
    let mut service = serve();
    assert_eq!(call(&service).await["applied"], false, "what was applied once is known after a kill");
    watch(&at(&service, "memo-1", "/status"), "waitingForPublisherReview");
    kill(&mut service);
    assert_eq!(done_by_workers(data).await, 1, "the listing, once; the check was done by the callback");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_run_again_where_the_service_was_killed() {
    let data = tempfile::tempdir().unwrap();
    let ran = data.path().join("ran");
    let file = ran.display();
    let script = format!(r#"echo $$ >> {file}; [ $(wc -l < {file}) = 1 ] && sleep 30; echo '{{"report":"passed"}}'"#);
    std::fs::write(data.path().join("check.sh"), script).unwrap();
    let command = format!("command = [\"/bin/sh\", \"{}\"]", data.path().join("check.sh").display());
    let settings = write(data.path(), "command", &command);
    let mut service = Portolan::serve(data.path(), &["--config", &settings]);
    publish(&service, "memo-1", &json!({}));
    for _ in 0..1_000 {
        if ran.exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    kill(&mut service);
    assert_eq!(std::fs::read_to_string(&ran).unwrap().lines().count(), 1);
    let mut service = Portolan::serve(data.path(), &["--config", &settings]);
    watch(&at(&service, "memo-1", "/status"), "waitingForPublisherReview");
    assert_eq!(std::fs::read_to_string(&ran).unwrap().lines().count(), 2);
    kill(&mut service);
    assert_eq!(done_by_workers(data).await, 2);
}

struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_example_checker_works_with_the_service() {
    if std::env::var_os("PORTOLAN_WITHOUT_PYTHON").is_some_and(|set| !set.is_empty()) {
        println!("skipped: PORTOLAN_WITHOUT_PYTHON is set");
        return;
    }
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (here, there) = (free(), free());
    let data = tempfile::tempdir().unwrap();
    let checker = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/checker.py");
    let secret = format!("whsec_{}", STANDARD.encode(KEY));
    let mut python = Command::new("python3");
    let python = python.arg(checker).arg(there.port().to_string()).env("CHECKER_SECRET", secret);
    let _python = Ended(python.stderr(Stdio::null()).spawn().unwrap());
    let settings = write(data.path(), "http", &by_http(there));
    let url = format!("http://{here}");
    let service = Portolan::serve_at(&here.to_string(), &url, data.path(), &["--config", &settings]);
    publish(&service, "named", &json!({"displayText": "Rows"}));
    publish(&service, "nameless", &json!({"displayText": " "}));
    watch(&at(&service, "named", "/status"), "waitingForPublisherReview");
    watch(&at(&service, "nameless", "/status"), "failed");
    let (_, status) = curl(&[&at(&service, "nameless", "/status")]);
    assert!(status.contains("NAME-1") && status.contains("The offer has no name."), "{status}");
}

#[test]
fn a_pipeline_that_names_a_checker_that_is_not_there_does_not_start() {
    let data = tempfile::tempdir().unwrap();
    let settings = write(data.path(), "http", "command = [\"/bin/true\"]");
    let mut serve = command();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--config", &settings, "--data"]).arg(data.path());
    let output = serve.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    for part in ["checked.toml", "settings.toml", "\"certify\"", "\"probe\"", "`url`"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
