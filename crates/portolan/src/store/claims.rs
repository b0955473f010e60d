//! The store for workers: what is due, and what a check needs to know.

use super::{Claim, Store, StoreError};
use publishing::moment::Moment;
use publishing::offer::{Offer, OfferKey, Snapshot};
use std::sync::Arc;

/// The store for workers: what is due, and what a check needs to know.
#[derive(Clone, Debug)]
pub struct Claims(Arc<dyn Store>);

impl Claims {
    /// A handle to claim with.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// As [`Store::claim`].
    pub async fn claim(&self, now: Moment, until: Moment, most: usize) -> Result<Vec<Claim>, StoreError> {
        self.0.claim(now, until, most).await
    }

    /// As [`Store::renew`].
    pub async fn renew(&self, claim: &Claim, until: Moment) -> Result<(), StoreError> {
        self.0.renew(claim, until).await
    }

    /// As [`Store::put_off`].
    pub async fn put_off(&self, claim: &Claim, until: Moment, was_run: bool) -> Result<(), StoreError> {
        self.0.put_off(claim, until, was_run).await
    }

    /// As [`Store::next_due`].
    pub async fn next_due(&self) -> Result<Option<Moment>, StoreError> {
        self.0.next_due().await
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
