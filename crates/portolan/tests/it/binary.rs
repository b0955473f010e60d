//! The `portolan` binary as somebody runs it: the process, its output, its exits.

use serde_json::Value;
use std::cell::RefCell;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

thread_local! {
    /// The token for the service that this test started last.
    static TOKEN: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The token for the service that this test started last.
pub fn token() -> String {
    TOKEN.with_borrow(String::clone)
}

/// Does something on this thread with that token.
pub fn with_token<T>(token: String, what: impl FnOnce() -> T) -> T {
    TOKEN.set(token);
    what()
}

/// How services are named in their tokens, whatever port they got.
pub const PUBLIC_URL: &str = "http://portolan.test";

/// A running `portolan`, killed when the test lets go of it.
pub struct Portolan {
    pub child: Child,
    pub url: String,
    /// What it printed up to when it was ready.
    pub said: String,
    /// Reads what it logs after that, to the end.
    pub logging: Option<JoinHandle<String>>,
}

impl Drop for Portolan {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PORTOLAN_")) {
        command.env_remove(name);
    }
    command
}

impl Portolan {
    /// `portolan demo` on a free port.
    pub fn demo() -> Self {
        let mut command = command();
        command.args(["demo", "--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut said = String::new();
        for line in BufReader::new(child.stdout.as_mut().unwrap()).lines() {
            said.push_str(&line.unwrap());
            said.push('\n');
            if said.contains("/openapi.json") {
                break;
            }
        }
        let word = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        let url = word("URL ");
        TOKEN.set(word("token "));
        Self { child, url, said, logging: None }
    }

    /// `portolan serve` on a directory and a free port, with more arguments; waits until it says it is ready.
    pub fn serve(data: &Path, more: &[&str]) -> Self {
        Self::serve_at("127.0.0.1:0", PUBLIC_URL, data, more)
    }

    /// The same, at this address.
    pub fn serve_at(listen: &str, public_url: &str, data: &Path, more: &[&str]) -> Self {
        let mut command = command();
        command.args(["serve", "--listen", listen, "--public-url", public_url, "--log", "json"]).args(more);
        command.arg("--data").arg(data);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        let url = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "it ended before it was ready: {said}");
            said.push_str(&line);
            let entry: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            if let Some(address) = entry["address"].as_str() {
                break format!("http://{address}");
            }
        };
        // Whoever writes to a pipe that nobody reads is killed: go on reading.
        let logging = std::thread::spawn(move || {
            let mut logged = String::new();
            log.read_to_string(&mut logged).unwrap();
            logged
        });
        let kept = data.join("the-tests-token");
        if !kept.exists() {
            let secret = setup_secret(&mut child);
            std::fs::write(&kept, set_up(&url, &secret)).unwrap();
        }
        TOKEN.set(std::fs::read_to_string(&kept).unwrap());
        Self { child, url, said, logging: Some(logging) }
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }
}

/// The setup secret that a fresh service prints.
pub fn setup_secret(child: &mut Child) -> String {
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.trim().starts_with("pset_")).unwrap().trim().to_owned()
}

