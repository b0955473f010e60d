//! People's passwords, and the hashes of secrets that are random already.

use crate::clock::random_bytes;
use crate::store::Hash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use sha2::{Digest, Sha256};
use std::time::Duration;
use thiserror::Error;
use tokio::sync::Semaphore;

/// How long a name of a person or program may be, in characters.
pub const LONGEST_NAME: usize = 120;

/// How long a password may be, in bytes, and how short, in characters.
const LONGEST_PASSWORD: usize = 1_024;
const SHORTEST_PASSWORD: usize = 12;

/// Each takes 19 MiB and some 20 ms of processor: more at once would let a crowd at the sign-in form slow down all else.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// How long somebody waits for a turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a password cannot be one, or could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PasswordFault {
    /// Too short or too long.
    #[error("A password has 12 characters or more, and at most 1,024 bytes. Choose another; a few words are fine.")]
    Length,
    /// The machine could not; the text is for the log.
    #[error("the password could not be hashed: {0}")]
    Unavailable(String),
}

/// Hashes a new password, in PHC form.
///
/// # Errors
/// [`PasswordFault`].
pub async fn hash_password(password: String) -> Result<String, PasswordFault> {
    if password.len() > LONGEST_PASSWORD || password.chars().count() < SHORTEST_PASSWORD {
        return Err(PasswordFault::Length);
    }
    let unavailable = |error: &dyn std::fmt::Display| PasswordFault::Unavailable(error.to_string());
    let salt: [u8; 16] = random_bytes().map_err(|error| unavailable(&error))?;
    aside(move || {
        let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
        hash.map(|hash| hash.to_string()).map_err(|error| PasswordFault::Unavailable(error.to_string()))
    })
    .await?
}

/// Whether this is the password. Without a `hash` it takes as long, so that nobody learns who has an account.
///
/// # Errors
/// [`PasswordFault::Unavailable`].
pub async fn is_password(password: String, hash: Option<String>) -> Result<bool, PasswordFault> {
    /// The hash of a password that nobody knows.
    const NOBODYS: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    if password.len() > LONGEST_PASSWORD {
        return Ok(false);
    }
    aside(move || {
        let known = hash.is_some();
        let hash = hash.as_deref().unwrap_or(NOBODYS);
        Argon2::default().verify_password(password.as_bytes(), hash).is_ok() && known
    })
    .await
}

async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordFault> {
    let unavailable = |error: &dyn std::fmt::Display| PasswordFault::Unavailable(error.to_string());
    // Whoever waits longer is better told to come back than kept in a queue that a crowd makes longer.
    let turn = tokio::time::timeout(PATIENCE, AT_ONCE.acquire()).await;
    let _turn = turn.map_err(|error| unavailable(&error))?.map_err(|error| unavailable(&error))?;
    tokio::task::spawn_blocking(work).await.map_err(|error| unavailable(&error))
}

/// The hash under which a random secret is kept: it has 256 bits of its own, and needs no slow hash.
pub fn secret_hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}
