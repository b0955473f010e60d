//! The keys of an issuer on the web: found by discovery, fetched once for all who wait, kept while the issuer is down.

use super::fetch::{self, PATIENCE};
use super::keys::{KeySet, PublicKey};
use crate::clock::Clock;
use crate::egress::{Egress, Outgoing};
use anyhow::{Context, Result, bail, ensure};
use publishing::moment::{Moment, TICKS_PER_SECOND};
use serde_json::Value;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinHandle;
use url::Url;

/// From this age on, in seconds, keys are fetched anew while they are used.
const AGEING: u64 = 5 * 60;
/// From this age on, in seconds, keys are not used before a try to fetch them anew.
const OLD: u64 = 10 * 60;
/// From this age on, in seconds, keys are not used at all.
const DEAD: u64 = 24 * 60 * 60;
/// Seconds between two fetches.
const PAUSE: u64 = 60;
/// Seconds between two fetches while there are no keys.
const PAUSE_WITHOUT_KEYS: u64 = 10;
/// The most keys in a set.
const MOST_KEYS: usize = 100;

/// Where an issuer shows its keys.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// In the discovery document there, which must name this issuer.
    Discovery { document: Url, issuer: String },
    /// Right here.
    Keys(Url),
}

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct RemoteKeys {
    issuer: Arc<str>,
    place: Place,
    egress: Egress,
    clock: Clock,
    state: RwLock<State>,
    /// Held while a fetch is under way.
    flight: Arc<Mutex<()>>,
}

#[derive(Debug, Default)]
struct State {
    fetched: Option<(Arc<KeySet>, Moment)>,
    /// How often a fetch has ended, well or not, and when the last did.
    tries: u64,
    tried_at: Option<Moment>,
    in_trouble: bool,
}

/// What to do for keys.
#[derive(Debug)]
enum Next {
    Use(Arc<KeySet>),
    UseAndFetch(Arc<KeySet>),
    /// Unless a fetch has ended since there were so many.
    FetchFirst(u64),
    GiveUp,
}

impl RemoteKeys {
    pub(super) fn new(issuer: Arc<str>, place: Place, egress: Egress, clock: Clock) -> Arc<Self> {
        Arc::new(Self { issuer, place, egress, clock, state: RwLock::default(), flight: Arc::default() })
    }

    /// The keys, without waiting. Nothing where a fetch must come first.
    pub(super) fn at_hand(self: &Arc<Self>) -> Option<Arc<KeySet>> {
        match self.next() {
            Next::Use(keys) => Some(keys),
            Next::UseAndFetch(keys) => {
                // Whoever holds the lock is fetching already.
                if let Ok(guard) = Arc::clone(&self.flight).try_lock_owned() {
                    drop(self.fetch(guard));
                }
                Some(keys)
            }
            Next::FetchFirst(_) | Next::GiveUp => None,
        }
    }

    /// The keys, fetched where that is needed. Nothing where they cannot be had.
    pub(super) async fn current(self: &Arc<Self>) -> Option<Arc<KeySet>> {
        if let Next::FetchFirst(tries) = self.next() {
            self.fetch_unless_since(tries).await;
        }
        self.at_hand()
    }

