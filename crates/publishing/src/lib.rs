//! The rules of publishing an offer, from draft to live.
//!
//! Everything here is pure: no I/O, no async, no clock, no randomness. A [`command::Command`] meets an
//! [`offer::Offer`] in [`decide::decide`], which answers with a [`decide::Decision`] to be stored in one
//! transaction, or a [`refusal::Refusal`] that changes nothing.

pub mod access;
pub mod add_note;
pub mod addresses;
pub mod artifact_rule;
pub mod cancel;
pub mod check;
pub mod claim_review;
pub mod command;
pub mod decide;
pub mod deeds;
pub mod definition;
pub mod durations;
pub mod entry;
pub mod explain;
pub mod give_verdict;
pub mod go_live;
pub mod happening;
pub mod hear_check;
pub mod lead;
pub mod leads;
pub mod message;
pub mod moment;
pub mod note_late;
pub mod offer;
pub mod offer_type;
pub mod operation;
pub mod pipeline;
pub mod places;
pub mod plan;
pub mod principal;
pub mod publish;
pub mod refusal;
pub mod release_review;
pub mod replace;
pub mod replan;
pub mod report_check;
pub mod reuse;
pub mod review;
pub mod reviewed;
pub mod roll_back;
pub mod save_draft;
pub mod schema;
pub mod secrets;
pub mod sentence;
pub mod shape;
pub mod start_check;
pub mod status;
pub mod synchronise_audiences;
pub mod ways;
pub mod webhook;
mod words;
