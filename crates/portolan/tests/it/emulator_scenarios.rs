//! Every scenario that comes with the program, through the real door: what a client meets, and that it ends.

use super::emulator_faults::{Emulated, OFFER, PUBLISHER, emulated, refused};
use api::client::{Client, ClientError, Of};
use api::emulator::SentWhat;
use api::errors::ErrorCode;
use api::reviews::{ReviewFilter, Verdict, VerdictRequest};
use api::status::{MessageLevel, OfferStatus, StepStatus};
use api::subscriptions::NewSubscription;
use std::time::{Duration, Instant};
use uuid::Uuid;

fn text(name: &str) -> String {
    std::fs::read_to_string(format!("{}/scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// An emulator with a sample and this scenario.
async fn with(name: &str) -> Emulated {
    let emulated = emulated("").await;
    emulated.save().await;
    emulated.client.emulator_apply_scenario(&text(name)).await.unwrap();
    emulated
}

/// Goes through from draft to preview, and nothing goes wrong.
async fn goes_well(emulated: &Emulated) {
    emulated.publish().await;
    emulated.until("status=waitingForPublisherReview").await.unwrap();
}

async fn operation(emulated: &Emulated) -> Uuid {
    let submissions = emulated.client.list_submissions(PUBLISHER, OFFER).await.unwrap();
    submissions[0].id
}

#[tokio::test]
async fn rejected() {
    let emulated = with("rejected").await;
    emulated.publish().await;
    emulated.until("status=failed").await.unwrap();
    let step = emulated.step("displaycertify").await;
    assert_eq!(step.status, StepStatus::Rejected);
    let message = step.messages.last().unwrap();
    assert_eq!((message.level, message.code.as_deref()), (MessageLevel::Error, Some("IMG-048")));
    assert_eq!(message.target.as_deref(), Some("/definition/plans/0"));
    assert!(message.mend.as_ref().unwrap().contains("48 x 48"));
    goes_well(&emulated).await;
    assert_eq!(emulated.left().await, [(Some(0), 1)]);
}

#[tokio::test]
async fn blocked() {
    let emulated = with("blocked").await;
    emulated.publish().await;
    emulated.until("step.displaycertify=blocked").await.unwrap();
    assert_eq!(emulated.status().await, OfferStatus::Running);
    let step = emulated.step("displaycertify").await;
    assert_eq!(step.messages.last().unwrap().code.as_deref(), Some("LAB-001"));
    emulated.advance("30d").await;
    assert_eq!(emulated.step("displaycertify").await.status, StepStatus::Blocked, "nobody else unblocks it");
    let of = operation(&emulated).await;
    emulated.reviewer.give_verdict(of, "displaycertify", Verdict::Unblock, &VerdictRequest::default()).await.unwrap();
    emulated.until("status=waitingForPublisherReview").await.unwrap();
    assert_eq!(emulated.left().await, [(Some(0), 1)]);
}

#[tokio::test]
async fn stalled() {
    let emulated = with("stalled").await;
    emulated.publish().await;
    let advanced = emulated.until("step.displaypackage=inProgress").await.unwrap();
    assert!(advanced.to.to_string().starts_with("2026-01-25T00:0"), "{}", advanced.to);
    emulated.until("status=waitingForPublisherReview").await.unwrap();
    emulated.client.cancel_offer(PUBLISHER, OFFER).await.unwrap();
    emulated.until("status=canceled").await.unwrap();
    emulated.publish().await;
    let again = emulated.until("status=waitingForPublisherReview").await.unwrap();
    assert!(Emulated::days(&again) < 6, "its time is over");
}

#[tokio::test]
async fn slow_certification() {
    let usual = emulated("[[step]]\nid = \"displaycertify\"\ntakes = [\"1d\", \"2d\"]\n").await;
    usual.save().await;
    usual.publish().await;
    usual.until("step.displaycertify=waitingForApproval").await.unwrap();
    let usual = usual.until("step.displaycertify=complete").await.unwrap();
    assert!((1..2).contains(&Emulated::days(&usual)), "{usual:?}");
    let emulated = with("slow-certification").await;
    emulated.publish().await;
    emulated.until("step.displaycertify=waitingForApproval").await.unwrap();
    let slow = emulated.until("step.displaycertify=complete").await.unwrap();
    let took = |advanced: &api::emulator::Advanced| (advanced.to.ticks() - advanced.from.ticks()) / 10_000_000;
    // The other submission has another version, and so another draw.
    assert!((5..=10).contains(&Emulated::days(&slow)), "{}", took(&slow));
    emulated.until("status=waitingForPublisherReview").await.unwrap();
    emulated.client.cancel_offer(PUBLISHER, OFFER).await.unwrap();
    emulated.until("status=canceled").await.unwrap();
    emulated.publish().await;
    let again = emulated.until("status=waitingForPublisherReview").await.unwrap();
    assert!(Emulated::days(&again) <= 3, "it is used up");
}

#[tokio::test]
async fn lost_callback() {
    let emulated = with("lost-callback").await;
    emulated.publish().await;
    emulated.until("step.displayprovision=inProgress").await.unwrap();
    let advanced = emulated.until("step.displayprovision=blocked").await.unwrap();
    assert_eq!(Emulated::days(&advanced), 3);
    let step = emulated.step("displayprovision").await;
    let message = step.messages.last().unwrap();
    assert_eq!(message.code.as_deref(), Some("CheckTimedOut"));
    assert!(message.text.contains("did not say in time how it ends"));
    let of = operation(&emulated).await;
    emulated.reviewer.give_verdict(of, "displayprovision", Verdict::Unblock, &VerdictRequest::default()).await.unwrap();
    emulated.until("status=waitingForPublisherReview").await.unwrap();
    assert_eq!(emulated.left().await, [(Some(0), 1)]);
}

#[tokio::test]
async fn reported_twice() {
    let story = async |emulated: &Emulated| {
        goes_well(emulated).await;
        let history = emulated.client.get_offer_history(PUBLISHER, OFFER, &[("top", "100")]).await.unwrap();
        let events: Vec<String> =
            history.value.iter().map(|one| format!("{} {}", one.happened.at, one.happened.event)).collect();
        let mails: Vec<String> =
            emulated.client.emulator_outbox().await.unwrap().iter().map(|sent| format!("{:?}", sent.what)).collect();
        (events, mails.len())
    };
    let (plain, twice) = (emulated("").await, with("reported-twice").await);
    plain.save().await;
    assert_eq!(story(&plain).await, story(&twice).await);
    let [(None, applied)] = twice.left().await[..] else { panic!() };
    assert_eq!(applied, 3, "each step of machines");
}

#[tokio::test]
async fn expired_artifact() {
    let emulated = with("expired-artifact").await;
    emulated.publish().await;
    emulated.until("status=failed").await.unwrap();
    let step = emulated.step("displaydummycertify").await;
    let message = step.messages.iter().find(|message| message.level == MessageLevel::Error).unwrap();
    assert_eq!((step.status, message.code.as_deref()), (StepStatus::Rejected, Some("FileUnreachable")));
    assert!(message.target.as_ref().unwrap().starts_with("/definition/"), "{message:?}");
    assert_eq!(message.text, "The server answers 403, and gives no file.");
    goes_well(&emulated).await;
    assert_eq!(emulated.left().await, [(Some(0), 1)]);
}

#[tokio::test]
async fn api_errors() {
    let emulated = with("api-errors").await;
    let began = Instant::now();
    // The typed client waits as it is told, and asks again.
    emulated.client.list_publishers().await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1 + 2 + 2), "Retry-After");
    let asked = emulated.client.emulator_requests().await.unwrap();
    let told: Vec<_> = asked.iter().map(|asked| (asked.status, asked.fault.as_deref().unwrap_or("-"))).collect();
    // The first is passed over by the first fault, and met by the second one.
    let expected =
        [(503, "fault-2"), (429, "fault-1"), (429, "fault-1"), (503, "fault-2"), (500, "fault-3"), (200, "-")];
    assert_eq!(told, expected);
    assert_eq!(emulated.left().await, [(Some(0), 2), (Some(0), 2), (Some(0), 1)]);
}

#[tokio::test]
async fn slow_answers() {
    let emulated = with("slow-answers").await;
    let took = async || {
        let began = Instant::now();
        emulated.status().await;
        began.elapsed()
    };
    let all = tokio::join!(took(), took(), took(), took(), took());
    assert!([all.0, all.1, all.2, all.3, all.4].iter().all(|took| *took >= Duration::from_secs(2)));
    assert!(took().await < Duration::from_secs(2));
    assert_eq!(emulated.left().await, [(Some(0), 5)]);
}

#[tokio::test]
async fn cut_connection() {
    let emulated = with("cut-connection").await;
    // With a key it is sent again, done once, and answered as it was.
    let key = emulated.client.repeatable("once-and-no-more").unwrap();
    key.publish_offer(PUBLISHER, OFFER, "").await.unwrap();
    // Half of an answer came, and it is asked for again.
    emulated.status().await;
    assert_eq!(emulated.client.list_submissions(PUBLISHER, OFFER).await.unwrap().len(), 1);
    let asked = emulated.client.emulator_requests().await.unwrap();
    let told: Vec<_> =
        asked.iter().take(4).map(|asked| (asked.method.as_str(), asked.fault.as_deref().unwrap_or("-"))).collect();
    assert_eq!(told, [("POST", "fault-1"), ("POST", "-"), ("GET", "fault-2"), ("GET", "-")]);
    assert_eq!(emulated.left().await, [(Some(0), 1); 2]);
    // Without one, whoever asked does not know.
    emulated.client.emulator_apply_scenario(&text("cut-connection")).await.unwrap();
    let error = emulated.client.cancel_offer(PUBLISHER, OFFER).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn expired_token() {
    let emulated = with("expired-token").await;
    let mut met = Vec::new();
    for _ in 0..6 {
        met.push(emulated.client.list_publishers().await.map(drop).map_err(|error| error.to_string()));
    }
    let ended: Vec<bool> = met.iter().map(Result::is_err).collect();
    assert_eq!(ended, [false, false, false, true, true, false]);
    let said = met[3].clone().unwrap_err();
    assert!(said.contains("the token has expired. Get a new one."), "{said}");
}

#[tokio::test]
async fn webhook_down() {
    let emulated = with("webhook-down").await;
    let url = "https://hooks.contoso.example/portolan".to_owned();
    let new = NewSubscription { url: url.clone(), events: Vec::new(), secret: None };
    emulated.client.create_subscription(Of::Publisher(PUBLISHER), &new).await.unwrap();
    emulated.publish().await;
    emulated.advance("3h").await;
    let outbox = emulated.client.emulator_outbox().await.unwrap();
    let events: Vec<_> = outbox.iter().filter(|sent| matches!(sent.what, SentWhat::Webhook(_))).collect();
    let tries: Vec<(&str, u32)> = events.iter().take(7).map(|sent| (sent.answer.as_str(), sent.attempt)).collect();
    assert_eq!(tries, [("503", 1), ("503", 2), ("503", 3), ("503", 4), ("refused", 5), ("refused", 6), ("200", 7)]);
    let ids: Vec<_> = events
        .iter()
        .map(|sent| {
            let SentWhat::Webhook(request) = &sent.what else { panic!() };
            assert_eq!((request.url.as_str(), request.signature_valid), (url.as_str(), Some(true)));
            request.headers["webhook-id"].clone()
        })
        .collect();
    assert!(ids[..7].iter().all(|id| *id == ids[0]), "the same id at each try");
    assert!(events[7..].iter().all(|sent| sent.answer == "200" && sent.attempt == 1), "then all goes well");
    assert_eq!(emulated.left().await, [(Some(0), 4), (Some(0), 2)]);
}

#[tokio::test]
async fn mail_down() {
    let emulated = with("mail-down").await;
    goes_well(&emulated).await;
    emulated.advance("3h").await;
    let outbox = emulated.client.emulator_outbox().await.unwrap();
    let tries: Vec<_> = outbox.iter().map(|sent| (sent.answer.as_str(), sent.attempt)).collect();
    assert_eq!(tries, [("refused", 1), ("refused", 2), ("451", 3), ("250", 4)]);
    let mails: Vec<_> = outbox
        .iter()
        .map(|sent| match &sent.what {
            SentWhat::Mail(mail) => {
                (mail.to.as_str(), mail.source.lines().find(|line| line.starts_with("Message-ID: ")))
            }
            _ => panic!(),
        })
        .collect();
    assert!(mails[0].1.is_some() && mails.iter().all(|mail| *mail == mails[0]), "{mails:?}");
    assert_eq!(mails[0].0, "jane@contoso.example");
    assert_eq!(emulated.left().await, [(Some(0), 2), (Some(0), 1)]);
}

#[tokio::test]
async fn conflict() {
    let emulated = with("conflict").await;
    let write = async |client: &Client| client.cancel_offer(PUBLISHER, OFFER).await.map(drop);
    emulated.status().await;
    let error = write(&emulated.client).await.unwrap_err();
    assert_eq!(refused(&error), (412, ErrorCode::PreconditionFailed));
    let error = write(&emulated.client).await.unwrap_err();
    assert_eq!(refused(&error), (409, ErrorCode::Conflict));
    emulated.publish().await;
    assert_eq!(emulated.left().await, [(Some(0), 1); 2]);
}

#[tokio::test]
async fn what_waits_for_a_reviewer_can_be_decided_by_hand_instead() {
    let emulated = with("blocked").await;
    emulated.publish().await;
    emulated.until("step.displaycertify=waitingForApproval").await.unwrap();
    let waits = emulated.reviewer.list_reviews(&ReviewFilter::default()).await.unwrap();
    assert_eq!(waits.len(), 1);
}
