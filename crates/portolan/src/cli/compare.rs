//! `portolan offer diff`: what is different between two of an offer's versions.

use super::offer::{State, Which};
use super::print::{plain, table};
use super::session::Session;
use anyhow::{Context, Result};
use api::compare::{Change, changes};
use clap::Args;

/// How many characters of a value a table shows.
const SHOWN: usize = 60;

/// Which offer, and which of its versions.
#[derive(Debug, Args)]
pub(super) struct Compare {
    #[command(flatten)]
    which: Which,
    /// What it was: live, preview, draft, or the number of a version.
    #[arg(long, value_name = "STATE", default_value = "live", value_parser = State::parse)]
    from: State,
    /// What it is: the same words.
    #[arg(long, value_name = "STATE", default_value = "draft", value_parser = State::parse)]
    to: State,
}

impl Compare {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let client = session.client()?;
        let (publisher, offer) = &self.which.named(session, &client).await?;
        let mut definitions = Vec::new();
        for state in [self.from, self.to] {
            let read = state.read(&client, publisher, offer).await;
            let read = session.of_offer(&client, (publisher, offer), read).await;
            let read = read.with_context(|| format!("{} of {publisher}/{offer}", state.name()))?;
            definitions.push(read.definition);
        }
        let [before, after] = &definitions[..] else { return Ok(()) };
        let changes = changes(before.get(), after.get()).context("the server's answer cannot be compared")?;
        let (secret, open): (Vec<_>, Vec<_>) = changes.iter().partition(|change| change.is_secret());
        if !(secret.is_empty() || session.output.is_for_people()) {
            let hidden = secret.len();
            session.say(&format!("note: {hidden} secret members changed too, and are not in this patch"));
        }
        session.output.value(&open, |out, _| {
            if changes.is_empty() {
                return Ok(writeln!(out, "Nothing is different between {} and {}.", self.from.name(), self.to.name())?);
            }
            let rows: Vec<_> = changes.iter().map(row).collect();
            Ok(table(out, ["FIELD", "BEFORE", "AFTER"], &rows)?)
        })
    }
}

/// The pointer, what was there, and what is, for people.
fn row(change: &Change) -> [String; 3] {
    let field = change.field().to_owned();
    if change.is_secret() {
        return [field, "(secret)".to_owned(), "changed".to_owned()];
    }
    [field, shown(change.before.as_deref()), shown(change.after())]
}

fn shown(value: Option<&str>) -> String {
    let Some(value) = value else { return "–".to_owned() };
    let short: String = value.chars().take(SHOWN).collect();
    if short.len() < value.len() { format!("{}…", plain(&short)) } else { plain(value) }
}

#[cfg(test)]
mod tests {
    use super::row;

    #[test]
    fn a_secret_is_not_shown() {
        let before = r#"{"clientSecret": "hush", "a": 1}"#;
        let after = r#"{"clientSecret": "hushed", "a": 2}"#;
        let rows: Vec<_> = api::compare::changes(before, after).unwrap().iter().map(row).collect();
        assert_eq!(rows, [["clientSecret", "(secret)", "changed"], ["a", "1", "2"]]);
    }
}
