//! The tests of the service through its doors: one binary, one file per promise.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub
)]

mod architecture;
mod binary;
mod browser;
mod client;
mod exchanges;
mod hostile;
mod idp;
mod kill;
mod limits;
mod openapi;
mod remote_keys;
mod setbacks;
mod sign_in;
mod sign_in_attacks;
mod sign_in_elsewhere;
mod store;
mod sweep;
mod tls;
mod tokens;
mod truth;
mod vault;
mod world;
