//! How a command ends: the exit codes, and which of them an error means.

use super::fault::{Fault, Meant};
use api::client::ClientError;
use api::errors::ErrorCode;
use std::process::ExitCode;

/// How a command ends. Scripts rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// What was asked for is reached.
    Done,
    /// What nobody expected; it has a request id, where the server was asked.
    Unexpected,
    /// The command cannot be meant so.
    Usage,
    /// There is no such thing.
    NotFound,
    /// Not signed in, or not allowed.
    NotAllowed,
    /// What was given has faults; nothing was submitted.
    Invalid,
    /// Somebody changed it, or a submission runs already.
    Conflict,
    /// The server was not reached, also not after trying again.
    Unreachable,
    /// Not finished: the time limit passed, or it was only looked at. The work goes on.
    Pending,
    /// The submission was rejected.
    Rejected,
    /// It is blocked, or waits for a person, and a later point was asked for.
    Waiting,
    /// The submission was canceled.
    Canceled,
    /// Ctrl-C was pressed. The work goes on.
    Interrupted,
}

impl Exit {
    /// Every one, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::Done,
        Self::Unexpected,
        Self::Usage,
        Self::NotFound,
        Self::NotAllowed,
        Self::Invalid,
        Self::Conflict,
        Self::Unreachable,
        Self::Pending,
        Self::Rejected,
        Self::Waiting,
        Self::Canceled,
        Self::Interrupted,
    ];

    /// The number that the process ends with.
    pub const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Unexpected => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::NotAllowed => 4,
            Self::Invalid => 5,
            Self::Conflict => 6,
            Self::Unreachable => 7,
            Self::Pending => 8,
            Self::Rejected => 10,
            Self::Waiting => 11,
            Self::Canceled => 12,
            Self::Interrupted => 130,
        }
    }

    /// What it means, in a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "What was asked for is reached.",
            Self::Unexpected => "An unexpected error; where the server was asked, it has a request id.",
            Self::Usage => "Wrong usage.",
            Self::NotFound => "Not found.",
            Self::NotAllowed => "Not signed in, or not allowed.",
            Self::Invalid => "Validation failed; nothing was submitted.",
            Self::Conflict => "Conflict: somebody changed it, or a submission runs already.",
            Self::Unreachable => "The server was not reached, also not after trying again.",
            Self::Pending => "Not finished: still pending, or the time limit passed. The work goes on.",
            Self::Rejected => "Rejected.",
            Self::Waiting => "Blocked, or waiting for a person, and a later point was asked for.",
            Self::Canceled => "Canceled.",
            Self::Interrupted => "Ctrl-C was pressed. The work goes on.",
        }
    }

    /// What an error means.
    pub(super) fn of(error: &anyhow::Error) -> Self {
        let known = |cause: &(dyn std::error::Error + 'static)| {
            let fault = cause.downcast_ref::<Fault>().map(|fault| fault.exit);
            fault.or_else(|| cause.downcast_ref::<ClientError>().map(Self::of_client))
        };
        if error.downcast_ref::<Meant>().is_some() {
            return Self::NotFound;
        }
        error.chain().find_map(known).unwrap_or(Self::Unexpected)
    }

    fn of_client(error: &ClientError) -> Self {
        match error {
            ClientError::Unusable(_) => Self::Usage,
            ClientError::Refused { error, .. } => Self::of_code(error.code),
            ClientError::Foreign { status, .. } => Self::of_status(*status),
            ClientError::Unauthorized(_) | ClientError::NoToken { .. } => Self::NotAllowed,
            ClientError::Untrusted(_) | ClientError::Unreachable(_) => Self::Unreachable,
            ClientError::Unreadable { .. } => Self::Unexpected,
        }
    }

    /// Where another server's code says nothing.
    const fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::NotAllowed,
            404 => Self::NotFound,
            409 | 412 => Self::Conflict,
            400 | 413 | 415 | 422 => Self::Invalid,
            408 | 429 | 502..=504 => Self::Unreachable,
            _ => Self::Unexpected,
        }
    }

    const fn of_code(code: ErrorCode) -> Self {
        match code {
            ErrorCode::Forbidden => Self::NotAllowed,
            ErrorCode::NotFound => Self::NotFound,
            ErrorCode::BadRequest
            | ErrorCode::ValidationFailed
            | ErrorCode::PayloadTooLarge
            | ErrorCode::UnsupportedMediaType => Self::Invalid,
            ErrorCode::InvalidOfferState
            | ErrorCode::InvalidResourceId
            | ErrorCode::Conflict
            | ErrorCode::OperationInProgress
            | ErrorCode::PreconditionFailed
            | ErrorCode::KeyUsed => Self::Conflict,
            ErrorCode::RequestTimeout | ErrorCode::TooManyRequests | ErrorCode::ServiceUnavailable => Self::Unreachable,
            ErrorCode::InvalidAPIVersion | ErrorCode::MethodNotAllowed | ErrorCode::InternalServerError => {
                Self::Unexpected
            }
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}
