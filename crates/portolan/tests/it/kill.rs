//! kill -9 at any moment: nothing acknowledged is lost, no check is completed twice, and the work goes on.

use crate::binary::{Portolan, curl, watch};
use crate::store::assert_chain;
use crate::world::opened;
use portolan::store::Journal;
use publishing::offer::PublisherId;
use publishing::principal::Circle;
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// A type whose every step takes about a third of a second of work and waiting.
const SLOW_TYPE: &str = r#"
id = "slow"
display_text = "Slow"
[[step]]
id = "validate"
name = "Validate"
description = "It is read."
checks = [{ kind = "definition" }, { kind = "artifacts" }, { kind = "pause", seconds = 1 }]
[[step]]
id = "certify"
name = "Certify"
description = "It is waited for."
checks = [{ kind = "definition" }, { kind = "pause", seconds = 1 }]
[[step]]
id = "package"
name = "Package"
description = "The preview is put in place."
checks = [{ kind = "listing" }, { kind = "pause", seconds = 1 }]
[[step]]
id = "publisher-signoff"
name = "Sign off"
description = "The publisher looks."
checks = [{ kind = "sign-off" }]
[[step]]
id = "wrap"
name = "Wrap"
description = "It is wrapped."
checks = [{ kind = "listing" }, { kind = "pause", seconds = 1 }]
[[step]]
id = "live"
name = "Live"
description = "Customers see it."
checks = [{ kind = "promote" }]
"#;

#[test]
fn whatever_is_killed_when_an_offer_reaches_production_once() {
    let data = tempfile::tempdir().unwrap();
    let settings = data.path().join("settings.toml");
    std::fs::write(data.path().join("slow.toml"), SLOW_TYPE).unwrap();
    std::fs::write(&settings, "offer_types = [\"slow.toml\"]\n").unwrap();
    let settings = settings.to_str().unwrap().to_owned();
    let start = || Portolan::serve(data.path(), &["--config", &settings]);
    let at = |service: &Portolan, rest: &str| {
        format!("{}/api/publishers/contoso/offers/slow-offer{rest}?api-version=2017-10-31", service.url)
    };

    let mut service = start();
    let body =
        r#"{"publisherId":"contoso","id":"slow-offer","offerTypeId":"slow","definition":{"displayText":"Slow"}}"#;
    let put = ["--request", "PUT", "--header", "Content-Type: application/json", "--data", body];
    assert_eq!(curl(&[&put[..], &[at(&service, "").as_str()]].concat()).0, 201);
    kill(&mut service);
    let service = start();
    assert_eq!(curl(&["--request", "POST", &at(&service, "/publish")]).0, 202, "the acknowledged draft is there");
    // Milliseconds between a start and the kill: they fall before, into and after each check.
    let mut kills = 0;
    let mut service = [0, 300, 700, 1_010, 150, 420, 50, 900, 230].into_iter().fold(service, |mut service, wait| {
        std::thread::sleep(Duration::from_millis(wait));
        kill(&mut service);
        kills += 1;
        let service = start();
        let (_, submissions) = curl(&[&at(&service, "/submissions/")]);
        assert!(submissions.contains("\"submissionType\":\"publish\""), "the acknowledged submission is there");
        service
    });
    watch(&at(&service, "/status"), "waitingForPublisherReview");
    assert_eq!(curl(&["--request", "POST", &at(&service, "/golive")]).0, 202);
    for wait in [0, 500, 1_020, 330] {
        std::thread::sleep(Duration::from_millis(wait));
        kill(&mut service);
        kills += 1;
        service = start();
    }
    watch(&at(&service, "/status"), "succeeded");
    assert_eq!(curl(&[&at(&service, "/slot/production")]).0, 200);
    let (_, submissions) = curl(&[&at(&service, "/submissions/")]);
    let submissions: Value = serde_json::from_str(&submissions).unwrap();
    assert_eq!(submissions.as_array().unwrap().len(), 2, "one publish and one go live");
    kill(&mut service);
    assert_eq!(kills, 13);
    assert_eq!(check_journal(data.path()), 10, "every check that a worker does was done");
}

fn kill(service: &mut Portolan) {
    service.child.kill().unwrap();
    service.child.wait().unwrap();
}

/// The chain holds, no status goes backwards, and no check was done twice; gives how many were done.
pub fn check_journal(data: &Path) -> usize {
    let store = opened(data).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let lines =
        runtime.block_on(store.journal(&Circle::Publisher(PublisherId::parse("contoso").unwrap()), 0, 10_000)).unwrap();
    assert_chain(&lines);
    let mut done: HashMap<String, usize> = HashMap::new();
    let mut progress = 0;
    for line in &lines {
        let entry: Value = serde_json::from_str(&line.entry).unwrap();
        if entry["event"] == "checkReported" && entry["ending"] == "done" {
            *done.entry(entry["check"].to_string()).or_default() += 1;
        }
        if line.offer.is_empty() {
            continue;
        }
        let document: Value = serde_json::from_slice(&line.document).unwrap();
        let now: u64 =
            document["steps"].as_array().unwrap().iter().map(|step| step["progressPercentage"].as_u64().unwrap()).sum();
        assert!(now >= progress, "the status went backwards at line {}", line.sequence);
        progress = now;
    }
    assert!(done.values().all(|times| *times == 1), "none of them twice: {done:?}");
    done.len()
}
