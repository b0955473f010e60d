//! Random walks over all commands, for every offer type: what must hold after each move, whatever came before.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod common;
#[path = "common/invariants.rs"]
mod invariants;
#[path = "common/moves.rs"]
mod moves;
#[path = "common/reviewers.rs"]
mod reviewers;

use common::{
    OPERATOR_TYPE, Outcome, Store, cancel, go_live, outcome, publish, reason, report, sample, type_ids, verdict,
};
use invariants::{History, assert_holds};
use moves::{Move, Written, command, moves};
use proptest::prelude::{Just, prop_oneof};
use proptest::test_runner::{Config, TestRunner};
use publishing::command::{Command, Ending, Expected, Verdict};
use publishing::decide::MissingIfMatch;
use publishing::moment::{Moment, TICKS_PER_SECOND};
use publishing::operation::{CheckState, Course, PICK_UP_SECONDS};
use publishing::refusal::Refusal;
use publishing::status::{OfferStatus, StepStatus};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Seven types of them.
const WALKS_PER_TYPE: u32 = 160;

/// What the contract lets a command come to; all but a report of a check not in hand can come to one thing only.
fn allowed(history: &History, store: &Store, what: Option<Written>, command: &Command) -> Vec<Outcome> {
    let Some(offer) = &store.offer else {
        return vec![match (command, what) {
            (Command::SaveDraft { expected: Expected::OneOf(_), .. }, _) => Outcome::Precondition,
            (Command::SaveDraft { .. }, Some(Written::NoJson | Written::UnknownType)) => Outcome::BadRequest,
            // The first save fixes the type, whichever it is; the walk keeps to one.
            (Command::SaveDraft { .. }, Some(Written::NoObject)) => return vec![Outcome::Created, Outcome::BadRequest],
            (Command::SaveDraft { .. }, _) => Outcome::Created,
            _ => Outcome::OfferMissing,
        }];
    };
    let stale = |expected: &Expected| matches!(expected, Expected::OneOf(seen) if !seen.contains(&offer.changed_at));
    let status = history.status(store);
    let active = matches!(status, OfferStatus::Running | OfferStatus::WaitingForPublisherReview);
    let newest = |id: Uuid| offer.operation.as_ref().filter(|operation| operation.id == id);
    vec![match command {
        Command::SaveDraft { expected: Expected::Unstated, .. } if store.setting == MissingIfMatch::Conflict => {
            Outcome::ConflictWanted
        }
        Command::SaveDraft { expected: Expected::Unstated, .. } if store.setting == MissingIfMatch::BadRequest => {
            Outcome::BadRequestWanted
        }
        Command::SaveDraft { expected, .. }
        | Command::Publish { expected, .. }
        | Command::GoLive { expected }
        | Command::Cancel { expected }
        | Command::RollBack { expected, .. }
        | Command::SynchroniseAudiences { expected, .. }
            if stale(expected) =>
        {
            Outcome::Precondition
        }
        Command::SaveDraft { .. } => match what {
            Some(Written::NoJson | Written::OtherType | Written::UnknownType) => Outcome::BadRequest,
            Some(Written::NoObject) => return vec![Outcome::Saved, Outcome::BadRequest],
            _ => Outcome::Saved,
        },
        Command::Publish { .. } if active => Outcome::OperationInProgress,
        Command::Publish { .. } if history.draft_is_faulty(store) => Outcome::Faults,
        Command::Publish { .. } => Outcome::Started,
        Command::GoLive { .. } if status == OfferStatus::WaitingForPublisherReview => Outcome::Started,
        Command::Cancel { .. } if active && !history.live_has_begun => match offer.operation.as_ref().unwrap() {
            operation if operation.has_check_in_hand() => Outcome::CancelRequested,
            _ => Outcome::Canceled,
        },
        Command::GoLive { .. } | Command::Cancel { .. } => Outcome::InvalidState,
        Command::GiveVerdict { .. }
        | Command::ClaimReview { .. }
        | Command::ReleaseReview { .. }
        | Command::AddNote { .. } => return history.reviews.allowed(store, command),
        Command::StartCheck(at) => {
            let operation = newest(at.operation).filter(|operation| operation.course == Course::Running);
            match operation.and_then(|operation| operation.check(at)).map(|check| check.state) {
                Some(CheckState::Queued { .. }) => Outcome::Recorded,
                _ => Outcome::Superseded,
            }
        }
        Command::ReportCheck(at, _) => {
            let operation = newest(at.operation).filter(|_| status == OfferStatus::Running);
            match operation.and_then(|operation| operation.check(at)).map(|check| check.state) {
                Some(CheckState::InHand) => Outcome::Recorded,
                Some(CheckState::Queued { .. }) => return vec![Outcome::Recorded, Outcome::Superseded],
                _ => Outcome::Superseded,
            }
        }
        Command::NoteLate { operation, step, usual, .. } => {
            let running = newest(*operation).filter(|operation| operation.course == Course::Running);
            let at_hand = running.and_then(|operation| operation.steps.get(*step).zip(operation.current_step()));
            let is_late = at_hand.filter(|(step, current)| step == current).is_some_and(|(step, _)| {
                let since = step.begun_anew_at.or(step.reached_at).unwrap();
                let limit = since.plus_seconds(60.max(usual.high / TICKS_PER_SECOND));
                let worked_on = matches!(step.status(), StepStatus::InProgress | StepStatus::WaitingForApproval);
                worked_on
                    && store.now > limit
                    && !history.late.contains(&(*operation, step.id.clone(), step.begun_anew_at))
            });
            if is_late { Outcome::Recorded } else { Outcome::Superseded }
        }
        Command::Replan | Command::RenewLinks => Outcome::Recorded,
        Command::RollBack { .. } => match history.rolls_back_to() {
            Some(_) if status != OfferStatus::Running || !history.live_has_begun => Outcome::Recorded,
            _ => Outcome::InvalidState,
        },
        Command::SynchroniseAudiences { .. } if history.live().is_none() => Outcome::InvalidState,
        Command::SynchroniseAudiences { audiences, .. } => {
            let fits = audiences.iter().all(|audience| history.live_is_private() && audience.plan != "invented");
            if fits { Outcome::Recorded } else { Outcome::BadRequest }
        }
        Command::HearCheck { .. } => Outcome::Superseded,
    }]
}

