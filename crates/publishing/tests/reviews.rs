//! The rules of reviews, by tables: who may claim, release, note and decide, and what that comes to.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use common::{OPERATOR_TYPE, Outcome, PEOPLE, Store, outcome, reason};
use publishing::command::{Command, Reason, Verdict};
use publishing::entry::{Entry, Event};
use publishing::message::Level;
use publishing::operation::{CheckState, Operation, Step};
use publishing::pipeline::CheckKind;
use publishing::refusal::Refusal;
use publishing::review::{HOLD_SECONDS, MOST_NOTES};
use publishing::status::{OfferStatus, StepStatus};
use serde_json::json;
use uuid::Uuid;

const ANA: usize = 1;
const BO: usize = 2;
const CEM: usize = 3;

/// What a row of a table does.
#[derive(Clone, Copy, Debug)]
enum Act {
    Claim(Option<&'static str>),
    Release(Option<&'static str>),
    ReleaseAsOperator,
    Note,
    Approve(Option<&'static str>),
    Reject,
    Block,
    Unblock,
    /// Seconds pass; who does that does not matter.
    Wait(i64),
}

use Act::{Approve, Block, Claim, Note, Reject, Release, ReleaseAsOperator, Unblock, Wait};
use Outcome::{ApprovedAlready, BadRequest, HeldByAnother, Recorded, ReviewNotAwaited, SubmittedByYou};

/// An offer of the operator's type whose step `trial` waits: one check in queue `legal`, one in `technical` that two approve.
fn at_trial(submitter: usize) -> Store {
    let mut store = Store::new(OPERATOR_TYPE);
    store.go_until(|store| store.status() == OfferStatus::NeverPublished);
    store.by = submitter;
    store.put(common::publish()).unwrap();
    store.by = 0;
    store.go_until(|store| trial(store).status() == StepStatus::WaitingForApproval);
    store
}

fn operation(store: &Store) -> &Operation {
    store.newest().unwrap()
}

fn trial(store: &Store) -> &Step {
    store.newest().map(|operation| operation.steps.iter().find(|step| step.id == "trial").unwrap()).unwrap()
}

fn command(store: &Store, act: Act) -> Command {
    let (id, step) = (operation(store).id, "trial".to_owned());
    let queue = |queue: Option<&str>| queue.map(str::to_owned);
    let verdict =
        |given, verdict| Command::GiveVerdict { operation: id, step: step.clone(), queue: queue(given), verdict };
    match act {
        Claim(given) => Command::ClaimReview { operation: id, step, queue: queue(given) },
        Release(given) => Command::ReleaseReview { operation: id, step, queue: queue(given), by_operator: false },
        ReleaseAsOperator => Command::ReleaseReview { operation: id, step, queue: None, by_operator: true },
        Note => Command::AddNote { operation: id, step, queue: None, text: "Seen.".into(), public: false },
        Approve(given) => verdict(given, Verdict::Approve),
        Reject => verdict(None, Verdict::Reject(reason())),
        Block => verdict(None, Verdict::Block(reason())),
        Unblock => verdict(None, Verdict::Unblock),
        Wait(_) => panic!("nobody does that"),
    }
}

fn play(store: &mut Store, rows: &[(usize, Act, Outcome)]) {
    for (at, (by, act, expected)) in rows.iter().enumerate() {
        if let Wait(seconds) = act {
            store.now = store.now.plus_seconds(*seconds);
            continue;
        }
        store.by = *by;
        let command = command(store, *act);
        let result = store.put(command);
        assert_eq!(outcome(&result), *expected, "row {at}: {act:?} by {}: {result:?}", PEOPLE[*by].0);
    }
}

const LEGAL: Option<&str> = Some("legal");
const TECHNICAL: Option<&str> = Some("technical");

#[test]
fn claims_keep_others_away_until_they_end() {
    let half = HOLD_SECONDS / 2;
    play(
        &mut at_trial(0),
        &[
            (ANA, Claim(LEGAL), Recorded),
            (BO, Claim(LEGAL), HeldByAnother),
            (BO, Approve(LEGAL), HeldByAnother),
            (BO, Release(LEGAL), HeldByAnother),
            // Without a queue it is the one that is free.
            (BO, Claim(None), Recorded),
            (CEM, Claim(None), HeldByAnother),
            (CEM, Claim(Some("nowhere")), BadRequest),
            // Notes need no hold.
            (CEM, Note, Recorded),
            (ANA, Wait(half), Recorded),
            (ANA, Claim(LEGAL), Recorded),
            (ANA, Wait(half + 1), Recorded),
            (CEM, Claim(LEGAL), HeldByAnother),
            (CEM, Claim(TECHNICAL), Recorded),
            (ANA, Wait(half), Recorded),
            (BO, Approve(LEGAL), Recorded),
        ],
    );
}

#[test]
fn a_hold_ends_at_its_very_moment() {
    let table = [(HOLD_SECONDS - 1, HeldByAnother), (HOLD_SECONDS, Recorded)];
    for (seconds, expected) in table {
        let rows = [(ANA, Claim(LEGAL), Recorded), (0, Wait(seconds), Recorded), (BO, Claim(LEGAL), expected)];
        play(&mut at_trial(0), &rows);
        let rows = [(ANA, Claim(LEGAL), Recorded), (0, Wait(seconds), Recorded), (BO, Approve(LEGAL), expected)];
        play(&mut at_trial(0), &rows);
    }
}

#[test]
fn a_hold_is_released_by_its_holder_or_an_operator() {
    play(
        &mut at_trial(0),
        &[
            (ANA, Release(None), ReviewNotAwaited),
            (ANA, Claim(LEGAL), Recorded),
            (BO, Release(None), HeldByAnother),
            (ANA, Release(None), Recorded),
            (BO, Claim(LEGAL), Recorded),
            (ANA, ReleaseAsOperator, Recorded),
            (ANA, ReleaseAsOperator, ReviewNotAwaited),
            (ANA, Claim(LEGAL), Recorded),
            (ANA, Wait(HOLD_SECONDS), Recorded),
            (ANA, Release(LEGAL), ReviewNotAwaited),
        ],
    );
}

#[test]
fn two_people_approve_where_two_have_to() {
    let mut store = at_trial(0);
    play(&mut store, &[(ANA, Approve(TECHNICAL), Recorded)]);
    let technical = &trial(&store).checks[1];
    assert_eq!((technical.state, technical.review.approvals.len()), (CheckState::AwaitingPerson, 1));
    let said = technical.messages.last().unwrap();
    assert_eq!((said.code.as_deref(), said.text.as_str()), (Some("ReviewerApproved"), "1 of 2 reviewers approved."));
    let Event::VerdictGiven { came_to, queue, .. } = &store.journal.last().unwrap().event else { panic!() };
    assert_eq!((*came_to, queue.as_deref()), (Some(CheckState::AwaitingPerson), TECHNICAL));
    play(
        &mut store,
        &[
            (ANA, Approve(TECHNICAL), ApprovedAlready),
            // Which one she means is not guessed: what is asked twice must not decide twice.
            (ANA, Approve(None), BadRequest),
            (ANA, Approve(LEGAL), Recorded),
            (ANA, Approve(None), ApprovedAlready),
        ],
    );
    assert_eq!((trial(&store).status(), trial(&store).progress_percentage()), (StepStatus::WaitingForApproval, 50));
    play(&mut store, &[(BO, Approve(None), Recorded)]);
    assert_eq!((trial(&store).status(), trial(&store).progress_percentage()), (StepStatus::Complete, 100));
}

#[test]
fn one_no_is_enough_and_an_unblock_forgets_the_yes() {
    let mut store = at_trial(0);
    play(&mut store, &[(BO, Approve(LEGAL), Recorded), (ANA, Approve(TECHNICAL), Recorded), (BO, Block, Recorded)]);
    let technical = &trial(&store).checks[1];
    assert_eq!((technical.state, technical.review.approvals.len()), (CheckState::Blocked, 1), "it can still be read");
    play(&mut store, &[(CEM, Approve(None), ReviewNotAwaited), (CEM, Unblock, Recorded)]);
    assert!(trial(&store).checks[1].review.approvals.is_empty());
    play(&mut store, &[(ANA, Approve(None), Recorded), (ANA, Reject, Recorded)]);
    assert_eq!(store.status(), OfferStatus::Failed);
    play(
        &mut store,
        &[(BO, Approve(None), ReviewNotAwaited), (BO, Claim(None), ReviewNotAwaited), (BO, Note, ReviewNotAwaited)],
    );
}

#[test]
fn whoever_submitted_has_no_say() {
    let mut store = at_trial(ANA);
    for act in [Claim(None), Note, Approve(None), Reject, Block] {
        play(&mut store, &[(ANA, act, SubmittedByYou)]);
    }
    play(&mut store, &[(BO, Block, Recorded), (ANA, Unblock, SubmittedByYou), (BO, Unblock, Recorded)]);
    // Whoever signed off has none in what follows.
    let mut store = at_trial(0);
    store.go_until(|store| store.status() == OfferStatus::WaitingForPublisherReview);
    store.by = ANA;
    store.put(common::go_live()).unwrap();
    let id = operation(&store).id;
    let approve =
        Command::GiveVerdict { operation: id, step: "inspect".into(), queue: None, verdict: Verdict::Approve };
    store.by = 0;
    store.go_until(|store| {
        store.newest().unwrap().current_step().unwrap().id == "inspect"
            && store.newest().unwrap().due_checks().is_empty()
    });
    store.by = ANA;
    assert_eq!(outcome(&store.put(approve.clone())), SubmittedByYou);
    store.by = BO;
    assert_eq!(outcome(&store.put(approve)), Recorded);
}

#[test]
fn a_verdict_without_a_queue_is_about_what_one_holds() {
    let mut store = at_trial(0);
    play(&mut store, &[(ANA, Claim(TECHNICAL), Recorded), (ANA, Approve(None), Recorded)]);
    let [legal, technical] = &trial(&store).checks[..] else { panic!() };
    assert_eq!((legal.review.approvals.len(), technical.review.approvals.len()), (0, 1));
    assert_eq!(technical.review.hold, None, "a verdict ends the hold");
}

#[test]
fn notes_are_for_the_publisher_where_they_are_public() {
    let mut store = at_trial(0);
    store.by = ANA;
    let id = operation(&store).id;
    let note = |text: &str, public| Command::AddNote {
        operation: id,
        step: "trial".into(),
        queue: None,
        text: text.into(),
        public,
    };
    store.put(note("for reviewers alone", false)).unwrap();
    store.put(note("for all", true)).unwrap();
    let check = &trial(&store).checks[0];
    let said: Vec<_> =
        check.messages.iter().map(|said| (said.level, said.code.as_deref(), said.text.as_str())).collect();
    assert_eq!(said, [(Level::Information, Some("ReviewerNote"), "for all")]);
    assert_eq!(check.review.notes.len(), 2);
    let journal = serde_json::to_string(&store.journal).unwrap();
    assert!(!journal.contains("for reviewers alone") && journal.contains("for all"));
    let lines = store.journal.iter().filter(|entry| matches!(entry.event, Event::NoteAdded { .. }));
    assert_eq!(lines.count(), 2, "that there was a note is recorded");
    for _ in 2..MOST_NOTES {
        store.put(note("more", false)).unwrap();
    }
    assert!(matches!(store.put(note("too many", false)), Err(Refusal::ReviewNotAwaited { .. })));
}

#[test]
fn a_reason_reaches_the_publisher_whole() {
    let mut store = at_trial(0);
    store.by = BO;
    let given = Reason {
        code: Some("IMG-048".into()),
        target: Some("/definition/offer".into()),
        text: "The logo is small.".into(),
        mend: Some("Upload 48 x 48.".into()),
        link: Some("https://rules.example/IMG-048".into()),
    };
    let verdict = Verdict::Reject(given.clone());
    let id = operation(&store).id;
    store.put(Command::GiveVerdict { operation: id, step: "trial".into(), queue: None, verdict }).unwrap();
    let said = trial(&store).checks[0].messages.last().unwrap().clone();
    assert_eq!((said.level, said.code, said.target), (Level::Error, given.code, given.target));
    assert_eq!((said.text, said.mend, said.link), (given.text, given.mend, given.link));
}

/// What older programs wrote is still read.
#[test]
fn lines_and_records_from_before_there_were_queues_are_read() {
    let line = json!({"at": 638_000_000_000_000_000_i64, "actor": "amina", "event": "verdictGiven", "operation": Uuid::nil(),
        "step": "review", "verdict": {"reject": {"code": "IMG-048", "text": "No."}}});
    let entry: Entry = serde_json::from_value(line.clone()).unwrap();
    let Event::VerdictGiven { queue: None, came_to: None, verdict: Verdict::Reject(reason), .. } = &entry.event else {
        panic!("{entry:?}");
    };
    assert_eq!((reason.mend.as_ref(), reason.link.as_ref()), (None, None));
    assert_eq!(serde_json::to_value(&entry).unwrap(), line, "and is written as it was");
    let mut record = serde_json::to_value(operation(&at_trial(0))).unwrap();
    for step in record["steps"].as_array_mut().unwrap() {
        for check in step["checks"].as_array_mut().unwrap() {
            check.as_object_mut().unwrap().remove("review");
            if check["kind"]["kind"] == "reviewer" {
                check["kind"] = json!({"kind": "reviewer"});
            }
        }
    }
    let read: Operation = serde_json::from_value(record).unwrap();
    let mut checks = read.steps.iter().flat_map(|step| &step.checks);
    assert!(checks.any(|check| check.kind == CheckKind::reviewer()));
}

#[test]
fn the_word_of_a_kind_is_the_one_in_files() {
    for check in operation(&at_trial(0)).steps.iter().flat_map(|step| &step.checks) {
        assert_eq!(serde_json::to_value(&check.kind).unwrap()["kind"], check.kind.word());
    }
}
