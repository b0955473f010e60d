//! Changes a definition at places named by JSON pointers, and leaves every other byte of it as it is.

use crate::secrets::{Members, escape};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::ops::Range;

/// One value of a definition: what it is, and where in the text it stands.
#[derive(Clone, Debug)]
pub enum Place<'a> {
    /// An object's members in the order in which they were written.
    Object(Vec<(String, &'a str)>),
    /// An array's items.
    Array(Vec<&'a str>),
    /// Anything else, and an object that holds a member twice.
    Leaf,
}

impl<'a> Place<'a> {
    /// What a text of JSON is.
    pub fn of(text: &'a str) -> Self {
        let read = match text.trim_start().chars().next() {
            Some('{') => serde_json::from_str(text).ok().map(|Members(members)| {
                Self::Object(members.into_iter().map(|(name, raw): (String, &RawValue)| (name, raw.get())).collect())
            }),
            Some('[') => serde_json::from_str::<Vec<&RawValue>>(text)
                .ok()
                .map(|items| Self::Array(items.into_iter().map(RawValue::get).collect())),
            _ => None,
        };
        read.unwrap_or(Self::Leaf)
    }
}

/// The text of the value at a pointer; `None` where there is none.
pub fn at<'a>(definition: &'a str, pointer: &str) -> Option<&'a str> {
    let mut value = definition.trim();
    for token in pointer.split('/').skip(1) {
        value = match Place::of(value) {
            Place::Object(members) => members.into_iter().find(|(name, _)| escape(name) == token)?.1,
            Place::Array(items) => items.into_iter().nth(token.parse().ok()?)?,
            Place::Leaf => return None,
        };
    }
    Some(value)
}

/// The definition with other JSON at these pointers, of which none lies below another. A pointer that leads nowhere changes nothing.
pub fn set(definition: &str, values: &BTreeMap<String, String>) -> String {
    change(definition, values, |to, _| Some(to.clone()))
}

/// The same, where what is found at a pointer decides on the JSON that takes its place; `None` leaves it.
pub fn change<T>(definition: &str, wanted: &BTreeMap<String, T>, to: impl Fn(&T, &str) -> Option<String>) -> String {
    let mut found = Vec::new();
    find(definition.trim(), "", wanted, &mut found);
    let places = found.into_iter().filter_map(|(value, wanted)| Some((range(definition, value), to(wanted, value)?)));
    let places: Vec<(Range<usize>, String)> = places.collect();
    let places: Vec<_> = places.iter().map(|(place, to)| (place.clone(), to.as_str())).collect();
    splice(definition, &places)
}

/// Finds what stands at the pointers that lie at or below one, in its order.
fn find<'a, 'w, T>(value: &'a str, pointer: &str, wanted: &'w BTreeMap<String, T>, found: &mut Vec<(&'a str, &'w T)>) {
    if let Some(wanted) = wanted.get(pointer) {
        found.push((value, wanted));
        return;
    }
    let below = format!("{pointer}/");
    if !wanted.range(below.clone()..).next().is_some_and(|(first, _)| first.starts_with(&below)) {
        return;
    }
    match Place::of(value) {
        Place::Object(members) => {
            for (name, value) in members {
                find(value, &format!("{below}{}", escape(&name)), wanted, found);
            }
        }
        Place::Array(items) => {
            for (at, value) in items.into_iter().enumerate() {
                find(value, &format!("{below}{at}"), wanted, found);
            }
        }
        Place::Leaf => {}
    }
}

/// The definition without the member or item at a pointer; `None` where there is none.
pub fn remove(definition: &str, pointer: &str) -> Option<String> {
    let (parent, token) = pointer.rsplit_once('/')?;
    let parent = at(definition, parent)?;
    let values: Vec<&str> = match Place::of(parent) {
        Place::Object(members) => {
            let place = members.iter().position(|(name, _)| escape(name) == token)?;
            return Some(without(
                definition,
                parent,
                &members.into_iter().map(|(_, value)| value).collect::<Vec<_>>(),
                place,
            ));
        }
        Place::Array(items) => items,
        Place::Leaf => return None,
    };
    let place = token.parse().ok().filter(|place| *place < values.len())?;
    Some(without(definition, parent, &values, place))
}

