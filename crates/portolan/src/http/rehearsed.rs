//! What a rehearsal puts into a request before it comes to the door: what shall be answered instead, and who wants to know who asks.

use super::errors::Problem;
use api::errors::ErrorCode;
use axum::response::{IntoResponse, Response};
use std::sync::{Arc, OnceLock};

/// What the door answers to a request that carries this, instead of letting it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// An error.
    Error {
        /// Its code.
        code: ErrorCode,
        /// The fault and the mend.
        message: String,
        /// The header that it is about.
        target: Option<String>,
        /// After how many seconds to try again.
        retry_after: Option<u32>,
    },
    /// As to a token that has expired.
    Expired,
}

/// Whoever puts this into a request learns the name of the caller, once the door knows it.
#[derive(Clone, Debug, Default)]
pub struct AskedBy(pub Arc<OnceLock<String>>);

/// Whoever puts this into a request lets pages ask the emulator, by its own calls, for anybody.
#[derive(Clone, Debug)]
pub struct EmulatorCalls(pub axum::Router);

impl IntoResponse for Instead {
    fn into_response(self) -> Response {
        match self {
            Self::Expired => crate::auth::EXPIRED.into_response(),
            Self::Error { code, message, target, retry_after } => {
                let problem = Problem::new(code, message);
                let problem = match target {
                    Some(target) => problem.at(target),
                    None => problem,
                };
                let problem = match retry_after {
                    Some(seconds) => problem.after(seconds.into()),
                    None => problem,
                };
                problem.into_response()
            }
        }
    }
}
