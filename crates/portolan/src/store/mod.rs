//! The archive: what is kept, behind one narrow trait. Handles decide who may do what with it.

mod cache;
mod chain;
mod claims;
mod directory;
mod durations;
mod following;
mod journal;
mod live;
mod mailed;
mod migrate;
mod outbox;
mod repeated;
mod sealed;
mod sqlite;
mod sqlite_access;
mod sqlite_directory;
mod sqlite_durations;
mod sqlite_journal;
mod sqlite_lanes;
mod sqlite_live;
mod sqlite_mails;
mod sqlite_outbox;
mod sqlite_read;
mod sqlite_repeated;
mod sqlite_subscriptions;
mod sqlite_told;
mod sqlite_write;
mod sqlite_writer;
mod subscriptions;
mod verify;

pub use cache::Document;
pub use chain::{GENESIS, Link};
pub use claims::Claims;
pub use directory::{
    AccessChange, ClientSecret, Credential, Directory, Hash, Invitation, Member, Session, SigningKey, StoredCircle,
};
pub use durations::{Learned, Learning, Look, Looks};
pub use following::{Follower, News};
pub use journal::{About, Journal, Line, LineSelection};
pub use live::{Live, LiveSelection};
pub use mailed::{Mailed, Notice, Says, Words, receiver, stable_id};
pub use outbox::{
    Attempt, Held, LONGEST_REST, Letter, LetterEnd, LetterKind, LetterState, OnceOnly, Outbox, Post, Posted, Rest,
    Sent, Tells,
};
pub use repeated::{KEPT_DAYS, Repeated, Repeats};
pub use sealed::holds_sealed;
pub use sqlite::Sqlite;
pub use subscriptions::{Delivered, Means, Subscription, SubscriptionChange, Subscriptions};
pub use verify::{Flaw, KnownEntry, Verified, verify};

use async_trait::async_trait;
use publishing::command::CheckRef;
use publishing::entry::Entry;
use publishing::moment::Moment;
use publishing::offer::{Offer, OfferKey, PublisherId, Snapshot};
use publishing::operation::{Operation, Purpose};
use publishing::principal::{Circle, Principal};
use publishing::status::OfferStatus;
use std::sync::Arc;
use thiserror::Error;
use uuid::Uuid;

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Someone else changed the offer first. Load it again and decide again.
    #[error("the offer was changed by someone else meanwhile")]
    Overtaken,
    /// The claim is not held any more: another worker has the check, or nobody needs it.
    #[error("the claim is not held any more")]
    Superseded,
    /// A request with the same key was answered before, and what it asked for is done.
    #[error("a request with this key was answered before")]
    AnsweredBefore,
    /// Not now; the text is for the log.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// What is stored cannot be read; the text is for the log.
    #[error("the store is corrupt: {0}")]
    Corrupt(String),
}

/// An offer as it is stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The offer with its newest operation.
    pub offer: Offer,
    /// Rises with every commit.
    pub revision: i64,
}

/// Everything that one decision changes, for one transaction.
#[derive(Clone, Debug)]
pub struct Change {
    /// The offer as it shall be.
    pub offer: Offer,
    /// An earlier operation that the decision changes.
    pub signed_off: Option<Operation>,
    /// The revision it was decided on; `None` where there was no offer.
    pub decided_on: Option<i64>,
    /// A version to keep.
    pub snapshot: Option<Snapshot>,
    /// The journal's line.
    pub entry: Entry,
    /// The offer's name for people.
    pub display_text: String,
    /// The rendered status document.
    pub document: Document,
    /// What it teaches of how long steps take.
    pub learned: Learned,
    /// The claim under which it was decided, if a worker did.
    pub claim: Option<UnderClaim>,
    /// Whether mails are sent at all.
    pub mails: bool,
    /// The answer to keep, if the request carries a key.
    pub repeated: Option<Repeated>,
}

/// How a commit depends on a worker's claim.
#[derive(Clone, Debug)]
pub struct UnderClaim {
    /// The claim; the commit fails with [`StoreError::Superseded`] where it is not held any more.
    pub claim: Claim,
    /// What becomes of it in the commit.
    pub then: Then,
}

