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
    /// Plain text that says what is so.
    pub text: String,
    /// The same with markup, as sanitised when it came in; only where who said it gave some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// A stable code, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// A JSON pointer into the offer, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What to do about it, as plain text, where that is not in the text itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
    /// Where the rule is explained: an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// When it was said.
    pub at: Moment,
}

impl Message {
    /// A message that is nothing but a level and a text.
    pub fn new(level: Level, text: impl Into<String>, at: Moment) -> Self {
        Self { level, text: text.into(), html: None, code: None, target: None, mend: None, link: None, at }
    }

    /// An information without code or target.
    pub fn information(text: impl Into<String>, at: Moment) -> Self {
        Self::new(Level::Information, text, at)
    }

    /// An error with a stable code.
    pub fn error(code: impl Into<String>, text: impl Into<String>, at: Moment) -> Self {
        Self { code: Some(code.into()), ..Self::new(Level::Error, text, at) }
    }

    /// A fault of the definition, as the step that found it says it.
    pub fn fault(fault: &Fault, at: Moment) -> Self {
        Self {
            target: Some(fault.pointer.clone()),
            mend: Some(fault.mend.clone()),
            ..Self::error(&fault.code, &fault.message, at)
        }
    }
}
