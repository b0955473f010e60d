//! Fetches, judges and pins the files that the version's definition points to; without a store of files, records where they lie.

use super::{Job, Setback};
use crate::artifacts::{self, Artifacts, AudienceEntry, Digest, PinFault};
use crate::links::Links;
use futures_util::{StreamExt, stream};
use publishing::artifact_rule::MarkedArtifact;
use publishing::check::{Outside, Progress};
use publishing::command::{Artifact, Audience, Ending, Pinned, Report};
use publishing::message::{Level, Message};
use serde_json::Value;
use std::collections::HashMap;
use tokio::sync::mpsc::Sender;

/// How many files of one version are fetched at a time.
const AT_A_TIME: usize = 4;
/// How often in a row a file may not be reached, before the publisher has to mend that.
const MOST_TRIES: u32 = 5;
/// From this size on a pinned file is reported at once, in bytes: whoever takes over need not fetch it again.
const WORTH_A_REPORT: u64 = 4 << 20;

/// Where files are kept, and how their own addresses look.
#[derive(Clone, Debug)]
pub(super) struct Pinning {
    pub(super) artifacts: Artifacts,
    pub(super) links: Links,
}

/// What was found out about one file.
struct Found {
    marked: MarkedArtifact,
    outcome: Result<Option<Pinned>, PinFault>,
    audience: Option<Vec<AudienceEntry>>,
}

/// Where there is nothing to keep files in: the addresses are recorded.
pub(super) fn record(job: &Job) -> Result<Report, Setback> {
    let (_, marked) = marked(job)?;
    let artifacts: Vec<Artifact> = marked.into_iter().map(|marked| artifact(&marked, None)).collect();
    let said = match artifacts.len() {
        0 => None,
        1 => Some("The address of 1 artifact is recorded.".to_owned()),
        many => Some(format!("The addresses of {many} artifacts are recorded.")),
    };
    let messages = said.map(|text| Message::information(text, job.now)).into_iter().collect();
    Ok(Report { artifacts, ..Report::new(Ending::Done, messages) })
}

impl Pinning {
    /// Pins all files of the version. What this operation has pinned is looked up, and not fetched again.
    pub(super) async fn run(&self, job: &Job, said: &Sender<Report>) -> Result<Report, Setback> {
        let (definition, marked) = marked(job)?;
        let total = u32::try_from(marked.len()).unwrap_or(u32::MAX);
        let mut fetches = stream::iter(marked).map(|marked| self.look_at(job, marked)).buffered(AT_A_TIME);
        let (mut found, mut done) = (Vec::new(), 0_u32);
        while let Some(one) = fetches.next().await {
            done = done.saturating_add(1);
            if let Ok(Some(pinned)) = &one.outcome
                && pinned.bytes >= WORTH_A_REPORT
                && earlier(job, &one.marked).is_none()
            {
                let progress = Some(Progress { done, total });
                let artifacts = vec![artifact(&one.marked, Some(pinned.clone()))];
                let messages = job.check.messages.clone();
                // Whoever listens has gone where this fails; then this is about to be dropped.
                let _ = said.send(Report { artifacts, progress, ..Report::new(Ending::GoesOn, messages) }).await;
            }
            found.push(one);
        }
        drop(fetches);
        self.concluded(job, &definition, found).await
    }

    async fn look_at(&self, job: &Job, marked: MarkedArtifact) -> Found {
        let pinned = self.pinned(job, &marked).await;
        let (outcome, audience) = match pinned {
            Ok(Some(pinned)) => {
                let media_type = pinned.media_type.to_owned();
                let (digest, bytes, kept) = (pinned.digest.to_string(), pinned.bytes, pinned.kept);
                (Ok(Some(Pinned { digest, bytes, media_type, kept })), pinned.audience)
            }
            Ok(None) => (Ok(None), None),
            Err(fault) => (Err(fault), None),
        };
        Found { marked, outcome, audience }
    }

    /// `None` where files of this kind are not looked at.
    async fn pinned(&self, job: &Job, marked: &MarkedArtifact) -> Result<Option<artifacts::Pinned>, PinFault> {
        if !self.artifacts.looks_at(marked.rule.kind) {
            return Ok(None);
        }
        let earlier = earlier(job, marked).and_then(|pinned| Some((Digest::parse(&pinned.digest)?, pinned)));
        if let Some((digest, pinned)) = earlier {
            if !pinned.kept {
                let media_type = "application/x-vhd";
                return Ok(Some(artifacts::Pinned {
                    digest,
                    bytes: pinned.bytes,
                    media_type,
                    kept: false,
                    audience: None,
                }));
            }
            if let Some(pinned) = self.artifacts.pin_kept(&digest, &marked.rule).await? {
                return Ok(Some(pinned));
            }
        }
        self.artifacts.pin_from(&self.links, &marked.url, &marked.rule).await.map(Some)
    }

