//! Why a token is refused: every sentence, in words for the caller, and nothing out of the token.

/// Why nobody was let in, in words for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unauthenticated(pub &'static str);

/// A token was not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotVerified {
    /// The caller's fault: 401, with these words.
    Denied(Unauthenticated),
    /// Ours, or the issuer's: 503 with `Retry-After`. The words are for the caller; the cause is in the log.
    Unavailable(String),
    /// Ours: 503 with `Retry-After`. The words are for the log.
    Failed(String),
}

impl From<Unauthenticated> for NotVerified {
    fn from(denied: Unauthenticated) -> Self {
        Self::Denied(denied)
    }
}

macro_rules! denials {
    ($($name:ident = $fault:literal;)*) => {
        $(pub(crate) const $name: Unauthenticated =
            Unauthenticated(concat!("Authorization has been denied for this request: ", $fault));)*
    };
}

denials! {
    TOO_LONG = "the token is longer than 16384 bytes. Send an access token as its issuer gave it.";
    MALFORMED = "the token is malformed. Send a signed JWT of three base64url parts, as its issuer gave it.";
    ALGORITHM = "the algorithm of the token is not accepted here. Have it signed with RS256, PS256, ES256 or EdDSA, as the service is set.";
    HEADER = "the header of the token holds a member that is not accepted: crit, b64, zip, cty, jku, jwk, x5u or x5c. Get a token without it.";
    TYPE = "the token is not of the type that is wanted here. Send an access token, not an ID token.";
    UNKNOWN_ISSUER = "the issuer of the token is not trusted here. Get a token from an issuer that the service names.";
    TENANT = "the tenant of the token is not let in here. Sign in to a tenant that the service names.";
    EXPIRED = "the token has expired. Get a new one.";
    NOT_YET = "the token is not yet valid. Wait, or set the clocks right.";
    NO_TIMES = "exp, nbf or iat of the token is missing or is no time. Get a token with exp as a number of seconds.";
    NO_SUBJECT = "the token does not say who it is for. Get one with the claim sub or oid, as the service is set.";
    WRONG_CLIENT = "the ID token is for another client. Sign in again.";
    WRONG_NONCE = "the ID token belongs to another sign-in. Sign in again.";
    UNKNOWN_KEY = "the issuer has no such key as the token names, as far as its keys were fetched. Get a new token; if the issuer has just changed its keys, try again in a minute.";
    KEY_DOES_NOT_FIT = "the key that the token names is not for its algorithm or its issuer. Get a new token.";
    SIGNATURE = "the signature of the token is wrong. Send the token as its issuer gave it.";
}
