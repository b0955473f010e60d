//! Puts other texts into a definition, by JSON pointer, and leaves every other byte of it as it is.

use crate::secrets::{Members, escape};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::ops::Range;

/// What is found at a pointer, and what shall stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The text that must be there; anything else stays.
    pub from: String,
    /// The text that takes its place.
    pub to: String,
}

/// The definition with the texts at these pointers replaced. A pointer that leads nowhere replaces nothing.
///
/// # Errors
/// Where the text is not JSON, or an object on the way holds a member twice.
pub fn replace(definition: &str, replacements: &BTreeMap<String, Replacement>) -> serde_json::Result<String> {
    let mut places = Vec::new();
    find(definition, definition, "", replacements, &mut places)?;
    let mut replaced = String::with_capacity(definition.len());
    let mut from = 0;
    for (place, to) in places {
        replaced.push_str(&definition[from..place.start]);
        replaced.push_str(&serde_json::to_string(to)?);
        from = place.end;
    }
    replaced.push_str(&definition[from..]);
    Ok(replaced)
}

/// Finds the places in the whole text of what is to be replaced in one value of it, in their order.
fn find<'a>(
    whole: &str,
    value: &str,
    pointer: &str,
    replacements: &'a BTreeMap<String, Replacement>,
    places: &mut Vec<(Range<usize>, &'a str)>,
) -> serde_json::Result<()> {
    if let Some(replacement) = replacements.get(pointer) {
        if serde_json::from_str::<String>(value).is_ok_and(|text| text == replacement.from) {
            // A value is a part of the whole text, not a copy: where it begins tells its place.
            let start = value.as_ptr().addr() - whole.as_ptr().addr();
            places.push((start..start + value.len(), &replacement.to));
        }
        return Ok(());
    }
    let below = format!("{pointer}/");
    let leads_on = |from: &String| from.starts_with(&below);
    if !replacements.range(below.clone()..).next().is_some_and(|(first, _)| leads_on(first)) {
        return Ok(());
    }
    match value.trim_start().chars().next() {
        Some('{') => {
            let Members(members) = serde_json::from_str(value)?;
            for (name, raw) in &members {
                find(whole, raw.get(), &format!("{below}{}", escape(name)), replacements, places)?;
            }
        }
        Some('[') => {
            let items: Vec<&RawValue> = serde_json::from_str(value)?;
            for (at, raw) in items.iter().enumerate() {
                find(whole, raw.get(), &format!("{below}{at}"), replacements, places)?;
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Replacement, replace};
    use std::collections::BTreeMap;

    fn replaced(text: &str, pointers: &[(&str, &str, &str)]) -> String {
        let replacements: BTreeMap<_, _> = pointers
            .iter()
            .map(|(at, from, to)| ((*at).to_owned(), Replacement { from: (*from).into(), to: (*to).into() }))
            .collect();
        replace(text, &replacements).unwrap()
    }

    #[test]
    fn texts_change_and_every_other_byte_stays() {
        let text = r#" { "z" : 1e3, "a/b": [ "x" , {"u":"x" , "n":0.1000} ],"plans":[{"u":"x"}, "x"], "d":1, "d2":"\u0078" } "#;
        let pointers = [("/a~1b/0", "x", "new"), ("/a~1b/1/u", "x", "\"q\""), ("/plans/1", "x", "y"), ("/d2", "x", "")];
        assert_eq!(
            replaced(text, &pointers),
            r#" { "z" : 1e3, "a/b": [ "new" , {"u":"\"q\"" , "n":0.1000} ],"plans":[{"u":"x"}, "y"], "d":1, "d2":"" } "#
        );
    }

    #[test]
    fn what_is_not_there_or_is_another_stays() {
        let text = r#"{"a":{"b":"x"},"c":[1]}"#;
        for at in ["/a", "/a/b", "/a/b/c", "/c/0", "/c/7", "/d", "", "/c/-"] {
            assert_eq!(replaced(text, &[(at, "other", "y")]), text, "{at}");
        }
        // A name that begins like another's.
        assert_eq!(replaced(r#"{"a":["x"],"a-":"x"}"#, &[("/a/0", "x", "y")]), r#"{"a":["y"],"a-":"x"}"#);
    }
}
