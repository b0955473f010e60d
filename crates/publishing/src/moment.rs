//! A point in time, as the wire counts it: 100 ns ticks since 0001-01-01 UTC.

use serde::{Deserialize, Serialize};

/// A point in time in ticks of 100 ns since 0001-01-01T00:00:00Z (wire contract, "Dates").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(i64);

/// Ticks in one second.
pub const TICKS_PER_SECOND: i64 = 10_000_000;

/// Ticks between 0001-01-01 and 1970-01-01.
pub const UNIX_EPOCH_TICKS: i64 = 621_355_968_000_000_000;

impl Moment {
    /// The moment with this tick count.
    pub const fn from_ticks(ticks: i64) -> Self {
        Self(ticks)
    }

    /// The tick count, as a submission's `version` shows it.
    pub const fn ticks(self) -> i64 {
        self.0
    }

    /// This moment and so many seconds; stays at the last moment there is rather than overflow.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(TICKS_PER_SECOND)))
    }

    /// `self`, or the tick after `earlier` where that is later: what keeps change times strictly rising.
    #[must_use]
    pub fn after(self, earlier: Option<Self>) -> Self {
        earlier.map_or(self, |earlier| self.max(Self(earlier.0.saturating_add(1))))
    }
}
