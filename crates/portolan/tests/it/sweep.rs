//! kill -9 at chosen points: at the N-th write to the disk, from the publish to its sign-off.
//!
//! A few points each time; `PORTOLAN_SWEEP=all` takes every one. Needs strace, which does the killing.

use crate::binary::{PUBLIC_URL, Portolan, command, curl, token, watch};
use crate::kill::check_journal;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A type whose every step is done at once.
pub const TYPE: &str = r#"
id = "quick"
display_text = "Quick"
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

/// What the publish is sent with, each time.
const KEY: &str = "Idempotency-Key: the-publish";

#[test]
fn whichever_write_it_dies_at_nothing_acknowledged_is_lost() {
    if Command::new("strace").arg("--version").output().is_err() {
        println!("strace is not installed: no chosen points were tried");
        return;
    }
    let all = std::env::var_os("PORTOLAN_SWEEP").is_some();
    let (mut tried, mut acknowledged) = (0, 0);
    for point in (1..).step_by(if all { 1 } else { 23 }) {
        match die_at(point) {
            Died::Before { was_acknowledged } => acknowledged += usize::from(was_acknowledged),
            Died::Never => break,
        }
        tried += 1;
    }
    println!("{tried} points, {acknowledged} of them after the publish was acknowledged, nothing lost");
    assert!(tried >= 3 && acknowledged >= 1);
}

enum Died {
    Before {
        was_acknowledged: bool,
    },
    /// It reached sign-off before there were so many writes.
    Never,
}

fn die_at(point: usize) -> Died {
    let data = tempfile::tempdir().unwrap();
    let settings = data.path().join("settings.toml");
    std::fs::write(data.path().join("quick.toml"), TYPE).unwrap();
    std::fs::write(&settings, "offer_types = [\"quick.toml\"]\n").unwrap();
    let settings = settings.to_str().unwrap();
    let at =
        |url: &str, rest: &str| format!("{url}/api/publishers/contoso/offers/quick-offer{rest}?api-version=2017-10-31");
    {
        let service = Portolan::serve(data.path(), &["--config", settings]);
        let body = r#"{"publisherId":"contoso","id":"quick-offer","offerTypeId":"quick","definition":{}}"#;
        let put = ["--request", "PUT", "--header", "Content-Type: application/json", "--data", body];
        assert_eq!(curl(&[&put[..], &[at(&service.url, "").as_str()]].concat()).0, 201);
    }
    let (died, was_acknowledged) = publish_until_it_dies(data.path(), settings, point, &at);
    if !died {
        return Died::Never;
    }
    let service = Portolan::serve(data.path(), &["--config", settings]);
    let (_, submissions) = curl(&[&at(&service.url, "/submissions/")]);
    let is_there = submissions.contains("\"submissionType\":\"publish\"");
    assert!(is_there || !was_acknowledged, "at write {point} an acknowledged publish was lost");
    // Who sent it with a key need not know: sent again it is the same one.
    let again = curl(&["--request", "POST", "--header", KEY, &at(&service.url, "/publish")]);
    assert_eq!(again.0, 202, "at write {point}: {}", again.1);
    let (_, submissions) = curl(&[&at(&service.url, "/submissions/")]);
    assert_eq!(submissions.matches("\"submissionType\":\"publish\"").count(), 1, "at write {point}: {submissions}");
    watch(&at(&service.url, "/status"), "waitingForPublisherReview");
    drop(service);
    assert_eq!(check_journal(data.path()), 3, "every check once, at write {point}");
    Died::Before { was_acknowledged }
}

/// Runs the service under strace, which kills it at this write; says whether it died, and whether publish was answered.
fn publish_until_it_dies(data: &Path, settings: &str, point: usize, at: &dyn Fn(&str, &str) -> String) -> (bool, bool) {
    let inject = format!("inject=pwrite64,fdatasync:signal=KILL:when={point}");
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64,fdatasync", "-e", &inject]);
    strace.arg(command().get_program()).args(["serve", "--public-url", PUBLIC_URL, "--config", settings]);
    strace.args(["--listen", &address, "--data"]).arg(data);
    let mut traced = Traced(strace.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn().unwrap());
    let url = format!("http://{address}");
    let mut was_acknowledged = false;
    for _ in 0..400 {
        if traced.0.try_wait().unwrap().is_some() {
            return (true, was_acknowledged);
        }
        if was_acknowledged {
            if ask(&["--silent", &at(&url, "/status")]).contains("waitingForPublisherReview\",\"messages") {
                return (false, true);
            }
        } else {
            let answer = ask(&[
                "--silent",
                "--request",
                "POST",
                "--header",
                KEY,
                "--write-out",
                "%{http_code}",
                &at(&url, "/publish"),
            ]);
            was_acknowledged = answer.ends_with("202");
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("neither died nor done at write {point}");
}

/// strace and what it traces, which would outlive it.
struct Traced(Child);

impl Drop for Traced {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.0.wait();
    }
}

/// What curl says, for a service that may be gone at any moment.
fn ask(arguments: &[&str]) -> String {
    let authorization = format!("Authorization: Bearer {}", token());
    let output = Command::new("curl").args(["--max-time", "10", "--header", &authorization]).args(arguments).output();
    String::from_utf8_lossy(&output.unwrap().stdout).into_owned()
}
