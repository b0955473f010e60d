//! The only file that reads time or makes randomness.

use publishing::moment::{Moment, UNIX_EPOCH_TICKS};
use sha2::{Digest, Sha256};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;
use uuid::Uuid;

/// The last moment that a virtual clock comes to by itself: 9000-12-31T23:59:59Z. Dates have four digits for the year, and what is
/// reckoned from a moment needs room.
pub const LAST_MOMENT: Moment = Moment::from_ticks(2_840_125_247_990_000_000);

/// Where time and fresh ids come from.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Turned(Arc<Turned>),
    Virtual(Arc<Virtual>),
}

/// A clock that stands still until it is turned, and whose ids count up.
#[derive(Debug)]
struct Turned {
    state: Mutex<(Moment, u128)>,
    moved: Notify,
}

/// A clock that runs as fast as it is told, from a moment on, and whose ids follow from a seed.
#[derive(Debug)]
struct Virtual {
    seed: u64,
    state: Mutex<Shown>,
    moved: Notify,
}

/// What a virtual clock shows.
#[derive(Clone, Copy, Debug)]
struct Shown {
    /// What it showed when it was set going last, or shows where it stands.
    moment: Moment,
    /// When that was.
    since: Instant,
    /// Seconds in a second; 0 where it is frozen.
    speed: u32,
    /// Whether it stands for as long as something is done.
    held: bool,
    /// What it does not show more than, for something is to be done then.
    at_most: Moment,
    /// How many ids it has given.
    ids: u64,
}

/// What a virtual clock can be set back to: what it showed, and how many ids it had given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What it showed.
    pub moment: Moment,
    ids: u64,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at this moment until [`Clock::advance`] turns it, and gives the ids 1, 2, 3 …
    pub fn turned(now: Moment) -> Self {
        Self(Source::Turned(Arc::new(Turned { state: Mutex::new((now, 0)), moved: Notify::new() })))
    }

    /// A clock that shows this moment, and runs so many seconds in a second; 0 for one that stands. Its ids follow from the seed.
    pub fn running(start: Moment, seed: u64, speed: u32) -> Self {
        let at_most = LAST_MOMENT;
        let shown = Shown { moment: start, since: Instant::now(), speed, held: false, at_most, ids: 0 };
        Self(Source::Virtual(Arc::new(Virtual { seed, state: Mutex::new(shown), moved: Notify::new() })))
    }

    /// The time.
    pub fn now(&self) -> Moment {
        match &self.0 {
            Source::Virtual(virtual_) => virtual_.state().now(),
            Source::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let ticks = i64::try_from(since.as_nanos() / 100).unwrap_or(i64::MAX - UNIX_EPOCH_TICKS);
                Moment::from_ticks(UNIX_EPOCH_TICKS + ticks)
            }
            Source::Turned(turned) => turned.state.lock().unwrap_or_else(PoisonError::into_inner).0,
        }
    }

    /// How long it is since some moment that stays the same while the process runs. Never runs back, also where the machine's
    /// clock is set back.
    pub fn steady(&self) -> Duration {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        match &self.0 {
            Source::System => BEGAN.elapsed(),
            Source::Turned(_) | Source::Virtual(_) => {
                Duration::from_nanos(u64::try_from(self.now().ticks()).unwrap_or(0)).saturating_mul(100)
            }
        }
    }

    /// An id nobody has.
    pub fn fresh_id(&self) -> Uuid {
        match &self.0 {
            Source::System => Uuid::new_v4(),
            Source::Turned(turned) => {
                let mut state = turned.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.1 += 1;
                Uuid::from_u128(state.1)
            }
            Source::Virtual(virtual_) => {
                let mut state = virtual_.state();
                state.ids += 1;
                let bytes = Sha256::new_with_prefix(virtual_.seed.to_be_bytes()).chain_update(state.ids.to_be_bytes());
                let mut id = [0; 16];
                id.copy_from_slice(&bytes.finalize()[..16]);
                uuid::Builder::from_random_bytes(id).into_uuid()
            }
        }
    }

    /// Turns a turned clock on; the machine's clock cannot be turned.
    pub fn advance(&self, by: Duration) {
        if let Source::Turned(turned) = &self.0 {
            let mut state = turned.state.lock().unwrap_or_else(PoisonError::into_inner);
            let ticks = i64::try_from(by.as_nanos() / 100).unwrap_or(i64::MAX);
            state.0 = Moment::from_ticks(state.0.ticks().saturating_add(ticks));
            drop(state);
            turned.moved.notify_waiters();
        }
    }

    /// Makes a virtual clock stand at this moment, or where it is, until it is let go.
    pub fn hold(&self, at: Option<Moment>) {
        self.set(|shown| {
            let now = shown.now();
            *shown = Shown { moment: at.unwrap_or(now), held: true, ..*shown };
        });
    }

    /// Lets go of a virtual clock that was held. It runs on from what it shows, and stands where it shows `at_most`, or
    /// [`LAST_MOMENT`].
    pub fn let_go(&self, at_most: Option<Moment>) {
        self.set(|shown| {
            let at_most = at_most.unwrap_or(LAST_MOMENT).min(LAST_MOMENT);
            *shown = Shown { moment: shown.now(), since: Instant::now(), held: false, at_most, ..*shown };
        });
    }

    /// Makes a virtual clock run so many seconds in a second; 0 freezes it.
    pub fn set_speed(&self, speed: u32) {
        self.set(|shown| *shown = Shown { moment: shown.now(), since: Instant::now(), speed, ..*shown });
    }

    /// Whether it is one that runs as fast as it is told.
    pub fn is_virtual(&self) -> bool {
        matches!(self.0, Source::Virtual(_))
    }

    /// How many seconds a virtual clock runs in a second; 0 where it is frozen, and 1 for every other clock.
    pub fn speed(&self) -> u32 {
        if let Source::Virtual(virtual_) = &self.0 { virtual_.state().speed } else { 1 }
    }

    /// What a virtual clock can be set back to; of other clocks only the moment counts.
    pub fn mark(&self) -> Mark {
        match &self.0 {
            Source::Virtual(virtual_) => {
                let shown = virtual_.state();
                Mark { moment: shown.now(), ids: shown.ids }
            }
            Source::System | Source::Turned(_) => Mark { moment: self.now(), ids: 0 },
        }
    }

    /// Sets a virtual clock back to a mark of its own, and holds it there.
    pub fn set_back(&self, mark: Mark) {
        self.set(|shown| *shown = Shown { moment: mark.moment, ids: mark.ids, held: true, ..*shown });
    }

    /// Sets a virtual clock back to this moment, as if it had given no ids, and holds it there.
    pub fn begin_anew(&self, start: Moment) {
        self.set_back(Mark { moment: start, ids: 0 });
    }

    fn set(&self, change: impl FnOnce(&mut Shown)) {
        if let Source::Virtual(virtual_) = &self.0 {
            change(&mut virtual_.state());
            virtual_.moved.notify_waiters();
        }
    }

    /// Waits until the clock shows this moment.
    pub async fn sleep_until(&self, moment: Moment) {
        loop {
            let moved = match &self.0 {
                Source::System => None,
                Source::Turned(turned) => Some(turned.moved.notified()),
                Source::Virtual(virtual_) => {
                    let moved = virtual_.moved.notified();
                    let Some(wait) = virtual_.state().until(moment) else { return };
                    match wait {
                        Some(wait) => drop(tokio::time::timeout(wait, moved).await),
                        None => moved.await,
                    }
                    continue;
                }
            };
            let left = moment.ticks().saturating_sub(self.now().ticks());
            if left <= 0 {
                return;
            }
            match moved {
                None => {
                    tokio::time::sleep(Duration::from_nanos(u64::try_from(left).unwrap_or(0).saturating_mul(100))).await
                }
                Some(moved) => moved.await,
            }
        }
    }
}

