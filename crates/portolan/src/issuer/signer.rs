//! A pair of keys that signs tokens: RSA, which every client knows, or ECDSA, which is made in no time.

use super::IssuerFailure;
use crate::clock::randomness;
use crate::store::SigningKey;
use crate::vault::Vault;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use publishing::moment::Moment;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A pair of keys.
pub(super) enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
}

impl Pair {
    /// One of RSA with 2048 bits. To make it takes a while, on the calling thread; how long is a matter of luck.
    pub(super) fn rsa() -> Option<(Self, Vec<u8>)> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
        let private = pair.as_der().ok()?.as_ref().to_vec();
        Some((Self::Rsa(pair), private))
    }

    fn ecdsa() -> Option<(Self, Vec<u8>)> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
        let private = pair.to_pkcs8v1().ok()?.as_ref().to_vec();
        Some((Self::Ecdsa(pair), private))
    }

    /// The pair of a private key in PKCS #8.
    pub(super) fn open(private: &[u8]) -> Option<Self> {
        let ecdsa = || EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private).map(Self::Ecdsa).ok();
        RsaKeyPair::from_pkcs8(private).map(Self::Rsa).ok().or_else(ecdsa)
    }

    /// The pair as it is stored, sealed by this vault.
    pub(super) fn stored(
        made: Option<(Self, Vec<u8>)>,
        vault: &Vault,
        made_at: Moment,
        signs_from: Moment,
    ) -> Result<SigningKey, IssuerFailure> {
        let (pair, private) = made.ok_or_else(|| IssuerFailure::new("a key could not be made"))?;
        let id = pair.thumbprint();
        let sealed = vault.seal(&private, &bound_to(&id)).map_err(|error| IssuerFailure::new(error.to_string()))?;
        Ok(SigningKey { id, made_at, signs_from, sealed })
    }

    /// The name of the algorithm in a header.
    pub(super) const fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ecdsa(_) => "ES256",
        }
    }

    pub(super) fn sign(&self, signed: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &randomness(), signed, &mut signature).ok()?;
                Some(signature)
            }
            Self::Ecdsa(pair) => pair.sign(&randomness(), signed).ok().map(|signature| signature.as_ref().to_vec()),
        }
    }

    /// The public key, as clients read it.
    pub(super) fn jwk(&self, id: &str) -> Value {
        let mut jwk = self.members();
        for (name, value) in [("use", "sig"), ("alg", self.algorithm()), ("kid", id)] {
            jwk[name] = value.into();
        }
        jwk
    }

    /// What makes the public key, in a JWK.
    fn members(&self) -> Value {
        let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Rsa(pair) => {
                let key = pair.public_key();
                let [n, e] = [key.modulus(), key.exponent()].map(|n| encoded(n.big_endian_without_leading_zero()));
                json!({ "kty": "RSA", "n": n, "e": e })
            }
            Self::Ecdsa(pair) => {
                // A byte that says how the point is written, then its two numbers.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y) })
            }
        }
    }

    /// The name of a key that everyone can compute from it (RFC 7638): of these members, which `Value` keeps in order.
    fn thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.members().to_string()))
    }
}

/// A key that is made at once and signs with ECDSA, for where nobody shall wait for one of RSA.
///
/// # Errors
/// [`IssuerFailure`] where it cannot be made, or not be sealed.
pub fn quick_key(vault: &Vault, made_at: Moment) -> Result<SigningKey, IssuerFailure> {
    Pair::stored(Pair::ecdsa(), vault, made_at, made_at)
}

/// The place that a private key is sealed for.
pub(super) fn bound_to(id: &str) -> String {
    format!("signing_key.sealed/{id}")
}

#[cfg(test)]
mod tests {
    use super::Pair;

    #[test]
    fn the_thumbprint_is_of_the_members_in_order() {
        let (pair, private) = Pair::ecdsa().unwrap();
        let members = pair.members().to_string();
        assert!(members.starts_with(r#"{"crv":"P-256","kty":"EC","x":""#), "{members}");
        assert_eq!(Pair::open(&private).unwrap().thumbprint(), pair.thumbprint());
        let (pair, private) = Pair::rsa().unwrap();
        let members = pair.members().to_string();
        assert!(members.starts_with(r#"{"e":"AQAB","kty":"RSA","n":""#), "{members}");
        assert_eq!(Pair::open(&private).unwrap().algorithm(), "RS256");
    }
}