/// What becomes of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// It is kept.
    Keep,
    /// It is given back: the check was run, and its tries count from the beginning.
    GiveBack,
    /// It is given back: the check could not be run, and its tries go on counting.
    TryAgain,
}

/// A worker's hold on a due check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The offer.
    pub key: OfferKey,
    /// The check.
    pub check: CheckRef,
    /// How often the check has been claimed since it last could be run, from 1.
    pub attempt: i64,
    /// The fencing number: higher than that of every earlier claim of any check.
    pub fence: i64,
}

/// A publisher as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publisher {
    /// Its id in its stored form.
    pub id: PublisherId,
    /// Its name for people.
    pub display_text: String,
    /// Its id as a seller.
    pub seller_id: String,
    /// Rises when it changes.
    pub version: i64,
}

/// An offer in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// The id of its type.
    pub offer_type: String,
    /// Where it stands.
    pub status: OfferStatus,
    /// Its version.
    pub version: i64,
    /// Its name for people.
    pub display_text: String,
    /// When its draft or version last changed.
    pub changed_at: Moment,
}

/// Which offers to list.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Whose.
    pub publisher: PublisherId,
    /// Of which type only.
    pub offer_type: Option<String>,
    /// How many to pass over, in the order of their ids.
    pub skip: i64,
    /// How many at most.
    pub top: i64,
}

/// What every store can do.
///
/// All methods fail with [`StoreError::Unavailable`] or [`StoreError::Corrupt`]; other errors are named.
#[async_trait]
pub trait Store: Directory + Journal + Learning + Outbox + Repeats + Subscriptions {
    /// An offer with its newest operation.
    async fn load(&self, key: &OfferKey) -> Result<Option<Stored>, StoreError>;

    /// Stores a decision in one durable transaction: offer, operation, version, due checks, status document, journal, and the
    /// letters to those who want to be told; gives how many these are.
    ///
    /// # Errors
    /// [`StoreError::Overtaken`] where the offer is not at the revision decided on; [`StoreError::Superseded`] where the
    /// claim is not held; [`StoreError::AnsweredBefore`]. Then nothing is stored.
    async fn commit(&self, change: Change) -> Result<usize, StoreError>;

    /// The rendered status document of an offer, from memory where it can; `name` is `publisher/offer`, folded.
    fn status(&self, name: &str) -> Result<Option<Document>, StoreError>;

    /// Offers in the order of their ids.
    async fn offers(&self, selection: Selection) -> Result<Vec<Listed>, StoreError>;

    /// These offers as lists show them, in the same order; nothing where there is none.
    async fn listed(&self, keys: Vec<OfferKey>) -> Result<Vec<Option<Listed>>, StoreError>;

    /// Offers that are in production, in the order of their folded names.
    async fn live(&self, selection: LiveSelection) -> Result<Vec<Live>, StoreError>;

    /// An offer as published with a version.
    async fn snapshot(&self, key: &OfferKey, version: i64) -> Result<Option<Snapshot>, StoreError>;

    /// The operations of an offer, newest first.
    async fn operations(&self, key: &OfferKey) -> Result<Vec<Operation>, StoreError>;

    /// An operation with its offer, by its id.
    async fn operation(&self, id: Uuid) -> Result<Option<(OfferKey, Operation)>, StoreError>;

    /// The newest operation of an offer for a published version and a purpose.
    async fn operation_of_version(
        &self,
        key: &OfferKey,
        version: i64,
        purpose: Purpose,
    ) -> Result<Option<Operation>, StoreError>;

    /// All operations that run, oldest first.
    async fn running(&self) -> Result<Vec<(OfferKey, Operation)>, StoreError>;

    /// Leases due checks, at most so many, until `until`, under a fencing number higher than every earlier one.
    async fn claim(&self, now: Moment, until: Moment, most: usize) -> Result<Vec<Claim>, StoreError>;

    /// Holds a claim for longer.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] where it is not held any more.
    async fn renew(&self, claim: &Claim, until: Moment) -> Result<(), StoreError>;

    /// Gives a claim back until a time: the check was looked at, and there is nothing to say of it. The journal gets no line.
    /// Where it was run, its tries count from the beginning; where it was not, the claim does not count as one.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] where it is not held any more.
    async fn put_off(&self, claim: &Claim, until: Moment, was_run: bool) -> Result<(), StoreError>;