impl Virtual {
    fn state(&self) -> MutexGuard<'_, Shown> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    fn now(&self) -> Moment {
        if self.held || self.speed == 0 {
            return self.moment;
        }
        let ticks = self.since.elapsed().as_nanos().saturating_mul(u128::from(self.speed)) / 100;
        let ticks = self.moment.ticks().saturating_add(i64::try_from(ticks).unwrap_or(i64::MAX));
        Moment::from_ticks(ticks.min(self.at_most.ticks().max(self.moment.ticks())))
    }

    /// How long until this moment, where it comes by itself; none where it has come.
    fn until(&self, moment: Moment) -> Option<Option<Duration>> {
        let left = moment.ticks().saturating_sub(self.now().ticks());
        if left <= 0 {
            return None;
        }
        if self.held || self.speed == 0 || moment > self.at_most {
            return Some(None);
        }
        // One more, for what is rounded down here.
        let nanoseconds = u64::try_from(left).unwrap_or(0).saturating_mul(100) / u64::from(self.speed) + 1;
        Some(Some(Duration::from_nanos(nanoseconds)))
    }
}

/// The randomness that a library asks for to blind what it computes.
pub fn randomness() -> impl aws_lc_rs::rand::SecureRandom {
    aws_lc_rs::rand::SystemRandom::new()
}

/// Bytes that nobody can guess.
///
/// # Errors
/// Where the operating system gives no randomness.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

/// A secret of 256 random bits, in hexadecimal.
///
/// # Errors
/// Where the operating system gives no randomness.
pub fn random_secret() -> Result<String, getrandom::Error> {
    let bytes: [u8; 32] = random_bytes()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
