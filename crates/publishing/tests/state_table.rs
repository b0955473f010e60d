//! The table of what happens (wire contract, section 4), row by row and column by column, for every offer type.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use Outcome::{
    CancelRequested, Canceled, Created, Faults, InvalidState, OfferMissing, OperationInProgress, Saved, Started,
};
use common::{Outcome, Store, cancel, go_live, outcome, publish, reason, report, sample, type_ids, verdict};
use publishing::command::{CheckRef, Command, Ending, Expected, Verdict};
use publishing::decide::MissingIfMatch;
use publishing::moment::Moment;
use publishing::operation::{CheckState, Course, Operation, PICK_UP_SECONDS, Purpose, Step};
use publishing::pipeline::CheckKind;
use publishing::refusal::Refusal;
use publishing::status::{OfferStatus, StepStatus};

/// How an offer stands before the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    Missing,
    NeverPublished,
    /// The draft was saved after the submission failed.
    NotStartedAfterFailed,
    NotStartedAfterCanceled,
    /// Published, no check begun.
    Running,
    /// A worker has a check in hand.
    RunningInHand,
    /// The same, and a cancel was asked for.
    RunningCancelRequested,
    /// A check is blocked.
    RunningBlocked,
    AwaitsSignOff,
    /// Signed off, and step `live` not begun.
    AfterGoLive,
    /// A worker has the check of step `live` in hand.
    LiveBegun,
    /// The same worker has said that it will go on later.
    LiveWaits,
    /// The same worker has said that something must be mended first.
    LiveBlocked,
    Succeeded,
    Failed,
    FailedAfterGoLive,
    CanceledEarly,
    CanceledAtSignOff,
    CanceledAfterGoLive,
}

/// What publish (of a good draft, of a faulty one), go live, cancel and PUT come to.
const TABLE: [(Row, [Outcome; 5]); 19] = [
    (Row::Missing, [OfferMissing, OfferMissing, OfferMissing, OfferMissing, Created]),
    (Row::NeverPublished, [Started, Faults, InvalidState, InvalidState, Saved]),
    (Row::NotStartedAfterFailed, [Started, Faults, InvalidState, InvalidState, Saved]),
    (Row::NotStartedAfterCanceled, [Started, Faults, InvalidState, InvalidState, Saved]),
    (Row::Running, [OperationInProgress, OperationInProgress, InvalidState, Canceled, Saved]),
    (Row::RunningInHand, [OperationInProgress, OperationInProgress, InvalidState, CancelRequested, Saved]),
    (Row::RunningCancelRequested, [OperationInProgress, OperationInProgress, InvalidState, CancelRequested, Saved]),
    (Row::RunningBlocked, [OperationInProgress, OperationInProgress, InvalidState, Canceled, Saved]),
    (Row::AwaitsSignOff, [OperationInProgress, OperationInProgress, Started, Canceled, Saved]),
    (Row::AfterGoLive, [OperationInProgress, OperationInProgress, InvalidState, Canceled, Saved]),
    (Row::LiveBegun, [OperationInProgress, OperationInProgress, InvalidState, InvalidState, Saved]),
    (Row::LiveWaits, [OperationInProgress, OperationInProgress, InvalidState, InvalidState, Saved]),
    (Row::LiveBlocked, [OperationInProgress, OperationInProgress, InvalidState, InvalidState, Saved]),
    (Row::Succeeded, [Started, Faults, InvalidState, InvalidState, Saved]),
    (Row::Failed, [Started, Faults, InvalidState, InvalidState, Saved]),
    (Row::FailedAfterGoLive, [Started, Faults, InvalidState, InvalidState, Saved]),
    (Row::CanceledEarly, [Started, Faults, InvalidState, InvalidState, Saved]),
    (Row::CanceledAtSignOff, [Started, Faults, InvalidState, InvalidState, Saved]),
    (Row::CanceledAfterGoLive, [Started, Faults, InvalidState, InvalidState, Saved]),
];

