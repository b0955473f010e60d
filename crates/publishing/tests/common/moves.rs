//! The moves of the random walks: what somebody tries, and the command that it is at that moment.

use crate::common::{PEOPLE, Store, reason, report, sample, type_ids};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use publishing::command::{Audience, CheckRef, Command, Ending, Expected, Verdict};
use publishing::durations::Range;
use publishing::moment::{Moment, TICKS_PER_SECOND};
use publishing::operation::Operation;
use publishing::review::HOLD_SECONDS;
use serde_json::json;
use uuid::Uuid;

/// Moves in the longest walk.
const LONGEST: usize = 60;

/// What somebody tries. Numbers pick among what there is at that moment.
#[derive(Clone, Debug)]
pub enum Move {
    /// The command that brings the offer nearer to production.
    Onward,
    Save(Written, Seen),
    Publish(Seen),
    GoLive(Seen),
    Cancel(Seen),
    RollBack(Seen),
    /// Of a plan that is live or not, private or not.
    Synchronise(Seen, bool),
    Verdict(Which, usize, Queue, Given),
    Claim(Which, usize, Queue),
    /// With the word whether an operator asks.
    Release(Which, usize, Queue, bool),
    /// With the word whether it is public.
    Note(Which, usize, Queue, bool),
    Start(Pick),
    Report(Pick, End),
    /// The step at hand or another one, and after how many seconds such steps are late.
    Late(Which, usize, i64),
    /// The operator changes all pipelines, or changes them back.
    Replan,
    /// The service is at another address.
    RenewLinks,
}

/// What a PUT sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    Sample,
    /// With one more plan, and without a test drive.
    Extended,
    /// With the first plan made private.
    Private,
    WithoutTitle,
    NoObject,
    NoJson,
    OtherType,
    UnknownType,
    /// The sample, its type in capitals.
    Shouted,
}

/// What the caller says it has seen.
#[derive(Clone, Copy, Debug)]
pub enum Seen {
    Unstated,
    Any,
    Current,
    CurrentAmongOthers,
    Stale,
    Nothing,
}

#[derive(Clone, Copy, Debug)]
pub enum Which {
    Newest,
    Older,
    Invented,
}

/// Which queue is named.
#[derive(Clone, Copy, Debug)]
pub enum Queue {
    Unnamed,
    First,
    Last,
    Invented,
}

#[derive(Clone, Copy, Debug)]
pub enum Given {
    Approve,
    Reject,
    Block,
    Unblock,
}

/// Which check.
#[derive(Clone, Copy, Debug)]
pub enum Pick {
    Due(usize),
    Any(Which, usize, usize),
}

#[derive(Clone, Copy, Debug)]
pub enum End {
    Done,
    Waiting,
    Blocked,
    Rejected,
}

/// A walk: each move with the ticks that pass before it, and who makes it; now and then the clock goes back, or a hold ends.
pub fn moves() -> impl Strategy<Value = Vec<(i64, usize, Move)>> {
    let ticks = prop_oneof![
        8 => Just(0),
        8 => 0..100 * TICKS_PER_SECOND,
        2 => -3 * TICKS_PER_SECOND..0,
        1 => Just(HOLD_SECONDS * TICKS_PER_SECOND)
    ];
    let by = prop_oneof![2 => Just(0_usize), 3 => 1..PEOPLE.len()];
    vec((ticks, by, a_move()), 1..=LONGEST)
}

