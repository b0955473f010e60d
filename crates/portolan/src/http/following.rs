//! Event streams: what happens to an offer, or to all offers of a publisher, each entry of the journal once and in order.

use super::errors::Problem;
use super::followers::Place;
use super::offers::missing;
use super::request::{At, query, shown};
use super::{Rooms, Shared, reply};
use crate::auth::{Caller, Permission};
use crate::store::{Follower, Line, LineSelection, StoreError};
use crate::wire;
use api::events::Event;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use publishing::offer::{OfferId, PublisherId};
use std::convert::Infallible;
use std::sync::Arc;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// After how many milliseconds a client that lost the stream shall come back.
const RETRY: &str = "retry: 2000\n";

/// Says that the stream is alive, and nothing else.
const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");

/// How many lines are read, and sent, at once.
const PAGE: i64 = 16;

/// What happens to an offer, as Server-Sent Events that do not end: first its newest entry, then each as it is written.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/offers/{offerId}/events", operation_id = "follow_offer", tag = "Status",
    params(("publisherId" = String, Path), ("offerId" = String, Path),
        ("Last-Event-ID" = Option<i64>, Header, description = "Everything after this number, instead of the newest entry first."),
        ("lastEventId" = Option<i64>, Query, description = "The same, for clients that set no headers.")),
    responses((status = 200, description = "One event an entry: id, event, and this as data.", body = Event, content_type = "text/event-stream")))]
pub(crate) async fn follow_offer(
    State(rooms): Shared,
    at: At,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let authorised = at.authorise(&rooms.read, Permission::Read)?;
    let key = at.key(&authorised)?;
    if rooms.read.status(&key.name())?.is_none() {
        return Err(missing(&key));
    }
    follow(rooms, &at, key.publisher, Some(key.offer), last_event_id(&uri, &headers)?).await
}

/// What happens to the offers of a publisher, as Server-Sent Events that do not end: first the newest entry, then each as it
/// is written.
#[utoipa::path(get, path = "/api/publishers/{publisherId}/events", operation_id = "follow_publisher", tag = "Status",
    params(("publisherId" = String, Path),
        ("Last-Event-ID" = Option<i64>, Header, description = "Everything after this number, instead of the newest entry first."),
        ("lastEventId" = Option<i64>, Query, description = "The same, for clients that set no headers.")),
    responses((status = 200, description = "One event an entry: id, event, and this as data.", body = Event, content_type = "text/event-stream")))]
pub(crate) async fn follow_publisher(
    State(rooms): Shared,
    at: At,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let publisher = at.authorise(&rooms.read, Permission::Read)?.publisher().clone();
    follow(rooms, &at, publisher, None, last_event_id(&uri, &headers)?).await
}

/// The number up to which the caller has everything, if it names one.
fn last_event_id(uri: &Uri, headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let header = headers.get(LAST_EVENT_ID).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let parameter = || query(uri).into_iter().find(|(name, _)| name.eq_ignore_ascii_case("lastEventId"));
    // An empty one says nothing, as where a proxy blanks it, and does not stand before the other.
    let header = header.filter(|text| !text.is_empty());
    let Some(text) = header.or_else(|| Some(parameter()?.1)).filter(|text| !text.is_empty()) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| *number >= 0);
    number.map(Some).ok_or_else(|| {
        let message =
            format!("{:?} is no id of an event. Send the id of the last event you have, or none.", shown(&text));
        Problem::bad_request("Last-Event-ID", message)
    })
}

async fn follow(
    rooms: Arc<Rooms>,
    at: &At,
    publisher: PublisherId,
    offer: Option<OfferId>,
    after: Option<i64>,
) -> Result<Response, Problem> {
    let place = rooms.followers.enter(at.caller())?;
    let whole = publisher.folded();
    let follower =
        rooms.read.follow(&offer.as_ref().map_or_else(|| whole.clone(), |offer| format!("{whole}/{}", offer.as_str())));
    // Looked at only now that it is followed, so that nothing is missed in between.
    let newest = rooms.read.newest_line(&publisher)?;
    let position = match after {
        Some(after) if after > newest => {
            let message = format!(
                "No event has the number {after} here: the newest is {newest}. It is another publisher's, or the service was put back to an earlier day; begin again without it."
            );
            return Err(Problem::bad_request("Last-Event-ID", message));
        }
        Some(after) => after,
        None => {
            let selection = LineSelection::after(publisher.clone(), offer.clone(), 0, 1);
            let _turn = rooms.followers.reading.acquire().await;
            let lines = rooms.read.lines(LineSelection { newest_first: true, ..selection }).await?;
            lines.first().map_or(newest, |line| line.sequence - 1)
        }
    };
    let caller = at.caller_again();
    let stream = Stream { rooms, caller, publisher, offer, follower, position, newest, opened: false, _place: place };
    let frames = futures_util::stream::unfold(stream, |mut stream| async move {
        let frame = stream.next().await?;
        Some((Ok::<_, Infallible>(frame), stream))
    });
    let mut response = reply::with_body(StatusCode::OK, Body::from_stream(frames));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, EVENT_STREAM);
    // Proxies that gather answers before they pass them on would keep the events for themselves.
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

