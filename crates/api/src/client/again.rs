//! When the typed client sends a request again by itself, and how long it waits before.

use super::ClientError;
use reqwest::header::RETRY_AFTER;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use std::time::Duration;

/// How long it waits after a connection that failed, each time. Somebody may watch: not for long.
const PAUSES: [Duration; 3] = [Duration::from_millis(200), Duration::from_millis(400), Duration::from_millis(800)];

/// The longest time that a server can have it wait. Who is told to wait longer is told so.
const LONGEST: Duration = Duration::from_secs(10);

/// The tries of one request that are left.
#[derive(Debug)]
pub(super) struct Tries {
    pauses: std::slice::Iter<'static, Duration>,
}

impl Tries {
    /// None are left for what could be done twice: only reads, and POSTs with a key, are sent again.
    pub(super) fn of(request: &RequestBuilder) -> Self {
        let request = request.try_clone().and_then(|request| request.build().ok());
        let is_harmless = request.is_some_and(|request| {
            request.method() == Method::GET
                || (request.method() == Method::POST && request.headers().contains_key("idempotency-key"))
        });
        Self { pauses: if is_harmless { PAUSES.iter() } else { [].iter() } }
    }

    /// How long to wait before it is sent again; none where the answer counts.
    pub(super) fn pause(&mut self, answer: &Result<Response, ClientError>) -> Option<Duration> {
        let pause = *self.pauses.next()?;
        match answer {
            Ok(response) if is_not_now(response.status()) => {
                retry_after(response).filter(|told| *told <= LONGEST).map(|told| told.max(pause))
            }
            Err(ClientError::Unreachable(_)) => Some(pause),
            Ok(_) | Err(_) => None,
        }
    }
}

fn is_not_now(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}

/// How long a server asks its caller to wait, where it says so in seconds.
pub(super) fn retry_after(response: &Response) -> Option<Duration> {
    let told = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    told.trim().parse().ok().map(Duration::from_secs)
}
