//! What steps usually take, as documents tell it.

use super::date;
use api::status::{Step, UsualDuration, UsuallyEnds};
use publishing::durations::Range;
use publishing::moment::{Moment, TICKS_PER_SECOND};

/// What is known of a step that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// How long it usually takes.
    pub range: Range,
    /// From when until when it usually ends, where somebody is at it.
    pub ends: Option<(Moment, Moment)>,
}

/// Adds to steps what is known of each.
pub fn add_usual(steps: &mut [Step], usual: &[Option<Usual>]) {
    for (step, usual) in steps.iter_mut().zip(usual) {
        let Some(Usual { range, ends }) = usual else { continue };
        step.usual_duration = Some(UsualDuration {
            median_seconds: range.median / TICKS_PER_SECOND,
            low_seconds: range.low / TICKS_PER_SECOND,
            // Rounded up: so long and no longer.
            high_seconds: range.high.saturating_add(TICKS_PER_SECOND - 1) / TICKS_PER_SECOND,
            samples: u32::try_from(range.samples).unwrap_or(u32::MAX),
        });
        step.usually_ends = ends.map(|(from, to)| UsuallyEnds { from: date(from), to: date(to) });
    }
}