/// One stream: what it is about, and how far it has come.
struct Stream {
    rooms: Arc<Rooms>,
    caller: Arc<Caller>,
    publisher: PublisherId,
    offer: Option<OfferId>,
    follower: Follower,
    /// Everything up to this number was sent.
    position: i64,
    /// The newest number that is known of.
    newest: i64,
    opened: bool,
    _place: Place,
}

impl Stream {
    /// What to send next, once there is something; none where the stream ends.
    async fn next(&mut self) -> Option<Bytes> {
        let news = self.wait().await.unwrap_or_else(|error| {
            tracing::error!(%error, "an event stream broke off");
            None
        })?;
        // Asked last: between what happened and this, roles may have been taken away.
        if !self.still_may() {
            return None;
        }
        if std::mem::replace(&mut self.opened, true) {
            return Some(news);
        }
        Some(if news == HEARTBEAT {
            Bytes::from(format!("{RETRY}\n"))
        } else {
            [RETRY.as_bytes(), &news].concat().into()
        })
    }

    /// The next events, or a heartbeat where it was silent for a while; none where the service stops.
    async fn wait(&mut self) -> Result<Option<Bytes>, StoreError> {
        loop {
            if self.rooms.is_draining() {
                return Ok(None);
            }
            while self.newest > self.position {
                if let Some(news) = self.read().await? {
                    return Ok(Some(news));
                }
            }
            if !self.opened {
                return Ok(Some(HEARTBEAT));
            }
            tokio::select! {
                () = self.follower.told() => self.newest = self.newest.max(self.follower.look()),
                () = tokio::time::sleep(self.rooms.followers.heartbeat) => {
                    // Told or not, this is what is so.
                    self.newest = self.rooms.read.newest_line(&self.publisher)?;
                    let news = if self.newest > self.position { self.read().await? } else { None };
                    return Ok(Some(news.unwrap_or(HEARTBEAT)));
                }
                () = self.rooms.drained() => return Ok(None),
            }
        }
    }

    /// The next events after the position, which moves on.
    async fn read(&mut self) -> Result<Option<Bytes>, StoreError> {
        if let Some(news) = self.follower.next(self.position)
            && let Some(rendered) =
                news.rendered(|line| frame(&self.rooms, &self.publisher, line).map(Bytes::from).ok())
        {
            self.position = news.sequence();
            return Ok(Some(rendered));
        }
        let selection = LineSelection::after(self.publisher.clone(), self.offer.clone(), self.position, PAGE);
        let lines = {
            let _turn = self.rooms.followers.reading.acquire().await;
            self.rooms.read.lines(selection).await?
        };
        let is_all = lines.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        self.position = lines.last().map_or(self.position, |line| line.sequence);
        if is_all {
            self.position = self.position.max(self.newest);
        }
        let mut frames = Vec::new();
        for line in &lines {
            match frame(&self.rooms, &self.publisher, line) {
                Ok(frame) => frames.extend(frame),
                // Whoever comes back would stand before it again, for good; and what is behind it can be read.
                Err(error) => {
                    let (publisher, sequence) = (self.publisher.as_str(), line.sequence);
                    tracing::error!(%error, publisher, sequence, "an event stream leaves out an entry that cannot be read");
                }
            }
        }
        Ok((!frames.is_empty()).then(|| frames.into()))
    }

    /// Whether the caller may still read this, and its token has not ended.
    fn still_may(&mut self) -> bool {
        match self.rooms.gate.again(&self.caller) {
            Ok(caller) => self.caller = caller,
            Err(_) => return false,
        }
        self.caller.authorise(self.publisher.as_str(), Permission::Read).is_ok()
            || self.caller.authorise_marketplace(Permission::Read).is_ok()
    }
}

/// A line as one event.
fn frame(rooms: &Rooms, publisher: &PublisherId, line: &Line) -> Result<Vec<u8>, StoreError> {
    let corrupt = |error: serde_json::Error| StoreError::Corrupt(error.to_string());
    let event = wire::event(line, publisher, &rooms.links).map_err(corrupt)?;
    let mut frame = format!("id: {}\nevent: {}\ndata: ", line.sequence, event.data.entry.event).into_bytes();
    // JSON as it is written here holds no line break.
    serde_json::to_writer(&mut frame, &event).map_err(corrupt)?;
    frame.extend(b"\n\n");
    Ok(frame)
}
