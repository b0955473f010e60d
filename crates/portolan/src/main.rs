//! The front door: reads the command line and the settings, wires the rooms, runs one subcommand.

use anyhow::{Context, Result, bail};
use clap::builder::FalseyValueParser;
use clap::{Args, CommandFactory, Parser, Subcommand};
use portolan::artifacts::Artifacts;
use portolan::checks::Checks;
use portolan::cli;
use portolan::clock::Clock;
use portolan::config::{self, Config, LogFormat};
use portolan::demo;
use portolan::egress::{Egress, EgressSettings};
use portolan::emulator;
use portolan::http::{Entrance, addresses};
use portolan::journal::Verify;
use portolan::notify::MailSettings;
use portolan::serve::{Identity, Setup, asked_to_end, links};
use portolan::store::{Sqlite, Store, holds_sealed};
use portolan::vault::Vault;
use portolan::wire::SuccessWord;
use publishing::decide::MissingIfMatch;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// What stands below the commands.
const TOPICS: &str = "Topics: portolan help exit-codes, environment, formats, ci.";

/// A marketplace publishing service: offers from draft to live, over the Cloud Partner Portal API of 2017-10-31.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, disable_help_subcommand = true, after_help = TOPICS)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service on a data directory.
    ///
    /// Example: portolan serve --data /var/lib/portolan --listen 127.0.0.1:9000
    Serve(Serve),
    /// Run a service in memory, with a publisher whose offers are in every state.
    ///
    /// Example: portolan demo --listen 127.0.0.1:9000
    Demo(Demo),
    /// Run the service for tests: in memory, with a clock that is turned, and nobody called.
    ///
    /// Example: portolan emulator exec --demo -- npm test
    #[command(subcommand)]
    Emulator(Emulator),
    #[command(flatten)]
    Client(cli::Command),
    /// See what happened to a publisher's offers, and verify that nobody changed it.
    ///
    /// Example: portolan journal list
    #[command(subcommand)]
    Journal(Journal),
}

#[derive(Debug, Subcommand)]
enum Journal {
    #[command(flatten)]
    Client(cli::Journal),
    /// Find out whether anybody has changed, removed or added entries of the journal. The service may run.
    ///
    /// Ends with 0 where every journal is whole, and with 1 where one is not.
    ///
    /// Example: portolan journal verify --data /var/lib/portolan
    Verify(Verify),
}

#[derive(Debug, Subcommand)]
enum Emulator {
    /// Run it until you stop it.
    ///
    /// Example: portolan emulator start --demo --frozen
    Start(emulator::Start),
    /// Run a command against one of its own, and end with the command's exit code.
    ///
    /// Example: portolan emulator exec --demo -- npm test
    Exec(emulator::Exec),
    #[command(flatten)]
    Running(cli::Emulator),
}

#[derive(Debug, Args)]
struct Serve {
    /// The settings file; `portolan config default` prints one.
    #[arg(long, env = "PORTOLAN_CONFIG")]
    config: Option<PathBuf>,
    /// The directory of the database.
    #[arg(long, env = "PORTOLAN_DATA")]
    data: Option<PathBuf>,
    /// The keys that secrets are sealed with; `secret.key` in the directory of the database where none is given.
    #[arg(long, env = "PORTOLAN_KEY_FILE")]
    key_file: Option<PathBuf>,
    /// Where to listen.
    #[arg(long, env = "PORTOLAN_LISTEN")]
    listen: Option<String>,
    /// The service's address as clients see it, such as https://portolan.example.
    #[arg(long, env = "PORTOLAN_PUBLIC_URL")]
    public_url: Option<String>,
    /// Print a setup secret although there is an operator: for when none finds the way in any more.
    #[arg(long)]
    set_up_again: bool,
    /// The TLS certificate chain, in PEM. Needs --tls-key.
    #[arg(long, env = "PORTOLAN_TLS_CERTIFICATE")]
    tls_certificate: Option<PathBuf>,
    /// The private key of the TLS certificate, in PEM.
    #[arg(long, env = "PORTOLAN_TLS_KEY")]
    tls_key: Option<PathBuf>,
    /// Listen beyond this machine without TLS: for when a proxy in front ends TLS.
    #[arg(long, env = "PORTOLAN_PLAIN_HTTP", value_parser = FalseyValueParser::new())]
    plain_http: bool,
    /// How log lines are written.
    #[arg(long, env = "PORTOLAN_LOG")]
    log: Option<LogFormat>,
    /// How much is logged: error, warn, info, debug, trace, or a filter.
    #[arg(long, env = "PORTOLAN_LOG_LEVEL")]
    log_level: Option<String>,
}

