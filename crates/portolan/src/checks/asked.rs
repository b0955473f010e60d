//! What a check outside the service is given: the job, as one JSON document. `docs/checkers.md` shows it to people who write one.

use super::{Job, Setback};
use publishing::command::Artifact;
use serde::Serialize;
use serde_json::value::RawValue;

/// The job as an outside check gets it. The definition is spelled as the publisher did; its secrets are not in it.
#[derive(Debug, Serialize)]
pub struct Asked<'a> {
    check: AskedCheck<'a>,
    offer: AskedOffer<'a>,
    definition: &'a RawValue,
    artifacts: Vec<AskedArtifact<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AskedCheck<'a> {
    id: String,
    operation_id: String,
    step_id: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AskedOffer<'a> {
    publisher_id: &'a str,
    id: &'a str,
    offer_type_id: Option<&'a str>,
    version: i64,
}

#[derive(Debug, Serialize)]
struct AskedArtifact<'a> {
    target: &'a str,
    url: &'a str,
    digest: Option<String>,
    bytes: Option<u64>,
}

impl<'a> Asked<'a> {
    /// The job's document; the same where the job is given again.
    ///
    /// # Errors
    /// [`Setback`] where the stored definition is no JSON.
    pub fn of(job: &'a Job) -> Result<Self, Setback> {
        let definition = serde_json::from_str(&job.snapshot.draft.definition);
        Ok(Self {
            check: AskedCheck {
                id: id(job),
                operation_id: job.at.operation.to_string(),
                step_id: job.operation.steps.get(job.at.step).map_or("", |step| step.id.as_str()),
            },
            offer: AskedOffer {
                publisher_id: job.key.publisher.as_str(),
                id: job.key.offer.as_str(),
                offer_type_id: job.offer_type.as_ref().map(|offer_type| offer_type.id.as_str()),
                version: job.snapshot.version,
            },
            definition: definition.map_err(|error| Setback(format!("the definition cannot be read: {error}")))?,
            artifacts: job.operation.artifacts.iter().map(AskedArtifact::of).collect(),
        })
    }
}

impl<'a> AskedArtifact<'a> {
    fn of(artifact: &'a Artifact) -> Self {
        let pinned = artifact.pinned.as_ref();
        Self {
            target: &artifact.target,
            url: &artifact.url,
            digest: pinned.map(|pinned| format!("sha256:{}", pinned.digest)),
            bytes: pinned.map(|pinned| pinned.bytes),
        }
    }
}

/// What names one run of a check: the same on a repeat, another where it was unblocked and begun anew.
pub fn id(job: &Job) -> String {
    format!("{}-{}-{}-{}", job.at.operation, job.at.step, job.at.check, job.check.round)
}
