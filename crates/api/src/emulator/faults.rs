//! Faults of the emulator on the wire: what shall go wrong, where, and how often.

use crate::dates::Date;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// A step ends with an error, and the submission fails.
    Reject,
    /// A step cannot go on until a reviewer unblocks it.
    Block,
    /// A step does not end while the fault is there.
    Stall,
    /// A step takes longer than it would, by a factor.
    Slow,
    /// The system that does a step never says how it ends, and the step is blocked once its time is over.
    LostCallback,
    /// What ends a step is reported a second time.
    ReportedTwice,
    /// The address of a file of the definition has expired.
    ExpiredArtifact,
    /// A request is answered 429, 500 or 503, and not done.
    ApiError,
    /// A request is answered later than it could be.
    SlowAnswer,
    /// A request is done, and the connection breaks off before its answer is whole.
    CutConnection,
    /// A request is answered 401, as with a token that has expired.
    Unauthorized,
    /// The endpoint of a webhook does not take events.
    WebhookDown,
    /// The mail server does not take mails.
    MailDown,
    /// A request that changes something is answered 409 or 412, and not done.
    Conflict,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Reject,
        Self::Block,
        Self::Stall,
        Self::Slow,
        Self::LostCallback,
        Self::ReportedTwice,
        Self::ExpiredArtifact,
        Self::ApiError,
        Self::SlowAnswer,
        Self::CutConnection,
        Self::Unauthorized,
        Self::WebhookDown,
        Self::MailDown,
        Self::Conflict,
    ];

    /// Its name, as on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Block => "block",
            Self::Stall => "stall",
            Self::Slow => "slow",
            Self::LostCallback => "lost-callback",
            Self::ReportedTwice => "reported-twice",
            Self::ExpiredArtifact => "expired-artifact",
            Self::ApiError => "api-error",
            Self::SlowAnswer => "slow-answer",
            Self::CutConnection => "cut-connection",
            Self::Unauthorized => "unauthorized",
            Self::WebhookDown => "webhook-down",
            Self::MailDown => "mail-down",
            Self::Conflict => "conflict",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How the endpoint of a webhook fails that gives no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// It takes too long.
    TimedOut,
    /// It takes no connection.
    Refused,
}

/// A fault to be set. Which members a kind has is in docs/emulator-faults.md; others are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewFault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Only in the step of this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Only for this offer, as `publisher/offer`, or the offer's id alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// Only for requests of this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only for requests to paths that begin so; `/api/` where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only for webhooks at addresses that begin so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Only for mails to this address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// How often it goes wrong; 1 where nothing is said, 0 until the fault is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// How often it goes well first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
    /// Until when on the emulator's clock it goes wrong, however often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// The code of what the step says, such as `IMG-048`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What the step says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The place in the offer that it is about, as a JSON pointer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How to mend it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// How many times as long a step takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// The status that is answered: of HTTP, or, for mails, of SMTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What the header Retry-After says, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// By how many real milliseconds an answer is late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<u64>,
    /// How the endpoint of a webhook fails that gives no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl NewFault {
    /// A fault of this kind, once, wherever it can be.
    pub const fn of(kind: FaultKind) -> Self {
        Self {
            kind,
            step: None,
            offer: None,
            method: None,
            path: None,
            url: None,
            to: None,
            times: None,
            after: None,
            until: None,
            code: None,
            message: None,
            target: None,
            fix: None,
            factor: None,
            status: None,
            retry_after: None,
            milliseconds: None,
            failure: None,
        }
    }
}

/// A fault that is set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fault {
    /// `fault-1`, `fault-2` …, in the order in which they were set.
    pub id: String,
    /// What was asked for.
    pub fault: NewFault,
    /// How often it still goes wrong; none where nobody counts.
    #[serde(default)]
    pub left: Option<u32>,
    /// How often it goes well before that.
    pub waits: u32,
    /// How often it went wrong.
    pub applied: u32,
}

/// What came of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppliedScenario {
    /// The faults that it set, in order.
    pub faults: Vec<Fault>,
    /// The offers that it brought somewhere, as `publisher/offer`.
    pub offers: Vec<String>,
}