#[derive(Debug, Args)]
struct Demo {
    /// Where to listen.
    #[arg(long, env = "PORTOLAN_LISTEN", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Listen beyond this machine, without TLS: there is nothing in a demo to be kept.
    #[arg(long, env = "PORTOLAN_PLAIN_HTTP", value_parser = FalseyValueParser::new())]
    plain_http: bool,
}

fn main() -> ExitCode {
    if cli::completed(Arguments::command) {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::parse();
    let run = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the asynchronous runtime could not start")
        .and_then(|runtime| {
            let result = runtime.block_on(run(arguments.command));
            runtime.shutdown_background();
            result
        });
    match run {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Client(command) => {
            let program = cli::Program { command: Arguments::command(), default_settings: config::DEFAULT_FILE };
            return Ok(command.run(program).await);
        }
        Command::Emulator(command) => return run_emulator(command).await,
        Command::Serve(arguments) => serve(arguments).await?,
        Command::Demo(arguments) => run_demo(arguments).await?,
        Command::Journal(Journal::Client(journal)) => return Ok(journal.run().await),
        Command::Journal(Journal::Verify(verify)) => verify.run(&Clock::system())?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn run_emulator(command: Emulator) -> Result<ExitCode> {
    // That a step is late or blocked is what somebody plays through here, and no news for an operator.
    let quietly = || log(LogFormat::Human, "error");
    match command {
        Emulator::Start(start) => {
            quietly()?;
            start.run(cli::scenario).await.map(|()| ExitCode::SUCCESS)
        }
        Emulator::Exec(exec) => {
            quietly()?;
            exec.run(cli::scenario).await
        }
        Emulator::Running(command) => Ok(command.run().await),
    }
}

async fn serve(arguments: Serve) -> Result<()> {
    let config = settings(&arguments)?;
    log(config.log.format, &config.log.level)?;
    let entrance = config.entrance()?;
    let may_be_reached = entrance.certificate.is_some() || config.server.plain_http;
    let addresses = addresses(&config.server.listen, may_be_reached).await?;
    let vault = opened(&config.store)?;
    let store: Arc<dyn Store> = Arc::new(
        Sqlite::open(&config.store.data, config.store.cache_mebibytes.saturating_mul(1 << 20), vault.clone())
            .with_context(|| format!("the data directory {}", config.store.data.display()))?,
    );
    let egress = Egress::new(&config.egress)?;
    let artifacts = Artifacts::open(&config.artifacts, &config.store.data, egress.clone())?;
    let clock = Clock::system();
    let setup = Setup {
        store,
        vault,
        types: config.types()?,
        missing_if_match: config.wire.missing_if_match,
        success_word: config.wire.operation_success_word,
        learned_durations: config.wire.learned_durations,
        identity: Identity {
            public_url: Some(config.server.public_url),
            audiences: config.identity.audiences,
            built_in: config.identity.built_in,
            issuers: config.identity.issuer,
            set_up_again: arguments.set_up_again,
            ..Identity::default()
        },
        entrance,
        checks: Checks::default().with_checkers(&config.checker, &clock)?,
        wall: clock.clone(),
        clock,
        artifacts: Some(artifacts),
        egress,
        mail: config.mail,
    };
    let service = setup.start(listener(&addresses).await?).await?;
    if let Some(secret) = &service.setup_secret {
        // On standard output, and never in the log.
        std::io::stdout()
            .write_all(cli::welcome(&service.public_url, secret.reveal(), arguments.set_up_again).as_bytes())?;
    }
    tracing::info!(address = %service.address, data = %config.store.data.display(), "ready: {}", service.public_url);
    asked_to_end().await?;
    tracing::info!("stopping");
    service.stop().await;
    Ok(())
}

/// Flags and variables over the settings file over the defaults.
fn settings(arguments: &Serve) -> Result<Config> {
    let mut config = arguments.config.as_deref().map_or_else(|| Ok(Config::default()), Config::read)?;
    if let Some(data) = &arguments.data {
        config.store.data.clone_from(data);
    }
    if arguments.key_file.is_some() {
        config.store.key_file.clone_from(&arguments.key_file);
    }
    if let Some(listen) = &arguments.listen {
        config.server.listen.clone_from(listen);
    }
    config.server.plain_http |= arguments.plain_http;
    config.tls.certificate = arguments.tls_certificate.clone().or(config.tls.certificate);
    config.tls.key = arguments.tls_key.clone().or(config.tls.key);
    if let Some(format) = arguments.log {
        config.log.format = format;
    }
    if let Some(level) = &arguments.log_level {
        config.log.level.clone_from(level);
    }
    if let Some(url) = &arguments.public_url {
        config.server.public_url.clone_from(url);
    }
    Ok(config)
}

fn log(format: LogFormat, level: &str) -> Result<()> {
    // A filter names its targets with `=`; a lone word that is no level would be one, and silence all others.
    let is_filter = level.contains('=');
    let unknown =
        || format!("the log level {level:?}: use error, warn, info, debug, trace, or a filter such as portolan=debug");
    if !is_filter {
        level.parse::<LevelFilter>().with_context(unknown)?;
    }
    let filter = EnvFilter::try_new(level).with_context(unknown)?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let lines = lines.with_ansi(std::io::stderr().is_terminal() && !plain);
    match format {
        LogFormat::Human => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
    Ok(())
}

/// The vault of the key file; one is made where there is none, unless something is sealed already.
fn opened(store: &config::Store) -> Result<Vault> {
    let path = store.key_file.clone().unwrap_or_else(|| store.data.join("secret.key"));
    let data = store.data.display();
    if !path.try_exists().with_context(|| format!("the key file {}", path.display()))?
        && holds_sealed(&store.data).with_context(|| format!("the data directory {data}"))?
    {
        bail!(
            "the key file {} is missing, and the database in {data} holds secrets that only its keys open; \
             put the file back from its backup, or say where it is with --key-file",
            path.display()
        );
    }
    Ok(Vault::open(&path)?)
}

async fn listener(addresses: &[SocketAddr]) -> Result<TcpListener> {
    TcpListener::bind(addresses)
        .await
        .with_context(|| format!("cannot listen on {addresses:?}; give another address with --listen"))
}

async fn run_demo(arguments: Demo) -> Result<()> {
    log(LogFormat::Human, "warn")?;
    let store: Arc<dyn Store> = Arc::new(Sqlite::in_memory(16 << 20)?);
    let clock = Clock::system();
    let addresses = addresses(&arguments.listen, arguments.plain_http).await?;
    let listener = listener(&addresses).await?;
    let links = links(&store, format!("http://{}", listener.local_addr()?).into()).await?;
    demo::fill(&store, clock.now(), &links).await.context("the demo's offers")?;
    let setup = Setup {
        store: Arc::clone(&store),
        vault: Vault::in_memory()?,
        wall: clock.clone(),
        clock,
        types: demo::rehearsed_types()?,
        missing_if_match: MissingIfMatch::Accept,
        success_word: SuccessWord::Succeeded,
        learned_durations: true,
        identity: Identity::default(),
        entrance: Entrance::default(),
        checks: Checks::default(),
        // A demo works without any network.
        artifacts: None,
        egress: Egress::new(&EgressSettings::default())?,
        mail: MailSettings::default(),
    };
    let service = setup.start(listener).await?;
    let tokens = demo::tokens(&service.perform, service.issuer.as_ref(), demo::DAY_SECONDS).await?;
    let links = demo::people(&service.perform, &demo::NAMES).await?.links(&service.sessions, &service.public_url)?;
    std::io::stdout().write_all(demo::welcome(&store, service.address, &tokens, &links).await?.as_bytes())?;
    asked_to_end().await?;
    service.stop().await;
    Ok(())
}
