//! Puts other texts into a definition, by JSON pointer, and leaves every other byte of it as it is.

use crate::places::change;
use std::collections::BTreeMap;

/// What is found at a pointer, and what shall stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// The text that must be there; anything else stays.
    pub from: String,
    /// The text that takes its place.
    pub to: String,
}

/// The definition with the texts at these pointers replaced. A pointer that leads nowhere replaces nothing.
pub fn replace(definition: &str, replacements: &BTreeMap<String, Replacement>) -> String {
    change(definition, replacements, |replacement, value| {
        let is_that = serde_json::from_str::<String>(value).is_ok_and(|text| text == replacement.from);
        is_that.then(|| serde_json::to_string(&replacement.to).ok()).flatten()
    })
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
        replace(text, &replacements)
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
