//! kill -9 while webhooks are told: at least once, under the same id, in order for each offer, and nothing is lost.

use crate::binary::{Portolan, curl, watch};
use crate::receiver::{Does, Receiver};
use crate::world::opened;
use portolan::store::Journal;
use publishing::offer::PublisherId;
use publishing::principal::Circle;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A type whose way to live needs no person but for the sign-off.
const TYPE: &str = r#"
id = "quick"
display_text = "Quick"
[[step]]
id = "package"
name = "Package"
description = "The preview is put in place."
checks = [{ kind = "definition" }, { kind = "listing" }]
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

const OFFERS: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_lives_are_told_whole_and_in_order_wherever_the_service_is_killed() {
    let state = Mutex::new((0x9e37_79b9_7f4a_7c15_u64, 0));
    let receiver = Receiver::start(move |_| {
        let (x, count) = &mut *state.lock().unwrap();
        *x ^= *x << 13;
        *x ^= *x >> 7;
        *x ^= *x << 17;
        *count += 1;
        // It fails less often in the end, so that the end comes soon: what rests, rests in real time here.
        match *x % 20 {
            0 if *count < 150 => Does::Answers(500),
            1 if *count < 150 => Does::BreaksOff,
            2 if *count < 60 => Does::Hangs,
            3 if *count < 150 => Does::AsksToWait(503, 1),
            _ => Does::Answers(200),
        }
    })
    .await;
    let data = tempfile::tempdir().unwrap();
    let (path, port, root) = (data.path().to_owned(), receiver.address.port(), receiver.root.clone());
    let logged = tokio::task::spawn_blocking(move || lives(&path, port, &root)).await.unwrap();
    assert!(!logged.contains("key=hush") && !logged.contains("whsec_"), "the log tells a secret");

    let journal = {
        let store = opened(data.path()).unwrap();
        store.journal(&Circle::Publisher(PublisherId::parse("contoso").unwrap()), 0, 100_000).await.unwrap()
    };
    let about_offers = journal.iter().filter(|line| !line.offer.is_empty());
    let expected: BTreeMap<i64, (&str, &str)> = about_offers
        .map(|line| (line.sequence, (line.offer.as_str(), std::str::from_utf8(&line.document).unwrap())))
        .collect();
    assert!(expected.len() >= OFFERS * 8, "{}", expected.len());
    let mut ids: BTreeMap<i64, String> = BTreeMap::new();
    let mut first: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let (mut doubles, got) = (0, receiver.got());
    for one in &got {
        let (offer, sequence) = one.told();
        let (there, document) = expected.get(&sequence).unwrap_or_else(|| panic!("nobody wrote {sequence}"));
        assert_eq!(*there, offer);
        assert!(one.body.ends_with(&format!(",\"status\":{document}}}}}")), "{}", one.body);
        let id = one.header("webhook-id");
        match ids.get(&sequence) {
            Some(known) => {
                assert_eq!(known, id, "a double has the same id");
                doubles += 1;
            }
            None => {
                ids.insert(sequence, id.to_owned());
                first.entry(offer).or_default().push(sequence);
            }
        }
    }
    let told: BTreeSet<i64> = ids.keys().copied().collect();
    let lost: Vec<i64> = expected.keys().filter(|sequence| !told.contains(sequence)).copied().collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    for (offer, told) in &first {
        assert!(told.is_sorted(), "{offer}: {told:?}");
    }
    assert_eq!(ids.values().collect::<BTreeSet<_>>().len(), ids.len(), "each has an id of its own");
    println!("{} events, {doubles} doubles", ids.len());
    assert!(doubles > 0);
}

/// Brings offers to life at a service that is killed again and again; gives all that was logged.
fn lives(data: &Path, port: u16, root: &str) -> String {
    std::fs::write(data.join("quick.toml"), TYPE).unwrap();
    std::fs::write(data.join("root.pem"), root).unwrap();
    let settings = data.join("settings.toml");
    let root = data.join("root.pem");
    let text = format!(
        "offer_types = [\"quick.toml\"]\n[egress]\nallow = [\"127.0.0.1:{port}\"]\nca_file = {root:?}\n[limits]\ncaller_per_second = 0\naddress_per_second = 0\n"
    );
    std::fs::write(&settings, text).unwrap();
    let settings = settings.to_str().unwrap().to_owned();
    let start = || Portolan::serve(data, &["--config", &settings, "--log-level", "debug"]);
    let mut logged = String::new();
    let mut kill = |mut service: Portolan| {
        service.child.kill().unwrap();
        service.child.wait().unwrap();
        logged.push_str(&service.said);
        logged.push_str(&service.logging.take().unwrap().join().unwrap());
    };
    let mut service = start();
    let at =
        |service: &Portolan, rest: &str| format!("{}/api/publishers/contoso{rest}?api-version=2017-10-31", service.url);
    let hook = json!({ "url": format!("https://127.0.0.1:{port}/in?key=hush") }).to_string();
    let (status, added) = curl(&["--data", &hook, &at(&service, "/subscriptions")]);
    assert_eq!(status, 201, "{added}");
    let added: Value = serde_json::from_str(&added).unwrap();
    let id = added["subscription"]["id"].as_str().unwrap();
    for offer in 0..OFFERS {
        let body = json!({"publisherId": "contoso", "id": format!("quick-{offer}"), "offerTypeId": "quick", "definition": {"displayText": "Quick"}});
        let (body, path) = (body.to_string(), format!("/offers/quick-{offer}"));
        let put = ["--request", "PUT", "--header", "Content-Type: application/json", "--data", &body];
        assert_eq!(curl(&[&put[..], &[at(&service, &path).as_str()]].concat()).0, 201);
        assert_eq!(curl(&["--request", "POST", &at(&service, &format!("{path}/publish"))]).0, 202);
        if offer % 3 == 2 {
            kill(service);
            service = start();
        }
    }
    for offer in 0..OFFERS {
        let path = format!("/offers/quick-{offer}");
        watch(&at(&service, &format!("{path}/status")), "waitingForPublisherReview");
        assert_eq!(curl(&["--request", "POST", &at(&service, &format!("{path}/golive"))]).0, 202);
        if offer % 4 == 1 {
            kill(service);
            service = start();
        }
    }
    for offer in 0..OFFERS {
        watch(&at(&service, &format!("/offers/quick-{offer}/status")), "succeeded");
    }
    kill(service);
    service = start();
    let began = Instant::now();
    loop {
        let log = curl(&[&format!("{}&$top=1000", at(&service, &format!("/subscriptions/{id}/deliveries")))]).1;
        if !log.contains("\"waiting\"") {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "{log}");
        // What rests for long is tried again once somebody says that it is mended.
        if began.elapsed() > Duration::from_secs(20) {
            assert_eq!(curl(&["--request", "POST", &at(&service, &format!("/subscriptions/{id}/enable"))]).0, 200);
        }
        std::thread::sleep(Duration::from_millis(1_000));
    }
    kill(service);
    logged
}
