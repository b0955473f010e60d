//! The steps and checks of an offer type, as data.

use crate::check::Check;
use crate::offer::is_slug as is_name;
use crate::operation::Step;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

/// What does the work of a step.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CheckKind {
    /// Judges the definition by the type's schema and the rules.
    Definition,
    /// Fetches, judges and pins the artifacts that the definition points to.
    Artifacts,
    /// Puts the published version into the preview slot.
    Listing,
    /// Registers and tests where leads go.
    Leads,
    /// Asks an outside system.
    Http {
        /// Its name in the settings.
        checker: String,
        /// Whether an earlier yes to the same inputs is taken again.
        #[serde(default)]
        reusable: bool,
    },
    /// Runs a program of this machine.
    Command {
        /// Its name in the settings.
        checker: String,
        /// Whether an earlier yes to the same inputs is taken again.
        #[serde(default)]
        reusable: bool,
    },
    /// Waits for a reviewer's verdict.
    Reviewer {
        /// The queue it waits in.
        #[serde(default = "usual_queue")]
        queue: String,
        /// How many people have to approve, 1 or 2.
        #[serde(default = "one")]
        approvals: u8,
        /// Whether an earlier yes to the same inputs is taken again.
        #[serde(default)]
        reusable: bool,
    },
    /// Waits for the publisher to go live.
    SignOff,
    /// Puts the preview into production.
    Promote,
    /// Waits out a time, counted from when its step was reached.
    Pause {
        /// How long, in seconds.
        seconds: u32,
    },
}

impl CheckKind {
    /// Whether a person completes the check, rather than a worker.
    pub const fn waits_for_person(&self) -> bool {
        match self {
            Self::Reviewer { .. } | Self::SignOff => true,
            Self::Definition
            | Self::Artifacts
            | Self::Listing
            | Self::Leads
            | Self::Http { .. }
            | Self::Command { .. }
            | Self::Promote
            | Self::Pause { .. } => false,
        }
    }

    /// A reviewer's check as most pipelines have it: the usual queue, one person, every time anew.
    pub fn reviewer() -> Self {
        Self::Reviewer { queue: usual_queue(), approvals: one(), reusable: false }
    }

    /// Its word, as in the files of offer types.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Definition => "definition",
            Self::Artifacts => "artifacts",
            Self::Listing => "listing",
            Self::Leads => "leads",
            Self::Http { .. } => "http",
            Self::Command { .. } => "command",
            Self::Reviewer { .. } => "reviewer",
            Self::SignOff => "sign-off",
            Self::Promote => "promote",
            Self::Pause { .. } => "pause",
        }
    }

    /// How many people have to approve; none for what no reviewer decides.
    pub const fn approvals(&self) -> Option<u8> {
        match self {
            Self::Reviewer { approvals, .. } => Some(*approvals),
            _ => None,
        }
    }

    /// The queue in which it waits for a reviewer; none for every other kind.
    pub fn queue(&self) -> Option<&str> {
        match self {
            Self::Reviewer { queue, .. } => Some(queue),
            _ => None,
        }
    }

    /// Whether the operator has marked it so that an earlier yes to the same inputs is taken again.
    pub const fn is_reusable(&self) -> bool {
        match self {
            Self::Http { reusable, .. } | Self::Command { reusable, .. } | Self::Reviewer { reusable, .. } => *reusable,
            _ => false,
        }
    }
}

/// The queue of reviewers where a pipeline names none.
pub const USUAL_QUEUE: &str = "review";

fn usual_queue() -> String {
    USUAL_QUEUE.to_owned()
}

const fn one() -> u8 {
    1
}

/// A step as a pipeline plans it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedStep {
    /// Its id on the wire.
    pub id: String,
    /// Its name on the wire.
    pub name: String,
    /// A sentence for the publisher.
    pub description: String,
    /// How long it usually takes, in words; absent where nobody knows.
    #[serde(default)]
    pub estimated_time_frame: Option<String>,
    /// A JSON pointer into the definition: the step takes part only where the value there is `true`.
    #[serde(default)]
    pub only_when: Option<String>,
    /// What does its work; at least one.
    pub checks: Vec<CheckKind>,
}

/// Why a list of steps is no pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PipelineFault(String);

/// The steps that every offer of a type goes through, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Pipeline(Vec<PlannedStep>);

impl Pipeline {
    /// Takes steps as a pipeline if production can only be reached through preview and sign-off.
    ///
    /// # Errors
    /// [`PipelineFault`] says which step breaks which rule: step ids differ; every step has a check; exactly one
    /// `sign-off`, alone in an unconditional step, after exactly one `listing`; exactly one `promote`, alone in the
    /// last step, after the sign-off.
    pub fn new(steps: Vec<PlannedStep>) -> Result<Self, PipelineFault> {
        let fault = |text: String| Err(PipelineFault(text));
        for (at, step) in steps.iter().enumerate() {
            if step.id.is_empty() || step.id.contains(['/', ' ', '?', '#', '%']) {
                return fault(format!("the step id {:?} cannot stand in a path; use letters, digits and `-`", step.id));
            }
            if step.checks.is_empty() {
                return fault(format!("step {:?} has no check; give it at least one", step.id));
            }
            if let Some(text) = bad_check(step) {
                return fault(text);
            }
            let pinned_before =
                || steps[..at].iter().any(|s| s.only_when.is_none() && s.checks.contains(&CheckKind::Artifacts));
            if step.checks.iter().any(CheckKind::is_reusable) && !pinned_before() {
                return fault(format!(
                    "step {:?} has a reusable check, and no step before it pins the artifacts; put `artifacts` in an earlier step without `only_when`, or take `reusable` away",
                    step.id
                ));
            }
            if steps[..at].iter().any(|earlier| earlier.id == step.id) {
                return fault(format!("two steps are called {:?}; give each its own id", step.id));
            }
        }
        let sign_off = only_alone(&steps, &CheckKind::SignOff)?;
        let promote = only_alone(&steps, &CheckKind::Promote)?;
        let listings = |range: &[PlannedStep]| {
            range.iter().flat_map(|step| &step.checks).filter(|kind| **kind == CheckKind::Listing).count()
        };
        let unconditional_listing =
            steps[..sign_off].iter().any(|step| step.only_when.is_none() && step.checks.contains(&CheckKind::Listing));
        if listings(&steps[..sign_off]) != 1 || !unconditional_listing {
            return fault(
                "exactly one `listing` must come before the `sign-off`, in a step without `only_when`".into(),
            );
        }
        if promote + 1 != steps.len() || promote < sign_off {
            return fault("`promote` must be the last step, after the `sign-off`".into());
        }
        Ok(Self(steps))
    }

