//! One word for a state: status document, explanation, mail and command line say the same of every offer that random walks reach.

use crate::binary::command as portolan;
use crate::common::{OPERATOR_TYPE, Store, cancel, report, type_ids};
use crate::legacy::Legacy;
use crate::moves::{Move, Written, command, moves};
use crate::world::links;
use api::explain::{Action, Explanation, Turn};
use api::state::{State, Tone, at_hand};
use api::status::{OfferStatus, StatusDocument, StepStatus};
use portolan::notify::{Composer, Told};
use portolan::store::Words;
use portolan::wire;
use proptest::test_runner::{Config, TestRunner};
use publishing::command::{Command, Ending};
use publishing::explain::explain;
use publishing::happening::{self, Happening};
use publishing::moment::Moment;
use publishing::sentence::Headline;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::process::Stdio;
use uuid::Uuid;

const WALKS_PER_TYPE: u32 = 60;

/// Where an offer and the step at hand stand.
type Pair = (OfferStatus, Option<StepStatus>);

/// What an offer that stands so is called: everything that can be reached, and nothing else.
const REACHABLE: [(Pair, State); 11] = [
    ((OfferStatus::NeverPublished, None), State::NeverPublished),
    ((OfferStatus::NotStarted, None), State::NotStarted),
    ((OfferStatus::Running, None), State::Running),
    ((OfferStatus::Running, Some(StepStatus::InProgress)), State::Running),
    ((OfferStatus::Running, Some(StepStatus::WaitingForApproval)), State::WaitsForReviewer),
    ((OfferStatus::Running, Some(StepStatus::Blocked)), State::Blocked),
    // A cancel waits for one check of the step, and another has said no.
    ((OfferStatus::Running, Some(StepStatus::Rejected)), State::Running),
    ((OfferStatus::WaitingForPublisherReview, Some(StepStatus::WaitingForPublisherReview)), State::WaitsForGoLive),
    ((OfferStatus::Succeeded, None), State::Live),
    ((OfferStatus::Failed, Some(StepStatus::Rejected)), State::Failed),
    ((OfferStatus::Canceled, Some(StepStatus::Canceled)), State::Canceled),
];

/// An offer as the wire has it.
struct Seen {
    state: State,
    document: StatusDocument,
    explanation: Explanation,
}

/// The statuses of an offer and a step in an order, for a map.
fn name((offer, step): Pair) -> String {
    let step = step.map_or_else(|| "none".to_owned(), |step| format!("{step:?}"));
    format!("{offer:?}-{step}").to_lowercase()
}

