//! How long something takes: as people write it, and as they read it.

use super::fault::Fault;
use api::dates::Date;
use jiff::{Span, SpanRelativeTo};
use std::time::Duration;

const TICKS_PER_SECOND: i64 = 10_000_000;

/// Reads `2h30m`, `45s`, `20d` or `0`.
///
/// # Errors
/// Where it says no time, or one that runs backwards.
pub(super) fn parse(text: &str) -> Result<Duration, Fault> {
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    let span = text.trim().parse::<Span>().ok();
    let span = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    let meant =
        || Fault::usage(format!("{text:?} is no time to wait; write it like 2h30m, 45m or 20d, or 0 to look once"));
    span.and_then(|span| Duration::try_from(span).ok()).ok_or_else(meant)
}

/// So many seconds in the two largest units that count: `1 d 6 h`, `4 h 24 min`, `6 min`, `40 s`.
pub(super) fn told(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let two = |large: i64, unit: &str, small: i64, lesser: &str| match small {
        0 => format!("{large} {unit}"),
        small => format!("{large} {unit} {small} {lesser}"),
    };
    match seconds {
        ..60 => format!("{} s", seconds.max(0)),
        60..600 => two(minutes, "min", seconds % 60, "s"),
        600..3600 => format!("{minutes} min"),
        3600..86400 => two(hours, "h", minutes % 60, "min"),
        _ => two(days, "d", hours % 24, "h"),
    }
}

/// A range of seconds, without saying a unit twice: `2 – 5 h`.
pub(super) fn range(from: i64, to: i64, dash: &str) -> String {
    let (from, to) = (told(from), told(to));
    match (from.split_once(' '), to.split_once(' ')) {
        _ if from == to => to,
        (Some((number, unit)), Some((_, other))) if unit == other => format!("{number} {dash} {to}"),
        _ => format!("{from} {dash} {to}"),
    }
}

/// The seconds from one moment to another.
pub(super) fn between(from: Date, to: Date) -> i64 {
    to.ticks().saturating_sub(from.ticks()) / TICKS_PER_SECOND
}

/// The time of day: `14:05:12Z`.
pub(super) fn stamp(moment: Date) -> String {
    let text = moment.to_string();
    text.get(11..19).map_or_else(|| text.clone(), |time| format!("{time}Z"))
}

#[cfg(test)]
mod tests {
    use super::{Duration, parse, range, stamp, told};
    use api::dates::Date;

    #[test]
    fn times_are_read_as_they_are_written() {
        for (text, seconds) in
            [("0", 0), ("2h30m", 9000), ("45s", 45), ("20d", 1_728_000), ("1d 2h", 93600), ("1.5h", 5400)]
        {
            assert_eq!(parse(text).unwrap(), Duration::from_secs(seconds), "{text}");
        }
        for text in ["", "soon", "5", "-5m", "5 parsecs", "1y"] {
            let fault = parse(text).unwrap_err();
            assert!(fault.message.contains("write it like 2h30m"), "{text}");
        }
    }

    #[test]
    fn two_units_say_enough() {
        for (seconds, text) in [
            (-3, "0 s"),
            (40, "40 s"),
            (100, "1 min 40 s"),
            (3599, "59 min"),
            (3600, "1 h"),
            (15840, "4 h 24 min"),
            (108_000, "1 d 6 h"),
        ] {
            assert_eq!(told(seconds), text);
        }
        assert_eq!((range(7200, 18000, "–"), range(32400, 108_000, "-")), ("2 – 5 h".into(), "9 h - 1 d 6 h".into()));
        let moment = Date::parse("2026-11-22T09:41:05.25Z").unwrap();
        assert_eq!(stamp(moment), "09:41:05Z");
    }
}