    /// The steps as planned.
    pub fn steps(&self) -> &[PlannedStep] {
        &self.0
    }

    /// The same pipeline with the checks of each step replaced; the step comes with its place, from 0.
    ///
    /// # Errors
    /// [`PipelineFault`], as for [`Pipeline::new`].
    pub fn with_checks(&self, replace: impl Fn(usize, &PlannedStep) -> Vec<CheckKind>) -> Result<Self, PipelineFault> {
        Self::new(
            self.0
                .iter()
                .enumerate()
                .map(|(at, step)| PlannedStep { checks: replace(at, step), ..step.clone() })
                .collect(),
        )
    }

    /// Whether every definition goes through the same steps.
    pub fn is_unconditional(&self) -> bool {
        self.0.iter().all(|step| step.only_when.is_none())
    }

    /// The steps a run for this definition goes through, none of them begun.
    pub fn plan(&self, definition: &Value) -> Vec<Step> {
        let applies = |step: &&PlannedStep| {
            step.only_when.as_deref().is_none_or(|pointer| definition.pointer(pointer) == Some(&Value::Bool(true)))
        };
        self.0.iter().filter(applies).map(planned).collect()
    }
}

fn planned(step: &PlannedStep) -> Step {
    Step {
        id: step.id.clone(),
        name: step.name.clone(),
        description: step.description.clone(),
        estimated_time_frame: step.estimated_time_frame.clone(),
        reached_at: None,
        begun_anew_at: None,
        late: None,
        checks: step.checks.iter().cloned().map(Check::planned).collect(),
    }
}

/// What is wrong with a check of a step by itself.
fn bad_check(step: &PlannedStep) -> Option<String> {
    step.checks.iter().find_map(|kind| match kind {
        CheckKind::Reviewer { approvals, .. } if !(1..=2).contains(approvals) => {
            Some(format!("step {:?} wants {approvals} approvals; write 1 or 2", step.id))
        }
        CheckKind::Reviewer { queue, .. } if !is_name(queue) => Some(format!(
            "step {:?} has the queue {queue:?}; name it with at most 50 lower-case letters, digits, `_` and `-`",
            step.id
        )),
        CheckKind::Http { checker, .. } | CheckKind::Command { checker, .. } if !is_name(checker) => Some(format!(
            "step {:?} has the checker {checker:?}; name it with at most 50 lower-case letters, digits, `_` and `-`",
            step.id
        )),
        _ => None,
    })
}

/// The index of the one step that holds this check, and nothing else, whatever the definition says.
fn only_alone(steps: &[PlannedStep], kind: &CheckKind) -> Result<usize, PipelineFault> {
    let holders: Vec<usize> = (0..steps.len()).filter(|at| steps[*at].checks.contains(kind)).collect();
    match holders[..] {
        [at] if steps[at].checks.len() == 1 && steps[at].only_when.is_none() => Ok(at),
        _ => Err(PipelineFault(format!(
            "exactly one step must hold the check `{}`, alone and without `only_when`; {} hold it",
            if *kind == CheckKind::SignOff { "sign-off" } else { "promote" },
            holders.len()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::{CheckKind, Pipeline, PlannedStep};

    fn pipeline(checks: &[&[CheckKind]]) -> bool {
        let step = |(at, checks): (usize, &&[CheckKind])| PlannedStep {
            id: format!("step{at}"),
            name: "Step".into(),
            description: String::new(),
            estimated_time_frame: None,
            only_when: None,
            checks: checks.to_vec(),
        };
        Pipeline::new(checks.iter().enumerate().map(step).collect()).is_ok()
    }

    #[test]
    fn production_is_only_behind_preview_and_sign_off() {
        use CheckKind::{Definition, Listing, Promote, SignOff};
        assert!(pipeline(&[&[Definition], &[Listing], &[SignOff], &[Promote]]));
        assert!(pipeline(&[&[Listing], &[SignOff], &[Listing], &[Promote]]));
        assert!(!pipeline(&[&[Listing], &[Promote], &[SignOff]]), "promote before sign-off");
        assert!(!pipeline(&[&[Listing], &[SignOff], &[Promote], &[Definition]]), "work after promote");
        assert!(!pipeline(&[&[SignOff], &[Listing], &[Promote]]), "nothing to sign off");
        assert!(!pipeline(&[&[Listing], &[Listing], &[SignOff], &[Promote]]), "two previews");
        assert!(!pipeline(&[&[Listing], &[SignOff], &[SignOff], &[Promote]]), "two sign-offs");
        assert!(!pipeline(&[&[Listing], &[SignOff, Definition], &[Promote]]), "sign-off not alone");
        assert!(!pipeline(&[&[], &[Listing], &[SignOff], &[Promote]]), "a step without checks");
        assert!(!pipeline(&[]), "no steps");
    }
}
