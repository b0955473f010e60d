//! What a review is decided by: what the checks found, the files, earlier failures, notes.

use super::shell::{Html, Shell};
use super::states;
use super::steps::{self, MessageRow};
use crate::wire;
use api::reviews::{ReviewedCheck, ReviewedStep};
use api::state::State;
use api::status::{Message, MessageLevel};
use publishing::moment::Moment;
use publishing::operation::{Course, Operation};
use std::collections::BTreeSet;
use uuid::Uuid;

/// How many earlier failures one page shows.
const MOST_EARLIER: usize = 5;

/// A check, with what it says.
pub(super) struct CheckRow {
    pub(super) kind: String,
    pub(super) badge: Html,
    pub(super) messages: Vec<MessageRow>,
    pub(super) approved_by: Vec<(String, Html)>,
}

/// A file that the offer names, as it was fetched.
pub(super) struct ArtifactRow {
    pub(super) target: String,
    pub(super) url: String,
    pub(super) pinned: Option<(String, u64, String)>,
}

/// Something that a reviewer noted.
pub(super) struct NoteRow {
    pub(super) by: String,
    pub(super) at: Html,
    pub(super) text: String,
    pub(super) is_public: bool,
}

pub(super) fn checks(shell: &Shell, seen: &ReviewedStep) -> Vec<CheckRow> {
    let row = |(at, check): (usize, &ReviewedCheck)| CheckRow {
        kind: check.kind.clone(),
        badge: states::badge(shell.t, State::of_step(check.status)),
        messages: messages(shell, &format!("c{at}"), check.messages.iter()),
        approved_by: check
            .approved_by
            .iter()
            .map(|one| (one.by.clone(), shell.when(Moment::from_ticks(one.at.ticks()))))
            .collect(),
    };
    seen.checks.iter().enumerate().map(row).collect()
}

pub(super) fn messages<'a>(shell: &Shell, of: &str, said: impl Iterator<Item = &'a Message>) -> Vec<MessageRow> {
    said.enumerate().map(|(at, said)| steps::message(shell, &format!("m-{of}-{at}"), said, None)).collect()
}

pub(super) fn artifacts(operation: &Operation) -> Vec<ArtifactRow> {
    let row = |artifact: &publishing::command::Artifact| ArtifactRow {
        target: artifact.target.clone(),
        // What follows the question mark may let in whoever has it.
        url: artifact.url.split('?').next().unwrap_or_default().to_owned(),
        pinned: artifact.pinned.as_ref().map(|file| (file.media_type.clone(), file.bytes, file.digest.clone())),
    };
    operation.artifacts.iter().map(row).collect()
}

/// The submissions before this one that failed, the newest first, with the errors that they failed for.
pub(super) fn earlier(shell: &Shell, runs: &[Operation], this: Uuid) -> Vec<(usize, Vec<MessageRow>)> {
    let numbered = runs.iter().enumerate().map(|(at, run)| (runs.len() - at, run));
    let failed = numbered.skip_while(|(_, run)| run.id != this).skip(1).filter(|(_, run)| run.course == Course::Failed);
    let row = |(number, run): (usize, &Operation)| {
        let said: Vec<Message> = run.steps.iter().flat_map(|step| step.messages()).map(wire::message).collect();
        let errors = said.iter().filter(|said| said.level == MessageLevel::Error);
        (number, messages(shell, &format!("e{number}"), errors))
    };
    failed.take(MOST_EARLIER).map(row).collect()
}

pub(super) fn notes(shell: &Shell, seen: &ReviewedStep) -> Vec<NoteRow> {
    let row = |note: &api::reviews::Note| NoteRow {
        by: note.by.clone(),
        at: shell.when(Moment::from_ticks(note.at.ticks())),
        text: note.text.clone(),
        is_public: note.public,
    };
    seen.checks.iter().flat_map(|check| &check.notes).map(row).collect()
}

/// By what a step was decided that waits no more.
pub(super) fn decided(shell: &Shell, seen: &ReviewedStep) -> Vec<String> {
    let errors = seen.checks.iter().flat_map(|check| &check.messages).filter(|said| said.level == MessageLevel::Error);
    let approved = seen.checks.iter().flat_map(|check| &check.approved_by);
    let approved = approved.map(|one| shell.t.review_decided_by(one.by.as_str()));
    approved.chain(errors.map(|said| said.text.clone())).collect()
}

/// The codes that were used for this offer.
pub(super) fn codes(runs: &[Operation]) -> BTreeSet<String> {
    let steps = runs.iter().flat_map(|run| &run.steps);
    steps.flat_map(|step| step.messages()).filter_map(|said| said.code.clone()).collect()
}
