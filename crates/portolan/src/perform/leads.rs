//! Takes leads: what somebody leaves for the publisher of a live offer, put into the outbox before it is acknowledged.

use super::{Failure, Perform};
use crate::auth::Done;
use crate::store::{Letter, LetterKind, OnceOnly, Posted, StoreError};
use publishing::lead::{Lead, LeadRefusal};
use publishing::leads::{LeadDestination, destination};
use publishing::offer::OfferKey;
use publishing::secrets;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// For how long a key makes that a lead is taken once.
const KEY_SECONDS: i64 = 24 * 3600;

impl Perform {
    /// Takes a lead about an offer in production; gives its id once it is stored, and when that was. `once` is the sender's key.
    ///
    /// # Errors
    /// [`Failure::Lead`] and [`Failure::Store`]; then nothing is stored.
    pub async fn take_lead(&self, key: &OfferKey, lead: Lead, once: Option<&str>) -> Result<(Uuid, Done), Failure> {
        let lead = lead.judged()?;
        let stored = self.store.load(key).await?.ok_or(LeadRefusal::Missing)?;
        let (offer, version) = match stored.offer.production {
            Some(version) if stored.offer.is_public(lead.plan.as_deref()) => (stored.offer, version),
            _ => return Err(LeadRefusal::Missing.into()),
        };
        let unwritten = |error: serde_json::Error| StoreError::Corrupt(error.to_string());
        let body = serde_json::to_vec(&lead).map_err(unwritten)?;
        let made_at = self.clock.now();
        let once = once.map(|once| OnceOnly {
            key: Sha256::digest(once).into(),
            // With the key before it, so that nobody who sees the digest can try out what was sent.
            digest: Sha256::new().chain_update(once).chain_update([0]).chain_update(&body).finalize().into(),
            since: made_at.plus_seconds(-KEY_SECONDS),
        });
        let before = once.map(|once| self.store.posted_before(&offer.key, LetterKind::Lead, &once));
        if let Some(before) = before.transpose()?.flatten() {
            return Ok((taken(before)?, Done::Before));
        }
        if !self.delivers_leads(&offer.key, version).await? {
            return Err(LeadRefusal::NotDelivered.into());
        }
        let id = self.clock.fresh_id();
        let letter = Letter { id, key: offer.key, kind: LetterKind::Lead, body: body.into(), made_at, once };
        let taken = taken(self.store.post(letter).await?)?;
        self.post_due.leads.notify_one();
        Ok((taken, if taken == id { Done::Now } else { Done::Before }))
    }

    /// Whether leads of a published version go where this service delivers them.
    async fn delivers_leads(&self, key: &OfferKey, version: i64) -> Result<bool, Failure> {
        let missing = || StoreError::Corrupt(format!("version {version} of {key:?} is not there"));
        let snapshot = self.store.snapshot(key, version).await?.ok_or_else(missing)?;
        // A large definition takes a while to read.
        let judge = move || matches!(destination(&secrets::put_back(&snapshot.draft)), Ok(LeadDestination::Https(_)));
        let judged = tokio::task::spawn_blocking(judge).await;
        Ok(judged.map_err(|error| StoreError::Unavailable(format!("judging broke off: {error}")))?)
    }
}

fn taken(posted: Posted) -> Result<Uuid, Failure> {
    match posted {
        Posted::As(id) => Ok(id),
        Posted::KeyUsed => Err(LeadRefusal::KeyUsed.into()),
    }
}
