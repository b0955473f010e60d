//! The files that definitions point to: fetched once, checked, kept under the digest of their bytes, and read from there.

mod audience;
mod digest;
mod disks;
mod fetch;
mod flaws;
mod inspect;
mod keep;
mod markets;
mod prices;
mod settings;
mod spool;
mod workbook;

pub use audience::{AudienceEntry, AudienceKind, from_entries};
pub use digest::Digest;
pub use fetch::unwelcome;
pub use flaws::Flaw;
pub use keep::Kept;
pub use settings::{ArtifactSettings, DiskImages};

use crate::egress::Egress;
use crate::links::Links;
use anyhow::Context;
use digest::Digester;
use fetch::Errand;
use futures_util::StreamExt;
use inspect::Fitting;
use keep::Keep;
use publishing::artifact_rule::{ArtifactKind, ArtifactRule};
use spool::{Spool, Spooled};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How many files are fetched at a time, disk images apart.
const MOST_FETCHES: usize = 16;
/// How many disk images are fetched at a time; each may take hours.
const MOST_DISKS: usize = 2;
/// The largest list of an audience that is read back, in bytes: more than 20,000 entries can have.
const LARGEST_AUDIENCE: u64 = 64 << 20;

/// The files that definitions point to. Clones are cheap, and are the same.
#[derive(Clone, Debug)]
pub struct Artifacts {
    settings: Arc<ArtifactSettings>,
    keep: Keep,
    incoming: PathBuf,
    egress: Egress,
    fetches: Arc<Semaphore>,
    disks: Arc<Semaphore>,
}

/// A file as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// The digest of its bytes.
    pub digest: Digest,
    /// How many they are.
    pub bytes: u64,
    /// The type that its content has.
    pub media_type: &'static str,
    /// Whether it is kept here; a disk image may only be recorded.
    pub kept: bool,
    /// Whom it names, where it is the file of an audience.
    pub audience: Option<Vec<AudienceEntry>>,
}

/// Why a file is not pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinFault {
    /// Its publisher must mend something.
    Refused(Vec<Flaw>),
    /// It may go another time.
    NotNow(Hindrance),
}

/// Why a file cannot be pinned now. Its words are for the publisher.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Hindrance {
    /// Something at its origin, or on the way there.
    #[error("{0}")]
    Origin(String),
    /// As many files are fetched as may be. Nothing was tried.
    #[error("Many files are fetched here just now. Try again later.")]
    NoPlace,
    /// A fault on our side, which is the operator's to mend. Its cause is in the log.
    #[error("The file could not be kept here. Try again later.")]
    Ours,
}

impl From<&str> for Hindrance {
    fn from(words: &str) -> Self {
        Self::Origin(words.to_owned())
    }
}

impl Artifacts {
    /// Opens the store of files that the settings name; by default a directory in that of the data.
    ///
    /// # Errors
    /// Names the setting or the directory, and the mend.
    pub fn open(settings: &ArtifactSettings, data: &Path, egress: Egress) -> anyhow::Result<Self> {
        let incoming = data.join("incoming");
        std::fs::create_dir_all(&incoming)
            .with_context(|| format!("the directory of files that come in, {}", incoming.display()))?;
        Ok(Self {
            keep: Keep::open(settings, data)?,
            settings: Arc::new(settings.clone()),
            incoming,
            egress,
            fetches: Arc::new(Semaphore::new(MOST_FETCHES)),
            disks: Arc::new(Semaphore::new(MOST_DISKS)),
        })
    }

    /// Whether files of this kind are looked at here at all.
    pub fn looks_at(&self, kind: ArtifactKind) -> bool {
        kind != ArtifactKind::Disk || self.settings.disk_images != DiskImages::Ignore
    }

    /// Fetches a file, checks it, and keeps it. When this is done the origin may vanish.
    ///
    /// # Errors
    /// What its publisher must mend, or why it cannot be done now.
    pub async fn pin(&self, url: &str, rule: &ArtifactRule) -> Result<Pinned, PinFault> {
        let errand = Errand { url, largest: self.settings.largest(rule), is_disk: rule.kind == ArtifactKind::Disk };
        let _place = place(if errand.is_disk { &self.disks } else { &self.fetches })?;
        if errand.is_disk {
            // Its last bytes tell whether the rest is worth a night of fetching.
            let length = errand.look_at_disk(&self.egress).await?;
            if self.settings.disk_images != DiskImages::Keep {
                return self.digest_disk(&errand, length).await;
            }
        }
        let mut spool = Spool::begin(&self.incoming).map_err(trouble)?;
        errand.whole(&self.egress, fetch::into_spool(&mut spool)).await?;
        let (spooled, fitting) = judged(spool.finish(), rule.clone()).await?;
        self.keep.put(&spooled).await.map_err(trouble)?;
        Ok(pinned(spooled.digest, spooled.bytes, fitting))
    }

    /// As [`Artifacts::pin`], wherever the address leads: one of our own names a file that is kept already.
    ///
    /// # Errors
    /// As [`Artifacts::pin`].
    pub async fn pin_from(&self, links: &Links, url: &str, rule: &ArtifactRule) -> Result<Pinned, PinFault> {
        let Some(own) = links.own_artifact(url) else { return self.pin(url, rule).await };
        let kept = match links.opens_artifact(own).and_then(|(digest, _)| Digest::parse(digest)) {
            Some(digest) => self.pin_kept(&digest, rule).await?,
            None => None,
        };
        kept.ok_or_else(|| PinFault::Refused(vec![Flaw::unknown()]))
    }

