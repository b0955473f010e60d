//! One run: its steps, checks and messages, frozen when it starts. The wire also calls it a submission.

pub use crate::check::{Check, CheckState};

use crate::command::{Artifact, Audience, CheckRef};
use crate::message::Message;
use crate::moment::Moment;
use crate::pipeline::CheckKind;
use crate::plan::PlanSummary;
use crate::reuse::{self, Earlier};
use crate::status::{OfferStatus, StepStatus};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long a new operation waits before its first check is due, in seconds. Clients look for the submission after the
/// 202, and must find it `running` (wire contract, section 4).
pub const PICK_UP_SECONDS: i64 = 1;

/// What an operation is for; the wire's `submissionType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Purpose {
    /// From draft to preview.
    Publish,
    /// From preview to production.
    GoLive,
}

/// How far an operation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Course {
    /// It runs.
    Running,
    /// It runs on until the check in hand lets go, and is canceled then.
    CancelRequested,
    /// It has reached sign-off, or production.
    Completed,
    /// A step was rejected.
    Failed,
    /// It was canceled.
    Canceled,
}

/// One step of a run: what the publisher watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its id on the wire.
    pub id: String,
    /// Its name on the wire.
    pub name: String,
    /// A sentence for the publisher.
    pub description: String,
    /// How long it usually takes, in words.
    pub estimated_time_frame: Option<String>,
    /// When the steps before it were done, by the clock.
    pub reached_at: Option<Moment>,
    /// When work on it began anew after it was blocked, by the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_anew_at: Option<Moment>,
    /// What is said of it since it takes longer than such steps usually do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<Message>,
    /// What does its work.
    pub checks: Vec<Check>,
}

impl Step {
    /// The step's status: the gravest thing that any of its checks has to say.
    pub fn status(&self) -> StepStatus {
        let any = |state| self.checks.iter().any(|check| check.is(state));
        let queued = self.checks.iter().any(|check| matches!(check.state, CheckState::Queued { .. }));
        if any(CheckState::Rejected) {
            StepStatus::Rejected
        } else if any(CheckState::Canceled) {
            StepStatus::Canceled
        } else if any(CheckState::Blocked) {
            StepStatus::Blocked
        } else if self.is_complete() {
            StepStatus::Complete
        } else if !self.checks.iter().any(|check| check.begun) {
            StepStatus::NotStarted
        } else if any(CheckState::InHand) || queued {
            StepStatus::InProgress
        } else if self.is_sign_off() {
            StepStatus::WaitingForPublisherReview
        } else {
            StepStatus::WaitingForApproval
        }
    }

    /// Finished checks of all checks, in percent, rounded down. A check that counts what it looks at adds the part that it
    /// has done; none is taken for finished before it is.
    pub fn progress_percentage(&self) -> u8 {
        let done: u64 = self.checks.iter().map(Check::percentage).sum();
        u8::try_from(done / self.checks.len().max(1) as u64).unwrap_or(100)
    }

    /// Everything its checks said, oldest first; and that it is late, as long as it goes on.
    pub fn messages(&self) -> Vec<&Message> {
        let has_ended = matches!(self.status(), StepStatus::Complete | StepStatus::Rejected | StepStatus::Canceled);
        let late = self.late.iter().filter(|_| !has_ended);
        let mut messages: Vec<_> = self.checks.iter().flat_map(|check| &check.messages).chain(late).collect();
        messages.sort_by_key(|message| message.at);
        messages
    }

    /// Whether this is the step that waits for the publisher's go live.
    pub fn is_sign_off(&self) -> bool {
        self.checks.iter().any(|check| check.kind == CheckKind::SignOff)
    }

    /// Whether this is the step after whose beginning nothing can be canceled.
    pub fn is_promote(&self) -> bool {
        self.checks.iter().any(|check| check.kind == CheckKind::Promote)
    }

    fn is_complete(&self) -> bool {
        self.checks.iter().all(|check| check.is(CheckState::Complete))
    }

    /// Makes the checks of workers due at `at`, but for the preview.
    fn reach(&mut self, now: Moment, at: Moment) {
        self.reached_at = Some(now);
        let by_worker = |check: &&mut Check| !check.kind.waits_for_person() && check.kind != CheckKind::Listing;
        for check in self.checks.iter_mut().filter(by_worker) {
            check.state = CheckState::Queued { at };
        }
    }

