//! What a step says to the publisher.

use crate::definition::Fault;
use crate::moment::Moment;
use serde::{Deserialize, Serialize};

/// How grave a message is (wire contract, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// Good to know.
    Information,
    /// Worth mending, stops nothing.
    Warning,
    /// Stops the step.
    Error,
}

/// One thing a step says. The text is plain; whoever renders HTML escapes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// How grave it is.
    pub level: Level,
    /// Plain text that names the fault and the mend.
    pub text: String,
    /// A stable code, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// A JSON pointer into the offer, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// When it was said.
    pub at: Moment,
}

impl Message {
    /// An information without code or target.
    pub fn information(text: impl Into<String>, at: Moment) -> Self {
        Self { level: Level::Information, text: text.into(), code: None, target: None, at }
    }

    /// An error with a stable code.
    pub fn error(code: impl Into<String>, text: impl Into<String>, at: Moment) -> Self {
        Self { level: Level::Error, text: text.into(), code: Some(code.into()), target: None, at }
    }

    /// A fault of the definition, as the step that found it says it.
    pub fn fault(fault: &Fault, at: Moment) -> Self {
        Self {
            level: Level::Error,
            text: fault.text(),
            code: Some(fault.code.to_owned()),
            target: Some(fault.pointer.clone()),
            at,
        }
    }
}