    /// What follows from all that was found.
    async fn concluded(&self, job: &Job, definition: &Value, found: Vec<Found>) -> Result<Report, Setback> {
        let (mut artifacts, mut faults, mut late) = (Vec::new(), Vec::new(), Vec::new());
        for one in &found {
            match &one.outcome {
                Ok(pinned) => artifacts.push(artifact(&one.marked, pinned.clone())),
                Err(PinFault::Refused(flaws)) => {
                    faults.extend(flaws.iter().map(|flaw| Message::fault(&flaw.at(&one.marked.pointer), job.now)));
                }
                Err(PinFault::NotNow(why)) => late.push((one.marked.pointer.as_str(), why.as_str())),
            }
        }
        let tries = job.check.outside.as_ref().map_or(0, |outside| outside.failures).saturating_add(1);
        let is_over = !faults.is_empty() || tries >= MOST_TRIES;
        let level = if is_over { Level::Error } else { Level::Warning };
        let again = if is_over { "" } else { " It is tried again." };
        let unreachable = late.iter().map(|(pointer, why)| Message {
            code: Some("FileUnreachable".into()),
            target: Some(format!("/definition{pointer}")),
            ..Message::new(level, format!("The file could not be had. {why}{again}"), job.now)
        });
        faults.extend(unreachable);
        if faults.is_empty() {
            let audiences = self.audiences(definition, &found).await?;
            let messages = summary(&artifacts).map(|text| Message::information(text, job.now)).into_iter().collect();
            return Ok(Report { artifacts, audiences, ..Report::new(Ending::Done, messages) });
        }
        if is_over {
            return Ok(Report { artifacts, ..Report::new(Ending::Rejected, faults) });
        }
        let at = job.now.plus_seconds(30 << tries);
        let outside = Some(Outside { failures: tries, ..Outside::default() });
        Ok(Report { artifacts, outside, ..Report::new(Ending::WaitingUntil(at), faults) })
    }

    /// Who may see the private plans: the lists are kept, and named by their digests.
    async fn audiences(&self, definition: &Value, found: &[Found]) -> Result<Vec<Audience>, Setback> {
        let mut lists: HashMap<&str, &Vec<AudienceEntry>> =
            found.iter().filter_map(|one| Some((one.marked.pointer.as_str(), one.audience.as_ref()?))).collect();
        let mut audiences = Vec::new();
        for (at, plan) in definition.get("plans").and_then(Value::as_array).into_iter().flatten().enumerate() {
            let file = lists.remove(format!("/plans/{at}/restrictedAudience/uploadedCsvUri").as_str());
            let entries = file.cloned().unwrap_or_else(|| artifacts::from_entries(plan));
            let Some(id) = plan.get("planId").and_then(Value::as_str).filter(|_| !entries.is_empty()) else { continue };
            let kept = self.artifacts.keep_audience(&entries).await;
            let digest = kept.map_err(|_| Setback("the list of an audience could not be kept".into()))?;
            let entries = u32::try_from(entries.len()).unwrap_or(u32::MAX);
            audiences.push(Audience::new(id, digest.to_string(), entries));
        }
        Ok(audiences)
    }
}

/// The version's definition, and the files that it names.
fn marked(job: &Job) -> Result<(Value, Vec<MarkedArtifact>), Setback> {
    let definition =
        serde_json::from_str(&job.snapshot.draft.definition).map_err(|error| Setback(error.to_string()))?;
    let marked = job.offer_type()?.schema().artifacts(&definition);
    Ok((definition, marked))
}

/// What this operation has pinned already for a place, from the same address.
fn earlier<'a>(job: &'a Job, marked: &MarkedArtifact) -> Option<&'a Pinned> {
    let target = format!("/definition{}", marked.pointer);
    let known = job.operation.artifacts.iter().find(|known| known.target == target && known.url == marked.url);
    known?.pinned.as_ref()
}

fn artifact(marked: &MarkedArtifact, pinned: Option<Pinned>) -> Artifact {
    Artifact { target: format!("/definition{}", marked.pointer), url: marked.url.clone(), pinned }
}

/// What was done, for the publisher.
fn summary(artifacts: &[Artifact]) -> Option<String> {
    let kept = artifacts.iter().filter(|artifact| artifact.pinned.as_ref().is_some_and(|pinned| pinned.kept)).count();
    let kept_said = match kept {
        0 => String::new(),
        1 => "1 file is kept. ".to_owned(),
        many => format!("{many} files are kept. "),
    };
    let said = match artifacts.len() - kept {
        0 => kept_said,
        1 => format!("{kept_said}1 disk image stays where it is, and its address is recorded."),
        many => format!("{kept_said}{many} disk images stay where they are, and their addresses are recorded."),
    };
    Some(said.trim_end().to_owned()).filter(|said| !said.is_empty())
}
