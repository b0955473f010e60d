//! The commands that talk to a server, over the typed client and nothing else.

pub mod review;
