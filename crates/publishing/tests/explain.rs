//! Explain answers for every state that random walks reach, and what it foretells is what the rules then do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod common;
#[path = "common/moves.rs"]
#[allow(dead_code)]
mod moves;

use common::{PEOPLE, Store, cancel, go_live, publish, reason, report, sample, type_ids};
use moves::{Move, Written, command, moves};
use proptest::test_runner::{Config, TestRunner};
use publishing::cancel::PreviewThen;
use publishing::command::{Command, Ending, Verdict};
use publishing::decide::{Answer, Context, Decision, MissingIfMatch, decide};
use publishing::definition;
use publishing::explain::{Awaited, Explanation, Turn, explain};
use publishing::moment::Moment;
use publishing::offer::Offer;
use publishing::operation::Course;
use publishing::refusal::Refusal;
use publishing::secrets;
use publishing::status::OfferStatus;
use publishing::ways::{Action, Way};
use std::cell::RefCell;
use std::collections::BTreeMap;
use uuid::Uuid;

const WALKS_PER_TYPE: u32 = 160;

/// Somebody who has submitted, approved and claimed nothing.
const STRANGER: &str = "dee";

fn now(store: &Store) -> Explanation {
    explain(store.offer(), store.now)
}

/// What the rules decide where the stranger asks.
fn asked(store: &Store, command: Command) -> Result<Decision, Refusal> {
    let context = Context {
        now: store.now,
        fresh_id: Uuid::from_u128(0xface),
        actor: STRANGER,
        principal: Some(Uuid::from_u128(0xd)),
        types: store.types(),
        missing_if_match: MissingIfMatch::Accept,
    };
    decide(&store.offer().key, store.offer.as_ref(), command, &context)
}

fn with(store: &Store, offer: Offer) -> Store {
    let mut store = store.clone();
    store.offer = Some(offer);
    store
}

fn after(store: &Store, command: Command) -> Result<Store, Refusal> {
    let decision = asked(store, command)?;
    Ok(with(store, decision.offer))
}

fn verdict(store: &Store, step: &str, queue: Option<&String>, verdict: Verdict) -> Command {
    let operation = store.newest().unwrap().id;
    Command::GiveVerdict { operation, step: step.to_owned(), queue: queue.cloned(), verdict }
}

/// Gives a verdict as the stranger; where somebody has the check in hand, an operator lets go of it first.
fn decided(store: &Store, way: &Way, given: Verdict) -> Store {
    let (operation, step) = (store.newest().unwrap().id, way.step.clone().unwrap());
    let command = verdict(store, &step, way.queue.as_ref(), given);
    match after(store, command.clone()) {
        Err(Refusal::HeldByAnother { .. }) => {
            let release = Command::ReleaseReview { operation, step, queue: way.queue.clone(), by_operator: true };
            let store = with(store, asked(store, release).unwrap().offer);
            after(&store, command).unwrap()
        }
        decided => decided.unwrap(),
    }
}

/// All that workers have in hand ends in some way.
fn let_go(store: &Store, ending: Ending) -> Store {
    let mut store = store.clone();
    while let Some((at, _)) = store.newest().and_then(|operation| operation.due_checks().into_iter().next()) {
        store.put(report(at, ending, store.now)).unwrap();
    }
    store
}