fn a_move() -> impl Strategy<Value = Move> {
    let written = || {
        use Written::{Extended, NoJson, NoObject, OtherType, Private, Sample, Shouted, UnknownType, WithoutTitle};
        prop_oneof![
            6 => Just(Sample),
            6 => select(vec![Extended, Private, Shouted]),
            2 => select(vec![WithoutTitle, NoObject, NoJson, OtherType, UnknownType])
        ]
    };
    let seen = || {
        use Seen::{Any, Current, CurrentAmongOthers, Nothing, Stale, Unstated};
        prop_oneof![6 => select(vec![Unstated, Any, Current, CurrentAmongOthers]), 1 => select(vec![Stale, Nothing])]
    };
    let which = || prop_oneof![6 => Just(Which::Newest), 1 => Just(Which::Older), 1 => Just(Which::Invented)];
    let queue = || {
        prop_oneof![
            6 => Just(Queue::Unnamed),
            2 => Just(Queue::First),
            2 => Just(Queue::Last),
            1 => Just(Queue::Invented)
        ]
    };
    let given =
        select(vec![Given::Approve, Given::Approve, Given::Block, Given::Unblock, Given::Unblock, Given::Reject]);
    let pick = || {
        prop_oneof![
            5 => any::<usize>().prop_map(Pick::Due),
            1 => (which(), 0..9_usize, 0..5_usize).prop_map(|(which, step, check)| Pick::Any(which, step, check))
        ]
    };
    let end = prop_oneof![
        6 => Just(End::Done),
        2 => Just(End::Waiting),
        2 => Just(End::Blocked),
        1 => Just(End::Rejected)
    ];
    prop_oneof![
        40 => Just(Move::Onward),
        4 => (written(), seen()).prop_map(|(written, seen)| Move::Save(written, seen)),
        3 => seen().prop_map(Move::Publish),
        3 => seen().prop_map(Move::GoLive),
        3 => seen().prop_map(Move::Cancel),
        3 => seen().prop_map(Move::RollBack),
        2 => (seen(), any::<bool>()).prop_map(|(seen, known)| Move::Synchronise(seen, known)),
        14 => (which(), any::<usize>(), queue(), given)
            .prop_map(|(which, step, queue, given)| Move::Verdict(which, step, queue, given)),
        8 => (which(), any::<usize>(), queue()).prop_map(|(which, step, queue)| Move::Claim(which, step, queue)),
        3 => (which(), any::<usize>(), queue(), any::<bool>())
            .prop_map(|(which, step, queue, by_operator)| Move::Release(which, step, queue, by_operator)),
        2 => (which(), any::<usize>(), queue(), any::<bool>())
            .prop_map(|(which, step, queue, public)| Move::Note(which, step, queue, public)),
        10 => pick().prop_map(Move::Start),
        14 => (pick(), end).prop_map(|(pick, end)| Move::Report(pick, end)),
        8 => (which(), 0..12_usize, select(vec![0, 50, 90, 100_000]))
            .prop_map(|(which, step, high)| Move::Late(which, step, high)),
        1 => Just(Move::Replan),
        1 => Just(Move::RenewLinks)
    ]
}

/// The draft's text and type. The first plan of each sample is public.
fn written(store: &Store, written: Written) -> (String, String) {
    let own = store.offer_type.to_owned();
    let mut definition = sample(store.offer_type);
    match written {
        Written::Sample => {}
        Written::Extended => {
            let mut plan = definition["plans"][0].clone();
            plan["planId"] = json!("added");
            definition["plans"].as_array_mut().unwrap().push(plan);
            definition["offer"]["microsoft-azure-marketplace-testdrive.enabled"] = json!(false);
        }
        Written::Private => {
            definition["plans"][0]["restrictedAudience"] = json!({ "uploadedCsvUri": "https://contoso.example/a.csv" });
        }
        Written::WithoutTitle => {
            drop(definition["offer"].as_object_mut().unwrap().remove("microsoft-azure-marketplace.title"))
        }
        Written::NoObject => definition = json!([]),
        Written::NoJson => return (own, "{".to_owned()),
        Written::OtherType => {
            let other = type_ids().into_iter().find(|id| *id != own).unwrap();
            return (other.to_owned(), sample(other).to_string());
        }
        Written::UnknownType => return ("contoso-unknown".to_owned(), definition.to_string()),
        Written::Shouted => return (own.to_uppercase(), definition.to_string()),
    }
    (own, definition.to_string())
}

fn expected(store: &Store, seen: Seen) -> Expected {
    let stale = Moment::from_ticks(7);
    let current = store.offer.as_ref().map_or(stale, |offer| offer.changed_at);
    match seen {
        Seen::Unstated => Expected::Unstated,
        Seen::Any => Expected::Any,
        Seen::Current => Expected::OneOf(vec![current]),
        Seen::CurrentAmongOthers => Expected::OneOf(vec![stale, current]),
        Seen::Stale => Expected::OneOf(vec![stale]),
        Seen::Nothing => Expected::OneOf(Vec::new()),
    }
}

fn which(store: &Store, which: Which) -> (Uuid, Option<&Operation>) {
    let back = match which {
        Which::Newest => 1,
        Which::Older => 2,
        Which::Invented => usize::MAX,
    };
    let operation = store.operations.len().checked_sub(back).map(|at| &store.operations[at]);
    (operation.map_or(Uuid::from_u128(u128::MAX), |operation| operation.id), operation)
}

