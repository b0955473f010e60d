//! What runs inside the emulator: a service over a store in memory, made anew for every reset and every snapshot put back.

use super::faults::Faults;
use super::outbox::Outbox;
use super::pace::Pace;
use super::rehearsal::Rehearsed;
use super::ways::Ways;
use super::{Settings, entrance, principals};
use crate::auth::Algorithm;
use crate::checks::Checks;
use crate::clock::Clock;
use crate::demo::{self, People, Tokens};
use crate::egress::EgressSettings;
use crate::issuer::quick_key;
use crate::perform::Perform;
use crate::serve::{Identity, Service, Setup, links};
use crate::store::{Publisher, Read, SigningKey, Sqlite, Store};
use crate::vault::Vault;
use anyhow::{Context, Result};
use publishing::moment::Moment;
use publishing::offer::PublisherId;
use publishing::offer_type::OfferTypes;
use publishing::pipeline::CheckKind;
use std::sync::Arc;

/// The publisher that is there at the start.
pub const PUBLISHER: &str = demo::PUBLISHER;

/// For how long the tokens are good that are printed at the start, in seconds of the machine's clock.
pub const LIFETIME_SECONDS: i64 = 365 * 24 * 3600;

/// Memory for offers and their documents, in bytes.
const CACHE_BYTES: u64 = 16 << 20;

/// How long machines take at least and at most for a step of which the type says nothing, in seconds; the length that stands in
/// the pipeline, which is drawn when the step is reached.
const PLACEHOLDER_SECONDS: u32 = 20 * 60;

/// A service, and its store to be looked into.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) service: Service,
    pub(super) store: Sqlite,
}

/// What every service inside the emulator is made with.
#[derive(Debug)]
pub(super) struct Making {
    settings: Settings,
    clock: Clock,
    vault: Vault,
    key: SigningKey,
    public_url: Arc<str>,
    pub(super) rehearsed: Arc<Rehearsed>,
    faults: Faults,
    outbox: Outbox,
}

impl Making {
    /// Gets ready to make services by these settings.
    pub(super) async fn new(
        settings: Settings,
        clock: &Clock,
        (faults, outbox): (&Faults, &Outbox),
        public_url: Arc<str>,
    ) -> Result<Self> {
        let vault = Vault::in_memory()?;
        let now = Clock::system().now();
        // Made once, so that tokens stay good whatever becomes of the store.
        let key = quick_key(&vault, now)?;
        let types = rehearsed_types(&settings.types)?;
        let rehearsed = Arc::new(Rehearsed::new(Pace::new(settings.seed), faults.clone()));
        let settings = Settings { types, ..settings };
        Ok(Self {
            settings,
            clock: clock.clone(),
            vault,
            key,
            public_url,
            rehearsed,
            faults: faults.clone(),
            outbox: outbox.clone(),
        })
    }

    /// The same, by another clock, with other faults and another outbox.
    pub(super) fn by(&self, clock: &Clock, (faults, outbox): (&Faults, &Outbox)) -> Self {
        Self {
            settings: self.settings.clone(),
            clock: clock.clone(),
            vault: self.vault.clone(),
            key: self.key.clone(),
            public_url: self.public_url(),
            rehearsed: Arc::new(Rehearsed::new(self.pace(), faults.clone())),
            faults: faults.clone(),
            outbox: outbox.clone(),
        }
    }

    pub(super) fn pace(&self) -> Pace {
        Pace::new(self.settings.seed)
    }

    pub(super) fn public_url(&self) -> Arc<str> {
        Arc::clone(&self.public_url)
    }

    pub(super) fn seed(&self) -> u64 {
        self.settings.seed
    }

    /// How many seconds the clock runs in a second at the start.
    pub(super) fn speed(&self) -> u32 {
        self.settings.speed
    }

    /// A service as it is at the start, at the moment that the clock shows, with its principals and people.
    pub(super) async fn fresh(&self) -> Result<(Inner, Tokens, People)> {
        let store = Sqlite::of_image(&[], CACHE_BYTES, self.vault.clone())?;
        let archive: Arc<dyn Store> = Arc::new(store.clone());
        archive.link_key(self.pace().bytes(&["links"])).await?;
        archive.add_signing_key(self.key.clone(), None).await?;
        self.fill(&archive, self.clock.now()).await?;
        let inner = self.over(store).await?;
        let (tokens, people) = principals(&inner).await?;
        Ok((inner, tokens, people))
    }

    /// A service over what was kept of another.
    pub(super) async fn of_image(&self, image: &[u8]) -> Result<Inner> {
        self.over(Sqlite::of_image(image, CACHE_BYTES, self.vault.clone())?).await
    }

    async fn over(&self, store: Sqlite) -> Result<Inner> {
        let read = Read::new(Arc::new(store.clone()));
        let ways = Ways::new(self.faults.clone(), self.outbox.clone(), self.clock.clone(), read);
        let setup = Setup {
            store: Arc::new(store.clone()),
            vault: self.vault.clone(),
            clock: self.clock.clone(),
            wall: Clock::system(),
            types: self.settings.types.clone(),
            missing_if_match: self.settings.missing_if_match,
            success_word: self.settings.success_word,
            learned_durations: self.settings.learned_durations,
            identity: Identity { signed_with: vec![Algorithm::Rs256, Algorithm::Es256], ..Identity::default() },
            entrance: entrance(),
            checks: Checks::default().rehearsed(Arc::clone(&self.rehearsed) as _),
            // Files are recorded by their addresses, and nothing is fetched.
            artifacts: None,
            egress: ways.egress(&EgressSettings::default())?,
            mail: ways.mail(),
        };
        let service = setup.assemble(Arc::clone(&self.public_url)).await?;
        Ok(Inner { service, store })
    }

    async fn fill(&self, store: &Arc<dyn Store>, now: Moment) -> Result<()> {
        let links = links(store, Arc::clone(&self.public_url)).await?;
        // What is said here of pipelines and links is said before there are offers: none has to be rendered anew, side by side
        // and in no order, when the service is assembled.
        let types = Arc::new(self.settings.types.clone());
        let accept = self.settings.missing_if_match;
        Perform::new(Arc::clone(store), self.clock.clone(), types, accept, links.clone()).replan().await?;
        if self.settings.demo {
            return demo::fill(store, now, &links).await;
        }
        let id = PublisherId::parse(PUBLISHER).context("the emulator's publisher id")?;
        let display_text = "Contoso, Ltd.".to_owned();
        Ok(store.add_publisher(Publisher { id, display_text, seller_id: "1000001".into(), version: 1 }).await?)
    }
}

/// The same types, where every step that machines do waits out a time instead of calling anybody.
fn rehearsed_types(types: &OfferTypes) -> Result<OfferTypes> {
    let mut types = types.clone();
    for offer_type in types.iter_mut() {
        offer_type.pipeline = offer_type.pipeline.with_checks(|_, step| {
            let called = |kind: &CheckKind| matches!(kind, CheckKind::Http { .. } | CheckKind::Command { .. });
            let own = |kind: &&CheckKind| !called(kind) && !matches!(kind, CheckKind::Pause { .. });
            let kept: Vec<CheckKind> = step.checks.iter().filter(own).cloned().collect();
            let by_people = step.checks.iter().all(CheckKind::waits_for_person);
            // `promote` stands alone in its step, and takes its time by itself.
            let pause = (!by_people && !step.checks.contains(&CheckKind::Promote))
                .then_some(CheckKind::Pause { seconds: PLACEHOLDER_SECONDS });
            kept.into_iter().chain(pause).collect()
        })?;
    }
    Ok(types)
}
