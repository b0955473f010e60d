//! Carries what happened to those who want to be told: by webhook, by mail.

mod webhooks;

pub use webhooks::{Tried, Webhooks};
