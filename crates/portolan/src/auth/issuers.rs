//! Who sent this token? All trusted issuers, and what they proved of late.

use super::Unauthenticated;
use super::compact::{Compact, LONGEST};
use super::denials::{NotVerified, TOO_LONG, UNKNOWN_ISSUER};
use super::trusted::TrustedIssuer;
use super::verified::{Proof, Proofs, TokenDigest, Verified};
use crate::clock::Clock;
use anyhow::{Result, ensure};
use publishing::moment::Moment;
use std::collections::HashSet;
use std::sync::Arc;

/// The trusted issuers.
#[derive(Debug)]
pub struct Issuers {
    issuers: Vec<TrustedIssuer>,
    proofs: Proofs,
    clock: Clock,
}

impl Issuers {
    /// These issuers. Where two could have issued a token, the first one has.
    ///
    /// # Errors
    /// Where two have one name or one `iss`.
    pub fn new(issuers: Vec<TrustedIssuer>, clock: Clock) -> Result<Self> {
        let (mut names, mut texts) = (HashSet::new(), HashSet::new());
        for issuer in &issuers {
            ensure!(names.insert(issuer.name()), "two issuers are named {:?}: give each its own name", issuer.name());
            for text in issuer.issuers() {
                ensure!(texts.insert(text), "the issuer {text:?} is set twice: take one out");
            }
        }
        Ok(Self { issuers, proofs: Proofs::new(), clock })
    }

    /// What the clock shows by which tokens end.
    pub(super) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.issuers.iter().map(TrustedIssuer::name)
    }

    /// Who sent an access token. A token that was verified before costs one hash.
    ///
    /// # Errors
    /// [`NotVerified`], with nothing out of the token.
    pub async fn verify(&self, token: &str) -> Result<Arc<Verified>, NotVerified> {
        self.verify_hashed(token, Proofs::digest(token)).await
    }

    /// As [`Issuers::verify`], for a token whose hash is known.
    pub(super) async fn verify_hashed(&self, token: &str, digest: TokenDigest) -> Result<Arc<Verified>, NotVerified> {
        if token.len() > LONGEST {
            return Err(TOO_LONG.into());
        }
        if let Some(verified) = self.proven(&digest) {
            return Ok(verified);
        }
        let token = Compact::parse(token)?;
        let (at, issuer) = self.issuer_of(&token)?;
        let verified = Arc::new(issuer.accept(&token, self.clock.now())?);
        let generation = issuer.check_signature(&token).await?;
        self.proofs.keep(digest, Proof { verified: Arc::clone(&verified), issuer: at, generation });
        Ok(verified)
    }

    /// Who signed in, from an ID token that the issuer of this name gave for `nonce` to the client `client_id`.
    ///
    /// # Errors
    /// [`NotVerified`], with nothing out of the token.
    pub async fn verify_id_token(
        &self,
        issuer_name: &str,
        id_token: &str,
        client_id: &str,
        nonce: &str,
    ) -> Result<Verified, NotVerified> {
        let token = Compact::parse(id_token)?;
        let (_, issuer) = self.issuer_of(&token)?;
        if issuer.name() != issuer_name {
            return Err(UNKNOWN_ISSUER.into());
        }
        let verified = issuer.accept_id_token(&token, client_id, nonce, self.clock.now())?;
        issuer.check_signature(&token).await?;
        Ok(verified)
    }

    fn proven(&self, digest: &TokenDigest) -> Option<Arc<Verified>> {
        let proof = self.proofs.get(digest, self.clock.now())?;
        let generation = self.issuers.get(proof.issuer)?.generation_at_hand()?;
        (generation == proof.generation).then_some(proof.verified)
    }

    fn issuer_of(&self, token: &Compact<'_>) -> Result<(usize, &TrustedIssuer), Unauthenticated> {
        let iss = token.claims.name("iss")?.ok_or(UNKNOWN_ISSUER)?;
        let tid = token.claims.name("tid")?;
        self.issuers.iter().enumerate().find(|(_, issuer)| issuer.issued(iss, tid)).ok_or(UNKNOWN_ISSUER)
    }
}
