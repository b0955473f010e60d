//! The keys with which the built-in issuer signs: made when first needed, published before they sign, rotated, removed.

use super::IssuerFailure;
use super::signer::{Pair, bound_to};
use crate::auth::{LocalKeys, PublicKey};
use crate::clock::Clock;
use crate::store::{SigningKey, Store};
use crate::vault::Vault;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use publishing::moment::Moment;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Mutex;

const DAY_SECONDS: i64 = 24 * 3600;

/// How long a key signs.
const SIGNS_DAYS: i64 = 90;

/// How long before it signs a key is published, so that whoever keeps the key set has seen it by then.
const PUBLISHED_BEFORE_DAYS: i64 = 2;

/// How long after its successor signs a key is still published; longer than any token lasts.
const PUBLISHED_AFTER_DAYS: i64 = 2;

/// How often the stored keys are looked at again, in seconds.
const LOOK_AGAIN_SECONDS: i64 = 600;

/// The keys there are, and the one that signs.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    store: Arc<dyn Store>,
    vault: Vault,
    clock: Clock,
    public: LocalKeys,
    loaded: Arc<RwLock<Option<Arc<Loaded>>>>,
    /// Held while keys are looked at, so that only one caller at a time makes one.
    turn: Arc<Mutex<()>>,
}

#[derive(Debug)]
pub(super) struct Loaded {
    at: Moment,
    signers: Vec<Signer>,
}

/// A key that can sign.
pub(super) struct Signer {
    id: String,
    signs_from: Moment,
    pair: Pair,
    jwk: Value,
}

impl Keys {
    pub(super) fn new(store: Arc<dyn Store>, vault: Vault, clock: Clock, public: LocalKeys) -> Self {
        Self { store, vault, clock, public, loaded: Arc::default(), turn: Arc::default() }
    }

    /// Publishes the keys that are stored. Makes none: that takes a while, and a start should not.
    pub(super) async fn load(&self) -> Result<(), IssuerFailure> {
        let _turn = self.turn.lock().await;
        self.publish(self.read()?)?;
        Ok(())
    }

    /// The key set, as clients read it.
    pub(super) async fn jwks(&self) -> Result<Value, IssuerFailure> {
        let loaded = self.current().await?;
        Ok(json!({ "keys": loaded.signers.iter().map(|signer| &signer.jwk).collect::<Vec<_>>() }))
    }

    /// The algorithms of the keys, each once: those that tokens are signed with now, were a while ago, or will be.
    pub(super) async fn algorithms(&self) -> Result<BTreeSet<&'static str>, IssuerFailure> {
        Ok(self.current().await?.signers.iter().map(|signer| signer.pair.algorithm()).collect())
    }

    /// Signs a header and claims as a token.
    pub(super) async fn sign(&self, typ: &str, claims: &Value) -> Result<String, IssuerFailure> {
        let loaded = self.current().await?;
        let now = self.clock.now();
        let signer = loaded.signers.iter().rfind(|signer| signer.signs_from <= now).or(loaded.signers.first());
        let signer = signer.ok_or_else(|| IssuerFailure::new("there is no key to sign with"))?;
        let header = json!({ "typ": typ, "alg": signer.pair.algorithm(), "kid": signer.id });
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encoded(&header), encoded(claims));
        let signature = signer.pair.sign(signed.as_bytes());
        let signature = signature.ok_or_else(|| IssuerFailure::new("a token could not be signed"))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The keys as they should be now, made and rotated where it is time.
    async fn current(&self) -> Result<Arc<Loaded>, IssuerFailure> {
        let now = self.clock.now();
        let fresh = |loaded: &Arc<Loaded>| {
            !loaded.signers.is_empty() && loaded.at.plus_seconds(LOOK_AGAIN_SECONDS) > now && loaded.at <= now
        };
        if let Some(loaded) = self.loaded().filter(fresh) {
            return Ok(loaded);
        }
        let _turn = self.turn.lock().await;
        if let Some(loaded) = self.loaded().filter(fresh) {
            return Ok(loaded);
        }
        let mut stored = self.read()?;
        let newest = stored.last().map(|key| (key.id.clone(), key.signs_from));
        let signs_from = match &newest {
            None => Some(now),
            Some((_, from)) => {
                let due = from.plus_seconds((SIGNS_DAYS - PUBLISHED_BEFORE_DAYS) * DAY_SECONDS) <= now;
                due.then(|| now.plus_seconds(PUBLISHED_BEFORE_DAYS * DAY_SECONDS))
            }
        };
        if let Some(signs_from) = signs_from {
            let key = self.make(now, signs_from).await?;
            // Where another node was faster, its key is as good.
            self.store.add_signing_key(key, newest.map(|(id, _)| id)).await?;
            stored = self.read()?;
        }
        self.remove_old(&mut stored, now).await?;
        self.publish(stored)
    }

    fn loaded(&self) -> Option<Arc<Loaded>> {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn read(&self) -> Result<Vec<SigningKey>, IssuerFailure> {
        Ok(self.store.signing_keys()?)
    }

    async fn make(&self, made_at: Moment, signs_from: Moment) -> Result<SigningKey, IssuerFailure> {
        let vault = self.vault.clone();
        let made = tokio::task::spawn_blocking(move || Pair::stored(Pair::rsa(), &vault, made_at, signs_from)).await;
        made.map_err(|error| IssuerFailure::new(error.to_string()))?
    }

    /// Removes keys that signed nothing that can still be good.
    async fn remove_old(&self, stored: &mut Vec<SigningKey>, now: Moment) -> Result<(), IssuerFailure> {
        let over = |next: &SigningKey| next.signs_from.plus_seconds(PUBLISHED_AFTER_DAYS * DAY_SECONDS) <= now;
        while stored.get(1).is_some_and(over) {
            self.store.remove_signing_key(stored.remove(0).id).await?;
        }
        Ok(())
    }

    fn publish(&self, stored: Vec<SigningKey>) -> Result<Arc<Loaded>, IssuerFailure> {
        let signers = stored.into_iter().map(|key| self.open(key)).collect::<Result<Vec<_>, _>>()?;
        let keys: Result<Vec<_>, _> = signers.iter().map(|signer| PublicKey::from_jwk(&signer.jwk)).collect();
        self.public.replace(keys.map_err(IssuerFailure::new)?);
        let loaded = Arc::new(Loaded { at: self.clock.now(), signers });
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&loaded));
        Ok(loaded)
    }

    fn open(&self, key: SigningKey) -> Result<Signer, IssuerFailure> {
        let private = self
            .vault
            .unseal(&key.sealed, &bound_to(&key.id))
            .map_err(|error| IssuerFailure::new(format!("the signing key {}: {error}", key.id)))?;
        let none = || IssuerFailure::new(format!("the signing key {} is none", key.id));
        let pair = Pair::open(&private).ok_or_else(none)?;
        let jwk = pair.jwk(&key.id);
        Ok(Signer { id: key.id, signs_from: key.signs_from, pair, jwk })
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("id", &self.id).field("signs_from", &self.signs_from).finish_non_exhaustive()
    }
}
