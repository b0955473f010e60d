//! What the commands print: tables, and words that a terminal and a shell take as they are.

use super::output::columns;
use std::io::{Result, Write};

/// Writes a table: each column as wide as its widest text, the last one open.
pub(super) fn table<const N: usize>(
    out: &mut (impl Write + ?Sized),
    head: [&str; N],
    rows: &[[String; N]],
) -> Result<()> {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|text| plain(text)).collect()).collect();
    columns(out, &head.map(str::to_owned), &rows)
}

/// Text from the server without what would steer a terminal, or begin a line of its own.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || turns_text(c) { '?' } else { c }).collect()
}

/// Whether a character changes the direction in which a terminal shows what follows.
const fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text as one word of a shell.
pub(super) fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@~".contains(c);
    if !text.is_empty() && !text.starts_with('~') && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", plain(text).replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{quoted, table};

    #[test]
    fn columns_stand_in_line_and_steer_no_terminal() {
        let mut out = Vec::new();
        let row = |name: &str, role: &str| [name.to_owned(), role.to_owned(), "x".to_owned()];
        table(&mut out, ["NAME", "ROLE", "ID"], &[row("Zoë \u{1b}[2J", "owner"), row("a", "b")]).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "NAME      ROLE   ID\nZoë ?[2J  owner  x\na         b      x\n");
    }

    #[test]
    fn a_word_of_a_shell_is_one_word() {
        for (text, word) in
            [("http://h:1/", "http://h:1/"), ("", "''"), ("a b", "'a b'"), ("it's $(x)", r"'it'\''s $(x)'")]
        {
            assert_eq!(quoted(text), word);
        }
    }
}
