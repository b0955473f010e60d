//! Fetches, judges and pins the files that the version's definition points to; without a store of files, records where they lie.

use super::breaker::{Denied, Leave, Places};
use super::{Job, Setback};
use crate::artifacts::{self, Artifacts, AudienceEntry, Digest, Hindrance, PinFault};
use crate::links::Links;
use ::http::StatusCode;
use futures_util::{StreamExt, stream};
use publishing::artifact_rule::{ArtifactKind, MarkedArtifact};
use publishing::check::{Outside, Progress};
use publishing::command::{Artifact, Audience, Ending, Pinned, Report};
use publishing::definition::MOST_FAULTS;
use publishing::message::{Level, Message};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// How many files of one version are fetched at a time.
const AT_A_TIME: usize = 4;
/// How often in a row a file may not be reached, before the publisher has to mend that.
const MOST_TRIES: u32 = 5;
/// From this size on a pinned file is reported at once, in bytes: whoever takes over need not fetch it again.
const WORTH_A_REPORT: u64 = 4 << 20;
/// How many versions have their files fetched at a time. Slow origins must leave the worker hands for other checks.
const MOST_CHECKS: usize = 8;
/// How long a version waits where as many files are fetched as may be, in seconds.
const UNTIL_A_PLACE: i64 = 5;
/// What the operator hears; the cause was logged where it happened.
const OURS: &str = "a file of the definition could not be kept here: see the error that is logged before this";

/// Where files are kept, and how their own addresses look.
#[derive(Clone, Debug)]
pub(super) struct Pinning {
    artifacts: Artifacts,
    links: Links,
    places: Arc<Places>,
}

/// What was found out about the file at one place of the definition.
struct Found {
    marked: MarkedArtifact,
    outcome: Result<Option<Looked>, PinFault>,
}

/// A file that was looked at. Of the list of an audience only this is carried along: there may be hundreds, each large.
#[derive(Clone)]
struct Looked {
    pinned: Pinned,
    list: Option<KeptList>,
}

/// The list of an audience, kept in the store.
#[derive(Clone)]
struct KeptList {
    digest: String,
    entries: u32,
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

/// What is said of a file whose link has ended: the one at this pointer into the offer, or the first that the version names.
pub(super) fn expired(job: &Job, target: Option<&str>) -> Option<Message> {
    let (_, marked) = marked(job).ok()?;
    let is_meant =
        |marked: &&MarkedArtifact| target.is_none_or(|target| target == format!("/definition{}", marked.pointer));
    let meant = marked.iter().find(is_meant)?;
    let PinFault::Refused(flaws) = artifacts::unwelcome(StatusCode::FORBIDDEN) else { return None };
    Some(Message::fault(&flaws.first()?.at(&meant.pointer), job.now))
}

impl Pinning {
    /// Pins files in this store; the links tell which addresses are our own.
    pub(super) fn new(artifacts: Artifacts, links: Links) -> Self {
        Self { artifacts, links, places: Arc::new(Places::new(MOST_CHECKS)) }
    }

    /// Leave to pin the files of one more version.
    ///
    /// # Errors
    /// [`Denied`] says how long to wait before asking again.
    pub(super) fn leave(&self) -> Result<Leave, Denied> {
        self.places.take()
    }

    /// Pins all files of the version. What this operation has pinned is looked up, and not fetched again.
    pub(super) async fn run(&self, job: &Job, said: &Sender<Report>) -> Result<Report, Setback> {
        let (definition, marked) = marked(job)?;
        let files = by_address(marked);
        let total = u32::try_from(files.len()).unwrap_or(u32::MAX);
        let mut fetches = stream::iter(files).map(|places| self.look_at(job, places)).buffered(AT_A_TIME);
        let (mut found, mut done) = (Vec::new(), 0_u32);
        while let Some(file) = fetches.next().await {
            done = done.saturating_add(1);
            let artifacts: Vec<Artifact> = file.iter().filter_map(|one| one.worth_a_report(job)).collect();
            if !artifacts.is_empty() {
                let progress = Some(Progress { done, total });
                let messages = job.check.messages.clone();
                // Whoever listens has gone where this fails; then this is about to be dropped.
                let _ = said.send(Report { artifacts, progress, ..Report::new(Ending::GoesOn, messages) }).await;
            }
            found.extend(file);
        }
        drop(fetches);
        self.concluded(job, &definition, found).await
    }

    /// Looks at one file for all places that give its address: it is fetched once, and judged once by each rule.
    async fn look_at(&self, job: &Job, places: Vec<MarkedArtifact>) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        for marked in places {
            let is_same = |other: &&Found| other.marked.rule == marked.rule || other.is_late();
            let outcome = match found.iter().find(is_same) {
                Some(same) => same.outcome.clone(),
                None => {
                    let known = found.iter().find_map(Found::pinned).or_else(|| earlier(job, &marked.url));
                    self.pinned(&marked, known).await
                }
            };
            found.push(Found { marked, outcome });
        }
        found
    }

