//! What must hold after each move of a random walk, whatever the move was.

use crate::common::{PEOPLE, Store};
use crate::moves::Written;
use crate::reviewers::Reviews;
use publishing::command::{Audience, Command, Ending};
use publishing::entry::Event;
use publishing::message::Level;
use publishing::moment::Moment;
use publishing::note_late::STEP_LATE;
use publishing::operation::{Check, CheckState, Course, Operation, PICK_UP_SECONDS, Purpose, Step};
use publishing::pipeline::CheckKind;
use publishing::plan;
use publishing::secrets;
use publishing::status::{OfferStatus, StepStatus};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What the walk has seen, told apart from what the rules recorded.
#[derive(Debug, Default)]
pub struct History {
    /// A worker has been at the step `live` of the newest operation.
    pub live_has_begun: bool,
    /// A draft was saved after the newest operation failed or was canceled.
    saved_since_the_end: bool,
    /// The versions that the publisher has signed off.
    signed_off: BTreeSet<i64>,
    draft: Option<Written>,
    published: BTreeMap<i64, Option<Written>>,
    /// What was in production, the newest last, as told by promotes and roll backs alone.
    production: Vec<i64>,
    /// The steps that were noted as late, each with when it was begun anew.
    pub late: BTreeSet<(Uuid, String, Option<Moment>)>,
    /// Who held, approved and submitted what.
    pub reviews: Reviews,
}

impl History {
    /// Takes note of a command that was not refused.
    pub fn note(&mut self, before: &Store, after: &Store, what: Option<Written>, command: &Command) {
        self.reviews.note(before, after, command);
        match command {
            Command::SaveDraft { .. } => {
                self.draft = what;
                self.saved_since_the_end = has_ended(before);
            }
            Command::Publish { .. } => {
                self.published.insert(before.offer().version, self.draft);
                (self.live_has_begun, self.saved_since_the_end) = (false, false);
            }
            Command::GoLive { .. } => drop(self.signed_off.insert(newest(after).offer_version)),
            Command::StartCheck(at) | Command::ReportCheck(at, _) => {
                self.live_has_begun |= newest(after).check(at).unwrap().kind == CheckKind::Promote;
                let is_live = history_status(after) == Some((Course::Completed, Purpose::GoLive));
                if is_live && history_status(before) != history_status(after) {
                    self.production.push(newest(after).offer_version);
                }
            }
            Command::NoteLate { operation, step, .. } => {
                let step = &newest(after).steps[*step];
                assert!(self.late.insert((*operation, step.id.clone(), step.begun_anew_at)), "it was noted twice");
            }
            Command::RollBack { .. } => {
                let before = self.rolls_back_to().unwrap();
                self.production.push(before);
            }
            Command::Cancel { .. } | Command::Replan | Command::RenewLinks => {}
            Command::GiveVerdict { .. }
            | Command::ClaimReview { .. }
            | Command::ReleaseReview { .. }
            | Command::AddNote { .. } => {}
            Command::HearCheck { .. } | Command::SynchroniseAudiences { .. } => {}
        }
    }

    /// The version that customers see.
    pub fn live(&self) -> Option<i64> {
        self.production.last().copied()
    }

    /// The newest version before it that was another one.
    pub fn rolls_back_to(&self) -> Option<i64> {
        let live = self.live()?;
        self.production.iter().rev().find(|version| **version != live).copied()
    }

    /// Whether the first plan in production is private.
    pub fn live_is_private(&self) -> bool {
        self.live().is_some_and(|version| self.published[&version] == Some(Written::Private))
    }

    /// Where the offer stands, by the order of events and not by their times.
    pub fn status(&self, store: &Store) -> OfferStatus {
        let Some(operation) = store.newest() else { return OfferStatus::NeverPublished };
        match (operation.course, operation.purpose) {
            (Course::Running | Course::CancelRequested, _) => OfferStatus::Running,
            (Course::Completed, Purpose::Publish) => OfferStatus::WaitingForPublisherReview,
            (Course::Completed, Purpose::GoLive) => OfferStatus::Succeeded,
            (Course::Failed | Course::Canceled, _) if self.saved_since_the_end => OfferStatus::NotStarted,
            (Course::Failed, _) => OfferStatus::Failed,
            (Course::Canceled, _) => OfferStatus::Canceled,
        }
    }

