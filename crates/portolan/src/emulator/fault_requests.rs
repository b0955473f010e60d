//! What faults do to requests: answered instead, answered late, or never answered to the end.

use super::faults::{Faults, names};
use crate::http::{CutOff, Instead, canonical};
use api::emulator::{FaultKind, NewFault};
use api::errors::ErrorCode;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use futures_util::{Stream, StreamExt, stream};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request};
use http_body_util::BodyExt;
use publishing::moment::Moment;
use publishing::offer::PublisherId;
use std::io::{Error, ErrorKind};
use std::task::Poll;
use std::time::Duration;

/// Where requests are met by faults that name no path.
const USUAL_PATH: &str = "/api/";
/// After how many seconds to try again where a fault does not say.
const USUAL_WAIT: u32 = 1;
/// How much of an answer is gathered before it breaks off, in bytes; a little more, where it comes in long pieces.
const MOST_GATHERED: usize = 1 << 20;

/// What a fault does to a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum OnRequest {
    /// It is not done, and this is answered.
    Instead(Instead),
    /// It is done, and answered so much later.
    Late(Duration),
    /// It is done, and its answer breaks off.
    Cut,
}

impl Faults {
    /// What a request meets, with the id of the fault; nothing where it meets none.
    pub(super) fn on_request(&self, request: &Request<Body>, now: Moment) -> Option<(String, OnRequest)> {
        // As the routes spell it: what they take for the same meets the same fault.
        let folded = canonical(request.uri());
        let (method, path) = (request.method(), folded.as_ref().unwrap_or(request.uri()).path());
        let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let offer = offer_of(path);
        let met = self.state().meet(now, |fault| {
            let is_of_requests = match fault.kind {
                FaultKind::Conflict => changes,
                FaultKind::ApiError | FaultKind::SlowAnswer | FaultKind::CutConnection | FaultKind::Unauthorized => {
                    true
                }
                _ => false,
            };
            is_of_requests
                && begins(path, fault.path.as_deref().unwrap_or(USUAL_PATH))
                && fault.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()))
                && names(fault.offer.as_deref(), offer.as_deref())
        })?;
        let what = match met.fault.kind {
            FaultKind::SlowAnswer => OnRequest::Late(Duration::from_millis(met.fault.milliseconds.unwrap_or(0))),
            FaultKind::CutConnection => OnRequest::Cut,
            FaultKind::Unauthorized => OnRequest::Instead(Instead::Expired),
            _ => OnRequest::Instead(error(&met.fault)),
        };
        Some((met.id, what))
    }
}

/// Whether a path begins so, in whatever case: faults may be spelled as freely as requests.
fn begins(path: &str, beginning: &str) -> bool {
    path.get(..beginning.len()).is_some_and(|begun| begun.eq_ignore_ascii_case(beginning))
}

/// The offer that a path names, as `publisher/offer`.
fn offer_of(path: &str) -> Option<String> {
    let mut parts = path.split('/').skip_while(|part| !part.eq_ignore_ascii_case("publishers")).skip(1);
    let publisher = PublisherId::parse(parts.next()?)?;
    let offer = parts.nth(1)?;
    Some(format!("{}/{}", publisher.folded(), offer.to_ascii_lowercase()))
}

/// The error that a fault answers.
fn error(fault: &NewFault) -> Instead {
    let wait = Some(fault.retry_after.unwrap_or(USUAL_WAIT));
    let (code, message, target, retry_after) = match (fault.kind, fault.status) {
        (FaultKind::Conflict, Some(412)) => (
            ErrorCode::PreconditionFailed,
            "The offer is not as If-Match says. Read it again, and repeat this with the ETag you get.",
            Some("If-Match".to_owned()),
            None,
        ),
        (FaultKind::Conflict, _) => {
            (ErrorCode::Conflict, "Somebody else was faster. Read it again, and repeat this.", None, None)
        }
        (_, Some(429)) => {
            let message = "There are too many requests. Try again after the time in Retry-After.";
            (ErrorCode::TooManyRequests, message, None, wait)
        }
        (_, Some(500)) => {
            let message = "The request failed on our side. Give the operator the x-ms-request-id of this answer; the log holds the cause.";
            (ErrorCode::InternalServerError, message, None, None)
        }
        _ => {
            let message = "The service cannot do this just now. Try again after the time in Retry-After.";
            (ErrorCode::ServiceUnavailable, message, None, wait)
        }
    };
    Instead::Error { code, message: message.to_owned(), target, retry_after }
}

