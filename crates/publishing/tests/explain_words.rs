//! What publishers are told of each kind of state: the sentences, whose turn it is, and the times that are known.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod common;

use common::{OPERATOR_TYPE, Store, cancel, go_live, publish, reason, report, sample, verdict};
use publishing::check::Outside;
use publishing::command::{CheckRef, Command, Ending, Verdict};
use publishing::decide::Answer;
use publishing::explain::{Explanation, Turn, explain};
use publishing::moment::Moment;
use publishing::operation::Operation;
use publishing::pipeline::CheckKind;
use publishing::status::{OfferStatus, StepStatus};
use publishing::ways::Action;

const USUAL: &str = "microsoft-azure-virtualmachines";

fn told(store: &Store) -> Explanation {
    explain(store.offer(), store.now)
}

fn known_time(store: &Store) -> Option<(&'static str, Moment)> {
    told(store).known_time().map(|(then, at)| (then.words(), at))
}

#[track_caller]
fn says(store: &Store, turn: Turn, headline: &str, next: &str) {
    let told = told(store);
    assert_eq!((&*told.headline.to_string(), &*told.next.to_string(), told.turn), (headline, next, turn));
}

fn at(offer_type: &'static str, reached: impl Fn(&Store) -> bool) -> Store {
    let mut store = Store::new(offer_type);
    store.go_until(reached);
    store
}

fn in_status(status: OfferStatus) -> impl Fn(&Store) -> bool {
    move |store| store.status() == status
}

/// The step at hand is this one and so.
fn step(id: &'static str, status: StepStatus) -> impl Fn(&Store) -> bool {
    move |store| {
        let current = store.newest().and_then(Operation::current_step);
        current.is_some_and(|step| step.id == id && step.status() == status)
    }
}

fn due(store: &Store) -> CheckRef {
    store.newest().unwrap().due_checks()[0].0.clone()
}

fn put(store: &mut Store, command: Command) {
    store.put_by_anybody(command).unwrap();
}

fn ends(store: &mut Store, ending: Ending) {
    let report = report(due(store), ending, store.now);
    put(store, report);
}

#[test]
fn before_and_after_a_submission() {
    let mut store = at(USUAL, |_| true);
    says(
        &store,
        Turn::Publisher,
        "Nothing has been published yet.",
        "Your turn: publish the draft when it is complete.",
    );
    put(&mut store, publish());
    says(
        &store,
        Turn::Service,
        "Validate Pre-Requisites begins in a moment.",
        "Nothing to do: the service works on by itself.",
    );
    let due_at = store.newest().unwrap().due_checks()[0].1;
    assert_eq!((told(&store).since, told(&store).until), (store.now, Some(due_at)));
    assert_eq!(known_time(&store), Some(("begins at", due_at)));
    let mut waiting = store.clone();
    waiting.now = due_at.plus_seconds(60);
    let by_itself = "Nothing to do: the service works on by itself.";
    says(&waiting, Turn::Service, "Validate Pre-Requisites waits for its turn.", by_itself);
    // One check is begun and looked at again later; the other one is due sooner, and not begun.
    let mut begun = store.clone();
    let first = due(&begun);
    let later = due_at.plus_seconds(3_600);
    put(&mut begun, Command::StartCheck(first.clone()));
    let again = report(first.clone(), Ending::WaitingUntil(later), begun.now);
    put(&mut begun, again);
    says(&begun, Turn::Service, "Validate Pre-Requisites is in progress.", by_itself);
    assert_eq!(known_time(&begun), Some(("is looked at again at", later)));
    // One is complete, and the other one not begun.
    let done = report(first, Ending::Done, begun.now);
    put(&mut begun, done);
    assert_eq!(told(&begun).step.unwrap().status, StepStatus::InProgress);
    says(&begun, Turn::Service, "Validate Pre-Requisites is in progress.", by_itself);
    let mut canceled = store.clone();
    put(&mut canceled, cancel());
    says(
        &canceled,
        Turn::Publisher,
        "Version 1 was canceled at Validate Pre-Requisites.",
        "Publish again when you want to go on. The draft is kept.",
    );
    canceled.save(&sample(USUAL)).unwrap();
    says(
        &canceled,
        Turn::Publisher,
        "Version 1 was canceled at Validate Pre-Requisites, and the draft was saved after that.",
        "Your turn: publish the draft to start again.",
    );
    let first = due(&store);
    put(&mut store, Command::StartCheck(first));
    says(
        &store,
        Turn::Service,
        "Validate Pre-Requisites is in progress.",
        "Nothing to do: the service works on by itself.",
    );
    let mut failed = store.clone();
    ends(&mut failed, Ending::Rejected);
    says(
        &failed,
        Turn::Publisher,
        "Version 1 failed at Validate Pre-Requisites.",
        "Your turn. Fix the error at Validate Pre-Requisites, then publish again.",
    );
    assert_eq!(told(&failed).errors[0].code.as_deref(), Some("IMG-048"));
    assert_eq!(told(&failed).since, failed.newest().unwrap().changed_at);
    failed.save(&sample(USUAL)).unwrap();
    says(
        &failed,
        Turn::Publisher,
        "Version 1 failed at Validate Pre-Requisites, and the draft was saved after that.",
        "Your turn: publish the draft to start again.",
    );
    let mended = told(&failed);
    assert_eq!((mended.since, mended.step, mended.errors), (failed.offer().draft.saved_at, None, Vec::new()));
    put(&mut store, cancel());
    let next = "Nothing to do: the submission is canceled as soon as the check in hand lets go.";
    says(&store, Turn::Service, "A cancel was asked for.", next);
    // Asked for again: the same answer, and it waits since it was asked for first.
    let (asked_at, document) = (store.newest().unwrap().changed_at, store.document());
    store.now = store.now.plus_seconds(60);
    let operation = store.newest().unwrap().id;
    assert_eq!(store.put(cancel()), Ok(Answer::CancelRequested(operation)));
    says(&store, Turn::Service, "A cancel was asked for.", next);
    assert_eq!((told(&store).since, store.document()), (asked_at, document));
}

