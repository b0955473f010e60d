//! Asks before something is taken away from somebody.

use super::fault::Fault;
use super::session::Session;
use anyhow::{Result, bail};
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
    /// Goes on where somebody says yes to the question, or said so before.
    ///
    /// # Errors
    /// Where the answer is no, or nobody can be asked.
    pub(super) fn ask(&self, session: &Session, question: &str) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        if !session.may_ask() {
            let text = format!("there is no terminal to ask on, so add --yes to say that you mean it. {question}");
            return Err(Fault::usage(text).into());
        }
        write!(std::io::stderr(), "{question} [y/N] ")?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if !matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            bail!("nothing was changed");
        }
        Ok(())
    }
}
