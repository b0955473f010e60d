//! The system's keyring, which is asked for a short while only: it may be locked, or not be there.

use keyring::{Entry, Error, Result};
use std::sync::mpsc;
use std::time::Duration;

/// How long the keyring may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the program calls itself there.
const PROGRAM: &str = "portolan";

/// Keeps a secret for the server at this address.
///
/// # Errors
/// Why it cannot, in words that never hold the secret.
pub(super) fn keep(server: &str, secret: &str) -> std::result::Result<(), String> {
    let (server, secret) = (server.to_owned(), secret.to_owned());
    within(PATIENCE, move || Entry::new(PROGRAM, &server)?.set_password(&secret))
}

/// The secret for the server at this address, where there is one.
///
/// # Errors
/// The same.
pub(super) fn find(server: &str) -> std::result::Result<Option<String>, String> {
    let server = server.to_owned();
    within(PATIENCE, move || match Entry::new(PROGRAM, &server)?.get_password() {
        Err(Error::NoEntry) => Ok(None),
        found => found.map(Some),
    })
}

/// Forgets the secret for the server at this address.
///
/// # Errors
/// The same.
pub(super) fn forget(server: &str) -> std::result::Result<(), String> {
    let server = server.to_owned();
    within(PATIENCE, move || match Entry::new(PROGRAM, &server)?.delete_credential() {
        Err(Error::NoEntry) => Ok(()),
        done => done,
    })
}

fn within<T: Send + 'static>(
    patience: Duration,
    ask: impl FnOnce() -> Result<T> + Send + 'static,
) -> std::result::Result<T, String> {
    let (answer, answered) = mpsc::channel();
    // Nothing ends a call that hangs: the thread is left behind, and ends with the process.
    std::thread::spawn(move || drop(answer.send(ask())));
    match answered.recv_timeout(patience) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Error::NoDefaultStore)) => Err("there is none, or it cannot be reached".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("it gave no answer within {} s; it may be locked", patience.as_secs())),
    }
}
