//! Wires the rooms into a running service, and takes it down in order.

mod assemble;

pub use assemble::Service;

use crate::artifacts::Artifacts;
use crate::auth::{Algorithm, IssuerSetting, Sessions, USUAL_AUDIENCE};
use crate::checks::Checks;
use crate::clock::{Clock, random_bytes};
use crate::egress::Egress;
use crate::http::{self, Entrance};
use crate::issuer::Issuer;
use crate::links::Links;
use crate::notify::MailSettings;
use crate::perform::{OneTime, Perform};
use crate::store::Store;
use crate::vault::Vault;
use crate::wire::SuccessWord;
use anyhow::{Context, Result, ensure};
use publishing::decide::MissingIfMatch;
use publishing::offer_type::OfferTypes;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Everything that a service is made of.
#[derive(Debug)]
pub struct Setup {
    /// The archive.
    pub store: Arc<dyn Store>,
    /// What seals the keys and cookies of this installation.
    pub vault: Vault,
    /// The time by which offers are published, and everybody is told of it.
    pub clock: Clock,
    /// The time by which callers live: how long tokens and sessions are good, and how often one may ask. The same clock,
    /// but where the other one is turned.
    pub wall: Clock,
    /// The offer types there are.
    pub types: OfferTypes,
    /// What an update without `If-Match` means.
    pub missing_if_match: MissingIfMatch,
    /// What a finished operation is called.
    pub success_word: SuccessWord,
    /// Whether it is told what steps usually take.
    pub learned_durations: bool,
    /// Whose tokens are taken.
    pub identity: Identity,
    /// How connections come in.
    pub entrance: Entrance,
    /// What does the work of steps.
    pub checks: Checks,
    /// The files of definitions; none where they are only recorded by their addresses.
    pub artifacts: Option<Artifacts>,
    /// The way out to the world.
    pub egress: Egress,
    /// The server that takes mails.
    pub mail: MailSettings,
}

/// Whose tokens are taken, and for whom they must be.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The service's address as clients see it; where it listens, if nothing is said.
    pub public_url: Option<String>,
    /// The audiences of the built-in issuer's tokens.
    pub audiences: Vec<String>,
    /// Whether there is a built-in issuer.
    pub built_in: bool,
    /// How its tokens may be signed.
    pub signed_with: Vec<Algorithm>,
    /// Other issuers.
    pub issuers: Vec<IssuerSetting>,
    /// Whether a setup secret is wanted although there is an operator: nobody finds the way in any more.
    pub set_up_again: bool,
}

impl Default for Identity {
    fn default() -> Self {
        let audiences = vec![USUAL_AUDIENCE.to_owned()];
        let signed_with = vec![Algorithm::Rs256];
        Self { public_url: None, audiences, built_in: true, signed_with, issuers: Vec::new(), set_up_again: false }
    }
}

/// A service that runs.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its address as clients see it, without a slash at the end.
    pub public_url: Arc<str>,
    /// The built-in issuer, unless it is switched off.
    pub issuer: Option<Issuer>,
    /// Who is signed in with a browser.
    pub sessions: Sessions,
    /// The only way to change anything.
    pub perform: Perform,
    /// What lets in the first operator, where there is none.
    pub setup_secret: Option<OneTime>,
    store: Arc<dyn Store>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Setup {
    /// Starts the service: it answers from now on.
    ///
    /// # Errors
    /// Where the store cannot be used, or a setting cannot be.
    pub async fn start(self, listener: TcpListener) -> Result<Running> {
        let address = listener.local_addr()?;
        let public_url: Arc<str> =
            public_url(self.identity.public_url.as_deref(), address, self.entrance.certificate.is_some())?.into();
        if address.ip().is_unspecified() && self.identity.public_url.as_ref().is_none_or(String::is_empty) {
            tracing::warn!(address = %public_url, "tokens and sign-in pages name an address that no client can reach; set server.public_url, or --public-url");
        }
        let entrance = self.entrance.clone();
        http::make_room(&entrance.limits);
        let Service { door, issuer, sessions, perform, setup_secret, worker, lookout, deliveries, store, stop, .. } =
            self.assemble(Arc::clone(&public_url)).await?;
        let stopped = stop.subscribe();
        let working = tokio::spawn({
            let stopped = stopped.clone();
            async move { worker.run(stopped).await }
        });
        let delivering = deliveries.into_iter().map(|delivery| {
            let stopped = stopped.clone();
            tokio::spawn(async move { delivery.run(stopped).await })
        });
        let looking = tokio::spawn({
            let stopped = stopped.clone();
            async move { lookout.run(stopped).await }
        });
        let mut tasks: Vec<JoinHandle<()>> = delivering.chain([working, looking]).collect();
        tasks.push(tokio::spawn(http::listen(listener, door, entrance, stopped)));
        if let Some(issuer) = issuer.clone() {
            // A fresh installation makes its first key now, and not while the first client waits for it.
            tokio::spawn(async move {
                if let Err(error) = issuer.jwks().await {
                    tracing::error!(%error, "no key to sign with");
                }
            });
        }
        Ok(Running { address, public_url, issuer, sessions, perform, setup_secret, store, stop, tasks })
    }
}

/// The addresses that lead to a service that is seen there, signed with the key that is kept in this store.
///
/// # Errors
/// Where the store cannot be used.
pub async fn links(store: &Arc<dyn Store>, public_url: Arc<str>) -> Result<Links> {
    let fresh = random_bytes().context("the operating system gives no randomness")?;
    Ok(Links::new(public_url, &store.link_key(fresh).await?))
}

/// The service's address as clients see it: as it is set, or where it listens.
///
/// # Errors
/// Where the setting is no such address.
pub fn public_url(setting: Option<&str>, address: SocketAddr, encrypted: bool) -> Result<String> {
    let Some(url) = setting.filter(|url| !url.is_empty()) else {
        return Ok(format!("{}://{address}", if encrypted { "https" } else { "http" }));
    };
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    let host = rest.strip_suffix('/').unwrap_or(rest);
    let plain = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b));
    ensure!(
        plain,
        "server.public_url {url:?} cannot be the service's address: write it like https://portolan.example, without a path"
    );
    Ok(url.trim_end_matches('/').to_owned())
}

impl Running {
    /// Stops in order: not ready, no new connections, no new work; what is in flight is finished.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for task in self.tasks {
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
