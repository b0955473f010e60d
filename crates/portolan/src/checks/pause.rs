//! Waits out a time, counted from when its step was reached. Nobody sleeps meanwhile.

use super::Job;
use publishing::command::{Ending, Report};

pub(super) fn run(job: &Job, seconds: u32) -> Report {
    let until = job.reached_at.plus_seconds(i64::from(seconds));
    let ending = if job.now < until { Ending::WaitingUntil(until) } else { Ending::Done };
    Report::new(ending, Vec::new())
}
