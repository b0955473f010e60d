//! What happens to offers, as it happens: event streams, and reads that wait for a change.

use super::connection::header;
use super::{Client, ClientError, Tagged};
use crate::events::Event;
use crate::operations::Operation;
use crate::paths::segment;
use crate::status::StatusDocument;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use std::fmt;
use uuid::Uuid;

/// The longest event that is read, in bytes.
const LONGEST_EVENT: usize = 16 << 20;

/// A stream of events. The server may end it at any time: come back with the number of the last event.
pub struct Events {
    response: Response,
    /// What has come of the next event.
    text: Vec<u8>,
    last: Option<i64>,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("last", &self.last).finish_non_exhaustive()
    }
}

impl Client {
    /// What happens to an offer: everything after the event of this number; without one the newest first, then each as it
    /// happens.
    pub async fn follow_offer(&self, publisher: &str, offer: &str, after: Option<i64>) -> Result<Events, ClientError> {
        self.events(self.offer_request(Method::GET, publisher, offer, "/events"), after).await
    }

    /// The same for all offers of a publisher.
    pub async fn follow_publisher(&self, publisher: &str, after: Option<i64>) -> Result<Events, ClientError> {
        self.events(self.request(Method::GET, &format!("/api/publishers/{}/events", segment(publisher))), after).await
    }

    /// Where an offer stands, once it is not what this ETag is of any more. None where it still is after so many seconds (at
    /// most 60). Without an ETag at once.
    pub async fn get_offer_status_changed(
        &self,
        publisher: &str,
        offer: &str,
        etag: Option<&str>,
        seconds: u64,
    ) -> Result<Option<Tagged<StatusDocument>>, ClientError> {
        self.changed(self.offer_request(Method::GET, publisher, offer, "/status"), etag, seconds).await
    }

    /// The same for one run of an offer.
    pub async fn get_operation_changed(
        &self,
        publisher: &str,
        offer: &str,
        operation: Uuid,
        etag: Option<&str>,
        seconds: u64,
    ) -> Result<Option<Tagged<Operation>>, ClientError> {
        let request = self.offer_request(Method::GET, publisher, offer, &format!("/operations/{operation}"));
        self.changed(request, etag, seconds).await
    }

    async fn events(&self, request: RequestBuilder, after: Option<i64>) -> Result<Events, ClientError> {
        let request = match after {
            Some(after) => request.header("Last-Event-ID", after),
            None => request,
        };
        Ok(Events { response: self.connection.send(request).await?, text: Vec::new(), last: after })
    }

    async fn changed<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        etag: Option<&str>,
        seconds: u64,
    ) -> Result<Option<Tagged<T>>, ClientError> {
        let request = match etag {
            Some(etag) => request.header("If-None-Match", etag).header("Prefer", format!("wait={seconds}")),
            None => request,
        };
        let response = self.connection.send(request).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        let (status, etag) = (response.status().as_u16(), header(&response, "etag"));
        let value = serde_json::from_slice(&response.bytes().await?)
            .map_err(|error| ClientError::Unreadable { status, reason: error.to_string() })?;
        Ok(Some(Tagged { value, etag }))
    }
}

impl Events {
    /// The next event, once there is one; none where the server has ended the stream.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        loop {
            while let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.text.drain(..end + 2).collect();
                if let Some(event) = self.event(&block)? {
                    return Ok(Some(event));
                }
            }
            if self.text.len() > LONGEST_EVENT {
                return Err(self.unreadable("an event is longer than 16 MiB"));
            }
            match self.response.chunk().await? {
                Some(chunk) => self.text.extend(chunk),
                None => return Ok(None),
            }
        }
    }

    /// The number of the last event, to go on from.
    pub fn last(&self) -> Option<i64> {
        self.last
    }

    /// The event of a block; none where it is a heartbeat, or a hint.
    fn event(&mut self, block: &[u8]) -> Result<Option<Event>, ClientError> {
        let text = String::from_utf8_lossy(block);
        let Some(data) = text.lines().find_map(|line| line.strip_prefix("data: ")) else { return Ok(None) };
        let event: Event = serde_json::from_str(data).map_err(|error| self.unreadable(&error.to_string()))?;
        self.last = Some(event.data.entry.sequence);
        Ok(Some(event))
    }

    fn unreadable(&self, reason: &str) -> ClientError {
        ClientError::Unreadable { status: self.response.status().as_u16(), reason: reason.to_owned() }
    }
}
