//! Public keys of issuers: which algorithm each is for, and whether one of them made a signature.

use super::compact::Compact;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::sync::{Arc, PoisonError, RwLock};

/// How a token may be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum Algorithm {
    /// RSA, PKCS #1 v1.5, SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// RSA, PSS, SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// ECDSA, P-256, SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// A public key that can check signatures.
#[derive(Clone, Debug)]
pub struct PublicKey {
    jwk: Jwk,
    verifiers: Vec<(Algorithm, ParsedPublicKey)>,
}

/// The members of a JWK that matter here.
#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<IgnoredAny>,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    issuer: Option<String>,
}

/// The keys of an issuer at one time.
#[derive(Debug, Default)]
pub(super) struct KeySet {
    keys: Vec<PublicKey>,
    /// Rises whenever the keys change.
    pub(super) generation: u64,
}

/// What the keys say to a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    Good,
    WrongSignature,
    DoesNotFit,
    UnknownKey,
}

/// The keys of an issuer in this process. Clones are handles to the same keys.
#[derive(Clone, Debug, Default)]
pub struct LocalKeys(Arc<RwLock<Arc<KeySet>>>);

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    /// The algorithm of this name, spelled exactly so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Its name in a header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl PublicKey {
    /// The key that a JWK describes.
    ///
    /// # Errors
    /// Says why it cannot check tokens: its type, size, curve or use, or that it shows its private part.
    pub fn from_jwk(jwk: &Value) -> Result<Self, &'static str> {
        let jwk = Jwk::deserialize(jwk).map_err(|_| "it is no JWK")?;
        if jwk.d.is_some() {
            return Err("it shows its private part");
        }
        let usage_fits = jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
        if !usage_fits || jwk.key_ops.as_ref().is_some_and(|ops| !ops.iter().any(|op| op == "verify")) {
            return Err("it is not for checking signatures");
        }
        let mut verifiers = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", None) => jwk.rsa()?,
            ("EC", Some("P-256")) => {
                let point = [vec![4], bytes(jwk.x.as_ref(), 32)?, bytes(jwk.y.as_ref(), 32)?].concat();
                let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                vec![(Algorithm::Es256, key.map_err(|_| "its point is not on the curve")?)]
            }
            ("OKP", Some("Ed25519")) => {
                let key = ParsedPublicKey::new(&ED25519, bytes(jwk.x.as_ref(), 32)?);
                vec![(Algorithm::EdDsa, key.map_err(|_| "it is no point of Ed25519")?)]
            }
            _ => return Err("its type or curve is not one of RSA, P-256 and Ed25519"),
        };
        verifiers.retain(|(algorithm, _)| jwk.alg.as_deref().is_none_or(|alg| alg == algorithm.name()));
        if verifiers.is_empty() {
            return Err("its algorithm is not one of RS256, PS256, ES256 and EdDSA, or not for its type");
        }
        Ok(Self { jwk, verifiers })
    }

    fn verifier(&self, algorithm: Algorithm) -> Option<&ParsedPublicKey> {
        self.verifiers.iter().find(|(its, _)| *its == algorithm).map(|(_, key)| key)
    }

    /// The issuer that the key is for, `{tenantid}` as it stands; Entra says that of each key.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.jwk.issuer.as_deref()
    }
}

impl Jwk {
    fn rsa(&self) -> Result<Vec<(Algorithm, ParsedPublicKey)>, &'static str> {
        let (n, e) = (base64url(self.n.as_ref())?, base64url(self.e.as_ref())?);
        let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
        if !(2_048..=8_192).contains(&bits) {
            return Err("its size is not from 2048 to 8192 bits");
        }
        let components = RsaPublicKeyComponents { n, e };
        let paddings = [(Algorithm::Rs256, &RSA_PKCS1_2048_8192_SHA256), (Algorithm::Ps256, &RSA_PSS_2048_8192_SHA256)];
        let keys = paddings.map(|(algorithm, padding)| Ok((algorithm, components.to_parsed_public_key(padding)?)));
        keys.into_iter().collect::<Result<_, aws_lc_rs::error::KeyRejected>>().map_err(|_| "it is no RSA key")
    }
}

fn base64url(text: Option<&String>) -> Result<Vec<u8>, &'static str> {
    URL_SAFE_NO_PAD.decode(text.ok_or("a member of it is missing")?).map_err(|_| "a member of it is not base64url")
}

fn bytes(text: Option<&String>, length: usize) -> Result<Vec<u8>, &'static str> {
    base64url(text)
        .and_then(|bytes| if bytes.len() == length { Ok(bytes) } else { Err("its coordinates are not 32 bytes") })
}

impl KeySet {
    /// These keys, as what comes after `before`.
    pub(super) fn after(before: Option<&Self>, keys: Vec<PublicKey>) -> Self {
        let generation = before.map_or(0, |before| {
            let same = before.keys.iter().map(|key| &key.jwk).eq(keys.iter().map(|key| &key.jwk));
            before.generation + u64::from(!same)
        });
        Self { keys, generation }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether a key that the token may be checked with made its signature.
    ///
    /// Several keys may have the same `kid` (RFC 7517, 4.5). All that fit are tried: each of them is a key of the issuer, so
    /// that this takes nothing that one of them alone would not take.
    pub(super) fn check(&self, token: &Compact<'_>, is_issuer: impl Fn(&str) -> bool) -> Finding {
        let named = |key: &&PublicKey| token.kid.is_none() || key.jwk.kid == token.kid;
        if !self.keys.iter().any(|key| named(&key)) {
            return Finding::UnknownKey;
        }
        let fitting = self.keys.iter().filter(named).filter(|key| key.issuer().is_none_or(&is_issuer));
        let fitting: Vec<_> = fitting.filter_map(|key| key.verifier(token.algorithm)).collect();
        if fitting.is_empty() || (token.kid.is_none() && fitting.len() > 1) {
            return Finding::DoesNotFit;
        }
        let good = fitting.iter().any(|key| key.verify_sig(token.signed.as_bytes(), &token.signature).is_ok());
        if good { Finding::Good } else { Finding::WrongSignature }
    }
}

impl LocalKeys {
    /// From now on these keys are the issuer's, and no others.
    pub fn replace(&self, keys: Vec<PublicKey>) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(KeySet::after(Some(&current), keys));
    }

    pub(super) fn current(&self) -> Arc<KeySet> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}
