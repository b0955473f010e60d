//! Rendered status documents in memory, bounded by bytes, never older than the last commit.

use super::StoreError;
use bytes::Bytes;
use http::HeaderValue;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, GuardResult};

/// A rendered document, ready to be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its bytes.
    pub body: Bytes,
    /// Its ETag.
    pub etag: HeaderValue,
}

#[derive(Clone, Debug)]
struct Weight;

impl Weighter<String, Document> for Weight {
    fn weight(&self, name: &String, document: &Document) -> u64 {
        // The entry itself, its key and the two handles take about 200 bytes beside the texts.
        (name.len() + document.body.len() + document.etag.len() + 200) as u64
    }
}

/// The cache: filled by reads, replaced by commits.
#[derive(Debug)]
pub(super) struct StatusCache(Cache<String, Document, Weight>);

impl StatusCache {
    /// A cache of at most so many bytes.
    pub(super) fn new(bytes: u64) -> Self {
        Self(Cache::with_weighter(1_024, bytes, Weight))
    }

    /// The document of this name, loaded where it is not there.
    ///
    /// A commit that happens while `load` reads wins: its document takes the place that the load had reserved.
    pub(super) fn get(
        &self,
        name: &str,
        load: impl FnOnce() -> Result<Option<Document>, StoreError>,
    ) -> Result<Option<Document>, StoreError> {
        if let Some(document) = self.0.get(name) {
            return Ok(Some(document));
        }
        match self.0.get_value_or_guard(name, None) {
            GuardResult::Value(document) => Ok(Some(document)),
            GuardResult::Guard(guard) => {
                let loaded = load()?;
                if let Some(document) = &loaded {
                    // Fails where a commit has put a newer document there meanwhile, which is then the one to keep.
                    let _ = guard.insert(document.clone());
                }
                Ok(loaded)
            }
            GuardResult::Timeout => load(),
        }
    }

    /// Puts a committed document in place. Called in commit order.
    pub(super) fn put(&self, name: String, document: Document) {
        self.0.insert(name, document);
    }
}

#[cfg(test)]
mod tests {
    use super::{Document, StatusCache};
    use bytes::Bytes;
    use http::HeaderValue;

    fn document(text: &'static str) -> Document {
        Document { body: Bytes::from_static(text.as_bytes()), etag: HeaderValue::from_static(text) }
    }

    #[test]
    fn a_commit_during_a_load_is_not_overwritten_by_what_was_loaded() {
        let cache = StatusCache::new(1 << 20);
        let stale = cache.get("a/b", || {
            cache.put("a/b".into(), document("new"));
            Ok(Some(document("old")))
        });
        assert_eq!(stale.unwrap(), Some(document("old")), "this read began before the commit");
        assert_eq!(cache.get("a/b", || Ok(None)).unwrap(), Some(document("new")));
    }

    #[test]
    fn it_stays_within_its_bytes() {
        let cache = StatusCache::new(100_000);
        for n in 0..10_000 {
            cache.put(format!("a/{n}"), document("some text"));
        }
        assert!(cache.0.weight() <= 100_000);
    }
}
