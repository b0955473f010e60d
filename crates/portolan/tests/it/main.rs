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

mod access;
mod access_cli;
mod architecture;
mod artifacts;
mod audiences;
mod audit;
mod binary;
mod browser;
mod callbacks;
mod checkers;
mod checkers_killed;
mod client;
// The walks over the rules, which are taken through the doors here.
#[path = "../../../publishing/tests/common/mod.rs"]
mod common;
mod completion;
mod durations;
mod editor_pages;
mod egress;
mod egress_answers;
mod emulator;
mod emulator_cli;
mod emulator_exec;
mod emulator_faults;
mod emulator_pages;
mod emulator_scenarios;
mod emulator_sent;
mod examples;
mod exchanges;
mod exit_codes;
mod explain;
mod following;
mod following_cli;
mod history;
mod hostile;
mod idp;
mod journal;
mod kill;
mod lanes;
mod leads;
mod legacy;
mod limits;
mod listings;
mod login;
mod mail;
mod matrix;
#[path = "../../../publishing/tests/common/moves.rs"]
#[allow(dead_code)]
mod moves;
mod nouns_cli;
mod offer_pages;
mod openapi;
mod origin;
mod outside;
mod pages;
mod people_pages;
mod permissions;
mod pinning;
mod programs;
mod python;
mod receiver;
mod recipes;
mod reference_pages;
mod remote_keys;
mod repeated;
mod review_cli;
mod review_pages;
mod reviews;
mod secrets;
mod setbacks;
mod sign_in;
mod sign_in_attacks;
mod sign_in_elsewhere;
mod states;
mod store;
mod sweep;
mod timing;
mod tls;
mod token_endpoint;
mod tokens;
mod tree;
mod truth;
mod vault;
mod webhooks;
mod webhooks_killed;
mod world;
