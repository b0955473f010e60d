//! What a form changes in a definition: the leaves that it brings otherwise than they were shown, and nothing else.

use super::edit_form::{Control, Kind, Row, lines};
use super::forms::Form;
use publishing::places::{self, Place};
use publishing::secrets::unescape;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What is wrong with what somebody has typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    NoNumber,
    NoJson,
}

/// A definition with what a form has changed.
#[derive(Default)]
pub(super) struct Applied {
    pub(super) text: String,
    /// What could not be taken, by pointer: why, and what was typed.
    pub(super) wrong: BTreeMap<String, (Wrong, String)>,
    /// Secrets that were typed, and those that shall be forgotten (`null`), as JSON.
    pub(super) secrets: Vec<(String, String)>,
}

impl Applied {
    /// The definition with the secrets in their places, to be sent.
    pub(super) fn with_secrets(&self) -> String {
        self.secrets.iter().fold(self.text.clone(), |text, (pointer, secret)| {
            let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
            places::insert(&text, parent, &unescape(name), secret).unwrap_or(text)
        })
    }
}

/// The name of a leaf's control in forms.
pub(super) fn field(pointer: &str) -> String {
    format!("v{pointer}")
}

/// Takes what a form brings for the rows that it was made of.
pub(super) fn apply(base: &str, rows: &[Row], form: &Form) -> Applied {
    let mut applied = Applied::default();
    let mut values = BTreeMap::new();
    for row in rows {
        let Row::Leaf(control) = row else { continue };
        let sent = form.find(&field(&control.pointer));
        let sent = match control.kind {
            // An empty box sends nothing; that it was shown is told beside it.
            Kind::Flag if form.find(&format!("shown{}", control.pointer)).is_some() => {
                Some(if sent.is_some() { "true" } else { "false" })
            }
            _ => sent,
        };
        if let Kind::Secret { kept } = control.kind {
            let forget = kept && form.find(&format!("forget{}", control.pointer)).is_some();
            let typed = sent.filter(|typed| !typed.is_empty()).and_then(|typed| serde_json::to_string(typed).ok());
            let secret = typed.or_else(|| forget.then(|| "null".to_owned()));
            applied.secrets.extend(secret.map(|secret| (control.pointer.clone(), secret)));
            continue;
        }
        let Some(sent) = sent.filter(|sent| ended(sent) != ended(&control.shown)) else { continue };
        match read(control, sent) {
            Ok(value) => drop(values.insert(control.pointer.clone(), value)),
            Err(wrong) => drop(applied.wrong.insert(control.pointer.clone(), (wrong, sent.to_owned()))),
        }
    }
    applied.text = places::set(base, &values);
    applied
}

/// What somebody has typed, as JSON.
fn read(control: &Control, sent: &str) -> Result<String, Wrong> {
    let quoted = |text: &str| serde_json::to_string(text).map_err(|_| Wrong::NoJson);
    match control.kind {
        Kind::Line | Kind::Text | Kind::Secret { .. } => quoted(&as_typed(&control.shown, sent)),
        Kind::Number => {
            let sent = sent.trim();
            serde_json::from_str::<serde_json::Number>(sent).map(|_| sent.to_owned()).map_err(|_| Wrong::NoNumber)
        }
        Kind::Flag => Ok(sent.to_owned()),
        Kind::Choice => control.choices.iter().find(|choice| *choice == sent).cloned().ok_or(Wrong::NoJson),
        Kind::Lines => Ok(with_lines(&control.raw, sent)),
        Kind::Json => {
            let typed = as_typed(&control.shown, sent);
            let read = serde_json::from_str::<&RawValue>(&typed);
            read.map(|value| value.get().to_owned()).map_err(|_| Wrong::NoJson)
        }
    }
}

/// An array of texts with other lines: those that stay keep their spelling, and what stands between them is as it was.
fn with_lines(raw: &str, sent: &str) -> String {
    let Place::Array(items) = Place::of(raw) else { return raw.to_owned() };
    let were = lines(raw);
    let written = sent.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
        let kept = were.iter().position(|was| was == line).and_then(|at| items.get(at));
        kept.map_or_else(|| serde_json::Value::from(line).to_string(), |kept| (*kept).to_owned())
    });
    let written: Vec<String> = written.collect();
    let start = |part: &str| part.as_ptr().addr() - raw.as_ptr().addr();
    let (lead, tail) = match (items.first(), items.last()) {
        (Some(first), Some(last)) => (&raw[1..start(first)], &raw[start(last) + last.len()..raw.len() - 1]),
        _ => ("", ""),
    };
    let between = match &items[..] {
        [first, second, ..] => &raw[start(first) + first.len()..start(second)],
        _ => ", ",
    };
    if written.is_empty() { "[]".to_owned() } else { format!("[{lead}{}{tail}]", written.join(between)) }
}

