//! Offers and their rendered documents in memory, bounded by bytes, never older than the last commit.

use super::{StoreError, Stored};
use bytes::Bytes;
use http::HeaderValue;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, GuardResult};
use std::sync::Arc;

/// A rendered document, ready to be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its bytes.
    pub body: Bytes,
    /// Its ETag.
    pub etag: HeaderValue,
}

/// How much memory a value takes, about, in bytes.
pub(super) trait Weigh {
    fn weight(&self) -> usize;
}

impl Weigh for Document {
    fn weight(&self) -> usize {
        self.body.len() + self.etag.len()
    }
}

impl Weigh for Arc<Stored> {
    fn weight(&self) -> usize {
        let operation = self.offer.operation.iter();
        let checks = operation.clone().flat_map(|operation| &operation.steps).flat_map(|step| &step.checks);
        let messages: usize = checks
            .flat_map(|check| &check.messages)
            .map(|message| message.text.len() + message.html.as_ref().map_or(0, String::len) + 400)
            .sum();
        let artifacts = operation.clone().flat_map(|operation| &operation.artifacts);
        let artifacts: usize = artifacts.map(|artifact| artifact.target.len() + artifact.url.len() + 250).sum();
        let plans = self.offer.live_plans.len() + operation.map(|operation| operation.plans.len()).sum::<usize>();
        let secrets: usize = self.offer.draft.secrets.0.values().map(|secret| secret.to_string().len() + 200).sum();
        // An offer, and an operation with its planned steps, take about 4 KiB beside all that.
        self.offer.draft.definition.len() + messages + artifacts + plans * 100 + secrets + 4_096
    }
}

#[derive(Clone, Debug)]
struct Weight;

impl<V: Weigh> Weighter<String, V> for Weight {
    fn weight(&self, name: &String, value: &V) -> u64 {
        // The entry itself, its key and its handles take about 200 bytes beside the texts.
        (name.len() + value.weight() + 200) as u64
    }
}

/// What was read last under each name: filled by reads, replaced by commits, bounded by bytes.
#[derive(Debug)]
pub(super) struct Newest<V>(Cache<String, V, Weight>);

impl<V: Weigh + Clone> Newest<V> {
    /// A cache of at most so many bytes.
    pub(super) fn new(bytes: u64) -> Self {
        Self(Cache::with_weighter(1_024, bytes, Weight))
    }

    /// The value of this name, loaded where it is not there.
    ///
    /// A commit that happens while `load` reads wins: its value takes the place that the load had reserved.
    pub(super) fn get(
        &self,
        name: &str,
        load: impl FnOnce() -> Result<Option<V>, StoreError>,
    ) -> Result<Option<V>, StoreError> {
        if let Some(value) = self.0.get(name) {
            return Ok(Some(value));
        }
        match self.0.get_value_or_guard(name, None) {
            GuardResult::Value(value) => Ok(Some(value)),
            GuardResult::Guard(guard) => {
                let loaded = load()?;
                if let Some(value) = &loaded {
                    // Fails where a commit has put a newer value there meanwhile, which is then the one to keep.
                    let _ = guard.insert(value.clone());
                }
                Ok(loaded)
            }
            GuardResult::Timeout => load(),
        }
    }

    /// Puts a committed value in place. Called in commit order.
    pub(super) fn put(&self, name: String, value: V) {
        // First the place that a load may have reserved: a value too large to be kept would leave it to an older one.
        self.0.remove(&name);
        self.0.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::{Document, Newest};
    use bytes::Bytes;
    use http::HeaderValue;

    fn document(text: &'static str) -> Document {
        Document { body: Bytes::from_static(text.as_bytes()), etag: HeaderValue::from_static(text) }
    }

    #[test]
    fn a_commit_during_a_load_is_not_overwritten_by_what_was_loaded() {
        let cache = Newest::new(1 << 20);
        let stale = cache.get("a/b", || {
            cache.put("a/b".into(), document("new"));
            Ok(Some(document("old")))
        });
        assert_eq!(stale.unwrap(), Some(document("old")), "this read began before the commit");
        assert_eq!(cache.get("a/b", || Ok(None)).unwrap(), Some(document("new")));
    }

    #[test]
    fn a_commit_too_large_to_be_kept_does_not_leave_the_place_to_an_older_value() {
        let cache = Newest::new(64 << 10);
        let large: &'static str = Box::leak("x".repeat(1 << 20).into_boxed_str());
        let read = cache.get("a/b", || {
            cache.put("a/b".into(), document(large));
            Ok(Some(document("old")))
        });
        assert_eq!(read.unwrap(), Some(document("old")), "this read began before the commit");
        assert_eq!(cache.get("a/b", || Ok(Some(document("new")))).unwrap(), Some(document("new")));
    }

    #[test]
    fn it_stays_within_its_bytes() {
        let cache = Newest::new(100_000);
        for n in 0..10_000 {
            cache.put(format!("a/{n}"), document("some text"));
        }
        assert!(cache.0.weight() <= 100_000);
    }
}
