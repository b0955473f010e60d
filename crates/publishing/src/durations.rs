//! How long steps usually take: a range learned from the newest runs of the same step of the same offer type.

use crate::check::{Check, CheckState};
use crate::moment::{Moment, TICKS_PER_SECOND};
use crate::operation::{Course, Operation, Purpose, Step};
use crate::reuse;
use crate::status::StepStatus;

/// How many of the newest runs count: enough for the tenth and the ninetieth percentile to stand still, few enough to follow
/// a drift. The back-test in `tests/durations.rs` says how well.
pub const NEWEST: usize = 60;

/// Below so many there is no range: anything could be.
pub const FEWEST: usize = 5;

/// A step is never late before this, in seconds: nobody could do anything about it sooner.
pub const SOONEST_LATE_SECONDS: i64 = 60;

/// A run of a step that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The step's id.
    pub step: String,
    /// When it ended, by the clock.
    pub at: Moment,
    /// How long it took, in ticks; not negative.
    pub ticks: i64,
}

/// How long a step usually takes, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Half of the runs took no longer.
    pub median: i64,
    /// About one in ten took less.
    pub low: i64,
    /// About one in ten took longer.
    pub high: i64,
    /// From how many runs this is known; at least [`FEWEST`].
    pub samples: usize,
}

impl Range {
    /// After how many ticks a step is late.
    pub fn late_after(&self) -> i64 {
        self.high.max(SOONEST_LATE_SECONDS * TICKS_PER_SECOND)
    }

    /// Of runs in the order of their lengths.
    fn of(sorted: &[i64]) -> Option<Self> {
        let samples = sorted.len();
        let (Some(shortest), Some(longest)) = (sorted.first(), sorted.last()) else { return None };
        if samples < FEWEST {
            return None;
        }
        let median = i64::midpoint(*sorted.get((samples - 1) / 2)?, *sorted.get(samples / 2)?);
        // A run that belongs with these is as likely to fall into any of the samples + 1 gaps between them. So nine in ten of all
        // runs end before this one in their order, and not before the one that the percentile of the samples would name.
        let rank = (9 * (samples + 1)).div_ceil(10);
        let high = match sorted.get(rank - 1) {
            Some(high) => *high,
            // Of eight or fewer even the longest is passed by more than one in ten; how far, only the distances tell.
            None => longest.saturating_add(longest.saturating_sub(median) / 2),
        };
        let low = ((samples + 1) / 10).checked_sub(1).and_then(|at| sorted.get(at)).unwrap_or(shortest);
        Some(Self { median, low: *low, high, samples })
    }
}

/// The newest runs of a step of an offer type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations(Vec<i64>);

impl Durations {
    /// Of so many ticks each, the newest first; those beyond [`NEWEST`] do not count.
    pub fn new(newest_first: impl IntoIterator<Item = i64>) -> Self {
        let mut sorted: Vec<i64> = newest_first.into_iter().take(NEWEST).collect();
        sorted.sort_unstable();
        Self(sorted)
    }

    /// How long the step usually takes; `None` below [`FEWEST`] runs.
    pub fn range(&self) -> Option<Range> {
        Range::of(&self.0)
    }

    /// How long it usually takes where it has taken so many ticks already: as long as those that took longer. Nothing in it is
    /// below `spent`. `None` where fewer than [`FEWEST`] took longer: then nobody knows when it ends.
    pub fn after(&self, spent: i64) -> Option<Range> {
        let usual = self.range()?;
        let left = Range::of(self.0.get(self.0.partition_point(|ticks| *ticks <= spent)..)?)?;
        // Of few, the bound beyond the longest comes nearer as the shortest drop out; but a step does not become late sooner.
        Some(Range { high: left.high.max(usual.high), ..left })
    }
}

/// A step that is worked on, and since when it is.
#[derive(Clone, Copy, Debug)]
pub struct Watched<'a> {
    /// The step.
    pub step: &'a Step,
    /// Its place, from 0.
    pub at: usize,
    /// When it was reached, or begun anew after it was blocked, by the clock.
    pub since: Moment,
}

