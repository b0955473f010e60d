//! Asks before something is taken away from somebody.

use super::fault::Fault;
use super::print::plain;
use super::session::Session;
use anyhow::Result;
use clap::Args;
use std::io::Write;

/// Whether to ask.
#[derive(Debug, Args)]
pub(super) struct Confirm {
    /// Do it without asking.
    #[arg(long)]
    yes: bool,
}

impl Confirm {
    /// Goes on where somebody types this name after they have read what follows, or said yes before.
    ///
    /// # Errors
    /// Where something else is typed, or nobody can be asked.
    pub(super) fn name(&self, session: &Session, consequences: &str, name: &str) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        if !session.may_ask() {
            return Err(nobody(consequences).into());
        }
        write!(std::io::stderr(), "{}\nType the offer name to go on: ", plain(consequences))?;
        if answer()? != name {
            return Err(Fault::declined(format!("that is not {name}; nothing was changed")).into());
        }
        Ok(())
    }

    /// Goes on where somebody says yes to the question, or said so before.
    ///
    /// # Errors
    /// Where the answer is no, or nobody can be asked.
    pub(super) fn ask(&self, session: &Session, question: &str) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        if !session.may_ask() {
            return Err(nobody(question).into());
        }
        write!(std::io::stderr(), "{} [y/N] ", plain(question))?;
        if !matches!(answer()?.to_ascii_lowercase().as_str(), "y" | "yes") {
            return Err(Fault::declined("nothing was changed").into());
        }
        Ok(())
    }
}

fn nobody(question: &str) -> Fault {
    Fault::usage(format!("there is no terminal to ask on, so add --yes to say that you mean it. {question}"))
}

/// What is typed.
fn answer() -> Result<String> {
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}
