//! The gate: whose token is this, and what is that principal a member of?

use super::caller::Caller;
use super::claims::SKEW;
use super::denials::{EXPIRED, NotVerified};
use super::issuers::Issuers;
use super::passwords::secret_hash;
use super::verified::{Proofs, TokenDigest, Verified};
use super::{Unauthenticated, principal_name};
use crate::store::{Store, StoreError};
use publishing::principal::{Identity, Principal};
use quick_cache::UnitWeighter;
use quick_cache::sync::Cache;
use std::sync::Arc;

/// How many callers are kept, each with the roles it had.
const KEPT: u64 = 10_000;

/// For how many there is room from the start.
const FIRST: usize = 1_024;

/// What the secret of a fresh installation begins with.
pub const SETUP_PREFIX: &str = "pset_";

/// Lets in who brings a token of a trusted issuer.
#[derive(Clone, Debug)]
pub struct Gate {
    issuers: Arc<Issuers>,
    store: Arc<dyn Store>,
    /// Callers of late, with the roles they had when the store's access was at their generation.
    known: Arc<Cache<TokenDigest, Arc<Caller>>>,
}

impl Gate {
    /// A gate for tokens of these issuers; roles are those of the store.
    pub fn new(issuers: Arc<Issuers>, store: Arc<dyn Store>) -> Self {
        Self { issuers, store, known: Arc::new(Cache::with_weighter(FIRST, KEPT, UnitWeighter)) }
    }

    /// Takes the header `Authorization`.
    ///
    /// # Errors
    /// [`NotVerified`] where it is missing, of another scheme, or its token proves nothing here.
    pub async fn authenticate(&self, authorization: Option<&[u8]>) -> Result<Arc<Caller>, NotVerified> {
        let token = bearer(authorization)?;
        if token.starts_with(SETUP_PREFIX) {
            return self.setting_up(token);
        }
        let digest = Proofs::digest(token);
        let verified = self.issuers.verify_hashed(token, digest).await?;
        // Asked before the roles are read: what changes meanwhile is seen at the next request.
        let generation = self.store.access_generation();
        if let Some(known) = self.known.get(&digest).filter(|known| known.bounds().1 == generation) {
            return Ok(known);
        }
        let caller = Arc::new(self.caller(&verified)?.until(verified.expires_at.plus_seconds(SKEW), generation));
        self.known.insert(digest, Arc::clone(&caller));
        Ok(caller)
    }

    /// A caller that was let in a while ago, with the roles of now: for answers that take their time.
    ///
    /// # Errors
    /// [`NotVerified`] where its token has ended meanwhile, or the store cannot tell.
    pub fn again(&self, caller: &Arc<Caller>) -> Result<Arc<Caller>, NotVerified> {
        let (ends_at, known) = caller.bounds();
        if self.issuers.now() >= ends_at {
            return Err(EXPIRED.into());
        }
        let generation = self.store.access_generation();
        if known == generation {
            return Ok(Arc::clone(caller));
        }
        let memberships = caller.principal().map_or_else(|| Ok(Vec::new()), |id| self.store.memberships(id))?;
        let fresh = Caller::new(caller.name(), caller.principal()).until(ends_at, generation);
        Ok(Arc::new(memberships.into_iter().fold(fresh, |caller, (circle, roles)| caller.with(circle, roles))))
    }

    /// The caller that a token's sender is, with the roles of now.
    ///
    /// # Errors
    /// [`NotVerified::Failed`] where the store cannot tell.
    pub fn caller(&self, verified: &Verified) -> Result<Caller, NotVerified> {
        let Some(principal) = self.principal(verified)? else {
            // Proven, and unknown here: a caller without any role.
            return Ok(Caller::new(format!("{}/{}", verified.issuer, verified.subject), None));
        };
        Ok(self.caller_of(&principal)?)
    }

    /// The caller that a known principal is, with the roles of now.
    ///
    /// # Errors
    /// Where the store cannot tell.
    pub fn caller_of(&self, principal: &Principal) -> Result<Caller, StoreError> {
        let memberships = self.store.memberships(principal.id)?;
        let caller = Caller::new(principal_name(principal), Some(principal.id));
        Ok(memberships.into_iter().fold(caller, |caller, (circle, roles)| caller.with(circle, roles)))
    }

    /// The principal that a token's sender is, if it is known here.
    ///
    /// # Errors
    /// Where the store cannot tell.
    pub fn principal(&self, verified: &Verified) -> Result<Option<Principal>, StoreError> {
        self.store.principal_of(&identity(verified))
    }

    /// Whoever brings the secret of a fresh installation.
    fn setting_up(&self, token: &str) -> Result<Arc<Caller>, NotVerified> {
        const USED: Unauthenticated = Unauthenticated(
            "Authorization has been denied for this request: this is not the setup secret, or it was used. The service prints one at start as long as there is no operator.",
        );
        let hash = secret_hash(token);
        let invitation = self.store.invitation(&hash)?;
        match invitation {
            Some(invitation) if invitation.principal.is_none() => Ok(Arc::new(Caller::setting_up(hash))),
            _ => Err(USED.into()),
        }
    }
}

impl From<StoreError> for NotVerified {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

fn identity(verified: &Verified) -> Identity {
    Identity { issuer: verified.issuer.to_string(), tenant: verified.tenant.clone(), subject: verified.subject.clone() }
}

/// The token in a header.
fn bearer(authorization: Option<&[u8]>) -> Result<&str, Unauthenticated> {
    const SCHEME: usize = "Bearer ".len();
    let header = authorization.ok_or(Unauthenticated(
        "Authorization has been denied for this request: send Authorization: Bearer <token>.",
    ))?;
    if header.trim_ascii().eq_ignore_ascii_case(b"bearer") {
        return Err(Unauthenticated(
            "Authorization has been denied for this request: no token follows Bearer. Send one.",
        ));
    }
    if header.len() < SCHEME || !header[..SCHEME].eq_ignore_ascii_case(b"bearer ") {
        return Err(Unauthenticated(
            "Authorization has been denied for this request: the scheme is not Bearer. Send Authorization: Bearer <token>.",
        ));
    }
    std::str::from_utf8(header[SCHEME..].trim_ascii()).map_err(|_| super::denials::MALFORMED)
}
