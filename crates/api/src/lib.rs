//! The publishing API as callers see it: wire types, error codes, paths and a typed client.
//!
//! Everything is spelled as on the wire of `api-version=2017-10-31`; members and their order are the wire contract's.

pub mod access;
pub mod audiences;
pub mod audit;
pub mod catalog;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "compare")]
pub mod compare;
pub mod dates;
pub mod emulator;
pub mod errors;
pub mod events;
pub mod explain;
pub mod leads;
pub mod mails;
pub mod offers;
pub mod operations;
pub mod paths;
pub mod publishers;
pub mod reviews;
pub mod state;
pub mod status;
pub mod subscriptions;
