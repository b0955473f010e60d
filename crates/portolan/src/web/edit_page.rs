//! The page of the editor: which field it opens at, and what is said at which.

use super::edit_apply::{self, Applied, Wrong};
use super::edit_form::{Control, Kind, Row};
use super::pages;
use super::shell::{Html, Shell};
use api::errors::ErrorBody;
use askama::Template;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use std::collections::{BTreeMap, BTreeSet};

/// Something that is wrong, and where. The pointer is into the offer; none for the whole.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) pointer: Option<String>,
    /// In English, where the API says it.
    pub(super) text: String,
    pub(super) is_english: bool,
    /// Whether the last submission said it.
    pub(super) is_old: bool,
}

/// That somebody else has saved the draft meanwhile.
pub(super) struct Clash {
    /// Who did what, and when.
    pub(super) last: Option<(String, String, Html)>,
    /// The ETag that it has since.
    pub(super) newer: String,
    /// Where the two are different: the place, what is saved, and what is here.
    pub(super) differences: Vec<(String, String, String)>,
    /// How many more there are.
    pub(super) more: usize,
}

/// What was just done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Done {
    #[default]
    Nothing,
    Saved,
    /// A publish would find no fault.
    Sound,
}

/// The page of the editor.
#[derive(Template)]
#[template(path = "edit.html")]
pub(super) struct EditPage {
    pub(super) shell: Shell,
    pub(super) path: String,
    pub(super) name: String,
    pub(super) publisher: String,
    pub(super) offer: String,
    pub(super) etag: String,
    /// The working copy.
    pub(super) text: String,
    /// The text as it was typed, where all of it is edited as JSON.
    pub(super) typed: Option<String>,
    pub(super) rows: Vec<Row>,
    /// Where it opens, as a pointer into the definition.
    pub(super) at: Option<String>,
    /// What could not be taken, with what was typed.
    pub(super) wrong: BTreeMap<String, (Wrong, String)>,
    pub(super) said: Vec<Said>,
    pub(super) clash: Option<Clash>,
    pub(super) done: Done,
    /// Whether secrets were typed that are not sent back.
    pub(super) lost_secrets: bool,
    pub(super) may_save: bool,
    pub(super) may_publish: bool,
    pub(super) found: Found,
}

/// Where the page opens, and what is said at which row.
#[derive(Default)]
pub(super) struct Found {
    /// The row it opens at.
    at: Option<String>,
    /// The object or array that misses what it was to open at, and the member's name.
    missing: Option<(String, String)>,
    said: BTreeMap<String, Vec<usize>>,
    open: BTreeSet<String>,
}

/// Every pointer on the way to one, itself first.
fn upwards(pointer: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(pointer), |pointer| pointer.rsplit_once('/').map(|(parent, _)| parent))
}

impl EditPage {
    /// Finds where each thing belongs.
    fn find(&mut self) {
        let there: BTreeSet<&str> = self.rows.iter().filter_map(Row::pointer).collect();
        let adding: BTreeSet<&str> = self.rows.iter().filter_map(Row::adds_to).collect();
        let mut found = Found::default();
        if let Some(at) = &self.at {
            let mut below = None;
            for pointer in upwards(at) {
                if below.is_some() && adding.contains(pointer) {
                    let name: &str = below.unwrap_or_default();
                    found.missing = Some((pointer.to_owned(), publishing::secrets::unescape(name)));
                    break;
                }
                if there.contains(pointer) {
                    found.at = Some(pointer.to_owned());
                    break;
                }
                below = pointer.rsplit_once('/').map(|(_, name)| name);
            }
        }
        let opened = found.at.iter().chain(found.missing.as_ref().map(|(parent, _)| parent));
        found.open = opened.flat_map(|pointer| upwards(pointer)).map(str::to_owned).collect();
        for (number, said) in self.said.iter().enumerate() {
            let pointer = said.pointer.as_deref().and_then(|pointer| pointer.strip_prefix("/definition"));
            let place = pointer.and_then(|pointer| upwards(pointer).find(|pointer| there.contains(pointer)));
            if let Some(place) = place {
                found.said.entry(place.to_owned()).or_default().push(number);
                found.open.extend(upwards(place).map(str::to_owned));
            }
        }
        self.found = found;
    }