fn walk(offer_type: &'static str, setting: MissingIfMatch, moves: &[(i64, usize, Move)]) {
    let mut store = Store::new(offer_type);
    store.setting = setting;
    let mut history = History::default();
    for (ticks, by, chosen) in moves {
        store.by = *by;
        store.now = Moment::from_ticks(store.now.ticks() + ticks);
        if matches!(chosen, Move::Replan) {
            store.changed_pipelines = !store.changed_pipelines;
        }
        let what = match chosen {
            // The first save fixes the type, and the walk is about one.
            Move::Save(Written::OtherType, _) if store.offer.is_none() => continue,
            Move::Save(what, _) => Some(*what),
            Move::Onward if store.offer.is_none() => Some(Written::Sample),
            _ => None,
        };
        let command = command(&store, chosen);
        let allowed = allowed(&history, &store, what, &command);
        let before = store.clone();
        let result = store.put(command.clone());
        assert!(allowed.contains(&outcome(&result)), "{command:?}\n came to {result:?}\n and not to {allowed:?}");
        if result.is_err() {
            let unchanged = store.offer == before.offer && store.operations == before.operations;
            assert!(unchanged && store.journal == before.journal && store.snapshots == before.snapshots);
        }
        if let Err(refusal) = &result {
            assert!(!refusal.to_string().is_empty());
        }
        if let Err(Refusal::Faults(faults)) = &result {
            let texts = faults.iter().flat_map(|fault| [&fault.pointer, &fault.code, &fault.message, &fault.mend]);
            assert!(!faults.is_empty() && texts.clone().all(|text| !text.is_empty()), "{faults:?}");
        }
        if result.is_ok() {
            history.note(&before, &store, what, &command);
        }
        if store.offer.is_some() {
            assert_holds(&history, &before, &store, &command);
        }
    }
}

#[test]
fn whatever_is_tried_the_rules_hold() {
    let settings = prop_oneof![
        6 => Just(MissingIfMatch::Accept),
        1 => Just(MissingIfMatch::Conflict),
        1 => Just(MissingIfMatch::BadRequest)
    ];
    for offer_type in type_ids() {
        let config = Config { cases: WALKS_PER_TYPE, failure_persistence: None, ..Config::default() };
        let run = TestRunner::new(config).run(&(&settings, moves()), |(setting, moves)| {
            walk(offer_type, setting, &moves);
            Ok(())
        });
        run.unwrap_or_else(|failure| panic!("{offer_type}: {failure}"));
    }
}

