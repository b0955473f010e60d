//! The page of one review: what changed, with what the checks found; beside it what can be decided, and what that comes to.

use super::at;
use super::evidence::{ArtifactRow, CheckRow, NoteRow, artifacts, checks, codes, decided, earlier, messages, notes};
use super::fields::{Difference, differences, fields};
use super::pages::{self, Shown};
use super::reader::text;
use super::refused::status;
use super::reviews::{Holder, not_theirs, path_of, reviewer};
use super::shell::{Html, Room, Shell};
use super::sign_in::query;
use super::states;
use super::steps::MessageRow;
use super::{Pages, Shared, Visitor};
use crate::auth::Permission;
use crate::store::StoreError;
use crate::wire;
use api::errors::ErrorBody;
use api::paths::segment;
use api::reviews::{ReviewedCheck, ReviewedStep};
use api::state::State;
use api::status::StepStatus;
use askama::Template;
use axum::extract::{RawPathParams, State as Extracted};
use axum::response::Response;
use http::{StatusCode, Uri};
use publishing::moment::Moment;
use publishing::offer::{Offer, OfferKey};
use publishing::operation::{Course, Operation};
use std::collections::{BTreeSet, HashSet};
use uuid::Uuid;

/// How many fields one page shows.
const MOST_FIELDS: usize = 200;

/// The page.
#[derive(Template)]
#[template(path = "review.html")]
struct ReviewPage<'a> {
    shell: Shell,
    path: String,
    offer_path: String,
    name: String,
    publisher: String,
    offer: String,
    step: &'a str,
    badge: Html,
    number: usize,
    since: Option<Html>,
    hold: Hold,
    queue: Option<&'a str>,
    fields: Vec<Difference>,
    more_fields: usize,
    is_new: bool,
    version: i64,
    checks: Vec<CheckRow>,
    artifacts: Vec<ArtifactRow>,
    earlier: Vec<(usize, Vec<MessageRow>)>,
    notes: Vec<NoteRow>,
    /// Whether something can be decided here, by whoever reads.
    may_decide: bool,
    /// Why not, where it waits.
    why_not: Option<String>,
    is_blocked: bool,
    /// Whether a reviewer's check waits or is blocked; the service itself may have blocked the step.
    is_reviewers: bool,
    approve_then: String,
    live: Option<i64>,
    /// What was decided, where nothing waits any more.
    decided: Vec<String>,
    codes: BTreeSet<String>,
    pointers: Vec<String>,
    entered: &'a Entered,
    preview: Vec<MessageRow>,
    command: String,
}

/// Who has it in hand.
enum Hold {
    /// Nobody, and whether whoever reads may take it.
    Free(bool),
    You(Html),
    /// Somebody else; whether whoever reads may end that.
    Another(String, Html, bool),
}

/// What somebody has entered, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Entered {
    pub(super) message: String,
    pub(super) code: String,
    pub(super) target: String,
    pub(super) mend: String,
    pub(super) note: String,
    pub(super) is_public: bool,
    /// Whether the message shall be shown as the publisher will see it.
    pub(super) is_preview: bool,
    /// The field, or nothing, and the words.
    pub(super) fault: Option<(&'static str, String)>,
}

impl Entered {
    /// What is wrong with a field.
    fn fault_at(&self, field: &str) -> Option<&str> {
        self.fault.as_ref().filter(|(at, _)| *at == field).map(|(_, words)| words.as_str())
    }
}

/// A review that somebody may see.
pub(super) struct ReviewAt {
    pub(super) seen: ReviewedStep,
    key: OfferKey,
    operation: Operation,
    offer: Offer,
}

/// The review that the path names.
///
/// # Errors
/// The page that says why not.
pub(super) async fn find(pages: &Pages, visitor: &Visitor, names: &RawPathParams) -> Result<ReviewAt, Box<Response>> {
    let names = at::names(names);
    let (Some(id), Some(step)) = (names.first(), names.get(1)) else { return Err(Box::new(super::lost::page())) };
    let seen: Result<ReviewedStep, _> = pages.api(visitor).get(&format!("/api{}", address(id, step))).await;
    let seen = seen.map_err(|error| Box::new(refused(&error)))?;
    let not_now = |error: StoreError| Box::new(pages::not_now(&error));
    let found = pages.read.operation(seen.operation_id).await.map_err(not_now)?;
    let (key, operation) = found.ok_or_else(|| Box::new(super::lost::page()))?;
    let offer = pages.read.offer(&key).await.map_err(not_now)?.ok_or_else(|| Box::new(super::lost::page()))?;
    Ok(ReviewAt { seen, key, operation, offer })
}

