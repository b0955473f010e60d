//! Every error answer: one table from what went wrong to code, status and body.

use super::reply;
use crate::auth::{Forbidden, NotVerified, PasswordFault, Unauthenticated};
use crate::issuer::IssuerFailure;
use crate::perform::Failure;
use crate::store::StoreError;
use crate::wire;
use api::errors::{ErrorBody, ErrorCode, ErrorDetail, ErrorDocument, UnauthorizedDocument};
use axum::response::{IntoResponse, Response};
use http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use publishing::access::AccessRefusal;
use publishing::lead::LeadRefusal;
use publishing::refusal::Refusal;
use publishing::webhook::SubscriptionRefusal;

/// An error on its way to the caller.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    code: ErrorCode,
    message: String,
    target: Option<String>,
    details: Vec<ErrorDetail>,
    cause: Option<Cause>,
    /// What `Retry-After` says, in seconds.
    wait: Option<u64>,
}

/// What the log is told of an error on our side; the door adds the request's id.
#[derive(Clone, Debug)]
pub(crate) struct Cause(pub(crate) String);

impl Problem {
    /// An error with a message that names the fault and the mend.
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let wait = (code == ErrorCode::ServiceUnavailable).then_some(2);
        Self { code, message: message.into(), target: None, details: Vec::new(), cause: None, wait }
    }

    /// The fault and the mend.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The same, at a JSON pointer into the body, or a header or parameter.
    pub(crate) fn at(self, target: impl Into<String>) -> Self {
        Self { target: Some(target.into()), ..self }
    }

    /// The same, with another chance after so many seconds.
    pub(crate) fn after(self, seconds: u64) -> Self {
        Self { wait: Some(seconds), ..self }
    }

    /// There is no such thing.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    /// Something in the request cannot be.
    pub(crate) fn bad_request(target: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadRequest, message).at(target)
    }

    /// A member of the publisher would review its offer.
    pub(crate) fn own_publisher() -> Self {
        let message = "You are a member of the publisher of this offer, and nobody reviews an offer of their own publisher. Leave it to another reviewer.";
        Self::new(ErrorCode::Forbidden, message)
    }

    /// Our fault; the cause is for the log.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        let message = "The request failed on our side. Give the operator the x-ms-request-id of this answer; the log holds the cause.";
        Self::new(ErrorCode::InternalServerError, message).because(cause)
    }

    /// The service cannot do it at the moment.
    fn not_now() -> Self {
        let message = "The service cannot do this just now. Try again after the time in Retry-After.";
        Self::new(ErrorCode::ServiceUnavailable, message)
    }

    fn because(self, cause: &dyn std::fmt::Display) -> Self {
        Self { cause: Some(Cause(cause.to_string())), ..self }
    }
}

impl From<Forbidden> for Problem {
    fn from(_: Forbidden) -> Self {
        Self::new(
            ErrorCode::Forbidden,
            "You have no role that allows this. Check the publisher id, if there is one; an owner of the publisher can give you a role there, and an operator one on the staff.",
        )
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt(_) => Self::internal(&error),
            StoreError::Unavailable(_)
            | StoreError::Overtaken
            | StoreError::Superseded
            | StoreError::AnsweredBefore => Self::not_now().because(&error),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Access(refusal) => refusal.into(),
            Failure::Lead(refusal) => refusal.into(),
            Failure::Subscription(refusal) => refusal.into(),
            Failure::Password(fault) => fault.into(),
            Failure::Forbidden => Forbidden.into(),
            Failure::OwnPublisher => Self::own_publisher(),
            Failure::KeyUsed(header) => Self::new(ErrorCode::KeyUsed, failure.to_string()).at(header),
            Failure::Store(error) => error.into(),
        }
    }
}

impl From<AccessRefusal> for Problem {
    fn from(refusal: AccessRefusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            AccessRefusal::Invalid { target, .. } => Self::bad_request(target, message),
            AccessRefusal::MemberMissing | AccessRefusal::SecretMissing => Self::not_found(message),
            AccessRefusal::Conflict(_) => Self::new(ErrorCode::Conflict, message),
        }
    }
}

