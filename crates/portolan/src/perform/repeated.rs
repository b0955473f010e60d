//! Performs what carries a key once: who sends it again gets the first answer, and nothing changes.

use super::{Failure, Perform};
use crate::auth::{Authorised, Done, Once};
use crate::store::{Repeated, StoreError};
use publishing::decide::Answer;
use publishing::principal::Circle;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

impl Perform {
    /// The answer that a command got before by this key, for handlers that do work before they come to a command.
    ///
    /// # Errors
    /// [`Failure::Forbidden`]; [`Failure::KeyUsed`] where that was another request.
    pub fn answered_before(&self, by: &Authorised<'_>) -> Result<Option<Answer>, Failure> {
        let Some(once) = by.once() else { return Ok(None) };
        self.still_may(by.principal(), &Circle::Publisher(by.publisher().clone()), by.permission())?;
        self.before(once)
    }

    /// Does the work, unless it was done before by this key. The work stores its answer (see [`Perform::kept`]) in the
    /// commit that it comes to. The caller must have been asked for its permission, just before.
    pub(super) async fn once<T: DeserializeOwned>(
        &self,
        once: Option<&Once>,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Some(once) = once else { return work.await };
        if let Some(before) = self.before(once)? {
            return Ok(before);
        }
        match work.await {
            Ok(done) => {
                once.is_done(Done::Now);
                Ok(done)
            }
            Err(failure @ (Failure::Forbidden | Failure::OwnPublisher)) => Err(failure),
            // The same request may have come to its commit meanwhile, and be what stands in the way of this one.
            Err(failure) => self.before(once)?.ok_or(failure),
        }
    }

    /// The answer as it is stored with what it answers.
    pub(super) fn kept<T: Serialize>(&self, once: Option<&Once>, answer: &T) -> Result<Option<Repeated>, StoreError> {
        let Some(once) = once else { return Ok(None) };
        let answer = serde_json::to_vec(answer).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let (key, digest, made_at) = (*once.key(), *once.digest(), self.wall.now());
        Ok(Some(Repeated { key, digest, made_at, answer: Zeroizing::new(answer) }))
    }

    fn before<T: DeserializeOwned>(&self, once: &Once) -> Result<Option<T>, Failure> {
        let Some(kept) = self.store.repeated(once.key(), self.wall.now())? else { return Ok(None) };
        if kept.digest != *once.digest() {
            return Err(Failure::KeyUsed(once.header()));
        }
        // The parser's own words would quote what it could not read.
        let unreadable = |_| StoreError::Corrupt("repeated.answer: this is no answer of this program's".into());
        let answer = serde_json::from_slice(&kept.answer).map_err(unreadable)?;
        once.is_done(Done::Before);
        Ok(Some(answer))
    }
}