fn address(id: &str, step: &str) -> String {
    format!("/reviews/{}/{}", segment(id), segment(step))
}

/// The page for what the API refuses.
fn refused(error: &ErrorBody) -> Response {
    let t = text();
    pages::message(status(error), &t.fault_title(), &error.message, &[], Some(("/reviews", &t.reviews_all())))
}

/// The step of an operation that waits; the path may leave it out.
pub(super) async fn lead(Extracted(pages): Shared, names: RawPathParams) -> Shown {
    if let Err(refused) = reviewer() {
        return (*refused).into();
    }
    let id = at::names(&names).first().and_then(|id| Uuid::try_parse(id).ok());
    let found = match id {
        Some(id) => pages.read.operation(id).await,
        None => Ok(None),
    };
    match found {
        Err(error) => pages::not_now(&error).into(),
        Ok(None) => super::lost::page().into(),
        Ok(Some((_, operation))) => {
            let reached = |step: &&publishing::operation::Step| step.reached_at.is_some();
            let step = operation.current_step().or_else(|| operation.steps.iter().rfind(reached));
            step.map_or_else(super::lost::page, |step| pages::see(&path_of(operation.id, &step.id))).into()
        }
    }
}

/// A review.
pub(super) async fn show(Extracted(pages): Shared, names: RawPathParams, uri: Uri) -> Shown {
    let visitor = match reviewer() {
        Ok(visitor) => visitor,
        Err(refused) => return (*refused).into(),
    };
    let at = match find(&pages, &visitor, &names).await {
        Ok(at) => at,
        Err(refused) => return (*refused).into(),
    };
    let queue = query(&uri).get("queue").cloned();
    page(&pages, &visitor, &at, queue.as_deref(), StatusCode::OK, &Entered::default()).await.into()
}

/// Whether a check is one that somebody can decide.
const fn waits(check: &ReviewedCheck) -> bool {
    match check.status {
        StepStatus::Blocked => true,
        StepStatus::WaitingForApproval => check.queue.is_some(),
        _ => false,
    }
}

/// The check that is meant: of this queue, or else rather one that whoever reads holds.
fn chosen<'a>(visitor: &Visitor, seen: &'a ReviewedStep, queue: Option<&str>) -> Option<&'a ReviewedCheck> {
    let nearness = |check: &&ReviewedCheck| match Holder::of(visitor, check.held_by.as_ref()) {
        _ if queue.is_some() && check.queue.as_deref() == queue => 0,
        Holder::You => 1,
        Holder::Nobody => 2,
        Holder::Another(_) => 3,
    };
    seen.checks.iter().filter(|check| waits(check)).min_by_key(nearness)
}

/// The page with what was entered so far.
pub(super) async fn page(
    pages: &Pages,
    visitor: &Visitor,
    at: &ReviewAt,
    queue: Option<&str>,
    status: StatusCode,
    entered: &Entered,
) -> Response {
    match written(pages, visitor, at, queue, entered).await {
        Ok(template) => pages::page(status, &template),
        Err(error) => pages::not_now(&error),
    }
}

