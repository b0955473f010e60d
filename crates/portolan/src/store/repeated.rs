//! What was answered to requests that carry a key: kept for a week, for whoever sends one again.

use super::{Hash, StoreError};
use publishing::moment::Moment;
use std::fmt;
use zeroize::Zeroizing;

/// For how long an answer is kept, in days; a key counts no more after that.
pub const KEPT_DAYS: i64 = 7;

/// The answer to a request that carries a key.
#[derive(Clone)]
pub struct Repeated {
    /// The hash of who asks and the key.
    pub key: Hash,
    /// The hash of all that was sent.
    pub digest: Hash,
    /// When it is given.
    pub made_at: Moment,
    /// What it is rendered from, as JSON; sealed before it is stored.
    pub answer: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Repeated {
    /// Without the answer, which may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repeated").field("made_at", &self.made_at).finish_non_exhaustive()
    }
}

/// What is kept of answers. They are written with what they answer: [`super::Change`] and [`super::AccessChange`] bring them.
pub trait Repeats {
    /// The answer to the request with this key, unless it is too old by now.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] or [`StoreError::Corrupt`].
    fn repeated(&self, key: &Hash, now: Moment) -> Result<Option<Repeated>, StoreError>;
}
