//! Where an offer stands, each time that changes: from the event stream where there is one, else from reads that wait for a
//! change, else from reads every few seconds. It goes on where the server was away.

use super::spelling::readable;
use crate::clock::Clock;
use api::client::{Client, ClientError, Events};
use api::dates::Date;
use api::events::Event;
use api::explain::Explanation;
use api::status::StatusDocument;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a read may wait for a change, in seconds.
const WAIT: u64 = 30;

/// A read that came back sooner, with nothing new, has not waited.
const HAS_WAITED: Duration = Duration::from_secs(10);

/// How long it waits between reads that do not wait: at first, and at most.
const PACE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(30));

/// The longest and the shortest time between reads that a server can ask for.
const TOLD: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// How long it waits before it tries again to reach a server that was lost, each time; the last one is for all that follow.
pub(in crate::cli) const PAUSES: [u64; 6] = [1, 2, 4, 8, 16, 30];

/// Where an offer stands.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Snapshot {
    /// When it came to stand so, where the server says it.
    pub(in crate::cli) at: Option<Date>,
    /// Whether it was heard of as it happened.
    pub(in crate::cli) is_fresh: bool,
    /// The status document.
    pub(in crate::cli) document: StatusDocument,
    /// The same as the server wrote it.
    pub(in crate::cli) wire: String,
    /// Whose turn it is, where the server says it.
    pub(in crate::cli) explanation: Option<Explanation>,
}

/// What is heard while an offer is followed.
#[derive(Debug)]
pub(super) enum Heard {
    /// It stands so now.
    Stands(Box<Snapshot>),
    /// The server does not answer; it is tried again.
    Lost(String),
    /// It answers again.
    Back,
}

impl Snapshot {
    /// As it stood when it was looked at before.
    pub(in crate::cli) fn of(document: StatusDocument) -> Self {
        let wire = serde_json::to_string(&document).unwrap_or_default();
        Self { at: None, is_fresh: false, document, wire, explanation: None }
    }
}

/// Where an offer stands now.
///
/// # Errors
/// Those of the read of its status.
pub(in crate::cli) async fn look(client: &Client, publisher: &str, offer: &str) -> Result<Snapshot, ClientError> {
    let mut document = client.get_offer_status(publisher, offer).await?;
    readable(&mut document);
    let wire = String::from_utf8_lossy(&client.heard()).into_owned();
    let explanation = client.explain_offer(publisher, offer).await.ok().filter(|said| fits(said, &document));
    Ok(Snapshot { at: client.clock().map(|(at, _)| at), is_fresh: false, document, wire, explanation })
}

/// Whether an explanation is about an offer that stands so: it may have gone on since.
fn fits(explanation: &Explanation, document: &StatusDocument) -> bool {
    let has = |step: &api::explain::StepAtHand| {
        document.steps.iter().any(|known| known.id == step.id && known.status == step.status)
    };
    explanation.status == document.status && explanation.step.as_ref().is_none_or(has)
}

/// Follows an offer until nobody listens any more. The last thing heard is an error that does not pass, where there is one.
/// Where it stood is known: that is not told again.
pub(super) fn follow(
    client: &Client,
    (publisher, offer): (&str, &str),
    known: &StatusDocument,
) -> mpsc::Receiver<Result<Heard, ClientError>> {
    let (sender, receiver) = mpsc::channel(64);
    let mut feed = Feed {
        // What takes long here is told by whoever watches.
        client: client.telling(None),
        publisher: publisher.to_owned(),
        offer: offer.to_owned(),
        explains: true,
        sender,
        last: Some(known.clone()),
        lost: 0,
    };
    tokio::spawn(async move {
        if let Err(error) = feed.run().await {
            let _ = feed.sender.send(Err(error)).await;
        }
    });
    receiver
}

struct Feed {
    client: Client,
    publisher: String,
    offer: String,
    /// Whether the server explains.
    explains: bool,
    sender: mpsc::Sender<Result<Heard, ClientError>>,
    last: Option<StatusDocument>,
    /// How often in a row the server was not reached.
    lost: usize,
}

impl Feed {
    async fn run(&mut self) -> Result<(), ClientError> {
        let mut after = None;
        while !self.sender.is_closed() {
            match self.client.follow_offer(&self.publisher, &self.offer, after).await {
                Ok(events) => {
                    self.hear(events, &mut after).await?;
                }
                // The journal is another one: what is there is looked at anew.
                Err(ClientError::Refused { status: 400, .. }) if after.is_some() => after = None,
                // All streams may be taken; reads are not.
                Err(error) if after.is_none() && has_no_stream(&error) => return self.read().await,
                Err(error) => self.lost(error, false).await?,
            }
        }
        Ok(())
    }

