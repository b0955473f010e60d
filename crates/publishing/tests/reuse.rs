//! Outside systems that speak for themselves, and checks whose earlier yes is taken again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use publishing::check::{Check, CheckState, Outside, Progress};
use publishing::command::{Artifact, CheckRef, Command, Ending, Expected, Pinned, Report, Verdict};
use publishing::decide::{Context, Decision, MissingIfMatch, decide};
use publishing::message::Message;
use publishing::moment::Moment;
use publishing::offer::{Offer, OfferId, OfferKey, PublisherId};
use publishing::offer_type::{OfferTypeFile, OfferTypes};
use publishing::operation::{Course, Operation};
use publishing::refusal::Refusal;
use publishing::reuse::REUSED;
use publishing::status::StepStatus;
use uuid::Uuid;

const TYPE: &str = r#"
id = "berth"
display_text = "Berth"

[[step]]
id = "pin"
name = "Pin"
description = ""
checks = [{ kind = "artifacts" }]

[[step]]
id = "scan"
name = "Scan"
description = ""
checks = [{ kind = "http", checker = "scanner", reusable = true }]

[[step]]
id = "read"
name = "Read"
description = ""
checks = [{ kind = "command", checker = "linter" }, { kind = "reviewer", reusable = true }]

[[step]]
id = "package"
name = "Package"
description = ""
checks = [{ kind = "listing" }]

[[step]]
id = "sign-off"
name = "Sign-off"
description = ""
checks = [{ kind = "sign-off" }]

[[step]]
id = "live"
name = "Live"
description = ""
checks = [{ kind = "promote" }]
"#;

struct Scene {
    types: OfferTypes,
    offer: Option<Offer>,
    now: Moment,
    next: u128,
    /// Who asks; somebody new each time where nobody is named.
    who: Option<Uuid>,
}

impl Scene {
    fn new() -> Self {
        let mut types = OfferTypes::default();
        types.add(OfferTypeFile::parse("berth.toml", TYPE).unwrap().with_schema("berth.toml", "{}").unwrap());
        Self { types, offer: None, now: Moment::from_ticks(638_000_000_000_000_000), next: 1, who: None }
    }

    fn put(&mut self, command: Command) -> Result<Decision, Refusal> {
        let key =
            OfferKey { publisher: PublisherId::parse("Contoso").unwrap(), offer: OfferId::parse("berth-7").unwrap() };
        self.next += 1;
        self.now = self.now.plus_seconds(2);
        let context = Context {
            now: self.now,
            fresh_id: Uuid::from_u128(self.next),
            actor: "amina",
            principal: self.who.or(Some(Uuid::from_u128(self.next))),
            types: &self.types,
            missing_if_match: MissingIfMatch::Accept,
        };
        let decision = decide(&key, self.offer.as_ref(), command, &context)?;
        self.offer = Some(decision.offer.clone());
        Ok(decision)
    }