    /// Whether the draft is incomplete, or changes what is fixed about the plans in production.
    pub fn draft_is_faulty(&self, store: &Store) -> bool {
        let live = store.offer().production.and_then(|version| self.published[&version]);
        match (self.draft, live) {
            (Some(Written::WithoutTitle | Written::NoObject), _) => true,
            (Some(draft), Some(Written::Extended)) => draft != Written::Extended,
            (Some(Written::Private), Some(live)) => live != Written::Private,
            _ => false,
        }
    }
}

fn history_status(store: &Store) -> Option<(Course, Purpose)> {
    store.newest().map(|operation| (operation.course, operation.purpose))
}

fn has_ended(store: &Store) -> bool {
    store.newest().is_some_and(|operation| matches!(operation.course, Course::Failed | Course::Canceled))
}

fn newest(store: &Store) -> &Operation {
    store.newest().unwrap()
}

fn runs(operation: &Operation) -> bool {
    matches!(operation.course, Course::Running | Course::CancelRequested)
}

/// Asserts everything of the offer after a command, refused or not.
pub fn assert_holds(history: &History, before: &Store, after: &Store, command: &Command) {
    records(before, after, command);
    slots(history, before, after, command);
    versions_and_times(before, after, command);
    document(history, after);
    if let Some(operation) = after.newest() {
        never_stuck(operation);
        let status = history.status(after);
        let active = matches!(status, OfferStatus::Running | OfferStatus::WaitingForPublisherReview);
        assert_eq!(operation.can_cancel(), active && !history.live_has_begun, "whether it can be canceled");
    }
    journal(before, after, command);
}

/// One operation runs at most; a record that is finished or no longer the newest stays as it is.
fn records(before: &Store, after: &Store, command: &Command) {
    let older = after.operations.len().saturating_sub(1);
    assert!(!after.operations[..older].iter().any(runs), "an operation runs beside the newest");
    for (at, old) in before.operations.iter().enumerate() {
        let new = &after.operations[at];
        if old == new {
            continue;
        }
        assert_eq!(at + 1, before.operations.len(), "the record of an older operation changed");
        let signs_off = matches!(command, Command::GoLive { .. });
        let same_number = after.operations.len() == before.operations.len();
        assert!(same_number || signs_off, "an operation changed as another was started");
        assert!(new.changed_at > old.changed_at, "it changed at {:?} and then at {:?}", old.changed_at, new.changed_at);
        assert!(new.artifacts.starts_with(&old.artifacts), "an artifact was forgotten");
        let mut frozen = old.clone();
        frozen.course = new.course;
        frozen.changed_at = new.changed_at;
        let is_kept = old.cancel_requested_at.is_none() || old.cancel_requested_at == new.cancel_requested_at;
        assert!(is_kept, "a cancel that was asked for again began anew");
        frozen.cancel_requested_at = new.cancel_requested_at;
        frozen.artifacts.clone_from(&new.artifacts);
        frozen.steps.clone_from(&new.steps);
        assert_eq!(frozen, *new, "what is fixed at the start changed");
        let cancels = matches!(command, Command::Cancel { .. });
        match (old.course, new.course) {
            (Course::Running, Course::CancelRequested) => assert!(cancels),
            (Course::CancelRequested, Course::CancelRequested | Course::Canceled) | (Course::Running, _) => {}
            (Course::Completed, Course::Canceled) => assert!(cancels && old.purpose == Purpose::Publish),
            (Course::Completed, Course::Completed) => {
                assert!(signs_off && new.current_step().is_none_or(|step| !step.is_sign_off()), "signed off");
            }
            other => panic!("a terminal operation changed: {other:?}"),
        }
        steps_go_on(old, new);
    }
    if after.operations.len() > before.operations.len() {
        let new = newest(after);
        assert!(before.operations.iter().all(|old| old.started_at < new.started_at && old.id != new.id));
        // Unless the clock was set back: then nobody waits for the time to come round again.
        let started = new.started_at.min(after.now.plus_seconds(PICK_UP_SECONDS));
        let soonest = started.plus_seconds(PICK_UP_SECONDS);
        assert!(new.due_checks().iter().all(|(_, when)| *when >= soonest), "it can be done within a second");
        if new.purpose == Purpose::GoLive {
            steps_go_on(newest(before), new);
        }
    }
}

