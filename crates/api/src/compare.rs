//! What is different between two definitions, member by member, with every number and text as it stands.

use jsonc_parser::ast::{Object, ObjectProp, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::HashMap;
use thiserror::Error;

/// Why two definitions cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a definition cannot be read")]
pub struct Unreadable;

/// What happened to a member, as JSON Patch calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Op {
    /// It is new.
    Add,
    /// It is gone.
    Remove,
    /// It is another.
    Replace,
}

/// One member that is different. As JSON it is an operation of a JSON Patch.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// What happened to it.
    pub op: Op,
    /// Where: a JSON pointer into the offer.
    pub path: String,
    /// What is there after it, as it is written; absent where it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Box<RawValue>>,
    /// What was there, as it is written; absent where it is new. Not in the patch.
    #[serde(skip)]
    pub before: Option<String>,
}

impl Change {
    /// Where, as people read it: the pointer below the definition.
    pub fn field(&self) -> &str {
        self.path.strip_prefix("/definition/").unwrap_or(&self.path)
    }

    /// What is there after it, as it is written.
    pub fn after(&self) -> Option<&str> {
        self.value.as_ref().map(|value| value.get())
    }

    /// Whether its values open something, and must not be shown: a member that is called so, also deep in it, or a signed
    /// address.
    pub fn is_secret(&self) -> bool {
        [self.before.as_deref(), self.after()].into_iter().flatten().any(|written| is_secret(&self.path, written))
    }
}

/// Whether a value as it is written opens something, and must not be shown: it lies in a member that is called so, holds one that
/// is and has a value, or holds a signed address.
pub fn is_secret(path: &str, written: &str) -> bool {
    fn holds(value: &serde_json::Value) -> bool {
        match value {
            serde_json::Value::Object(members) => {
                members.iter().any(|(name, value)| !value.is_null() && is_called_secret(name) || holds(value))
            }
            serde_json::Value::Array(elements) => elements.iter().any(holds),
            serde_json::Value::String(text) => opens_something(text),
            _ => false,
        }
    }
    path.split('/').any(is_called_secret)
        || serde_json::from_str(written).map_or_else(|_| opens_something(written), |value| holds(&value))
}

fn is_called_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["secret", "password", "token", "connectionstring", "accesskey", "accountkey"]
        .iter()
        .any(|word| name.contains(word))
}

fn opens_something(text: &str) -> bool {
    ["?sig=", "&sig=", "AccountKey="].iter().any(|mark| text.contains(mark))
}

/// What makes of one definition another. As JSON, in this order, it is a JSON Patch of the offer.
///
/// # Errors
/// [`Unreadable`] where one of them is no JSON.
pub fn changes(before: &str, after: &str) -> Result<Vec<Change>, Unreadable> {
    let read = |text| {
        let read = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default());
        read.ok().and_then(|read| read.value).ok_or(Unreadable)
    };
    let mut found = Found { texts: (before, after), changes: Vec::new() };
    found.compare("/definition", &read(before)?, &read(after)?)?;
    Ok(found.changes)
}

struct Found<'a> {
    texts: (&'a str, &'a str),
    changes: Vec<Change>,
}

