//! How many connections there are, in all and from each address.

use super::address::counted;
use super::counts::{Counted, Counts};
use super::limits::LimitSettings;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The connections that are open.
#[derive(Debug)]
pub(super) struct Connections {
    all: Arc<Semaphore>,
    per_address: u32,
    by_address: Arc<Counts<IpAddr>>,
}

/// The place of one connection; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_address: Option<Counted<IpAddr>>,
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
        let of_address = if is_proxy { None } else { Some(self.by_address.take(counted(address), self.per_address)?) };
        Some(Place { _of_all: of_all, _of_address: of_address })
    }
}