#[test]
fn every_cell_of_the_table_for_every_type() {
    for offer_type in type_ids() {
        for update in [false, true] {
            for (row, [publishes, publishes_faulty, goes_live, cancels, saves]) in TABLE {
                if update && row == Row::Missing {
                    continue;
                }
                let cell = |command, expected, faulty: bool| {
                    let label = format!("{offer_type}, update {update}, {row:?}: {command:?}");
                    let mut store = Store::new(offer_type);
                    if update {
                        store.go_until(|store| store.status() == OfferStatus::Succeeded);
                    }
                    bring(&mut store, row);
                    if row != Row::Missing {
                        assert_eq!(store.status(), status_of(row, update), "{label}, before");
                        if faulty {
                            let mut definition = sample(offer_type);
                            definition["offer"].as_object_mut().unwrap().remove("microsoft-azure-marketplace.title");
                            store.save(&definition).unwrap();
                        }
                    }
                    judge(store, command, expected, row, &label);
                };
                cell(publish(), publishes, false);
                cell(publish(), publishes_faulty, true);
                cell(go_live(), goes_live, false);
                cell(cancel(), cancels, false);
                let definition = sample(offer_type).to_string();
                let expected = Expected::Unstated;
                cell(
                    Command::SaveDraft { offer_type: offer_type.to_owned(), definition: definition.into(), expected },
                    saves,
                    false,
                );
            }
        }
    }
}

/// PUT by `If-Match`, by whether the offer exists, and by what its absence is set to mean (wire contract, section 1).
#[test]
fn every_cell_of_the_table_of_if_match() {
    use MissingIfMatch::{Accept, BadRequest, Conflict};
    let rows = [
        (Accept, [Created, Created, Outcome::Precondition], [Saved, Saved, Saved, Outcome::Precondition]),
        (
            Conflict,
            [Created, Created, Outcome::Precondition],
            [Outcome::ConflictWanted, Saved, Saved, Outcome::Precondition],
        ),
        (
            BadRequest,
            [Created, Created, Outcome::Precondition],
            [Outcome::BadRequestWanted, Saved, Saved, Outcome::Precondition],
        ),
    ];
    let stale = || Expected::OneOf(vec![Moment::from_ticks(7)]);
    for (setting, missing, existing) in rows {
        let mut store = Store::new("microsoft-azure-saas");
        store.setting = setting;
        let save = |store: &Store, expected| {
            let definition = sample("microsoft-azure-saas").to_string();
            outcome(&store.clone().put(Command::SaveDraft {
                offer_type: store.offer_type.to_owned(),
                definition: definition.into(),
                expected,
            }))
        };
        let got = [Expected::Unstated, Expected::Any, stale()].map(|expected| save(&store, expected));
        assert_eq!(got, missing, "{setting:?}, no offer");
        store.put(store.onward()).unwrap();
        let equal = Expected::OneOf(vec![Moment::from_ticks(7), store.offer().changed_at]);
        let got = [Expected::Unstated, Expected::Any, equal, stale()].map(|expected| save(&store, expected));
        assert_eq!(got, existing, "{setting:?}, an offer");
        assert_eq!(save(&store, Expected::OneOf(Vec::new())), Outcome::Precondition, "a list that matches nothing");
        // On the three POSTs it is optional whatever the setting, and honoured when sent.
        let tags = [Expected::Unstated, Expected::Any, stale()];
        let published = tags.map(|expected| outcome(&store.clone().put(Command::Publish { emails: vec![], expected })));
        assert_eq!(published, [Started, Started, Outcome::Precondition], "{setting:?}, publish");
        store.go_until(|store| store.status() == OfferStatus::WaitingForPublisherReview);
        let tags = [Expected::Unstated, Expected::Any, stale()];
        let signed_off = tags.clone().map(|expected| outcome(&store.clone().put(Command::GoLive { expected })));
        assert_eq!(signed_off, [Started, Started, Outcome::Precondition], "{setting:?}, go live");
        let canceled = tags.map(|expected| outcome(&store.clone().put(Command::Cancel { expected })));
        assert_eq!(canceled, [Canceled, Canceled, Outcome::Precondition], "{setting:?}, cancel");
    }
}

