//! Error codes and error bodies.

use serde::{Deserialize, Serialize};

/// A stable error code (wire contract, "Error envelope").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ErrorCode {
    /// The query names no accepted api-version. 400.
    InvalidAPIVersion,
    /// Something in the request cannot be. 400.
    BadRequest,
    /// The offer's status does not allow it. 400.
    InvalidOfferState,
    /// The caller has no role that allows it. 403.
    Forbidden,
    /// There is no such thing. 404.
    NotFound,
    /// The path exists, for other methods. 405.
    MethodNotAllowed,
    /// The body did not come in time; the connection is closed. 408.
    RequestTimeout,
    /// The offer exists, and `If-Match` is wanted. 409.
    InvalidResourceId,
    /// It stands against what is there. 409.
    Conflict,
    /// A submission runs already. 409.
    OperationInProgress,
    /// The offer is not as `If-Match` says. 412.
    PreconditionFailed,
    /// The body is over the limit. 413.
    PayloadTooLarge,
    /// The body's type is not JSON. 415.
    UnsupportedMediaType,
    /// The draft has faults. 422.
    ValidationFailed,
    /// The key was used for another request. 422.
    KeyUsed,
    /// Too many requests; `Retry-After` says when. 429.
    TooManyRequests,
    /// Our fault. 500.
    InternalServerError,
    /// Not now; `Retry-After` says when. 503.
    ServiceUnavailable,
}

impl ErrorCode {
    /// The HTTP status that goes with the code.
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidAPIVersion | Self::BadRequest | Self::InvalidOfferState => 400,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::InvalidResourceId | Self::Conflict | Self::OperationInProgress => 409,
            Self::PreconditionFailed => 412,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::ValidationFailed | Self::KeyUsed => 422,
            Self::TooManyRequests => 429,
            Self::InternalServerError => 500,
            Self::ServiceUnavailable => 503,
        }
    }
}

/// The body of every error but 401.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorDocument {
    /// The error.
    pub error: ErrorBody,
}

/// One error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// Stable, for programs.
    pub code: ErrorCode,
    /// The fault and the mend, for people.
    pub message: String,
    /// A JSON pointer into the body, or the header or parameter at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, required = false))]
    pub target: Option<String>,
    /// Every fault, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub details: Vec<ErrorDetail>,
}

/// One of several faults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorDetail {
    /// The rule that was broken; stable, for programs.
    pub code: String,
    /// The fault and the mend, for people.
    pub message: String,
    /// A JSON pointer into the offer.
    pub target: String,
}

/// The body of a 401: the original service's platform wrote it, and its clients read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnauthorizedDocument {
    /// What is wrong with the token.
    pub message: String,
}
