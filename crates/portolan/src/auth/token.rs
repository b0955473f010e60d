//! The gate of this release: one bearer token, set when the service starts.

use super::Caller;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// Lets in who knows the token.
#[derive(Clone)]
pub struct TokenGate {
    token: Arc<str>,
    caller: Arc<Caller>,
}

/// Why nobody was let in, in words for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unauthenticated(pub &'static str);

impl TokenGate {
    /// A gate that takes whoever brings `token` for `caller`.
    pub fn new(token: &str, caller: Caller) -> Self {
        Self { token: Arc::from(token), caller: Arc::new(caller) }
    }

    /// Takes the header `Authorization`.
    ///
    /// # Errors
    /// [`Unauthenticated`] where it is missing, of another scheme, or holds another token.
    pub fn authenticate(&self, authorization: Option<&[u8]>) -> Result<&Arc<Caller>, Unauthenticated> {
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
        if bool::from(header[SCHEME..].trim_ascii().ct_eq(self.token.as_bytes())) {
            Ok(&self.caller)
        } else {
            Err(Unauthenticated(
                "Authorization has been denied for this request: the token is not valid here. Send the one that this service was started with.",
            ))
        }
    }
}

impl std::fmt::Debug for TokenGate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenGate").field("caller", &self.caller).finish_non_exhaustive()
    }
}
