//! The outbox: letters that were promised to somebody outside, and have to be delivered; what each handle may do with them.

use super::{Read, Store, StoreError};
use async_trait::async_trait;
use publishing::moment::Moment;
use publishing::offer::{Offer, OfferKey, Snapshot};
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;
use zeroize::Zeroizing;

/// For how many days the fact stays that a letter was delivered, or given up.
pub(super) const REMEMBERED_DAYS: i64 = 30;

/// For how many seconds anything rests at most: whatever says more was said by a clock that was wrong.
pub const LONGEST_REST: i64 = 3_600;

/// What a letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterKind {
    /// What a customer left for a publisher.
    Lead,
    /// A line of the journal, for a webhook. In order, for each offer.
    Webhook,
    /// A line of the journal, for a mail address. In order, for each offer and address.
    Mail,
}

impl LetterKind {
    /// How it is stored.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Webhook => "webhook",
            Self::Mail => "mail",
        }
    }

    /// Whether letters of a lane are delivered in the order in which they were taken, each only after the one before it.
    pub(super) const fn is_in_order(self) -> bool {
        matches!(self, Self::Webhook | Self::Mail)
    }
}

/// What makes that something which is sent twice is taken once. Neither can be turned back into what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnceOnly {
    /// The hash of the sender's key.
    pub key: [u8; 32],
    /// The hash of the key and what was sent with it.
    pub digest: [u8; 32],
    /// Keys of letters taken before this count no more.
    pub since: Moment,
}

/// A letter to be delivered.
#[derive(Clone)]
pub struct Letter {
    /// Its id, the same at each try.
    pub id: Uuid,
    /// The offer it is about.
    pub key: OfferKey,
    /// What it is.
    pub kind: LetterKind,
    /// What it says; sealed before it is stored.
    pub body: Zeroizing<Vec<u8>>,
    /// When it was taken; it is due at once.
    pub made_at: Moment,
    /// What makes that it is taken once, if its sender wants that.
    pub once: Option<OnceOnly>,
}

/// Which line of the journal a letter tells, and for which subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tells {
    /// The number of the line in its publisher's journal.
    pub line: i64,
    /// The subscription; none for an address that was given at publish.
    pub subscription: Option<Uuid>,
}

impl fmt::Debug for Letter {
    /// Without what it says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What came of a letter that was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It is taken, under this id: its own, or that of the one that was handed in before with the same key.
    As(Uuid),
    /// The key was used with something else.
    KeyUsed,
}

/// A worker's hold on a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its id.
    pub id: Uuid,
    /// What it is.
    pub kind: LetterKind,
    /// The offer it is about.
    pub key: OfferKey,
    /// When it was taken.
    pub made_at: Moment,
    /// How often it was taken in hand, from 1.
    pub attempt: i64,
    /// How often its lane failed since it last answered, whichever letter was tried.
    pub failures: i64,
    /// How often its destination failed since it last answered, whichever lane was tried; 0 where it has none.
    pub destination_failures: i64,
    /// What it tells, where it tells of something.
    pub tells: Option<Tells>,
    /// The fencing number of this claim.
    pub fence: i64,
    /// What it says, sealed.
    pub(super) sealed: String,
}

/// What rests after a try that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// The letter alone: it goes behind what is due sooner. Its lane, where letters are delivered in order: none is before it.
    Letter,
    /// Its whole lane, until then.
    Lane(Moment),
    /// Everything that goes to the same destination, until then: it is that which fails, and not the letter.
    Destination(Moment),
}

/// How a try to deliver ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterEnd {
    /// It is delivered; what it says is removed.
    Delivered,
    /// It is tried again.
    PutOff {
        /// When, at the earliest. Counts where letters of a lane need no order.
        until: Moment,
        /// Why it failed, in a word.
        failure: &'static str,
        /// What else is not tried, and until when.
        rest: Rest,
    },
    /// It is not tried any more; what it says is removed. Why the last try failed stays, unless there is a new reason.
    GivenUp {
        /// Why, in a word.
        failure: Option<&'static str>,
    },
}

/// A try to deliver, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Moment,
    /// How long it took, in milliseconds.
    pub took: i64,
    /// What was answered, where something was.
    pub status: Option<u16>,
    /// Why it failed, in a word.
    pub failure: Option<String>,
}

/// Where a letter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterState {
    /// It will be tried at this time.
    Waiting(Moment),
    /// It was delivered.
    Delivered,
    /// It was given up.
    Failed,
}

