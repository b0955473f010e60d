//! The typed client against the service: a whole life through it, and its errors.

use crate::world::World;
use api::access::{MemberKind, NewMember, Role};
use api::client::{Client, ClientError, Credentials};
use api::errors::ErrorCode;
use api::explain::{CancelOutcome, Turn};
use api::offers::PutOffer;
use api::operations::{SubmissionState, SubmissionType};
use api::reviews::{NewNote, ReviewFilter, ReviewRequest, Verdict, VerdictRequest};
use api::status::{OfferStatus, StepStatus};
use serde_json::value::RawValue;
use std::time::Duration;

fn memo(id: &str, definition: &str) -> PutOffer {
    PutOffer {
        publisher_id: "contoso".into(),
        offer_type_id: "memo".into(),
        id: id.into(),
        definition: RawValue::from_string(definition.into()).unwrap(),
    }
}

fn signed_in(server: &str, token: &str) -> Client {
    Client::new(server, Credentials::token(token)).unwrap()
}

#[tokio::test]
async fn a_life_through_the_client() {
    let world = World::new().await;
    let client = signed_in(&format!("http://{}/", world.address), &world.token);
    assert_eq!(client.list_publishers().await.unwrap()[0].id, "contoso");
    assert_eq!(client.list_offer_types().await.unwrap().len(), 7);
    let offer = memo("memo-1", r#"{ "displayText" : "A memo", "plans":[{"planId":"one"}]}"#);
    let put = client.put_offer(&offer, None).await.unwrap();
    assert_eq!(put.value.definition.get(), offer.definition.get());
    assert!(matches!(
        client.put_offer(&offer, Some("W/\"stale\"")).await,
        Err(ClientError::Refused { status: 412, error, .. }) if error.code == ErrorCode::PreconditionFailed
    ));
    let again = client.put_offer(&offer, Some(&put.etag)).await.unwrap();
    assert_eq!(client.get_offer("contoso", "MEMO-1").await.unwrap().etag, again.etag);
    assert_eq!(client.list_offers("contoso").await.unwrap()[0].definition.display_text, "A memo");

    let location = client.publish_offer("contoso", "memo-1", "jane@contoso.example").await.unwrap();
    assert!(location.starts_with("/api/publishers/contoso/offers/memo-1/operations/"), "{location}");
    world.settle().await;
    let status = client.get_offer_status("contoso", "memo-1").await.unwrap();
    assert_eq!((status.status, status.steps[1].status), (OfferStatus::Running, StepStatus::WaitingForApproval));
    let client_of_staff = signed_in(&format!("http://{}/", world.address), &world.staff_token);
    let review = client_of_staff.list_reviews(&ReviewFilter::default()).await.unwrap().remove(0);
    let reason = VerdictRequest { message: Some("The <b> is too bold.".into()), ..VerdictRequest::default() };
    let (id, step) = (review.operation_id, review.step_id.as_str());
    let hold = client_of_staff.claim_review(id, step, &ReviewRequest::default()).await.unwrap();
    let mine = ReviewFilter { mine: true, queue: review.queue.clone(), free: false };
    assert_eq!(client_of_staff.list_reviews(&mine).await.unwrap()[0].held_until, Some(hold.held_until));
    let note = NewNote { text: "Seen.".into(), ..NewNote::default() };
    client_of_staff.add_review_note(id, step, &note).await.unwrap();
    client_of_staff.release_review(id, step, &ReviewRequest::default()).await.unwrap();
    assert!(client_of_staff.list_reviews(&mine).await.unwrap().is_empty());
    assert_eq!(client_of_staff.get_review(id, step).await.unwrap().checks[0].notes[0].text, "Seen.");
    client_of_staff.give_verdict(review.operation_id, &review.step_id, Verdict::Block, &reason).await.unwrap();
    let blocked = client.get_offer_status("contoso", "memo-1").await.unwrap();
    assert_eq!(blocked.steps[1].messages[0].message_html, "The &lt;b&gt; is too bold.");
    let none = VerdictRequest::default();
    client_of_staff.give_verdict(review.operation_id, &review.step_id, Verdict::Unblock, &none).await.unwrap();
    client_of_staff.give_verdict(review.operation_id, &review.step_id, Verdict::Approve, &none).await.unwrap();
    world.settle().await;
    assert_eq!(client.get_offer_slot("contoso", "memo-1", "preview").await.unwrap().version, 1);
    assert_eq!(client.explain_offer("contoso", "memo-1").await.unwrap().turn, Turn::Publisher);
    let forecast = client.foresee_cancel("contoso", "memo-1").await.unwrap();
    assert_eq!((forecast.status, forecast.outcome), (200, CancelOutcome::Canceled));
    client.go_live_offer("contoso", "memo-1").await.unwrap();
    world.settle().await;

    assert_eq!(client.get_offer_status("contoso", "memo-1").await.unwrap().status, OfferStatus::Succeeded);
    let live = client.get_offer_slot("contoso", "memo-1", "production").await.unwrap();
    assert_eq!((live.version, live.definition.get()), (1, offer.definition.get()));
    assert_eq!(client.get_offer_version("contoso", "memo-1", 1).await.unwrap().status, OfferStatus::Succeeded);
    let submissions = client.list_submissions("contoso", "memo-1").await.unwrap();
    let kinds: Vec<_> = submissions.iter().map(|s| (s.submission_type, s.submission_state)).collect();
    assert_eq!(
        kinds,
        [(SubmissionType::GoLive, SubmissionState::Completed), (SubmissionType::Publish, SubmissionState::Completed)]
    );
    let by_id = client.get_operation("contoso", "memo-1", submissions[0].id).await.unwrap();
    assert_eq!(client.get_operation_by_composite_id("contoso$memo-1$2$production").await.unwrap(), by_id);
    assert!(matches!(
        client.cancel_offer("contoso", "memo-1").await,
        Err(ClientError::Refused { status: 400, error, .. }) if error.code == ErrorCode::InvalidOfferState
    ));
}

#[tokio::test]
async fn what_goes_wrong_is_told_apart() {
    let world = World::new().await;
    let url = format!("http://{}", world.address);
    assert!(matches!(signed_in(&url, "wrong").list_publishers().await, Err(ClientError::Unauthorized(_))));
    assert!(matches!(
        signed_in("http://127.0.0.1:1", &world.token).list_publishers().await,
        Err(ClientError::Unreachable(_))
    ));
    let missing = signed_in(&url, &world.token).get_offer("contoso", "no/such").await.unwrap_err();
    assert!(missing.to_string().contains("There is no offer"), "{missing}");
}

#[tokio::test]
async fn a_client_with_a_secret_keeps_its_token_and_gets_another_when_it_has_ended() {
    let world = World::new().await;
    let url = format!("http://{}", world.address);
    let owner = signed_in(&url, &world.token);
    let kind = Some(MemberKind::ServicePrincipal);
    let new = NewMember { kind, name: Some("build".into()), roles: vec![Role::Reader], ..NewMember::default() };
    let added = owner.add_member("contoso", &new).await.unwrap();
    let (member, secret) = (added.member, added.secret.unwrap());
    let credentials = Credentials::secret(member.application_id.unwrap(), &secret.value);
    let client = Client::new(&url, credentials.clone()).unwrap();
    let printed = format!("{client:?} {credentials:?} {:?}", Credentials::token(&world.token));
    assert!(!printed.contains(&secret.value) && !printed.contains(&world.token), "{printed}");

    assert_eq!(client.list_publishers().await.unwrap()[0].id, "contoso");
    let second = owner.add_member_secret("contoso", member.id, &Default::default()).await.unwrap();
    owner.remove_member_secret("contoso", member.id, secret.id).await.unwrap();
    assert_eq!(client.list_publishers().await.unwrap().len(), 1, "the token is kept");
    world.clock.advance(Duration::from_secs(2 * 3600));
    let error = client.list_publishers().await.unwrap_err();
    assert!(matches!(error, ClientError::NoToken { status: 401, .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains(&secret.value), "{error:?}");

    let client = Client::new(&url, Credentials::secret(member.object_id.clone(), &second.value)).unwrap();
    assert!(matches!(client.list_publishers().await, Err(ClientError::NoToken { .. })), "that is another id");
    let client_id = owner.list_members("contoso").await.unwrap().into_iter().find_map(|member| member.application_id);
    let client = Client::new(&url, Credentials::secret(client_id.unwrap(), &second.value)).unwrap();
    client.list_publishers().await.unwrap();
    world.clock.advance(Duration::from_secs(2 * 3600));
    client.list_publishers().await.unwrap();
}

#[tokio::test]
async fn a_key_of_the_clients_makes_a_call_once() {
    let world = World::new().await;
    let client = signed_in(&format!("http://{}", world.address), &world.token);
    let offer = memo("memo-1", r#"{"displayText":"A memo","plans":[{"planId":"one"}]}"#);
    let keyed = client.repeatable("0f8fad5b-d9cb-469f-a165-70867728950e").unwrap();
    for _ in 0..2 {
        // Of no concern to what is no POST.
        keyed.put_offer(&offer, None).await.unwrap();
    }
    let first = keyed.publish_offer("contoso", "memo-1", "jane@contoso.example").await.unwrap();
    assert_eq!(keyed.publish_offer("contoso", "memo-1", "jane@contoso.example").await.unwrap(), first);
    assert!(matches!(
        keyed.cancel_offer("contoso", "memo-1").await,
        Err(ClientError::Refused { status: 422, error, .. }) if error.code == ErrorCode::KeyUsed
    ));
    let without = client.publish_offer("contoso", "memo-1", "").await;
    assert!(matches!(without, Err(ClientError::Refused { status: 409, .. })), "{without:?}");
    for key in ["", "k\u{e9}y", "line\nbreak", &"k".repeat(256)] {
        assert!(matches!(client.repeatable(key), Err(ClientError::Unusable(_))), "{key:?}");
    }
}