#[test]
fn while_a_reviewer_has_it() {
    let mut store = at(USUAL, step("displaycertify", StepStatus::WaitingForApproval));
    says(&store, Turn::Reviewer, "Certification waits for a reviewer.", "Nothing to do: a reviewer decides.");
    assert_eq!(told(&store).until, None, "nobody knows how long a reviewer takes");
    let operation = store.newest().unwrap().id;
    let mut held = store.clone();
    held.by = 1;
    put(&mut held, Command::ClaimReview { operation, step: "displaycertify".into(), queue: None });
    says(&held, Turn::Reviewer, "Certification waits for a reviewer.", "Nothing to do: a reviewer has it in hand.");
    held.now = held.now.plus_seconds(1_800);
    says(&held, Turn::Reviewer, "Certification waits for a reviewer.", "Nothing to do: a reviewer decides.");
    put(&mut store, verdict(operation, "displaycertify", Verdict::Block(reason())));
    says(
        &store,
        Turn::Publisher,
        "Certification is blocked.",
        "Your turn: mend 1 error at Certification; a reviewer unblocks it then, or cancel and publish again.",
    );
    assert_eq!(told(&store).errors.len(), 1);
    let ways: Vec<_> = told(&store).ways.into_iter().map(|way| (way.who, way.action)).collect();
    let (reviewer, publisher) = (Turn::Reviewer, Turn::Publisher);
    assert_eq!(ways, [(reviewer, Action::Unblock), (reviewer, Action::Reject), (publisher, Action::Cancel)]);
}

#[test]
fn while_several_queues_have_it() {
    let mut store = at(OPERATOR_TYPE, step("trial", StepStatus::WaitingForApproval));
    let next = "Nothing to do: a reviewer decides.";
    says(&store, Turn::Reviewer, "Trial waits for reviewers in the queues legal and technical.", next);
    let operation = store.newest().unwrap().id;
    let approve = |queue: &str| Command::GiveVerdict {
        operation,
        step: "trial".into(),
        queue: Some(queue.into()),
        verdict: Verdict::Approve,
    };
    put(&mut store, approve("legal"));
    says(&store, Turn::Reviewer, "Trial waits for a reviewer in the queue technical.", next);
    put(&mut store, approve("technical"));
    says(&store, Turn::Reviewer, "Trial waits for a second reviewer in the queue technical.", next);
}

#[test]
fn while_the_service_or_somebody_outside_works() {
    let mut store = at(USUAL, step("displaydummycertify", StepStatus::InProgress));
    let first = due(&store);
    let later = store.now.plus_seconds(3_600);
    ends(&mut store, Ending::WaitingUntil(later));
    let deadline = store.now.plus_seconds(7_200);
    let mut outside = store.clone();
    let check = &mut outside.offer.as_mut().unwrap().operation.as_mut().unwrap().steps[0].checks[first.check];
    check.kind = CheckKind::Http { checker: "virus-scan".into(), reusable: false };
    check.outside = Some(Outside { deadline: Some(deadline), taken: true, ..Outside::default() });
    says(
        &outside,
        Turn::OutsideSystem,
        "Validate Pre-Requisites waits for a system outside the marketplace.",
        "Nothing to do: it goes on when that system has answered.",
    );
    assert_eq!(told(&outside).until, Some(deadline));
    assert_eq!(known_time(&outside), Some(("has to answer by", deadline)));
    assert!(told(&outside).waits.len() == 2, "and the other check is still to come");
    outside.now = deadline;
    assert_eq!(told(&outside).until, None, "what is over is no time to wait for");

    let paused = |store: &Store| {
        let due = store.newest().map(Operation::due_checks).unwrap_or_default();
        let is_pause =
            |at: &CheckRef| matches!(store.newest().unwrap().check(at).unwrap().kind, CheckKind::Pause { .. });
        !due.is_empty() && due.iter().all(|(at, _)| is_pause(at))
    };
    let store = at(OPERATOR_TYPE, paused);
    says(
        &store,
        Turn::Service,
        "Examination waits for a time to pass.",
        "Nothing to do: it goes on by itself after that.",
    );
    let reached = store.newest().unwrap().steps[0].reached_at.unwrap();
    assert_eq!(known_time(&store), Some(("goes on at", reached.plus_seconds(60))));
}

