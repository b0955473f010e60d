//! The hash chain of a circle's journal.

use sha2::{Digest, Sha256};

/// What the first entry of every journal follows.
pub const GENESIS: [u8; 32] = [0; 32];

/// What one line of the journal is hashed from.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// The circle: a publisher's folded id, or the marketplace's name.
    pub circle: &'a str,
    /// The line's number.
    pub sequence: i64,
    /// The offer.
    pub offer: &'a str,
    /// When, in ticks.
    pub at: i64,
    /// The entry as stored.
    pub entry: &'a str,
    /// The status document of that moment.
    pub document: &'a [u8],
}

impl Link<'_> {
    /// SHA-256 over the hash before it and every part of this line, each part after its length in 8 bytes, big end first.
    pub fn hash(&self, before: &[u8]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let parts: [&[u8]; 7] = [
            before,
            self.circle.as_bytes(),
            &self.sequence.to_be_bytes(),
            self.offer.as_bytes(),
            &self.at.to_be_bytes(),
            self.entry.as_bytes(),
            self.document,
        ];
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        hasher.finalize().into()
    }
}