/// What an offer is said to be and what its steps are told, of whom it is the turn, and how that is meant: all one thing.
fn agrees(store: &Store) -> (Pair, Seen) {
    let offer = store.offer();
    let told = explain(offer, store.now);
    let document = wire::status_document(&store.document(), &offer.key, &links());
    let explanation = wire::explanation(&told, None);
    let state = State::of_document(&document);
    let at = format!("{state:?} {explanation:#?}\n{document:#?}");
    assert_eq!((explanation.state, explanation.status), (state, document.status), "{at}");
    assert_eq!(explanation.state_words, state.words(), "{at}");

    let turn = explanation.turn;
    let cancels = told.headline == Headline::CancelRequested;
    let fits = match state {
        State::NeverPublished | State::NotStarted | State::Failed | State::Canceled | State::WaitsForGoLive => {
            turn == Turn::Publisher
        }
        State::Running => matches!(turn, Turn::Service | Turn::OutsideSystem),
        State::WaitsForReviewer => turn == Turn::Reviewer,
        State::Blocked if cancels => turn == Turn::Service,
        State::Blocked => matches!(turn, Turn::Publisher | Turn::Marketplace),
        State::Live => turn == Turn::Nobody,
        State::InProgress | State::Done => false,
    };
    assert!(fits, "whose turn it is: {at}");
    let speaks_to_publisher = state.words().contains("your") || explanation.next.starts_with("Your turn");
    assert!(!speaks_to_publisher || turn == Turn::Publisher, "{at}");
    assert_eq!(state == State::WaitsForGoLive, explanation.ways.iter().any(|way| way.action == Action::GoLive), "{at}");
    let tone = match document.status {
        OfferStatus::Succeeded => Tone::Good,
        OfferStatus::Failed => Tone::Bad,
        OfferStatus::WaitingForPublisherReview => Tone::Waiting,
        OfferStatus::Running if matches!(turn, Turn::Publisher | Turn::Marketplace) => Tone::Waiting,
        OfferStatus::Running if state == State::Blocked => Tone::Waiting,
        OfferStatus::Running => Tone::Going,
        _ => Tone::Neutral,
    };
    assert_eq!(state.tone(), tone, "{at}");
    let says = match state {
        State::NeverPublished => matches!(told.headline, Headline::NothingPublished),
        State::NotStarted => matches!(told.headline, Headline::DraftSavedSince { .. }),
        State::Running => matches!(
            told.headline,
            Headline::CancelRequested
                | Headline::WithOutsideSystem { .. }
                | Headline::InProgress { .. }
                | Headline::WaitsForItsTurn { .. }
                | Headline::BeginsSoon { .. }
                | Headline::Pauses { .. }
        ),
        State::WaitsForReviewer => matches!(told.headline, Headline::InReview { .. }),
        State::Blocked => matches!(told.headline, Headline::Blocked { .. } | Headline::CancelRequested),
        State::WaitsForGoLive => matches!(told.headline, Headline::PreviewReady { .. }),
        State::Live => matches!(told.headline, Headline::Live { .. } | Headline::RolledBack { .. }),
        State::Failed => matches!(told.headline, Headline::Failed { .. }),
        State::Canceled => matches!(told.headline, Headline::Canceled { .. }),
        State::InProgress | State::Done => false,
    };
    assert!(says, "the headline: {at}");
    for step in &document.steps {
        let (tone, words) = (State::of_step(step.status).tone(), State::of_step(step.status).words());
        assert_eq!(tone == Tone::Good, step.status == StepStatus::Complete, "{words}");
        assert_eq!(tone == Tone::Bad, step.status == StepStatus::Rejected, "{words}");
        assert!(words.contains("your") <= (step.status == StepStatus::WaitingForPublisherReview), "{words}");
    }
    let pair = (document.status, at_hand(&document.steps).map(|step| step.status));
    (pair, Seen { state, document, explanation })
}

/// The mail about what happened to the offer last says what it is, and nothing else.
fn is_mailed(composer: &Composer, store: &Store, before: &Store, seen: &Seen) {
    let offer = store.offer();
    let happening = happening::told(before.offer.as_ref(), offer, &store.journal.last().unwrap().event).happening;
    let words = Words::of(offer, "A berth", happening, store.now);
    let told = Told {
        id: Uuid::from_u128(7),
        at: store.now,
        key: &offer.key,
        words: &words,
        document: &seen.document,
        subscription: None,
    };
    let mail = composer.told(&"jane@contoso.example".parse().unwrap(), &told).unwrap();
    let (said, _) = mail.subject.split_once(": ").unwrap();
    let (state, more) = said.split_once(", ").map_or((said, None), |(state, more)| (state, Some(more)));
    assert_eq!(state, seen.state.words(), "{happening}");
    let only = match happening {
        Happening::Blocked => Some(State::Blocked),
        Happening::PreviewReady => Some(State::WaitsForGoLive),
        Happening::Live => Some(State::Live),
        Happening::Failed => Some(State::Failed),
        Happening::Canceled => Some(State::Canceled),
        _ => None,
    };
    if let Some(only) = only {
        assert_eq!((seen.state, more), (only, None), "{happening}");
    }
    let Explanation { headline, next, .. } = &seen.explanation;
    assert!(mail.text.contains(headline) && mail.text.contains(next), "{}", mail.text);
    assert!(mail.html.contains(&format!("{}: <bdi>", said)), "{}", mail.html);
}

/// What walks seldom come to: a check says no while a cancel waits for another one of the same step.
fn rejected_while_it_is_canceled() -> Store {
    let mut store = Store::new(OPERATOR_TYPE);
    store.go_until(|store| store.newest().is_some());
    let due: Vec<_> = store.newest().unwrap().due_checks().into_iter().map(|(at, _)| at).collect();
    due.iter().for_each(|at| drop(store.put(Command::StartCheck(at.clone())).unwrap()));
    store.put(cancel()).unwrap();
    store.put(report(due[0].clone(), Ending::Rejected, store.now)).unwrap();
    store
}

