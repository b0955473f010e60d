//! The fields of an offer's definition, one by one, and which of them differ between two.

use publishing::offer::Draft;
use serde_json::Value;
use std::collections::BTreeMap;

/// The longest value that is shown, in characters.
const LONGEST: usize = 2_000;

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

/// The fields that differ, in the order of their pointers. Before a new offer there is nothing.
pub(super) fn differences(before: Option<&Draft>, after: &Draft) -> Vec<Difference> {
    let (old, new) = (before.map(fields).unwrap_or_default(), fields(after));
    let gone = old.keys().filter(|pointer| !new.contains_key(*pointer));
    let mut found: Vec<Difference> = gone
        .chain(new.iter().filter(|(pointer, value)| old.get(*pointer) != Some(value)).map(|(pointer, _)| pointer))
        .map(|pointer| difference(pointer, old.get(pointer), new.get(pointer)))
        .collect();
    let (old, new) = (before.map(|draft| &draft.secrets.0), &after.secrets.0);
    let kept = |pointer: &String| old.and_then(|old| old.get(pointer));
    let names = old.into_iter().flat_map(BTreeMap::keys).chain(new.keys());
    let names: std::collections::BTreeSet<&String> =
        names.filter(|pointer| kept(pointer) != new.get(*pointer)).collect();
    found.extend(names.into_iter().map(|pointer| Difference {
        pointer: format!("/definition{pointer}"),
        before: None,
        after: None,
        is_secret: true,
    }));
    found.sort_by(|one, other| one.pointer.cmp(&other.pointer));
    found
}

fn difference(pointer: &str, before: Option<&Value>, after: Option<&Value>) -> Difference {
    let is_secret = is_called_secret(pointer) || [before, after].into_iter().flatten().any(is_signed);
    let shown = |value: Option<&Value>| value.filter(|_| !is_secret).map(shown);
    Difference { pointer: pointer.to_owned(), before: shown(before), after: shown(after), is_secret }
}

fn is_called_secret(pointer: &str) -> bool {
    let name = pointer.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let words = ["secret", "password", "token", "connectionstring", "accesskey", "accountkey"];
    words.iter().any(|word| name.contains(word))
}

/// Whether a value is an address that lets in whoever has it.
fn is_signed(value: &Value) -> bool {
    value.as_str().is_some_and(|text| ["?sig=", "&sig=", "AccountKey="].iter().any(|mark| text.contains(mark)))
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

/// Every field that holds no others, with its pointer.
fn fields(draft: &Draft) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    if let Ok(definition) = serde_json::from_str(&draft.definition) {
        collect("/definition".to_owned(), definition, &mut found);
    }
    found
}

fn collect(pointer: String, value: Value, found: &mut BTreeMap<String, Value>) {
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
        value => drop(found.insert(pointer, value)),
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
            draft(r#"{"a": {"b/c": 2, "same": [1, {}]}, "new": "x", "uri": "https://x/?sig=hushed"}"#, "hushed");
        let found = differences(Some(&before), &after);
        let pointers: Vec<&str> = found.iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            ["/definition/a/b~1c", "/definition/gone", "/definition/key", "/definition/new", "/definition/uri"]
        );
        assert_eq!((found[0].before.as_deref(), found[0].after.as_deref()), (Some("1"), Some("2")));
        assert_eq!((found[3].before.as_deref(), found[3].after.as_deref()), (None, Some("x")));
        assert!(found[2].is_secret && found[4].is_secret && !format!("{found:?}").contains("hush"));
        assert!(differences(Some(&before), &before).is_empty());
        assert_eq!(differences(None, &after).len(), 6);
    }
}