    /// Puts the preview in place once the other workers are done: nobody shall see the preview of what they reject.
    fn hand_to_listing(&mut self, at: Moment) {
        let before = |check: &Check| check.kind.waits_for_person() || check.kind == CheckKind::Listing;
        if self.checks.iter().all(|check| before(check) || check.is(CheckState::Complete)) {
            let waits = |check: &&mut Check| check.kind == CheckKind::Listing && check.is(CheckState::NotStarted);
            for check in self.checks.iter_mut().filter(waits) {
                check.state = CheckState::Queued { at };
            }
        }
    }

    /// Hands the step to a person once the workers are done with it: what they would find need not be looked at.
    fn hand_to_person(&mut self, clock: Moment) {
        let is_person = |check: &&mut Check| check.kind.waits_for_person() && check.is(CheckState::NotStarted);
        if self.checks.iter().all(|check| check.kind.waits_for_person() || check.is(CheckState::Complete)) {
            self.checks.iter_mut().filter(is_person).for_each(|check| check.await_person(clock));
        }
    }
}

/// One run on an offer, with the steps it started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id.
    pub id: Uuid,
    /// What it is for.
    pub purpose: Purpose,
    /// How far it has come.
    pub course: Course,
    /// The version of the offer that it publishes; `publishingVersion` is one more.
    pub offer_version: i64,
    /// When it started: the submission's `version` in ticks, strictly rising per offer.
    pub started_at: Moment,
    /// When it last changed.
    pub changed_at: Moment,
    /// When a cancel was first asked for, where it waits for a check to let go, or waited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_requested_at: Option<Moment>,
    /// Whom to tell.
    pub emails: Vec<String>,
    /// Its steps, as the pipeline was when it started.
    pub steps: Vec<Step>,
    /// The artifacts that its checks recorded.
    pub artifacts: Vec<Artifact>,
    /// The plans of the version it publishes.
    pub plans: Vec<PlanSummary>,
    /// Who published it and, of a go live, who signed off: nobody reviews what they submitted.
    #[serde(default)]
    pub submitters: Vec<Uuid>,
    /// Who may see its private plans, as its checks found.
    #[serde(default)]
    pub audiences: Vec<Audience>,
    /// The subscriptions that may see its preview.
    #[serde(default)]
    pub preview_audience: Vec<String>,
    /// The digest of the definition that it publishes, without its secrets.
    #[serde(default)]
    pub definition_digest: String,
    /// What reusable checks of earlier submissions said yes to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Earlier>,
}

impl Operation {
    /// A publish with planned steps that starts at this moment, once it is told to advance.
    pub(crate) fn publish(
        id: Uuid,
        offer_version: i64,
        started_at: Moment,
        emails: Vec<String>,
        steps: Vec<Step>,
    ) -> Self {
        Self {
            id,
            purpose: Purpose::Publish,
            course: Course::Running,
            offer_version,
            started_at,
            changed_at: started_at,
            cancel_requested_at: None,
            emails,
            steps,
            artifacts: Vec::new(),
            plans: Vec::new(),
            submitters: Vec::new(),
            audiences: Vec::new(),
            preview_audience: Vec::new(),
            definition_digest: String::new(),
            earlier: Vec::new(),
        }
    }

    /// A publish that awaited sign-off, with that step complete.
    pub(crate) fn signed_off(&self, now: Moment) -> Self {
        let mut operation = self.clone();
        operation.changed_at = now;
        if let Some(check) = operation.current_step_mut().and_then(|step| step.checks.first_mut()) {
            check.state = CheckState::Complete;
        }
        operation
    }

    /// Starts a go live on the steps of a publish that was signed off just now.
    pub(crate) fn go_live(&self, id: Uuid, clock: Moment) -> Self {
        let mut operation = self.clone();
        operation.id = id;
        operation.purpose = Purpose::GoLive;
        operation.course = Course::Running;
        operation.started_at = self.changed_at;
        operation.advance(self.changed_at, clock);
        operation
    }

    /// Where the offer stands while this is its newest operation.
    pub fn offer_status(&self) -> OfferStatus {
        match (self.course, self.purpose) {
            (Course::Running | Course::CancelRequested, _) => OfferStatus::Running,
            (Course::Completed, Purpose::Publish) => OfferStatus::WaitingForPublisherReview,
            (Course::Completed, Purpose::GoLive) => OfferStatus::Succeeded,
            (Course::Failed, _) => OfferStatus::Failed,
            (Course::Canceled, _) => OfferStatus::Canceled,
        }
    }

