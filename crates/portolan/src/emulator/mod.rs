//! The emulator: a whole service in memory whose clock is turned, whose checks are rehearsed, and which calls nobody.

mod advance;
mod arguments;
mod door;
mod door_faults;
mod driver;
mod exec;
mod fault_requests;
mod fault_rules;
mod fault_steps;
mod faults;
mod guard;
mod inner;
mod journal;
mod moments;
mod outbox;
mod pace;
mod panel;
mod reach;
mod rehearsal;
mod requests;
mod reviews;
mod scenario;
mod snapshots;
mod ways;

pub use arguments::{Exec, Start};
pub use door::OuterDoor;
pub use faults::Unfit;
pub use inner::{LIFETIME_SECONDS, PUBLISHER};
pub use moments::moment;
pub use scenario::Scenario;

use crate::auth::Gate;
use crate::clock::Clock;
use crate::demo::{self, People, Tokens};
use crate::http::{self, Entrance, LimitSettings, Limits};
use crate::serve;
use crate::wire::SuccessWord;
use anyhow::{Context, Result, anyhow};
use api::emulator::{Person, Reviews};
use driver::Due;
use faults::Faults;
use inner::{Inner, Making};
use outbox::Outbox;
use publishing::decide::MissingIfMatch;
use publishing::moment::Moment;
use publishing::offer_type::OfferTypes;
use requests::Requests;
use snapshots::Kept;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// What an emulator is told when it starts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What everything that is drawn is drawn from.
    pub seed: u64,
    /// What its clock shows at the start.
    pub start: Moment,
    /// How many seconds its clock runs in a second; 0 where it stands.
    pub speed: u32,
    /// Who gives verdicts.
    pub reviews: Reviews,
    /// Whether there are sample offers.
    pub demo: bool,
    /// The offer types there are, as a service would have them.
    pub types: OfferTypes,
    /// What an update without `If-Match` means.
    pub missing_if_match: MissingIfMatch,
    /// What a finished operation is called.
    pub success_word: SuccessWord,
    /// Whether it is told what steps usually take.
    pub learned_durations: bool,
    /// Its address as clients see it; where it listens, if nothing is said.
    pub public_url: Option<String>,
    /// What goes wrong from the start on, how long steps take, and where offers stand.
    pub scenario: Scenario,
}

/// An emulator. Clones are handles to the same.
#[derive(Clone, Debug)]
pub struct Emulator(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    /// The time by which offers are published.
    clock: Clock,
    /// What the clock showed at the start.
    start: Moment,
    reviews: Reviews,
    /// What every service that runs in here is made with.
    making: Making,
    faults: Faults,
    outbox: Outbox,
    requests: Requests,
    scenario: Scenario,
    /// Who signs in with a browser, and how.
    people: Vec<Person>,
    /// The service that runs in here just now.
    inner: RwLock<Arc<Inner>>,
    /// Whoever changes anything holds this.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// What happens next by itself, as of the end of the last turn.
    next: Mutex<Option<Due>>,
    /// Tells the driver that `next` has changed.
    changed: Notify,
    snapshots: Mutex<BTreeMap<String, Kept>>,
    /// Whether it is told to stop.
    stopped: watch::Receiver<bool>,
}

/// An emulator that runs.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its address as clients see it, without a slash at the end.
    pub public_url: Arc<str>,
    /// Of an owner of the publisher, who is an operator too, and of a reviewer.
    pub tokens: Tokens,
    emulator: Emulator,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Emulator {
    /// Starts an emulator: it answers from now on.
    ///
    /// # Errors
    /// Where a setting cannot be.
    pub async fn start(settings: Settings, listener: TcpListener) -> Result<Running> {
        let address = listener.local_addr()?;
        let public_url: Arc<str> = serve::public_url(settings.public_url.as_deref(), address, false)?.into();
        let (start, reviews, scenario) = (settings.start, settings.reviews, settings.scenario.clone());
        let clock = Clock::running(start, settings.seed, settings.speed);
        let (faults, outbox) = (Faults::default(), Outbox::default());
        let requests = Requests::new(faults.clone(), clock.clone(), Clock::system());
        let making = Making::new(settings, &clock, (&faults, &outbox), Arc::clone(&public_url)).await?;
        clock.begin_anew(start);
        let (inner, tokens, people) = making.fresh().await.context("the emulator's data")?;
        let people = panel::people(&people, &inner.service.sessions)?;
        let gate = inner.service.gate.clone();
        let (stop, stopped) = watch::channel(false);
        let emulator = Self(Arc::new(Inside {
            clock,
            start,
            reviews,
            making,
            faults,
            outbox,
            requests,
            scenario,
            people,
            inner: RwLock::new(Arc::new(inner)),
            turn: Arc::default(),
            next: Mutex::default(),
            changed: Notify::new(),
            snapshots: Mutex::default(),
            stopped: stopped.clone(),
        }));
        let mut turn = emulator.turn().await;
        let applied = turn.apply(&emulator.0.scenario).await;
        applied.map_err(|problem| anyhow!("the scenario: {}", problem.message()))?;
        turn.end().await?;
        let door = emulator.door(gate);
        let listening = http::listen(listener, door, entrance(), stopped.clone());
        let tasks = vec![tokio::spawn(listening), tokio::spawn(emulator.clone().drive(stopped))];
        Ok(Running { address, public_url, tokens, emulator, stop, tasks })
    }

    /// The service that runs in here just now.
    fn inner(&self) -> Arc<Inner> {
        Arc::clone(&self.0.inner.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another service in the place of the one that runs in here, whose event streams end.
    fn put_inner(&self, inner: Inner) {
        let before = {
            let mut place = self.0.inner.write().unwrap_or_else(PoisonError::into_inner);
            inner.service.sessions.take_links_of(&place.service.sessions);
            std::mem::replace(&mut *place, Arc::new(inner))
        };
        before.service.stop.send_replace(true);
    }

    fn door(&self, gate: Gate) -> OuterDoor {
        let wall = Clock::system();
        let limits = Arc::new(Limits::new(&entrance().limits, &wall));
        let calls = door::calls(self.clone());
        let own = http::door_of(door::guarded(self.clone(), calls.clone()), gate, limits, wall);
        OuterDoor::new(self.clone(), own, calls)
    }
}

impl Running {
    /// The path that signs in as an owner of the publisher, with a browser of this machine.
    fn signs_in(&self) -> &str {
        self.emulator.0.people.first().map_or("/", |owner| &owner.sign_in)
    }

    /// Stops: no new connections; what is in flight is finished, but for the clock, which is turned no further.
    pub async fn stop(self) {
        self.emulator.inner().service.stop.send_replace(true);
        let _ = self.stop.send(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a part of the emulator ended badly");
            }
        }
    }
}

/// How connections come in: as into a service, but nobody counts how often one asks.
fn entrance() -> Entrance {
    let limits = LimitSettings {
        caller_per_second: 0,
        address_per_second: 0,
        credentials_per_second: 0,
        leads_per_second: 0,
        account_per_minute: 0,
        ..LimitSettings::default()
    };
    Entrance { limits, ..Entrance::default() }
}

/// The tokens of the emulator's own principals, and its people; all of them are made.
async fn principals(inner: &Inner) -> Result<(Tokens, People)> {
    let perform = &inner.service.perform;
    let tokens = demo::tokens(perform, inner.service.issuer.as_ref(), LIFETIME_SECONDS).await?;
    Ok((tokens, demo::people(perform, &panel::NAMES).await?))
}
