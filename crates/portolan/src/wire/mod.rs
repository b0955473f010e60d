//! The one place where the rules' words become the wire's.

mod audited;
mod events;
mod explain;
mod usual;

pub use audited::audited;
pub use events::{event, happened, test_event};
pub use explain::{cancel, explanation, state};
pub use usual::{Usual, UsualEnd, add_usual, copy_usual};

use crate::links::Links;
use crate::markup::escape;
use crate::store::{Document, Member};
use api::access as wire_access;
use api::dates::Date;
use api::operations as wire_operations;
use api::status as wire_status;
use bytes::Bytes;
use http::HeaderValue;
use publishing::message::{Level, Message};
use publishing::moment::Moment;
use publishing::offer::{Offer, OfferKey};
use publishing::operation::{Course, Operation, Purpose, Step};
use publishing::plan::any_visible;
use publishing::principal::{Kind, Principal, Role};
use publishing::status::{OfferStatus, Status, StepStatus, of_operation};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// A moment as a date.
pub const fn date(moment: Moment) -> Date {
    Date::from_ticks(moment.ticks())
}

/// An offer's status.
pub const fn offer_status(status: OfferStatus) -> wire_status::OfferStatus {
    match status {
        OfferStatus::NeverPublished => wire_status::OfferStatus::NeverPublished,
        OfferStatus::NotStarted => wire_status::OfferStatus::NotStarted,
        OfferStatus::WaitingForPublisherReview => wire_status::OfferStatus::WaitingForPublisherReview,
        OfferStatus::Running => wire_status::OfferStatus::Running,
        OfferStatus::Succeeded => wire_status::OfferStatus::Succeeded,
        OfferStatus::Canceled => wire_status::OfferStatus::Canceled,
        OfferStatus::Failed => wire_status::OfferStatus::Failed,
    }
}

/// A status document of an offer.
pub fn status_document(status: &Status, key: &OfferKey, links: &Links) -> wire_status::StatusDocument {
    let live = |_| wire_status::Link { display_text: "Live".into(), uri: links.live_page(key) };
    wire_status::StatusDocument {
        status: offer_status(status.status),
        messages: status.messages.iter().map(message).collect(),
        steps: status.steps.iter().map(step).collect(),
        preview_links: status.preview.iter().flat_map(|(version, who)| previews(key, *version, who, links)).collect(),
        live_links: status.live.then_some(()).map(live).into_iter().collect(),
        notification_emails: status.notification_emails.join(","),
    }
}

/// The page for those who sign in, and one address for each subscription that may see the preview.
fn previews(key: &OfferKey, version: i64, subscriptions: &[String], links: &Links) -> Vec<wire_status::Link> {
    let signing_in =
        wire_status::Link { display_text: "Preview, after signing in".into(), uri: links.preview_page(key) };
    let signed = subscriptions.iter().map(|subscription| wire_status::Link {
        display_text: format!("Preview for subscription {subscription}"),
        uri: links.preview_page_for(key, version, subscription),
    });
    std::iter::once(signing_in).chain(signed).collect()
}

/// A step's status.
pub const fn step_status(status: StepStatus) -> wire_status::StepStatus {
    match status {
        StepStatus::NotStarted => wire_status::StepStatus::NotStarted,
        StepStatus::InProgress => wire_status::StepStatus::InProgress,
        StepStatus::WaitingForPublisherReview => wire_status::StepStatus::WaitingForPublisherReview,
        StepStatus::WaitingForApproval => wire_status::StepStatus::WaitingForApproval,
        StepStatus::Blocked => wire_status::StepStatus::Blocked,
        StepStatus::Rejected => wire_status::StepStatus::Rejected,
        StepStatus::Complete => wire_status::StepStatus::Complete,
        StepStatus::Canceled => wire_status::StepStatus::Canceled,
    }
}

fn step(step: &Step) -> wire_status::Step {
    wire_status::Step {
        estimated_time_frame: step.estimated_time_frame.clone(),
        id: step.id.clone(),
        step_name: step.name.clone(),
        description: step.description.clone(),
        status: step_status(step.status()),
        messages: step.messages().into_iter().map(message).collect(),
        progress_percentage: step.progress_percentage(),
        usual_duration: None,
        since: None,
    }
}

/// What a check says.
pub fn message(message: &Message) -> wire_status::Message {
    wire_status::Message {
        message_html: html(message),
        level: match message.level {
            Level::Information => wire_status::MessageLevel::Information,
            Level::Warning => wire_status::MessageLevel::Warning,
            Level::Error => wire_status::MessageLevel::Error,
        },
        timestamp: date(message.at),
        code: message.code.clone(),
        target: message.target.clone(),
        text: message.text.clone(),
        mend: message.mend.clone(),
        link: message.link.clone(),
    }
}

/// What a message says and what to do about it, as HTML: clients of the original read nothing else.
fn html(message: &Message) -> String {
    let said = message.html.clone().unwrap_or_else(|| escape(&message.text));
    match &message.mend {
        Some(mend) => format!("{said} {}", escape(mend)),
        None => said,
    }
}

/// What an operation that reached its end is called (wire contract, section 2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SuccessWord {
    /// As the contract has it.
    #[default]
    Succeeded,
    /// As one old client waits for.
    Complete,
}

