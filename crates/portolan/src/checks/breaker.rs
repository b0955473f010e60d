//! Leaves a checker in peace that does not answer: after some failures nothing is asked of it for a while, then one thing.

use publishing::command::Report;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many failures in a row open it.
const MOST_FAILURES: u32 = 5;
/// How long it is open at first; twice as long after each probe that fails.
const SHORTEST: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(300);
/// When to ask again while another is at it.
const SOON: Duration = Duration::from_secs(1);
/// The longest wait for a place.
const LONGEST_TURN: Duration = Duration::from_secs(29);

/// Counts failures in a row. Times are of a clock that never runs back.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    failures: u32,
    open_until: Duration,
    probing: bool,
}

/// Leave to run a check; given back when it is dropped.
#[derive(Debug, Default)]
pub struct Leave {
    place: Option<OwnedSemaphorePermit>,
    probe: Option<Arc<Breaker>>,
}

/// No leave to run a check just now.
#[derive(Debug)]
pub struct Denied {
    /// How long to wait before asking again.
    pub wait: Duration,
    /// What there is to say of the check where its checker does not answer.
    pub report: Option<Box<Report>>,
}

/// The places at a checker. Who finds none waits longer, the more found none before: each look is a claim, and a write.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    denied: AtomicU32,
}

impl Places {
    pub(super) fn new(count: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(count)), denied: AtomicU32::new(0) }
    }

    pub(super) fn take(&self) -> Result<Leave, Denied> {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            self.denied.store(0, Ordering::Relaxed);
            return Ok(Leave { place: Some(place), probe: None });
        }
        let before = self.denied.fetch_add(1, Ordering::Relaxed);
        Err(Denied { wait: SOON.saturating_mul(before.saturating_add(1)).min(LONGEST_TURN), report: None })
    }
}

impl Drop for Leave {
    fn drop(&mut self) {
        if let Some(breaker) = &self.probe {
            breaker.counted().probing = false;
        }
        // After the probe, so that who gets the place finds the breaker as it is.
        drop(self.place.take());
    }
}

impl Breaker {
    /// Leave to ask something, or how long to wait first.
    pub(super) fn leave(self: &Arc<Self>, mut leave: Leave, now: Duration) -> Result<Leave, Duration> {
        let mut counted = self.counted();
        if counted.failures < MOST_FAILURES {
            return Ok(leave);
        }
        if now < counted.open_until {
            return Err(counted.open_until - now);
        }
        if counted.probing {
            return Err(SOON);
        }
        counted.probing = true;
        leave.probe = Some(Arc::clone(self));
        Ok(leave)
    }

    /// It answered.
    pub(super) fn closes(&self) {
        self.counted().failures = 0;
    }

    /// It did not. What was asked before it opened does not count any more.
    pub(super) fn fails(&self, now: Duration) {
        let mut counted = self.counted();
        if counted.failures < MOST_FAILURES || (counted.probing && now >= counted.open_until) {
            counted.failures = counted.failures.saturating_add(1);
            if let Some(over) = counted.failures.checked_sub(MOST_FAILURES) {
                counted.open_until = now + SHORTEST.saturating_mul(1 << over.min(8)).min(LONGEST);
            }
        }
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Breaker, Leave, Places};
    use std::sync::Arc;
    use std::time::Duration;

    fn wait(breaker: &Arc<Breaker>, now: u64) -> Option<u64> {
        breaker.leave(Leave::default(), Duration::from_secs(now)).err().map(|wait| wait.as_secs())
    }

    #[test]
    fn who_finds_no_place_waits_longer_the_more_wait() {
        let places = Places::new(1);
        let wait = || places.take().map(drop).map_err(|denied| denied.wait.as_secs());
        let held = places.take().unwrap();
        let waits: Vec<_> = (0..40).map(|_| wait().unwrap_err()).collect();
        assert_eq!((&waits[..3], waits[28], waits[39]), (&[1, 2, 3][..], 29, 29));
        drop(held);
        assert_eq!(wait(), Ok(()));
        let _held = places.take().unwrap();
        assert_eq!(wait(), Err(1), "from the beginning");
    }

    #[test]
    fn it_opens_after_five_failures_and_lets_one_through_after_a_while() {
        let breaker = Arc::new(Breaker::default());
        let fails = |now| breaker.fails(Duration::from_secs(now));
        (0..4).for_each(fails);
        breaker.closes();
        (0..4).for_each(fails);
        assert_eq!(wait(&breaker, 4), None, "not in a row");
        fails(10);
        fails(20);
        assert_eq!((wait(&breaker, 10), wait(&breaker, 39)), (Some(30), Some(1)), "what was under way does not count");
        let mut now = 40;
        for open in [60, 120, 240, 300, 300] {
            let probe = breaker.leave(Leave::default(), Duration::from_secs(now)).unwrap();
            assert_eq!(wait(&breaker, now), Some(1), "one at a time");
            fails(now);
            drop(probe);
            assert_eq!(wait(&breaker, now), Some(open));
            now += open;
        }
        drop(breaker.leave(Leave::default(), Duration::from_secs(now)).unwrap());
        let probe = breaker.leave(Leave::default(), Duration::from_secs(now)).unwrap();
        breaker.closes();
        drop(probe);
        assert_eq!((wait(&breaker, now), wait(&breaker, now)), (None, None), "it answers");
    }
}