/// A letter in a list; nothing of what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its id.
    pub id: Uuid,
    /// When it was taken.
    pub made_at: Moment,
    /// Where it stands.
    pub state: LetterState,
    /// How often it was taken in hand.
    pub attempts: i64,
    /// Why the last try failed, in a word.
    pub failure: Option<String>,
}

/// What is kept of letters.
///
/// All methods fail with [`StoreError::Unavailable`] or [`StoreError::Corrupt`]; other errors are named.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// What came of the letter of this kind about this offer that was handed in before with the same key, if one was.
    fn posted_before(&self, key: &OfferKey, kind: LetterKind, once: &OnceOnly) -> Result<Option<Posted>, StoreError>;

    /// Takes a letter, durably.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] also where too many of its lane wait already.
    async fn post(&self, letter: Letter) -> Result<Posted, StoreError>;

    /// Takes a letter of kind mail that tells nothing of the journal, durably, unless there is one of its id.
    async fn post_notice(&self, letter: Letter, receiver: Uuid) -> Result<(), StoreError>;

    /// When the next lane of a kind is due or its lease ends, or an old letter is to be forgotten.
    async fn next_letter(&self, kind: LetterKind) -> Result<Option<Moment>, StoreError>;

    /// Leases the first letters of lanes of a kind that are due, at most so many, until `until`; forgets old ones. Of one
    /// destination at most eight are in hand, and one where it has failed and is tried again.
    async fn claim_letters(
        &self,
        kind: LetterKind,
        now: Moment,
        until: Moment,
        most: usize,
    ) -> Result<Vec<Held>, StoreError>;

    /// What a letter says.
    fn open_letter(&self, held: &Held) -> Result<Zeroizing<Vec<u8>>, StoreError>;

    /// Records how a try ended, and the try itself where one was made and the letter tells of something.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] where the claim is not held any more.
    async fn end_letter(
        &self,
        held: &Held,
        now: Moment,
        end: LetterEnd,
        attempt: Option<Attempt>,
    ) -> Result<(), StoreError>;

    /// Gives up all letters of a kind that nobody carries any more; gives how many that were.
    async fn give_up_all(&self, kind: LetterKind, now: Moment) -> Result<usize, StoreError>;

    /// The letters of a kind about an offer, the newest first.
    async fn letters(&self, key: &OfferKey, kind: LetterKind, skip: i64, top: i64) -> Result<Vec<Sent>, StoreError>;
}

impl Read {
    /// As [`Outbox::letters`].
    pub async fn letters(
        &self,
        key: &OfferKey,
        kind: LetterKind,
        skip: i64,
        top: i64,
    ) -> Result<Vec<Sent>, StoreError> {
        self.0.letters(key, kind, skip, top).await
    }
}

/// The store for whoever delivers letters: what is due, and where it goes.
#[derive(Clone, Debug)]
pub struct Post(pub(super) Arc<dyn Store>);

impl Post {
    /// A handle to deliver with.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// As [`Outbox::next_letter`].
    pub async fn next(&self, kind: LetterKind) -> Result<Option<Moment>, StoreError> {
        self.0.next_letter(kind).await
    }

    /// As [`Outbox::claim_letters`].
    pub async fn claim(
        &self,
        kind: LetterKind,
        now: Moment,
        until: Moment,
        most: usize,
    ) -> Result<Vec<Held>, StoreError> {
        self.0.claim_letters(kind, now, until, most).await
    }

    /// As [`Outbox::open_letter`].
    pub fn open(&self, held: &Held) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.0.open_letter(held)
    }

    /// As [`Outbox::end_letter`].
    pub async fn end(
        &self,
        held: &Held,
        now: Moment,
        end: LetterEnd,
        attempt: Option<Attempt>,
    ) -> Result<(), StoreError> {
        self.0.end_letter(held, now, end, attempt).await
    }

    /// As [`Outbox::give_up_all`].
    pub async fn give_up_all(&self, kind: LetterKind, now: Moment) -> Result<usize, StoreError> {
        self.0.give_up_all(kind, now).await
    }

    /// As [`Store::load`], without the revision.
    pub async fn offer(&self, key: &OfferKey) -> Result<Option<Offer>, StoreError> {
        Ok(self.0.load(key).await?.map(|stored| stored.offer))
    }

    /// As [`Store::snapshot`].
    pub async fn snapshot(&self, key: &OfferKey, version: i64) -> Result<Option<Snapshot>, StoreError> {
        self.0.snapshot(key, version).await
    }
}
