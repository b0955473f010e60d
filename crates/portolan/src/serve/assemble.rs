//! Assembles a service out of its rooms: one that answers when it is asked, and does nothing by itself.

use super::{Setup, links};
use crate::auth::{
    Gate, Issuers, LocalKeys, Provider, Role, SETUP_PREFIX, Sessions, TrustedIssuer, USUAL_AUDIENCE, secret_hash,
};
use crate::http::{self, Door, Followers, Limits, Readiness, Rooms};
use crate::issuer::{Issuer, Place, WEB_CLIENT};
use crate::listing::Shelf;
use crate::notify::{Mails, Webhooks};
use crate::perform::{OneTime, Perform};
use crate::store::{Claims, Invitation, LetterKind, Looks, Post, Read, Store};
use crate::web::{self, Pages};
use crate::work::{Delivery, Leads, Lookout, Worker};
use anyhow::{Context, Result, ensure};
use publishing::moment::Moment;
use publishing::principal::{BUILT_IN, Circle};
use std::sync::Arc;
use tokio::sync::watch;

/// A service that is assembled. It listens nowhere, and nobody works off what is due.
#[derive(Debug)]
pub struct Service {
    /// Answers requests.
    pub door: Door,
    /// Knows who is asking.
    pub gate: Gate,
    /// The built-in issuer, unless it is switched off.
    pub issuer: Option<Issuer>,
    /// Who is signed in with a browser.
    pub sessions: Sessions,
    /// The only way to change anything.
    pub perform: Perform,
    /// What lets in the first operator, where there is none.
    pub setup_secret: Option<OneTime>,
    /// Works off due checks.
    pub worker: Worker,
    /// Looks which steps are late.
    pub lookout: Lookout,
    /// Deliver letters, each of one kind.
    pub deliveries: Vec<Delivery>,
    /// The archive.
    pub store: Arc<dyn Store>,
    /// Ends what goes on, such as event streams.
    pub stop: watch::Sender<bool>,
}

impl Setup {
    /// Assembles a service that is seen at this address.
    ///
    /// # Errors
    /// Where the store cannot be used, or a setting cannot be.
    pub async fn assemble(self, public_url: Arc<str>) -> Result<Service> {
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
        .telling_durations(self.learned_durations)
        .with_keys_by(self.wall.clone());
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
        let (stop, stopped) = watch::channel(false);
        let limits = Arc::new(Limits::new(&self.entrance.limits, &self.wall));
        let followers = Arc::new(Followers::new(&self.entrance.limits));
        let shelf = Shelf::new(Read::new(Arc::clone(&self.store)), links.clone());
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
            shelf: shelf.clone(),
            types: Arc::clone(&types),
            checks: checks.clone(),
            webhooks: webhooks.clone(),
            success_word: self.success_word,
            gate: gate.clone(),
            draining: stopped.clone(),
            readiness: Arc::new(Readiness::new(self.wall.clone())),
            limits: Arc::clone(&limits),
            followers: Arc::clone(&followers),
            description: http::description()?,
        };
        let api = http::api(rooms);
        let sessions = Sessions::new(Arc::clone(&self.store), self.wall.clone());
        let pages = Pages {
            shelf,
            sessions: sessions.clone(),
            gate: gate.clone(),
            issuer: issuer.clone(),
            providers,
            issuers,
            perform: perform.clone(),
            vault: self.vault,
            clock: self.wall.clone(),
            limits: Arc::clone(&limits),
            public_url: Arc::clone(&public_url),
            read: Read::new(Arc::clone(&self.store)),
            api: api.clone(),
            types: Arc::clone(&types),
            followers,
            stopping: stopped,
            virtual_clock: self.clock.is_virtual().then(|| self.clock.clone()),
        };
        let door = http::door(api, web::routes(pages), gate.clone(), limits, self.wall.clone());
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
        let store = self.store;
        Ok(Service { door, gate, issuer, sessions, perform, setup_secret, worker, lookout, deliveries, store, stop })
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
            let own = TrustedIssuer::local(BUILT_IN, names, audiences, keys.clone());
            trusted.push(own.signed_with(self.identity.signed_with.clone()));
            let (store, vault) = (Arc::clone(&self.store), self.vault.clone());
            let opened = Issuer::open(store, vault, self.wall.clone(), place, keys).await?;
            issuer = Some(opened.with_secrets_by(self.clock.clone()));
        }
        for setting in &self.identity.issuers {
            if setting.issuer.contains("{tenantid}") && setting.tenants.is_empty() {
                tracing::warn!(
                    issuer = setting.name,
                    "every tenant of this issuer is let in; set `tenants` to name yours"
                );
            }
            trusted.push(TrustedIssuer::remote(setting, self.wall.clone())?);
            let provider = Provider::elsewhere(setting);
            providers.extend(provider.with_context(|| format!("the issuer {:?}", setting.name))?);
        }
        ensure!(
            !trusted.is_empty(),
            "nobody could sign in: set identity.built_in = true, or name an [[identity.issuer]]"
        );
        Ok((Issuers::new(trusted, self.wall.clone())?, issuer, providers))
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