#[test]
fn at_the_sign_off_and_after_it() {
    let mut store = at(USUAL, in_status(OfferStatus::WaitingForPublisherReview));
    let next = "Your turn: look at the preview, then go live.";
    says(&store, Turn::Publisher, "The preview of version 1 is ready.", next);
    let foreseen = told(&store).cancel.unwrap().words();
    assert_eq!(
        foreseen,
        "The submission is canceled at once. Nothing is live. The preview of version 1 is withdrawn. The draft is kept."
    );
    put(&mut store, go_live());
    let mut begun = store.clone();
    let live = due(&begun);
    put(&mut begun, Command::StartCheck(live));
    ends(&mut begun, Ending::Blocked);
    says(
        &begun,
        Turn::Marketplace,
        "Live is blocked.",
        "Blocked at Live: once the error is mended, the marketplace has to unblock it.",
    );
    let ways: Vec<_> = told(&begun).ways.into_iter().map(|way| (way.who, way.words.to_string())).collect();
    // A reviewer may do it as well as an operator.
    assert_eq!(ways, [(Turn::Marketplace, "Once it is mended, the marketplace unblocks Live.".to_owned())]);
    assert_eq!(
        told(&begun).cancel.unwrap_err().to_string(),
        "Cancel is not possible while the offer's status is `running`. Going live has begun and cannot be stopped; publish again to change what is live."
    );
    store.go_until(in_status(OfferStatus::Succeeded));
    let update = "Nothing to do. To change what is live, publish a changed draft.";
    says(&store, Turn::Nobody, "Version 1 is live.", update);

    // An update that fails, and one that goes live and is taken back.
    put(&mut store, publish());
    let mut failed = store.clone();
    ends(&mut failed, Ending::Rejected);
    says(
        &failed,
        Turn::Publisher,
        "Version 2 failed at Validate Pre-Requisites. Version 1 stays live.",
        "Your turn. Fix the error at Validate Pre-Requisites, then publish again.",
    );
    failed.save(&sample(USUAL)).unwrap();
    says(
        &failed,
        Turn::Publisher,
        "Version 2 failed at Validate Pre-Requisites, and the draft was saved after that. Version 1 stays live.",
        "Your turn: publish the draft to start again.",
    );
    assert_eq!(
        told(&store).cancel.unwrap().words(),
        "The submission is canceled at once. Version 1 stays live. The preview of version 1 stays. The draft is kept."
    );
    store.go_until(in_status(OfferStatus::Succeeded));
    assert_eq!(told(&store).since, store.newest().unwrap().changed_at);
    store.now = store.now.plus_seconds(900);
    put(&mut store, Command::RollBack { from: 2, expected: publishing::command::Expected::Any });
    assert_eq!(told(&store).since, store.now, "since the roll back");
    says(&store, Turn::Nobody, "Version 1 is live: version 2 was rolled back.", update);
}

/// A wait began when it became somebody's turn, and not when the step was reached.
#[test]
fn since_when_somebody_is_waited_for() {
    let mut store = at(OPERATOR_TYPE, step("examine", StepStatus::InProgress));
    let reached = store.newest().unwrap().current_step().unwrap().reached_at.unwrap();
    assert_eq!(told(&store).since, reached);
    store.now = store.now.plus_seconds(600);
    store.go_until(step("examine", StepStatus::WaitingForApproval));
    assert_eq!((told(&store).since, told(&store).turn), (store.now, Turn::Reviewer));
    assert!(store.now > reached);
    let operation = store.newest().unwrap().id;
    store.now = store.now.plus_seconds(600);
    put(&mut store, verdict(operation, "examine", Verdict::Block(reason())));
    assert_eq!(told(&store).since, store.newest().unwrap().changed_at);
    store.now = store.now.plus_seconds(600);
    put(&mut store, verdict(operation, "examine", Verdict::Unblock));
    assert_eq!((told(&store).since, told(&store).turn), (store.now, Turn::Reviewer));

    // A worker's check, mended: the service is at it since then.
    let mut store = at(USUAL, step("displaydummycertify", StepStatus::InProgress));
    while store.newest().unwrap().due_checks().len() > 1 {
        ends(&mut store, Ending::Done);
    }
    ends(&mut store, Ending::Blocked);
    store.now = store.now.plus_seconds(600);
    let operation = store.newest().unwrap().id;
    put(&mut store, verdict(operation, "displaydummycertify", Verdict::Unblock));
    assert_eq!((told(&store).since, told(&store).turn), (store.now, Turn::Service));
}
