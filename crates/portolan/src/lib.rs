//! The rooms of the server; `main.rs` is the front door. ARCHITECTURE.md is the map.

pub mod artifacts;
pub mod auth;
pub mod checks;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod egress;
pub mod emulator;
pub mod http;
pub mod issuer;
pub mod journal;
pub mod links;
pub mod listing;
pub mod markup;
pub mod network;
pub mod notify;
pub mod perform;
pub mod serve;
pub mod store;
pub mod vault;
pub mod web;
pub mod wire;
pub mod work;