impl From<LeadRefusal> for Problem {
    fn from(refusal: LeadRefusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            LeadRefusal::Invalid { target, .. } => Self::bad_request(target, message),
            LeadRefusal::Missing => Self::not_found(message),
            LeadRefusal::NotDelivered => Self::new(ErrorCode::Conflict, message),
            LeadRefusal::KeyUsed => Self::new(ErrorCode::Conflict, message).at("Idempotency-Key"),
        }
    }
}

impl From<SubscriptionRefusal> for Problem {
    fn from(refusal: SubscriptionRefusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            SubscriptionRefusal::Invalid { target, .. } => Self::bad_request(target, message),
            SubscriptionRefusal::Missing | SubscriptionRefusal::DeliveryMissing => Self::not_found(message),
            SubscriptionRefusal::TooMany | SubscriptionRefusal::Disabled => Self::new(ErrorCode::Conflict, message),
        }
    }
}

impl From<PasswordFault> for Problem {
    fn from(fault: PasswordFault) -> Self {
        match fault {
            PasswordFault::Length => Self::bad_request("/password", fault.to_string()),
            PasswordFault::Unavailable(_) => Self::internal(&fault),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::OfferMissing { .. } => Self::not_found(message),
            Refusal::BadRequest { target, .. } => Self::bad_request(target, message),
            Refusal::StepMissing { .. } => Self::not_found(message),
            Refusal::OtherVersionLive { .. } => Self::new(ErrorCode::Conflict, message).at("/from"),
            Refusal::OperationInProgress { .. } => Self::new(ErrorCode::OperationInProgress, message),
            Refusal::InvalidState { .. } | Refusal::ReviewNotAwaited { .. } | Refusal::Superseded => {
                Self::new(ErrorCode::InvalidOfferState, message)
            }
            Refusal::HeldByAnother { until, .. } => {
                Self::new(ErrorCode::Conflict, format!("{message} The hold ends at {}.", wire::date(until)))
            }
            Refusal::ApprovedAlready => Self::new(ErrorCode::Conflict, message),
            Refusal::SubmittedByYou => Self::new(ErrorCode::Forbidden, message),
            Refusal::Precondition { current } => {
                let message = match current {
                    Some(changed_at) => format!("{message} Its ETag is {} now.", wire::date(changed_at).etag()),
                    None => {
                        "There is no such offer, and If-Match asks for one. Send no If-Match to create it.".to_owned()
                    }
                };
                Self::new(ErrorCode::PreconditionFailed, message).at("If-Match")
            }
            Refusal::IfMatchWanted { conflict: true } => {
                Self::new(ErrorCode::InvalidResourceId, message).at("If-Match")
            }
            Refusal::IfMatchWanted { conflict: false } => Self::bad_request("If-Match", message),
            Refusal::Faults(faults) => {
                let detail = |fault: &publishing::definition::Fault| ErrorDetail {
                    code: fault.code.clone(),
                    message: fault.text(),
                    target: fault.pointer.clone(),
                };
                let details = faults.iter().map(detail).collect();
                Self { details, ..Self::new(ErrorCode::ValidationFailed, message).at("/definition") }
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let error = ErrorBody { code: self.code, message: self.message, target: self.target, details: self.details };
        let mut response = reply::json(status, &ErrorDocument { error });
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(cause);
        }
        let headers = response.headers_mut();
        if let Some(wait) = self.wait {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait));
        }
        if self.code == ErrorCode::RequestTimeout {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<IssuerFailure> for Problem {
    fn from(failure: IssuerFailure) -> Self {
        Self::not_now().because(&failure)
    }
}

impl IntoResponse for NotVerified {
    fn into_response(self) -> Response {
        match self {
            Self::Denied(denied) => denied.into_response(),
            // The cause was logged when the fetch failed, once.
            Self::Unavailable(words) => Problem::new(ErrorCode::ServiceUnavailable, words).after(10).into_response(),
            Self::Failed(cause) => Problem::not_now().because(&cause).into_response(),
        }
    }
}

impl IntoResponse for Unauthenticated {
    /// The body that the original service's platform wrote (wire contract, "Authentication").
    fn into_response(self) -> Response {
        let mut response = reply::json(StatusCode::UNAUTHORIZED, &UnauthorizedDocument { message: self.0.to_owned() });
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        response
    }
}