    /// The page, with what belongs where.
    pub(super) fn shown(mut self, status: StatusCode) -> Response {
        let wrong = self.wrong.iter().map(|(pointer, (wrong, _))| Said {
            pointer: Some(format!("/definition{pointer}")),
            text: match wrong {
                Wrong::NoNumber => self.shell.t.edit_no_number(),
                Wrong::NoJson => self.shell.t.edit_no_json(),
            },
            is_english: false,
            is_old: false,
        });
        let wrong: Vec<Said> = wrong.collect();
        self.said.extend(wrong);
        self.find();
        pages::page(status, &self)
    }

    /// The id of the row of a place.
    fn id(&self, pointer: &str) -> String {
        if self.found.at.as_deref() == Some(pointer) { "at".to_owned() } else { id("f", pointer) }
    }

    /// The id of what adds something to a place.
    fn add_id(&self, pointer: &str) -> String {
        if self.missing(pointer).is_some() { "at".to_owned() } else { id("add", pointer) }
    }

    fn is_at(&self, pointer: &str) -> bool {
        self.found.at.as_deref() == Some(pointer)
    }

    /// The name of what is missing here, where the page was to open at it.
    fn missing(&self, pointer: &str) -> Option<&str> {
        self.found.missing.as_ref().filter(|(parent, _)| parent == pointer).map(|(_, name)| name.as_str())
    }

    fn is_open(&self, pointer: &str, depth: &usize) -> bool {
        (*depth == 0 && self.rows.len() < 400) || self.found.open.contains(pointer)
    }

    /// What is said at a place.
    fn at_place(&self, pointer: &str) -> Vec<&Said> {
        self.found.said.get(pointer).into_iter().flatten().filter_map(|number| self.said.get(*number)).collect()
    }

    /// What a control shows: what was typed, where that could not be taken.
    fn value<'a>(&'a self, pointer: &str, shown: &'a str) -> &'a str {
        self.wrong.get(pointer).map_or(shown, |(_, typed)| typed)
    }

    /// What is wrong, each with the id of its field; without what the last submission said.
    fn summary(&self) -> Vec<(&Said, Option<String>)> {
        let place = |number: usize| self.found.said.iter().find(|(_, numbers)| numbers.contains(&number));
        let here = self.said.iter().enumerate().filter(|(_, said)| !said.is_old);
        here.map(|(number, said)| (said, place(number).map(|(pointer, _)| self.id(pointer)))).collect()
    }

    /// What marks a control that is at fault, is explained, or is opened at.
    fn marks(&self, leaf: &Control, id: &str) -> Html {
        let mut marks = String::new();
        let mut described = Vec::new();
        if !leaf.label.hint.is_empty() || matches!(leaf.kind, Kind::Lines | Kind::Json) {
            described.push(format!("{id}-hint"));
        }
        if self.found.said.contains_key(&leaf.pointer) {
            described.push(format!("{id}-said"));
            marks.push_str(" aria-invalid=\"true\"");
        }
        if !described.is_empty() {
            marks.push_str(&format!(" aria-describedby=\"{}\"", crate::markup::escape(&described.join(" "))));
        }
        if self.is_at(&leaf.pointer) {
            marks.push_str(" autofocus");
        }
        Html(marks)
    }

    /// A value as people read it: a text without its quotes.
    fn bare(&self, choice: &str) -> String {
        serde_json::from_str(choice).unwrap_or_else(|_| choice.to_owned())
    }

    /// The name of a control.
    fn field(&self, pointer: &str) -> String {
        edit_apply::field(pointer)
    }

    fn base(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.text)
    }
}

/// The working copy that a form brings.
pub(super) fn based(text: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// An id of its own for each pointer, which stays the same.
fn id(prefix: &str, pointer: &str) -> String {
    let token = |token: &str| form_urlencoded::byte_serialize(token.as_bytes()).collect::<String>().replace('%', "!");
    let tokens = pointer.split('/').skip(1).map(token);
    tokens.fold(prefix.to_owned(), |id, token| format!("{id}:{token}"))
}

/// What the API says, as what is said at fields.
pub(super) fn said(error: &ErrorBody) -> Vec<Said> {
    let one = |pointer: Option<&str>, text: &str| Said {
        pointer: pointer.map(str::to_owned),
        text: text.to_owned(),
        is_english: true,
        is_old: false,
    };
    if error.details.is_empty() {
        return vec![one(error.target.as_deref(), &error.message)];
    }
    error.details.iter().map(|detail| one(Some(&detail.target), &detail.message)).collect()
}

/// Takes what was applied into the page.
pub(super) fn take(page: &mut EditPage, applied: Applied) {
    page.lost_secrets = !applied.secrets.is_empty();
    page.wrong = applied.wrong;
    page.text = applied.text;
}