    fn publish(&mut self, text: &str) {
        let definition = format!(r#"{{"displayText":"{text}","plans":[{{"planId":"one"}}]}}"#).into();
        self.put(Command::SaveDraft { offer_type: "berth".into(), definition, expected: Expected::Any }).unwrap();
        self.put(Command::Publish { emails: Vec::new(), expected: Expected::Any }).unwrap();
    }

    fn operation(&self) -> &Operation {
        self.offer.as_ref().unwrap().operation.as_ref().unwrap()
    }

    fn check(&self, step: usize, check: usize) -> &Check {
        &self.operation().steps[step].checks[check]
    }

    fn at(&self, step: usize, check: usize) -> CheckRef {
        CheckRef { operation: self.operation().id, step, check }
    }

    fn statuses(&self) -> Vec<StepStatus> {
        self.operation().steps.iter().map(publishing::operation::Step::status).collect()
    }

    fn run(&mut self, step: usize, check: usize, report: Report) {
        let at = self.at(step, check);
        self.put(Command::StartCheck(at.clone())).unwrap();
        self.put(Command::ReportCheck(at, report)).unwrap();
    }

    fn done(&mut self, step: usize, check: usize) {
        self.run(step, check, Report::new(Ending::Done, Vec::new()));
    }

    /// Pins one artifact whose content has this digest.
    fn pin(&mut self, digest: &str) {
        let pinned = Pinned { digest: digest.into(), bytes: 3, media_type: "image/png".into(), kept: true };
        let artifact = Artifact {
            target: "/definition/logo".into(),
            url: "https://contoso.example/logo.png".into(),
            pinned: Some(pinned),
        };
        let report = Report { artifacts: vec![artifact], ..Report::new(Ending::Done, Vec::new()) };
        self.run(0, 0, report);
    }

    fn said(&self, ending: Ending, sequence: u64, progress: Option<(u32, u32)>) -> Report {
        let text = format!("This is what it said as number {sequence}.");
        Report {
            outside: Some(Outside { sequence, ..Outside::default() }),
            progress: progress.map(|(done, total)| Progress { done, total }),
            ..Report::new(ending, vec![Message::information(text, self.now)])
        }
    }

    fn hear(&mut self, round: u32, report: Report) -> Result<Decision, Refusal> {
        let check = self.at(1, 0);
        self.put(Command::HearCheck { check, round, report })
    }

    /// A submission whose scan was asked of the outside system, and is waited for.
    fn asked() -> Self {
        let mut scene = Self::new();
        scene.publish("A berth");
        scene.pin("aa");
        let waiting = Ending::WaitingUntil(scene.now.plus_seconds(3_600));
        let taken = Outside { taken: true, deadline: Some(scene.now.plus_seconds(9_999)), ..Outside::default() };
        scene.run(1, 0, Report { outside: Some(taken), ..Report::new(waiting, Vec::new()) });
        scene
    }
}

#[test]
fn what_comes_twice_late_or_out_of_order_changes_nothing() {
    let mut scene = Scene::asked();
    let running = Ending::WaitingUntil(scene.now);
    scene.hear(0, scene.said(running, 2, Some((2, 8)))).unwrap();
    assert_eq!(scene.operation().steps[1].progress_percentage(), 25);
    let heard = scene.offer.clone();
    for (round, report) in [
        (0, scene.said(running, 2, Some((2, 8)))),
        (0, scene.said(Ending::Done, 1, None)),
        (0, scene.said(Ending::Done, 0, None)),
        (1, scene.said(Ending::Done, 9, None)),
    ] {
        assert_eq!(scene.hear(round, report).unwrap_err(), Refusal::Superseded);
    }
    assert_eq!(scene.offer, heard);
    let deadline = scene.check(1, 0).outside.as_ref().unwrap().deadline;
    assert!(deadline.is_some(), "what was heard forgot until when it is waited");

    scene.hear(0, scene.said(running, 3, Some((1, 8)))).unwrap();
    assert_eq!(scene.operation().steps[1].progress_percentage(), 25, "progress fell");
    scene.hear(0, scene.said(running, 4, Some((8, 8)))).unwrap();
    assert_eq!(scene.operation().steps[1].progress_percentage(), 99, "it is not done before it says so");
    scene.hear(0, scene.said(Ending::Done, 5, None)).unwrap();
    assert_eq!(scene.check(1, 0).state, CheckState::Complete);
    assert_eq!(scene.hear(0, scene.said(Ending::Rejected, 6, None)).unwrap_err(), Refusal::Superseded);
    assert_eq!(scene.statuses()[1], StepStatus::Complete);
}

#[test]
fn only_a_check_that_was_asked_is_heard() {
    let mut scene = Scene::new();
    scene.publish("A berth");
    scene.pin("aa");
    assert_eq!(scene.hear(0, scene.said(Ending::Done, 1, None)).unwrap_err(), Refusal::Superseded, "not asked yet");
    for (step, check) in [(0, 0), (2, 0), (2, 1), (3, 0), (9, 9)] {
        let (check, report) = (scene.at(step, check), scene.said(Ending::Done, 9, None));
        let heard = scene.put(Command::HearCheck { check, round: 0, report });
        assert_eq!(heard.unwrap_err(), Refusal::Superseded, "not an outside system's");
    }
    let mut scene = Scene::asked();
    scene.put(Command::Cancel { expected: Expected::Any }).unwrap();
    assert_eq!(scene.hear(0, scene.said(Ending::Done, 1, None)).unwrap_err(), Refusal::Superseded, "canceled");
    assert_eq!(scene.operation().course, Course::Canceled);
}

#[test]
fn a_worker_that_heard_less_only_lets_go() {
    let mut scene = Scene::asked();
    scene.now = scene.now.plus_seconds(4_000);
    let at = scene.at(1, 0);
    scene.hear(0, scene.said(Ending::WaitingUntil(scene.now), 5, Some((5, 8)))).unwrap();
    for ending in [Ending::Done, Ending::Rejected, Ending::Blocked] {
        let late = scene.said(ending, 4, Some((1, 8)));
        scene.put(Command::ReportCheck(at.clone(), late)).unwrap();
        let check = scene.check(1, 0);
        assert!(matches!(check.state, CheckState::Queued { .. }), "{:?}", check.state);
        assert_eq!(check.outside.as_ref().unwrap().sequence, 5);
        assert_eq!(check.messages[0].text, "This is what it said as number 5.");
        assert_eq!(scene.operation().steps[1].progress_percentage(), 62);
    }
}

#[test]
fn what_is_heard_while_a_worker_has_it_in_hand_leaves_it_there_until_it_is_final() {
    let mut scene = Scene::new();
    scene.publish("A berth");
    scene.pin("aa");
    let at = scene.at(1, 0);
    scene.put(Command::StartCheck(at.clone())).unwrap();
    scene.hear(0, scene.said(Ending::WaitingUntil(scene.now), 1, None)).unwrap();
    assert_eq!(scene.check(1, 0).state, CheckState::InHand);
    scene.hear(0, scene.said(Ending::Done, 2, None)).unwrap();
    let late = scene.said(Ending::WaitingUntil(scene.now), 0, None);
    assert_eq!(scene.put(Command::ReportCheck(at, late)).unwrap_err(), Refusal::Superseded);
}

#[test]
fn a_check_that_is_unblocked_begins_another_round() {
    let mut scene = Scene::asked();
    scene.hear(0, scene.said(Ending::Blocked, 7, Some((3, 8)))).unwrap();
    assert_eq!(scene.statuses()[1], StepStatus::Blocked);
    let operation = scene.operation().id;
    let unblock = Command::GiveVerdict { operation, step: "scan".into(), queue: None, verdict: Verdict::Unblock };
    scene.put(unblock).unwrap();
    let check = scene.check(1, 0);
    assert_eq!((check.round, check.outside.clone(), check.progress), (1, None, None));
    assert_eq!(scene.hear(0, scene.said(Ending::Done, 8, None)).unwrap_err(), Refusal::Superseded, "the round before");
    scene.hear(1, scene.said(Ending::Done, 1, None)).unwrap();
    assert_eq!(scene.statuses()[1], StepStatus::Complete);
}

/// Publishes once to sign-off and cancels; then again, with this text and this digest of its artifact.
fn published_again(text: &str, digest: &str) -> Scene {
    let mut scene = Scene::new();
    scene.publish("A berth");
    scene.pin("aa");
    scene.done(1, 0);
    scene.done(2, 0);
    let operation = scene.operation().id;
    scene.put(Command::GiveVerdict { operation, step: "read".into(), queue: None, verdict: Verdict::Approve }).unwrap();
    assert_eq!(scene.statuses()[2], StepStatus::Complete);
    scene.put(Command::Cancel { expected: Expected::Any }).unwrap();
    scene.publish(text);
    assert_eq!(scene.statuses()[0], StepStatus::NotStarted, "it starts at the first step again");
    scene.pin(digest);
    scene
}

#[test]
fn a_reusable_check_of_the_same_inputs_is_complete_at_once_and_says_so() {
    let mut scene = published_again("A berth", "aa");
    assert_eq!(scene.statuses()[1], StepStatus::Complete);
    let message = &scene.check(1, 0).messages[0];
    assert_eq!(message.code.as_deref(), Some(REUSED));
    assert!(message.text.contains("passed for version 1"), "{}", message.text);
    // The one beside it is not marked, and runs again; the reviewer's is, and needs nobody.
    assert!(matches!(scene.check(2, 0).state, CheckState::Queued { .. }));
    scene.done(2, 0);
    assert_eq!(scene.statuses()[2], StepStatus::Complete);

    // What was taken over once is taken over again, and still names the version in which it was really run.
    scene.put(Command::Cancel { expected: Expected::Any }).unwrap();
    scene.publish("A berth");
    scene.pin("aa");
    assert!(scene.check(1, 0).messages[0].text.contains("passed for version 1"));
}

#[test]
fn other_inputs_are_looked_at_anew() {
    for (text, digest) in [("Another text", "aa"), ("A berth", "bb")] {
        let scene = published_again(text, digest);
        assert!(matches!(scene.check(1, 0).state, CheckState::Queued { .. }), "{text} {digest}");
        assert_eq!(scene.check(2, 1).state, CheckState::NotStarted);
    }
}

#[test]
fn what_said_no_is_never_taken_for_a_yes() {
    let mut scene = Scene::new();
    scene.publish("A berth");
    scene.pin("aa");
    scene.run(1, 0, Report::new(Ending::Rejected, Vec::new()));
    assert_eq!(scene.operation().course, Course::Failed);
    scene.publish("A berth");
    scene.pin("aa");
    assert!(matches!(scene.check(1, 0).state, CheckState::Queued { .. }));
}

#[test]
fn a_reusable_check_needs_its_artifacts_pinned_before() {
    let unpinned = TYPE.replace(r#"{ kind = "artifacts" }"#, r#"{ kind = "definition" }"#);
    let fault = OfferTypeFile::parse("berth.toml", &unpinned).unwrap().with_schema("berth.toml", "{}").unwrap_err();
    assert!(fault.to_string().contains("no step before it pins the artifacts"), "{fault}");
    let many = TYPE.replace(r#"kind = "reviewer", "#, r#"kind = "reviewer", approvals = 3, "#);
    let fault = OfferTypeFile::parse("berth.toml", &many).unwrap().with_schema("berth.toml", "{}").unwrap_err();
    assert!(fault.to_string().contains("write 1 or 2"), "{fault}");
}

fn live(scene: &mut Scene) {
    scene.done(1, 0);
    scene.done(2, 0);
    live_from_read(scene);
}
fn live_from_read(scene: &mut Scene) {
    let operation = scene.operation().id;
    let _ = scene.put(Command::GiveVerdict { operation, step: "read".into(), queue: None, verdict: Verdict::Approve });
    scene.done(3, 0);
    scene.put(Command::GoLive { expected: Expected::Any }).unwrap();
    scene.done(5, 0);
}

#[test]
fn a_roll_back_that_is_asked_twice_is_done_once() {
    let mut scene = Scene::new();
    scene.publish("One");
    scene.pin("aa");
    live(&mut scene);
    scene.publish("Two");
    scene.pin("aa");
    live(&mut scene);
    assert_eq!(scene.offer.as_ref().unwrap().production, Some(2));
    let roll_back = |from| Command::RollBack { from, expected: Expected::Unstated };
    scene.put(roll_back(2)).unwrap();
    let after = scene.offer.clone();
    // The answer was lost, or a colleague presses at the same time: the same request again.
    let again = scene.put(roll_back(2));
    assert_eq!(again.unwrap_err(), Refusal::OtherVersionLive { asked: 2, live: 1 });
    assert_eq!(scene.offer, after);
    // Whatever else goes on, the status says what customers see.
    scene.publish("Three");
    let shown = publishing::status::of_offer(scene.offer.as_ref().unwrap(), None);
    assert!(shown.messages.iter().any(|message| message.code.as_deref() == Some("RolledBack")), "{:?}", shown.messages);
    scene.put(roll_back(1)).unwrap();
    assert_eq!(scene.offer.as_ref().unwrap().production, Some(2));
}

#[test]
fn what_is_not_known_by_its_digest_is_looked_at_anew() {
    let mut scene = Scene::new();
    let unpinned = |scene: &mut Scene| {
        let artifact =
            Artifact { target: "/definition/disk".into(), url: "https://contoso.example/os.vhd".into(), pinned: None };
        scene.run(0, 0, Report { artifacts: vec![artifact], ..Report::new(Ending::Done, Vec::new()) });
    };
    scene.publish("A berth");
    unpinned(&mut scene);
    scene.done(1, 0);
    scene.put(Command::Cancel { expected: Expected::Any }).unwrap();
    // What lies at the address is another image by now.
    scene.publish("A berth");
    unpinned(&mut scene);
    assert_ne!(scene.statuses()[1], StepStatus::Complete, "{:?}", scene.check(1, 0).messages);
}

#[test]
fn a_no_beside_an_equal_check_is_not_undone_by_publishing_again() {
    let two = r#"checks = [{ kind = "reviewer", reusable = true }, { kind = "reviewer", reusable = true }]"#;
    let text = TYPE
        .replace(r#"checks = [{ kind = "command", checker = "linter" }, { kind = "reviewer", reusable = true }]"#, two);
    let mut scene = Scene::new();
    scene.types = OfferTypes::default();
    scene.types.add(OfferTypeFile::parse("berth.toml", &text).unwrap().with_schema("berth.toml", "{}").unwrap());
    scene.publish("A berth");
    scene.pin("aa");
    scene.done(1, 0);
    let operation = scene.operation().id;
    let verdict = |verdict| Command::GiveVerdict { operation, step: "read".into(), queue: None, verdict };
    scene.put(verdict(Verdict::Approve)).unwrap();
    scene
        .put(verdict(Verdict::Reject(publishing::command::Reason { text: "No.".into(), ..Default::default() })))
        .unwrap();
    assert_eq!(scene.operation().course, Course::Failed);
    scene.publish("A berth");
    scene.pin("aa");
    assert_ne!(scene.statuses()[2], StepStatus::Complete, "the no was undone");
}

#[test]
fn whoever_was_shut_out_since_stays_out_when_another_version_goes_live() {
    use publishing::command::Audience;
    let audience = |digest: &str| vec![Audience::new("one", digest, 1)];
    let private =
        r#"{"displayText":"X","plans":[{"planId":"one","restrictedAudience":{"manualEntries":[{"id":"a"}]}}]}"#;
    let mut scene = Scene::new();
    let publish = |scene: &mut Scene, who: &str| {
        scene
            .put(Command::SaveDraft {
                offer_type: "berth".into(),
                definition: private.to_owned().into(),
                expected: Expected::Any,
            })
            .unwrap();
        scene.put(Command::Publish { emails: Vec::new(), expected: Expected::Any }).unwrap();
        scene.run(0, 0, Report { audiences: audience(who), ..Report::new(Ending::Done, Vec::new()) });
    };
    publish(&mut scene, "old");
    live(&mut scene);
    publish(&mut scene, "old"); // version 2 is on its way, with whom the draft named then
    scene.done(2, 0);
    scene.done(3, 0);
    scene.put(Command::SynchroniseAudiences { audiences: audience("new"), expected: Expected::Any }).unwrap();
    assert_eq!(scene.offer.as_ref().unwrap().live_audiences[0].digest, "new");
    scene.put(Command::GoLive { expected: Expected::Any }).unwrap();
    scene.done(5, 0);
    assert_eq!(scene.offer.as_ref().unwrap().live_audiences[0].digest, "new", "who was taken out sees the plan again");

    // Nor does a roll back bring back whom version 1 let in.
    scene.put(Command::SynchroniseAudiences { audiences: audience("newest"), expected: Expected::Any }).unwrap();
    scene.put(Command::RollBack { from: 2, expected: Expected::Any }).unwrap();
    assert_eq!(scene.offer.as_ref().unwrap().live_audiences[0].digest, "newest");
}

#[test]
fn a_yes_of_somebody_who_submits_later_is_not_taken_over() {
    let approver = Uuid::from_u128(77);
    let mut scene = Scene::new();
    scene.publish("A berth");
    scene.pin("aa");
    scene.done(1, 0);
    scene.done(2, 0);
    let operation = scene.operation().id;
    scene.who = Some(approver);
    scene.put(Command::GiveVerdict { operation, step: "read".into(), queue: None, verdict: Verdict::Approve }).unwrap();
    scene.put(Command::Cancel { expected: Expected::Any }).unwrap();
    scene.publish("A berth");
    scene.who = None;
    scene.pin("aa");
    assert_eq!(scene.statuses()[1], StepStatus::Complete, "what no person said is");
    assert_eq!(scene.check(2, 1).state, CheckState::NotStarted, "they would have approved their own");
}
