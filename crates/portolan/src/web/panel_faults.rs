//! Faults on the emulator's panel: a form's fields become one, and those that are set become rows.

use super::forms::Form;
use super::refused::Refused;
use super::text::Text;
use api::emulator::Fault;
use serde_json::{Map, Number, Value};

/// Members that few faults have.
pub(super) const MORE: [&str; 13] = [
    "after",
    "until",
    "target",
    "fix",
    "factor",
    "status",
    "retryAfter",
    "milliseconds",
    "failure",
    "method",
    "path",
    "url",
    "to",
];

/// The members that are texts, and those that are numbers.
const TEXTS: [&str; 13] =
    ["kind", "step", "offer", "code", "message", "until", "target", "fix", "failure", "method", "path", "url", "to"];
const NUMBERS: [&str; 6] = ["times", "after", "factor", "status", "retryAfter", "milliseconds"];

/// What a fault wants to meet; everything else that it has says what it does.
const MET_BY: [&str; 8] = ["step", "offer", "method", "path", "url", "to", "after", "until"];

/// A fault that is set.
pub(super) struct FaultRow {
    pub(super) id: String,
    pub(super) kind: &'static str,
    /// What it wants to meet, and how it goes wrong, member by member.
    pub(super) when: Vec<String>,
    pub(super) effect: Vec<String>,
    pub(super) left: String,
}

/// What a form says a fault shall be, for the API to judge.
///
/// # Errors
/// Where a number is none.
pub(super) fn read(form: &Form, t: Text) -> Result<Value, Refused> {
    let given = |name: &str| Some(form.field(name).trim().to_owned()).filter(|text| !text.is_empty());
    let mut members = Map::new();
    for name in TEXTS {
        members.extend(given(name).map(|text| (name.to_owned(), Value::String(text))));
    }
    for name in NUMBERS {
        if let Some(text) = given(name) {
            let number: Number = text.parse().map_err(|_| Refused::own(name, t.panel_no_number()))?;
            members.insert(name.to_owned(), Value::Number(number));
        }
    }
    Ok(Value::Object(members))
}

/// The faults that are set.
pub(super) fn rows(t: Text, faults: &[Fault]) -> Vec<FaultRow> {
    faults.iter().map(|fault| row(t, fault)).collect()
}

fn row(t: Text, fault: &Fault) -> FaultRow {
    let members = match serde_json::to_value(&fault.fault) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    let (mut when, mut effect) = (Vec::new(), Vec::new());
    for (name, value) in members.iter().filter(|(name, _)| !matches!(name.as_str(), "kind" | "times")) {
        let shown = match value {
            Value::String(text) => format!("{name}={text}"),
            other => format!("{name}={other}"),
        };
        if MET_BY.contains(&name.as_str()) { when.push(shown) } else { effect.push(shown) }
    }
    FaultRow {
        id: fault.id.clone(),
        kind: fault.fault.kind.name(),
        when,
        effect,
        left: match fault.left {
            None => t.panel_left_always(fault.applied),
            Some(0) => t.panel_left_none(fault.applied),
            Some(left) => t.panel_left(left, left.saturating_add(fault.applied)),
        },
    }
}
