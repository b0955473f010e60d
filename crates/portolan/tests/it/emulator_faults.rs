//! Faults of the emulator through the real door: each does what it says, as often as it says, and then ends.

use api::client::{Client, ClientError, Credentials};
use api::emulator::{Advance, Advanced, FaultKind, NewFault, Reach, Reviews};
use api::errors::ErrorCode;
use api::status::{OfferStatus, Step, StepStatus};
use portolan::emulator::{Emulator, Running, Scenario, Settings, moment};
use portolan::wire::SuccessWord;
use publishing::decide::MissingIfMatch;
use publishing::offer_type::OfferTypes;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

pub const PUBLISHER: &str = "contoso";
pub const OFFER: &str = "web-gateway";

/// An emulator whose clock stands until it is turned, and who asks it.
pub struct Emulated {
    pub running: Running,
    pub client: Client,
    pub reviewer: Client,
}

pub async fn emulated(scenario: &str) -> Emulated {
    let scenario = Scenario::read("test", scenario).unwrap();
    let settings = Settings {
        seed: 1,
        start: moment("2026-01-05T08:00:00Z").unwrap(),
        speed: 0,
        reviews: Reviews::Simulated,
        demo: false,
        types: OfferTypes::built_in().unwrap(),
        missing_if_match: MissingIfMatch::Accept,
        success_word: SuccessWord::Succeeded,
        learned_durations: true,
        public_url: None,
        scenario,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let running = Emulator::start(settings, listener).await.unwrap();
    let client = |token: &str| Client::new(&running.public_url, Credentials::token(token)).unwrap();
    let (client, reviewer) = (client(&running.tokens.owner), client(&running.tokens.reviewer));
    Emulated { running, client, reviewer }
}

impl Emulated {
    /// Saves a sample, which was never published.
    pub async fn save(&self) {
        self.reach("neverPublished").await;
    }

    pub async fn reach(&self, status: &str) {
        let offer = format!("{PUBLISHER}/{OFFER}");
        let reach = Reach { offer, status: Some(status.to_owned()), ..Reach::default() };
        self.client.emulator_reach(&reach).await.unwrap();
    }

    pub async fn publish(&self) {
        self.client.publish_offer(PUBLISHER, OFFER, "jane@contoso.example").await.unwrap();
    }

    pub async fn advance(&self, by: &str) -> Advanced {
        self.client.emulator_advance(&Advance { by: Some(by.to_owned()), ..Advance::default() }).await.unwrap()
    }

    pub async fn until(&self, condition: &str) -> Result<Advanced, ClientError> {
        let offer = Some(format!("{PUBLISHER}/{OFFER}"));
        let until = Some(condition.to_owned());
        self.client.emulator_advance(&Advance { until, offer, within: Some("60d".into()), ..Advance::default() }).await
    }

    pub async fn status(&self) -> OfferStatus {
        self.client.get_offer_status(PUBLISHER, OFFER).await.unwrap().status
    }

    pub async fn step(&self, id: &str) -> Step {
        let document = self.client.get_offer_status(PUBLISHER, OFFER).await.unwrap();
        document.steps.into_iter().find(|step| step.id == id).unwrap()
    }

    pub async fn fault(&self, fault: NewFault) -> String {
        self.client.emulator_add_fault(&fault).await.unwrap().id
    }

    /// What is left of each fault, and how often each went wrong.
    pub async fn left(&self) -> Vec<(Option<u32>, u32)> {
        let faults = self.client.emulator_faults().await.unwrap();
        faults.iter().map(|fault| (fault.left, fault.applied)).collect()
    }

    /// How many days the clock was turned.
    pub fn days(advanced: &Advanced) -> i64 {
        (advanced.to.ticks() - advanced.from.ticks()) / 10_000_000 / 86_400
    }
}

pub fn refused(error: &ClientError) -> (u16, ErrorCode) {
    let ClientError::Refused { status, error, .. } = error else { panic!("{error}") };
    (*status, error.code)
}

#[tokio::test]
async fn a_step_of_machines_is_rejected_and_blocked_too() {
    let emulated = emulated("").await;
    emulated.save().await;
    let at = |kind| NewFault { step: Some("displayprovision".into()), ..NewFault::of(kind) };
    emulated.fault(NewFault { code: Some("IMG-048".into()), ..at(FaultKind::Reject) }).await;
    emulated.fault(at(FaultKind::Block)).await;
    emulated.publish().await;
    emulated.until("status=failed").await.unwrap();
    let step = emulated.step("displayprovision").await;
    assert_eq!(step.messages.last().unwrap().code.as_deref(), Some("IMG-048"));
    // The fault is met where the work would have been done, and not before that.
    assert_eq!(emulated.step("displaycertify").await.status, StepStatus::Complete);
    emulated.publish().await;
    emulated.until("step.displayprovision=blocked").await.unwrap();
    assert_eq!(emulated.left().await, [(Some(0), 1), (Some(0), 1)]);
}

#[tokio::test]
async fn a_fault_meets_only_what_it_names() {
    let emulated = emulated("").await;
    emulated.save().await;
    let elsewhere = NewFault { offer: Some("fabrikam/web-gateway".into()), ..NewFault::of(FaultKind::Reject) };
    emulated.fault(elsewhere).await;
    emulated.fault(NewFault { step: Some("nowhere".into()), ..NewFault::of(FaultKind::Block) }).await;
    let other = NewFault { path: Some("/api/reviews".into()), status: Some(500), ..NewFault::of(FaultKind::ApiError) };
    emulated.fault(other).await;
    let put = NewFault { method: Some("PUT".into()), ..NewFault::of(FaultKind::Unauthorized) };
    emulated.fault(put).await;
    emulated.publish().await;
    emulated.until("status=waitingForPublisherReview").await.unwrap();
    assert_eq!(emulated.left().await, [(Some(1), 0); 4]);
    // The emulator's own calls meet none.
    let all = NewFault { path: Some("/".into()), times: Some(0), ..NewFault::of(FaultKind::Unauthorized) };
    emulated.fault(all).await;
    assert_eq!(emulated.left().await.len(), 5);
    assert!(matches!(emulated.client.list_publishers().await, Err(ClientError::Unauthorized(_))));
    emulated.client.emulator_clear_faults().await.unwrap();
    emulated.client.list_publishers().await.unwrap();
}

#[tokio::test]
async fn a_stall_lasts_until_it_is_removed() {
    let emulated = emulated("").await;
    emulated.save().await;
    let stall = NewFault { step: Some("displaycertify".into()), ..NewFault::of(FaultKind::Stall) };
    let id = emulated.fault(stall).await;
    emulated.publish().await;
    emulated.advance("30d").await;
    assert_eq!(emulated.step("displaycertify").await.status, StepStatus::WaitingForApproval);
    emulated.client.emulator_remove_fault(&id).await.unwrap();
    emulated.advance("2h").await;
    assert_eq!(emulated.step("displaycertify").await.status, StepStatus::Complete);
    let error = emulated.client.emulator_remove_fault(&id).await.unwrap_err();
    assert_eq!(refused(&error), (404, ErrorCode::NotFound));
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_mend() {
    let emulated = emulated("").await;
    let fault = NewFault { path: Some("/api/".into()), ..NewFault::of(FaultKind::Stall) };
    let error = emulated.client.emulator_add_fault(&fault).await.unwrap_err();
    assert_eq!(refused(&error), (400, ErrorCode::BadRequest));
    assert!(error.to_string().contains("no member path"), "{error}");
    let error = emulated.client.emulator_apply_scenario("\n[[fault]]\nkind = \"slow\"\n").await.unwrap_err();
    assert!(error.to_string().contains("scenario:2: The factor is missing"), "{error}");
    assert_eq!(emulated.left().await, []);
}

#[tokio::test]
async fn a_snapshot_puts_back_what_is_left_and_what_was_sent_and_asked() {
    let emulated = emulated("").await;
    emulated.save().await;
    let fault =
        NewFault { status: Some(429), retry_after: Some(100), times: Some(3), ..NewFault::of(FaultKind::ApiError) };
    emulated.fault(fault).await;
    assert!(emulated.client.list_publishers().await.is_err());
    emulated.client.emulator_snapshot("before").await.unwrap();
    let asked = emulated.client.emulator_requests().await.unwrap().len();
    assert!(emulated.client.list_publishers().await.is_err());
    assert!(emulated.client.list_publishers().await.is_err());
    emulated.publish().await;
    emulated.advance("30d").await;
    assert!(!emulated.client.emulator_outbox().await.unwrap().is_empty());
    emulated.client.emulator_restore("before").await.unwrap();
    assert_eq!(emulated.left().await, [(Some(2), 1)]);
    assert_eq!(emulated.client.emulator_outbox().await.unwrap(), []);
    assert_eq!(emulated.client.emulator_requests().await.unwrap().len(), asked);
}

#[tokio::test]
async fn a_reset_brings_the_scenario_of_the_start_back() {
    let text = "[[fault]]\nkind = \"reject\"\n[[offer]]\nid = \"contoso/web-gateway\"\nstatus = \"waitingForPublisherReview\"\n";
    let emulated = emulated(text).await;
    let start = |fault: &[(Option<u32>, u32)], status| (fault.to_vec(), status);
    let as_begun = start(&[(Some(1), 0)], OfferStatus::WaitingForPublisherReview);
    assert_eq!((emulated.left().await, emulated.status().await), as_begun);
    emulated.client.go_live_offer(PUBLISHER, OFFER).await.unwrap();
    emulated.until("status=failed").await.unwrap();
    emulated.client.emulator_reset().await.unwrap();
    assert_eq!((emulated.left().await, emulated.status().await), as_begun);
}

#[tokio::test]
async fn what_is_broken_off_is_done_and_a_late_answer_is_late() {
    let emulated = emulated("").await;
    emulated.save().await;
    emulated.fault(NewFault { method: Some("POST".into()), ..NewFault::of(FaultKind::CutConnection) }).await;
    let error = emulated.client.publish_offer(PUBLISHER, OFFER, "").await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable(_)), "{error}");
    assert_eq!(emulated.status().await, OfferStatus::Running);
    emulated.fault(NewFault { milliseconds: Some(300), ..NewFault::of(FaultKind::SlowAnswer) }).await;
    let began = Instant::now();
    emulated.status().await;
    assert!(began.elapsed() >= Duration::from_millis(300));
    let began = Instant::now();
    emulated.status().await;
    assert!(began.elapsed() < Duration::from_millis(300), "only once");
}