/// Where the offer is after a way was gone; none where only time, or somebody else, goes it.
fn gone(store: &Store, way: &Way) -> Option<Store> {
    Some(match way.action {
        Action::Publish => match after(store, publish()) {
            Err(Refusal::Faults(_)) => {
                let offer = store.offer();
                let draft = secrets::put_back(&offer.draft);
                let offer_type = store.types().get(store.offer_type).unwrap();
                assert!(!definition::faults(&draft, offer_type, &offer.fixed_plans()).is_empty());
                return None;
            }
            published => published.unwrap(),
        },
        Action::SaveDraftThenPublish => {
            let mut store = store.clone();
            store.save(&sample(store.offer_type)).unwrap();
            match after(&store, publish()) {
                // A plan that is live already cannot go.
                Err(Refusal::Faults(_)) => return None,
                published => published.unwrap(),
            }
        }
        Action::GoLive => after(store, go_live()).unwrap(),
        Action::Cancel => after(store, cancel()).unwrap(),
        Action::Approve => decided(store, way, Verdict::Approve),
        Action::Reject => decided(store, way, Verdict::Reject(reason())),
        Action::Unblock => decided(store, way, Verdict::Unblock),
        Action::Wait if way.leads_to.is_some() => let_go(store, Ending::Done),
        Action::Wait => {
            assert!(!store.newest().unwrap().due_checks().is_empty(), "nothing goes on by itself");
            return None;
        }
    })
}

fn each_way_leads_where_it_says(store: &Store, told: &Explanation) {
    for way in &told.ways {
        assert!(way.words.to_string().ends_with('.'), "{way:?}");
        let Some(then) = gone(store, way) else { continue };
        let leads_to = way.leads_to.unwrap();
        assert_eq!(then.status(), leads_to.status, "{way:?}");
        let operation = then.newest().unwrap();
        let step = way.step.as_ref().map(|id| operation.steps.iter().find(|step| step.id == *id).unwrap().status());
        let step = step.filter(|_| way.action != Action::Wait);
        assert_eq!(step, leads_to.step, "{way:?}");
    }
}

fn a_cancel_does_what_was_foretold(store: &Store, told: &Explanation) {
    let before = store.offer();
    let foreseen = match (asked(store, cancel()), &told.cancel) {
        (Err(refused), foretold) => return assert_eq!(Err(refused), *foretold),
        (Ok(decision), foretold) => {
            let foreseen = foretold.clone().unwrap();
            let at_once = decision.answer == Answer::Canceled;
            let operation = decision.offer.operation.as_ref().unwrap();
            assert_eq!((foreseen.at_once, foreseen.operation), (at_once, operation.id));
            foreseen
        }
    };
    for ending in [Ending::Done, Ending::Rejected] {
        let then = let_go(&after(store, cancel()).unwrap(), ending);
        let offer = then.offer();
        assert_eq!(then.status(), OfferStatus::Canceled);
        assert_eq!((offer.production, &offer.draft), (foreseen.live, &before.draft));
        let preview = match foreseen.preview {
            PreviewThen::None => (None, None),
            PreviewThen::Withdrawn(version) => (Some(version), None),
            PreviewThen::Kept(version) => (Some(version), Some(version)),
        };
        assert_eq!((before.preview, offer.preview), preview);
    }
    assert!(foreseen.words().ends_with("The draft is kept."));
}

/// Whatever would be taken is among the ways.
fn no_way_is_left_out(store: &Store, told: &Explanation) {
    let has = |action, step: Option<&str>, queue: Option<&String>| {
        let fits = |way: &&Way| way.action == action && (step.is_none() || way.step.as_deref() == step);
        told.ways.iter().filter(fits).any(|way| queue.is_none() || way.queue.as_ref() == queue)
    };
    let taken = |command| match asked(store, command) {
        Ok(_) => true,
        Err(refusal) => matches!(refusal, Refusal::HeldByAnother { .. }),
    };
    assert!(has(Action::Publish, None, None) || !taken(publish()), "publish");
    assert!(has(Action::GoLive, None, None) || !taken(go_live()), "go live");
    let Some(operation) = store.newest() else { return };
    // Who asks for it a second time changes nothing.
    let is_asked = operation.course == Course::CancelRequested;
    assert!(has(Action::Cancel, None, None) || is_asked || !taken(cancel()), "cancel");
    for step in &operation.steps {
        let queues = step.checks.iter().filter_map(|check| check.kind.queue()).map(str::to_owned).map(Some);
        for queue in queues.chain([None]) {
            for (action, given) in [
                (Action::Approve, Verdict::Approve),
                (Action::Reject, Verdict::Reject(reason())),
                (Action::Unblock, Verdict::Unblock),
            ] {
                let is_way = has(action, Some(&step.id), queue.as_ref());
                let is_taken = taken(verdict(store, &step.id, queue.as_ref(), given));
                assert!(is_way || !is_taken, "{action:?} of {} in {queue:?}", step.id);
            }
        }
    }
}