fn steps_go_on(old: &Operation, new: &Operation) {
    let plan = |operation: &Operation| -> Vec<(String, Vec<CheckKind>)> {
        let kinds = |step: &Step| step.checks.iter().map(|check| check.kind.clone()).collect();
        operation.steps.iter().map(|step| (step.id.clone(), kinds(step))).collect()
    };
    assert_eq!(plan(old), plan(new), "the steps of a run changed");
    for (old, new) in old.steps.iter().zip(&new.steps) {
        assert!(new.progress_percentage() >= old.progress_percentage(), "the progress of {} fell", new.id);
        assert!(old.reached_at.is_none() || old.reached_at == new.reached_at, "{} was reached twice", new.id);
    }
}

/// What the slots point at, and which command moves them.
fn slots(history: &History, before: &Store, after: &Store, command: &Command) {
    let offer = after.offer();
    for version in offer.preview.iter().chain(&offer.production) {
        assert!(after.snapshots.contains_key(version), "a slot points at version {version}, which was never published");
    }
    assert!(offer.production.is_none_or(|version| history.signed_off.contains(&version)), "it was not signed off");
    let judged = offer.production.map(|version| secrets::put_back(&after.snapshots[&version].draft));
    assert_eq!(offer.live_plans, judged.map(|definition| plan::plans(&definition)).unwrap_or_default());
    let done = match command {
        Command::ReportCheck(at, report) if report.ending == Ending::Done => {
            after.newest().and_then(|operation| operation.check(at)).map(|check| check.kind.clone())
        }
        _ => None,
    };
    let (preview, production) = before.offer.as_ref().map_or((None, None), |offer| (offer.preview, offer.production));
    assert_eq!(offer.production, history.live(), "production is not what was promoted or rolled back to");
    assert_eq!(offer.previous.as_ref().map(|previous| previous.version), history.rolls_back_to());
    if offer.production != production && !matches!(command, Command::RollBack { .. }) {
        let operation = newest(after);
        assert_eq!(
            (done.clone(), operation.purpose),
            (Some(CheckKind::Promote), Purpose::GoLive),
            "production changed"
        );
        assert_eq!(offer.production, Some(operation.offer_version));
    }
    match after.newest() {
        Some(operation) if offer.preview != preview && offer.preview.is_some() => {
            assert_eq!((done, offer.preview), (Some(CheckKind::Listing), Some(operation.offer_version)));
            let shows = |step: &&Step| step.checks.iter().any(|check| check.kind == CheckKind::Listing);
            let by_worker = |check: &&Check| !check.kind.waits_for_person();
            let step = operation.steps.iter().find(shows).unwrap();
            let others_done = step.checks.iter().filter(by_worker).all(|check| check.state == CheckState::Complete);
            assert!(others_done || operation.purpose == Purpose::GoLive, "a preview of what may yet be rejected");
        }
        Some(operation) if offer.preview != preview => {
            assert_eq!((operation.course, preview), (Course::Canceled, Some(operation.offer_version)));
        }
        _ => assert_eq!(offer.preview, preview),
    }
    let Some(operation) = after.newest() else { return };
    let version = Some(operation.offer_version);
    match history.status(after) {
        OfferStatus::WaitingForPublisherReview => assert_eq!(offer.preview, version, "there is no preview to review"),
        OfferStatus::Succeeded => assert_eq!(offer.preview, version),
        OfferStatus::Canceled => assert_ne!(offer.preview, version, "the preview was not withdrawn"),
        _ => assert!(operation.course == Course::Completed || offer.production != version),
    }
}

