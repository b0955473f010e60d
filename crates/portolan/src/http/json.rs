//! Strict reading of JSON bodies: nothing doubled, nothing too deep, and every fault with its JSON pointer.

use super::errors::Problem;
use publishing::secrets::escape;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;

/// How deep a document may be nested.
const DEEPEST: usize = 64;

/// How many values a document may hold, and how long a name and a text in it may be, in bytes. What judges a document tells
/// its faults by their places: without these bounds a small document could have faults that fill the memory.
const MOST_VALUES: usize = 50_000;
const LONGEST_NAME: usize = 256;
const LONGEST_TEXT: usize = 256 << 10;

/// Refuses what is not JSON, holds a member twice, or is nested too deep.
///
/// # Errors
/// 400 `BadRequest` with a pointer to the place.
pub(crate) fn check(body: &[u8]) -> Result<&str, Problem> {
    let text = std::str::from_utf8(body).map_err(|error| {
        Problem::bad_request("", format!("The body is not UTF-8 from byte {} on. Send UTF-8.", error.valid_up_to()))
    })?;
    if text.trim().is_empty() {
        return Err(Problem::bad_request("", "The body is empty. Send a JSON document."));
    }
    let (path, left) = (RefCell::new(Vec::new()), Cell::new(MOST_VALUES));
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Strict { path: &path, left: &left }.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match read {
        Ok(()) => Ok(text),
        Err(error) => {
            let pointer: String = path.borrow().iter().map(|token: &String| format!("/{}", escape(token))).collect();
            Err(Problem::bad_request(
                pointer,
                format!("The body is not JSON that can be taken: {error}. Correct it there."),
            ))
        }
    }
}

/// Walks a document, keeping the path to where it is.
struct Strict<'a> {
    path: &'a RefCell<Vec<String>>,
    /// How many more values there may be.
    left: &'a Cell<usize>,
}

impl Strict<'_> {
    fn below<E: Error>(&self, token: String) -> Result<Strict<'_>, E> {
        let mut path = self.path.borrow_mut();
        path.push(token);
        if path.len() > DEEPEST {
            return Err(E::custom(format!("nested deeper than {DEEPEST}")));
        }
        Ok(Strict { path: self.path, left: self.left })
    }

    fn up(&self) {
        self.path.borrow_mut().pop();
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.ok_or_else(|| D::Error::custom(format!("more than {MOST_VALUES} values")))?);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if text.len() > LONGEST_TEXT {
            return Err(E::custom(format!("a text longer than {} KiB", LONGEST_TEXT >> 10)));
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut at = 0_usize;
        while seq.next_element_seed(self.below(at.to_string())?)?.is_some() {
            self.up();
            at += 1;
        }
        self.up();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if name.len() > LONGEST_NAME {
                return Err(A::Error::custom(format!("a member's name longer than {LONGEST_NAME} bytes")));
            }
            let below = self.below(name.clone())?;
            if !seen.insert(name) {
                return Err(A::Error::custom("the same member stands here twice"));
            }
            map.next_value_seed(below)?;
            self.up();
        }
        Ok(())
    }
}

/// The text with its single-quoted strings in double quotes, as the reference's publish sample needs it.
pub(crate) fn with_double_quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut quote: Option<char> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, '\'' | '"') => {
                quote = Some(character);
                out.push('"');
            }
            (Some(open), close) if open == close => {
                quote = None;
                out.push('"');
            }
            (Some('\''), '"') => out.push_str("\\\""),
            (Some(_), '\\') => match characters.next() {
                Some('\'') => out.push('\''),
                Some(escaped) => out.extend(['\\', escaped]),
                None => out.push('\\'),
            },
            (_, other) => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{check, with_double_quotes};

    #[test]
    fn faults_are_found_where_they_are() {
        for (body, pointer) in [
            (r#"{"a":{"b":1,"b":2}}"#, "/a/b"),
            (r#"{"a":[1,{"x/y":tru}]}"#, "/a/1/x~1y"),
            (r#"{"a":"\ud800"}"#, "/a"),
            ("", ""),
            ("{} {}", ""),
        ] {
            let problem = format!("{:?}", check(body.as_bytes()).unwrap_err());
            assert!(problem.contains(&format!("target: Some({pointer:?})")), "{body}: {problem}");
        }
        assert!(check(&[b'"', 0xff, b'"']).is_err());
        assert!(check(br#"{"a":[],"b":{"a":[{}, 1e3, null]}}"#).is_ok());
    }

    #[test]
    fn depth_is_limited() {
        assert!(check(format!("{}{}", "[".repeat(63), "]".repeat(63)).as_bytes()).is_ok());
        assert!(check("[".repeat(100_000).as_bytes()).is_err());
        assert!(check(r#"{"a":"#.repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn single_quotes_become_double_ones() {
        for (given, read) in [
            ("{'metadata':{'notification-emails':'a@x'}}", r#"{"metadata":{"notification-emails":"a@x"}}"#),
            (r#"{"it's": 'say "no"'}"#, r#"{"it's": "say \"no\""}"#),
            (r#"{'it\'s':'\n'}"#, r#"{"it's":"\n"}"#),
        ] {
            assert_eq!(with_double_quotes(given), read);
        }
    }
}
