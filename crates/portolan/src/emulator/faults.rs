//! The faults that are set: none can be, as yet.

use crate::checks::Job;
use publishing::command::{Report, Verdict};
use publishing::moment::Moment;
use publishing::offer::OfferKey;
use publishing::operation::Operation;

/// The faults that are set. Clones are cheap, and are the same.
#[derive(Clone, Debug, Default)]
pub struct Faults;

/// Everything about faults that a snapshot keeps.
#[derive(Clone, Debug, Default)]
pub struct State;

/// A step whose end is about to be said.
#[derive(Clone, Copy, Debug)]
pub struct Ends<'a> {
    /// The offer.
    pub key: &'a OfferKey,
    /// The operation.
    pub operation: &'a Operation,
    /// Index of the step, from 0.
    pub step: usize,
    /// The time.
    pub now: Moment,
}

/// What a simulated reviewer does instead of approving.
#[derive(Clone, Debug, PartialEq)]
pub enum OnVerdict {
    /// This is given.
    Give(Verdict),
    /// Nothing before this.
    Later(Moment),
}

impl Faults {
    /// What a check reports, as the faults want it.
    pub fn on_check(&self, _: &Job, report: Report) -> Report {
        report
    }

    /// What a simulated reviewer does at this moment instead of approving; none where it approves.
    pub fn on_verdict(&self, _: &Ends<'_>) -> Option<OnVerdict> {
        None
    }

    /// Until when a fault holds up a step.
    pub fn held_up_until(&self, _: &Ends<'_>) -> Option<Moment> {
        None
    }

    /// Everything, for a snapshot.
    pub fn kept(&self) -> State {
        State
    }

    /// Everything is as it was kept.
    pub fn put_back(&self, _: State) {}

    /// The faults that are set.
    pub fn list(&self) -> Vec<()> {
        Vec::new()
    }
}
