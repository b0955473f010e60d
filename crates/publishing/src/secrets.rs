//! The secret members of a definition: taken out before anything is stored to be shown, put back to be judged.

use crate::offer::Draft;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// The secret members of a definition by JSON pointer. `Debug` shows the pointers and no value.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secrets(pub BTreeMap<String, Value>);

/// A definition as it was sent, with its secret members still in it. `Debug` shows only how long it is.
#[derive(Clone, PartialEq)]
pub struct WithSecrets(pub String);

impl From<String> for WithSecrets {
    fn from(definition: String) -> Self {
        Self(definition)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl fmt::Debug for WithSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WithSecrets({} bytes)", self.0.len())
    }
}

/// What was taken out of a definition.
#[derive(Debug, Default, PartialEq)]
pub struct Taken {
    /// The definition without its secret members; `None` where it had none, and stands as it was.
    pub definition: Option<String>,
    /// The secret members by JSON pointer; `null` asks to forget one.
    pub secrets: Secrets,
}

/// Takes the members at these paths out of a definition. All other members keep their order and their spelling.
///
/// # Errors
/// Where the text is not JSON, or an object on the way to a secret holds a member twice.
pub fn take_out(definition: &str, paths: &[Vec<String>]) -> serde_json::Result<Taken> {
    let paths: Vec<&[String]> = paths.iter().map(Vec::as_slice).collect();
    let mut secrets = Secrets::default();
    let definition = without(definition, &paths, "", &mut secrets.0)?;
    Ok(Taken { definition, secrets })
}

/// The definition of a draft with its secrets in their places, to be judged and never to be shown.
pub fn put_back(draft: &Draft) -> Value {
    let mut definition: Value = serde_json::from_str(&draft.definition).unwrap_or_default();
    for (pointer, secret) in &draft.secrets.0 {
        let Some((parent, name)) = pointer.rsplit_once('/') else { continue };
        if let Some(Value::Object(members)) = definition.pointer_mut(parent) {
            members.insert(unescape(name), secret.clone());
        }
    }
    definition
}

/// Writes a member name as one token of a JSON pointer.
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The member name that a token of a JSON pointer stands for.
pub fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// The text of an object without the members at these paths, which go to `secrets`; `None` where it has none of them.
fn without(
    text: &str,
    paths: &[&[String]],
    pointer: &str,
    secrets: &mut BTreeMap<String, Value>,
) -> serde_json::Result<Option<String>> {
    if paths.is_empty() || !text.trim_start().starts_with('{') {
        return Ok(None);
    }
    let Members(members) = serde_json::from_str(text)?;
    let (mut kept, mut changed) = (Vec::with_capacity(members.len()), false);
    for (name, raw) in &members {
        let below = paths.iter().filter_map(|path| path.split_first()).filter(|(first, _)| *first == name);
        let deeper: Vec<&[String]> = below.map(|(_, rest)| rest).collect();
        let pointer = format!("{pointer}/{}", escape(name));
        if deeper.iter().any(|rest| rest.is_empty()) {
            secrets.insert(pointer, serde_json::from_str(raw.get())?);
            changed = true;
            continue;
        }
        let rest = without(raw.get(), &deeper, &pointer, secrets)?;
        changed |= rest.is_some();
        kept.push(format!("{}:{}", serde_json::to_string(name)?, rest.as_deref().unwrap_or(raw.get())));
    }
    Ok(changed.then(|| format!("{{{}}}", kept.join(","))))
}

/// The members of an object in the order they were written, each with its text.
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(String, &RawValue)> = Vec::new();
                let mut seen = HashSet::new();
                while let Some((name, raw)) = map.next_entry::<String, &RawValue>()? {
                    if !seen.insert(name.clone()) {
                        return Err(serde::de::Error::custom(format!("the member {name:?} stands there twice")));
                    }
                    members.push((name, raw));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::{WithSecrets, put_back, take_out};
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
        assert_eq!(taken.secrets.0["/offer/a~1b/password"], json!("p"));
        assert_eq!(taken.secrets.0["/offer/key"], json!("k"));
        let draft =
            Draft { definition: taken.definition.unwrap(), secrets: taken.secrets, saved_at: Moment::from_ticks(0) };
        assert_eq!(put_back(&draft)["offer"]["a/b"]["password"], json!("p"));
    }

    #[test]
    fn what_is_printed_for_debugging_names_no_secret() {
        let text = r#"{"offer":{"key":"hush"}}"#;
        let taken = take_out(text, &paths()).unwrap();
        let printed = format!("{taken:?} {:?}", WithSecrets(text.to_owned()));
        assert!(printed.contains("/offer/key") && !printed.contains("hush"), "{printed}");
    }

    #[test]
    fn a_definition_without_secrets_stands_byte_for_byte() {
        for text in [r#" { "offer" : { } } "#, r#"{"offer":3}"#, r#"{}"#, r#"{"offer":{"a/b":"text"}}"#] {
            let taken = take_out(text, &paths()).unwrap();
            assert_eq!((taken.definition, taken.secrets.0.len()), (None, 0), "{text}");
        }
    }
}
