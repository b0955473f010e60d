//! What is learned of steps: how long they took, and when to look whether one is late; what each handle may do with it.

use super::{Store, StoreError};
use async_trait::async_trait;
use publishing::durations::{Durations, Ended};
use publishing::moment::Moment;
use publishing::offer::OfferKey;
use std::sync::Arc;
use uuid::Uuid;

/// How many runs of a step are kept, the newest: more than count, so that another number of them could.
pub(super) const KEPT: usize = 500;

/// What a decision teaches, and what it makes to be looked at.
#[derive(Clone, Debug, Default)]
pub struct Learned {
    /// The steps that it ended.
    pub ended: Vec<Ended>,
    /// When to look whether the current step of the newest operation is late.
    pub look_at: Option<Moment>,
}

/// An operation whose current step may be late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The offer.
    pub key: OfferKey,
    /// The operation.
    pub operation: Uuid,
    /// Since when this is due.
    pub at: Moment,
}

/// What is kept of durations. What is new comes with [`Store::commit`].
///
/// All methods fail with [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
#[async_trait]
pub trait Learning: Send + Sync {
    /// The newest runs of a step of an offer type.
    fn durations(&self, offer_type: &str, step: &str) -> Result<Durations, StoreError>;

    /// When the next look is due.
    fn next_look(&self) -> Result<Option<Moment>, StoreError>;

    /// The looks that are due, at most so many, the oldest first. What cannot be read is put off for good, and logged.
    async fn looks(&self, now: Moment, most: usize) -> Result<Vec<Look>, StoreError>;

    /// Puts looks off, or off for good; those that a commit has moved meanwhile stay where they are.
    async fn put_looks_off(&self, looks: Vec<(Look, Option<Moment>)>) -> Result<(), StoreError>;
}

/// The store for whoever looks which steps are late.
#[derive(Clone, Debug)]
pub struct Looks(Arc<dyn Store>);

impl Looks {
    /// A handle to look with.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// As [`Learning::next_look`].
    pub fn next(&self) -> Result<Option<Moment>, StoreError> {
        self.0.next_look()
    }

    /// As [`Learning::looks`].
    pub async fn due(&self, now: Moment, most: usize) -> Result<Vec<Look>, StoreError> {
        self.0.looks(now, most).await
    }

    /// As [`Learning::put_looks_off`].
    pub async fn put_off(&self, looks: Vec<(Look, Option<Moment>)>) -> Result<(), StoreError> {
        self.0.put_looks_off(looks).await
    }
}