    /// Checks a file that is kept already as [`Artifacts::pin`] does, and fetches nothing. `None` where it is not kept.
    ///
    /// # Errors
    /// As [`Artifacts::pin`].
    pub async fn pin_kept(&self, digest: &Digest, rule: &ArtifactRule) -> Result<Option<Pinned>, PinFault> {
        let _place = place(if rule.kind == ArtifactKind::Disk { &self.disks } else { &self.fetches })?;
        let Some(mut kept) = self.keep.read(digest, None).await.map_err(trouble)? else { return Ok(None) };
        let mut spool = Spool::begin(&self.incoming).map_err(trouble)?;
        while let Some(bytes) = kept.stream.next().await {
            spool.add(&bytes.map_err(trouble)?).map_err(trouble)?;
        }
        let spooled = spool.finish();
        if spooled.digest != *digest {
            return Err(trouble(format!("the file kept as {digest} has other bytes; restore it from a backup")));
        }
        let (spooled, fitting) = judged(spooled, rule.clone()).await?;
        Ok(Some(pinned(spooled.digest, spooled.bytes, fitting)))
    }

    /// Keeps the list of an audience, in the one form it has; gives its digest.
    ///
    /// # Errors
    /// [`PinFault::NotNow`] where it cannot be kept.
    pub async fn keep_audience(&self, entries: &[AudienceEntry]) -> Result<Digest, PinFault> {
        let mut spool = Spool::begin(&self.incoming).map_err(trouble)?;
        spool.add(&audience::canonical(entries).map_err(trouble)?).map_err(trouble)?;
        let spooled = spool.finish();
        self.keep.put(&spooled).await.map_err(trouble)?;
        Ok(spooled.digest)
    }

    /// The audience that is kept under a digest; `None` where there is none.
    ///
    /// # Errors
    /// Where the store cannot be read, or what is there is no audience.
    pub async fn audience(&self, digest: &Digest) -> anyhow::Result<Option<Vec<AudienceEntry>>> {
        let Some(mut kept) = self.keep.read(digest, None).await? else { return Ok(None) };
        anyhow::ensure!(kept.bytes <= LARGEST_AUDIENCE, "what is kept as {digest} is no audience");
        let mut list = Vec::new();
        while let Some(bytes) = kept.stream.next().await {
            list.extend_from_slice(&bytes?);
        }
        Ok(Some(serde_json::from_slice(&list).with_context(|| format!("what is kept as {digest} is no audience"))?))
    }

    /// How many bytes a kept file has; `None` where it is not kept.
    ///
    /// # Errors
    /// Where the store cannot be asked.
    pub async fn size(&self, digest: &Digest) -> object_store::Result<Option<u64>> {
        self.keep.size(digest).await
    }

    /// Reads a kept file, or a part of it; `None` where it is not kept.
    ///
    /// # Errors
    /// Where the store cannot be read, or the range lies outside the file.
    pub async fn read(&self, digest: &Digest, range: Option<Range<u64>>) -> object_store::Result<Option<Kept>> {
        self.keep.read(digest, range).await
    }

    /// Reads a disk image through once for its digest.
    async fn digest_disk(&self, errand: &Errand<'_>, length: u64) -> Result<Pinned, PinFault> {
        let mut digester = Digester::default();
        let mut bytes = 0_u64;
        let take = |part: &[u8]| {
            digester.add(part);
            bytes = bytes.saturating_add(part.len() as u64);
            Ok(())
        };
        errand.whole(&self.egress, take).await?;
        if bytes != length {
            let words = "The disk image changed while it was read. Leave it as it is.";
            return Err(PinFault::NotNow(words.into()));
        }
        let fitting = Fitting { media_type: inspect::Content::Vhd.media_type(), audience: None };
        Ok(Pinned { kept: false, ..pinned(digester.finish(), bytes, fitting) })
    }
}

/// Judges a file on a thread where it may take its time, and where a library that panics over it ends nothing else.
async fn judged(spooled: Spooled, rule: ArtifactRule) -> Result<(Spooled, Fitting), PinFault> {
    let judging = tokio::task::spawn_blocking(move || (inspect::inspect(&spooled, &rule), spooled));
    match judging.await {
        Ok((Ok(Ok(fitting)), spooled)) => Ok((spooled, fitting)),
        Ok((Ok(Err(flaws)), _)) => Err(PinFault::Refused(flaws)),
        Ok((Err(error), _)) => Err(trouble(error)),
        Err(_) => {
            let mend = "Save it anew from the program that it was made with.";
            Err(PinFault::Refused(vec![Flaw::new("FileType", "The file is damaged: it cannot be read.", mend)]))
        }
    }
}

fn pinned(digest: Digest, bytes: u64, fitting: Fitting) -> Pinned {
    Pinned { digest, bytes, media_type: fitting.media_type, kept: true, audience: fitting.audience }
}

/// A place among those that may fetch at a time. Nobody waits for one here: whoever waits would hold up others.
fn place(places: &Semaphore) -> Result<SemaphorePermit<'_>, PinFault> {
    places.try_acquire().map_err(|_| PinFault::NotNow(Hindrance::NoPlace))
}

/// A fault on our side. Its cause is for the log; the publisher can only wait.
fn trouble(error: impl std::fmt::Display) -> PinFault {
    tracing::error!(error = format!("{error:#}"), "a file of a definition could not be kept");
    PinFault::NotNow(Hindrance::Ours)
}
