//! The journal, to be read: lines of a circle, or of one of its offers.

use super::{Follower, Read, StoreError};
use async_trait::async_trait;
use publishing::moment::Moment;
use publishing::offer::{OfferId, PublisherId};
use publishing::principal::Circle;
use std::sync::Arc;
use tokio::sync::broadcast::Receiver;

/// One line of the journal as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, gapless per circle from 1.
    pub sequence: i64,
    /// The offer it is about; empty where it is about who may what.
    pub offer: String,
    /// When it was written, in ticks.
    pub at: i64,
    /// The entry as JSON.
    pub entry: String,
    /// The status document of that moment; empty where it is about no offer.
    pub document: Vec<u8>,
    /// The hash over the line before it and this one.
    pub hash: Vec<u8>,
}

/// What lines are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// This offer.
    Offer(OfferId),
    /// Any offer.
    Offers,
    /// An offer, or who may what.
    Anything,
}

/// Which lines to read, in the order of their numbers.
#[derive(Clone, Debug)]
pub struct LineSelection {
    /// Of whose journal.
    pub circle: Circle,
    /// About what only.
    pub about: About,
    /// Only those after this number.
    pub after: i64,
    /// Only those before this number; `i64::MAX` for all.
    pub before: i64,
    /// Whether the newest come first.
    pub newest_first: bool,
    /// How many at most.
    pub most: i64,
}

impl LineSelection {
    /// The lines about a publisher's offers, or one of them, after a number, oldest first.
    pub fn after(publisher: PublisherId, offer: Option<OfferId>, after: i64, most: i64) -> Self {
        let (circle, about) = (Circle::Publisher(publisher), offer.map_or(About::Offers, About::Offer));
        Self { circle, about, after, before: i64::MAX, newest_first: false, most }
    }
}

/// What can be read of the journal.
///
/// All methods fail with [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
#[async_trait]
pub trait Journal: Send + Sync {
    /// All lines of a circle's journal after a sequence number, in order.
    async fn journal(&self, circle: &Circle, after: i64, most: i64) -> Result<Vec<Line>, StoreError>;

    /// Lines of a circle's journal that are about these things.
    async fn lines(&self, selection: LineSelection) -> Result<Vec<Line>, StoreError>;

    /// One line of a publisher's journal, by its number.
    async fn line(&self, publisher: &PublisherId, sequence: i64) -> Result<Option<Line>, StoreError>;

    /// The number of the newest line of a publisher's journal, whatever it is about; 0 where there is none.
    fn newest_line(&self, publisher: &PublisherId) -> Result<i64, StoreError>;

    /// The number of the first line, about an offer or about any, that was written at this moment or later; one more than the
    /// newest number where none was. The times of an offer's lines rise with their numbers. Those of a whole journal do so only
    /// nearly, for offers change side by side: look for an earlier moment, and judge the lines from there.
    fn first_since(&self, circle: &Circle, offer: Option<&OfferId>, at: Moment) -> Result<i64, StoreError>;

    /// Follows `publisher/offer`, or a whole `publisher`, folded. What the follower is told is a hint: look into the journal
    /// from time to time all the same.
    fn follow(&self, name: &str) -> Follower;

    /// The names of all offers that change from now on, `publisher/offer`, folded. A hint too.
    fn changes(&self) -> Receiver<Arc<str>>;
}

impl Read {
    /// As [`Journal::lines`].
    pub async fn lines(&self, selection: LineSelection) -> Result<Vec<Line>, StoreError> {
        self.0.lines(selection).await
    }

    /// As [`Journal::newest_line`].
    pub fn newest_line(&self, publisher: &PublisherId) -> Result<i64, StoreError> {
        self.0.newest_line(publisher)
    }

    /// As [`Journal::first_since`].
    pub fn first_since(&self, circle: &Circle, offer: Option<&OfferId>, at: Moment) -> Result<i64, StoreError> {
        self.0.first_since(circle, offer, at)
    }

    /// As [`Journal::follow`].
    pub fn follow(&self, name: &str) -> Follower {
        self.0.follow(name)
    }

    /// As [`Journal::changes`].
    pub fn changes(&self) -> Receiver<Arc<str>> {
        self.0.changes()
    }
}
