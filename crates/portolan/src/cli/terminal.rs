//! What a terminal can show: colour, symbols, how wide a text is.

use clap::ValueEnum;
use std::io::IsTerminal;
use unicode_width::UnicodeWidthStr;

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What may be sent to one of the two standard streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// Whether it is a terminal.
    pub(super) is_terminal: bool,
    /// Whether colour is wanted.
    pub(super) colour: bool,
    /// Whether symbols beyond ASCII can be shown.
    pub(super) symbols: bool,
}

/// The colours that are used, each beside a word that says the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    /// What is well.
    Good,
    /// What wants to be looked at.
    Warning,
    /// What is wrong.
    Bad,
    /// What goes on.
    Going,
    /// What matters less.
    Faint,
    /// What matters most.
    Strong,
}

impl Look {
    /// How standard output looks.
    pub(super) fn of_output(colour: Colour) -> Self {
        Self::of(std::io::stdout().is_terminal(), colour, |name| std::env::var(name).ok())
    }

    /// How standard error looks.
    pub(super) fn of_errors(colour: Colour) -> Self {
        Self::of(std::io::stderr().is_terminal(), colour, |name| std::env::var(name).ok())
    }

    fn of(is_terminal: bool, colour: Colour, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let colour = match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto if set("NO_COLOR").is_some() => false,
            Colour::Auto if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
            Colour::Auto if set("CLICOLOR").is_some_and(|value| value == "0") => false,
            Colour::Auto => is_terminal && set("TERM").is_none_or(|term| term != "dumb"),
        };
        let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        Self { is_terminal, colour, symbols: locale.contains("utf-8") || locale.contains("utf8") }
    }

    /// A text in a colour, where colour is wanted.
    pub(super) fn paint(self, paint: Paint, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Good => "32",
            Paint::Warning => "33",
            Paint::Bad => "31",
            Paint::Going => "36",
            Paint::Faint => "2",
            Paint::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// How many columns a text takes. It has no escape sequences.
pub(super) fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// A text filled up with spaces to so many columns.
pub(super) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

#[cfg(test)]
mod tests {
    use super::{Colour, Look};

    #[test]
    fn colour_is_as_the_environment_says_and_a_flag_says_it_louder() {
        type Set = &'static [(&'static str, &'static str)];
        let table: [(bool, Colour, Set, bool); 12] = [
            (true, Colour::Auto, &[], true),
            (false, Colour::Auto, &[], false),
            (true, Colour::Auto, &[("NO_COLOR", "1")], false),
            (true, Colour::Auto, &[("NO_COLOR", "")], true),
            (true, Colour::Auto, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
            (false, Colour::Auto, &[("CLICOLOR_FORCE", "1")], true),
            (false, Colour::Auto, &[("CLICOLOR_FORCE", "0")], false),
            (true, Colour::Auto, &[("CLICOLOR", "0")], false),
            (true, Colour::Auto, &[("TERM", "dumb")], false),
            (true, Colour::Auto, &[("TERM", "xterm")], true),
            (false, Colour::Always, &[("NO_COLOR", "1")], true),
            (true, Colour::Never, &[("CLICOLOR_FORCE", "1")], false),
        ];
        for (is_terminal, colour, set, wanted) in table {
            let value = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned());
            assert_eq!(Look::of(is_terminal, colour, value).colour, wanted, "{is_terminal} {colour:?} {set:?}");
        }
    }

    #[test]
    fn symbols_need_a_locale_that_has_them() {
        let symbols = |set: &'static [(&str, &str)]| {
            let value = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned());
            Look::of(true, Colour::Auto, value).symbols
        };
        assert!(symbols(&[("LANG", "de_CH.UTF-8")]) && symbols(&[("LC_ALL", "C.utf8"), ("LANG", "C")]));
        assert!(!symbols(&[]) && !symbols(&[("LC_ALL", "C"), ("LANG", "de_CH.UTF-8")]));
    }
}
