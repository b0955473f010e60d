//! Who may review what, told apart from what the rules recorded: from who did what, and when.

use crate::common::{Outcome, PEOPLE, Store};
use publishing::command::{Command, Verdict};
use publishing::moment::{Moment, TICKS_PER_SECOND};
use publishing::operation::{Check, CheckState, Course, Operation};
use publishing::pipeline::CheckKind;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Step and check of an operation, from 0.
type Place = (Uuid, usize, usize);

/// What people did, by their places among [`PEOPLE`].
#[derive(Debug, Default)]
pub struct Reviews {
    holds: BTreeMap<Place, (usize, Moment)>,
    approved: BTreeMap<Place, BTreeSet<usize>>,
    submitted: BTreeMap<Uuid, BTreeSet<usize>>,
}

fn names(command: &Command) -> Option<(Uuid, &str, Option<&str>)> {
    match command {
        Command::GiveVerdict { operation, step, queue, .. }
        | Command::ClaimReview { operation, step, queue }
        | Command::ReleaseReview { operation, step, queue, .. }
        | Command::AddNote { operation, step, queue, .. } => Some((*operation, step, queue.as_deref())),
        _ => None,
    }
}

fn queue_of(check: &Check) -> Option<&str> {
    match &check.kind {
        CheckKind::Reviewer { queue, .. } => Some(queue),
        _ => None,
    }
}

impl Reviews {
    fn holder(&self, place: &Place, store: &Store) -> Option<usize> {
        self.holds.get(place).filter(|(_, until)| *until > store.now).map(|(who, _)| *who)
    }

    /// What a reviewer's command can come to.
    pub fn allowed(&self, store: &Store, command: &Command) -> Vec<Outcome> {
        let (id, step, queue) = names(command).unwrap();
        let running = |operation: &&Operation| operation.id == id && operation.course == Course::Running;
        let Some(operation) = store.newest().filter(running) else { return vec![Outcome::ReviewNotAwaited] };
        let found = operation.steps.iter().enumerate().find(|(_, known)| known.id == step);
        let Some((step_at, step)) = found else { return vec![Outcome::ReviewNotAwaited] };
        if queue.is_some() && !step.checks.iter().any(|check| queue_of(check) == queue) {
            return vec![Outcome::BadRequest];
        }
        let releases = matches!(command, Command::ReleaseReview { .. });
        let mut takes = Vec::new();
        for (at, check) in step.checks.iter().enumerate() {
            let place = (id, step_at, at);
            let (waits, blocked) = (check.state == CheckState::AwaitingPerson, check.state == CheckState::Blocked);
            let reviewed = queue_of(check).is_some();
            let takes_it = match command {
                Command::GiveVerdict { verdict: Verdict::Approve | Verdict::Block(_), .. } => reviewed && waits,
                Command::GiveVerdict { verdict: Verdict::Unblock, .. } => blocked,
                Command::ReleaseReview { .. } => self.holder(&place, store).is_some(),
                _ => reviewed && (waits || blocked),
            };
            if takes_it && (queue.is_none() || queue_of(check) == queue) {
                takes.push(place);
            }
        }
        if takes.is_empty() {
            return vec![Outcome::ReviewNotAwaited];
        }
        if !releases && self.submitted.get(&id).is_some_and(|who| who.contains(&store.by)) {
            return vec![Outcome::SubmittedByYou];
        }
        let approves = matches!(command, Command::GiveVerdict { verdict: Verdict::Approve, .. });
        let queues: BTreeSet<_> = takes.iter().map(|(_, _, at)| queue_of(&step.checks[*at])).collect();
        let holds_one = takes.iter().any(|place| self.holder(place, store) == Some(store.by));
        if approves && queue.is_none() && queues.len() > 1 && !holds_one {
            return vec![Outcome::BadRequest];
        }
        let needs_no_hold = match command {
            Command::AddNote { .. } => true,
            Command::ReleaseReview { by_operator, .. } => *by_operator,
            _ => false,
        };
        let again = |place: &Place| approves && self.has_approved(place, store.by);
        let is_open = |place: &&Place| {
            needs_no_hold || !again(place) && self.holder(place, store).is_none_or(|who| who == store.by)
        };
        if takes.iter().any(|place| is_open(&place)) {
            return vec![Outcome::Recorded];
        }
        if takes.iter().all(&again)
            && takes.iter().all(|place| self.holder(place, store).is_none_or(|who| who == store.by))
        {
            return vec![Outcome::ApprovedAlready];
        }
        vec![Outcome::HeldByAnother, Outcome::ApprovedAlready][..if approves { 2 } else { 1 }].to_vec()
    }

    fn has_approved(&self, place: &Place, who: usize) -> bool {
        self.approved.get(place).is_some_and(|all| all.contains(&who))
    }

