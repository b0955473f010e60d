//! Looks which steps take longer than such steps usually do. When to look stands in the store; being late is decided by what is known then.

use super::LOOK_AGAIN;
use crate::clock::Clock;
use crate::perform::{Looked, Perform};
use crate::store::{Looks, StoreError};
use tokio::sync::watch;

/// How many steps are looked at before the others' next time is asked for.
const MOST_AT_ONCE: usize = 100;

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
        while !*stop.borrow() {
            let next = match self.look().await {
                Ok(0) => self.looks.next().ok().flatten(),
                Ok(_) => continue,
                Err(error) => {
                    tracing::error!(%error, "it could not be seen which steps are late");
                    None
                }
            };
            let is_due = async {
                match next {
                    Some(at) => self.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = is_due => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                changed = stop.changed() => if changed.is_err() { break },
            }
        }
    }

    /// Looks at each step once whose time has come; gives back how many there were.
    ///
    /// # Errors
    /// [`StoreError`] where nothing could be read, or not be put off.
    pub async fn look(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let due = self.looks.due(now, MOST_AT_ONCE)?;
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
}
