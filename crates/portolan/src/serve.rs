//! Wires the rooms into a running service, and takes it down in order.

use crate::artifacts::Artifacts;
use crate::auth::{
    Gate, IssuerSetting, Issuers, LocalKeys, Provider, Role, SETUP_PREFIX, Sessions, TrustedIssuer, USUAL_AUDIENCE,
    secret_hash,
};
use crate::checks::Checks;
use crate::clock::{Clock, random_bytes};
use crate::egress::Egress;
use crate::http::{self, Entrance, Followers, Limits, Readiness, Rooms};
use crate::issuer::{Issuer, Place, WEB_CLIENT};
use crate::links::Links;
use crate::listing::Shelf;
use crate::notify::{MailSettings, Mails, Webhooks};
use crate::perform::{OneTime, Perform};
use crate::store::{Claims, Invitation, LetterKind, Looks, Post, Read, Store};
use crate::vault::Vault;
use crate::web::{self, Pages};
use crate::wire::SuccessWord;
use crate::work::{Delivery, Leads, Lookout, Worker};
use anyhow::{Context, Result, ensure};
use publishing::decide::MissingIfMatch;
use publishing::moment::Moment;
use publishing::offer_type::OfferTypes;
use publishing::principal::{BUILT_IN, Circle};
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
    /// The time.
    pub clock: Clock,
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
    /// Other issuers.
    pub issuers: Vec<IssuerSetting>,
    /// Whether a setup secret is wanted although there is an operator: nobody finds the way in any more.
    pub set_up_again: bool,
}

impl Default for Identity {
    fn default() -> Self {
        let audiences = vec![USUAL_AUDIENCE.to_owned()];
        Self { public_url: None, audiences, built_in: true, issuers: Vec::new(), set_up_again: false }
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
        let (issuers, issuer, providers) = self.issuers(&public_url).await?;
        let issuers = Arc::new(issuers);
        let names: Vec<String> = issuers.names().map(str::to_owned).collect();
        let gate = Gate::new(Arc::clone(&issuers), Arc::clone(&self.store));
        let setup_secret = self.setup_secret().await?;

        let types = Arc::new(self.types);
        let links = links(&self.store, Arc::clone(&public_url)).await?;
        let perform = Perform::new(
            Arc::clone(&self.store),
            self.clock.clone(),
            Arc::clone(&types),
            self.missing_if_match,
            links.clone(),
        )
        .telling_durations(self.learned_durations);
        let post = Post::new(Arc::clone(&self.store));
        let mails = Mails::open(&self.mail, post.clone(), links.clone())?;
        if mails.is_none() {
            let given_up = post.give_up_all(LetterKind::Mail, self.clock.now()).await?;
            if given_up > 0 {
                tracing::warn!(given_up, "mails that waited are given up, for mail.server names no server any more");
            }
        }
        let perform = perform.with_mails(mails.is_some());
        let replanned = perform.replan().await.context("offers whose pipeline changed could not be planned anew")?;
        if replanned > 0 {
            tracing::info!(replanned, "unpublished offers show the changed pipelines");
        }
        http::make_room(&self.entrance.limits);
        let (stop, stopped) = watch::channel(false);
        let limits = Arc::new(Limits::new(&self.entrance.limits, &self.clock));
        let shelf = Shelf::new(Read::new(Arc::clone(&self.store)), links.clone());
        let pages = Pages {
            shelf: shelf.clone(),
            sessions: Sessions::new(Arc::clone(&self.store), self.clock.clone()),
            gate: gate.clone(),
            issuer: issuer.clone(),
            providers,
            issuers,
            perform: perform.clone(),
            vault: self.vault,
            clock: self.clock.clone(),
            limits: Arc::clone(&limits),
            public_url: Arc::clone(&public_url),
        };
        let mut checks = self.checks;
        if let Some(artifacts) = &self.artifacts {
            checks = checks.with_artifacts(artifacts.clone(), links.clone());
        }
        let post = Post::new(Arc::clone(&self.store));
        let webhooks = Webhooks::new(post.clone(), self.egress.clone(), links.clone(), self.clock.clone())
            .with_mails(mails.is_some());
        let rooms = Rooms {
            read: Read::new(Arc::clone(&self.store)),
            perform: perform.clone(),
            issuer: issuer.clone(),
            issuers: names.into(),
            public_url: Arc::clone(&public_url),
            links,
            artifacts: self.artifacts,
            shelf,
            types: Arc::clone(&types),
            checks: checks.clone(),
            webhooks: webhooks.clone(),
            success_word: self.success_word,
            gate,
            draining: stopped.clone(),
            readiness: Arc::new(Readiness::new(self.clock.clone())),
            limits,
            followers: Arc::new(Followers::new(&self.entrance.limits)),
            description: http::description()?,
        };
        let door = http::door(rooms, web::routes(pages), self.clock.clone());
        let leads = Arc::new(Leads::new(post.clone(), self.egress.clone()));
        let due = perform.post_due();
        let mut deliveries = vec![
            Delivery::new(post.clone(), Arc::clone(&due.leads), leads, self.clock.clone()),
            Delivery::new(post.clone(), Arc::clone(&due.webhooks), Arc::new(webhooks), self.clock.clone()),
        ];
        deliveries.extend(
            mails.map(|mails| Delivery::new(post, Arc::clone(&due.mails), Arc::new(mails), self.clock.clone())),
        );
        let checks = checks.with_egress(self.egress);
        let lookout = Lookout::new(Looks::new(Arc::clone(&self.store)), perform.clone(), self.clock.clone());
        let worker = Worker::new(Claims::new(Arc::clone(&self.store)), perform.clone(), types, checks, self.clock);
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
        let listening = tokio::spawn(http::listen(listener, door, self.entrance, stopped));
        if let Some(issuer) = issuer.clone() {
            // A fresh installation makes its first key now, and not while the first client waits for it.
            tokio::spawn(async move {
                if let Err(error) = issuer.jwks().await {
                    tracing::error!(%error, "no key to sign with");
                }
            });
        }
        let store = self.store;
        tasks.push(listening);
        Ok(Running { address, public_url, issuer, perform, setup_secret, store, stop, tasks })
    }

