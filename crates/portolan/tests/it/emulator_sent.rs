//! What the emulator sends to nobody, and what it is asked: whole, in order, and without secrets.

use super::emulator_faults::{OFFER, PUBLISHER, emulated};
use api::client::{Client, Credentials, Of};
use api::emulator::{FaultKind, NewFault, SentWhat};
use api::subscriptions::NewSubscription;
use portolan::egress::{Egress, EgressFault, EgressSettings, Outgoing};
use std::sync::{Arc, Mutex};

#[tokio::test]
async fn mails_and_webhooks_are_whole() {
    let emulated = emulated("").await;
    emulated.save().await;
    let (url, events) = ("https://hooks.contoso.example/p?key=1".to_owned(), vec!["previewReady".to_owned()]);
    let new = NewSubscription { url, events, secret: None };
    // Of another offer, and so met by nothing.
    emulated.fault(NewFault { offer: Some("other".into()), ..NewFault::of(FaultKind::WebhookDown) }).await;
    emulated
        .fault(NewFault { offer: Some(OFFER.into()), status: Some(500), ..NewFault::of(FaultKind::WebhookDown) })
        .await;
    emulated.client.create_subscription(Of::Publisher(PUBLISHER), &new).await.unwrap();
    emulated.publish().await;
    emulated.until("status=waitingForPublisherReview").await.unwrap();
    emulated.advance("1m").await;
    let outbox = emulated.client.emulator_outbox().await.unwrap();
    let numbers: Vec<u64> = outbox.iter().map(|sent| sent.number).collect();
    assert_eq!(numbers, (1..=u64::try_from(outbox.len()).unwrap()).collect::<Vec<_>>());
    assert!(outbox.is_sorted_by_key(|sent| sent.at));
    let mail = outbox.iter().find_map(|sent| match &sent.what {
        SentWhat::Mail(mail) if mail.subject.contains(OFFER) => Some(mail),
        _ => None,
    });
    let mail = mail.unwrap();
    assert_eq!(mail.to, "jane@contoso.example");
    assert!(mail.text.contains(OFFER) && mail.html.contains("<html") && mail.source.contains("Subject: "));
    let [refused, event] = &outbox.iter().filter(|sent| sent.what.kind() == "webhook").collect::<Vec<_>>()[..] else {
        panic!()
    };
    let SentWhat::Webhook(request) = &event.what else { panic!() };
    assert_eq!((request.method.as_str(), request.signature_valid, event.attempt), ("POST", Some(true), 2));
    assert_eq!(refused.answer, "500");
    assert_eq!((request.url.as_str(), event.answer.as_str()), ("https://hooks.contoso.example/p?key=1", "200"));
    let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body["data"]["entry"]["offerId"], OFFER);
}

#[tokio::test]
async fn requests_are_told_with_who_asked_and_without_what_is_secret() {
    let emulated = emulated("").await;
    emulated.save().await;
    emulated
        .fault(NewFault { method: Some("GET".into()), after: Some(1), ..NewFault::of(FaultKind::Unauthorized) })
        .await;
    emulated.publish().await;
    emulated.status().await;
    assert!(emulated.client.list_publishers().await.is_err());
    let nobody = Client::new(&emulated.running.public_url, Credentials::token("hush-hush")).unwrap();
    assert!(nobody.list_publishers().await.is_err());
    let asked = nobody.emulator_requests().await.unwrap();
    let told: Vec<_> =
        asked.iter().map(|asked| (asked.method.as_str(), asked.status, asked.fault.as_deref())).collect();
    assert_eq!(told, [("POST", 202, None), ("GET", 200, None), ("GET", 401, Some("fault-1")), ("GET", 401, None)]);
    assert!(asked[0].path.contains("/publish?api-version=") && asked[0].by.is_some() && asked[0].request_id.is_some());
    assert_eq!((asked[1].by.clone(), asked[3].by.clone()), (asked[0].by.clone(), None));
    assert!(asked[2].request_id.is_some(), "also what a fault answers has an id");
    assert!(!format!("{asked:?}").contains("hush"));
}

#[tokio::test]
async fn what_is_captured_is_judged_first_and_connects_nowhere() {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&taken);
    let egress = Egress::captured(&EgressSettings::default(), move |request: &Outgoing| {
        kept.lock().unwrap().push(request.url.clone());
        Ok(http::Response::builder().status(202).body("taken".into()).unwrap())
    })
    .unwrap();
    let answer = egress.to_outsider(Outgoing::post("https://no-such-name.example/x", "body")).await.unwrap();
    assert_eq!(answer.status, 202);
    assert_eq!(answer.whole().await.unwrap(), "taken");
    for (url, fault) in [
        ("http://files.example/x", EgressFault::NotHttps),
        ("https://127.0.0.1/x", EgressFault::Private),
        ("https://files.example:8443/x", EgressFault::Port),
        ("https://me:hush@files.example/x", EgressFault::Credentials),
        ("mailto:me@files.example", EgressFault::NoAddress),
    ] {
        assert_eq!(egress.to_outsider(Outgoing::get(url)).await.unwrap_err(), fault, "{url}");
    }
    assert_eq!(*taken.lock().unwrap(), ["https://no-such-name.example/x"]);
}