impl Found<'_> {
    fn compare(&mut self, path: &str, before: &Value<'_>, after: &Value<'_>) -> Result<(), Unreadable> {
        match (before, after) {
            (Value::Object(before), Value::Object(after)) => self.objects(path, before, after),
            (Value::Array(before), Value::Array(after)) => {
                let (before, after) = (&before.elements, &after.elements);
                for (at, (before, after)) in before.iter().zip(after).enumerate() {
                    self.compare(&format!("{path}/{at}"), before, after)?;
                }
                // From the end, for what is removed moves all that comes after it.
                for (at, gone) in before.iter().enumerate().skip(after.len()).rev() {
                    self.say(Op::Remove, format!("{path}/{at}"), Some(gone), None)?;
                }
                for (at, new) in after.iter().enumerate().skip(before.len()) {
                    self.say(Op::Add, format!("{path}/{at}"), None, Some(new))?;
                }
                Ok(())
            }
            (Value::StringLit(before), Value::StringLit(after)) if before.value == after.value => Ok(()),
            (Value::StringLit(_), Value::StringLit(_)) => {
                self.say(Op::Replace, path.to_owned(), Some(before), Some(after))
            }
            (before, after) if before.text(self.texts.0) == after.text(self.texts.1) => Ok(()),
            (before, after) => self.say(Op::Replace, path.to_owned(), Some(before), Some(after)),
        }
    }

    fn objects(&mut self, path: &str, before: &Object<'_>, after: &Object<'_>) -> Result<(), Unreadable> {
        let member = |name: &str| format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
        let (were, are) = (by_name(before), by_name(after));
        for gone in &before.properties {
            let name = gone.name.as_str();
            match are.get(name) {
                Some(new) => self.compare(&member(name), &gone.value, &new.value)?,
                None => self.say(Op::Remove, member(name), Some(&gone.value), None)?,
            }
        }
        for new in after.properties.iter().filter(|new| !were.contains_key(new.name.as_str())) {
            self.say(Op::Add, member(new.name.as_str()), None, Some(&new.value))?;
        }
        Ok(())
    }

    fn say(
        &mut self,
        op: Op,
        path: String,
        before: Option<&Value<'_>>,
        after: Option<&Value<'_>>,
    ) -> Result<(), Unreadable> {
        let value = after.map(|after| RawValue::from_string(after.text(self.texts.1).to_owned())).transpose();
        let value = value.map_err(|_| Unreadable)?;
        let before = before.map(|before| before.text(self.texts.0).to_owned());
        self.changes.push(Change { op, path, value, before });
        Ok(())
    }
}

fn by_name<'a, 'b>(object: &'b Object<'a>) -> HashMap<&'b str, &'b ObjectProp<'a>> {
    object.properties.iter().map(|member| (member.name.as_str(), member)).collect()
}

#[cfg(test)]
mod tests {
    use super::changes;

    const BEFORE: &str = r#"{"a": 1.0, "same": {"x": "é", "y": [1]}, "l": [1, 2, {"k": true}, 4], "gone/~": null,
        "clientSecret": "hush", "uri": "https://x/?sv=1&sig=hush"}"#;
    const AFTER: &str = r#"{"same": {"y": [ 1 ], "x": "\u00e9"}, "l": [1, 3], "a": 1.00,
        "clientSecret": "hushed", "uri": "https://x/?sv=1&sig=hushed", "new": [1.10]}"#;

    #[test]
    fn what_is_different_is_a_patch() {
        let found = changes(BEFORE, AFTER).unwrap();
        let (secret, open): (Vec<_>, Vec<_>) = found.into_iter().partition(|change| change.is_secret());
        assert_eq!(
            serde_json::to_string(&open).unwrap(),
            concat!(
                r#"[{"op":"replace","path":"/definition/a","value":1.00},"#,
                r#"{"op":"replace","path":"/definition/l/1","value":3},"#,
                r#"{"op":"remove","path":"/definition/l/3"},{"op":"remove","path":"/definition/l/2"},"#,
                r#"{"op":"remove","path":"/definition/gone~1~0"},"#,
                r#"{"op":"add","path":"/definition/new","value":[1.10]}]"#
            )
        );
        assert_eq!((open[1].field(), open[1].before.as_deref(), open[1].after()), ("l/1", Some("2"), Some("3")));
        let secret: Vec<_> = secret.iter().map(super::Change::field).collect();
        assert_eq!(secret, ["clientSecret", "uri"]);
        let deep = changes("{}", r#"{"leads": [{"password": "hush"}], "open": {"password": null}}"#).unwrap();
        assert_eq!(deep.iter().map(super::Change::is_secret).collect::<Vec<_>>(), [true, false]);
        assert!(changes(BEFORE, BEFORE).unwrap().is_empty());
    }
}