    /// The issuers whose tokens are taken, the built-in one, and where people sign in.
    async fn issuers(&self, public_url: &str) -> Result<(Issuers, Option<Issuer>, Vec<Provider>)> {
        let (mut trusted, mut issuer, mut providers) = (Vec::new(), None, Vec::new());
        if self.identity.built_in {
            ensure!(
                self.identity.audiences.iter().any(|audience| !audience.is_empty()),
                "identity.audiences is empty: name for whom the built-in issuer's tokens are, such as {USUAL_AUDIENCE}"
            );
            let tenant = self.store.tenant(self.clock.fresh_id()).await?;
            let audiences = self.identity.audiences.clone();
            let place = Place { public_url: public_url.to_owned(), audiences: audiences.clone(), tenant };
            let authorize = format!("{public_url}/{tenant}/oauth2/v2.0/authorize");
            providers.push(Provider::own(BUILT_IN, "With a mail address and a password", WEB_CLIENT, &authorize));
            let keys = LocalKeys::default();
            let names = vec![place.issuer_v1(), place.issuer_v2()];
            trusted.push(TrustedIssuer::local(BUILT_IN, names, audiences, keys.clone()));
            let (store, vault) = (Arc::clone(&self.store), self.vault.clone());
            issuer = Some(Issuer::open(store, vault, self.clock.clone(), place, keys).await?);
        }
        for setting in &self.identity.issuers {
            if setting.issuer.contains("{tenantid}") && setting.tenants.is_empty() {
                tracing::warn!(
                    issuer = setting.name,
                    "every tenant of this issuer is let in; set `tenants` to name yours"
                );
            }
            trusted.push(TrustedIssuer::remote(setting, self.clock.clone())?);
            let provider = Provider::elsewhere(setting);
            providers.extend(provider.with_context(|| format!("the issuer {:?}", setting.name))?);
        }
        ensure!(
            !trusted.is_empty(),
            "nobody could sign in: set identity.built_in = true, or name an [[identity.issuer]]"
        );
        Ok((Issuers::new(trusted, self.clock.clone())?, issuer, providers))
    }

    /// Makes the secret that lets in the first operator, where there is none; an earlier one is void then.
    async fn setup_secret(&self) -> Result<Option<OneTime>> {
        let staff = self.store.circle(&Circle::Marketplace)?.map(|circle| circle.members).unwrap_or_default();
        if !self.identity.set_up_again && staff.iter().any(|member| member.roles.contains(&Role::Operator)) {
            self.store.set_setup(None).await?;
            return Ok(None);
        }
        let secret = OneTime::make(SETUP_PREFIX)?;
        let hash = secret_hash(secret.reveal());
        let invitation = Invitation { hash, principal: None, ends_at: Moment::from_ticks(i64::MAX) };
        self.store.set_setup(Some(invitation)).await?;
        Ok(Some(secret))
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

/// The service's address as clients see it.
fn public_url(setting: Option<&str>, address: SocketAddr, encrypted: bool) -> Result<String> {
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
