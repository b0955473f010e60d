//! Checks that need not be run again: what they look at is what they said yes to before.

use crate::command::Artifact;
use crate::message::Message;
use crate::moment::Moment;
use crate::operation::{Check, CheckState, Operation, Step};
use crate::pipeline::CheckKind;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The stable code of the message that says so.
pub const REUSED: &str = "Reused";

/// What a reusable check of an earlier submission said yes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Earlier {
    /// The step's id.
    pub step: String,
    /// What did the work.
    pub kind: CheckKind,
    /// Its place among the checks of its step, from 0.
    #[serde(default)]
    pub check: usize,
    /// The digest of what it looked at.
    pub inputs: String,
    /// The version for which it was really run.
    pub version: i64,
    /// Who approved it, where people do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved_by: Vec<Uuid>,
}

/// What is known when a step is reached.
pub(crate) struct Known {
    definition: String,
    /// None where the content of some file is not known: it may be another one by now.
    artifacts: Option<String>,
    submitters: Vec<Uuid>,
    earlier: Vec<Earlier>,
}

/// What the checks of an operation may be compared with.
pub(crate) fn known(operation: &Operation) -> Known {
    let pinned = |artifact: &Artifact| {
        let pinned = artifact.pinned.as_ref()?;
        Some(format!("{} {}\n", artifact.target, pinned.digest))
    };
    let artifacts: Option<Vec<String>> = operation.artifacts.iter().map(pinned).collect();
    let sorted = |mut artifacts: Vec<String>| {
        artifacts.sort();
        artifacts.concat()
    };
    Known {
        definition: operation.definition_digest.clone(),
        artifacts: artifacts.map(sorted),
        submitters: operation.submitters.clone(),
        earlier: operation.earlier.clone(),
    }
}

/// Completes the reusable checks of a step that has just been reached, where they said yes to the same before.
pub(crate) fn take_over(step: &mut Step, known: &Known, now: Moment) {
    let id = step.id.clone();
    for (at, check) in step.checks.iter_mut().enumerate().filter(|(_, check)| check.kind.is_reusable()) {
        let Some(inputs) = known.inputs(&id, &check.kind) else { continue };
        let same = |earlier: &&Earlier| {
            earlier.is_of(&id, at, &check.kind)
                && earlier.inputs == inputs
                && !earlier.approved_by.iter().any(|who| known.submitters.contains(who))
        };
        if let Some(earlier) = known.earlier.iter().find(same) {
            let text = format!(
                "Nothing that this check looks at has changed since it passed for version {}. It was not run again.",
                earlier.version
            );
            check.messages = vec![Message { code: Some(REUSED.into()), ..Message::information(text, now) }];
            check.begun = true;
            check.state = CheckState::Complete;
        }
        check.inputs = Some(inputs);
    }
}

/// Whether a check was not run, because it had said yes to the same before.
pub(crate) fn was_taken_over(check: &Check) -> bool {
    check.messages.iter().any(|message| message.code.as_deref() == Some(REUSED))
}

/// What the reusable checks of an operation, and of those before it, said yes to.
pub(crate) fn passed(operation: &Operation) -> Vec<Earlier> {
    let mut passed: Vec<Earlier> = Vec::new();
    for step in &operation.steps {
        let complete = step.checks.iter().enumerate().filter(|(_, check)| check.state == CheckState::Complete);
        for (at, check) in complete {
            let Some(inputs) = &check.inputs else { continue };
            let is_it = |earlier: &&Earlier| earlier.is_of(&step.id, at, &check.kind) && earlier.inputs == *inputs;
            let source = operation.earlier.iter().find(is_it).filter(|_| was_taken_over(check));
            passed.push(source.cloned().unwrap_or_else(|| Earlier {
                step: step.id.clone(),
                kind: check.kind.clone(),
                check: at,
                inputs: inputs.clone(),
                version: operation.offer_version,
                approved_by: check.review.approvals.iter().filter_map(|approval| approval.by.id).collect(),
            }));
        }
    }
    let replaced = |old: &&Earlier| !passed.iter().any(|new| new.is_of(&old.step, old.check, &old.kind));
    let older: Vec<Earlier> = operation.earlier.iter().filter(replaced).cloned().collect();
    passed.extend(older);
    passed
}

impl Earlier {
    fn is_of(&self, step: &str, check: usize, kind: &CheckKind) -> bool {
        self.step == step && self.check == check && self.kind == *kind
    }
}

impl Known {
    /// The digest of what a check looks at; none where that is not known.
    fn inputs(&self, step: &str, kind: &CheckKind) -> Option<String> {
        let kind = serde_json::to_string(kind).unwrap_or_default();
        Some(digest(&[step, &kind, &self.definition, self.artifacts.as_deref()?]))
    }
}

/// The SHA-256 over texts, each after its length, as 64 hexadecimal digits.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
