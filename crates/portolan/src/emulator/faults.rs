//! The faults that are set: in order, each with what it wants to meet, how often it still goes wrong, and what it did.

pub(super) use super::fault_steps::{Ends, OnVerdict};

use super::fault_rules::judge;
use api::emulator::{Failure, Fault, FaultKind, NewFault};
use publishing::moment::Moment;
use publishing::offer::OfferKey;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// How many faults there may be.
const MOST_FAULTS: usize = 1_000;

/// The faults that are set. Clones are cheap, and are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Arc<Mutex<State>>);

/// Everything about faults that a snapshot keeps.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// How many were ever set.
    count: u64,
    faults: Vec<Fault>,
    /// Steps that a fault holds up, by operation, index and round: one that is begun anew can be held up anew.
    pub(super) held_up: BTreeMap<(Uuid, usize, u32), HeldUp>,
    /// How many seconds steps take at least and at most, by their ids.
    takes: BTreeMap<String, (i64, i64)>,
}

/// How long a fault holds up a step.
#[derive(Clone, Debug)]
pub(super) enum HeldUp {
    /// Until then.
    Until(Moment),
    /// While the fault of this id is there, and its time is not over.
    ByFault(String, Option<Moment>),
    /// Nobody says how it ends; then its time is over.
    Silent(Moment),
    /// What was to be said of it was said.
    Over,
}

/// A fault that is met, once.
#[derive(Clone, Debug)]
pub(super) struct Met {
    pub(super) id: String,
    pub(super) fault: NewFault,
}

/// How the endpoint of a webhook, or a mail server, fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Down {
    /// It answers this status.
    Answers(u16),
    /// It takes too long.
    TimedOut,
    /// It is not there.
    Refused,
}

/// What is wrong with a fault, or a scenario, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

impl Faults {
    /// Sets a fault.
    ///
    /// # Errors
    /// [`Unfit`] where it cannot be, or where there are too many.
    pub(super) fn add(&self, fault: NewFault) -> Result<Fault, Unfit> {
        judge(&fault)?;
        let mut state = self.state();
        if state.faults.len() >= MOST_FAULTS {
            return Err(Unfit(format!(
                "{MOST_FAULTS} faults are set, and there may be no more. Remove those that are used up."
            )));
        }
        state.count += 1;
        let left = match (fault.times, fault.until) {
            (Some(0), _) | (None, Some(_)) => None,
            (times, _) => Some(times.unwrap_or(1)),
        };
        let waits = fault.after.unwrap_or(0);
        let fault = Fault { id: format!("fault-{}", state.count), fault, left, waits, applied: 0 };
        state.faults.push(fault.clone());
        Ok(fault)
    }

    /// The faults that are set, in the order in which they were; those that are used up too.
    pub(super) fn list(&self) -> Vec<Fault> {
        self.state().faults.clone()
    }

    /// Removes a fault; whether there was one of this id.
    pub(super) fn remove(&self, id: &str) -> bool {
        let mut state = self.state();
        let before = state.faults.len();
        state.faults.retain(|fault| fault.id != id);
        state.faults.len() < before
    }

    /// Removes every fault. The next one gets the number after the last one.
    pub(super) fn clear(&self) {
        self.state().faults.clear();
    }

    /// From now on these steps take so many seconds at least and at most.
    pub(super) fn set_takes(&self, takes: &BTreeMap<String, (i64, i64)>) {
        self.state().takes.extend(takes.clone());
    }

    /// How many seconds a step takes at least and at most, where a scenario says so.
    pub(super) fn takes(&self, step: &str) -> Option<(i64, i64)> {
        self.state().takes.get(step).copied()
    }

    /// Everything, for a snapshot.
    pub(super) fn kept(&self) -> State {
        self.state().clone()
    }

    /// Everything is as it was kept; `State::default()` is how it begins.
    pub(super) fn put_back(&self, kept: State) {
        *self.state() = kept;
    }

    /// Counts a fault whose way is the webhook's, if one is met.
    pub(super) fn on_webhook(&self, url: &str, offer: Option<&str>, now: Moment) -> Option<Down> {
        let met = self.state().meet(now, |fault| {
            let is_there = fault.url.as_ref().is_none_or(|begins| url.starts_with(begins.as_str()));
            fault.kind == FaultKind::WebhookDown && is_there && names(fault.offer.as_deref(), offer)
        })?;
        Some(match (met.fault.status, met.fault.failure) {
            (Some(status), _) => Down::Answers(status),
            (None, Some(Failure::TimedOut)) => Down::TimedOut,
            (None, Some(Failure::Refused)) => Down::Refused,
            (None, None) => Down::Answers(503),
        })
    }

