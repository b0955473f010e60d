//! The fields of an offer's definition, one by one, and which of them differ between two versions.

use api::compare::{Change, Unreadable, changes};
use publishing::offer::Draft;
use serde_json::Value;
use std::collections::BTreeSet;

/// The longest value that is shown, in characters.
const LONGEST: usize = 2_000;

/// What opens something, and stands for a value that is not shown.
const SIGNS: [&str; 3] = ["?sig=", "&sig=", "AccountKey="];

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
/// [`Unreadable`] where a definition is no JSON.
pub(super) fn differences(live: Option<&Draft>, after: &Draft) -> Result<Vec<Difference>, Unreadable> {
    let mut found: Vec<Difference> = match live {
        Some(live) => changes(&live.definition, &after.definition)?.iter().map(changed).collect(),
        None => {
            let new = |(pointer, value): (String, Value)| {
                let is_secret = opens(&pointer, &value);
                Difference { after: Some(shown(&value)).filter(|_| !is_secret), before: None, pointer, is_secret }
            };
            fields(after)?.into_iter().map(new).collect()
        }
    };
    let (old, new) = (live.map(|draft| &draft.secrets.0), &after.secrets.0);
    let names: BTreeSet<&String> = old.into_iter().flat_map(|old| old.keys()).chain(new.keys()).collect();
    let differ = names.into_iter().filter(|name| old.and_then(|old| old.get(*name)) != new.get(*name));
    found.extend(differ.map(|name| Difference {
        pointer: format!("/definition{name}"),
        before: None,
        after: None,
        is_secret: true,
    }));
    Ok(found)
}

fn changed(change: &Change) -> Difference {
    let value = |text: Option<&str>| text.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let (before, after) = (value(change.before.as_deref()), value(change.after()));
    let is_secret =
        change.is_secret() || [&before, &after].into_iter().flatten().any(|value| opens(&change.path, value));
    let shown = |value: Option<Value>| value.filter(|_| !is_secret).as_ref().map(shown);
    Difference { pointer: change.path.clone(), before: shown(before), after: shown(after), is_secret }
}

/// Whether a field, or one within it, is called a secret or is an address that lets in whoever has it.
fn opens(pointer: &str, value: &Value) -> bool {
    let is_called_so = |pointer: &str| {
        let name = pointer.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let words = ["secret", "password", "token", "connectionstring", "accesskey", "accountkey"];
        words.iter().any(|word| name.contains(word))
    };
    let mut leaves = Vec::new();
    collect(pointer.to_owned(), value.clone(), &mut leaves);
    leaves.iter().any(|(pointer, value)| {
        is_called_so(pointer) || value.as_str().is_some_and(|text| SIGNS.iter().any(|sign| text.contains(sign)))
    })
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
/// [`Unreadable`] where it is no JSON.
pub(super) fn fields(draft: &Draft) -> Result<Vec<(String, Value)>, Unreadable> {
    let definition = serde_json::from_str(&draft.definition).map_err(|_| Unreadable)?;
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
    use super::differences;
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
        let new = differences(None, &after).unwrap();
        assert_eq!((new.len(), new[0].after.as_deref(), format!("{new:?}").contains("hush")), (6, Some("2"), false));
    }
}
