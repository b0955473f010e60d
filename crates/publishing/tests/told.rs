//! What followers are told of each commit, held against an oracle that looks at nothing but what changed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod common;
#[path = "common/moves.rs"]
#[allow(dead_code)]
mod moves;

use common::{OPERATOR_TYPE, Store, cancel, go_live, publish, reason, report, type_ids};
use moves::{Move, Seen, Written, command, moves};
use proptest::test_runner::{Config, TestRunner};
use publishing::command::{CheckRef, Command, Ending, Expected, Verdict};
use publishing::happening::Happening;
use publishing::moment::Moment;
use publishing::operation::{CheckState, Operation};
use publishing::status::{OfferStatus, StepStatus};
use std::cell::RefCell;
use std::collections::BTreeSet;

const WALKS_PER_TYPE: u32 = 160;
const SAAS: &str = "microsoft-azure-saas";

/// The steps of the newest operation, each with where its checks stand.
fn checks(store: &Store) -> Vec<(String, Vec<CheckState>)> {
    let steps = store.newest().map_or(&[][..], |operation| &operation.steps);
    let states = |checks: &[publishing::check::Check]| checks.iter().map(|check| check.state).collect();
    steps.iter().map(|step| (step.id.clone(), states(&step.checks))).collect()
}

/// The steps in which a check is so now, and was not before; or the other way round.
fn became(before: &Store, after: &Store, wanted: impl Fn(CheckState) -> bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for ((_, old), (step, new)) in checks(before).iter().zip(checks(after)) {
        if old.iter().zip(&new).any(|(old, new)| wanted(*new) && !wanted(*old)) {
            found.insert(step);
        }
    }
    found
}

fn steps_so(store: &Store, wanted: StepStatus) -> BTreeSet<String> {
    let steps = store.newest().map_or(&[][..], |operation| &operation.steps);
    steps.iter().filter(|step| step.status() == wanted).map(|step| step.id.clone()).collect()
}

fn newly(before: &Store, after: &Store, wanted: StepStatus) -> BTreeSet<String> {
    steps_so(after, wanted).difference(&steps_so(before, wanted)).cloned().collect()
}

/// What must be told, and of which step where that is known apart from what was told.
fn oracle(before: &Store, after: &Store, command: &Command) -> (Happening, BTreeSet<String>) {
    let none = BTreeSet::new;
    let status = |store: &Store| store.offer.as_ref().map(publishing::offer::Offer::status);
    let turned = |wanted: OfferStatus| status(after) == Some(wanted) && status(before) != Some(wanted);
    let is_canceling =
        |store: &Store| store.newest().is_some_and(|run| run.course == publishing::operation::Course::CancelRequested);
    let (happening, steps) = match command {
        Command::SaveDraft { .. } if before.offer.is_none() => (Happening::Created, none()),
        Command::SaveDraft { .. } => (Happening::DraftSaved, none()),
        Command::Publish { .. } => (Happening::Published, none()),
        Command::GoLive { .. } => (Happening::GoLiveStarted, none()),
        Command::RollBack { .. } => (Happening::RolledBack, none()),
        Command::SynchroniseAudiences { .. } => (Happening::AudiencesSynchronised, none()),
        Command::NoteLate { .. } => (Happening::StepLate, none()),
        Command::ClaimReview { .. } | Command::ReleaseReview { .. } | Command::AddNote { .. } => {
            (Happening::Reviewed, none())
        }
        Command::Replan => (Happening::Replanned, none()),
        Command::RenewLinks => (Happening::LinksRenewed, none()),
        _ if turned(OfferStatus::Succeeded) => (Happening::Live, none()),
        _ if turned(OfferStatus::Failed) => (Happening::Failed, none()),
        _ if turned(OfferStatus::Canceled) => (Happening::Canceled, none()),
        _ if turned(OfferStatus::WaitingForPublisherReview) => (Happening::PreviewReady, none()),
        Command::Cancel { .. } if !is_canceling(before) => (Happening::CancelRequested, none()),
        // Who asks again adds nothing.
        Command::Cancel { .. } => (Happening::Progressed, none()),
        _ => {
            let blocked = became(before, after, |state| state == CheckState::Blocked);
            let unblocked = became(before, after, |state| state != CheckState::Blocked);
            let waiting = newly(before, after, StepStatus::WaitingForApproval);
            let complete = newly(before, after, StepStatus::Complete);
            let begun = newly(before, after, StepStatus::InProgress);
            let is_unblock = matches!(command, Command::GiveVerdict { verdict: Verdict::Unblock, .. });
            let is_verdict = matches!(command, Command::GiveVerdict { .. });
            if !blocked.is_empty() {
                (Happening::Blocked, blocked)
            } else if is_unblock {
                (Happening::Unblocked, unblocked)
            } else if !waiting.is_empty() {
                (Happening::WaitingForReviewer, waiting)
            } else if !complete.is_empty() {
                (Happening::StepCompleted, complete)
            } else if !begun.is_empty() {
                (Happening::StepStarted, begun)
            } else if is_verdict {
                (Happening::Reviewed, none())
            } else {
                (Happening::Progressed, none())
            }
        }
    };
    (happening, steps)
}

