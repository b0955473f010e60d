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
    blocks: Blocks,
    last: Option<i64>,
    raw: String,
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
        let response = self.connection.send(request.header("Accept", "text/event-stream"), None).await?;
        if !header(&response, "content-type").starts_with("text/event-stream") {
            let reason = "it is no event stream; read the status from time to time instead".to_owned();
            return Err(ClientError::Unreadable { status: response.status().as_u16(), reason });
        }
        Ok(Events { response, blocks: Blocks::default(), last: after, raw: String::new() })
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
        let response = self.connection.send(request, None).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        self.tag(response).await.map(Some)
    }
}

impl Events {
    /// The next event, once there is one; none where the server has ended the stream.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        loop {
            if let Some(data) = self.blocks.next() {
                let event: Event = serde_json::from_str(&data).map_err(|error| self.unreadable(&error.to_string()))?;
                self.last = Some(event.data.entry.sequence);
                self.raw = data;
                return Ok(Some(event));
            }
            if self.blocks.len() > LONGEST_EVENT {
                return Err(self.unreadable("an event is longer than 16 MiB"));
            }
            match self.response.chunk().await? {
                Some(chunk) => self.blocks.push(&chunk),
                None => return Ok(None),
            }
        }
    }

    /// The last event, as the server wrote it.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The number of the last event, to go on from.
    pub fn last(&self) -> Option<i64> {
        self.last
    }

    fn unreadable(&self, reason: &str) -> ClientError {
        ClientError::Unreadable { status: self.response.status().as_u16(), reason: reason.to_owned() }
    }
}

/// Takes a stream apart as the standard of Server-Sent Events has it: lines end with LF, CR or both, and what several `data`
/// lines say belongs together. Each byte is looked at once, however it comes.
#[derive(Debug, Default)]
struct Blocks {
    /// What has come and is not read yet, from `read` on.
    text: Vec<u8>,
    read: usize,
    /// Up to here no line ends.
    seen: usize,
    /// The last line ended with CR: an LF right after it belongs to that.
    after_return: bool,
    has_begun: bool,
    /// What the `data` lines of the block have said, each with a line break.
    data: String,
}

impl Blocks {
    fn push(&mut self, chunk: &[u8]) {
        self.text.drain(..self.read);
        self.seen -= self.read;
        self.read = 0;
        self.text.extend(chunk);
    }

    /// How many bytes wait for the rest of their event.
    fn len(&self) -> usize {
        self.text.len() - self.read + self.data.len()
    }

    /// The data of the next block that is complete; a block without any, such as a heartbeat, is passed over.
    fn next(&mut self) -> Option<String> {
        while let Some(line) = self.line() {
            if line.is_empty() {
                let mut data = std::mem::take(&mut self.data);
                if data.pop().is_some() {
                    return Some(data);
                }
                continue;
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            if name == "data" {
                self.data.push_str(value.strip_prefix(' ').unwrap_or(value));
                self.data.push('\n');
            }
        }
        None
    }

    /// The next line that is complete, without its end.
    fn line(&mut self) -> Option<String> {
        if self.after_return && self.text.get(self.read).is_some_and(|byte| *byte == b'\n') {
            self.read += 1;
            self.seen = self.seen.max(self.read);
        }
        let rest = self.text.get(self.seen..)?;
        self.after_return = self.after_return && rest.is_empty();
        let Some(length) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            self.seen = self.text.len();
            return None;
        };
        let end = self.seen + length;
        self.after_return = self.text.get(end) == Some(&b'\r');
        let line = String::from_utf8_lossy(self.text.get(self.read..end)?).into_owned();
        (self.read, self.seen) = (end + 1, end + 1);
        let begins = !std::mem::replace(&mut self.has_begun, true);
        Some(if begins { line.strip_prefix('\u{feff}').unwrap_or(&line).to_owned() } else { line })
    }
}

#[cfg(test)]
mod tests {
    use super::Blocks;

    /// The blocks of a text that comes in pieces of so many bytes.
    fn blocks(text: &str, piece: usize) -> Vec<String> {
        let (mut blocks, mut found) = (Blocks::default(), Vec::new());
        for piece in text.as_bytes().chunks(piece) {
            blocks.push(piece);
            found.extend(std::iter::from_fn(|| blocks.next()));
        }
        found
    }

    #[test]
    fn a_stream_is_read_as_the_standard_says_however_it_is_cut() {
        let text = "\u{feff}retry: 2000\n\n:\n\nid: 7\nevent: x\ndata: {\"a\":\ndata: \"ä\"}\n\ndata:b\ndata\n\n:\n\ndata: unfinished\n";
        for ends in ["\n", "\r", "\r\n"] {
            for piece in 1..=text.len() {
                let text = text.replace('\n', ends);
                assert_eq!(blocks(&text, piece), ["{\"a\":\n\"ä\"}", "b\n"], "{ends:?} {piece}");
            }
        }
        assert_eq!(blocks("\u{feff}data: first\r\n\r\ndatax: no\n\nDATA: no\n\n", 3), ["first"]);
    }

    #[test]
    fn a_long_event_in_small_pieces_is_read_once() {
        let text = format!("data: {}\n\n", "x".repeat(4 << 20));
        assert_eq!(blocks(&text, 64).first().map(String::len), Some(4 << 20));
        let many = "data: x\n\n".repeat(1 << 18);
        assert_eq!(blocks(&many, many.len()).len(), 1 << 18);
    }
}