/// An operation of an offer. Only the offer's newest one can be canceled, and only what can be seen now is linked to.
pub fn operation(
    operation: &Operation,
    offer: &Offer,
    success: SuccessWord,
    links: &Links,
) -> wire_operations::Operation {
    let newest = offer.operation.as_ref().is_some_and(|newest| newest.id == operation.id);
    let mut status = of_operation(operation);
    // A link to another version than the one in the slot, or for who is not asked any more, opens nothing.
    let in_slot = status.preview.filter(|(version, _)| offer.preview == Some(*version));
    status.preview = in_slot.map(|(version, _)| (version, offer.preview_audience.clone()));
    status.live = status.live && any_visible(&operation.plans);
    let document = status_document(&status, &offer.key, links);
    wire_operations::Operation {
        status: match (operation.course, success) {
            (Course::Completed, SuccessWord::Succeeded) => wire_status::OfferStatus::Succeeded,
            (Course::Completed, SuccessWord::Complete) => wire_status::OfferStatus::Complete,
            _ => document.status,
        },
        messages: document.messages,
        publishing_version: operation.publishing_version(),
        offer_version: operation.offer_version,
        cancellation_request_state: match operation.course {
            Course::Canceled => wire_operations::CancellationRequestState::Canceled,
            Course::CancelRequested => wire_operations::CancellationRequestState::CancelRequested,
            _ if newest && operation.can_cancel() => wire_operations::CancellationRequestState::CanCancel,
            _ => wire_operations::CancellationRequestState::CannotCancel,
        },
        steps: document.steps,
        preview_links: document.preview_links,
        live_links: document.live_links,
        notification_emails: document.notification_emails,
    }
}

/// How far an operation has come, in a submission's words.
pub const fn submission_state(course: Course) -> wire_operations::SubmissionState {
    match course {
        Course::Running | Course::CancelRequested => wire_operations::SubmissionState::Running,
        Course::Completed => wire_operations::SubmissionState::Completed,
        Course::Failed => wire_operations::SubmissionState::Failed,
        Course::Canceled => wire_operations::SubmissionState::Canceled,
    }
}

/// An operation as a submission of an offer.
pub fn submission(key: &OfferKey, offer_type: &str, operation: &Operation) -> wire_operations::Submission {
    let (submission_type, slot) = match operation.purpose {
        Purpose::Publish => (wire_operations::SubmissionType::Publish, wire_operations::SubmissionSlot::Staging),
        Purpose::GoLive => (wire_operations::SubmissionType::GoLive, wire_operations::SubmissionSlot::Production),
    };
    wire_operations::Submission {
        id: operation.id,
        offer_id: key.offer.as_str().to_owned(),
        offer_version: operation.offer_version,
        offer_type_id: offer_type.to_owned(),
        publisher_id: key.publisher.as_str().to_owned(),
        submission_type,
        submission_state: submission_state(operation.course),
        publishing_version: operation.publishing_version(),
        slot,
        version: operation.started_at.ticks(),
        definition: wire_operations::SubmissionDefinition {
            metadata: wire_operations::SubmissionMetadata { emails: operation.emails.join(",") },
        },
        changed_time: date(operation.changed_at),
    }
}

/// The roles that a caller names.
pub fn roles(roles: &[wire_access::Role]) -> BTreeSet<Role> {
    let role = |role: &wire_access::Role| match role {
        wire_access::Role::Owner => Role::Owner,
        wire_access::Role::Contributor => Role::Contributor,
        wire_access::Role::Reader => Role::Reader,
        wire_access::Role::Operator => Role::Operator,
        wire_access::Role::Reviewer => Role::Reviewer,
        wire_access::Role::Auditor => Role::Auditor,
    };
    roles.iter().map(role).collect()
}

/// A member as callers see it.
pub fn member(member: &Member) -> wire_access::Member {
    let Principal { id, kind, name, mail, identity, application, home: _ } = &member.principal;
    let role = |role: &Role| match role {
        Role::Owner => wire_access::Role::Owner,
        Role::Contributor => wire_access::Role::Contributor,
        Role::Reader => wire_access::Role::Reader,
        Role::Operator => wire_access::Role::Operator,
        Role::Reviewer => wire_access::Role::Reviewer,
        Role::Auditor => wire_access::Role::Auditor,
    };
    wire_access::Member {
        id: *id,
        kind: match kind {
            Kind::User => wire_access::MemberKind::User,
            Kind::ServicePrincipal => wire_access::MemberKind::ServicePrincipal,
        },
        name: name.clone(),
        mail: mail.clone(),
        issuer: identity.issuer.clone(),
        tenant_id: identity.tenant.clone(),
        object_id: identity.subject.clone(),
        application_id: application.clone(),
        roles: member.roles.iter().map(role).collect(),
        since: date(member.since),
    }
}

/// The name of an offer for people, from its definition; empty where it has none.
pub fn display_text(definition: &str) -> String {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        display_text: Option<String>,
    }
    serde_json::from_str::<Named>(definition).ok().and_then(|named| named.display_text).unwrap_or_default()
}

/// Renders a document to the bytes that are served, with their ETag: the first 16 bytes of their SHA-256.
///
/// # Errors
/// Where the value cannot be written as JSON.
pub fn render<T: Serialize>(document: &T) -> serde_json::Result<Document> {
    tagged(serde_json::to_vec(document)?)
}

/// The bytes of a document as they were rendered once, with their ETag.
///
/// # Errors
/// None in practice: an ETag is always a header.
pub fn tagged(body: Vec<u8>) -> serde_json::Result<Document> {
    let digest = Sha256::digest(&body);
    let etag: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let etag = HeaderValue::try_from(format!("\"{etag}\"")).map_err(serde::ser::Error::custom)?;
    Ok(Document { body: Bytes::from(body), etag })
}