fn status_of(row: Row, update: bool) -> OfferStatus {
    match row {
        Row::Missing | Row::NeverPublished if update => OfferStatus::Succeeded,
        Row::Missing | Row::NeverPublished => OfferStatus::NeverPublished,
        Row::NotStartedAfterFailed | Row::NotStartedAfterCanceled => OfferStatus::NotStarted,
        Row::AwaitsSignOff => OfferStatus::WaitingForPublisherReview,
        Row::Succeeded => OfferStatus::Succeeded,
        Row::Failed | Row::FailedAfterGoLive => OfferStatus::Failed,
        Row::CanceledEarly | Row::CanceledAtSignOff | Row::CanceledAfterGoLive => OfferStatus::Canceled,
        Row::Running
        | Row::RunningInHand
        | Row::RunningCancelRequested
        | Row::RunningBlocked
        | Row::AfterGoLive
        | Row::LiveBegun
        | Row::LiveWaits
        | Row::LiveBlocked => OfferStatus::Running,
    }
}

/// Brings an offer into a row by real commands.
fn bring(store: &mut Store, row: Row) {
    match row {
        Row::Missing => {}
        Row::NeverPublished => {
            store.save(&sample(store.offer_type)).unwrap();
        }
        Row::NotStartedAfterFailed => then(store, Row::Failed, |_| None),
        Row::NotStartedAfterCanceled => then(store, Row::CanceledEarly, |_| None),
        Row::Running => then(store, Row::NeverPublished, |_| Some(publish())),
        Row::RunningInHand => then(store, Row::Running, |store| Some(Command::StartCheck(due(store)))),
        Row::RunningCancelRequested => then(store, Row::RunningInHand, |_| Some(cancel())),
        Row::RunningBlocked => {
            then(store, Row::RunningInHand, |store| Some(report(in_hand(store), Ending::Blocked, store.now)));
        }
        Row::AwaitsSignOff => {
            then(store, Row::NeverPublished, |_| Some(publish()));
            store.go_until(|store| store.status() == OfferStatus::WaitingForPublisherReview);
        }
        Row::AfterGoLive => {
            then(store, Row::AwaitsSignOff, |_| Some(go_live()));
            store.go_until(|store| live(store).reached_at.is_some());
        }
        Row::LiveBegun => then(store, Row::AfterGoLive, |store| Some(Command::StartCheck(due(store)))),
        Row::LiveWaits => then(store, Row::LiveBegun, |store| {
            Some(report(in_hand(store), Ending::WaitingUntil(store.now.plus_seconds(60)), store.now))
        }),
        Row::LiveBlocked => {
            then(store, Row::LiveBegun, |store| Some(report(in_hand(store), Ending::Blocked, store.now)));
        }
        Row::Succeeded => {
            bring(store, Row::LiveBegun);
            store.go_until(|store| store.status() == OfferStatus::Succeeded);
        }
        Row::Failed => {
            then(store, Row::RunningInHand, |store| Some(report(in_hand(store), Ending::Rejected, store.now)));
        }
        Row::FailedAfterGoLive => {
            then(store, Row::LiveBegun, |store| Some(report(in_hand(store), Ending::Rejected, store.now)));
        }
        Row::CanceledEarly => then(store, Row::Running, |_| Some(cancel())),
        Row::CanceledAtSignOff => then(store, Row::AwaitsSignOff, |_| Some(cancel())),
        Row::CanceledAfterGoLive => then(store, Row::AfterGoLive, |_| Some(cancel())),
    }
}

/// The earlier row and one command more, or a saved draft.
fn then(store: &mut Store, earlier: Row, command: impl Fn(&Store) -> Option<Command>) {
    bring(store, earlier);
    match command(store) {
        Some(command) => store.put(command).unwrap(),
        None => store.save(&sample(store.offer_type)).unwrap(),
    };
}

fn newest(store: &Store) -> &Operation {
    store.newest().unwrap()
}

fn due(store: &Store) -> CheckRef {
    newest(store).due_checks()[0].0.clone()
}

fn in_hand(store: &Store) -> CheckRef {
    let operation = newest(store);
    let mut due = operation.due_checks().into_iter().map(|(at, _)| at);
    due.find(|at| operation.check(at).unwrap().state == CheckState::InHand).unwrap()
}