    /// The same for a mail.
    pub(super) fn on_mail(&self, to: &str, now: Moment) -> Option<Down> {
        let met = self.state().meet(now, |fault| {
            let is_whose = fault.to.as_ref().is_none_or(|whose| whose.eq_ignore_ascii_case(to));
            fault.kind == FaultKind::MailDown && is_whose
        })?;
        Some(met.fault.status.map_or(Down::Refused, Down::Answers))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The first fault that is met here and now, counted. One that shall go well first is passed over, and that is counted too.
    pub(super) fn meet(&mut self, now: Moment, fits: impl Fn(&NewFault) -> bool) -> Option<Met> {
        for fault in &mut self.faults {
            let is_over = fault.left == Some(0) || fault.fault.until.is_some_and(|until| until.ticks() <= now.ticks());
            if is_over || !fits(&fault.fault) {
                continue;
            }
            if fault.waits > 0 {
                fault.waits -= 1;
                continue;
            }
            fault.left = fault.left.map(|left| left - 1);
            fault.applied += 1;
            return Some(Met { id: fault.id.clone(), fault: fault.fault.clone() });
        }
        None
    }

    /// Whether a fault of this id is set.
    pub(super) fn has(&self, id: &str) -> bool {
        self.faults.iter().any(|fault| fault.id == id)
    }
}

/// Whether a fault's offer, `publisher/offer` or the offer alone, is the one that is named `publisher/offer`.
pub(super) fn names(wanted: Option<&str>, offer: Option<&str>) -> bool {
    let Some(wanted) = wanted else { return true };
    let Some(offer) = offer else { return false };
    let alone = offer.split_once('/').map_or(offer, |(_, alone)| alone);
    wanted.eq_ignore_ascii_case(offer) || wanted.eq_ignore_ascii_case(alone)
}

/// Whether a fault is about this offer and this step.
pub(super) fn is_about(fault: &NewFault, key: &OfferKey, step: &str) -> bool {
    let is_step = fault.step.as_deref().is_none_or(|wanted| wanted == step);
    is_step && names(fault.offer.as_deref(), Some(&key.name()))
}

#[cfg(test)]
mod tests {
    use super::{Faults, names};
    use api::emulator::{FaultKind, NewFault};
    use publishing::moment::Moment;

    const NOW: Moment = Moment::from_ticks(1_000);

    #[test]
    fn a_fault_goes_wrong_as_often_as_it_was_told_and_well_before_that() {
        let faults = Faults::default();
        let twice = NewFault { times: Some(2), after: Some(1), ..NewFault::of(FaultKind::MailDown) };
        assert_eq!(faults.add(twice).unwrap().id, "fault-1");
        let met: Vec<bool> = (0..5).map(|_| faults.on_mail("a@b.example", NOW).is_some()).collect();
        assert_eq!(met, [false, true, true, false, false]);
        let [fault] = &faults.list()[..] else { panic!() };
        assert_eq!((fault.left, fault.waits, fault.applied), (Some(0), 0, 2));
        let next = faults.add(NewFault::of(FaultKind::MailDown)).unwrap();
        assert_eq!(next.id, "fault-2");
        assert!(faults.remove("fault-1") && !faults.remove("fault-1"));
    }

    #[test]
    fn until_a_moment_nobody_counts() {
        let faults = Faults::default();
        let until = api::dates::Date::from_ticks(2_000);
        faults.add(NewFault { until: Some(until), ..NewFault::of(FaultKind::MailDown) }).unwrap();
        assert!((0..9).all(|_| faults.on_mail("a@b.example", NOW).is_some()));
        assert!(faults.on_mail("a@b.example", Moment::from_ticks(2_000)).is_none());
    }

    #[test]
    fn a_snapshot_has_the_numbers_too() {
        let faults = Faults::default();
        faults.add(NewFault::of(FaultKind::Reject)).unwrap();
        let kept = faults.kept();
        faults.add(NewFault::of(FaultKind::Block)).unwrap();
        faults.put_back(kept);
        assert_eq!(faults.list().len(), 1);
        assert_eq!(faults.add(NewFault::of(FaultKind::Block)).unwrap().id, "fault-2");
    }

    #[test]
    fn an_offer_is_named_with_its_publisher_or_alone() {
        for (wanted, offer, expected) in [
            (None, None, true),
            (Some("contoso/web"), Some("contoso/web"), true),
            (Some("web"), Some("contoso/web"), true),
            (Some("Contoso/Web"), Some("contoso/web"), true),
            (Some("fabrikam/web"), Some("contoso/web"), false),
            (Some("contoso"), Some("contoso/web"), false),
            (Some("web"), None, false),
        ] {
            assert_eq!(names(wanted, offer), expected, "{wanted:?} {offer:?}");
        }
    }
}