fn versions_and_times(before: &Store, after: &Store, command: &Command) {
    let new = after.offer();
    assert!(before.snapshots.iter().all(|(version, snapshot)| after.snapshots[version] == *snapshot));
    let Some(old) = &before.offer else {
        return assert_eq!(new.version, 1);
    };
    let published = after.snapshots.len() > before.snapshots.len();
    assert!(!published || matches!(command, Command::Publish { .. }));
    assert_eq!(new.version, old.version + i64::from(published), "the version rises by one at each publish");
    if published {
        let snapshot = &after.snapshots[&old.version];
        assert_eq!((snapshot.version, &snapshot.draft), (old.version, &old.draft));
        assert_eq!(newest(after).offer_version, old.version);
    }
    let changed = new.draft != old.draft || new.version != old.version;
    assert_eq!(changed, new.changed_at > old.changed_at, "{:?} was followed by {:?}", old.changed_at, new.changed_at);
    assert!(changed || new.changed_at == old.changed_at);
    assert!((&new.key, &new.offer_type) == (&old.key, &old.offer_type));
    if matches!(command, Command::SaveDraft { .. }) {
        let mut only_the_draft = old.clone();
        only_the_draft.draft = new.draft.clone();
        only_the_draft.changed_at = new.changed_at;
        assert_eq!(*new, only_the_draft, "saving a draft changes nothing else");
    } else {
        assert_eq!(new.draft, old.draft, "only saving a draft changes it");
    }
}

/// The status document says what happened: the steps come one after another, and the offer's status fits them.
fn document(history: &History, store: &Store) {
    let (status, document) = (history.status(store), store.document());
    assert_eq!((store.status(), document.status), (status, status));
    assert!(!document.steps.is_empty());
    document.steps.iter().for_each(step);
    let statuses: Vec<StepStatus> = document.steps.iter().map(Step::status).collect();
    let complete = statuses.iter().take_while(|status| **status == StepStatus::Complete).count();
    let (current, later) = statuses[complete..].split_first().map_or((None, &[][..]), |(one, rest)| (Some(*one), rest));
    let all_later = |expected: StepStatus| later.iter().all(|status| *status == expected);
    let reached = document.steps.iter().skip(complete + 1).any(|step| step.reached_at.is_some());
    assert!(!reached, "a step was reached before the one before it was complete: {statuses:?}");
    let fits = match (status, current) {
        (OfferStatus::NeverPublished | OfferStatus::NotStarted, Some(StepStatus::NotStarted)) => complete == 0,
        (OfferStatus::Succeeded, None) => true,
        (OfferStatus::Canceled, Some(StepStatus::Canceled)) => all_later(StepStatus::Canceled),
        (OfferStatus::Failed, Some(StepStatus::Rejected)) => true,
        (OfferStatus::WaitingForPublisherReview, Some(current)) => {
            current == StepStatus::WaitingForPublisherReview && document.steps[complete].is_sign_off()
        }
        // A cancel that was asked for comes before what a check beside the one in hand has said.
        (OfferStatus::Running, Some(StepStatus::Rejected)) => newest(store).course == Course::CancelRequested,
        (OfferStatus::Running, Some(current)) => {
            !matches!(current, StepStatus::Canceled | StepStatus::WaitingForPublisherReview)
        }
        _ => false,
    };
    assert!(fits, "the offer is {status} with steps {statuses:?}");
    assert!(status == OfferStatus::Canceled || all_later(StepStatus::NotStarted), "{statuses:?}");
    match store.newest() {
        Some(operation) if status != OfferStatus::NotStarted => {
            assert_eq!((&document.steps, &document.notification_emails), (&operation.steps, &operation.emails));
        }
        _ => assert!(document.notification_emails.is_empty()),
    }
}

fn step(step: &Step) {
    let any = |state: CheckState| step.checks.iter().any(|check| check.state == state);
    let queued = step.checks.iter().any(|check| matches!(check.state, CheckState::Queued { .. }));
    let (status, progress) = (step.status(), step.progress_percentage());
    assert!(progress <= 100);
    assert_eq!(status == StepStatus::Complete, progress == 100, "{} is {status:?} at {progress} %", step.id);
    let explains = step.messages().iter().any(|message| message.level == Level::Error && !message.text.is_empty());
    match status {
        StepStatus::NotStarted => {
            assert!(
                progress == 0 && step.messages().is_empty(),
                "work on {} was reported, and it is not started",
                step.id
            );
        }
        StepStatus::InProgress => assert!(any(CheckState::InHand) || queued),
        StepStatus::WaitingForApproval => assert!(any(CheckState::AwaitingPerson) && !any(CheckState::InHand)),
        StepStatus::WaitingForPublisherReview => assert!(any(CheckState::AwaitingPerson) && step.is_sign_off()),
        StepStatus::Blocked => assert!(any(CheckState::Blocked) && explains, "{} does not say what blocks it", step.id),
        StepStatus::Rejected => assert!(any(CheckState::Rejected) && explains, "{} does not say why", step.id),
        StepStatus::Complete | StepStatus::Canceled => {}
    }
    let has_ended = matches!(status, StepStatus::Complete | StepStatus::Canceled | StepStatus::Rejected);
    let says_late = step.messages().iter().any(|message| message.code.as_deref() == Some(STEP_LATE));
    assert_eq!(says_late, step.late.is_some() && !has_ended, "{} is {status:?}", step.id);
    assert!(!any(CheckState::Blocked) || status == StepStatus::Blocked || any(CheckState::Rejected));
}

