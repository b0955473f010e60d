//! The only file that reads time or makes randomness.

use publishing::moment::{Moment, UNIX_EPOCH_TICKS};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;
use uuid::Uuid;

/// Where time and fresh ids come from.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Turned(Arc<Turned>),
}

/// A clock that stands still until it is turned, and whose ids count up.
#[derive(Debug)]
struct Turned {
    state: Mutex<(Moment, u128)>,
    moved: Notify,
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

    /// The time.
    pub fn now(&self) -> Moment {
        match &self.0 {
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
            Source::Turned(_) => {
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

    /// Waits until the clock shows this moment.
    pub async fn sleep_until(&self, moment: Moment) {
        loop {
            let moved = match &self.0 {
                Source::System => None,
                Source::Turned(turned) => Some(turned.moved.notified()),
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