impl Watched<'_> {
    /// For how many ticks it has been worked on at this time.
    pub fn spent(&self, clock: Moment) -> i64 {
        clock.ticks().saturating_sub(self.since.ticks()).max(0)
    }

    /// The moment so many ticks after it was reached.
    pub fn plus(&self, ticks: i64) -> Moment {
        Moment::from_ticks(self.since.ticks().saturating_add(ticks))
    }
}

/// The step that somebody is at: a worker, an outside system or a reviewer. What is blocked says so itself, and sign-off is the
/// publisher's; nobody is at what has not begun. Once it is late, it is not watched any more.
pub fn watched(operation: &Operation) -> Option<Watched<'_>> {
    let (at, step) = operation.steps.iter().enumerate().find(|(_, step)| step.status() != StepStatus::Complete)?;
    let is_worked_on = matches!(step.status(), StepStatus::InProgress | StepStatus::WaitingForApproval);
    let watched = is_worked_on && operation.course == Course::Running && !step.is_sign_off() && step.late.is_none();
    let since = step.begun_anew_at.or(step.reached_at).filter(|_| watched)?;
    Some(Watched { step, at, since })
}

/// The steps that a decision ended at this time of the clock, as far as they tell how long such a step takes.
///
/// Time spent blocked is the publisher's or the operator's, and what is mended begins anew: a step that was ever blocked tells
/// nothing, and neither does one of which a check passed earlier and had not to be done, or one that was canceled.
pub fn ended_steps(before: Option<&Operation>, after: Option<&Operation>, clock: Moment) -> Vec<Ended> {
    // When a run starts, nothing ends but what is taken over, and the sign-off.
    let same = |(before, after): &(&Operation, &Operation)| before.id == after.id;
    let Some((before, after)) = before.zip(after).filter(same) else { return Vec::new() };
    let mut ended = Vec::new();
    for (old, new) in before.steps.iter().zip(&after.steps) {
        let is_ended = |step: &Step| matches!(step.status(), StepStatus::Complete | StepStatus::Rejected);
        if !is_ended(old) && is_ended(new) && tells(new) && !any_blocked(old) {
            ended.extend(took(new, clock));
        }
    }
    ended
}

/// The same of a run whose decisions are not at hand, from what is left of it: a step ended when the next one was reached.
/// Rejected steps are left out, for nothing says any more whether they were blocked before.
pub fn ended_before(operation: &Operation) -> Vec<Ended> {
    let steps = &operation.steps;
    let sign_off = steps.iter().position(Step::is_sign_off);
    let is_live = operation.purpose == Purpose::GoLive;
    let own = |at: &usize| sign_off.is_none_or(|sign_off| (*at > sign_off) == is_live);
    let is_at_end = is_live && operation.course == Course::Completed;
    let ended = |at: usize| {
        let step = steps.get(at).filter(|step| step.status() == StepStatus::Complete && tells(step))?;
        let next = steps.get(at + 1).map_or(is_at_end.then_some(operation.changed_at), |next| next.reached_at);
        took(step, next?)
    };
    (0..steps.len()).filter(own).filter_map(ended).collect()
}

fn took(step: &Step, at: Moment) -> Option<Ended> {
    // Steps are reached by the clock, so they have to end by it too. Where it was set back meanwhile, nobody knows.
    let ticks = at.ticks().checked_sub(step.reached_at?.ticks()).filter(|ticks| *ticks >= 0)?;
    Some(Ended { step: step.id.clone(), at, ticks })
}

fn tells(step: &Step) -> bool {
    !step.is_sign_off() && !step.checks.iter().any(|check| reuse::was_taken_over(check) || was_blocked(check))
}

fn was_blocked(check: &Check) -> bool {
    check.round > 0
}

fn any_blocked(step: &Step) -> bool {
    step.checks.iter().any(|check| check.state == CheckState::Blocked)
}
