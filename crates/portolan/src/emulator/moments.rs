//! Moments and spans of time as people write them: `2026-01-09T00:00:00Z`, `now`, `2h`, `1d 12h`.

use api::dates::Date;
use publishing::moment::Moment;

/// The longest span, in seconds: a hundred years.
const LONGEST: i64 = 100 * 365 * 24 * 3600;

/// A moment as it is written.
///
/// # Errors
/// Says how to write it.
pub fn moment(text: &str) -> Result<Moment, String> {
    let year = |date: &Date| (1970..=9000).contains(&date.to_string()[..4].parse().unwrap_or(0));
    let date = Date::parse(text).filter(year);
    let date = date.ok_or_else(|| format!("{text:?} is no moment; write it like 2026-01-09T00:00:00Z"))?;
    Ok(Moment::from_ticks(date.ticks()))
}

/// A span of time in seconds, more than none.
pub(super) fn span(text: &str) -> Result<i64, String> {
    let fault = || format!("{text:?} is no span of time; write it like 90s, 15m, 2h, 3d, 1w or `1d 12h`");
    let (mut seconds, mut digits) = (0_i64, String::new());
    for character in text.trim().chars() {
        let unit = match character {
            '0'..='9' => {
                digits.push(character);
                continue;
            }
            ' ' if digits.is_empty() => continue,
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 24 * 3_600,
            'w' => 7 * 24 * 3_600,
            _ => return Err(fault()),
        };
        let count: i64 = digits.parse().map_err(|_| fault())?;
        digits.clear();
        seconds = count.checked_mul(unit).and_then(|more| seconds.checked_add(more)).ok_or_else(fault)?;
    }
    match seconds {
        _ if !digits.is_empty() => Err(fault()),
        1..=LONGEST => Ok(seconds),
        0 => Err(fault()),
        _ => Err(format!("{text:?} is longer than a hundred years; give a shorter span")),
    }
}

#[cfg(test)]
mod tests {
    use super::{moment, span};

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("2h", 7_200),
            ("3d", 259_200),
            ("1w", 604_800),
            ("1d 12h", 129_600),
            ("1d12h", 129_600),
        ] {
            assert_eq!(span(text), Ok(seconds), "{text}");
        }
        for text in ["", "0s", "2", "h", "2 h", "-2h", "2x", "99999999999999999999d", "1000000d", "2.5h"] {
            assert!(span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn moments_are_those_of_the_wire() {
        assert_eq!(moment("9000-12-31T23:59:59Z"), Ok(crate::clock::LAST_MOMENT));
        assert_eq!(moment("2026-01-05T08:00:00Z").unwrap().ticks(), 639_031_968_000_000_000);
        for text in ["", "tomorrow", "2026-01-05", "0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