/// A text with the ends of lines that browsers make one: a line feed.
fn ended(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// What was typed, with the ends of lines as they were where the lines before or after are the same.
pub(super) fn as_typed(was: &str, sent: &str) -> String {
    let typed = ended(sent);
    if !was.contains('\r') {
        return typed;
    }
    let were: Vec<&str> = pieces(was);
    let are: Vec<&str> = pieces(&typed);
    let same = |(was, is): &(&&str, &&str)| ended(was) == **is;
    let first = were.iter().zip(&are).take_while(same).count();
    let most = were.len().min(are.len()) - first;
    let last = were.iter().rev().zip(are.iter().rev()).take(most).take_while(same).count();
    let end = if were.first().is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" };
    let middle = are[first..are.len() - last].iter().map(|line| line.replace('\n', end));
    let kept = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    let parts = kept(&were[..first]).into_iter().chain(middle).chain(kept(&were[were.len() - last..]));
    parts.collect()
}

/// Lines with their ends.
fn pieces(text: &str) -> Vec<&str> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(['\r', '\n']) {
        let end = if rest[at..].starts_with("\r\n") { at + 2 } else { at + 1 };
        pieces.push(&rest[..end]);
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// What is known of places, by pointer, once one of them is removed: nothing of what lay in it, and the items after an item
/// are one further up.
pub(super) fn without<T>(known: BTreeMap<String, T>, removed: &str, is_item: bool) -> BTreeMap<String, T> {
    let within = |place: &str, pointer: &str| {
        let rest = place.strip_prefix(pointer).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        rest.map(str::to_owned)
    };
    let (parent, last) = removed.rsplit_once('/').unwrap_or_default();
    let number = last.parse::<usize>().ok().filter(|_| is_item);
    let moved = |place: &str| {
        let rest = within(place, parent)?;
        let (item, tail) = rest.get(1..).map(|rest| rest.split_at(rest.find('/').unwrap_or(rest.len())))?;
        let item = item.parse::<usize>().ok().filter(|item| number.is_some_and(|number| *item > number))?;
        Some(format!("{parent}/{}{tail}", item - 1))
    };
    let stays = known.into_iter().filter(|(place, _)| within(place, removed).is_none());
    stays.map(|(place, one)| (moved(&place).unwrap_or(place), one)).collect()
}

#[cfg(test)]
mod tests {
    use super::{as_typed, with_lines, without};
    use std::collections::BTreeMap;

    #[test]
    fn what_is_removed_takes_only_its_own_with_it() {
        let known = |places: &[&str]| -> BTreeMap<String, ()> {
            places.iter().map(|place| ((*place).to_owned(), ())).collect()
        };
        for (places, removed, is_item, expected) in [
            (&["/a", "/b", "/plans/1/x", "/plansX/y"][..], "/plans", false, &["/a", "/b", "/plansX/y"][..]),
            (
                &["/a", "/p/0/x", "/p/1/x", "/p/2/x", "/p/10", "/px/2"],
                "/p/1",
                true,
                &["/a", "/p/0/x", "/p/1/x", "/p/9", "/px/2"],
            ),
            (&["/m/1", "/m/2"], "/m/1", false, &["/m/2"]),
            (&["/0", "/1"], "/0", true, &["/0"]),
        ] {
            assert_eq!(without(known(places), removed, is_item), known(expected), "{removed}");
        }
    }

    #[test]
    fn the_ends_of_lines_that_were_not_edited_stay() {
        for (was, sent, expected) in [
            ("a\nb", "a\r\nc", "a\nc"),
            ("a\r\nb\rc\n", "a\r\nb\r\nc\r\n", "a\r\nb\rc\n"),
            ("a\r\nb\rc\n", "a\r\nx\r\nb\r\nc\r\n", "a\r\nx\r\nb\rc\n"),
            ("a\r\nb", "", ""),
            ("", "x\r\n", "x\n"),
        ] {
            assert_eq!(as_typed(was, sent), expected, "{was:?} {sent:?}");
        }
    }

    #[test]
    fn lines_that_stay_keep_their_spelling() {
        let raw = "[ \"\\u0061\",\n  \"b\" ]";
        assert_eq!(with_lines(raw, "a\r\n\r\n c \r\n"), "[ \"\\u0061\",\n  \"c\" ]");
        assert_eq!(with_lines(raw, ""), "[]");
        assert_eq!(with_lines("[]", "x\r\ny"), "[\"x\", \"y\"]");
    }
}
