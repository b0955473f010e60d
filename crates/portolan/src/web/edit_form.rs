//! The form of a definition: a control for each leaf of it, in the order in which they stand, and what can be added.

use publishing::offer::Draft;
use publishing::places::{Place, at};
use publishing::secrets::{escape, unescape};
use publishing::shape::Shape;
use serde_json::Value;

/// The longest text that has one line, in characters.
const LONGEST_LINE: usize = 80;

/// How deep the form follows a definition; what lies deeper is JSON text.
const DEEPEST: usize = 12;

/// How many rows a form has at most; a longer one would take browsers minutes.
const MOST_ROWS: usize = 2_000;

/// What a leaf is edited with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text on one line.
    Line,
    /// A text of any length.
    Text,
    Number,
    Flag,
    /// One of several values, each as JSON.
    Choice,
    /// Texts, one on each line.
    Lines,
    /// Anything, as JSON.
    Json,
    /// A text that is never shown; whether one is kept.
    Secret {
        kept: bool,
    },
}

/// A control of one leaf. Pointers are into the definition.
#[derive(Clone, Debug)]
pub(super) struct Control {
    pub(super) pointer: String,
    pub(super) kind: Kind,
    pub(super) label: Label,
    /// What it shows; a form that brings just this changes nothing.
    pub(super) shown: String,
    /// The JSON that it stands for.
    pub(super) raw: String,
    pub(super) choices: Vec<String>,
    pub(super) required: bool,
    pub(super) removable: bool,
}

/// How a place is called.
#[derive(Clone, Debug, Default)]
pub(super) struct Label {
    /// By the schema, or made of its name.
    pub(super) title: String,
    /// Its name in the definition; empty for an item.
    pub(super) name: String,
    pub(super) hint: String,
    /// The number of an item, from 1; 0 for a member.
    pub(super) item: usize,
}

/// One row of the form.
#[derive(Clone, Debug)]
pub(super) enum Row {
    /// An object or array begins.
    Open {
        pointer: String,
        label: Label,
        removable: bool,
        depth: usize,
    },
    /// It ends.
    Close,
    Leaf(Control),
    /// Known members that are not there, each with its title; and whether others can be named.
    AddMember {
        pointer: String,
        names: Vec<(String, String)>,
        others: bool,
    },
    AddItem {
        pointer: String,
    },
}

/// Makes the rows of a definition; secrets are those that are kept of it.
pub(super) struct Maker<'a> {
    pub(super) draft: &'a Draft,
    pub(super) secrets: &'a [Vec<String>],
    pub(super) rows: Vec<Row>,
}

/// What is known of a place, and where it is.
struct Here<'a> {
    pointer: String,
    label: Label,
    shape: Option<Shape<'a>>,
    required: bool,
    removable: bool,
    depth: usize,
}

