//! The built-in issuer: service principals and people of this marketplace get their tokens here.

mod codes;
mod keys;
mod signer;
mod tokens;

pub use codes::{Asked, Consented, WEB_CLIENT};
pub use signer::quick_key;
pub use tokens::{Audience, Token, TokenRefusal};

use crate::auth::LocalKeys;
use crate::clock::Clock;
use crate::store::{Store, StoreError};
use crate::vault::Vault;
use keys::Keys;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use thiserror::Error;
use uuid::Uuid;

/// The built-in issuer.
#[derive(Clone, Debug)]
pub struct Issuer {
    store: Arc<dyn Store>,
    clock: Clock,
    /// By which secrets end.
    secrets_by: Clock,
    keys: Keys,
    place: Arc<Place>,
}

/// Where the issuer is found, and for whom its tokens are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The service's address as clients see it, without a slash at the end.
    pub public_url: String,
    /// The audiences that tokens can be asked for; the first is for those who ask for none.
    pub audiences: Vec<String>,
    /// The issuer's one tenant.
    pub tenant: Uuid,
}

impl Place {
    /// `iss` of version 1 tokens.
    pub fn issuer_v1(&self) -> String {
        format!("{}/{}/", self.public_url, self.tenant)
    }

    /// `iss` of version 2 tokens.
    pub fn issuer_v2(&self) -> String {
        format!("{}/{}/v2.0", self.public_url, self.tenant)
    }
}

/// The issuer could not; the text is for the log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the built-in issuer: {0}")]
pub struct IssuerFailure(String);

impl IssuerFailure {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl From<StoreError> for IssuerFailure {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

impl Issuer {
    /// Opens the issuer; `public` gets the keys that its tokens are verified with.
    ///
    /// # Errors
    /// [`IssuerFailure`] where stored keys cannot be read.
    pub async fn open(
        store: Arc<dyn Store>,
        vault: Vault,
        clock: Clock,
        place: Place,
        public: LocalKeys,
    ) -> Result<Self, IssuerFailure> {
        let keys = Keys::new(Arc::clone(&store), vault, clock.clone(), public);
        keys.load().await?;
        Ok(Self { store, secrets_by: clock.clone(), clock, keys, place: Arc::new(place) })
    }

    /// The same, where the ends of secrets are written by another clock than the one that tokens live by.
    #[must_use]
    pub fn with_secrets_by(self, clock: Clock) -> Self {
        Self { secrets_by: clock, ..self }
    }

    /// Where it is found.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The key set as clients read it; makes a key where there is none, and rotates keys where it is time.
    ///
    /// # Errors
    /// [`IssuerFailure`].
    pub async fn jwks(&self) -> Result<Value, IssuerFailure> {
        self.keys.jwks().await
    }

    /// The algorithms of the keys in that set, as headers of tokens name them; makes a key where there is none.
    ///
    /// # Errors
    /// [`IssuerFailure`].
    pub async fn algorithms(&self) -> Result<BTreeSet<&'static str>, IssuerFailure> {
        self.keys.algorithms().await
    }
}