/// What runs has somebody who can carry it on; what does not run has nothing due.
fn never_stuck(operation: &Operation) {
    let due = operation.due_checks();
    if !runs(operation) {
        return assert!(due.is_empty(), "something is due though nothing runs");
    }
    let current = operation.current_step().unwrap();
    for (at, _) in &due {
        assert_eq!((at.operation, &operation.steps[at.step].id), (operation.id, &current.id));
    }
    let waits = current.checks.iter().any(|check| {
        check.state == CheckState::Blocked
            || check.state == CheckState::AwaitingPerson && matches!(check.kind, CheckKind::Reviewer { .. })
    });
    let carried_on = if operation.course == Course::CancelRequested { operation.has_check_in_hand() } else { waits };
    assert!(carried_on || operation.course == Course::Running && !due.is_empty(), "nobody can carry it on");
}

/// Every decision is one line of the journal, and a refusal is none.
fn new_production(store: &Store) -> Option<i64> {
    store.offer().production
}

fn journal(before: &Store, after: &Store, command: &Command) {
    let new = &after.journal[before.journal.len()..];
    assert_eq!(after.journal[..before.journal.len()], before.journal);
    let [entry] = new else { return assert!(new.is_empty() && after.offer == before.offer) };
    let course = after.newest().map(|operation| operation.course);
    let fits = match (&entry.event, command) {
        (Event::Created, Command::SaveDraft { .. }) => before.offer.is_none(),
        (Event::DraftSaved, Command::SaveDraft { .. }) => before.offer.is_some(),
        (Event::Published { operation, version }, Command::Publish { .. }) => {
            *operation == newest(after).id && *version == newest(after).offer_version
        }
        (Event::WentLive { operation }, Command::GoLive { .. }) => *operation == newest(after).id,
        (Event::CancelRequested { .. }, Command::Cancel { .. }) => course == Some(Course::CancelRequested),
        (Event::Canceled { .. }, Command::Cancel { .. }) => course == Some(Course::Canceled),
        (Event::VerdictGiven { verdict, .. }, Command::GiveVerdict { verdict: given, .. }) => verdict == given,
        (Event::ReviewClaimed { until, .. }, Command::ClaimReview { .. }) => *until > after.now,
        (Event::ReviewReleased { .. }, Command::ReleaseReview { .. }) => true,
        (Event::NoteAdded { text, .. }, Command::AddNote { text: given, public, .. }) => {
            text.as_ref() == Some(given).filter(|_| *public)
        }
        (Event::CheckStarted { check }, Command::StartCheck(at)) => check == at,
        (Event::CheckReported { check, ending }, Command::ReportCheck(at, report)) => {
            check == at && *ending == report.ending
        }
        (Event::StepLate { operation, step, .. }, Command::NoteLate { operation: asked, step: at, .. }) => {
            let (old, new) = (&newest(before).steps[*at], &newest(after).steps[*at]);
            (operation, step) == (asked, &new.id) && old.late.is_none() && new.late.is_some()
        }
        (Event::RolledBack { from, to }, Command::RollBack { .. }) => {
            (before.offer().production, new_production(after)) == (Some(*from), Some(*to)) && from != to
        }
        (Event::AudiencesSynchronised { audiences }, Command::SynchroniseAudiences { audiences: given, .. }) => {
            let is_given = |live: &Audience| given.iter().any(|given| given.digest == live.digest);
            audiences.len() == given.len()
                && audiences.iter().all(|new| is_given(new) && after.offer().live_audiences.contains(new))
        }
        (Event::Replanned, Command::Replan) | (Event::LinksRenewed, Command::RenewLinks) => after.offer == before.offer,
        _ => false,
    };
    assert!(fits && entry.actor == PEOPLE[after.by].0, "{entry:?}");
}
