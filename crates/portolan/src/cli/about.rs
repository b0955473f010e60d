//! What the program says of itself: help on commands and topics, manual pages, versions.

use super::Run;
use super::exit::Exit;
use super::fault::Fault;
use super::output::Format;
use super::print::plain;
use super::session::Session;
use super::settings::{SETTINGS, nearest};
use anyhow::{Context, Result};
use api::client::Credentials;
use api::paths::ACCEPTED_API_VERSIONS;
use clap::{Args, Command, ValueEnum};
use clap_mangen::Man as Page;
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// How long a server may take to say its version.
const PATIENCE: Duration = Duration::from_secs(3);

/// About what help is wanted.
#[derive(Debug, Args)]
pub struct Help {
    /// A topic (exit-codes, environment, formats, ci), or a command with its subcommands.
    #[arg(value_name = "TOPIC")]
    about: Vec<String>,
}

/// Which manual pages.
#[derive(Debug, Args)]
pub struct Man {
    /// The command, with its subcommands; the program itself where none is given.
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
    /// Write the pages of all commands into this directory.
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    directory: Option<PathBuf>,
}

/// Nothing to say.
#[derive(Debug, Args)]
pub struct Version {}

impl Help {
    /// Writes it.
    pub(super) fn run(&self, program: Command) -> Result<Exit> {
        let text = match self.about.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["exit-codes"] => exit_codes(),
            ["environment"] => environment(),
            ["formats"] => formats(),
            ["ci"] => CI.to_owned(),
            _ => {
                found(program, &self.about)?.print_long_help()?;
                return Ok(Exit::Done);
            }
        };
        std::io::stdout().write_all(text.as_bytes())?;
        Ok(Exit::Done)
    }
}

impl Man {
    /// Writes them.
    pub(super) fn run(&self, program: Command) -> Result<Exit> {
        match &self.directory {
            Some(directory) => {
                let unwritable = || format!("the directory {} (--directory)", directory.display());
                std::fs::create_dir_all(directory).with_context(unwritable)?;
                clap_mangen::generate_to(program, directory).with_context(unwritable)?;
            }
            None => Page::new(found(program, &self.command)?).render(&mut std::io::stdout())?,
        }
        Ok(Exit::Done)
    }
}

impl Run for Version {
    async fn run(self, session: &Session) -> Result<Exit> {
        // Nobody needs to be known for that, so that no credentials are sent.
        let client = session.client_as(Credentials::Nobody)?;
        let server = tokio::time::timeout(PATIENCE, client.get_server_version()).await.ok().and_then(Result::ok);
        let ours = env!("CARGO_PKG_VERSION");
        let known = json!({
            "client": ours,
            "server": server.as_deref().map(plain),
            "address": session.address(),
            "apiVersions": ACCEPTED_API_VERSIONS,
        });
        let told = server.map_or_else(|| "not reached, or it says none".to_owned(), |version| plain(&version));
        session.output.value(&known, |out, _| {
            writeln!(out, "client        {ours}")?;
            writeln!(out, "server        {told} ({})", session.address())?;
            Ok(writeln!(out, "api-versions  {}", ACCEPTED_API_VERSIONS.join(", "))?)
        })?;
        Ok(Exit::Done)
    }
}

/// The command of these names.
fn found(mut program: Command, names: &[String]) -> Result<Command, Fault> {
    program.build();
    let mut command = &mut program;
    for name in names {
        let known: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        let topics = ["exit-codes", "environment", "formats", "ci"];
        let near = nearest(name, known.into_iter().chain(topics)).map(|near| format!("; did you mean {near}?"));
        let unknown = Fault::usage(format!(
            "there is no topic and no command {name:?}{}",
            near.unwrap_or_else(|| ": `portolan help` lists them".to_owned())
        ));
        command = command.find_subcommand_mut(name).ok_or(unknown)?;
    }
    Ok(command.clone())
}

fn exit_codes() -> String {
    let mut text = "How commands end. Scripts can rely on the numbers.\n\n".to_owned();
    for exit in Exit::ALL {
        let _ = writeln!(text, "{:>4}  {}", exit.number(), exit.meaning());
    }
    text + "\nWith -o json an error is a document on standard output too: {\"error\":{\"code\":…,\"message\":…}}.\n"
}

fn environment() -> String {
    let mut text =
        "A flag goes before its variable, that before the project's portolan.toml, that before the user's own\n\
        ($XDG_CONFIG_HOME/portolan/portolan.toml), that before the default. `portolan config show --origin` tells.\n\n"
            .to_owned();
    for setting in &SETTINGS {
        let _ = writeln!(
            text,
            "{}\n      {} [{}]",
            setting.variable(),
            setting.meaning,
            setting.default.unwrap_or("unset")
        );
    }
    for (name, meaning) in CREDENTIALS {
        let _ = writeln!(text, "{name}\n      {meaning}");
    }
    text + "NO_COLOR, CLICOLOR, CLICOLOR_FORCE, TERM=dumb\n      Whether there is colour, in that order; --color goes before all.\n"
}

/// Who asks, in the environment. There are no flags for secrets.
pub const CREDENTIALS: [(&str, &str); 5] = [
    (
        "PORTOLAN_TOKEN",
        "A token. It goes before what `portolan login` kept, and is not sent to a server that only a project's file says.",
    ),
    ("PORTOLAN_CLIENT_ID", "The client id of a service principal."),
    ("PORTOLAN_CLIENT_SECRET", "Its secret."),
    ("PORTOLAN_TENANT", "The tenant in the token endpoint's address. [common]"),
    ("PORTOLAN_AUDIENCE", "For whom tokens are asked. [https://cloudpartner.azure.com]"),
];

fn formats() -> String {
    let mut text =
        "Results are on standard output, all else on standard error. How results are written (-o, --output):\n\n"
            .to_owned();
    for format in Format::value_variants() {
        let Some(value) = format.to_possible_value() else { continue };
        let meaning = value.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(text, "{:>7}  {meaning}", value.get_name());
    }
    text + "\nJSON of a command that reads is the document as the server wrote it; on a terminal it is set out in lines.\n\
        --query takes JMESPath, and writes what it finds: portolan status vm-failed -o tsv --query 'steps[].[id,status]'\n"
}

const CI: &str = "In a build, nothing asks and nothing moves: lines are stamped, and there are no escape bytes.\n\n\
    1. Give the secret in the environment, from the build service's own store of secrets: PORTOLAN_CLIENT_ID and\n   \
       PORTOLAN_CLIENT_SECRET, or PORTOLAN_TOKEN. Nothing else is to be set up, and nothing is kept.\n\
    2. Set PORTOLAN_SERVER too: credentials of the environment are not sent to a server that only portolan.toml in the\n   \
       repository says. The other settings may stand there, in the table [client].\n\
    3. Set PORTOLAN_NO_INPUT=1, and add --yes where you mean it.\n\
    4. Go by exit codes (`portolan help exit-codes`): 8 is not finished, 10 rejected, 11 waits for a person.\n\
    5. In GitHub Actions, --progress github writes annotations; auto does so by itself there.\n";
