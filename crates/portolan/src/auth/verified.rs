//! Who sent a token, once that is proven; and the proofs of late, so that a token is checked once.

use super::claims::SKEW;
use publishing::moment::Moment;
use quick_cache::UnitWeighter;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What a token proves about its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The name of the issuer in the settings.
    pub issuer: Arc<str>,
    /// The claim `tid`, in lower case where it is a GUID; empty where there is none.
    pub tenant: String,
    /// The claim `sub` or `oid`, as the issuer is set; 1 to 256 bytes.
    pub subject: String,
    /// The client that got the token: `azp`, `appid` or `client_id`.
    pub application: Option<String>,
    /// A name for people to read, never to decide by; at most 128 characters.
    pub name: Option<String>,
    /// The claim `exp`. The token is taken for 60 seconds more.
    pub expires_at: Moment,
}

/// A proof, and the keys it rests on.
#[derive(Clone, Debug)]
pub(super) struct Proof {
    pub(super) verified: Arc<Verified>,
    /// Which of the issuers.
    pub(super) issuer: usize,
    /// The generation of the issuer's keys.
    pub(super) generation: u64,
}

/// The proofs of late, by the SHA-256 of their tokens. Only proofs: a refusal is never kept.
#[derive(Debug)]
pub(super) struct Proofs(Cache<TokenDigest, Proof>);

/// The SHA-256 of a token.
pub(super) type TokenDigest = [u8; 32];

/// How many proofs are kept.
const KEPT: u64 = 10_000;

/// For how many there is room from the start.
const FIRST: usize = 1_024;

impl Proofs {
    pub(super) fn new() -> Self {
        Self(Cache::with_weighter(FIRST, KEPT, UnitWeighter))
    }

    pub(super) fn digest(token: &str) -> TokenDigest {
        Sha256::digest(token).into()
    }

    /// The proof of a token that has not expired.
    pub(super) fn get(&self, token: &TokenDigest, now: Moment) -> Option<Proof> {
        let proof = self.0.get(token)?;
        if now >= proof.verified.expires_at.plus_seconds(SKEW) {
            self.0.remove(token);
            return None;
        }
        Some(proof)
    }

    pub(super) fn keep(&self, token: TokenDigest, proof: Proof) {
        self.0.insert(token, proof);
    }
}