/// An answer that breaks off in its middle; one without a body is none at all. A stream of events has no middle: it breaks off
/// after what it says first.
pub(super) async fn cut(response: Response) -> Result<Response, CutOff> {
    let (head, body) = response.into_parts();
    let kind = head.headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    if kind.starts_with(b"text/event-stream") && !body.is_end_stream() {
        let first = body.into_data_stream().take(1).map(|frame| frame.map_err(Error::other));
        return Ok(Response::from_parts(head, Body::from_stream(first.chain(break_off()))));
    }
    let begun = beginning(body).await;
    let half = begun.slice(..begun.len() / 2);
    if half.is_empty() {
        return Err(CutOff);
    }
    let first = stream::iter([Ok(half)]);
    Ok(Response::from_parts(head, Body::from_stream(first.chain(break_off()))))
}

/// What a body begins with: all of it, where it is not too long.
async fn beginning(mut body: Body) -> Bytes {
    let mut begun = Vec::new();
    while begun.len() < MOST_GATHERED
        && let Some(Ok(frame)) = body.frame().await
    {
        begun.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
    }
    begun.into()
}

/// The break itself.
fn break_off() -> impl Stream<Item = Result<Bytes, Error>> + Send {
    let mut waited = false;
    stream::poll_fn(move |context| {
        // What is written goes out before the break: it comes a turn later.
        if !std::mem::replace(&mut waited, true) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Error::new(ErrorKind::ConnectionReset, "a fault breaks this answer off"))))
    })
}

#[cfg(test)]
mod tests {
    use super::{begins, cut, offer_of};
    use axum::body::{Body, Bytes};
    use axum::response::Response;
    use futures_util::{StreamExt, stream};
    use http_body_util::BodyExt;
    use std::convert::Infallible;
    use std::time::Duration;

    #[tokio::test]
    async fn what_never_ends_breaks_off_too() {
        let endless = || Body::from_stream(stream::repeat(Ok::<_, Infallible>(Bytes::from_static(b"data: 1\n\n"))));
        let events = Response::builder().header("content-type", "text/event-stream").body(endless()).unwrap();
        for answer in [events, Response::new(endless())] {
            let whole = async { cut(answer).await.unwrap().into_body().collect().await };
            let whole = tokio::time::timeout(Duration::from_secs(30), whole).await;
            assert!(whole.unwrap().is_err());
        }
    }

    #[tokio::test]
    async fn a_stream_of_events_is_cut_after_the_first_and_not_kept_until_it_comes() {
        let one = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"data: 1\n\n"))]);
        let silent = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        for (body, first) in [(Body::from_stream(one.chain(stream::pending())), true), (silent, false)] {
            let events = Response::builder().header("content-type", "text/event-stream").body(body).unwrap();
            let mut frames = cut(events).await.unwrap().into_body().into_data_stream();
            if first {
                assert_eq!(frames.next().await.unwrap().unwrap(), "data: 1\n\n");
                assert!(frames.next().await.unwrap().is_err());
            }
        }
    }

    #[test]
    fn a_path_begins_in_whatever_case() {
        for (path, beginning, expected) in [
            ("/api/publishers/Contoso/offers", "/api/publishers/contoso/", true),
            ("/api/publishers/contoso/offers", "/API/Publishers/", true),
            ("/api", "/api/", false),
            ("/healthz", "/api/", false),
        ] {
            assert_eq!(begins(path, beginning), expected, "{path} {beginning}");
        }
    }

    #[test]
    fn a_path_names_an_offer_wherever_it_is_below_it() {
        for (path, offer) in [
            ("/api/publishers/Contoso/offers/web-gateway", Some("contoso/web-gateway")),
            ("/api/publishers/contoso/offers/web-gateway/status", Some("contoso/web-gateway")),
            ("/publishers/contoso/offers/web-gateway", Some("contoso/web-gateway")),
            ("/api/publishers/contoso", None),
            ("/api/reviews", None),
        ] {
            assert_eq!(offer_of(path).as_deref(), offer, "{path}");
        }
    }
}
