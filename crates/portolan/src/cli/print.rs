//! What the commands print: tables, and words that a terminal and a shell take as they are.

use std::io::{Result, Write};

/// Writes a table: each column as wide as its widest text, the last one open.
pub(super) fn table<const N: usize>(out: &mut impl Write, head: [&str; N], rows: &[[String; N]]) -> Result<()> {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|text| plain(text))).collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        let texts = rows.iter().map(|row| row[column].chars().count());
        texts.chain([head[column].len()]).max().unwrap_or_default()
    });
    for row in std::iter::once(head.map(str::to_owned)).chain(rows) {
        let line: Vec<String> = row.iter().zip(widths).map(|(text, width)| format!("{text:<width$}")).collect();
        writeln!(out, "{}", line.join("  ").trim_end())?;
    }
    Ok(())
}

/// Text from the server without what would steer a terminal, or begin a line of its own.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
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
