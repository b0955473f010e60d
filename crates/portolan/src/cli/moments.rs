//! How moments and spans of time read in tables.

use super::spans::told;
use crate::clock::Clock;
use api::dates::Date;

const TICKS_PER_SECOND: i64 = 10_000_000;

/// Now.
pub(super) fn now() -> Date {
    Date::from_ticks(Clock::system().now().ticks())
}

/// A moment to the minute: `2026-11-22 09:40 UTC`.
pub(super) fn minute(date: Date) -> String {
    let text = date.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}

/// How long it is from one moment to another, in at most two units: `1 d 9 h`.
pub(super) fn between(from: Date, to: Date) -> String {
    told((to.ticks() - from.ticks()) / TICKS_PER_SECOND)
}

/// Reads a moment: `2026-11-22T09:41:00Z`, or a day, which begins at midnight in UTC.
///
/// # Errors
/// Says how moments are written.
pub(super) fn moment(text: &str) -> Result<Date, String> {
    let form = "write a moment like 2026-11-22T09:41:00Z, or a day like 2026-11-22";
    Date::parse(text).or_else(|| Date::parse(&format!("{text}T00:00:00Z"))).ok_or_else(|| form.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{between, minute, moment};

    #[test]
    fn moments_and_spans_read_like_this() {
        let start = moment("2026-11-22").unwrap();
        for (end, said) in [
            ("2026-11-22T00:00:59Z", "59 s"),
            ("2026-11-22T00:01:59Z", "1 min 59 s"),
            ("2026-11-22T04:00:00Z", "4 h"),
            ("2026-11-22T04:24:00Z", "4 h 24 min"),
            ("2026-11-23T09:59:00Z", "1 d 9 h"),
            ("2026-11-24T00:30:00Z", "2 d"),
            ("2026-11-21", "0 s"),
        ] {
            assert_eq!(between(start, moment(end).unwrap()), said);
        }
        assert_eq!(minute(moment("2026-11-22T09:41:07.5Z").unwrap()), "2026-11-22 09:41 UTC");
        assert!(moment("yesterday").is_err());
    }
}
