//! Learned durations: a back-test over distributions that drift, and which runs of steps are samples at all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod common;

use common::{Store, publish, reason, report, type_ids, verdict};
use publishing::command::{Command, Ending, Verdict};
use publishing::durations::{Durations, Ended, FEWEST, NEWEST, Range, ended_before, ended_steps, watched};
use publishing::entry::Event;
use publishing::moment::{Moment, TICKS_PER_SECOND};
use publishing::operation::Course;
use publishing::status::{OfferStatus, StepStatus};
use std::f64::consts::TAU;

const RUNS: usize = 6_000;
const HOUR: f64 = 3_600.0 * TICKS_PER_SECOND as f64;

/// SplitMix64, seeded: the same runs every time.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Log-normal with this mean of the logarithm.
    fn log_normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let (radius, angle) = ((-2.0 * (1.0 - self.uniform()).ln()).sqrt(), TAU * self.uniform());
        (mean + deviation * radius * angle.cos()).exp()
    }
}

type Kind = (&'static str, fn(&mut Random, f64) -> f64);

/// How many hours the run number `at` takes.
const KINDS: [Kind; 9] = [
    ("still", |random, _| random.log_normal(2.0, 0.6)),
    ("grows 1 % in ten runs", |random, at| random.log_normal(at / 1_000.0, 0.5)),
    ("shrinks 1 % in ten runs", |random, at| random.log_normal(8.0 - at / 1_000.0, 0.5)),
    ("threefold and back in 600 runs", |random, at| random.log_normal(2.0 + 0.55 * (TAU * at / 600.0).sin(), 0.5)),
    ("daily cycle", |random, at| random.log_normal(2.0 + 0.8 * (TAU * at / 24.0).sin(), 0.4)),
    ("machine or person", |random, _| {
        if random.uniform() < 0.6 { random.log_normal(-3.5, 0.3) } else { random.log_normal(2.2, 0.5) }
    }),
    ("ever more often a person", |random, at| {
        let by_machine = 0.9 - 0.8 * at / RUNS as f64;
        if random.uniform() < by_machine { random.log_normal(-3.5, 0.3) } else { random.log_normal(2.2, 0.5) }
    }),
    ("heavy tail", |random, _| (1.0 - random.uniform()).powf(-1.0 / 1.1)),
    ("a new regime every 1,000 runs", |random, at| {
        random.log_normal(if ((at / 1_000.0) as u64).is_multiple_of(2) { 1.0 } else { 2.1 }, 0.5)
    }),
];

#[derive(Default)]
struct Share(usize, usize);

impl Share {
    fn count(&mut self, inside: bool) {
        self.0 += usize::from(inside);
        self.1 += 1;
    }

    fn percent(&self) -> f64 {
        100.0 * self.0 as f64 / self.1 as f64
    }
}

fn runs(seed: u64, kind: fn(&mut Random, f64) -> f64) -> Vec<i64> {
    let mut random = Random(seed);
    (0..RUNS).map(|at| (kind(&mut random, at as f64) * HOUR) as i64).collect()
}

/// What was known before run number `at`.
fn known(runs: &[i64], at: usize) -> Durations {
    Durations::new(runs[..at].iter().rev().copied())
}

fn assert_nine_in_ten(what: &str, share: &Share) {
    println!("{what}: {:.1} % of {}", share.percent(), share.1);
    assert!((85.0..=95.0).contains(&share.percent()), "{what}: {:.1} %", share.percent());
}

/// Each run is predicted from those before it.
#[test]
fn nine_in_ten_end_before_the_upper_bound_whatever_drifts() {
    let mut all = Share::default();
    for (name, kind) in KINDS {
        let mut share = Share::default();
        for seed in 0..3 {
            let runs = runs(seed, kind);
            for at in FEWEST..runs.len() {
                let range = known(&runs, at).range().unwrap();
                assert!(range.low <= range.median && range.median <= range.high && range.samples == at.min(NEWEST));
                share.count(runs[at] <= range.high);
                all.count(runs[at] <= range.high);
            }
        }
        assert_nine_in_ten(name, &share);
    }
    assert_nine_in_ten("all", &all);
}

/// A sudden change is not foreseen. Of as many runs as are kept, six in ten end before the upper bound all the same, and of
/// those after them nine in ten.
#[test]
fn a_sudden_change_is_learned_once_as_many_runs_are_new_as_are_kept() {
    let (mut first, mut after) = (Share::default(), Share::default());
    for seed in 0..200 {
        let mut random = Random(seed);
        let runs: Vec<i64> =
            (0..400).map(|at| (random.log_normal(if at < 200 { 1.0 } else { 3.0 }, 0.4) * HOUR) as i64).collect();
        for at in 200..400 {
            let inside = runs[at] <= known(&runs, at).range().unwrap().high;
            if at < 200 + NEWEST { first.count(inside) } else { after.count(inside) }
        }
    }
    println!("sevenfold at once, in the next {NEWEST} runs: {:.1} %", first.percent());
    assert!(first.percent() >= 60.0, "{:.1} %", first.percent());
    assert_nine_in_ten("sevenfold at once, after that", &after);
}

/// The share of runs that end before what is known when they begin, where runs begin at their times and go side by side: only
/// what has ended by then is known, in the order in which it ended.
///
/// Gives back how many were in flight at once, on average.
fn side_by_side(arrivals: &[(i64, i64)], share: &mut Share, from: usize) -> f64 {
    let mut ends: Vec<(i64, i64)> = arrivals.iter().map(|(begun, took)| (begun + took, *took)).collect();
    ends.sort_unstable();
    let mut in_flight = 0;
    for (at, (begun, took)) in arrivals.iter().enumerate().skip(from) {
        let ended = ends.partition_point(|(end, _)| end <= begun);
        in_flight += at - ended.min(at);
        if let Some(range) = Durations::new(ends[..ended].iter().rev().map(|(_, took)| *took)).range() {
            share.count(*took <= range.high);
        }
    }
    in_flight as f64 / (arrivals.len() - from) as f64
}

/// One run begins in every so many hours, on average, by chance.
fn arriving(seed: u64, kind: fn(&mut Random, f64) -> f64, hours: f64) -> Vec<(i64, i64)> {
    let (mut random, mut now) = (Random(seed + 7_000), 0.0);
    let begun = std::iter::repeat_with(|| {
        now -= (1.0 - random.uniform()).ln() * hours * HOUR;
        now as i64
    });
    begun.zip(runs(seed, kind)).collect()
}

/// Under a steady load it holds with several in flight; a new type in a burst, or a sudden change, is learned only as runs end.
#[test]
fn it_holds_side_by_side_under_a_steady_load_and_not_in_a_burst() {
    for (name, kind) in KINDS {
        for hours in [24.0, 4.0, 1.0] {
            let (mut share, mut in_flight) = (Share::default(), 0.0);
            for seed in 0..3 {
                in_flight += side_by_side(&arriving(seed, kind, hours), &mut share, 200) / 3.0;
            }
            println!("{name}, one in {hours} hours, {in_flight:.1} in flight: {:.1} %", share.percent());
            if in_flight <= 20.0 {
                assert_nine_in_ten(&format!("{name}, one in {hours} hours"), &share);
            }
        }
    }
    // A type that nobody has published before, 200 at once within two hours: the machine's runs end first, and teach first.
    let mut burst = Share::default();
    for seed in 0..100 {
        let arrivals: Vec<_> = arriving(seed, KINDS[5].1, 0.01).into_iter().take(200).collect();
        let _ = side_by_side(&arrivals, &mut burst, 0);
    }
    println!("a burst of a new type, machine or person: {:.1} %", burst.percent());
    // Sevenfold at once, one an hour: what is slow teaches late.
    let mut sudden = Share::default();
    for seed in 0..100 {
        let kind = |random: &mut Random, at: f64| random.log_normal(if at < 200.0 { 1.0 } else { 3.0 }, 0.4);
        let arrivals: Vec<_> = arriving(seed, kind, 1.0).into_iter().take(200 + NEWEST).collect();
        let _ = side_by_side(&arrivals, &mut sudden, 200);
    }
    println!("sevenfold at once, side by side, in the next {NEWEST} runs: {:.1} %", sudden.percent());
}

/// Few samples, each number of them by itself.
#[test]
fn from_the_fifth_sample_on_it_holds() {
    for samples in FEWEST..=20 {
        for (name, kind) in [KINDS[0], KINDS[7]] {
            let runs: Vec<i64> = (0..4).flat_map(|seed| runs(100 + seed, kind)).collect();
            let mut share = Share::default();
            for some in runs.chunks_exact(samples + 1) {
                let (earlier, next) = some.split_at(samples);
                share.count(next[0] <= Durations::new(earlier.iter().copied()).range().unwrap().high);
            }
            assert_nine_in_ten(&format!("{samples} samples, {name}"), &share);
        }
        assert!(Durations::new(0..4).range().is_none());
    }
}

/// What is told of a run that has taken a while already holds for those that are still running then.
#[test]
fn of_those_still_running_nine_in_ten_end_before_what_is_told_then() {
    for (name, kind) in KINDS {
        let mut shares = [Share::default(), Share::default(), Share::default()];
        for seed in 10..13 {
            let runs = runs(seed, kind);
            for at in NEWEST..runs.len() {
                let durations = known(&runs, at);
                let range = durations.range().unwrap();
                // As spent: an instant, what one in ten took, and half of what most take.
                for (share, spent) in shares.iter_mut().zip([1, range.low, range.median]) {
                    let Some(told) = durations.after(spent).filter(|_| runs[at] > spent) else { continue };
                    assert!(spent < told.low && told.low <= told.median && told.median <= told.high);
                    share.count(runs[at] <= told.high);
                }
            }
        }
        for (when, share) in ["at once", "after the low", "after the median"].iter().zip(&shares) {
            assert_nine_in_ten(&format!("{name}, {when}"), share);
        }
    }
}

#[test]
fn what_took_longer_than_nearly_all_has_no_range_left() {
    let durations = Durations::new(1..=20);
    let range = durations.range().unwrap();
    assert_eq!((range.low, range.median, range.high, range.samples), (2, 10, 19, 20));
    let after = durations.after(10).unwrap();
    assert_eq!((after.low, after.median, after.high, after.samples), (11, 15, 20, 10));
    assert_eq!(durations.after(15).unwrap().samples, FEWEST);
    assert!(durations.after(16).is_none() && durations.after(1_000).is_none());
    assert!(Durations::default().after(0).is_none());
}

/// Goes to production with every minute counted; gives what the decisions ended, oldest first.
fn through(store: &mut Store, mut hinder: impl FnMut(&Store, &Command) -> Option<Command>) -> Vec<Ended> {
    let mut ended = Vec::new();
    for _ in 0..200 {
        let onward = store.onward();
        let command = hinder(store, &onward).unwrap_or(onward);
        let before = store.newest().cloned();
        store.now = store.now.plus_seconds(60);
        store.put_by_anybody(command).unwrap();
        ended.extend(ended_steps(before.as_ref(), store.newest(), store.now));
        if matches!(store.status(), OfferStatus::Succeeded | OfferStatus::Failed) {
            break;
        }
    }
    ended
}

/// What is learned as it happens and what is left of it afterwards say the same.
#[test]
fn every_step_that_somebody_works_on_is_a_sample_once() {
    for offer_type in type_ids() {
        let mut store = Store::new(offer_type);
        let ended = through(&mut store, |_, _| None);
        let steps = &store.newest().unwrap().steps;
        let worked_on: Vec<&str> =
            steps.iter().filter(|step| !step.is_sign_off()).map(|step| step.id.as_str()).collect();
        assert_eq!(ended.iter().map(|ended| ended.step.as_str()).collect::<Vec<_>>(), worked_on, "{offer_type}");
        assert!(ended.iter().all(|ended| ended.ticks >= 60 * TICKS_PER_SECOND), "{ended:?}");
        let left: Vec<Ended> = store.operations.iter().flat_map(ended_before).collect();
        assert_eq!(left, ended, "{offer_type}");
    }
}

/// The change times of an offer go on where the clock was set back; the clock does not, and it alone counts.
#[test]
fn a_clock_that_was_set_back_makes_no_sample_too_long() {
    let begun = || {
        let mut store = Store::new("microsoft-azure-saas");
        store.go_until(|store| store.newest().is_some_and(|operation| operation.has_check_in_hand()));
        store
    };
    let ends = |mut store: Store, seconds: i64| {
        let reached = store.newest().unwrap().steps[0].reached_at.unwrap();
        let mut ended = Vec::new();
        store.now = reached.plus_seconds(seconds);
        while store.newest().unwrap().steps[0].status() != StepStatus::Complete {
            let (before, onward) = (store.newest().cloned(), store.onward());
            store.put_by_anybody(onward).unwrap();
            store.now = reached.plus_seconds(seconds);
            ended.extend(ended_steps(before.as_ref(), store.newest(), store.now));
        }
        ended.into_iter().map(|ended| (ended.ticks, ended.at == store.now)).collect::<Vec<_>>()
    };
    let mut changed_later = begun();
    changed_later.now = changed_later.now.plus_seconds(86_400);
    changed_later.save(&common::sample("microsoft-azure-saas")).unwrap();
    assert_eq!(ends(begun(), 90), [(90 * TICKS_PER_SECOND, true)]);
    assert_eq!(ends(changed_later, 90), [(90 * TICKS_PER_SECOND, true)], "not a day, and not tomorrow");
    assert!(ends(begun(), -5).is_empty(), "nobody knows");
}

#[test]
fn what_was_blocked_is_no_sample_and_what_was_rejected_is_one() {
    let mut store = Store::new("microsoft-azure-applications");
    let mut hindered = false;
    let ended = through(&mut store, |store, onward| match onward {
        Command::ReportCheck(at, _) if !hindered => {
            hindered = true;
            Some(report(at.clone(), Ending::Blocked, store.now))
        }
        _ => None,
    });
    let first = store.newest().unwrap().steps[0].id.clone();
    assert!(!ended.is_empty() && ended.iter().all(|ended| ended.step != first), "{ended:?}");
    assert!(store.operations.iter().flat_map(ended_before).all(|ended| ended.step != first));

    let mut store = Store::new("microsoft-azure-applications");
    let rejected = through(&mut store, |store, onward| match onward {
        Command::ReportCheck(at, _) => Some(report(at.clone(), Ending::Rejected, store.now)),
        _ => None,
    });
    assert_eq!(rejected.iter().map(|ended| &ended.step).collect::<Vec<_>>(), [&first]);

    // Rejected by a reviewer from where it was blocked: that tells nothing.
    let mut store = Store::new("microsoft-azure-applications");
    let mut given = 0;
    let ended = through(&mut store, |_, onward| match onward {
        Command::GiveVerdict { operation, step, .. } => {
            given += 1;
            let what = if given == 1 { Verdict::Block(reason()) } else { Verdict::Reject(reason()) };
            Some(verdict(*operation, step, what))
        }
        _ => None,
    });
    let failed_at = store.newest().unwrap().current_step().unwrap();
    assert_eq!((store.status(), failed_at.status()), (OfferStatus::Failed, StepStatus::Rejected));
    assert!(ended.iter().all(|ended| ended.step != failed_at.id), "{ended:?}");
}

#[test]
fn what_is_canceled_or_taken_over_is_no_sample() {
    let mut store = Store::new("microsoft-azure-saas");
    store.go_until(|store| store.step_statuses().contains(&StepStatus::InProgress));
    let before = store.newest().cloned();
    let (at, _) = store.newest().unwrap().due_checks()[0].clone();
    store.put(report(at, Ending::WaitingUntil(store.now.plus_seconds(60)), store.now)).unwrap();
    store.put(common::cancel()).unwrap();
    assert_eq!(store.newest().unwrap().course, Course::Canceled);
    assert!(ended_steps(before.as_ref(), store.newest(), store.now).is_empty());
    // A new submission ends nothing of the one before.
    let before = store.newest().cloned();
    store.put(publish()).unwrap();
    assert!(ended_steps(before.as_ref(), store.newest(), store.now).is_empty());
    assert!(ended_steps(None, store.newest(), store.now).is_empty());
}

/// Whoever had to do only a part of it was quicker than usual.
#[test]
fn a_step_of_which_a_check_was_taken_over_is_no_sample() {
    let mut store = Store::new("microsoft-azure-virtualmachines");
    store.go_until(|store| store.newest().is_some_and(|run| run.due_checks().len() == 1 && run.has_check_in_hand()));
    let before = store.newest().unwrap().clone();
    store.put(store.onward()).unwrap();
    let mut after = store.newest().unwrap().clone();
    assert_eq!(ended_steps(Some(&before), Some(&after), Moment::from_ticks(i64::MAX)).len(), 1);
    assert!(after.steps[0].checks.len() > 1);
    after.steps[0].checks[0].messages[0].code = Some(publishing::reuse::REUSED.into());
    assert!(
        ended_steps(Some(&before), Some(&after), Moment::from_ticks(i64::MAX)).is_empty()
            && ended_before(&after).is_empty()
    );
}

/// What nobody can hurry is not watched: not begun, blocked, the publisher's, ended.
#[test]
fn only_what_somebody_works_on_is_watched() {
    let mut store = Store::new("microsoft-azure-applications");
    store.go_until(|store| store.status() == OfferStatus::Running);
    assert!(watched(store.newest().unwrap()).is_none(), "nobody is at it yet");
    store.put(store.onward()).unwrap();
    let reached = store.newest().unwrap().steps[0].reached_at.unwrap();
    assert_eq!(watched(store.newest().unwrap()).map(|watched| (watched.at, watched.since)), Some((0, reached)));
    let (at, _) = store.newest().unwrap().due_checks()[0].clone();
    store.put(report(at, Ending::Blocked, store.now)).unwrap();
    assert!(watched(store.newest().unwrap()).is_none(), "it is blocked");
    store.now = store.now.plus_seconds(5_000);
    let (operation, step) = (store.newest().unwrap().id, store.newest().unwrap().steps[0].id.clone());
    store.put_by_anybody(verdict(operation, &step, Verdict::Unblock)).unwrap();
    let since = watched(store.newest().unwrap()).unwrap().since;
    assert_eq!(since, store.now, "what is mended begins anew");
    store.go_until(|store| store.step_statuses().contains(&StepStatus::WaitingForApproval));
    assert!(watched(store.newest().unwrap()).is_some(), "a reviewer is at it");
    store.go_until(|store| store.status() == OfferStatus::WaitingForPublisherReview);
    assert!(watched(store.newest().unwrap()).is_none(), "the publisher is at it");
    let mut store = Store::new("microsoft-azure-saas");
    store.go_until(|store| store.newest().is_some_and(|operation| operation.has_check_in_hand()));
    assert!(watched(store.newest().unwrap()).is_some());
    store.put(common::cancel()).unwrap();
    assert!(watched(store.newest().unwrap()).is_none(), "it is about to be canceled");
}

/// Whether a step is noted as late: by whom it is watched, and from when on.
#[test]
fn the_table_of_what_is_late() {
    let hour = 3_600 * TICKS_PER_SECOND;
    let usual = |high: i64| Range { median: high / 2, low: high / 4, high, samples: 24 };
    let late = |store: &Store, step: usize, high: i64| {
        let operation = store.newest().unwrap().id;
        store.clone().put(Command::NoteLate { operation, step, usual: usual(high), tells_figures: true }).is_ok()
    };
    let mut store = Store::new("microsoft-azure-saas");
    store.go_until(|store| store.newest().is_some_and(|operation| operation.has_check_in_hand()));
    let reached = store.newest().unwrap().steps[0].reached_at.unwrap();
    for (after, high, is_late) in [
        (hour, hour, false),
        (hour + 1, hour, true),
        (hour + 1, hour + 1, false),
        (60 * TICKS_PER_SECOND, 0, false),
        (60 * TICKS_PER_SECOND + 1, 0, true),
        (-hour, 0, false),
    ] {
        store.now = Moment::from_ticks(reached.ticks() + after);
        assert_eq!(late(&store, 0, high), is_late, "{after} {high}");
        assert!(!late(&store, 1, high), "another step");
    }
    store.now = reached.plus_seconds(31 * 3_600);
    let (before, operation) = (store.clone(), store.newest().unwrap().id);
    let mut silent = store.clone();
    silent.put(Command::NoteLate { operation, step: 0, usual: usual(30 * hour), tells_figures: false }).unwrap();
    store.put(Command::NoteLate { operation, step: 0, usual: usual(30 * hour), tells_figures: true }).unwrap();
    assert!(!late(&store, 0, 0), "once");
    let Event::StepLate { step, since, high_seconds, samples, .. } = &store.journal.last().unwrap().event else {
        panic!()
    };
    let step_id = &store.newest().unwrap().steps[0].id;
    assert_eq!((step, *since, *high_seconds, *samples), (step_id, reached, 30 * 3_600, 24));
    let said = |store: &Store| -> Vec<String> {
        let steps = store.document().steps;
        let messages = steps.iter().flat_map(|step| step.messages().into_iter().cloned().collect::<Vec<_>>());
        messages.filter(|message| message.code.as_deref() == Some("StepLate")).map(|message| message.text).collect()
    };
    let text = "This step takes longer than nine in ten earlier ones (24 of them; usually 7 to 30 hours). That is on \
                record for the marketplace's operator.";
    assert_eq!(said(&store), [text]);
    let text =
        "This step takes longer than nine in ten earlier ones. That is on record for the marketplace's operator.";
    assert_eq!(said(&silent), [text]);
    // It says no more than is so: not when the step has ended.
    store.go_until(|store| store.step_statuses()[0] == StepStatus::Complete);
    assert!(said(&store).is_empty() && store.newest().unwrap().steps[0].late.is_some());

    // What is mended begins anew: it is late no more, and may become so again.
    let mut mended = before.clone();
    mended.put(Command::NoteLate { operation, step: 0, usual: usual(30 * hour), tells_figures: true }).unwrap();
    let (at, _) = mended.newest().unwrap().due_checks()[0].clone();
    mended.put(report(at, Ending::Blocked, mended.now)).unwrap();
    assert_eq!(said(&mended).len(), 1);
    let step_id = mended.newest().unwrap().steps[0].id.clone();
    mended.put_by_anybody(verdict(operation, &step_id, Verdict::Unblock)).unwrap();
    assert!(said(&mended).is_empty() && watched(mended.newest().unwrap()).is_some());
    assert!(!late(&mended, 0, 30 * hour), "so soon");
    mended.now = mended.now.plus_seconds(31 * 3_600);
    mended.put(Command::NoteLate { operation, step: 0, usual: usual(30 * hour), tells_figures: true }).unwrap();
    assert_eq!((said(&mended).len(), late(&mended, 0, 0)), (1, false), "once in each round");

    let mut canceled = before.clone();
    canceled.put(common::cancel()).unwrap();
    assert!(!late(&canceled, 0, 0), "it will be canceled");
    let (at, _) = before.newest().unwrap().due_checks()[0].clone();
    for ending in [Ending::Blocked, Ending::Rejected] {
        let mut stopped = before.clone();
        stopped.put(report(at.clone(), ending, stopped.now)).unwrap();
        assert!(!late(&stopped, 0, 0), "{ending:?}");
    }
}