    /// Other keys than these, fetched unless that was done a moment ago. For a key that is not among them.
    pub(super) async fn other_than(self: &Arc<Self>, known: &KeySet) -> Option<Arc<KeySet>> {
        let (tries, tried_at) = {
            let state = self.state();
            (state.tries, state.tried_at)
        };
        if tried_at.is_none_or(|at| self.seconds_since(at) >= PAUSE) {
            self.fetch_unless_since(tries).await;
        }
        let state = self.state();
        state.fetched.as_ref().map(|(keys, _)| keys).filter(|keys| keys.generation != known.generation).cloned()
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// In either direction: where the clock was set back, what was fetched seems to be of the future, and is no fresher for that.
    fn seconds_since(&self, moment: Moment) -> u64 {
        self.clock.now().ticks().abs_diff(moment.ticks()) / TICKS_PER_SECOND.unsigned_abs()
    }

    fn next(&self) -> Next {
        let state = self.state();
        let usable = state.fetched.as_ref().map(|(keys, at)| (keys, self.seconds_since(*at)));
        let usable = usable.filter(|(keys, age)| *age < DEAD && !keys.is_empty());
        let pause = if usable.is_some() { PAUSE } else { PAUSE_WITHOUT_KEYS };
        let may_fetch = state.tried_at.is_none_or(|at| self.seconds_since(at) >= pause);
        match usable {
            None if may_fetch => Next::FetchFirst(state.tries),
            None => Next::GiveUp,
            // While the issuer is known to be down nobody waits for it.
            Some((_, age)) if may_fetch && age >= OLD && !state.in_trouble => Next::FetchFirst(state.tries),
            Some((keys, age)) if may_fetch && age >= AGEING => Next::UseAndFetch(Arc::clone(keys)),
            Some((keys, _)) => Next::Use(Arc::clone(keys)),
        }
    }

    async fn fetch_unless_since(self: &Arc<Self>, tries: u64) {
        let guard = Arc::clone(&self.flight).lock_owned().await;
        if self.state().tries == tries && self.fetch(guard).await.is_err() {
            tracing::error!(issuer = %self.issuer, "a fetch of keys ended badly");
        }
    }

    /// In a task of its own, so that it ends for all even where the one who asked goes away.
    fn fetch(self: &Arc<Self>, guard: OwnedMutexGuard<()>) -> JoinHandle<()> {
        let this = Arc::clone(self);
        tokio::spawn(async move {
            let outcome = tokio::time::timeout(PATIENCE, this.keys()).await;
            this.take(outcome.unwrap_or_else(|_| bail!("there was no whole answer within {PATIENCE:?}")));
            drop(guard);
        })
    }

    fn take(&self, outcome: Result<Vec<PublicKey>>) {
        let now = self.clock.now();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.tries += 1;
        state.tried_at = Some(now);
        let was_in_trouble = std::mem::replace(&mut state.in_trouble, outcome.is_err());
        match outcome {
            Ok(keys) => {
                let keys = KeySet::after(state.fetched.as_ref().map(|(before, _)| &**before), keys);
                if was_in_trouble {
                    tracing::info!(issuer = %self.issuer, "the keys of the issuer can be fetched again");
                }
                if keys.is_empty() {
                    tracing::warn!(issuer = %self.issuer, "the issuer shows no key that can check tokens");
                }
                state.fetched = Some((Arc::new(keys), now));
            }
            Err(cause) if !was_in_trouble => {
                tracing::warn!(issuer = %self.issuer, cause = format!("{cause:#}"), "the keys of the issuer cannot be fetched");
            }
            Err(_) => {}
        }
    }

    async fn keys(&self) -> Result<Vec<PublicKey>> {
        let url = match &self.place {
            Place::Keys(url) => url.clone(),
            Place::Discovery { document, issuer } => self.discover(document, issuer).await?,
        };
        let set = fetch::json(&self.egress, Outgoing::get(url.as_str()));
        let set = set.await.with_context(|| format!("the keys at {url}"))?;
        let keys = set.get("keys").and_then(Value::as_array);
        let keys = keys.with_context(|| format!("what is at {url} has no array `keys`: it is no JWK set"))?;
        ensure!(keys.len() <= MOST_KEYS, "the set at {url} has more than {MOST_KEYS} keys");
        let usable = keys.iter().filter_map(|key| {
            let key = PublicKey::from_jwk(key);
            key.inspect_err(|reason| tracing::debug!(issuer = %self.issuer, reason, "a key is left aside")).ok()
        });
        Ok(usable.collect())
    }

    async fn discover(&self, document: &Url, issuer: &str) -> Result<Url> {
        let found = fetch::discovery(&self.egress, document, issuer).await?;
        fetch::named(&found, document, "jwks_uri", "jwks_uri")
    }
}