fn live(store: &Store) -> &Step {
    newest(store).steps.last().unwrap()
}

/// Puts the command and asserts the cell's outcome with everything it means.
fn judge(mut store: Store, command: Command, expected: Outcome, row: Row, label: &str) {
    let before = store.clone();
    let result = store.put(command.clone());
    assert_eq!(outcome(&result), expected, "{label}");
    match expected {
        Started => started(&before, &store, &command, label),
        Canceled => canceled(&before, &store, label),
        CancelRequested => cancel_requested(&before, store, label),
        Saved => saved(&before, &store, row, label),
        Created => {
            assert_eq!((store.status(), store.offer().version), (OfferStatus::NeverPublished, 1), "{label}");
            assert!(store.step_statuses().iter().all(|status| *status == StepStatus::NotStarted), "{label}");
        }
        _ => refused(&before, &store, result.unwrap_err(), label),
    }
}

fn refused(before: &Store, after: &Store, refusal: Refusal, label: &str) {
    assert_eq!((&after.offer, &after.operations), (&before.offer, &before.operations), "{label}");
    assert!(!refusal.to_string().is_empty(), "{label}");
    match refusal {
        Refusal::OperationInProgress { operation, .. } => assert_eq!(operation, newest(before).id, "{label}"),
        Refusal::InvalidState { status, .. } => assert_eq!(status, before.status(), "{label}"),
        Refusal::Faults(faults) => {
            let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
            assert_eq!(pointers, ["/definition/offer/microsoft-azure-marketplace.title"], "{label}");
        }
        _ => {}
    }
}

fn started(before: &Store, after: &Store, command: &Command, label: &str) {
    let (old, new, operation) = (before.offer(), after.offer(), newest(after));
    assert_eq!(after.operations.len(), before.operations.len() + 1, "{label}");
    // A go live completes the sign-off step of the publish that it follows; no other record of the past changes.
    let signs_off = usize::from(matches!(command, Command::GoLive { .. }));
    let past = before.operations.len() - signs_off;
    assert_eq!(after.operations[..past], before.operations[..past], "{label}: an older record changed");
    assert_eq!((after.status(), operation.course), (OfferStatus::Running, Course::Running), "{label}");
    assert_eq!((new.preview, new.production, &new.draft), (old.preview, old.production, &old.draft), "{label}");
    let soonest = operation.started_at.plus_seconds(PICK_UP_SECONDS);
    assert!(operation.due_checks().iter().all(|(_, when)| *when >= soonest), "{label}: done within a second");
    let sign_off = operation.steps.iter().position(Step::is_sign_off).unwrap();
    if matches!(command, Command::Publish { .. }) {
        assert_eq!((operation.purpose, operation.offer_version), (Purpose::Publish, old.version), "{label}");
        assert_eq!((new.version, operation.publishing_version()), (old.version + 1, old.version + 1), "{label}");
        assert_eq!(after.snapshots[&old.version].draft, old.draft, "{label}");
        assert!(new.changed_at > old.changed_at, "{label}");
        let reached: Vec<bool> = operation.steps.iter().map(|step| step.reached_at.is_some()).collect();
        assert!(reached[0] && reached[1..].iter().all(|reached| !reached), "{label}: it starts at step 1");
    } else {
        let publish = newest(before);
        assert_eq!((operation.purpose, operation.offer_version), (Purpose::GoLive, publish.offer_version), "{label}");
        assert_eq!((new.version, &operation.emails), (old.version, &publish.emails), "{label}");
        assert_eq!(operation.steps[sign_off].status(), StepStatus::Complete, "{label}");
        assert!(operation.steps[sign_off + 1].reached_at.is_some(), "{label}");
        assert_eq!(new.preview, Some(publish.offer_version), "{label}");
    }
}