async fn written<'a>(
    pages: &Pages,
    visitor: &Visitor,
    at: &'a ReviewAt,
    queue: Option<&str>,
    entered: &'a Entered,
) -> Result<ReviewPage<'a>, StoreError> {
    let (shell, seen) = (Shell::of(Room::Reviews), &at.seen);
    let t = shell.t;
    let check = chosen(visitor, seen, queue);
    let (runs, live) = (pages.read.operations(&at.key).await?, at.offer.production);
    let after = pages.read.snapshot(&at.key, at.operation.offer_version).await?;
    let before = match live {
        Some(live) => pages.read.snapshot(&at.key, live).await?,
        None => None,
    };
    let (mut found, all) = match &after {
        None => (Vec::new(), Vec::new()),
        Some(after) => {
            let before = before.as_ref().map(|before| &before.draft);
            (differences(before, &after.draft)?, fields(&after.draft)?)
        }
    };
    let more_fields = found.len().saturating_sub(MOST_FIELDS);
    found.truncate(MOST_FIELDS);
    let pointers = pointers(&found, all.into_iter().map(|(pointer, _)| pointer));
    let not_theirs = not_theirs(visitor, &at.key, &at.operation);
    let runs_on = at.operation.course == Course::Running;
    let check = check.filter(|_| runs_on);
    let holder = check.map_or(Holder::Nobody, |check| Holder::of(visitor, check.held_by.as_ref()));
    let is_reviewers = check.is_some_and(|check| check.queue.is_some());
    let approved = check.is_some_and(|check| check.approved_by.iter().any(|one| one.by == visitor.caller.name()));
    let why_not = check.and_then(|_| match (&not_theirs, &holder) {
        (Some(words), _) => Some(words.clone()),
        (None, Holder::Another(_)) => Some(t.review_held_by_another()),
        (None, _) => approved.then(|| t.review_approved_already()),
    });
    let until = check.and_then(|check| check.held_until).map(|until| shell.when(Moment::from_ticks(until.ticks())));
    let is_operator = visitor.caller.authorise_marketplace(Permission::ManageStaff).is_ok();
    let number =
        runs.iter().position(|run| run.id == at.operation.id).map_or(0, |from_newest| runs.len() - from_newest);
    Ok(ReviewPage {
        path: path_of(seen.operation_id, &seen.step_id),
        offer_path: at::path_of(&at.key),
        name: at::name_of(&at.offer),
        publisher: at.key.publisher.to_string(),
        offer: at.key.offer.to_string(),
        step: &seen.step_name,
        badge: states::badge(t, State::of_step(seen.status)),
        number,
        since: seen.waiting_since.map(|since| shell.when(Moment::from_ticks(since.ticks()))),
        hold: match (holder, until) {
            (Holder::You, Some(until)) => Hold::You(until),
            (Holder::Another(name), Some(until)) => Hold::Another(name, until, is_operator && not_theirs.is_none()),
            _ => Hold::Free(is_reviewers && not_theirs.is_none()),
        },
        queue: check.and_then(|check| check.queue.as_deref()),
        fields: found,
        more_fields,
        is_new: live.is_none(),
        version: at.operation.offer_version,
        checks: checks(&shell, seen),
        artifacts: artifacts(&at.operation),
        earlier: earlier(&shell, &runs, at.operation.id),
        notes: notes(&shell, seen),
        may_decide: check.is_some() && why_not.is_none(),
        why_not,
        is_blocked: check.is_some_and(|check| check.status == StepStatus::Blocked),
        is_reviewers,
        approve_then: approve_then(&shell, at, check),
        live,
        decided: if check.is_some() { Vec::new() } else { decided(&shell, seen) },
        codes: codes(&runs),
        pointers,
        entered,
        preview: preview(&shell, entered),
        command: command(seen, entered),
        shell,
    })
}

/// The fields that a message can be about: those that are shown first.
fn pointers(shown: &[Difference], all: impl Iterator<Item = String>) -> Vec<String> {
    let known: HashSet<&str> = shown.iter().map(|field| field.pointer.as_str()).collect();
    let others = all.filter(|pointer| !known.contains(pointer.as_str()));
    shown.iter().map(|field| field.pointer.clone()).chain(others).take(MOST_FIELDS).collect()
}

/// What an approval comes to.
fn approve_then(shell: &Shell, at: &ReviewAt, check: Option<&ReviewedCheck>) -> String {
    if check.and_then(|check| check.approvals).is_some_and(|approvals| approvals.given + 1 < approvals.needed) {
        return shell.t.review_approve_then_another();
    }
    let is_other = |other: &&ReviewedCheck| check.is_none_or(|check| !std::ptr::eq(*other, check));
    if at.seen.checks.iter().filter(is_other).any(|other| other.status != StepStatus::Complete) {
        return shell.t.review_approve_then_others();
    }
    let mut steps = at.operation.steps.iter().skip_while(|step| step.id != at.seen.step_id).skip(1);
    steps.next().map_or_else(|| shell.t.review_approve_ends(), |next| shell.t.review_approve_then(next.name.as_str()))
}

/// The message as the publisher will see it.
fn preview(shell: &Shell, entered: &Entered) -> Vec<MessageRow> {
    if !entered.is_preview {
        return Vec::new();
    }
    let given = |text: &str| Some(crate::markup::visible(text).trim().to_owned()).filter(|text| !text.is_empty());
    let said = publishing::message::Message {
        code: given(&entered.code),
        target: given(&entered.target),
        mend: given(&entered.mend),
        ..publishing::message::Message::new(
            publishing::message::Level::Error,
            given(&entered.message).unwrap_or_default(),
            shell.now(),
        )
    };
    messages(shell, "preview", [wire::message(&said)].iter())
}

fn command(seen: &ReviewedStep, entered: &Entered) -> String {
    // What was entered is not repeated: it could mean anything to a shell.
    let verb = if entered.is_preview { "reject" } else { "show" };
    let reason = if entered.is_preview { " -m … --rule … --field …" } else { "" };
    format!("portolan review {verb} {} {}{reason}", seen.operation_id, seen.step_id)
}
