//! What steps usually take, as documents tell it, and when the one at hand usually ends.

use super::date;
use api::explain as wire;
use api::status::{Step, UsualDuration};
use publishing::durations::Range;
use publishing::moment::{Moment, TICKS_PER_SECOND};

/// What is known of a step that has not ended. Nothing of it becomes untrue as time passes: a document is served until the next
/// change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// How long earlier ones took.
    pub range: Range,
    /// Since when its time counts, where somebody is at it.
    pub since: Option<Moment>,
}

/// When the step at hand usually ends, as of now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsualEnd {
    /// One in ten ends sooner.
    pub from: Moment,
    /// One in ten ends later.
    pub to: Moment,
    /// From how many runs this is known.
    pub samples: usize,
}

/// Adds to steps what is known of each.
pub fn add_usual(steps: &mut [Step], usual: &[Option<Usual>]) {
    for (step, usual) in steps.iter_mut().zip(usual) {
        let Some(Usual { range, since }) = usual else { continue };
        step.usual_duration = Some(UsualDuration {
            median_seconds: range.median / TICKS_PER_SECOND,
            low_seconds: range.low / TICKS_PER_SECOND,
            // Rounded up: so long and no longer.
            high_seconds: range.high.saturating_add(TICKS_PER_SECOND - 1) / TICKS_PER_SECOND,
            samples: samples(range.samples),
        });
        step.since = since.map(date);
    }
}

/// Tells of steps what a document tells of the same ones where they stand alike.
pub fn copy_usual(steps: &mut [Step], told: &[Step]) {
    for (step, told) in steps.iter_mut().zip(told) {
        if (&step.id, step.status) == (&told.id, told.status) {
            (step.usual_duration, step.since) = (told.usual_duration, told.since);
        }
    }
}

pub(super) fn end(usual: &UsualEnd) -> wire::UsualEnd {
    wire::UsualEnd { from: date(usual.from), to: date(usual.to), samples: samples(usual.samples) }
}

fn samples(samples: usize) -> u32 {
    u32::try_from(samples).unwrap_or(u32::MAX)
}