impl Maker<'_> {
    /// The rows of a definition; `None` where it is no object that a form can be made of, or where there would be too many.
    pub(super) fn rows(mut self, text: &str, shape: &Shape<'_>) -> Option<Vec<Row>> {
        let Place::Object(members) = Place::of(text) else { return None };
        self.members("", &members, shape, 0);
        (!self.is_full()).then_some(self.rows)
    }

    const fn is_full(&self) -> bool {
        self.rows.len() > MOST_ROWS
    }

    fn members(&mut self, pointer: &str, members: &[(String, &str)], shape: &Shape<'_>, depth: usize) {
        let known = shape.members();
        for (name, raw) in members {
            if self.is_full() {
                return;
            }
            let below = format!("{pointer}/{}", escape(name));
            if self.secret(&below).is_some() {
                continue;
            }
            let of = shape.member(name);
            let required = shape.requires(name);
            let title = if known.contains(&name.as_str()) { title(name, of.as_ref()) } else { name.clone() };
            let label = Label { title, name: name.clone(), hint: hint(of.as_ref()), item: 0 };
            self.value(raw, Here { pointer: below, label, shape: of, required, removable: !required, depth });
        }
        let absent = |name: &&&str| !members.iter().any(|(there, _)| there == **name);
        let mut names = Vec::new();
        for name in known.iter().filter(absent) {
            let below = format!("{pointer}/{}", escape(name));
            let of = shape.member(name);
            let label = title(name, of.as_ref());
            if let Some(kept) = self.secret(&below) {
                let label = Label { title: label, name: (*name).to_owned(), hint: hint(of.as_ref()), item: 0 };
                let (shown, raw, choices) = (String::new(), String::new(), Vec::new());
                let kind = Kind::Secret { kept };
                let required = false;
                let leaf = Control { pointer: below, kind, label, shown, raw, choices, required, removable: false };
                self.rows.push(Row::Leaf(leaf));
            } else {
                names.push(((*name).to_owned(), label));
            }
        }
        let others = shape.is_map();
        if others || !names.is_empty() {
            self.rows.push(Row::AddMember { pointer: pointer.to_owned(), names, others });
        }
    }

    /// Whether a place is a secret's, and one is kept there.
    fn secret(&self, pointer: &str) -> Option<bool> {
        let is =
            |path: &&Vec<String>| path.iter().map(|name| format!("/{}", escape(name))).collect::<String>() == pointer;
        self.secrets.iter().find(is).map(|_| self.draft.secrets.0.contains_key(pointer))
    }

    fn value(&mut self, raw: &str, here: Here<'_>) {
        let Some(shape) = here.shape.as_ref().filter(|_| here.depth < DEEPEST) else {
            return self.leaf(raw, here, Kind::Json);
        };
        match Place::of(raw) {
            Place::Object(members) if shape.is_map() || !shape.members().is_empty() => {
                self.open(&here, members.iter().find_map(|(_, raw)| text(raw)));
                self.members(&here.pointer, &members, shape, here.depth + 1);
                self.rows.push(Row::Close);
            }
            Place::Array(items) => match shape.items() {
                None => self.leaf(raw, here, Kind::Json),
                Some(of) if are_lines(&items, &of) => self.leaf(raw, here, Kind::Lines),
                Some(of) => {
                    self.open(&here, None);
                    for (at, raw) in items.iter().enumerate() {
                        if self.is_full() {
                            return;
                        }
                        let pointer = format!("{}/{at}", here.pointer);
                        let label = Label { hint: hint(Some(&of)), item: at + 1, ..Label::default() };
                        let (shape, depth) = (Some(of.clone()), here.depth + 1);
                        self.value(raw, Here { pointer, label, shape, required: false, removable: true, depth });
                    }
                    self.rows.push(Row::AddItem { pointer: here.pointer });
                    self.rows.push(Row::Close);
                }
            },
            _ => {
                let kind = kind(raw, shape);
                self.leaf(raw, here, kind);
            }
        }
    }

    fn open(&mut self, here: &Here<'_>, name: Option<String>) {
        let mut label = here.label.clone();
        if label.item > 0 {
            // An item is called as the first text in it.
            label.title = name.unwrap_or_default().chars().take(LONGEST_LINE).collect();
        }
        let (removable, depth) = (here.removable, here.depth);
        self.rows.push(Row::Open { pointer: here.pointer.clone(), label, removable, depth });
    }

    fn leaf(&mut self, raw: &str, here: Here<'_>, kind: Kind) {
        let choices = here.shape.as_ref().and_then(Shape::choices).filter(|_| kind == Kind::Choice);
        let mut choices: Vec<String> = choices.into_iter().flatten().map(Value::to_string).collect();
        let shown = match kind {
            Kind::Line | Kind::Text => text(raw).unwrap_or_default(),
            Kind::Lines => lines(raw).join("\n"),
            Kind::Choice => {
                serde_json::from_str::<Value>(raw).map_or_else(|_| raw.to_owned(), |value| value.to_string())
            }
            Kind::Number | Kind::Flag | Kind::Json => raw.to_owned(),
            Kind::Secret { .. } => String::new(),
        };
        if kind == Kind::Choice && !choices.contains(&shown) {
            choices.insert(0, shown.clone());
        }
        let Here { pointer, label, required, removable, .. } = here;
        let leaf = Control { pointer, kind, label, shown, raw: raw.to_owned(), choices, required, removable };
        self.rows.push(Row::Leaf(leaf));
    }
}

