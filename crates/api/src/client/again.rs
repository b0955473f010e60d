//! When the typed client sends a request again by itself, and how long it waits before.

use super::ClientError;
use reqwest::header::RETRY_AFTER;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use std::time::Duration;

/// How long it waits after a connection that failed, each time. Somebody may watch: not for long.
const PAUSES: [Duration; 3] = [Duration::from_millis(200), Duration::from_millis(400), Duration::from_millis(800)];

/// The longest time that a server can have it wait. Who is told to wait longer is told so.
const LONGEST: Duration = Duration::from_secs(60);

/// How often a server may say that it cannot answer now.
const MOST_PUT_OFF: usize = 10;

/// The tries of one request that are left.
#[derive(Debug)]
pub(super) struct Tries {
    pauses: std::slice::Iter<'static, Duration>,
    put_off: usize,
    is_read: bool,
}

impl Tries {
    /// None are left for what could be done twice: only reads, and POSTs with a key, are sent again.
    pub(super) fn of(request: &RequestBuilder) -> Self {
        let request = request.try_clone().and_then(|request| request.build().ok());
        let is_read = request.as_ref().is_some_and(|request| request.method() == Method::GET);
        let has_key = request.is_some_and(|request| {
            request.method() == Method::POST && request.headers().contains_key("idempotency-key")
        });
        let is_harmless = is_read || has_key;
        let put_off = if is_harmless { MOST_PUT_OFF } else { 0 };
        Self { pauses: if is_harmless { PAUSES.iter() } else { [].iter() }, put_off, is_read }
    }

    /// How long to wait before it is sent again; none where the answer counts.
    pub(super) fn pause(&mut self, answer: &Result<Response, ClientError>) -> Option<Duration> {
        match answer {
            Ok(response) if is_not_now(response.status()) => {
                self.put_off = self.put_off.checked_sub(1)?;
                retry_after(response).filter(|told| *told <= LONGEST).map(|told| told.max(PAUSES[0]))
            }
            Ok(response) if self.is_read && is_servers_fault(response.status()) => self.pauses.next().copied(),
            Err(ClientError::Unreachable(_)) => self.pauses.next().copied(),
            Ok(_) | Err(_) => None,
        }
    }

    /// The same for an answer that broke off while it was read.
    pub(super) fn pause_after_body<T>(&mut self, answer: &Result<T, ClientError>) -> Option<Duration> {
        matches!(answer, Err(ClientError::Unreachable(_))).then(|| self.pauses.next().copied()).flatten()
    }
}

fn is_servers_fault(status: StatusCode) -> bool {
    matches!(status, StatusCode::INTERNAL_SERVER_ERROR | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT)
}

fn is_not_now(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}

/// How long a server asks its caller to wait, where it says so in seconds.
pub(super) fn retry_after(response: &Response) -> Option<Duration> {
    let told = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    told.trim().parse().ok().map(Duration::from_secs)
}
