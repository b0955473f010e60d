//! The examples do what they say: the checker over HTTP, and the check that is a program.

use aws_lc_rs::hmac;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portolan::checks::command::{Program, run};
use portolan::checks::said::{Said, State};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, SystemTime};

const KEY: &[u8] = b"twenty-four bytes, or so";

fn example(name: &str) -> Option<PathBuf> {
    if std::env::var_os("PORTOLAN_WITHOUT_PYTHON").is_some_and(|set| !set.is_empty()) {
        println!("skipped: PORTOLAN_WITHOUT_PYTHON is set");
        return None;
    }
    Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name).canonicalize().unwrap())
}

fn signature(id: &str, time: &str, body: &[u8]) -> String {
    let signed = [format!("{id}.{time}.").as_bytes(), body].concat();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY), &signed);
    format!("v1,{}", STANDARD.encode(tag.as_ref()))
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_checker_over_http_believes_signatures_and_calls_back_with_its_own() {
    let Some(checker) = example("checker.py") else { return };
    assert!(std::fs::read_to_string(&checker).unwrap().lines().count() <= 40);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let secret = format!("whsec_{}", STANDARD.encode(KEY));
    let started = Command::new("python3").arg(checker).arg(port.to_string()).env("CHECKER_SECRET", secret).spawn();
    let _checker = Ended(started.unwrap());

    let (sender, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let callback = post(move |headers: HeaderMap, body: Bytes| async move {
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("webhook-signature"), signature(&header("webhook-id"), &header("webhook-timestamp"), &body));
        sender.send((header("webhook-id"), Said::read(&body).unwrap())).unwrap();
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let callback_url = format!("http://{}/callback", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().route("/callback", callback)).await.unwrap() });

    let client = reqwest::Client::new();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let start = |name: &str, time: u64, spoilt: bool| {
        let data = json!({"check": {"id": "c"}, "definition": {"displayText": name}, "artifacts": [], "callbackUrl": callback_url});
        let event = json!({"specversion": "1.0", "id": "start-1", "type": "portolan.check.start", "data": data});
        let (body, time) = (event.to_string(), time.to_string());
        let signature = signature("start-1", &time, if spoilt { b"" } else { body.as_bytes() });
        let request = client.post(format!("http://127.0.0.1:{port}/"));
        // One that signs with another key meanwhile may be beside it.
        let request = request.header("webhook-signature", format!("v1,b3RoZXI= {signature}"));
        request.header("webhook-id", "start-1").header("webhook-timestamp", time).body(body)
    };
    // It takes a moment until it listens.
    while client.get(format!("http://127.0.0.1:{port}/")).send().await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for (time, spoilt) in [(now, true), (now - 3_600, false), (now + 3_600, false)] {
        assert_eq!(start("Rows", time, spoilt).send().await.unwrap().status(), 401);
    }
    for (name, state, faults) in [("Rows", State::Passed, 0), (" ", State::Rejected, 1)] {
        let answer = start(name, now, false).send().await.unwrap();
        assert_eq!(answer.status(), 202);
        assert_eq!(Said::read(&answer.bytes().await.unwrap()).unwrap().state, State::Running);
        let (first, running) = heard.recv().await.unwrap();
        let (second, said) = heard.recv().await.unwrap();
        assert_eq!((first.as_str(), second.as_str()), ("start-1-1", "start-1-2"));
        assert_eq!((running.state, running.sequence, running.progress.is_some()), (State::Running, Some(1), true));
        assert_eq!((said.state, said.sequence, said.messages.len()), (state, Some(2), faults));
    }
}

#[tokio::test]
async fn the_program_judges_logos() {
    let Some(program) = example("check-logo.py") else { return };
    assert!(std::fs::read_to_string(&program).unwrap().lines().count() <= 40);
    let files = tempfile::tempdir().unwrap();
    let png = |name: &str, width: u32, height: u32| {
        let head = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &width.to_be_bytes(), &height.to_be_bytes()].concat();
        std::fs::write(files.path().join(name), head).unwrap();
    };
    png("good.png", 48, 48);
    png("wide.png", 50, 48);
    png("small.png", 10, 10);
    std::fs::write(files.path().join("text.png"), "no picture").unwrap();
    let python = Program {
        program: "/usr/bin/env".into(),
        arguments: vec!["python3".into(), program.display().to_string()],
        timeout_seconds: 30,
        memory_mebibytes: 1024,
        directory: None,
    };
    let judged = async |names: &[&str]| {
        let artifact = |name: &&str| json!({"target": "/definition/offer/smallLogo", "url": format!("file://{}/{name}", files.path().display())});
        let artifacts: Vec<Value> = names.iter().map(artifact).collect();
        run(&python, json!({"artifacts": artifacts}).to_string().into(), |_| ()).await
    };
    assert_eq!(judged(&[]).await.unwrap().state, State::Passed);
    assert_eq!(judged(&["good.png"]).await.unwrap().state, State::Passed);
    let said = judged(&["good.png", "wide.png", "small.png", "text.png"]).await.unwrap();
    let codes: Vec<_> = said.messages.iter().map(|message| message.code.as_deref().unwrap()).collect();
    assert_eq!((said.state, codes), (State::Rejected, vec!["LOGO-2", "LOGO-3", "LOGO-1"]));
    assert_eq!(said.progress.map(|progress| (progress.done, progress.total)), Some((4, 4)));
    assert!(judged(&["missing.png"]).await.is_err(), "it is not the publisher's fault where nothing can be fetched");
}

#[tokio::test]
async fn the_webhook_believes_signatures_and_takes_each_event_once() {
    let (Some(webhook), Some(python)) = (example("webhook.py"), crate::python::python()) else { return };
    assert!(std::fs::read_to_string(&webhook).unwrap().lines().count() <= 40);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let secret = format!("whsec_{}", STANDARD.encode(KEY));
    let mut command = Command::new(python);
    command.arg(webhook).arg(port.to_string()).env("WEBHOOK_SECRET", secret);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
    let mut receiver = Ended(command.spawn().unwrap());
    let said = receiver.0.stdout.take().unwrap();
    let client = reqwest::Client::new();
    while client.get(format!("http://127.0.0.1:{port}/")).send().await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let entry = json!({"publisherId": "contoso", "offerId": "web-gateway"});
    let body = json!({"type": "portolan.offer.live", "data": {"entry": entry}}).to_string();
    let send = |id: &str, time: u64, body: &str, signed: &str| {
        let time = time.to_string();
        let signature = signature(id, &time, signed.as_bytes());
        let request = client.post(format!("http://127.0.0.1:{port}/")).header("webhook-id", id);
        let request = request.header("webhook-timestamp", time).header("webhook-signature", signature);
        request.body(body.to_owned()).send()
    };
    for (id, time, signed, status) in
        [("a", now, "other", 401), ("a", now - 3_600, &*body, 401), ("a", now, &*body, 204), ("a", now, &*body, 204)]
    {
        assert_eq!(send(id, time, &body, signed).await.unwrap().status(), status);
    }
    let test = json!({"type": "portolan.test"}).to_string();
    assert_eq!(send("b", now, &test, &test).await.unwrap().status(), 204);
    drop(receiver);
    let said = std::io::read_to_string(said).unwrap();
    let said: Vec<&str> = said.lines().map(str::trim).collect();
    assert_eq!(said, ["portolan.offer.live contoso web-gateway", "portolan.test"]);
}