    /// The version the offer has since this was published.
    pub const fn publishing_version(&self) -> i64 {
        self.offer_version + 1
    }

    /// Whether a cancel would still be taken, as long as this is the newest operation.
    pub fn can_cancel(&self) -> bool {
        let live_begun = self.steps.iter().any(|step| step.is_promote() && step.checks.iter().any(|check| check.begun));
        matches!(self.offer_status(), OfferStatus::Running | OfferStatus::WaitingForPublisherReview) && !live_begun
    }

    /// The first step that is not complete.
    pub fn current_step(&self) -> Option<&Step> {
        self.steps.iter().find(|step| !step.is_complete())
    }

    fn current_step_mut(&mut self) -> Option<&mut Step> {
        self.steps.iter_mut().find(|step| !step.is_complete())
    }

    /// A check by name.
    pub fn check(&self, at: &CheckRef) -> Option<&Check> {
        self.steps.get(at.step)?.checks.get(at.check)
    }

    pub(crate) fn check_mut(&mut self, at: &CheckRef) -> Option<&mut Check> {
        self.steps.get_mut(at.step)?.checks.get_mut(at.check)
    }

    /// Whether a worker has a check in hand.
    pub fn has_check_in_hand(&self) -> bool {
        self.checks().any(|(_, check)| check.is(CheckState::InHand))
    }

    /// The checks that a worker shall take, or has in hand, each with its time.
    pub fn due_checks(&self) -> Vec<(CheckRef, Moment)> {
        let (runs, lets_go) = (self.course == Course::Running, self.course == Course::CancelRequested);
        let due = |(at, check): (CheckRef, &Check)| match check.state {
            CheckState::Queued { at: when } if runs => Some((at, when)),
            // Due at once where its worker let go of it, whatever the clock has been set to since.
            CheckState::InHand if runs || lets_go => Some((at, Moment::from_ticks(0))),
            _ => None,
        };
        self.checks().filter_map(due).collect()
    }

    fn checks(&self) -> impl Iterator<Item = (CheckRef, &Check)> {
        self.steps.iter().enumerate().flat_map(move |(step, s)| {
            let name = move |check| CheckRef { operation: self.id, step, check };
            s.checks.iter().enumerate().map(move |(check, c)| (name(check), c))
        })
    }

    /// Carries a change of a check on: to the next step, to sign-off, to the end.
    ///
    /// `now` is after everything that has happened to the offer. `clock` is what the clock shows, which may have been set
    /// back meanwhile: it says when work is due, so that nobody waits for the time to come round again.
    pub(crate) fn advance(&mut self, now: Moment, clock: Moment) {
        self.changed_at = now;
        if self.course == Course::CancelRequested {
            if !self.has_check_in_hand() {
                self.cancel(now);
            }
            return;
        }
        let purpose = self.purpose;
        // Where the clock was set back by more than that, the second is one of the clock that is there now.
        let started = self.started_at.min(clock.plus_seconds(PICK_UP_SECONDS));
        let due = clock.max(started.plus_seconds(PICK_UP_SECONDS));
        let known = reuse::known(self);
        // A step whose checks are all taken over from earlier is complete as soon as it is reached.
        while let Some(step) = self.current_step_mut() {
            if step.status() == StepStatus::Rejected {
                self.course = Course::Failed;
                return;
            }
            if step.reached_at.is_none() {
                step.reach(clock, due);
                reuse::take_over(step, &known, now);
            }
            step.hand_to_listing(due);
            step.hand_to_person(clock);
            if step.is_complete() {
                continue;
            }
            if step.is_sign_off() && purpose == Purpose::Publish {
                self.course = Course::Completed;
            }
            return;
        }
        self.course = Course::Completed;
    }

    /// Ends the run: the current step and those after it are canceled.
    pub(crate) fn cancel(&mut self, now: Moment) {
        self.course = Course::Canceled;
        self.changed_at = now;
        for check in self.steps.iter_mut().flat_map(|step| &mut step.checks) {
            if !check.is(CheckState::Complete) {
                check.state = CheckState::Canceled;
            }
        }
    }
}