    /// `None` where files of this kind are not looked at.
    async fn pinned(&self, marked: &MarkedArtifact, known: Option<&Pinned>) -> Result<Option<Looked>, PinFault> {
        if !self.artifacts.looks_at(marked.rule.kind) {
            return Ok(None);
        }
        let kept = match known.and_then(|pinned| Some((Digest::parse(&pinned.digest)?, pinned))) {
            Some((digest, pinned)) if pinned.kept => self.artifacts.pin_kept(&digest, &marked.rule).await?,
            Some((_, pinned)) if marked.rule.kind == ArtifactKind::Disk => {
                return Ok(Some(Looked { pinned: pinned.clone(), list: None }));
            }
            _ => None,
        };
        let found = match kept {
            Some(found) => found,
            None => self.artifacts.pin_from(&self.links, &marked.url, &marked.rule).await?,
        };
        let list = match &found.audience {
            Some(entries) => Some(self.kept_list(entries).await?),
            None => None,
        };
        let (digest, media_type) = (found.digest.to_string(), found.media_type.to_owned());
        Ok(Some(Looked { pinned: Pinned { digest, bytes: found.bytes, media_type, kept: found.kept }, list }))
    }

    async fn kept_list(&self, entries: &[AudienceEntry]) -> Result<KeptList, PinFault> {
        let digest = self.artifacts.keep_audience(entries).await?.to_string();
        Ok(KeptList { digest, entries: u32::try_from(entries.len()).unwrap_or(u32::MAX) })
    }

    /// What follows from all that was found.
    async fn concluded(&self, job: &Job, definition: &Value, found: Vec<Found>) -> Result<Report, Setback> {
        let (mut artifacts, mut faults, mut late, mut is_full) = (Vec::new(), Vec::new(), Vec::new(), false);
        for one in &found {
            match &one.outcome {
                Ok(looked) => {
                    artifacts.push(artifact(&one.marked, looked.as_ref().map(|looked| looked.pinned.clone())))
                }
                Err(PinFault::Refused(flaws)) => {
                    faults.extend(flaws.iter().map(|flaw| Message::fault(&flaw.at(&one.marked.pointer), job.now)));
                    faults.truncate(MOST_FAULTS);
                }
                Err(PinFault::NotNow(Hindrance::Ours)) => return Err(Setback(OURS.into())),
                Err(PinFault::NotNow(Hindrance::NoPlace)) => is_full = true,
                Err(PinFault::NotNow(Hindrance::Origin(why))) => late.push((one.marked.pointer.as_str(), why.as_str())),
            }
        }
        if is_full && faults.is_empty() && late.is_empty() {
            // Nothing was tried in vain. What is known already is not told again.
            artifacts.retain(|artifact| !job.operation.artifacts.contains(artifact));
            let ending = Ending::WaitingUntil(job.now.plus_seconds(UNTIL_A_PLACE));
            return Ok(Report { artifacts, ..Report::new(ending, job.check.messages.clone()) });
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
        let lists: HashMap<&str, &KeptList> =
            found.iter().filter_map(|one| Some((one.marked.pointer.as_str(), one.list()?))).collect();
        let mut audiences = Vec::new();
        for (at, plan) in definition.get("plans").and_then(Value::as_array).into_iter().flatten().enumerate() {
            let Some(id) = plan.get("planId").and_then(Value::as_str) else { continue };
            let list = match lists.get(format!("/plans/{at}/restrictedAudience/uploadedCsvUri").as_str()) {
                Some(list) => (*list).clone(),
                None => {
                    let entries = artifacts::from_entries(plan);
                    if entries.is_empty() {
                        continue;
                    }
                    self.kept_list(&entries).await.map_err(|_| Setback(OURS.into()))?
                }
            };
            audiences.push(Audience::new(id, list.digest, list.entries));
        }
        Ok(audiences)
    }
}

impl Found {
    fn looked(&self) -> Option<&Looked> {
        self.outcome.as_ref().ok()?.as_ref()
    }

    fn pinned(&self) -> Option<&Pinned> {
        self.looked().map(|looked| &looked.pinned)
    }

    fn list(&self) -> Option<&KeptList> {
        self.looked()?.list.as_ref()
    }

    fn is_late(&self) -> bool {
        matches!(self.outcome, Err(PinFault::NotNow(_)))
    }

    /// What is reported at once.
    fn worth_a_report(&self, job: &Job) -> Option<Artifact> {
        let pinned = self.pinned().filter(|pinned| pinned.bytes >= WORTH_A_REPORT)?;
        let is_new = earlier(job, &self.marked.url).is_none();
        is_new.then(|| artifact(&self.marked, Some(pinned.clone())))
    }
}

/// The places by the address that they give, in their order.
fn by_address(marked: Vec<MarkedArtifact>) -> Vec<Vec<MarkedArtifact>> {
    let mut files: Vec<Vec<MarkedArtifact>> = Vec::new();
    let mut at: HashMap<String, usize> = HashMap::new();
    for one in marked {
        match at.get(&one.url).and_then(|at| files.get_mut(*at)) {
            Some(places) => places.push(one),
            None => {
                at.insert(one.url.clone(), files.len());
                files.push(vec![one]);
            }
        }
    }
    files
}

/// The version's definition, and the files that it names.
fn marked(job: &Job) -> Result<(Value, Vec<MarkedArtifact>), Setback> {
    let definition =
        serde_json::from_str(&job.snapshot.draft.definition).map_err(|error| Setback(error.to_string()))?;
    let marked = job.offer_type()?.schema().artifacts(&definition);
    Ok((definition, marked))
}

/// What this operation has pinned already from an address.
fn earlier<'a>(job: &'a Job, url: &str) -> Option<&'a Pinned> {
    job.operation.artifacts.iter().filter(|known| known.url == url).find_map(|known| known.pinned.as_ref())
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
