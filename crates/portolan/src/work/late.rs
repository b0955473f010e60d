//! Looks which steps take longer than such steps usually do. When to look stands in the store; being late is decided by what is known then.

use super::rounds::{Due, once, one, work_off};
use crate::clock::Clock;
use crate::perform::{Looked, Perform};
use crate::store::{Looks, StoreError};
use publishing::moment::Moment;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// How long to leave a step alone that could not be looked at, in seconds.
const AFTER_A_FAULT_SECONDS: i64 = 60;

/// Looks which steps are late.
#[derive(Clone, Debug)]
pub struct Lookout {
    looks: Looks,
    perform: Perform,
    clock: Clock,
}

impl Lookout {
    /// Looks at what is due here, and notes it there.
    pub fn new(looks: Looks, perform: Perform, clock: Clock) -> Self {
        Self { looks, perform, clock }
    }

    /// Looks until told to stop.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        // Nothing wakes it: what a commit makes due is due later.
        work_off(self, &Notify::new(), &self.clock, &mut stop).await;
    }

    /// Looks at each step once whose time has come; gives back how many there were.
    ///
    /// # Errors
    /// [`StoreError`] where nothing could be read, or not be put off.
    pub async fn look(&self) -> Result<usize, StoreError> {
        once(self).await
    }

    /// Looks at one step whose time has come; gives back whether there was one.
    ///
    /// # Errors
    /// [`StoreError`] where nothing could be read, or not be put off.
    pub async fn look_at_one(&self) -> Result<bool, StoreError> {
        one(self).await
    }

    /// When the next look is due.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_due(&self) -> Result<Option<Moment>, StoreError> {
        self.next().await
    }
}

impl Due for Lookout {
    const HANDS: usize = 100;
    const NAME: &'static str = "looks at late steps";

    /// Looks at once, for there is no claim that would keep a look from being taken twice.
    async fn take(&self, _: &mut JoinSet<()>, free: usize) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let due = self.looks.due(now, free).await?;
        let (count, mut put_off) = (due.len(), Vec::new());
        for look in due {
            match self.perform.look(&look).await {
                Ok(Looked::Late | Looked::Moved) => {}
                Ok(Looked::Again(at)) => put_off.push((look, at)),
                Err(error) => {
                    tracing::error!(%error, offer = look.key.name(), "a step that is late could not be noted");
                    put_off.push((look, Some(now.plus_seconds(AFTER_A_FAULT_SECONDS))));
                }
            }
        }
        if !put_off.is_empty() {
            self.looks.put_off(put_off).await?;
        }
        Ok(count)
    }

    async fn next(&self) -> Result<Option<Moment>, StoreError> {
        self.looks.next()
    }
}
