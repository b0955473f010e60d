//! Takes a compact JWS apart, strictly: three parts, canonical base64url, a header and claims without surprises.

use super::Unauthenticated;
use super::denials::{ALGORITHM, HEADER, MALFORMED, TOO_LONG, TYPE};
use super::keys::Algorithm;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;
use std::collections::HashMap;

/// The longest token, in bytes.
pub(super) const LONGEST: usize = 16 * 1_024;

/// The longest `kid`, subject or other name out of a token, in bytes.
pub(super) const LONGEST_NAME: usize = 256;

/// Members that would have us look elsewhere for a key, or read the token in another way.
const UNWANTED: [&str; 8] = ["crit", "b64", "zip", "cty", "jku", "jwk", "x5u", "x5c"];

/// A token in its parts. Nothing in it is proven.
#[derive(Debug)]
pub(super) struct Compact<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) kind: Kind,
    pub(super) claims: Object,
    /// What the signature is over.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
}

/// What the header says the token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any JWT: `typ` is absent or `JWT`.
    Jwt,
    /// `at+jwt`.
    AccessToken,
}

/// A JSON object without duplicate members.
#[derive(Debug)]
pub(super) struct Object(HashMap<String, Value>);

impl<'a> Compact<'a> {
    pub(super) fn parse(token: &'a str) -> Result<Self, Unauthenticated> {
        if token.len() > LONGEST {
            return Err(TOO_LONG);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(MALFORMED)?;
        // A part too many is caught by the decoding: a dot is not in the alphabet.
        let (header, claims) = signed.split_once('.').ok_or(MALFORMED)?;
        let header = object(header)?;
        let claims = object(claims)?;
        let signature = decode(signature)?;
        let algorithm = header.get("alg").and_then(Value::as_str).and_then(Algorithm::named).ok_or(ALGORITHM)?;
        if UNWANTED.iter().any(|name| header.get(name).is_some()) {
            return Err(HEADER);
        }
        Ok(Self { algorithm, kid: kid(&header)?, kind: kind(&header)?, claims, signed, signature })
    }
}

impl Object {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A member that names something: a text that is not empty, not too long, and without control characters.
    pub(super) fn name(&self, name: &str) -> Result<Option<&str>, Unauthenticated> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().filter(|text| !text.is_empty() && text.len() <= LONGEST_NAME);
        text.filter(|text| !text.contains(char::is_control)).map(Some).ok_or(MALFORMED)
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = HashMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member is there twice"));
                    }
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

fn decode(part: &str) -> Result<Vec<u8>, Unauthenticated> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| MALFORMED)
}

fn object(part: &str) -> Result<Object, Unauthenticated> {
    serde_json::from_slice(&decode(part)?).map_err(|_| MALFORMED)
}

fn kid(header: &Object) -> Result<Option<String>, Unauthenticated> {
    match header.get("kid") {
        None => Ok(None),
        Some(Value::String(kid)) if kid.len() <= LONGEST_NAME => Ok(Some(kid.clone())),
        Some(_) => Err(MALFORMED),
    }
}

fn kind(header: &Object) -> Result<Kind, Unauthenticated> {
    let Some(kind) = header.get("typ") else { return Ok(Kind::Jwt) };
    let kind = kind.as_str().ok_or(MALFORMED)?.to_ascii_lowercase();
    match kind.strip_prefix("application/").unwrap_or(&kind) {
        "jwt" => Ok(Kind::Jwt),
        "at+jwt" => Ok(Kind::AccessToken),
        _ => Err(TYPE),
    }
}
