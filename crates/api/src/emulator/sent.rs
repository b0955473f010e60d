//! What the emulator sent to nobody, and what it was asked, on the wire.

use crate::dates::Date;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What was sent: a mail, or a request of HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// Counts from 1, in the order of sending.
    pub number: u64,
    /// What the emulator's clock showed.
    pub at: Date,
    /// The how manieth try it was, from 1.
    pub attempt: u32,
    /// What was answered: a status of HTTP or SMTP, or why there was none.
    pub answer: String,
    /// What it was.
    #[serde(flatten)]
    pub what: SentWhat,
}

/// What was sent, by its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum SentWhat {
    /// A mail.
    Mail(SentMail),
    /// An event to a webhook.
    Webhook(SentRequest),
    /// A lead to a publisher's endpoint.
    Lead(SentRequest),
    /// Another request.
    Other(SentRequest),
}

impl SentWhat {
    /// The name of its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Mail(_) => "mail",
            Self::Webhook(_) => "webhook",
            Self::Lead(_) => "lead",
            Self::Other(_) => "other",
        }
    }

    /// Where it went: a mail address, or an address of the web.
    pub fn destination(&self) -> &str {
        match self {
            Self::Mail(mail) => &mail.to,
            Self::Webhook(request) | Self::Lead(request) | Self::Other(request) => &request.url,
        }
    }
}

/// A mail that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SentMail {
    /// To whom.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// What it says, as plain text.
    pub text: String,
    /// The same with markup.
    pub html: String,
    /// The whole mail, as a mail server gets it.
    pub source: String,
}

/// A request that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SentRequest {
    /// Its method.
    pub method: String,
    /// Where to.
    pub url: String,
    /// Its headers, their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: String,
    /// Whether its signature is one of the webhook's secrets, for webhooks; none where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_valid: Option<bool>,
}

/// A request that the emulator answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    /// Counts from 1, in the order in which they came.
    pub number: u64,
    /// What the emulator's clock showed when it came.
    pub at: Date,
    /// What the machine's clock showed.
    pub real: Date,
    /// Its method.
    pub method: String,
    /// Its path and query; what may be secret in the query is replaced.
    pub path: String,
    /// What was answered; 0 where it was not waited for.
    pub status: u16,
    /// How long the answer took, in real milliseconds.
    pub milliseconds: u64,
    /// The id that its answer names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Uuid>,
    /// Who asked, by name, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The fault that it met, as `fault-1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}