    /// Until the stream ends, which may be at any time.
    async fn hear(&mut self, mut events: Events, after: &mut Option<i64>) -> Result<(), ClientError> {
        let mut is_fresh = after.is_some();
        while !self.sender.is_closed() {
            match events.next().await {
                Ok(Some(event)) => {
                    self.back().await;
                    self.event(&event, is_fresh).await?;
                    *after = events.last();
                    is_fresh = true;
                }
                Ok(None) => {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    return Ok(());
                }
                Err(error) => return self.lost(error, false).await,
            }
        }
        Ok(())
    }

    async fn event(&mut self, event: &Event, is_fresh: bool) -> Result<(), ClientError> {
        let wire = event.data.status.get();
        let document = serde_json::from_str(wire)
            .map_err(|error| ClientError::Unreadable { status: 200, reason: error.to_string() })?;
        self.stands(document, wire.to_owned(), Some(event.data.entry.at), is_fresh).await;
        Ok(())
    }

    /// Reads again and again: as soon as it has changed, where the server waits for that.
    async fn read(&mut self) -> Result<(), ClientError> {
        let clock = Clock::system();
        let (mut etag, mut pace, mut told) = (None::<String>, PACE.0, None);
        while !self.sender.is_closed() {
            let began = clock.steady();
            let waits;
            let read = self.client.get_offer_status_changed(&self.publisher, &self.offer, etag.as_deref(), WAIT).await;
            match read {
                Ok(Some(read)) => {
                    self.back().await;
                    let wire = String::from_utf8_lossy(&self.client.heard()).into_owned();
                    let is_fresh = self.last.is_some();
                    let has_changed = self.stands(read.value, wire, None, is_fresh).await;
                    // A server that has no 304 does not wait either.
                    waits = has_changed || clock.steady().saturating_sub(began) >= HAS_WAITED;
                    pace = if has_changed { PACE.0 } else { (pace * 2).min(PACE.1) };
                    told = read.retry_after;
                    etag = Some(read.etag).filter(|etag| !etag.is_empty());
                }
                Ok(None) => {
                    self.back().await;
                    waits = clock.steady().saturating_sub(began) >= HAS_WAITED;
                    pace = (pace * 2).min(PACE.1);
                }
                Err(error) => {
                    // A page of a proxy, say, in the middle of a restart.
                    let is_read = self.last.is_some() && matches!(error, ClientError::Unreadable { .. });
                    self.lost(error, is_read).await?;
                    continue;
                }
            }
            if etag.is_none() || !waits {
                let pause = told.map_or(pace, |told: Duration| told.clamp(TOLD.0, TOLD.1));
                tokio::time::sleep(pause).await;
            }
        }
        Ok(())
    }

    /// Tells where it stands, unless that is where it stood; whether it is not.
    async fn stands(&mut self, mut document: StatusDocument, wire: String, at: Option<Date>, is_fresh: bool) -> bool {
        readable(&mut document);
        if self.last.as_ref() == Some(&document) {
            return false;
        }
        let explanation = self.explanation(&document).await;
        self.last = Some(document.clone());
        self.tell(Heard::Stands(Box::new(Snapshot { at, is_fresh, document, wire, explanation }))).await;
        true
    }

    async fn explanation(&mut self, document: &StatusDocument) -> Option<Explanation> {
        if !self.explains {
            return None;
        }
        match self.client.explain_offer(&self.publisher, &self.offer).await {
            Ok(explanation) => Some(explanation).filter(|said| fits(said, document)),
            Err(error) => {
                self.explains = passes(&error);
                None
            }
        }
    }

    /// Waits a while, longer each time, where an error may pass, or surely does.
    async fn lost(&mut self, error: ClientError, surely: bool) -> Result<(), ClientError> {
        if !surely && !passes(&error) {
            return Err(error);
        }
        if self.lost == 0 {
            self.tell(Heard::Lost(error.to_string())).await;
        }
        let pause = PAUSES.get(self.lost).or(PAUSES.last()).copied().unwrap_or_default();
        self.lost += 1;
        tokio::time::sleep(Duration::from_secs(pause)).await;
        Ok(())
    }

    async fn back(&mut self) {
        if std::mem::take(&mut self.lost) > 0 {
            self.tell(Heard::Back).await;
        }
    }

    async fn tell(&self, heard: Heard) {
        // Whoever does not listen any more ends the loops above.
        let _ = self.sender.send(Ok(heard)).await;
    }
}

/// Whether it may be well the next time.
pub(in crate::cli) fn passes(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable(_) => true,
        ClientError::Refused { status, .. }
        | ClientError::Foreign { status, .. }
        | ClientError::NoToken { status, .. } => {
            matches!(status, 408 | 429 | 500 | 502..=504)
        }
        ClientError::Unusable(_)
        | ClientError::Unauthorized(_)
        | ClientError::Untrusted(_)
        | ClientError::Unreadable { .. } => false,
    }
}

fn has_no_stream(error: &ClientError) -> bool {
    match error {
        // What was let in to the status a moment before may still not be let in to this.
        ClientError::Refused { .. } | ClientError::Foreign { .. } => true,
        ClientError::Unauthorized(_) | ClientError::Unreadable { .. } => true,
        _ => false,
    }
}
