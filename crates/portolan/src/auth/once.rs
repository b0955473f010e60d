//! What a caller asks to be done once, however often it sends the request.

use crate::store::Hash;
use std::sync::OnceLock;

/// A request that carries a key. It is known by its hashes alone: neither key nor request can be read from them.
#[derive(Debug)]
pub struct Once {
    key: Hash,
    digest: Hash,
    header: &'static str,
    done: OnceLock<Done>,
}

/// When what was asked for was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// For this request.
    Now,
    /// For an earlier one, which was the same.
    Before,
}

impl Once {
    /// A request by the hash of who asks and the key, the hash of all that was sent, and the header that holds the key.
    pub fn new(key: Hash, digest: Hash, header: &'static str) -> Self {
        Self { key, digest, header, done: OnceLock::new() }
    }

    /// The hash of who asks and the key.
    pub fn key(&self) -> &Hash {
        &self.key
    }

    /// The hash of all that was sent.
    pub fn digest(&self) -> &Hash {
        &self.digest
    }

    /// The header that holds the key.
    pub fn header(&self) -> &'static str {
        self.header
    }

    /// Remembers that it is done; the first word counts.
    pub fn is_done(&self, when: Done) {
        let _ = self.done.set(when);
    }

    /// Whether it is done, and when it was.
    pub fn done(&self) -> Option<Done> {
        self.done.get().copied()
    }
}