fn whose_turn_it_is(store: &Store, told: &Explanation) {
    let acts = |who| told.ways.iter().any(|way| way.who == who && way.action != Action::Wait);
    let waits = |who| told.ways.iter().any(|way| way.who == who && way.action == Action::Wait);
    match told.turn {
        Turn::Publisher | Turn::Reviewer | Turn::Marketplace => assert!(acts(told.turn), "{told:?}"),
        Turn::OutsideSystem => assert!(waits(Turn::OutsideSystem) || waits(Turn::Service), "{told:?}"),
        Turn::Service => assert!(waits(Turn::Service), "{told:?}"),
        Turn::Nobody => assert_eq!(told.status, OfferStatus::Succeeded),
    }
    let runs = matches!(told.status, OfferStatus::Running | OfferStatus::WaitingForPublisherReview);
    assert_eq!(told.waits.is_empty(), !runs, "{told:?}");
    assert!(told.until.is_none_or(|until| until > store.now), "{told:?}");
    let stopped = told.status == OfferStatus::Failed || told.waits.iter().any(|wait| mending(&wait.what));
    assert_eq!(told.errors.is_empty(), !stopped, "{told:?}");
}

const fn mending(what: &Awaited) -> bool {
    matches!(what, Awaited::Mending { .. })
}

fn holds(store: &Store, seen: &RefCell<BTreeMap<String, usize>>) {
    let told = now(store);
    assert_eq!(told.status, store.status());
    for words in [told.headline.to_string(), told.next.to_string()] {
        assert!(words.len() > 10 && words.ends_with('.') && !words.contains("  "), "{words:?}");
        assert!(words.chars().next().unwrap().is_uppercase(), "{words:?}");
    }
    let all = format!("{told:?}");
    for (name, _) in &PEOPLE[1..] {
        assert!(!all.contains(&format!("\"{name}\"")), "{name} is named: {all}");
    }
    each_way_leads_where_it_says(store, &told);
    a_cancel_does_what_was_foretold(store, &told);
    no_way_is_left_out(store, &told);
    whose_turn_it_is(store, &told);
    let actions: Vec<String> = told.ways.iter().map(|way| format!("{:?}", way.action)).collect();
    *seen.borrow_mut().entry(format!("{} {:?}: {}", told.status, told.turn, actions.join(" "))).or_insert(0) += 1;
}

#[test]
fn what_is_foretold_of_any_state_happens() {
    let seen = RefCell::new(BTreeMap::new());
    for offer_type in type_ids() {
        let config = Config { cases: WALKS_PER_TYPE, failure_persistence: None, ..Config::default() };
        let run = TestRunner::new(config).run(&moves(), |moves| {
            let mut store = Store::new(offer_type);
            for (ticks, by, chosen) in &moves {
                store.by = *by;
                store.now = Moment::from_ticks(store.now.ticks() + ticks);
                match chosen {
                    Move::Save(Written::OtherType, _) if store.offer.is_none() => continue,
                    Move::Replan => store.changed_pipelines = !store.changed_pipelines,
                    _ => {}
                }
                let before = store.clone();
                let _ = store.put(command(&store, chosen));
                if store.offer.is_some() && (store.offer != before.offer || store.now != before.now) {
                    holds(&store, &seen);
                }
            }
            Ok(())
        });
        run.unwrap_or_else(|failure| panic!("{offer_type}: {failure}"));
    }
    let seen = seen.into_inner();
    assert!(seen.len() >= 14, "only {seen:#?}");
}