#[test]
fn whoever_tells_of_an_offer_says_the_same_state() {
    let (seen, composer) = (RefCell::new(BTreeMap::new()), crate::mail::composer());
    for offer_type in type_ids() {
        let config = Config { cases: WALKS_PER_TYPE, failure_persistence: None, ..Config::default() };
        let run = TestRunner::new(config).run(&moves(), |moves| {
            let mut store = Store::new(offer_type);
            for (ticks, by, chosen) in &moves {
                (store.by, store.now) = (*by, Moment::from_ticks(store.now.ticks() + ticks));
                match chosen {
                    Move::Save(Written::OtherType, _) if store.offer.is_none() => continue,
                    Move::Replan => store.changed_pipelines = !store.changed_pipelines,
                    _ => {}
                }
                let before = store.clone();
                let is_put = store.put(command(&store, chosen)).is_ok();
                if store.offer.is_some() {
                    let (pair, now) = agrees(&store);
                    if is_put {
                        is_mailed(&composer, &store, &before, &now);
                    }
                    seen.borrow_mut().entry(name(pair)).or_insert((pair, now));
                }
            }
            Ok(())
        });
        run.unwrap_or_else(|failure| panic!("{offer_type}: {failure}"));
    }
    let mut seen = seen.into_inner();
    let (pair, rare) = agrees(&rejected_while_it_is_canceled());
    seen.entry(name(pair)).or_insert((pair, rare));
    let mut expected = REACHABLE.map(|(pair, state)| (name(pair), state));
    expected.sort_unstable();
    let met: Vec<(String, State)> = seen.iter().map(|(name, (_, seen))| (name.clone(), seen.state)).collect();
    assert_eq!(met, expected);
    on_the_command_line(seen);
}

/// Each of them as a server tells it to the command line.
fn on_the_command_line(seen: BTreeMap<String, (Pair, Seen)>) {
    let told: BTreeMap<String, (String, String)> = seen
        .iter()
        .map(|(name, (_, seen))| {
            let document = serde_json::to_string(&seen.document).unwrap();
            (name.clone(), (document, serde_json::to_string(&seen.explanation).unwrap()))
        })
        .collect();
    let server = Legacy::start(Box::new(move |asked, _| {
        let (offer, what) = asked.what.strip_prefix("GET /api/publishers/contoso/offers/")?.split_once('/')?;
        let (document, explanation) = told.get(offer)?;
        Some(match what {
            "status" => (200, "", document.clone()),
            "explain" => (200, "", explanation.clone()),
            _ => (404, "", String::new()),
        })
    }));
    let said = |arguments: &[&str]| {
        let mut portolan = portolan();
        portolan.args(arguments).env("PORTOLAN_SERVER", &server.url).env("PORTOLAN_TOKEN", "any");
        let output = portolan.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    for (name, (_, seen)) in &seen {
        let offer = format!("contoso/{name}");
        let stood = said(&["offer", "history", &offer, "--as-of", "2026-11-22T09:40:00Z"]);
        let mut lines = stood.lines();
        assert_eq!(lines.next().unwrap(), seen.state.words().to_lowercase(), "{stood}");
        for (line, step) in lines.skip(1).zip(&seen.document.steps) {
            let word = State::of_step(step.status).words().to_lowercase();
            assert!(line.contains(&step.step_name) && line.contains(&format!(" {word} ")), "{word}: {line}");
        }
        // Lines for programs have the wire's words, and its sentences.
        let lines = said(&["status", &offer]);
        let word = |value: serde_json::Value| value.as_str().unwrap().to_owned();
        let (status, turn) =
            (serde_json::to_value(seen.explanation.status), serde_json::to_value(seen.explanation.turn));
        let (status, turn) = (word(status.unwrap()), word(turn.unwrap()));
        assert!(lines.lines().next().unwrap().ends_with(&format!("  {status}")), "{lines}");
        let sentences = format!("{turn}  {} {}", seen.explanation.headline, seen.explanation.next);
        assert!(lines.lines().last().unwrap().ends_with(&sentences), "{lines}");
    }
}
