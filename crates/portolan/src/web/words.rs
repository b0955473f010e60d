//! What is different between two texts, word by word, as far as that is worth the time and the room.

use similar::{Algorithm, DiffOp, DiffableStr, capture_diff_slices};
use std::ops::Range;

/// How much work the words of one page may be: pairs of words that might have to be compared.
const WORK: usize = 4_000_000;

/// How many characters of one text are shown that is new or gone as a whole.
const WHOLE: usize = 1_000;

/// How many characters of what stayed are shown on each side of what did not.
const AROUND: usize = 120;

/// How many pieces of one text are shown.
const PIECES: usize = 120;

/// A part of a text that is told apart from its neighbours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// It stayed.
    Same(String),
    /// It is gone.
    Gone(String),
    /// It is new.
    New(String),
    /// So many characters are not shown.
    Left(usize),
}

/// Tells the texts of one page apart, and knows how much more it may do.
#[derive(Debug)]
pub(super) struct Words {
    work: usize,
}

impl Default for Words {
    fn default() -> Self {
        Self { work: WORK }
    }
}

impl Words {
    /// What makes of one text another.
    pub(super) fn changed(&mut self, before: &str, after: &str) -> Vec<Piece> {
        let (old, new) = (before.tokenize_unicode_words(), after.tokenize_unicode_words());
        let head = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(old, new)| old == new).count();
        let (old_middle, new_middle) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
        let mut pieces = Pieces::default();
        pieces.same(&old[..head].concat());
        let work = old_middle.len().saturating_mul(new_middle.len());
        match self.work.checked_sub(work) {
            Some(left) => {
                self.work = left;
                pieces.middle(old_middle, new_middle);
            }
            None => {
                pieces.gone(&old_middle.concat());
                pieces.put_new(&new_middle.concat());
            }
        }
        pieces.same(&old[old.len() - tail..].concat());
        pieces.shown()
    }
}

/// A text that is new as a whole.
pub(super) fn added(text: &str) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    pieces.put_new(text);
    pieces.shown()
}

/// A text that is gone as a whole.
pub(super) fn removed(text: &str) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    pieces.gone(text);
    pieces.shown()
}

#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    fn middle(&mut self, old: &[&str], new: &[&str]) {
        let text = |words: &[&str], range: Range<usize>| words.get(range).unwrap_or_default().concat();
        for op in capture_diff_slices(Algorithm::Myers, old, new) {
            match op {
                DiffOp::Equal { old_index, len, .. } => self.same(&text(old, old_index..old_index + len)),
                DiffOp::Delete { old_index, old_len, .. } => self.gone(&text(old, old_index..old_index + old_len)),
                DiffOp::Insert { new_index, new_len, .. } => self.put_new(&text(new, new_index..new_index + new_len)),
                DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                    self.gone(&text(old, old_index..old_index + old_len));
                    self.put_new(&text(new, new_index..new_index + new_len));
                }
            }
        }
    }

    fn same(&mut self, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Same(before)) => before.push_str(text),
            _ => self.0.push(Piece::Same(text.to_owned())),
        }
    }

    fn gone(&mut self, text: &str) {
        if !text.is_empty() {
            self.0.push(Piece::Gone(text.to_owned()));
        }
    }

    fn put_new(&mut self, text: &str) {
        if !text.is_empty() {
            self.0.push(Piece::New(text.to_owned()));
        }
    }

    /// With what is long cut short.
    fn shown(self) -> Vec<Piece> {
        let count = self.0.len();
        let mut shown = Vec::new();
        for (at, piece) in self.0.into_iter().enumerate() {
            if at >= PIECES {
                shown.push(Piece::Left(0));
                break;
            }
            match piece {
                Piece::Same(text) => same(&mut shown, &text, (at > 0, at + 1 < count)),
                Piece::Gone(text) => whole(&mut shown, &text, Piece::Gone),
                Piece::New(text) => whole(&mut shown, &text, Piece::New),
                Piece::Left(many) => shown.push(Piece::Left(many)),
            }
        }
        shown
    }
}

/// What stayed: of a long text only what is next to what did not.
fn same(shown: &mut Vec<Piece>, text: &str, (has_before, has_after): (bool, bool)) {
    let count = text.chars().count();
    let (first, last) = (if has_before { AROUND } else { 0 }, if has_after { AROUND } else { 0 });
    if count <= 2 * AROUND {
        return shown.push(Piece::Same(text.to_owned()));
    }
    if first > 0 {
        shown.push(Piece::Same(text.chars().take(first).collect()));
    }
    shown.push(Piece::Left(count - first - last));
    if last > 0 {
        shown.push(Piece::Same(text.chars().skip(count - last).collect()));
    }
}

fn whole(shown: &mut Vec<Piece>, text: &str, piece: fn(String) -> Piece) {
    let count = text.chars().count();
    shown.push(piece(text.chars().take(WHOLE).collect()));
    if count > WHOLE {
        shown.push(Piece::Left(count - WHOLE));
    }
}

#[cfg(test)]
mod tests {
    use super::{Piece, WHOLE, Words, added};

    fn told(before: &str, after: &str) -> String {
        let mut text = String::new();
        for piece in Words::default().changed(before, after) {
            match piece {
                Piece::Same(same) => text.push_str(&same),
                Piece::Gone(gone) => text.push_str(&format!("[-{gone}-]")),
                Piece::New(new) => text.push_str(&format!("[+{new}+]")),
                Piece::Left(many) => text.push_str(&format!("…{many}…")),
            }
        }
        text
    }

    #[test]
    fn texts_are_told_apart_by_words() {
        assert_eq!(
            told("A gateway for small web sites.", "A gateway for regulated web sites."),
            "A gateway for [-small-][+regulated+] web sites."
        );
        assert_eq!(told("gateway, proxy", "gateway, proxy, waf"), "gateway, proxy[+, waf+]");
        assert_eq!(told("适用于小型网站", "适用于大型网站"), "适用于[-小-][+大+]型网站");
        assert_eq!(told("", "x"), "[+x+]");
        assert_eq!(told("same", "same"), "same");
    }

    #[test]
    fn long_texts_are_shown_where_they_differ() {
        let long = |word: &str| format!("{}{word} {}", "many words ".repeat(1_000), "and more ".repeat(1_000));
        let text = told(&long("old"), &long("new"));
        assert!(text.contains("[-old-][+new+]") && text.len() < 400, "{text}");
        let other = "another text altogether ".repeat(20_000);
        assert!(told(&long("old"), &other).len() < 4 * WHOLE);
        assert_eq!(added(&"x".repeat(WHOLE + 7)).last(), Some(&Piece::Left(7)));
    }
}