fn check(store: &Store, pick: Pick) -> CheckRef {
    match pick {
        Pick::Due(number) => {
            let due = store.newest().map(Operation::due_checks).unwrap_or_default();
            if due.is_empty() {
                return check(store, Pick::Any(Which::Newest, number % 9, number % 5));
            }
            due[number % due.len()].0.clone()
        }
        Pick::Any(operation, step, check) => CheckRef { operation: which(store, operation).0, step, check },
    }
}

/// The step at hand more often than not; one past the last is a step that nobody knows.
fn place(store: &Store, operation: Which, step: usize, queue: Queue) -> (Uuid, String, Option<String>) {
    let (id, operation) = which(store, operation);
    let steps = operation.map(|operation| operation.steps.as_slice()).unwrap_or_default();
    let current = operation.and_then(Operation::current_step).filter(|_| !step.is_multiple_of(3));
    let step = current.or_else(|| steps.get(step % (steps.len() + 1)));
    let mut queues = step.iter().flat_map(|step| &step.checks).filter_map(|check| check.kind.queue());
    let queue = match queue {
        Queue::Unnamed => None,
        Queue::First => queues.next(),
        Queue::Last => queues.next_back(),
        Queue::Invented => Some("invented"),
    };
    (id, step.map_or("invented", |step| &step.id).to_owned(), queue.map(str::to_owned))
}

pub fn command(store: &Store, chosen: &Move) -> Command {
    match *chosen {
        Move::Onward => store.onward(),
        Move::Save(what, seen) => {
            let (offer_type, definition) = written(store, what);
            Command::SaveDraft { offer_type, definition: definition.into(), expected: expected(store, seen) }
        }
        Move::Publish(seen) => {
            Command::Publish { emails: vec!["jonas@contoso.example".into()], expected: expected(store, seen) }
        }
        Move::GoLive(seen) => Command::GoLive { expected: expected(store, seen) },
        Move::RollBack(seen) => {
            let live = store.offer.as_ref().and_then(|offer| offer.production).unwrap_or(1);
            Command::RollBack { from: live, expected: expected(store, seen) }
        }
        Move::Synchronise(seen, known) => {
            let first = store.offer.as_ref().and_then(|offer| offer.live_plans.first());
            let plan = first.filter(|_| known).map_or_else(|| "invented".to_owned(), |plan| plan.id.clone());
            let audience = Audience::new(plan, "ab".repeat(32), 3);
            Command::SynchroniseAudiences { audiences: vec![audience], expected: expected(store, seen) }
        }
        Move::Cancel(seen) => Command::Cancel { expected: expected(store, seen) },
        Move::Verdict(operation, step, queue, given) => {
            let (operation, step, queue) = place(store, operation, step, queue);
            let verdict = match given {
                Given::Approve => Verdict::Approve,
                Given::Reject => Verdict::Reject(reason()),
                Given::Block => Verdict::Block(reason()),
                Given::Unblock => Verdict::Unblock,
            };
            Command::GiveVerdict { operation, step, queue, verdict }
        }
        Move::Claim(operation, step, queue) => {
            let (operation, step, queue) = place(store, operation, step, queue);
            Command::ClaimReview { operation, step, queue }
        }
        Move::Release(operation, step, queue, by_operator) => {
            let (operation, step, queue) = place(store, operation, step, queue);
            Command::ReleaseReview { operation, step, queue, by_operator }
        }
        Move::Note(operation, step, queue, public) => {
            let (operation, step, queue) = place(store, operation, step, queue);
            Command::AddNote { operation, step, queue, text: "The lab was asked.".into(), public }
        }
        Move::Start(pick) => Command::StartCheck(check(store, pick)),
        Move::Report(pick, end) => report(
            check(store, pick),
            match end {
                End::Done => Ending::Done,
                End::Waiting => Ending::WaitingUntil(store.now.plus_seconds(60)),
                End::Blocked => Ending::Blocked,
                End::Rejected => Ending::Rejected,
            },
            store.now,
        ),
        Move::Late(operation, step, high) => {
            let (operation, found) = which(store, operation);
            let at_hand = found.and_then(|operation| Some((operation, operation.current_step()?)));
            let at_hand = at_hand.and_then(|(operation, step)| operation.steps.iter().position(|one| one == step));
            let high = high * TICKS_PER_SECOND;
            let usual = Range { median: high / 2, low: 0, high, samples: 7 };
            Command::NoteLate {
                operation,
                step: at_hand.filter(|_| step > 2).unwrap_or(step),
                usual,
                tells_figures: true,
            }
        }
        Move::Replan => Command::Replan,
        Move::RenewLinks => Command::RenewLinks,
    }
}
