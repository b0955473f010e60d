//! How many requests wait for news, in all and of each caller; how often they are looked after.

use super::counts::{Counted, Counts};
use super::errors::Problem;
use super::limits::LimitSettings;
use crate::auth::Caller;
use api::errors::ErrorCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// How long a stream is silent at most. Whoever follows looks into the journal after that, told or not.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How many read the journal at once, of all who have fallen behind or ask for history.
const READ_AT_ONCE: usize = 8;

/// The requests that wait for news.
#[derive(Debug)]
pub struct Followers {
    all: Arc<Semaphore>,
    per_caller: u32,
    by_caller: Arc<Counts<Uuid>>,
    /// Whoever reads the journal holds one of these.
    pub(super) reading: Semaphore,
    pub(super) heartbeat: Duration,
}

/// The place of one such request; free again when it is dropped.
#[derive(Debug)]
pub struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_caller: Counted<Uuid>,
}

impl Followers {
    /// Nobody waits yet.
    pub fn new(settings: &LimitSettings) -> Self {
        let all = usize::try_from(settings.followers.get()).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            all: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))),
            per_caller: settings.followers_per_caller.get(),
            by_caller: Arc::default(),
            reading: Semaphore::new(READ_AT_ONCE),
            heartbeat: HEARTBEAT,
        }
    }

    /// The same, looked after as often as this.
    #[must_use]
    pub fn with_heartbeat(self, heartbeat: Duration) -> Self {
        Self { heartbeat, ..self }
    }

    /// How often a stream says that it is alive.
    pub fn heartbeat(&self) -> Duration {
        self.heartbeat
    }

    /// A place, where there is one.
    ///
    /// # Errors
    /// [`TooManyFollow`].
    pub fn enter(&self, caller: &Caller) -> Result<Place, TooManyFollow> {
        let of_all = Arc::clone(&self.all).try_acquire_owned().map_err(|_| TooManyFollow)?;
        let who = caller.principal().unwrap_or_default();
        let of_caller = self.by_caller.take(who, self.per_caller).ok_or(TooManyFollow)?;
        Ok(Place { _of_all: of_all, _of_caller: of_caller })
    }
}

/// As many follow already as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyFollow;

impl From<TooManyFollow> for Problem {
    fn from(_: TooManyFollow) -> Self {
        let message = "As many event streams are open as may be, in all or of this caller. Close one, or come back after the time in Retry-After; one stream of the publisher tells of all its offers.";
        Self::new(ErrorCode::ServiceUnavailable, message).after(30)
    }
}
