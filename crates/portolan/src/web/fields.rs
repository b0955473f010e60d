//! The fields of an offer's definition, one by one, and which of them differ between two versions.

use super::differences::Difference as Between;
use crate::store::StoreError;
use api::compare::{Change, is_secret};
use publishing::offer::Draft;
use publishing::places;
use serde_json::Value;

/// The longest value that is shown, in characters.
const LONGEST: usize = 2_000;

/// What stands for a value that is not shown, as JSON.
const HIDDEN: &str = "\"•••\"";

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Where: a JSON pointer into the offer.
    pub(super) pointer: String,
    /// What is there before; nothing where the field is new.
    pub(super) before: Option<String>,
    /// What is there after; nothing where the field is gone.
    pub(super) after: Option<String>,
    /// Whether its values open something, and are not shown.
    pub(super) is_secret: bool,
}

/// The fields that differ from what is live; of a new offer, all.
///
/// # Errors
/// Where a definition cannot be read.
pub(super) fn differences(live: Option<&Draft>, after: &Draft) -> Result<Vec<Difference>, StoreError> {
    let hidden = |pointer: String| Difference { pointer, before: None, after: None, is_secret: true };
    if let Some(live) = live {
        let found = Between::between(live, after)?;
        let secret = found.secret.into_iter().map(|(_, pointer)| hidden(pointer));
        return Ok(found.open.iter().map(changed).chain(secret).collect());
    }
    let new = |(pointer, value): (String, Value)| match opens(&pointer, &value) {
        true => hidden(pointer),
        false => Difference { after: Some(shown(&value)), before: None, pointer, is_secret: false },
    };
    let secrets = after.secrets.0.keys().map(|name| hidden(format!("/definition{name}")));
    Ok(fields(after)?.into_iter().map(new).chain(secrets).collect())
}

fn changed(change: &Change) -> Difference {
    let value = |text: Option<&str>| text.and_then(|text| serde_json::from_str(text).ok()).as_ref().map(shown);
    let (before, after) = (value(change.before.as_deref()), value(change.after()));
    Difference { pointer: change.path.clone(), before, after, is_secret: false }
}

/// Whether the value of a field must not be shown.
fn opens(pointer: &str, value: &Value) -> bool {
    is_secret(pointer, &value.to_string())
}

/// A definition to be read, without the values that open something.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn masked(draft: &Draft) -> Result<String, StoreError> {
    let hidden = fields(draft)?.into_iter().filter(|(pointer, value)| !value.is_null() && opens(pointer, value));
    let below = |pointer: String| pointer.strip_prefix("/definition").unwrap_or(&pointer).to_owned();
    let values = hidden.map(|(pointer, _)| (below(pointer), HIDDEN.to_owned())).collect();
    Ok(places::set(&draft.definition, &values))
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

/// Every field of a definition that holds no others, with its pointer into the offer.
///
/// # Errors
/// Where it cannot be read.
pub(super) fn fields(draft: &Draft) -> Result<Vec<(String, Value)>, StoreError> {
    let corrupt = |error: serde_json::Error| StoreError::Corrupt(error.to_string());
    let definition = serde_json::from_str(&draft.definition).map_err(corrupt)?;
    let mut found = Vec::new();
    collect("/definition".to_owned(), definition, &mut found);
    Ok(found)
}

fn collect(pointer: String, value: Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                collect(format!("{pointer}/{}", publishing::secrets::escape(&name)), member, found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (at, item) in items.into_iter().enumerate() {
                collect(format!("{pointer}/{at}"), item, found);
            }
        }
        value => found.push((pointer, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::{differences, masked};
    use publishing::moment::Moment;
    use publishing::offer::Draft;
    use publishing::secrets::Secrets;

    fn draft(definition: &str, secret: &str) -> Draft {
        let secrets = Secrets([("/key".to_owned(), secret.into())].into());
        Draft { definition: definition.to_owned(), secrets, saved_at: Moment::from_ticks(0) }
    }

    #[test]
    fn each_field_that_differs_is_found_and_no_secret_is_shown() {
        let before = draft(r#"{"a": {"b/c": 1, "same": [1, {}]}, "gone": null, "uri": "https://x/?sig=hush"}"#, "hush");
        let after =
            r#"{"a": {"b/c": 2, "same": [1, {}]}, "new": {"password": "hush"}, "uri": "https://x/?sig=hushed"}"#;
        let after = draft(after, "hushed");
        let found = differences(Some(&before), &after).unwrap();
        let pointers: Vec<&str> = found.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            ["/definition/a/b~1c", "/definition/gone", "/definition/uri", "/definition/new", "/definition/key"]
        );
        assert_eq!((found[0].before.as_deref(), found[0].after.as_deref()), (Some("1"), Some("2")));
        assert!(found[2..].iter().all(|field| field.is_secret) && !format!("{found:?}").contains("hush"));
        assert!(differences(Some(&before), &before).unwrap().is_empty());
        let listed = draft(r#"{ "passwords": ["hush"], "token": null, "a": [{"uri": "x\u003fsig=hush"}] }"#, "hush");
        assert_eq!(masked(&listed).unwrap(), r#"{ "passwords": ["•••"], "token": null, "a": [{"uri": "•••"}] }"#);
        let new = differences(None, &after).unwrap();
        assert_eq!((new.len(), new[0].after.as_deref(), format!("{new:?}").contains("hush")), (6, Some("2"), false));
    }
}
