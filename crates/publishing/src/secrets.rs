//! The secret members of a definition: taken out before anything is stored to be shown, put back to be judged.

use crate::offer::Draft;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// What was taken out of a definition.
#[derive(Debug, Default, PartialEq)]
pub struct Taken {
    /// The definition without its secret members; `None` where it had none, and stands as it was.
    pub definition: Option<String>,
    /// The secret members by JSON pointer; `null` asks to forget one.
    pub secrets: BTreeMap<String, Value>,
}

/// Takes the members at these paths out of a definition. All other members keep their order and their spelling.
///
/// # Errors
/// Where the text, or a secret in it, is not JSON.
pub fn take_out(definition: &str, paths: &[Vec<String>]) -> serde_json::Result<Taken> {
    let mut taken = Taken::default();
    let root: &RawValue = serde_json::from_str(definition)?;
    for path in paths {
        let standing = taken.definition.clone();
        let text = standing.as_deref().unwrap_or(root.get());
        if let Some((rest, secret)) = without(text, path)? {
            taken.secrets.insert(pointer(path), serde_json::from_str(&secret)?);
            taken.definition = Some(rest);
        }
    }
    Ok(taken)
}

/// The definition of a draft with its secrets in their places, to be judged and never to be shown.
pub fn put_back(draft: &Draft) -> Value {
    let mut definition: Value = serde_json::from_str(&draft.definition).unwrap_or_default();
    for (pointer, secret) in &draft.secrets {
        let Some((parent, name)) = pointer.rsplit_once('/') else { continue };
        if let Some(Value::Object(members)) = definition.pointer_mut(parent) {
            members.insert(unescape(name), secret.clone());
        }
    }
    definition
}

fn pointer(path: &[String]) -> String {
    path.iter().map(|name| format!("/{}", escape(name))).collect()
}

/// Writes a member name as one token of a JSON pointer.
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// The text without the member at the path, and that member's text; `None` where there is no such member.
fn without(text: &str, path: &[String]) -> serde_json::Result<Option<(String, String)>> {
    let Some((name, deeper)) = path.split_first() else { return Ok(None) };
    if !text.trim_start().starts_with('{') {
        return Ok(None);
    }
    let Members(members) = serde_json::from_str(text)?;
    let Some(at) = members.iter().position(|(member, _)| member == name) else { return Ok(None) };
    let mut kept: Vec<(&str, String)> =
        members.iter().map(|(name, raw)| (name.as_str(), raw.get().to_owned())).collect();
    let secret = if deeper.is_empty() {
        kept.remove(at).1
    } else {
        let Some((rest, secret)) = without(&kept[at].1, deeper)? else { return Ok(None) };
        kept[at].1 = rest;
        secret
    };
    let kept: serde_json::Result<Vec<String>> =
        kept.iter().map(|(name, raw)| Ok(format!("{}:{raw}", serde_json::to_string(name)?))).collect();
    Ok(Some((format!("{{{}}}", kept?.join(",")), secret)))
}

/// The members of an object in the order they were written, each with its text.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::{put_back, take_out};
    use crate::moment::Moment;
    use crate::offer::Draft;
    use serde_json::json;

    fn paths() -> Vec<Vec<String>> {
        vec![vec!["offer".into(), "a/b".into(), "password".into()], vec!["offer".into(), "key".into()]]
    }

    #[test]
    fn secrets_go_and_everything_else_keeps_its_spelling() {
        let taken =
            take_out(r#"{ "z": 1e3, "offer": {"key":"k","n":0.1000,"a/b":{"password":"p","x":[1, 2]}} }"#, &paths())
                .unwrap();
        assert_eq!(taken.definition.as_deref(), Some(r#"{"z":1e3,"offer":{"n":0.1000,"a/b":{"x":[1, 2]}}}"#));
        assert_eq!(taken.secrets["/offer/a~1b/password"], json!("p"));
        assert_eq!(taken.secrets["/offer/key"], json!("k"));
        let draft =
            Draft { definition: taken.definition.unwrap(), secrets: taken.secrets, saved_at: Moment::from_ticks(0) };
        assert_eq!(put_back(&draft)["offer"]["a/b"]["password"], json!("p"));
    }

    #[test]
    fn a_definition_without_secrets_stands_byte_for_byte() {
        for text in [r#" { "offer" : { } } "#, r#"{"offer":3}"#, r#"{}"#, r#"{"offer":{"a/b":"text"}}"#] {
            let taken = take_out(text, &paths()).unwrap();
            assert_eq!((taken.definition, taken.secrets.len()), (None, 0), "{text}");
        }
    }
}
