//! What is different between two offers, member by member, with every number and text as it stands.

use super::print::plain;
use anyhow::{Context, Result};
use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde::Serialize;
use serde_json::value::RawValue;

/// How many characters of a value a table shows.
const SHOWN: usize = 60;

/// One member that is different. As JSON it is an operation of a JSON Patch.
#[derive(Debug, Serialize)]
pub(super) struct Change {
    op: &'static str,
    /// Where: a JSON pointer into the offer.
    path: String,
    /// What is there after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Box<RawValue>>,
    #[serde(skip)]
    before: Option<String>,
}

impl Change {
    /// The pointer, what was there, and what is, for people.
    pub(super) fn row(&self) -> [String; 3] {
        let field = self.path.strip_prefix("/definition/").unwrap_or(&self.path).to_owned();
        if self.is_secret() {
            return [field, "(secret)".to_owned(), "changed".to_owned()];
        }
        let after = self.value.as_ref().map(|value| value.get());
        [field, shown(self.before.as_deref()), shown(after)]
    }

    /// Whether its values open something, and must not be shown: a member that is called so, or a signed address.
    pub(super) fn is_secret(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let is_called_so = ["secret", "password", "token", "connectionstring", "accesskey", "accountkey"]
            .iter()
            .any(|word| name.contains(word));
        let texts = [self.before.as_deref(), self.value.as_ref().map(|value| value.get())];
        let is_signed = |text: &&str| ["?sig=", "&sig=", "AccountKey="].iter().any(|mark| text.contains(mark));
        is_called_so || texts.iter().flatten().any(is_signed)
    }
}

fn shown(value: Option<&str>) -> String {
    let Some(value) = value else { return "–".to_owned() };
    let short: String = value.chars().take(SHOWN).collect();
    if short.len() < value.len() { format!("{}…", plain(&short)) } else { plain(value) }
}

/// What makes of one definition another. As JSON, in this order, it is a JSON Patch of the offer.
///
/// # Errors
/// Where one of them is no JSON.
pub(super) fn changes(before: &str, after: &str) -> Result<Vec<Change>> {
    let read = |text| -> Result<Value<'_>> {
        let read = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default());
        read.ok().and_then(|read| read.value).context("a definition of the server cannot be read")
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
    fn compare(&mut self, path: &str, before: &Value<'_>, after: &Value<'_>) -> Result<()> {
        match (before, after) {
            (Value::Object(before), Value::Object(after)) => self.objects(path, before, after),
            (Value::Array(before), Value::Array(after)) => {
                let (before, after) = (&before.elements, &after.elements);
                for (at, (before, after)) in before.iter().zip(after).enumerate() {
                    self.compare(&format!("{path}/{at}"), before, after)?;
                }
                // From the end, for what is removed moves all that comes after it.
                for (at, gone) in before.iter().enumerate().skip(after.len()).rev() {
                    self.say("remove", format!("{path}/{at}"), Some(gone), None)?;
                }
                for (at, new) in after.iter().enumerate().skip(before.len()) {
                    self.say("add", format!("{path}/{at}"), None, Some(new))?;
                }
                Ok(())
            }
            (Value::StringLit(before), Value::StringLit(after)) if before.value == after.value => Ok(()),
            (Value::StringLit(_), Value::StringLit(_)) => {
                self.say("replace", path.to_owned(), Some(before), Some(after))
            }
            (before, after) if before.text(self.texts.0) == after.text(self.texts.1) => Ok(()),
            (before, after) => self.say("replace", path.to_owned(), Some(before), Some(after)),
        }
    }

    fn objects(&mut self, path: &str, before: &Object<'_>, after: &Object<'_>) -> Result<()> {
        let member = |name: &str| format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
        for gone in &before.properties {
            let name = gone.name.as_str();
            match after.get(name) {
                Some(new) => self.compare(&member(name), &gone.value, &new.value)?,
                None => self.say("remove", member(name), Some(&gone.value), None)?,
            }
        }
        for new in after.properties.iter().filter(|new| before.get(new.name.as_str()).is_none()) {
            self.say("add", member(new.name.as_str()), None, Some(&new.value))?;
        }
        Ok(())
    }

    fn say(
        &mut self,
        op: &'static str,
        path: String,
        before: Option<&Value<'_>>,
        after: Option<&Value<'_>>,
    ) -> Result<()> {
        let value = after.map(|after| RawValue::from_string(after.text(self.texts.1).to_owned())).transpose()?;
        let before = before.map(|before| before.text(self.texts.0).to_owned());
        self.changes.push(Change { op, path, value, before });
        Ok(())
    }
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
        assert_eq!(open[1].row(), ["l/1", "2", "3"]);
        assert_eq!(secret.len(), 2);
        assert!(secret.iter().all(|change| !change.row().concat().contains("hush")));
        assert!(changes(BEFORE, BEFORE).unwrap().is_empty());
    }
}
