//! How states are spelled and painted, and lists of what belongs to one thing.

use super::print::plain;
use super::terminal::Paint;
use api::state::{State, Tone};
use std::io::{Result, Write};

/// The word of a state in a table, or within a line.
pub(super) fn within(state: State) -> String {
    state.words().to_lowercase()
}

/// How a state is painted.
pub(super) const fn paint(state: State) -> Paint {
    match state.tone() {
        Tone::Neutral => Paint::Faint,
        Tone::Going => Paint::Going,
        Tone::Waiting => Paint::Warning,
        Tone::Good => Paint::Good,
        Tone::Bad => Paint::Bad,
    }
}

/// Writes a line for each name with what it says; nothing for what says nothing.
pub(super) fn titled(out: &mut (impl Write + ?Sized), lines: &[(&str, String)]) -> Result<()> {
    let said: Vec<_> = lines.iter().filter(|(_, text)| !text.is_empty()).collect();
    let widest = said.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    said.into_iter().try_for_each(|(name, text)| writeln!(out, "  {name:widest$}  {}", plain(text)))
}
