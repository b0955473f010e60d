//! Carries what happened to those who want to be told: by webhook, by mail.

mod compose;
mod mail;
mod settings;
mod smtp;

pub use compose::{Composer, Told, Written};
pub use mail::Mails;
pub use settings::{CapturedMail, MailAnswer, MailSettings, MailTls};
mod webhooks;

pub use webhooks::{Tried, Webhooks};