/// Every offer status and every step status is reached by real commands, in every type.
#[test]
fn every_status_is_reached() {
    for offer_type in type_ids() {
        let mut offers = BTreeSet::new();
        let mut steps = BTreeSet::new();
        let mut store = Store::new(offer_type);
        let mut put = |store: &mut Store, command: Command| {
            store.put_by_anybody(command).unwrap();
            offers.insert(store.status());
            steps.extend(store.step_statuses());
        };
        // To production, blocked by a machine and by a reviewer on the way.
        let mut hindered = BTreeSet::new();
        for _ in 0..100 {
            let onward = store.onward();
            let hindrance = match &onward {
                Command::ReportCheck(at, _) => Some(report(at.clone(), Ending::Blocked, store.now)),
                Command::GiveVerdict { operation, step, verdict: Verdict::Approve, queue: _ } => {
                    Some(verdict(*operation, step, Verdict::Block(reason())))
                }
                _ => None,
            };
            match hindrance.filter(|_| hindered.insert(format!("{onward:?}"))) {
                Some(hindrance) => put(&mut store, hindrance),
                None => put(&mut store, onward),
            }
            if store.status() == OfferStatus::Succeeded {
                break;
            }
        }
        assert_eq!((store.status(), store.offer().production), (OfferStatus::Succeeded, Some(1)), "{offer_type}");
        // An update that is canceled, one that fails, and a draft saved after that.
        put(&mut store, publish());
        put(&mut store, cancel());
        put(&mut store, publish());
        let (at, _) = store.newest().unwrap().due_checks()[0].clone();
        put(&mut store, Command::StartCheck(at.clone()));
        let rejected = report(at, Ending::Rejected, store.now);
        put(&mut store, rejected);
        let definition = sample(offer_type).to_string();
        let expected = Expected::Unstated;
        put(&mut store, Command::SaveDraft { offer_type: offer_type.into(), definition: definition.into(), expected });
        assert_eq!((store.status(), store.offer().production), (OfferStatus::NotStarted, Some(1)), "{offer_type}");
        assert_eq!((offers.len(), steps.len()), (7, 8), "{offer_type} reached {offers:?} and {steps:?}");
    }
}

/// `notStarted` is a draft saved after the end, by the order of things and not by the clock (wire contract, section 4).
#[test]
fn a_draft_saved_before_the_end_leaves_the_offer_failed_or_canceled_though_the_clock_went_back() {
    for (ending, status) in [(Some(Ending::Rejected), OfferStatus::Failed), (None, OfferStatus::Canceled)] {
        let mut store = Store::new("microsoft-azure-saas");
        store.go_until(|store| store.status() == OfferStatus::Running);
        let (at, _) = store.newest().unwrap().due_checks()[0].clone();
        store.now = store.now.plus_seconds(60);
        store.save(&sample("microsoft-azure-saas")).unwrap();
        store.now = store.now.plus_seconds(-30);
        if let Some(ending) = ending {
            store.put(Command::StartCheck(at.clone())).unwrap();
            store.put(report(at, ending, store.now)).unwrap();
        } else {
            store.put(cancel()).unwrap();
        }
        assert_eq!(store.status(), status);
    }
}

/// A report of a check that nobody took in hand is refused, or it begins the step (wire contract, section 4: cancel).
#[test]
fn a_check_reported_without_being_taken_in_hand_has_begun() {
    let mut store = Store::new("microsoft-azure-virtualmachines");
    store.go_until(|store| store.status() == OfferStatus::WaitingForPublisherReview);
    store.put(go_live()).unwrap();
    let (live, _) = store.newest().unwrap().due_checks()[0].clone();
    let waiting = report(live, Ending::WaitingUntil(store.now.plus_seconds(60)), store.now);
    if store.put(waiting).is_ok() {
        assert_eq!(store.step_statuses().last(), Some(&StepStatus::InProgress));
        assert_eq!(outcome(&store.put(cancel())), Outcome::InvalidState);
    }
}

/// A submission is listed as running for at least a second, however fast its work is (wire contract, section 4).
#[test]
fn a_quick_verdict_does_not_hurry_what_follows() {
    let mut store = Store::new("microsoft-azure-applications");
    store.go_until(|store| store.status() == OfferStatus::WaitingForPublisherReview);
    store.put(go_live()).unwrap();
    store.put(verdict(store.newest().unwrap().id, "displayreview", Verdict::Approve)).unwrap();
    let operation = store.newest().unwrap();
    let (_, live_is_due) = operation.due_checks()[0];
    assert!(live_is_due >= operation.started_at.plus_seconds(PICK_UP_SECONDS));
}

/// Test Drive validation takes part only when the test drive is enabled (wire contract, section 3).
#[test]
fn a_conditional_step_takes_part_where_the_definition_says_so() {
    for (offer_type, conditional) in [("microsoft-azure-applications", "displaytestdrive"), (OPERATOR_TYPE, "trial")] {
        for enabled in [Some(true), Some(false), None] {
            let mut definition = sample(offer_type);
            let offer = definition["offer"].as_object_mut().unwrap();
            offer.remove("microsoft-azure-marketplace-testdrive.enabled");
            offer.extend(enabled.map(|on| ("microsoft-azure-marketplace-testdrive.enabled".to_owned(), on.into())));
            let mut store = Store::new(offer_type);
            store.save(&definition).unwrap();
            let ids = |store: &Store| store.document().steps.into_iter().map(|step| step.id).collect::<Vec<_>>();
            let planned = ids(&store);
            assert_eq!(planned.iter().any(|id| id == conditional), enabled == Some(true), "{offer_type} {enabled:?}");
            store.put(publish()).unwrap();
            assert_eq!(ids(&store), planned, "{offer_type} {enabled:?}");
        }
    }
}