fn canceled(before: &Store, after: &Store, label: &str) {
    let (old, new, operation) = (before.offer(), after.offer(), newest(after));
    assert_eq!((after.status(), operation.course), (OfferStatus::Canceled, Course::Canceled), "{label}");
    assert_eq!((new.version, new.production, &new.draft), (old.version, old.production, &old.draft), "{label}");
    let withdrawn = old.preview == Some(operation.offer_version);
    assert_eq!(new.preview, old.preview.filter(|_| !withdrawn), "{label}: preview");
    let current = newest(before).steps.iter().position(|step| step.status() != StepStatus::Complete).unwrap();
    for (at, step) in after.document().steps.iter().enumerate() {
        let expected = if at < current { StepStatus::Complete } else { StepStatus::Canceled };
        assert_eq!(step.status(), expected, "{label}: step {}", step.id);
    }
}

/// The check in hand lets go, in whatever way, and the submission is canceled.
fn cancel_requested(before: &Store, store: Store, label: &str) {
    assert_eq!((store.status(), newest(&store).course), (OfferStatus::Running, Course::CancelRequested), "{label}");
    assert_eq!(newest(&store).id, newest(before).id, "{label}");
    assert_eq!(store.offer().preview, before.offer().preview, "{label}");
    for ending in [Ending::Done, Ending::WaitingUntil(store.now), Ending::Blocked, Ending::Rejected] {
        let mut store = store.clone();
        store.put(report(in_hand(&store), ending, store.now)).unwrap();
        assert_eq!(store.status(), OfferStatus::Canceled, "{label}, then {ending:?}");
        assert_eq!(store.offer().production, before.offer().production, "{label}, then {ending:?}");
        assert_eq!(store.step_statuses().last(), Some(&StepStatus::Canceled), "{label}, then {ending:?}");
        assert!(!store.step_statuses().contains(&StepStatus::Rejected), "{label}, then {ending:?}");
    }
}

fn saved(before: &Store, after: &Store, row: Row, label: &str) {
    let (old, new) = (before.offer(), after.offer());
    assert!(new.changed_at > old.changed_at, "{label}");
    let mut only_the_draft = old.clone();
    only_the_draft.draft = new.draft.clone();
    only_the_draft.changed_at = new.changed_at;
    assert_eq!(*new, only_the_draft, "{label}");
    let expected = match status_of(row, false) {
        _ if row == Row::NeverPublished => before.status(),
        OfferStatus::Failed | OfferStatus::Canceled => OfferStatus::NotStarted,
        status => status,
    };
    assert_eq!(after.status(), expected, "{label}");
}

/// A verdict ends a submission, stops it, or lets it go on (wire contract, section 4).
#[test]
fn a_step_that_waits_for_a_person_takes_each_verdict() {
    for offer_type in type_ids() {
        let mut store = Store::new(offer_type);
        store.go_until(|store| store.step_statuses().contains(&StepStatus::WaitingForApproval));
        let at = store.step_statuses().iter().position(|status| *status == StepStatus::WaitingForApproval).unwrap();
        let (id, step) = (newest(&store).id, newest(&store).steps[at].id.clone());
        assert!(
            newest(&store).steps[at].checks.iter().any(|check| matches!(check.kind, CheckKind::Reviewer { .. })),
            "{offer_type}"
        );
        let give = |store: &mut Store, given| store.put(verdict(id, &step, given)).map(|_| store.step_statuses()[at]);
        let mut rejected = store.clone();
        assert_eq!(give(&mut rejected, Verdict::Reject(reason())), Ok(StepStatus::Rejected), "{offer_type}");
        assert_eq!(rejected.status(), OfferStatus::Failed, "{offer_type}");
        assert!(give(&mut store, Verdict::Unblock).is_err(), "{offer_type}: nothing was blocked");
        assert_eq!(give(&mut store, Verdict::Block(reason())), Ok(StepStatus::Blocked), "{offer_type}");
        assert_eq!(store.status(), OfferStatus::Running, "{offer_type}: a blocked submission runs");
        assert!(give(&mut store, Verdict::Approve).is_err(), "{offer_type}: it is blocked");
        assert_eq!(give(&mut store, Verdict::Unblock), Ok(StepStatus::WaitingForApproval), "{offer_type}");
        assert_eq!(give(&mut store, Verdict::Approve), Ok(StepStatus::Complete), "{offer_type}");
        assert!(give(&mut store, Verdict::Approve).is_err(), "{offer_type}: it was approved");
    }
}
