//! What a check outside the service is given: the job, as one JSON document. `docs/checkers.md` shows it to people who write one.

use super::{Job, Setback};
use crate::links::Links;
use publishing::command::{Artifact, CheckRef};
use publishing::moment::{Moment, UNIX_EPOCH_TICKS};
use serde::Serialize;
use serde_json::value::RawValue;

/// The job as an outside check gets it. The definition is spelled as the publisher did; its secrets are not in it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked<'a> {
    check: AskedCheck<'a>,
    offer: AskedOffer<'a>,
    definition: &'a RawValue,
    artifacts: Vec<AskedArtifact<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_url: Option<String>,
    deadline: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AskedCheck<'a> {
    id: String,
    operation_id: String,
    step: &'a str,
    round: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AskedOffer<'a> {
    publisher_id: &'a str,
    offer_id: &'a str,
    offer_type_id: Option<&'a str>,
    version: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AskedArtifact<'a> {
    target: &'a str,
    url: String,
    digest: Option<String>,
    bytes: Option<u64>,
    media_type: Option<&'a str>,
}

/// A start request: a CloudEvent.
#[derive(Debug, Serialize)]
struct Event<'a> {
    specversion: &'static str,
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    source: &'a str,
    time: String,
    subject: String,
    datacontenttype: &'static str,
    data: Asked<'a>,
}

impl<'a> Asked<'a> {
    /// The job's document; the same where the job is given again, as long as its deadline is.
    ///
    /// # Errors
    /// [`Setback`] where the stored definition is no JSON.
    pub(super) fn of(job: &'a Job, deadline: Moment) -> Result<Self, Setback> {
        let unread = |error: serde_json::Error| Setback(format!("the definition cannot be read: {error}"));
        let definition = serde_json::from_str(&job.snapshot.draft.definition).map_err(unread)?;
        let read = serde_json::from_str(&job.snapshot.draft.definition).map_err(unread)?;
        // Whom a list names is no checker's to know.
        let lists = job.offer_type()?.schema().audience_lists(&read);
        let artifacts = job.operation.artifacts.iter().filter(|artifact| !lists.contains(&artifact.target));
        Ok(Self {
            check: AskedCheck {
                id: id(&job.at, job.check.round),
                operation_id: job.at.operation.to_string(),
                step: step(job),
                round: job.check.round,
            },
            offer: AskedOffer {
                publisher_id: job.key.publisher.as_str(),
                offer_id: job.key.offer.as_str(),
                offer_type_id: job.offer_type.as_ref().map(|offer_type| offer_type.id.as_str()),
                version: job.snapshot.version,
            },
            definition,
            artifacts: artifacts.map(|artifact| asked(artifact, &job.links)).collect(),
            callback_url: None,
            deadline: date(deadline),
        })
    }
}

/// The start request of a job.
///
/// # Errors
/// [`Setback`] where the stored definition is no JSON.
pub(super) fn event(job: &Job, deadline: Moment) -> Result<Vec<u8>, Setback> {
    let callback_url = job.links.check_report(&job.at.operation, step(job), job.at.check);
    let event = Event {
        specversion: "1.0",
        id: id(&job.at, job.check.round),
        kind: "portolan.check.start",
        source: job.links.public_url(),
        time: date(job.now),
        subject: job.key.name(),
        datacontenttype: "application/json",
        data: Asked { callback_url: Some(callback_url), ..Asked::of(job, deadline)? },
    };
    serde_json::to_vec(&event).map_err(|error| Setback(error.to_string()))
}

fn step(job: &Job) -> &str {
    job.operation.steps.get(job.at.step).map_or("", |step| step.id.as_str())
}

fn asked<'a>(artifact: &'a Artifact, links: &Links) -> AskedArtifact<'a> {
    let pinned = artifact.pinned.as_ref();
    let kept = pinned.filter(|pinned| pinned.kept).map(|pinned| links.artifact(&pinned.digest, &pinned.media_type));
    AskedArtifact {
        target: &artifact.target,
        url: kept.unwrap_or_else(|| artifact.url.clone()),
        digest: pinned.map(|pinned| format!("sha256:{}", pinned.digest)),
        bytes: pinned.map(|pinned| pinned.bytes),
        media_type: pinned.map(|pinned| pinned.media_type.as_str()),
    }
}

/// What names one round of a check: the same on a repeat, another where it was unblocked and begun anew.
pub(super) fn id(at: &CheckRef, round: u32) -> String {
    format!("{}-{}-{}-{round}", at.operation, at.step, at.check)
}

/// The round that an id names, where it is one of this check.
pub(super) fn round(id_given: &str, at: &CheckRef) -> Option<u32> {
    let round = id_given.rsplit_once('-')?.1.parse().ok()?;
    (id(at, round) == id_given).then_some(round)
}

fn date(moment: Moment) -> String {
    let nanoseconds = i128::from(moment.ticks().saturating_sub(UNIX_EPOCH_TICKS)) * 100;
    jiff::Timestamp::from_nanosecond(nanoseconds).map(|date| date.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{id, round};
    use publishing::command::CheckRef;
    use uuid::Uuid;

    #[test]
    fn an_id_is_of_one_round_of_one_check() {
        let at = CheckRef { operation: Uuid::from_u128(7), step: 1, check: 2 };
        assert_eq!(id(&at, 3), "00000000-0000-0000-0000-000000000007-1-2-3");
        assert_eq!(round(&id(&at, 3), &at), Some(3));
        for other in
            ["", "3", "00000000-0000-0000-0000-000000000007-1-2-+3", "00000000-0000-0000-0000-000000000007-1-2-03"]
        {
            assert_eq!(round(other, &at), None, "{other}");
        }
        assert_eq!(round(&id(&CheckRef { check: 1, ..at.clone() }, 3), &at), None);
        assert_eq!(round(&id(&CheckRef { operation: Uuid::from_u128(8), ..at.clone() }, 3), &at), None);
    }
}
