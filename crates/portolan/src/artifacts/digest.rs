//! The digest of a file's bytes, which is its name in the store.

use sha2::{Digest as _, Sha256};
use std::fmt;

/// SHA-256 of a file, as 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Digest(String);

impl Digest {
    /// Takes 64 lower-case hexadecimal digits, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 64 && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where it lies in the store, below the store's own prefix.
    pub(super) fn place(&self) -> String {
        let (start, rest) = self.0.split_at(2);
        format!("sha256/{start}/{rest}")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A digest in the making.
#[derive(Debug, Default)]
pub(super) struct Digester(Sha256);

impl Digester {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> Digest {
        Digest(self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Digest, Digester};

    #[test]
    fn only_its_own_spelling_is_a_digest() {
        let mut digester = Digester::default();
        digester.add(b"abc");
        let digest = digester.finish();
        assert_eq!(digest.as_str(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(Digest::parse(digest.as_str()), Some(digest.clone()));
        assert!(digest.place().starts_with("sha256/ba/7816bf"));
        for other in ["", "ba", &digest.as_str().to_uppercase(), &format!("../{}", &digest.as_str()[3..])] {
            assert_eq!(Digest::parse(other), None, "{other}");
        }
    }
}
