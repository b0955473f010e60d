//! `portolan completion`: scripts for five shells, and the words that they ask for: of the command tree, and names fetched live.

use super::exit::Exit;
use super::session::Session;
use super::settings::Flags;
use anyhow::Result;
use api::client::Client;
use clap::builder::StyledStr;
use clap::{Args, Command, ValueEnum};
use clap_complete::CompleteEnv;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete};
use clap_complete::env::{Bash, EnvCompleter, Fish, Powershell, Shells, Zsh};
use serde_json::json;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// The variable by which a script says that it wants words, and for which shell.
const VARIABLE: &str = "PORTOLAN_COMPLETE";

/// What the program is called where it is called.
const PROGRAM: &str = "portolan";

/// How long names may take: whoever pressed Tab waits.
const PATIENCE: Duration = Duration::from_millis(1_700);

/// A shell.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    /// Put `eval "$(portolan completion bash)"` into ~/.bashrc.
    Bash,
    /// Put `source <(portolan completion zsh)` into ~/.zshrc, after compinit.
    Zsh,
    /// Put `portolan completion fish | source` into ~/.config/fish/config.fish.
    Fish,
    /// Put `portolan completion powershell | Out-String | Invoke-Expression` into $PROFILE.
    Powershell,
    /// Run `portolan completion nushell | save --force ($nu.default-config-dir | path join autoload portolan.nu)`.
    Nushell,
}

/// For which shell.
#[derive(Debug, Args)]
pub struct Completion {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completion {
    /// Writes the script.
    pub(super) fn run(self) -> Result<Exit> {
        let shell: &dyn EnvCompleter = match self.shell {
            Shell::Bash => &Bash,
            Shell::Zsh => &Zsh,
            Shell::Fish => &Fish,
            Shell::Powershell => &Powershell,
            Shell::Nushell => &Nushell,
        };
        let mut script = Vec::new();
        shell.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)?;
        io::stdout().write_all(&script)?;
        Ok(Exit::Done)
    }
}

/// Answers a script that asks for words; says whether one did. Never says anything else.
pub fn completed(program: impl Fn() -> Command) -> bool {
    let here = std::env::current_dir().ok();
    let shells: [&dyn EnvCompleter; 5] = [&Bash, &Zsh, &Fish, &Powershell, &Nushell];
    CompleteEnv::with_factory(|| live(program()))
        .var(VARIABLE)
        .shells(Shells(&shells))
        .try_complete(std::env::args_os(), here.as_deref())
        .unwrap_or(true)
}

/// The same command; wherever it takes an offer or a publisher, it knows which there are.
fn live(command: Command) -> Command {
    let command = command.mut_args(|argument| match argument.get_id().as_str() {
        "offer" => argument.add(ArgValueCompleter::new(offers)),
        "publisher" => argument.add(ArgValueCompleter::new(publishers)),
        _ => argument,
    });
    command.mut_subcommands(live)
}

fn publishers(begun: &OsStr) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy().into_owned();
    let names = fetched(async |_, client| {
        let publishers = client.list_publishers().await?;
        Ok(publishers.into_iter().map(|known| (known.id, known.definition.display_text)).collect())
    });
    candidates(names, &begun)
}

fn offers(begun: &OsStr) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy().into_owned();
    let publisher = begun.split_once('/').map(|(publisher, _)| publisher.to_owned());
    let names = fetched(async move |session, client| {
        let (publisher, before) = match publisher {
            Some(publisher) => (publisher.clone(), format!("{publisher}/")),
            None => match session.publisher(&client).await {
                Ok(publisher) => (publisher, String::new()),
                Err(_) => {
                    let publishers = client.list_publishers().await?;
                    let begin =
                        |known: api::publishers::Publisher| (format!("{}/", known.id), known.definition.display_text);
                    return Ok(publishers.into_iter().map(begin).collect());
                }
            },
        };
        let offers = client.list_offers(&publisher).await?;
        Ok(offers.into_iter().map(|offer| (format!("{before}{}", offer.id), offer.definition.display_text)).collect())
    });
    candidates(names, &begun)
}

/// Names with what they are called; none where that takes too long, or cannot be known.
fn fetched<F>(ask: F) -> Vec<(String, String)>
where
    F: AsyncFnOnce(Session, Client) -> Result<Vec<(String, String)>> + Send + 'static,
{
    let (answer, answered) = mpsc::channel();
    // Nothing ends a keyring or a resolver that hangs: the thread is left behind, and ends with the process.
    std::thread::spawn(move || {
        let ask = || -> Result<Vec<(String, String)>> {
            let session = Session::open(&Flags::said_in(std::env::args()))?;
            // Whoever pressed Tab is told names, and nothing else.
            let client = session.client()?.telling(None);
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(ask(session, client))
        };
        drop(answer.send(ask().unwrap_or_default()));
    });
    answered.recv_timeout(PATIENCE).unwrap_or_default()
}

fn candidates(names: Vec<(String, String)>, begun: &str) -> Vec<CompletionCandidate> {
    let fits = names.into_iter().filter(|(name, _)| name.starts_with(begun) && !name.contains(char::is_control));
    let candidate = |(name, called): (String, String)| {
        let called = Some(super::print::plain(&called)).filter(|called| !called.is_empty());
        CompletionCandidate::new(name).help(called.map(StyledStr::from))
    };
    fits.map(candidate).collect()
}

/// Nushell, which asks a closure for JSON.
struct Nushell;

impl EnvCompleter for Nushell {
    fn name(&self) -> &'static str {
        "nushell"
    }

    fn is(&self, name: &str) -> bool {
        matches!(name, "nushell" | "nu")
    }

    fn write_registration(
        &self,
        variable: &str,
        _: &str,
        program: &str,
        completer: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        // Another program's completer, where there is one, goes on answering for all others.
        let script = r#"let portolan_before = ($env.config.completions.external.completer? | default null)
$env.config.completions.external.enable = true
$env.config.completions.external.completer = {|spans: list<string>|
    if ($spans | first) == "PROGRAM" {
        with-env { VARIABLE: nushell } { ^COMPLETER -- ...$spans } | from json
    } else if $portolan_before != null {
        do $portolan_before $spans
    } else {
        null
    }
}
"#;
        let script = script.replace("PROGRAM", program).replace("VARIABLE", variable).replace("COMPLETER", completer);
        out.write_all(script.as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut Command,
        words: Vec<OsString>,
        here: Option<&Path>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let last = words.len().saturating_sub(1);
        let candidates = complete(command, words, last, here)?;
        let row = |candidate: &CompletionCandidate| {
            let help = candidate.get_help().map(|help| help.to_string().lines().next().unwrap_or_default().to_owned());
            json!({ "value": candidate.get_value().to_string_lossy(), "description": help })
        };
        write!(out, "{}", json!(candidates.iter().map(row).collect::<Vec<_>>()))
    }
}
