//! How long things take in the emulator: drawn from the seed, between what the type of an offer says in words.

use publishing::operation::{Operation, Purpose, Step};
use sha2::{Digest, Sha256};

/// How long a step takes of which nobody says anything, in seconds.
const UNSAID: (i64, i64) = (2 * 60, 20 * 60);

/// Draws from a seed: the same for the same names, whatever was drawn before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace(u64);

impl Pace {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Bytes for a thing of these names.
    pub(super) fn bytes(self, names: &[&str]) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(self.0.to_be_bytes());
        for name in names {
            hash.update((name.len() as u64).to_be_bytes());
            hash.update(name);
        }
        hash.finalize().into()
    }

    /// How many seconds a thing of these names takes, at least and at most so many.
    pub(super) fn seconds(self, (low, high): (i64, i64), names: &[&str]) -> i64 {
        let mut drawn = [0; 8];
        drawn.copy_from_slice(&self.bytes(names)[..8]);
        let width = u64::try_from(high - low).unwrap_or(0) + 1;
        low + i64::try_from(u64::from_be_bytes(drawn) % width).unwrap_or(0)
    }
}

impl Pace {
    /// How many seconds somebody takes for a step, the how manieth time. A run counts by its version and purpose: its id depends
    /// on what else was done.
    pub(super) fn of_step(
        self,
        who: &str,
        range: (i64, i64),
        offer: &str,
        operation: &Operation,
        (step, round): (&Step, u32),
    ) -> i64 {
        let purpose = match operation.purpose {
            Purpose::Publish => "publish",
            Purpose::GoLive => "goLive",
        };
        let (version, round) = (operation.offer_version.to_string(), round.to_string());
        self.seconds(range, &[who, offer, &version, purpose, &step.id, &round])
    }
}

/// The least and the most seconds that a step takes of which the type says this, or nothing.
pub(super) fn said(frame: Option<&str>) -> (i64, i64) {
    frame.and_then(range).unwrap_or(UNSAID)
}

/// The least and the most seconds that words such as `~2-3 days`, `< 2 hours` or `2 weeks` mean.
fn range(words: &str) -> Option<(i64, i64)> {
    let unit = match words.trim_end_matches(['.', ')']).rsplit(|c: char| !c.is_alphabetic()).next()? {
        "s" | "sec" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 24 * 3_600,
        "week" | "weeks" => 7 * 24 * 3_600,
        "month" | "months" => 30 * 24 * 3_600,
        _ => return None,
    };
    let numbers: Vec<i64> =
        words.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect();
    let (low, high) = match numbers[..] {
        [most] if words.trim_start().starts_with('<') => (most * unit / 4, most * unit),
        [about] => (about * unit * 3 / 4, about * unit * 5 / 4),
        [low, high] => (low * unit, high * unit),
        _ => return None,
    };
    (0 < low && low <= high).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use super::{Pace, UNSAID, range};
    use publishing::offer_type::OfferTypes;

    #[test]
    fn words_become_ranges() {
        for (words, expected) in [
            ("< 15 min", Some((225, 900))),
            ("~2-3 days", Some((172_800, 259_200))),
            ("2-3 hours", Some((7_200, 10_800))),
            ("2 to 3 hours", Some((7_200, 10_800))),
            ("~1 week", Some((453_600, 756_000))),
            ("2 weeks", Some((907_200, 1_512_000))),
            ("soon", None),
            ("3-2 days", None),
            ("0 days", None),
            ("", None),
        ] {
            assert_eq!(range(words), expected, "{words}");
        }
    }

    #[test]
    fn every_time_that_a_built_in_type_gives_is_understood() {
        let types = OfferTypes::built_in().unwrap();
        let steps = types.iter().flat_map(|offer_type| offer_type.pipeline.steps());
        for frame in steps.filter_map(|step| step.estimated_time_frame.as_deref()) {
            assert!(range(frame).is_some(), "{frame}");
        }
    }

    #[test]
    fn what_is_drawn_depends_on_seed_and_names_and_stays_in_its_range() {
        let drawn: Vec<i64> = (0..200).map(|n| Pace::new(n).seconds(UNSAID, &["contoso/x", "live"])).collect();
        assert!(drawn.iter().all(|seconds| (UNSAID.0..=UNSAID.1).contains(seconds)));
        assert!(drawn.iter().min() < Some(&200) && drawn.iter().max() > Some(&1_000), "{drawn:?}");
        let pace = Pace::new(7);
        assert_eq!(pace.seconds(UNSAID, &["a", "b"]), pace.seconds(UNSAID, &["a", "b"]));
        assert_ne!(pace.bytes(&["ab", "c"]), pace.bytes(&["a", "bc"]));
    }
}