    /// When the next check is due, or its lease ends.
    async fn next_due(&self) -> Result<Option<Moment>, StoreError>;

    /// Adds a publisher, unless there is one of that id.
    async fn add_publisher(&self, publisher: Publisher) -> Result<(), StoreError>;

    /// The digest of the pipeline that a type's unpublished offers were rendered with.
    async fn pipeline_digest(&self, offer_type: &str) -> Result<Option<String>, StoreError>;

    /// Records that digest.
    async fn set_pipeline_digest(&self, offer_type: &str, digest: &str) -> Result<(), StoreError>;

    /// The offers of a type whose steps are only planned.
    async fn planned_only(&self, offer_type: &str) -> Result<Vec<OfferKey>, StoreError>;

    /// The offers that can be seen in preview or production.
    async fn shown(&self) -> Result<Vec<OfferKey>, StoreError>;

    /// Whether the store takes writes just now.
    async fn probe(&self) -> Result<(), StoreError>;

    /// Leaves everything in order before the process ends; nothing is lost without it.
    async fn close(&self) -> Result<(), StoreError>;
}

/// The store for doors: it can be read through this handle, and asked whether it takes writes, and that is all.
#[derive(Clone, Debug)]
pub struct Read(Arc<dyn Store>);

impl Read {
    /// A handle to read with.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// As [`Store::load`], without the revision.
    pub async fn offer(&self, key: &OfferKey) -> Result<Option<Offer>, StoreError> {
        Ok(self.0.load(key).await?.map(|stored| stored.offer))
    }

    /// As [`Store::status`].
    pub fn status(&self, name: &str) -> Result<Option<Document>, StoreError> {
        self.0.status(name)
    }

    /// As [`Store::offers`].
    pub async fn offers(&self, selection: Selection) -> Result<Vec<Listed>, StoreError> {
        self.0.offers(selection).await
    }

    /// As [`Store::listed`].
    pub async fn listed(&self, keys: Vec<OfferKey>) -> Result<Vec<Option<Listed>>, StoreError> {
        self.0.listed(keys).await
    }

    /// As [`Store::live`].
    pub async fn live(&self, selection: LiveSelection) -> Result<Vec<Live>, StoreError> {
        self.0.live(selection).await
    }

    /// As [`Store::snapshot`].
    pub async fn snapshot(&self, key: &OfferKey, version: i64) -> Result<Option<Snapshot>, StoreError> {
        self.0.snapshot(key, version).await
    }

    /// As [`Store::operations`].
    pub async fn operations(&self, key: &OfferKey) -> Result<Vec<Operation>, StoreError> {
        self.0.operations(key).await
    }

    /// As [`Store::operation`].
    pub async fn operation(&self, id: Uuid) -> Result<Option<(OfferKey, Operation)>, StoreError> {
        self.0.operation(id).await
    }

    /// As [`Store::operation_of_version`].
    pub async fn operation_of_version(
        &self,
        key: &OfferKey,
        version: i64,
        purpose: Purpose,
    ) -> Result<Option<Operation>, StoreError> {
        self.0.operation_of_version(key, version, purpose).await
    }

    /// As [`Store::running`].
    pub async fn running(&self) -> Result<Vec<(OfferKey, Operation)>, StoreError> {
        self.0.running().await
    }

    /// As [`Directory::publisher`].
    pub fn publisher(&self, folded: &str) -> Result<Option<Publisher>, StoreError> {
        self.0.publisher(folded)
    }

    /// As [`Directory::publishers`].
    pub fn publishers(&self) -> Result<Vec<Publisher>, StoreError> {
        self.0.publishers()
    }

    /// As [`Directory::circle`].
    pub fn circle(&self, circle: &Circle) -> Result<Option<StoredCircle>, StoreError> {
        self.0.circle(circle)
    }

    /// As [`Directory::principal`].
    pub fn principal(&self, id: Uuid) -> Result<Option<Principal>, StoreError> {
        self.0.principal(id)
    }

    /// As [`Directory::secrets`].
    pub fn secrets(&self, principal: Uuid) -> Result<Vec<ClientSecret>, StoreError> {
        self.0.secrets(principal)
    }

    /// As [`Store::probe`].
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.0.probe().await
    }
}
