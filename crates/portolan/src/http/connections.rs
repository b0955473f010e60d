//! How many connections there are, in all and from each address.

use super::address::counted;
use super::limits::LimitSettings;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The connections that are open.
#[derive(Debug)]
pub(super) struct Connections {
    all: Arc<Semaphore>,
    per_address: u32,
    by_address: Arc<ByAddress>,
}

#[derive(Debug, Default)]
struct ByAddress(Mutex<HashMap<IpAddr, u32>>);

/// The place of one connection; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _of_all: OwnedSemaphorePermit,
    by_address: Arc<ByAddress>,
    address: Option<IpAddr>,
}

impl Connections {
    pub(super) fn new(settings: &LimitSettings) -> Self {
        let all = usize::try_from(settings.connections.get()).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            all: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))),
            per_address: settings.connections_per_address.get(),
            by_address: Arc::default(),
        }
    }

    /// Waits until there is room for one more connection.
    pub(super) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        if self.all.available_permits() == 0 {
            tracing::debug!("there are as many connections as may be; new ones wait");
        }
        Arc::clone(&self.all).acquire_owned().await.ok()
    }

    /// Gives room to a connection from an address, if it has not too many. A trusted proxy has as many as it likes.
    pub(super) fn enter(&self, of_all: OwnedSemaphorePermit, address: IpAddr, is_proxy: bool) -> Option<Place> {
        let address = (!is_proxy).then(|| counted(address));
        if let Some(address) = address {
            let mut counts = self.by_address.counts();
            let count = counts.entry(address).or_default();
            if *count >= self.per_address {
                return None;
            }
            *count += 1;
        }
        Some(Place { _of_all: of_all, by_address: Arc::clone(&self.by_address), address })
    }
}

impl ByAddress {
    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut counts = self.by_address.counts();
        if let Some(count) = counts.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&address);
            }
        }
    }
}