fn without(definition: &str, parent: &str, values: &[&str], place: usize) -> String {
    let (whole, here) = (range(definition, parent), |value: &str| range(definition, value));
    let inside = whole.start + 1;
    let gone = match (place, values.len()) {
        (0, 1) => inside..whole.end - 1,
        // From where it begins, with its name, to where the next begins.
        (0, _) => {
            let first = inside + blank(&definition[inside..]);
            let after = here(values[0]).end;
            let comma = after + blank(&definition[after..]) + 1;
            first..comma + blank(&definition[comma..])
        }
        // From the end of the one before it, with the comma.
        (place, _) => here(values[place - 1]).end..here(values[place]).end,
    };
    splice(definition, &[(gone, "")])
}

/// The definition with a new member of an object, or a new item of an array, at its end; `None` where the pointer leads to neither.
pub fn insert(definition: &str, parent: &str, name: &str, value: &str) -> Option<String> {
    let text = at(definition, parent)?;
    let (values, member): (Vec<&str>, _) = match Place::of(text) {
        Place::Object(members) if members.iter().any(|(known, _)| known == name) => return None,
        Place::Object(members) => {
            (members.into_iter().map(|(_, value)| value).collect(), format!("{}: ", serde_json::to_string(name).ok()?))
        }
        Place::Array(items) => (items, String::new()),
        Place::Leaf => return None,
    };
    let inside = range(definition, text).start + 1;
    let (place, before) = match values.last() {
        None => (inside, String::new()),
        Some(last) => {
            let lead = &definition[inside..inside + blank(&definition[inside..])];
            // What stands on one line stays readable.
            (range(definition, last).end, format!(",{}", if lead.is_empty() { " " } else { lead }))
        }
    };
    Some(splice(definition, &[(place..place, &format!("{before}{member}{value}"))]))
}

/// How many bytes of white space a text begins with.
fn blank(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t', '\n', '\r']).len()
}

/// Where a part of a text, which is no copy, stands in it.
fn range(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - whole.as_ptr().addr();
    start..start + part.len()
}

fn splice(text: &str, places: &[(Range<usize>, &str)]) -> String {
    let (mut spliced, mut from) = (String::with_capacity(text.len()), 0);
    for (place, to) in places {
        spliced.push_str(&text[from..place.start]);
        spliced.push_str(to);
        from = place.end;
    }
    spliced.push_str(&text[from..]);
    spliced
}

#[cfg(test)]
mod tests {
    use super::{at, insert, remove, set};
    use std::collections::BTreeMap;

    const TEXT: &str = "{ \"a/b\" : [ 1e3 , {\"x\":0.10} ],\n  \"c\": \"\\u0078\",\n  \"d\":{} }";

    #[test]
    fn values_are_found_and_set_in_their_places() {
        assert_eq!(at(TEXT, "/a~1b/1/x"), Some("0.10"));
        assert_eq!((at(TEXT, "/c/x"), at(TEXT, "/a~1b/7"), at(TEXT, "")), (None, None, Some(TEXT)));
        let values = [("/a~1b/0", "2"), ("/c", "\"y\""), ("/e", "3")];
        let values: BTreeMap<_, _> = values.into_iter().map(|(at, to)| (at.to_owned(), to.to_owned())).collect();
        assert_eq!(set(TEXT, &values), TEXT.replace("1e3", "2").replace("\"\\u0078\"", "\"y\""));
    }

    #[test]
    fn members_and_items_go_and_come() {
        for (pointer, expected) in [
            ("/a~1b", "{ \"c\": \"\\u0078\",\n  \"d\":{} }"),
            ("/d", "{ \"a/b\" : [ 1e3 , {\"x\":0.10} ],\n  \"c\": \"\\u0078\" }"),
            ("/a~1b/0", "{ \"a/b\" : [ {\"x\":0.10} ],\n  \"c\": \"\\u0078\",\n  \"d\":{} }"),
            ("/a~1b/1/x", "{ \"a/b\" : [ 1e3 , {} ],\n  \"c\": \"\\u0078\",\n  \"d\":{} }"),
        ] {
            assert_eq!(remove(TEXT, pointer).as_deref(), Some(expected));
        }
        assert_eq!((remove(TEXT, "/e"), remove(TEXT, ""), remove(TEXT, "/c/x")), (None, None, None));
        assert_eq!(insert(TEXT, "/d", "n\"", "1").unwrap(), TEXT.replace("{} }", "{\"n\\\"\": 1} }"));
        assert_eq!(insert(TEXT, "/a~1b", "", "1").unwrap(), TEXT.replace("0.10}", "0.10}, 1"));
        assert_eq!(insert(TEXT, "/a~1b/1", "y", "1").unwrap(), TEXT.replace("0.10", "0.10, \"y\": 1"));
        assert_eq!((insert(TEXT, "/c", "x", "1"), insert(TEXT, "/a~1b/1", "x", "1")), (None, None));
    }
}