fn holds(before: &Store, after: &Store, command: &Command) -> Happening {
    let told = after.journal.last().unwrap().told.clone().unwrap();
    let (happening, steps) = oracle(before, after, command);
    assert_eq!(told.happening, happening, "{command:?}\n from {:?}\n to {:?}", checks(before), checks(after));
    let step = told.step.clone().unwrap_or_default();
    assert!(steps.is_empty() || steps.contains(&step), "{told:?} and not of {steps:?}");
    let operation = after.newest().map(|operation| operation.id);
    assert!(told.operation.is_none() || told.operation == operation, "{told:?}");
    if let Command::GiveVerdict { step: named, .. } = command {
        assert!(told.operation.is_some() && (!steps.is_empty() || step == *named), "{told:?}");
    }
    happening
}

#[test]
fn whatever_happens_the_gravest_of_it_is_told() {
    let seen = RefCell::new(BTreeSet::new());
    for offer_type in type_ids() {
        let config = Config { cases: WALKS_PER_TYPE, failure_persistence: None, ..Config::default() };
        let run = TestRunner::new(config).run(&moves(), |moves| {
            let mut store = Store::new(offer_type);
            if moves.len().is_multiple_of(2) {
                // Few walks come as far as there is something to roll back to.
                store.go_until(|store| store.status() == OfferStatus::Succeeded);
                store.put(publish()).unwrap();
                store.go_until(|store| store.status() == OfferStatus::Succeeded);
            }
            for (ticks, by, chosen) in &moves {
                store.by = *by;
                store.now = Moment::from_ticks(store.now.ticks() + ticks);
                if matches!(chosen, Move::Save(Written::OtherType, _)) && store.offer.is_none() {
                    continue;
                }
                let (before, command) = (store.clone(), command(&store, chosen));
                if store.put(command.clone()).is_ok() {
                    seen.borrow_mut().insert(holds(&before, &store, &command));
                }
            }
            Ok(())
        });
        run.unwrap_or_else(|failure| panic!("{offer_type}: {failure}"));
    }
    let unseen: Vec<_> = Happening::ALL.into_iter().filter(|one| !seen.borrow().contains(one)).collect();
    // Which wants a private plan in production: the table has it.
    assert!(unseen.iter().all(|one| *one == Happening::AudiencesSynchronised), "no walk came to {unseen:?}");
}

/// What is told of each of these, one after another.
#[track_caller]
fn tells(store: &mut Store, command: Command, happening: Happening, step: Option<&str>) {
    let before = store.clone();
    store.put_by_anybody(command.clone()).unwrap();
    let told = store.journal.last().unwrap().told.clone().unwrap();
    assert_eq!((told.happening, told.step.as_deref()), (happening, step), "{:?}", checks(&before));
}

