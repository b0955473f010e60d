//! `portolan config`: what is set and where that is from, and the service's settings file.

use super::Run;
use super::exit::Exit;
use super::print::table;
use super::session::Session;
use super::settings::SETTINGS;
use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::Write;

/// What about settings.
#[derive(Debug, Args)]
pub struct Configuration {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show every setting of the commands.
    ///
    /// Example: portolan config show --origin
    Show {
        /// Tell too where each value is from.
        #[arg(long)]
        origin: bool,
    },
    /// Print the service's settings file, with every default.
    ///
    /// Example: portolan config default > portolan.toml
    Default,
}

impl Configuration {
    /// Whether it is about the service's settings: then the commands' own need not be right.
    pub(super) const fn is_default(&self) -> bool {
        matches!(self.what, What::Default)
    }
}

impl Run for Configuration {
    async fn run(self, session: &Session) -> Result<Exit> {
        let What::Show { origin } = self.what else { return Ok(Exit::Done) };
        show(session, origin)
    }
}

fn show(session: &Session, origin: bool) -> Result<Exit> {
    let said = |name| session.settings.get(name);
    let documents: Vec<Value> = SETTINGS
        .iter()
        .map(|setting| {
            let (value, origin) = said(setting.name).unzip();
            json!({ "name": setting.name, "value": value, "origin": origin.map(ToString::to_string) })
        })
        .collect();
    let row =
        |document: &Value| ["name", "value", "origin"].map(|name| document[name].as_str().unwrap_or("–").to_owned());
    session.output.value(&documents, |out, _| {
        let rows: Vec<[String; 3]> = documents.iter().map(row).collect();
        if origin {
            return Ok(table(out, ["SETTING", "VALUE", "FROM"], &rows)?);
        }
        let rows: Vec<[String; 2]> = rows.into_iter().map(|[name, value, _]| [name, value]).collect();
        Ok(table(out, ["SETTING", "VALUE"], &rows)?)
    })?;
    Ok(Exit::Done)
}

/// Prints the service's settings file.
pub(super) fn print_default(file: &str) -> Result<Exit> {
    std::io::stdout().write_all(file.as_bytes())?;
    Ok(Exit::Done)
}
