//! Lines for people: spans of text with their paint, cut to a width, in symbols that the terminal has.

use crate::cli::print::plain;
use crate::cli::terminal::{Look, Paint, width};
use crate::cli::words::paint;
use api::state::State;
use api::status::{MessageLevel, StatusDocument, Step, StepStatus};

/// One line, not yet painted. Its text steers no terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Line(Vec<(Option<Paint>, String)>);

impl Line {
    /// A line of this text.
    pub(super) fn of(text: &str) -> Self {
        Self::default().and(text)
    }

    /// The same with more text.
    pub(super) fn and(mut self, text: &str) -> Self {
        self.0.push((None, plain(text)));
        self
    }

    /// The same with more text, painted.
    pub(super) fn painted(mut self, paint: Paint, text: &str) -> Self {
        self.0.push((Some(paint), plain(text)));
        self
    }

    /// How many columns it takes.
    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| width(text)).sum()
    }

    /// The same in so many columns at most, with a mark where something is missing.
    pub(super) fn cut(self, columns: usize, look: Look) -> Self {
        if self.width() <= columns {
            return self;
        }
        let mark = if look.symbols { "…" } else { "~" };
        let (mut kept, mut left) = (Vec::new(), columns.saturating_sub(1));
        for (paint, text) in self.0 {
            let fits: String = text
                .chars()
                .take_while(|c| {
                    let wide = width(c.encode_utf8(&mut [0; 4]));
                    let fits = wide <= left;
                    left = if fits { left - wide } else { 0 };
                    fits
                })
                .collect();
            let is_whole = fits.len() == text.len();
            kept.push((paint, fits));
            if !is_whole || left == 0 {
                break;
            }
        }
        kept.push((None, mark.to_owned()));
        Self(kept)
    }

    /// The same in several lines of so many columns, where it is longer; those that follow are indented. Words stay whole.
    pub(super) fn wrapped(self, columns: usize, indent: usize) -> Vec<Self> {
        if self.width() <= columns {
            return vec![self];
        }
        let (mut lines, mut line) = (Vec::new(), Self::default());
        for (paint, text) in self.0 {
            for word in text.split_inclusive(' ') {
                if line.width() + width(word.trim_end()) > columns && line.width() > indent {
                    lines.push(std::mem::replace(&mut line, Self::of(&" ".repeat(indent))));
                }
                line.0.push((paint, word.to_owned()));
            }
        }
        lines.push(line);
        lines
    }

    /// Without its paint.
    pub(super) fn plain(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// As it is written.
    pub(in crate::cli) fn told(&self, look: Look) -> String {
        let span = |(paint, text): &(Option<Paint>, String)| match paint {
            Some(paint) => look.paint(*paint, text),
            None => text.clone(),
        };
        self.0.iter().map(span).collect()
    }
}

/// What stands before a step: its symbol, and how it is painted.
pub(super) fn symbol(status: StepStatus, look: Look) -> (&'static str, Paint) {
    let state = State::of_step(status);
    let (symbol, ascii) = state.symbol();
    (if look.symbols { symbol } else { ascii }, paint(state))
}

/// A word of the wire: `waitingForApproval`.
pub(in crate::cli) fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Gives every message its text. Servers of the original API say it in HTML alone.
pub(super) fn readable(document: &mut StatusDocument) {
    let of_steps = document.steps.iter_mut().flat_map(|step| &mut step.messages);
    for message in of_steps.chain(&mut document.messages).filter(|message| message.text.is_empty()) {
        message.text = without_tags(&message.message_html);
    }
}

/// HTML as plain text: without its tags, with its entities read.
fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        let (before, from) = rest.split_at(at);
        text += before;
        let (end, is_tag) = if from.starts_with('<') { ('>', true) } else { (';', false) };
        let is_name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '#');
        let length = from.find(end).filter(|end| is_tag || from.get(1..*end).is_some_and(is_name));
        let Some(length) = length else {
            text.extend(from.chars().next());
            rest = from.get(1..).unwrap_or_default();
            continue;
        };
        let (inside, after) = (from.get(1..length).unwrap_or_default(), from.get(length + 1..).unwrap_or_default());
        let breaks = ["br", "br/", "br /", "/p", "/li", "/div"].contains(&inside.to_ascii_lowercase().as_str());
        match (is_tag, entity(inside)) {
            (true, _) if breaks => text.push(' '),
            (true, _) => {}
            (false, Some(c)) => text.push(c),
            (false, None) => text += &format!("&{inside};"),
        }
        rest = after;
    }
    text += rest;
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = name.strip_prefix('#')?;
            let hexadecimal = number.strip_prefix(['x', 'X']).map(|digits| u32::from_str_radix(digits, 16));
            char::from_u32(hexadecimal.unwrap_or_else(|| number.parse()).ok()?)
        }
    }
}

/// How many messages of each level a step has: `2 errors, 1 warning`; empty where it has none of these.
pub(super) fn count(step: &Step) -> String {
    let of = |level, one: &str| match step.messages.iter().filter(|message| message.level == level).count() {
        0 => None,
        1 => Some(format!("1 {one}")),
        many => Some(format!("{many} {one}s")),
    };
    let counted = [of(MessageLevel::Error, "error"), of(MessageLevel::Warning, "warning")];
    counted.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Line, without_tags};
    use crate::cli::terminal::{Look, Paint};

    #[test]
    fn a_line_is_never_wider_than_it_may_be() {
        let look = Look { is_terminal: true, colour: true, symbols: true };
        let line = Line::of("Zoë ").painted(Paint::Bad, "船船船").and("!\u{1b}[2J");
        for columns in 0..=line.width() {
            assert!(line.clone().cut(columns.max(1), look).width() <= columns.max(1), "{columns}");
        }
        assert_eq!(line.clone().cut(7, look).told(look), "Zoë \u{1b}[31m船\u{1b}[0m…");
        assert_eq!(line.told(Look { colour: false, ..look }), "Zoë 船船船!?[2J");
        let long = Line::of("one two ").painted(Paint::Bad, "three").and(" four").wrapped(9, 2);
        let told: Vec<String> = long.iter().map(Line::plain).collect();
        assert_eq!(told, ["one two ", "  three ", "  four"]);
    }

    #[test]
    fn html_is_read_as_text() {
        for (html, text) in [
            ("a &lt;b&gt; <a href=\"x>\">c</a>", "a <b> \">c"),
            ("<p>one</p><p>two</p>", "one two"),
            ("AT&T &amp; &#x41;&#66; &unknown; 1 < 2", "AT&T & AB &unknown; 1 < 2"),
            ("plain", "plain"),
        ] {
            assert_eq!(without_tags(html), text);
        }
    }
}
