//! Dates and entity tags: UTC, counted in 100 ns ticks since 0001-01-01.

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

const TICKS_PER_SECOND: i64 = 10_000_000;
const UNIX_EPOCH_TICKS: i64 = 621_355_968_000_000_000;

/// A date on the wire: up to 7 fraction digits, trailing zeros dropped, no fraction on a whole second, and `Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i64);

impl Date {
    /// The date with this tick count.
    pub const fn from_ticks(ticks: i64) -> Self {
        Self(ticks)
    }

    /// Its tick count.
    pub const fn ticks(self) -> i64 {
        self.0
    }

    /// Reads a date of years 1 to 9999; digits beyond the seventh are dropped.
    pub fn parse(text: &str) -> Option<Self> {
        let timestamp: Timestamp = text.parse().ok()?;
        let ticks = i64::from(timestamp.subsec_nanosecond()) / 100;
        let seconds = timestamp.as_second().checked_mul(TICKS_PER_SECOND)?;
        Some(Self(seconds.checked_add(ticks)?.checked_add(UNIX_EPOCH_TICKS)?))
    }

    /// The ETag of an offer that changed at this date: `W/"datetime'...'"`, always 7 digits, colons as `%3A`.
    pub fn etag(self) -> String {
        let (seconds, ticks) = self.parts();
        format!("W/\"datetime'{}.{ticks:07}Z'\"", seconds.replace(':', "%3A"))
    }

    /// The date whose [`Date::etag`] is exactly this text.
    pub fn from_etag(tag: &str) -> Option<Self> {
        let inner = tag.strip_prefix("W/\"datetime'")?.strip_suffix("'\"")?;
        Self::parse(&inner.replace("%3A", ":")).filter(|date| date.etag() == tag)
    }

    /// Date and time to the second without zone, and the ticks of the second.
    fn parts(self) -> (String, i64) {
        let unix = self.0 - UNIX_EPOCH_TICKS;
        let seconds = Timestamp::from_second(unix.div_euclid(TICKS_PER_SECOND)).unwrap_or(Timestamp::MAX);
        let civil = Offset::UTC.to_datetime(seconds);
        let text = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            civil.year(),
            civil.month(),
            civil.day(),
            civil.hour(),
            civil.minute(),
            civil.second()
        );
        (text, unix.rem_euclid(TICKS_PER_SECOND))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (seconds, 0) => write!(f, "{seconds}Z"),
            (seconds, ticks) => write!(f, "{seconds}.{}Z", format!("{ticks:07}").trim_end_matches('0')),
        }
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom(format!("{text:?} is not a date like 2026-11-22T09:41:00Z")))
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn dates_drop_trailing_zeros_and_tags_keep_them() {
        for (ticks, date, tag) in [
            (638_356_032_000_000_000, "2023-11-15T00:00:00Z", "W/\"datetime'2023-11-15T00%3A00%3A00.0000000Z'\""),
            (
                638_356_032_000_000_001,
                "2023-11-15T00:00:00.0000001Z",
                "W/\"datetime'2023-11-15T00%3A00%3A00.0000001Z'\"",
            ),
            (638_356_032_005_000_000, "2023-11-15T00:00:00.5Z", "W/\"datetime'2023-11-15T00%3A00%3A00.5000000Z'\""),
            (0, "0001-01-01T00:00:00Z", "W/\"datetime'0001-01-01T00%3A00%3A00.0000000Z'\""),
        ] {
            assert_eq!(Date::from_ticks(ticks).to_string(), date);
            assert_eq!(Date::from_ticks(ticks).etag(), tag);
            assert_eq!(Date::parse(date), Some(Date::from_ticks(ticks)));
            assert_eq!(Date::from_etag(tag), Some(Date::from_ticks(ticks)));
        }
    }

    #[test]
    fn a_tag_is_compared_as_an_opaque_string() {
        for tag in [
            "",
            "*",
            "W/\"datetime'2023-11-15T00:00:00.0000000Z'\"",
            "W/\"datetime'2023-11-15T00%3A00%3A00Z'\"",
            "W/\"datetime'soon'\"",
        ] {
            assert_eq!(Date::from_etag(tag), None, "{tag}");
        }
    }
}