/// What a leaf of this shape is edited with; as JSON, where it is of another kind than it is to be.
fn kind(raw: &str, shape: &Shape<'_>) -> Kind {
    if shape.choices().is_some() {
        return Kind::Choice;
    }
    let wanted = shape.kind();
    let may = |kinds: &[&str]| wanted.is_none_or(|wanted| kinds.contains(&wanted));
    match raw.as_bytes().first() {
        Some(b'"') if may(&["string", "object"]) => match text(raw) {
            Some(text) if text.contains(['\n', '\r']) || text.chars().count() > LONGEST_LINE => Kind::Text,
            Some(_) => Kind::Line,
            None => Kind::Json,
        },
        Some(b'n') if wanted == Some("string") => Kind::Line,
        Some(b't' | b'f') if may(&["boolean"]) => Kind::Flag,
        Some(b'-' | b'0'..=b'9') if may(&["number", "integer"]) => Kind::Number,
        _ => Kind::Json,
    }
}

/// A text that a control can show as it is.
fn text(raw: &str) -> Option<String> {
    let text: String = serde_json::from_str(raw).ok()?;
    let is_plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    text.chars().all(is_plain).then_some(text)
}

/// The texts of an array of texts.
pub(super) fn lines(raw: &str) -> Vec<String> {
    serde_json::from_str(raw).unwrap_or_default()
}

fn are_lines(items: &[&str], shape: &Shape<'_>) -> bool {
    let is_line = |raw: &&str| {
        text(raw).is_some_and(|text| !text.is_empty() && text.trim() == text && !text.contains(['\n', '\r']))
    };
    shape.kind() == Some("string") && shape.choices().is_none() && items.iter().all(is_line)
}

fn title(name: &str, shape: Option<&Shape<'_>>) -> String {
    shape.and_then(Shape::title).map_or_else(|| words(name), str::to_owned)
}

fn hint(shape: Option<&Shape<'_>>) -> String {
    shape.and_then(Shape::description).unwrap_or_default().to_owned()
}

/// The last part of a name as words: `x.privacyURL` is "Privacy URL".
fn words(name: &str) -> String {
    let last = name.rsplit('.').next().unwrap_or(name);
    let (mut words, mut before) = (String::new(), ' ');
    let mut chars = last.chars().peekable();
    while let Some(c) = chars.next() {
        // "SKUFor" is two words: the last capital is the next one's.
        let begins = before.is_lowercase() || (before.is_uppercase() && chars.peek().is_some_and(|c| c.is_lowercase()));
        if c.is_uppercase() && begins {
            words.push(' ');
        }
        words.push(c);
        before = c;
    }
    let lower = |(at, word): (usize, &str)| match word.chars().skip(1).any(char::is_uppercase) {
        true => word.to_owned(),
        false if at > 0 => word.to_lowercase(),
        false => word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect(),
    };
    words.split(' ').enumerate().map(lower).collect::<Vec<_>>().join(" ")
}

/// What a schema says about a place of a definition.
pub(super) fn shape_at<'a>(definition: &str, shape: &Shape<'a>, pointer: &str) -> Option<Shape<'a>> {
    let (mut shape, mut here) = (shape.clone(), String::new());
    for token in pointer.split('/').skip(1) {
        shape = match Place::of(at(definition, &here)?) {
            Place::Array(_) => shape.items()?,
            _ => shape.member(&unescape(token))?,
        };
        here = format!("{here}/{token}");
    }
    Some(shape)
}

impl Row {
    /// The place that it is of.
    pub(super) fn pointer(&self) -> Option<&str> {
        match self {
            Self::Open { pointer, .. } | Self::Leaf(Control { pointer, .. }) => Some(pointer),
            Self::Close | Self::AddMember { .. } | Self::AddItem { .. } => None,
        }
    }

    /// The place that it adds to.
    pub(super) fn adds_to(&self) -> Option<&str> {
        match self {
            Self::AddMember { pointer, .. } | Self::AddItem { pointer } => Some(pointer),
            Self::Close | Self::Open { .. } | Self::Leaf(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn names_are_read_as_words() {
        for (name, expected) in [
            ("microsoft-azure-marketplace.privacyURL", "Privacy URL"),
            ("planId", "Plan id"),
            ("hideSKUForTemplate", "Hide SKU for template"),
            ("x.y", "Y"),
            ("", ""),
        ] {
            assert_eq!(words(name), expected);
        }
    }
}
