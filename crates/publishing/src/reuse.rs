//! Checks that need not be run again: what they look at is what they said yes to before.

use crate::message::Message;
use crate::moment::Moment;
use crate::operation::{CheckState, Operation, Step};
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
    /// The digest of what it looked at.
    pub inputs: String,
    /// The operation in which it was really run.
    pub operation: Uuid,
    /// The version that was published then.
    pub version: i64,
}

/// What is known when a step is reached.
pub(crate) struct Known {
    definition: String,
    artifacts: String,
    earlier: Vec<Earlier>,
}

/// What the checks of an operation may be compared with.
pub(crate) fn known(operation: &Operation) -> Known {
    let mut artifacts: Vec<String> = operation
        .artifacts
        .iter()
        .map(|artifact| {
            let digest = artifact.pinned.as_ref().map(|pinned| pinned.digest.as_str());
            format!("{} {}\n", artifact.target, digest.unwrap_or(&artifact.url))
        })
        .collect();
    artifacts.sort();
    Known {
        definition: operation.definition_digest.clone(),
        artifacts: artifacts.concat(),
        earlier: operation.earlier.clone(),
    }
}

/// Completes the reusable checks of a step that has just been reached, where they said yes to the same before.
pub(crate) fn take_over(step: &mut Step, known: &Known, now: Moment) {
    let id = step.id.clone();
    for check in step.checks.iter_mut().filter(|check| check.kind.is_reusable()) {
        let inputs = known.inputs(&id, &check.kind);
        let same = |earlier: &&Earlier| earlier.step == id && earlier.kind == check.kind && earlier.inputs == inputs;
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

/// What the reusable checks of an operation, and of those before it, said yes to.
pub(crate) fn passed(operation: &Operation) -> Vec<Earlier> {
    let mut passed: Vec<Earlier> = Vec::new();
    for step in &operation.steps {
        for check in step.checks.iter().filter(|check| check.state == CheckState::Complete) {
            let Some(inputs) = &check.inputs else { continue };
            let was =
                |earlier: &&Earlier| earlier.step == step.id && earlier.kind == check.kind && earlier.inputs == *inputs;
            let source = operation.earlier.iter().find(was);
            passed.push(source.cloned().unwrap_or_else(|| Earlier {
                step: step.id.clone(),
                kind: check.kind.clone(),
                inputs: inputs.clone(),
                operation: operation.id,
                version: operation.offer_version,
            }));
        }
    }
    let replaced = |old: &&Earlier| !passed.iter().any(|new| new.step == old.step && new.kind == old.kind);
    let older: Vec<Earlier> = operation.earlier.iter().filter(replaced).cloned().collect();
    passed.extend(older);
    passed
}

impl Known {
    /// The digest of what a check looks at.
    fn inputs(&self, step: &str, kind: &CheckKind) -> String {
        let kind = serde_json::to_string(kind).unwrap_or_default();
        digest(&[step, &kind, &self.definition, &self.artifacts])
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
