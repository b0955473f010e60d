//! The store of pinned files: each lies under the digest of its bytes, and is written once.

use super::digest::Digest;
use super::settings::ArtifactSettings;
use super::spool::Spooled;
use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Place;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, ObjectStoreScheme, PutPayload, WriteMultipart};
use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use url::Url;

/// What goes to the store in one piece, in bytes; larger files go in parts of this size.
const PART: usize = 8 << 20;
/// How many parts are on their way at a time.
const PARTS_AT_A_TIME: usize = 2;

/// Pinned files by digest.
#[derive(Clone, Debug)]
pub(super) struct Keep {
    store: Arc<dyn ObjectStore>,
    prefix: Place,
}

/// A file that is read from the store.
pub struct Kept {
    /// How many bytes the whole file has.
    pub bytes: u64,
    /// Which of them come.
    pub range: Range<u64>,
    /// The bytes.
    pub stream: BoxStream<'static, object_store::Result<Bytes>>,
}

impl Keep {
    /// Opens the store that the settings name; a local one is made where there is none.
    ///
    /// # Errors
    /// Names the setting and the mend. The words hold no option's value.
    pub(super) fn open(settings: &ArtifactSettings, data: &Path) -> Result<Self> {
        if settings.store.is_empty() {
            let directory = data.join("artifacts");
            let keep = Self::local(&directory)?;
            sweep(&directory).with_context(|| format!("the directory of artifacts {}", directory.display()))?;
            return Ok(keep);
        }
        let url = Url::parse(&settings.store).ok().filter(|url| url.password().is_none());
        let url = url.context("the setting `artifacts.store` is no address of a store: write s3://bucket/prefix, az://container/prefix or file:///directory, and keys elsewhere")?;
        let (scheme, prefix) = ObjectStoreScheme::parse(&url).context("the setting `artifacts.store`")?;
        let options = settings.all_options()?;
        let store: Arc<dyn ObjectStore> = match scheme {
            ObjectStoreScheme::Local => {
                let directory = url.to_file_path().ok();
                return Self::local(&directory.context("the setting `artifacts.store` names no directory")?);
            }
            ObjectStoreScheme::AmazonS3 => {
                let builder = AmazonS3Builder::from_env().with_url(&settings.store);
                let builder = with_options(builder, &options, |b, key, value| b.with_config(key, value))?;
                Arc::new(builder.build().context("the settings of the section `artifacts`")?)
            }
            ObjectStoreScheme::MicrosoftAzure => {
                let builder = MicrosoftAzureBuilder::from_env().with_url(&settings.store);
                let builder = with_options(builder, &options, |b, key, value| b.with_config(key, value))?;
                Arc::new(builder.build().context("the settings of the section `artifacts`")?)
            }
            _ => bail!("the setting `artifacts.store` names no store that is known here: use s3://, az:// or file://"),
        };
        Ok(Self { store, prefix })
    }

    fn local(directory: &Path) -> Result<Self> {
        let name = || format!("the directory of artifacts {}", directory.display());
        std::fs::create_dir_all(directory).with_context(name)?;
        let store = LocalFileSystem::new_with_prefix(directory).with_context(name)?;
        // Without it a file could be gone after a power cut although its digest was recorded.
        Ok(Self { store: Arc::new(store.with_fsync(true)), prefix: Place::default() })
    }

    fn place(&self, digest: &Digest) -> Place {
        Place::from_iter(self.prefix.parts().chain(Place::from(digest.place()).parts()))
    }

    /// How many bytes the file of this digest has; `None` where it is not kept.
    ///
    /// # Errors
    /// Where the store cannot be asked.
    pub(super) async fn size(&self, digest: &Digest) -> object_store::Result<Option<u64>> {
        match self.store.head(&self.place(digest)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps a file. When this is done it is durable; before, nothing of it can be seen under its digest.
    ///
    /// # Errors
    /// Where the file cannot be read, or the store takes it not.
    pub(super) async fn put(&self, spooled: &Spooled) -> Result<()> {
        if self.size(&spooled.digest).await? == Some(spooled.bytes) {
            return Ok(());
        }
        let place = self.place(&spooled.digest);
        let mut file = spooled.rewound()?;
        if spooled.bytes <= PART as u64 {
            let whole = spooled.whole()?;
            self.store.put(&place, PutPayload::from(whole)).await?;
            return Ok(());
        }
        let upload = self.store.put_multipart(&place).await?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, PART);
        let mut part = vec![0; PART];
        let mut left = spooled.bytes;
        while left > 0 {
            let read = match writer.wait_for_capacity(PARTS_AT_A_TIME).await {
                Ok(()) => file.read(&mut part).map_err(anyhow::Error::from),
                Err(error) => Err(error.into()),
            };
            match read {
                Ok(read) if read > 0 => {
                    writer.write(&part[..read]);
                    left = left.saturating_sub(read as u64);
                }
                end => {
                    // What is left of it is the store's to forget; the fault that is told is the first.
                    let _ = writer.abort().await;
                    end?;
                    bail!("the temporary file is shorter than what was written to it");
                }
            }
        }
        writer.finish().await?;
        Ok(())
    }

    /// Reads a kept file, or a part of it; `None` where it is not kept.
    ///
    /// # Errors
    /// Where the store cannot be read, or the range lies outside the file.
    pub(super) async fn read(&self, digest: &Digest, range: Option<Range<u64>>) -> object_store::Result<Option<Kept>> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        match self.store.get_opts(&self.place(digest), options).await {
            Ok(found) => {
                Ok(Some(Kept { bytes: found.meta.size, range: found.range.clone(), stream: found.into_stream() }))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Removes what a kill left of files that were on their way in: the library writes them beside their place, with a `#` in their name.
fn sweep(directory: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sweep(&entry.path())?;
        } else if entry.file_name().as_encoded_bytes().contains(&b'#') {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A builder with all options set. The library passes over a key that it does not know; a slip of the pen must be told.
fn with_options<B, K: std::str::FromStr>(
    builder: B,
    options: &BTreeMap<String, String>,
    set: impl Fn(B, K, &str) -> B,
) -> Result<B> {
    let unknown: Vec<&str> = options.keys().filter(|key| key.parse::<K>().is_err()).map(String::as_str).collect();
    ensure!(unknown.is_empty(), "unknown in `artifacts.options`: {}; remove or correct it", unknown.join(", "));
    Ok(options.iter().fold(builder, |builder, (key, value)| match key.parse() {
        Ok(key) => set(builder, key, value),
        Err(_) => builder,
    }))
}
