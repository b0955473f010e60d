//! Wires the rooms into a running service, and takes it down in order.

use crate::auth::{Caller, MarketplaceRole, Role, TokenGate};
use crate::clock::Clock;
use crate::http::{self, Entrance, Limits, Readiness, Rooms};
use crate::perform::Perform;
use crate::store::{Claims, Publisher, Read, Store};
use crate::wire::SuccessWord;
use crate::work::Worker;
use anyhow::{Context, Result, bail};
use publishing::decide::MissingIfMatch;
use publishing::offer_type::OfferTypes;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Everything that a service is made of.
#[derive(Debug)]
pub struct Setup {
    /// The archive.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Clock,
    /// The offer types there are.
    pub types: OfferTypes,
    /// What an update without `If-Match` means.
    pub missing_if_match: MissingIfMatch,
    /// What a finished operation is called.
    pub success_word: SuccessWord,
    /// The publishers that the token is an owner of; made where they are missing.
    pub publishers: Vec<Publisher>,
    /// The token.
    pub token: String,
    /// How connections come in.
    pub entrance: Entrance,
}

/// A service that runs.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    store: Arc<dyn Store>,
    stop: watch::Sender<bool>,
    draining: Arc<AtomicBool>,
    listening: JoinHandle<()>,
    working: JoinHandle<()>,
}

impl Setup {
    /// Starts the service: it answers from now on.
    ///
    /// # Errors
    /// Where the store cannot be used, or the token can be none.
    pub async fn start(self, listener: TcpListener) -> Result<Running> {
        if self.token.is_empty() || !self.token.bytes().all(|byte| byte.is_ascii_graphic()) {
            bail!("the token must be one or more visible ASCII characters");
        }
        for publisher in &self.publishers {
            self.store.add_publisher(publisher.clone()).await?;
        }
        // Roles go by the stored form of a publisher's id, which may be spelled otherwise than asked for.
        let stored = self.store.publishers().await?;
        let owned = |publisher: &&Publisher| self.publishers.iter().any(|own| own.id.folded() == publisher.id.folded());
        let roles = stored.iter().filter(owned).map(|publisher| (publisher.id.clone(), Role::Owner));
        let caller = Caller::new("token", roles, vec![MarketplaceRole::Operator, MarketplaceRole::Reviewer]);
        let gate = TokenGate::new(&self.token, caller);

        let types = Arc::new(self.types);
        let perform =
            Perform::new(Arc::clone(&self.store), self.clock.clone(), Arc::clone(&types), self.missing_if_match);
        let replanned = perform.replan().await.context("offers whose pipeline changed could not be planned anew")?;
        if replanned > 0 {
            tracing::info!(replanned, "unpublished offers show the changed pipelines");
        }
        let draining = Arc::new(AtomicBool::new(false));
        let rooms = Rooms {
            read: Read::new(Arc::clone(&self.store)),
            perform: perform.clone(),
            types: Arc::clone(&types),
            success_word: self.success_word,
            draining: Arc::clone(&draining),
            readiness: Arc::new(Readiness::new(self.clock.clone())),
            limits: Arc::new(Limits::new(&self.entrance.limits, &self.clock)),
            description: http::description()?,
        };
        let door = http::door(rooms, gate, self.clock.clone());
        let worker = Worker::new(Claims::new(Arc::clone(&self.store)), perform.clone(), types, self.clock);
        let (stop, stopped) = watch::channel(false);
        let address = listener.local_addr()?;
        let working = tokio::spawn({
            let stopped = stopped.clone();
            async move { worker.run(stopped).await }
        });
        let listening = tokio::spawn(http::listen(listener, door, self.entrance, stopped));
        Ok(Running { address, store: self.store, stop, draining, listening, working })
    }
}

impl Running {
    /// Stops in order: not ready, no new connections, no new work; what is in flight is finished.
    pub async fn stop(self) {
        self.draining.store(true, Ordering::Relaxed);
        let _ = self.stop.send(true);
        for task in [self.listening, self.working] {
            if let Err(error) = task.await {
                tracing::error!(%error, "a part of the service ended badly");
            }
        }
        if let Err(error) = self.store.close().await {
            tracing::warn!(%error, "the store could not be tidied up; the next start does it");
        }
    }
}

/// Waits until someone asks the process to end.
///
/// # Errors
/// Where the operating system does not let us listen for it.
pub async fn asked_to_end() -> Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    Ok(())
}