/// Makes the first operator and the publisher contoso, with one service principal for all; gives its token.
pub fn set_up(url: &str, secret: &str) -> String {
    let api = |path: &str| format!("{url}/api{path}?api-version=2017-10-31");
    TOKEN.set(secret.to_owned());
    let operator = r#"{"kind":"servicePrincipal","name":"admin","roles":["operator","reviewer"]}"#;
    let (status, added) = curl(&["--data", operator, &api("/staff")]);
    assert_eq!(status, 201, "{added}");
    let added: Value = serde_json::from_str(&added).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&resource=https://cloudpartner.azure.com",
        text(&added["member"]["applicationId"]),
        text(&added["secret"]["value"])
    );
    let (status, answer) = curl(&["--data", &form, &format!("{url}/common/oauth2/token")]);
    assert_eq!(status, 200, "{answer}");
    TOKEN.set(text(&serde_json::from_str::<Value>(&answer).unwrap()["access_token"]));
    // It may be there already, in a database that a test has filled.
    assert!(matches!(curl(&["--data", r#"{"id":"contoso"}"#, &api("/publishers")]).0, 201 | 409));
    let owner = format!(r#"{{"id":{},"roles":["owner"]}}"#, added["member"]["id"]);
    assert_eq!(curl(&["--data", &owner, &api("/publishers/contoso/members")]).0, 201);
    token()
}

/// Asks with curl, as a person would; gives status and body.
pub fn curl(arguments: &[&str]) -> (u16, String) {
    let mut command = Command::new("curl");
    // An event stream does not end.
    let longest = if arguments.iter().any(|argument| argument.contains("/events?")) { "2" } else { "20" };
    command.args(["--silent", "--max-time", longest, "--write-out", "\n%{http_code}"]);
    command.args(["--header", &format!("Authorization: Bearer {}", token())]).args(arguments);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

/// Asks again and again until the status document has this status; gives every step status that was seen.
pub fn watch(url: &str, until: &str) -> Vec<Vec<String>> {
    let began = Instant::now();
    let mut seen: Vec<Vec<String>> = Vec::new();
    loop {
        let (status, body) = curl(&[url]);
        assert_eq!(status, 200, "{body}");
        let document: Value = serde_json::from_str(&body).unwrap();
        let steps = document["steps"].as_array().unwrap();
        let steps: Vec<String> = steps.iter().map(|step| step["status"].as_str().unwrap().to_owned()).collect();
        if seen.last() != Some(&steps) {
            seen.push(steps);
        }
        if document["status"] == until {
            return seen;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "still {} after a minute: {body}", document["status"]);
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn the_demo_has_every_status_and_its_two_lines_work() {
    let demo = Portolan::demo();
    let curls: Vec<&str> = demo.said.lines().map(str::trim).filter(|line| line.starts_with("curl ")).collect();
    assert_eq!(curls.len(), 2, "{}", demo.said);
    for line in &curls {
        let output = Command::new("sh").args(["-c", &format!("{line} --silent --include")]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.starts_with("HTTP/1.1 2"), "{line}: {text}");
    }
    let offers = format!("{}/api/publishers/contoso/offers", demo.url);
    let list: Value = serde_json::from_str(&curl(&[&format!("{offers}?api-version=2017-10-31")]).1).unwrap();
    let (mut offer_words, mut step_words) = (Vec::new(), Vec::new());
    for offer in list.as_array().unwrap() {
        let id = offer["id"].as_str().unwrap();
        let (_, body) = curl(&[&format!("{offers}/{id}/status?api-version=2017-10-31")]);
        let document: Value = serde_json::from_str(&body).unwrap();
        assert!(id == "vm-never-published" || document["status"] == offer["status"]);
        offer_words.push(offer["status"].as_str().unwrap().to_owned());
        step_words.extend(
            document["steps"].as_array().unwrap().iter().map(|step| step["status"].as_str().unwrap().to_owned()),
        );
    }
    // One of the two lines has published the offer that had never been.
    offer_words.push("neverPublished".to_owned());
    for (words, all) in [
        (
            offer_words,
            &[
                "canceled",
                "failed",
                "neverPublished",
                "notStarted",
                "running",
                "succeeded",
                "waitingForPublisherReview",
            ][..],
        ),
        (
            step_words,
            &[
                "blocked",
                "canceled",
                "complete",
                "inProgress",
                "notStarted",
                "rejected",
                "waitingForApproval",
                "waitingForPublisherReview",
            ][..],
        ),
    ] {
        for word in all {
            assert!(words.iter().any(|seen| seen == word), "no {word} in the demo");
        }
    }
}

#[test]
fn in_the_demo_a_client_goes_from_put_to_live_unattended() {
    let demo = Portolan::demo();
    let offer = format!("{}/api/publishers/contoso/offers/my-gateway", demo.url);
    let at = |rest: &str| format!("{offer}{rest}?api-version=2017-10-31");
    let definition = include_str!("../web-gateway.json");
    let body = format!(
        r#"{{"publisherId":"contoso","id":"my-gateway","offerTypeId":"microsoft-azure-virtualmachines","definition":{definition}}}"#
    );
    let put = curl(&["--request", "PUT", "--header", "Content-Type: application/json", "--data", &body, &at("")]);
    assert_eq!(put.0, 201, "{}", put.1);
    assert_eq!(curl(&["--request", "POST", &at("/publish")]).0, 202);
    let seen = watch(&at("/status"), "waitingForPublisherReview");
    for step in 0..4 {
        assert!(seen.iter().any(|steps| steps[step] == "inProgress"), "step {step} was never seen at work: {seen:?}");
    }
    assert_eq!(curl(&["--request", "POST", &at("/golive")]).0, 202);
    watch(&at("/status"), "succeeded");
    let (status, live) = curl(&[&at("/slot/production")]);
    assert_eq!(status, 200);
    assert!(live.contains(definition.trim_end()), "the definition is live byte for byte");
}

#[test]
fn a_second_process_on_the_same_data_is_told_so() {
    let data = tempfile::tempdir().unwrap();
    let first = Portolan::serve(data.path(), &[]);
    let second = command().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).output().unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("in use by another portolan process") && said.contains("--data"), "{said}");
    drop(first);
}

#[test]
fn a_taken_port_and_broken_settings_are_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = tempfile::tempdir().unwrap();
    let settings = data.path().join("broken.toml");
    std::fs::write(&settings, "[server]\nlissen = \"x\"\n").unwrap();
    let settings = settings.to_str().unwrap();
    for (arguments, expected) in [
        (vec!["--listen", &address], "cannot listen on"),
        (vec!["--config", settings], "unknown field `lissen`"),
        (vec!["--config", "/nowhere/at/all.toml"], "the settings file /nowhere/at/all.toml"),
        (vec!["--log-level", "warning"], "the log level \"warning\": use error, warn"),
        (vec!["--public-url", "portolan.example/x"], "cannot be the service's address"),
    ] {
        let listen = if arguments.contains(&"--listen") { &[][..] } else { &["--listen", "127.0.0.1:0"] };
        let mut serve = command();
        serve.arg("serve").arg("--data").arg(data.path()).args(listen).args(&arguments);
        let output = serve.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(expected), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn it_stops_in_order_and_keeps_its_token_to_itself() {
    let data = tempfile::tempdir().unwrap();
    let mut first = Portolan::serve(data.path(), &["--log-level", "trace"]);
    for (path, status) in [("/healthz", 200), ("/readyz", 200), ("/openapi.json", 200)] {
        assert_eq!(curl(&[&format!("{}{path}", first.url)]).0, status);
    }
    assert_eq!(curl(&[&format!("{}/api/publishers?api-version=2017-10-31", first.url)]).0, 200);
    first.signal("TERM");
    assert!(first.child.wait().unwrap().success());
    let logged = first.logging.take().unwrap().join().unwrap();
    assert!(logged.contains("answered") && logged.contains("stopping"), "{logged}");
    assert!(!first.said.contains(&token()) && !logged.contains(&token()), "{logged}");
    for line in logged.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    let log = std::fs::metadata(data.path().join("portolan.db-wal")).map_or(0, |file| file.len());
    assert_eq!(log, 0, "everything is in the database itself");
    for file in ["portolan.db", "portolan.lock"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(data.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is nobody else's business");
    }
}

#[test]
fn a_setup_secret_is_printed_until_there_is_an_operator_and_works_once() {
    let data = tempfile::tempdir().unwrap();
    let start = |more: &[&str]| {
        let mut command = command();
        command.args(["serve", "--listen", "127.0.0.1:0", "--public-url", PUBLIC_URL, "--data"]).arg(data.path());
        let mut child = command.args(more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("ready") {
            assert!(log.read_line(&mut line).unwrap() > 0, "{line}");
        }
        assert!(!line.contains("pset_"), "it is not in the log: {line}");
        let url = format!("http://{}", line.split("address=").nth(1).unwrap().split_whitespace().next().unwrap());
        (child, url)
    };
    let said = |mut child: Child| {
        child.kill().unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    };
    let first = said(start(&[]).0);
    let old = first.lines().map(str::trim).find(|line| line.starts_with("pset_")).unwrap().to_owned();
    let (mut child, url) = start(&[]);
    let secret = setup_secret(&mut child);
    assert_ne!(old, secret);
    let staff = format!("{url}/api/staff?api-version=2017-10-31");
    let ask = |secret: &str| {
        TOKEN.set(secret.to_owned());
        curl(&["--data", r#"{"kind":"servicePrincipal","name":"admin","roles":["operator"]}"#, &staff])
    };
    TOKEN.set(secret.clone());
    let invited = r#"{"kind":"user","name":"Jane","mail":"jane@x.example","roles":["operator"]}"#;
    assert_eq!(
        curl(&["--data", invited, &staff]).0,
        400,
        "an invitation may be lost, and then nobody finds the way in"
    );
    assert_eq!(ask(&old).0, 401, "an earlier one is void");
    assert_eq!(ask(&secret).0, 201);
    assert_eq!(ask(&secret).0, 401, "it works once");
    assert_eq!(said(child), "", "nothing is left to be read");
    assert_eq!(said(start(&[]).0), "", "there is an operator");
    let again = said(start(&["--set-up-again"]).0);
    let unused = again.lines().map(str::trim).find(|line| line.starts_with("pset_")).unwrap();
    assert!(again.contains("You asked for another operator"), "{again}");
    let (child, url) = start(&[]);
    TOKEN.set(unused.to_owned());
    assert_eq!(curl(&[&format!("{url}/api/staff?api-version=2017-10-31")]).0, 401, "nobody wants it any more");
    said(child);
}

#[test]
fn help_and_the_settings_file_are_there_to_read() {
    for arguments in [
        &["--help"][..],
        &["serve", "--help"],
        &["demo", "--help"],
        &["review", "--help"],
        &["review", "reject", "--help"],
    ] {
        let output = command().args(arguments).output().unwrap();
        assert!(output.status.success() && output.stdout.len() > 200, "{arguments:?}");
    }
    let printed = command().args(["config", "default"]).output().unwrap().stdout;
    assert_eq!(String::from_utf8(printed).unwrap(), portolan::config::DEFAULT_FILE);
    assert_eq!(command().arg("serv").output().unwrap().status.code(), Some(2));
}