fn of_queue(store: &Store, step: &str, queue: &str, verdict: Verdict) -> Command {
    let operation = store.newest().unwrap().id;
    Command::GiveVerdict { operation, step: step.into(), queue: Some(queue.into()), verdict }
}

fn due(store: &Store) -> CheckRef {
    store.newest().unwrap().due_checks()[0].0.clone()
}

#[test]
fn each_check_that_is_blocked_is_told_and_each_that_is_mended() {
    let mut store = Store::new(OPERATOR_TYPE);
    let at_trial = |store: &Store| store.newest().and_then(Operation::current_step).is_some_and(|at| at.id == "trial");
    store.go_until(|store| at_trial(store) && store.step_statuses()[1] == StepStatus::WaitingForApproval);
    let trial = Some("trial");
    for (queue, verdict, happening) in [
        ("legal", Verdict::Block(reason()), Happening::Blocked),
        // The step was blocked before; this check was not.
        ("technical", Verdict::Block(reason()), Happening::Blocked),
        // The step stays blocked; this check does not.
        ("legal", Verdict::Unblock, Happening::Unblocked),
        ("legal", Verdict::Approve, Happening::Reviewed),
        // It waits for a reviewer again, and the news is that it is mended.
        ("technical", Verdict::Unblock, Happening::Unblocked),
        ("technical", Verdict::Approve, Happening::Reviewed),
    ] {
        let command = of_queue(&store, "trial", queue, verdict);
        tells(&mut store, command, happening, trial);
    }
    store.by = 3;
    let command = of_queue(&store, "trial", "technical", Verdict::Approve);
    tells(&mut store, command, Happening::StepCompleted, trial);
}

#[test]
fn the_table_of_what_is_told_on_the_way() {
    let mut store = Store::new(SAAS);
    let saves = command(&store, &Move::Save(Written::Private, Seen::Unstated));
    tells(&mut store, saves, Happening::Created, None);
    tells(&mut store, publish(), Happening::Published, None);
    let (step, operation) = (store.newest().unwrap().steps[0].id.clone(), store.newest().unwrap().id);
    let first = Some(step.as_str());
    let check = due(&store);
    tells(&mut store, Command::StartCheck(check.clone()), Happening::StepStarted, first);
    let mut canceled = store.clone();
    tells(&mut canceled, cancel(), Happening::CancelRequested, None);
    tells(&mut canceled, cancel(), Happening::Progressed, None);
    let lets_go = report(check.clone(), Ending::Done, canceled.now);
    tells(&mut canceled, lets_go, Happening::Canceled, first);
    let mut failed = store.clone();
    let rejects = report(check.clone(), Ending::Rejected, failed.now);
    tells(&mut failed, rejects, Happening::Failed, first);
    let waits = report(check.clone(), Ending::WaitingUntil(store.now), store.now);
    tells(&mut store, waits, Happening::Progressed, first);
    let blocks = report(check, Ending::Blocked, store.now);
    tells(&mut store, blocks, Happening::Blocked, first);
    let unblocks = common::verdict(operation, &step, Verdict::Unblock);
    tells(&mut store, unblocks, Happening::Unblocked, first);
    store.go_until(|store| store.status() == OfferStatus::WaitingForPublisherReview);
    assert_eq!(store.journal.last().unwrap().told.as_ref().unwrap().happening, Happening::PreviewReady);
    tells(&mut store, go_live(), Happening::GoLiveStarted, None);
    store.go_until(|store| store.status() == OfferStatus::Succeeded);
    assert_eq!(store.journal.last().unwrap().told.as_ref().unwrap().happening, Happening::Live);
    let synchronise = command(&store, &Move::Synchronise(Seen::Any, true));
    tells(&mut store, synchronise, Happening::AudiencesSynchronised, None);
    store.put(publish()).unwrap();
    store.go_until(|store| store.offer().production == Some(2));
    tells(&mut store, Command::RollBack { from: 2, expected: Expected::Any }, Happening::RolledBack, None);
}