    /// Takes note of a command that was not refused, and asserts what it did to the one check that it was about.
    pub fn note(&mut self, before: &Store, after: &Store, command: &Command) {
        let by = after.by;
        match command {
            // Who is no principal leaves no id behind.
            Command::Publish { .. } | Command::GoLive { .. } => {
                let new = after.newest().unwrap().id;
                let old = before.newest().filter(|_| matches!(command, Command::GoLive { .. })).map(|old| old.id);
                let mut all = old.and_then(|old| self.submitted.get(&old)).cloned().unwrap_or_default();
                all.extend(Some(by).filter(|_| PEOPLE[by].1.is_some()));
                self.submitted.insert(new, all);
                return;
            }
            _ => {}
        }
        if names(command).is_none() {
            return;
        }
        let Some((place, old, new)) = the_one_that_changed(before.newest().unwrap(), after.newest().unwrap()) else {
            // Claimed again at the same tick, which changes nothing.
            return assert!(matches!(command, Command::ClaimReview { .. }), "{command:?} changed nothing");
        };
        let holder = self.holder(&place, after);
        let is_mine = holder.is_none_or(|who| who == by);
        match command {
            Command::ClaimReview { .. } => {
                assert!(is_mine, "it was somebody else's");
                let until = Moment::from_ticks(after.now.ticks() + 1_800 * TICKS_PER_SECOND);
                self.holds.insert(place, (by, until));
                let hold = new.review.hold.as_ref().unwrap();
                assert_eq!((hold.by.name.as_str(), hold.until), (PEOPLE[by].0, until));
                assert_eq!((old.state, &old.messages), (new.state, &new.messages));
            }
            Command::ReleaseReview { by_operator, .. } => {
                assert!(holder.is_some() && (is_mine || *by_operator), "it was not theirs to release");
                assert_eq!((&new.review.hold, old.state), (&None, new.state));
                self.holds.remove(&place);
            }
            Command::AddNote { text, public, .. } => {
                let note = new.review.notes.last().unwrap();
                assert_eq!((&note.text, note.public, note.by.name.as_str()), (text, *public, PEOPLE[by].0));
                assert_eq!(new.messages.len(), old.messages.len() + usize::from(*public));
                assert_eq!((old.state, &old.review.hold), (new.state, &new.review.hold));
            }
            Command::GiveVerdict { verdict, .. } => {
                assert!(is_mine && new.review.hold.is_none(), "it was decided in somebody's hand");
                self.holds.remove(&place);
                assert_eq!(old.review.notes, new.review.notes, "a note was forgotten");
                self.decided(place, old, new, verdict, by);
            }
            _ => {}
        }
    }

    fn decided(&mut self, place: Place, old: &Check, new: &Check, verdict: &Verdict, by: usize) {
        match verdict {
            Verdict::Approve => {
                let CheckKind::Reviewer { approvals, .. } = &new.kind else { panic!("{new:?} was approved") };
                let all = self.approved.entry(place).or_default();
                assert!(all.insert(by), "{} approved twice", PEOPLE[by].0);
                let whole = all.len() >= usize::from(*approvals);
                assert_eq!(new.state, if whole { CheckState::Complete } else { CheckState::AwaitingPerson });
                let told = new.messages.len() - old.messages.len();
                assert_eq!(told, usize::from(*approvals > 1), "the publisher sees how many have approved");
            }
            Verdict::Unblock => drop(self.approved.remove(&place)),
            Verdict::Reject(_) => assert_eq!(new.state, CheckState::Rejected),
            Verdict::Block(_) => assert_eq!(new.state, CheckState::Blocked),
        }
        let names: Vec<&str> = new.review.approvals.iter().map(|approval| approval.by.name.as_str()).collect();
        let known = self.approved.get(&place).into_iter().flatten().map(|who| PEOPLE[*who].0).collect::<BTreeSet<_>>();
        assert_eq!(names.iter().copied().collect::<BTreeSet<_>>(), known, "whose approvals count");
        assert_eq!(names.len(), known.len());
    }
}

/// A reviewer's command is about one check, and changes no other of its step.
fn the_one_that_changed<'a>(old: &'a Operation, new: &'a Operation) -> Option<(Place, &'a Check, &'a Check)> {
    let step = old.steps.iter().zip(&new.steps).position(|(old, new)| old != new)?;
    let checks: Vec<(usize, (&Check, &Check))> = old.steps[step]
        .checks
        .iter()
        .zip(&new.steps[step].checks)
        .enumerate()
        .filter(|(_, (old, new))| old != new)
        .collect();
    let [(at, (old_check, new_check))] = checks[..] else { panic!("{} checks changed", checks.len()) };
    Some(((new.id, step, at), old_check, new_check))
}
