//! The steps of a submission on a page: each with its state, its messages, what it took or usually takes.

use super::shell::{Html, Shell};
use super::states;
use crate::markup;
use api::state::State;
use api::status::{Message, MessageLevel, Step, StepStatus};
use publishing::moment::{Moment, TICKS_PER_SECOND};
use publishing::operation::{CheckState, Operation};

/// One step on a page.
pub(super) struct StepRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) dot: Html,
    pub(super) badge: Html,
    /// Whether it is where the submission is now.
    pub(super) is_current: bool,
    /// How long it took, in words.
    pub(super) took: Option<String>,
    /// How long it usually takes, and from how many that is known.
    pub(super) usually: Option<(String, u32)>,
    /// What the type says of how long it takes.
    pub(super) documented: Option<String>,
    pub(super) progress: Option<Progress>,
    pub(super) since: Option<Html>,
    pub(super) messages: Vec<MessageRow>,
    /// Whether its messages are shown without being asked for.
    pub(super) is_open: bool,
}

/// How far a step has come, counted.
pub(super) struct Progress {
    pub(super) percent: u8,
    pub(super) done: usize,
    pub(super) all: usize,
}

/// What a step says.
pub(super) struct MessageRow {
    pub(super) id: String,
    pub(super) class: &'static str,
    pub(super) level: String,
    /// What may be shown of its HTML.
    pub(super) html: Html,
    /// What is at fault, and where it is mended.
    pub(super) field: Option<(String, Option<String>)>,
    /// The rule, and where it is explained.
    pub(super) rule: Option<(String, Option<String>)>,
    pub(super) at: Html,
}

/// Rows for the steps of a document; the run that they are of says what only the rules know. Fields lead to `edit`, where there
/// is one.
pub(super) fn rows(shell: &Shell, steps: &[Step], run: Option<&Operation>, edit: Option<&str>) -> Vec<StepRow> {
    let current = api::state::at_hand(steps).map(|step| step.id.clone());
    steps.iter().enumerate().map(|(at, step)| row(shell, step, at, run, (current.as_deref(), edit))).collect()
}

fn row(
    shell: &Shell,
    step: &Step,
    at: usize,
    run: Option<&Operation>,
    (current, edit): (Option<&str>, Option<&str>),
) -> StepRow {
    let of_run = run.and_then(|run| run.steps.get(at)).filter(|own| own.id == step.id);
    let state = State::of_step(step.status);
    let is_worked_on = matches!(step.status, StepStatus::InProgress | StepStatus::WaitingForApproval);
    let progress = of_run.filter(|own| is_worked_on && own.checks.len() > 1).map(|own| Progress {
        percent: step.progress_percentage,
        done: own.checks.iter().filter(|check| matches!(check.state, CheckState::Complete)).count(),
        all: own.checks.len(),
    });
    let ended = matches!(step.status, StepStatus::Complete | StepStatus::Rejected | StepStatus::Canceled);
    let messages: Vec<_> = step
        .messages
        .iter()
        .enumerate()
        .map(|(number, said)| message(shell, &format!("m-{}-{}", step.id, number + 1), said, edit))
        .collect();
    StepRow {
        id: step.id.clone(),
        name: step.step_name.clone(),
        description: step.description.clone(),
        dot: states::dot(state),
        badge: states::badge(shell.t, state),
        is_current: current == Some(step.id.as_str()),
        took: run.filter(|_| ended).and_then(|run| took(run, at)).map(|seconds| shell.span(seconds)),
        usually: step.usual_duration.map(|usual| {
            let (low, high) = (shell.span(usual.low_seconds), shell.span(usual.high_seconds));
            (if low == high { low } else { format!("{low} – {high}") }, usual.samples)
        }),
        documented: step.estimated_time_frame.clone().filter(|words| !ended && !words.is_empty()),
        progress,
        since: step.since.map(|since| shell.when(Moment::from_ticks(since.ticks()))),
        is_open: step.messages.iter().any(|said| said.level == MessageLevel::Error),
        messages,
    }
}

/// How long a step took that has ended, in seconds.
fn took(run: &Operation, at: usize) -> Option<i64> {
    let from = run.steps.get(at)?.reached_at?;
    let to = run.steps.get(at + 1).and_then(|next| next.reached_at).unwrap_or(run.changed_at);
    Some((to.ticks() - from.ticks()).max(0) / TICKS_PER_SECOND)
}

/// A message as it is shown. Its HTML is cleaned once more: what is stored may be older than the rules of today.
pub(super) fn message(shell: &Shell, id: &str, said: &Message, edit: Option<&str>) -> MessageRow {
    let (class, level) = states::level(shell.t, said.level);
    let is_web = |link: &String| link.starts_with("https://") || link.starts_with("http://");
    MessageRow {
        id: id.to_owned(),
        class,
        level,
        html: Html(markup::message(&said.message_html)),
        field: said.target.as_ref().map(|target| (field(target).to_owned(), edit.map(|edit| at_field(edit, target)))),
        rule: said.code.as_ref().map(|code| (code.clone(), said.link.clone().filter(is_web))),
        at: shell.when(Moment::from_ticks(said.timestamp.ticks())),
    }
}

/// A pointer as people read it.
fn field(target: &str) -> &str {
    target.strip_prefix("/definition/").unwrap_or(target)
}

/// The editor at a field, which a JSON pointer names.
pub(super) fn at_field(edit: &str, target: &str) -> String {
    let at: String = form_urlencoded::byte_serialize(target.as_bytes()).collect();
    format!("{edit}?at={at}#at")
}
