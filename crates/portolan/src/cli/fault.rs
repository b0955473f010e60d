//! What went wrong, told to people on standard error, and to programs as the API's error document.

use super::exit::Exit;
use super::print::plain;
use super::source::{self, Flaw, Source};
use api::client::ClientError;
use api::errors::ErrorDetail;
use serde_json::{Map, Value, json};
use std::fmt;

/// An error of the command line's own, with how the command ends.
#[derive(Debug)]
pub(super) struct Fault {
    /// How the command ends.
    pub(super) exit: Exit,
    /// Stable, for programs.
    pub(super) code: &'static str,
    /// The fault and the mend, for people.
    pub(super) message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl Fault {
    /// Something that cannot be meant so.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, code: "Usage", message: message.into() }
    }

    /// Somebody was asked, and does not want it.
    pub(super) fn declined(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, code: "Declined", message: message.into() }
    }

    /// Nobody said who asks, or who asks may not.
    pub(super) fn not_signed_in(message: impl Into<String>) -> Self {
        Self { exit: Exit::NotAllowed, code: "NotSignedIn", message: message.into() }
    }

    /// There is no such thing.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self { exit: Exit::NotFound, code: "NotFound", message: message.into() }
    }

    /// What was given has faults.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self { exit: Exit::Invalid, code: "ValidationFailed", message: message.into() }
    }
}

/// A name that leads nowhere, and the one that was probably meant: the context of an error.
#[derive(Debug)]
pub(super) struct Meant {
    /// What there is not, in a sentence.
    pub(super) what: String,
    /// The name that there is.
    pub(super) near: String,
}

impl fmt::Display for Meant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; did you mean {}?", self.what, self.near)
    }
}

impl Meant {
    /// An error of its own, where no server was asked for what is not there.
    pub(super) fn alone(self) -> Fault {
        Fault::not_found(self.to_string())
    }
}

/// What was tried and why it failed. Where it is known what was meant, that is the whole reason.
fn sentence(error: &anyhow::Error) -> String {
    let Some(meant) = error.downcast_ref::<Meant>() else { return format!("{error:#}") };
    let meant = meant.to_string();
    let mut said: Vec<String> = error.chain().map(ToString::to_string).collect();
    if let Some(at) = said.iter().position(|text| *text == meant) {
        said.truncate(at + 1);
    }
    said.join(": ")
}

/// An error for people: what was tried and why it failed, and the server's faults a line each; of a file (a [`Source`] as the
/// error's context) with where they stand in it.
pub(super) fn told(error: &anyhow::Error) -> String {
    let mut text = format!("error: {}", plain(&sentence(error)));
    let flaws: Vec<Flaw<'_>> = details(error).iter().map(Flaw::from).collect();
    let source = error.downcast_ref::<Source>();
    for line in source::lines(&flaws, source) {
        text += &format!("\n  {line}");
    }
    let whole = error.chain().find_map(|cause| match cause.downcast_ref::<ClientError>()? {
        ClientError::Refused { error, .. } if error.details.is_empty() => error.target.as_deref(),
        _ => None,
    });
    if let Some(place) = whole.zip(source).and_then(|(target, source)| source.place(target)) {
        text += &format!("\n  at {}", plain(&place));
    }
    text
}

/// The same as the API's error document. It says which request it was, where there was one.
pub(super) fn document(error: &anyhow::Error) -> Value {
    let mut members = Map::new();
    let mut say = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    let mut code = "Unexpected".to_owned();
    let file = error.downcast_ref::<Source>();
    for cause in error.chain() {
        if let Some(fault) = cause.downcast_ref::<Fault>() {
            code = fault.code.to_owned();
        }
        match cause.downcast_ref::<ClientError>() {
            Some(ClientError::Refused { error, request_id, .. }) => {
                let mut known = serde_json::to_value(error.as_ref()).unwrap_or_default();
                if let Some(details) = known.get_mut("details") {
                    placed(details, file);
                }
                code = known["code"].as_str().unwrap_or_default().to_owned();
                let target = known.get("target").and_then(Value::as_str);
                if let Some(place) = file.zip(target).and_then(|(file, target)| file.place(target)) {
                    known["place"] = place.into();
                }
                for name in ["target", "place", "details"] {
                    if let Some(value) = known.get(name) {
                        say(name, value.clone());
                    }
                }
                say("requestId", request_id.as_str().into());
            }
            Some(ClientError::Foreign { code: theirs, details, request_id, .. }) => {
                code.clone_from(theirs);
                say("requestId", request_id.as_str().into());
                if !details.is_empty() {
                    let mut details = serde_json::to_value(details).unwrap_or_default();
                    placed(&mut details, file);
                    say("details", details);
                }
            }
            Some(ClientError::Unauthorized(_) | ClientError::NoToken { .. }) => code = "Unauthorized".to_owned(),
            Some(ClientError::Untrusted(_) | ClientError::Unreachable(_)) => code = "Unreachable".to_owned(),
            Some(ClientError::Unusable(_)) => code = "Usage".to_owned(),
            Some(ClientError::Unreadable { .. }) | None => {}
        }
    }
    if let Some(meant) = error.downcast_ref::<Meant>() {
        code = "NotFound".to_owned();
        say("fix", format!("Did you mean {}?", meant.near).into());
    }
    say("code", code.into());
    say("message", sentence(error).into());
    json!({ "error": members })
}

/// Says of each fault where in the file it is.
fn placed(details: &mut Value, file: Option<&Source>) {
    for detail in details.as_array_mut().into_iter().flatten() {
        if let Some(place) = file.and_then(|file| file.place(detail["target"].as_str()?)) {
            detail["place"] = place.into();
        }
    }
}

/// Every fault that a server named.
pub(super) fn details(error: &anyhow::Error) -> &[ErrorDetail] {
    error.chain().find_map(named).unwrap_or_default()
}

fn named<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a [ErrorDetail]> {
    match cause.downcast_ref::<ClientError>()? {
        ClientError::Refused { error, .. } => Some(&error.details),
        ClientError::Foreign { details, .. } => Some(details),
        _ => None,
    }
}
