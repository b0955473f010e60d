//! The front door: reads the command line and the settings, wires the rooms, runs one subcommand.

use anyhow::{Context, Result, bail};
use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand};
use portolan::cli::review::Review;
use portolan::clock::{Clock, random_secret};
use portolan::config::{self, Config, LogFormat};
use portolan::demo;
use portolan::http::{Entrance, addresses};
use portolan::serve::{Setup, asked_to_end};
use portolan::store::{Sqlite, Store};
use portolan::wire::SuccessWord;
use publishing::decide::MissingIfMatch;
use std::io::{ErrorKind, IsTerminal, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// A marketplace publishing service: offers from draft to live, over the Cloud Partner Portal API of 2017-10-31.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service on a data directory.
    ///
    /// Example: portolan serve --data /var/lib/portolan --publisher contoso
    Serve(Serve),
    /// Run a service in memory, with a publisher whose offers are in every state.
    ///
    /// Example: portolan demo --listen 127.0.0.1:9000
    Demo(Demo),
    /// See what waits for a reviewer, and give verdicts.
    ///
    /// Example: portolan review list
    #[command(subcommand)]
    Review(Review),
    /// Print the settings file with every default.
    ///
    /// Example: portolan config > portolan.toml
    Config,
}

#[derive(Debug, Args)]
struct Serve {
    /// The settings file; `portolan config` prints one.
    #[arg(long, env = "PORTOLAN_CONFIG")]
    config: Option<PathBuf>,
    /// The directory of the database.
    #[arg(long, env = "PORTOLAN_DATA")]
    data: Option<PathBuf>,
    /// Where to listen.
    #[arg(long, env = "PORTOLAN_LISTEN")]
    listen: Option<String>,
    /// The TLS certificate chain, in PEM. Needs --tls-key.
    #[arg(long, env = "PORTOLAN_TLS_CERTIFICATE")]
    tls_certificate: Option<PathBuf>,
    /// The private key of the TLS certificate, in PEM.
    #[arg(long, env = "PORTOLAN_TLS_KEY")]
    tls_key: Option<PathBuf>,
    /// Listen beyond this machine without TLS: for when a proxy in front ends TLS.
    #[arg(long, env = "PORTOLAN_PLAIN_HTTP", value_parser = FalseyValueParser::new())]
    plain_http: bool,
    /// A publisher that the token is an owner of; made where it is missing. May be given several times.
    #[arg(long, env = "PORTOLAN_PUBLISHER", value_delimiter = ',')]
    publisher: Vec<String>,
    /// The bearer token that callers bring; better given in the environment. One is made, and kept in the data directory,
    /// where none is given.
    #[arg(long, env = "PORTOLAN_TOKEN", hide_env_values = true)]
    token: Option<String>,
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
    /// The bearer token that callers bring; one is made where none is given.
    #[arg(long, env = "PORTOLAN_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

fn main() -> ExitCode {
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
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Serve(arguments) => serve(arguments).await,
        Command::Demo(arguments) => run_demo(arguments).await,
        Command::Review(review) => review.run().await,
        Command::Config => Ok(std::io::stdout().write_all(config::DEFAULT_FILE.as_bytes())?),
    }
}

async fn serve(arguments: Serve) -> Result<()> {
    let config = settings(&arguments)?;
    log(config.log.format, &config.log.level)?;
    let publishers = config.publisher.iter().map(config::Publisher::stored).collect::<Result<Vec<_>>>()?;
    let entrance = config.entrance()?;
    let scheme = if entrance.certificate.is_some() { "https" } else { "http" };
    let may_be_reached = entrance.certificate.is_some() || config.server.plain_http;
    let addresses = addresses(&config.server.listen, may_be_reached).await?;
    let store: Arc<dyn Store> = Arc::new(
        Sqlite::open(&config.store.data, config.store.cache_mebibytes.saturating_mul(1 << 20))
            .with_context(|| format!("the data directory {}", config.store.data.display()))?,
    );
    let token = match arguments.token {
        Some(token) => token,
        None => kept_token(&config.store.data)?,
    };
    if publishers.is_empty() {
        tracing::warn!("no publisher is configured; give --publisher ID, or [[publisher]] in the settings file");
    }
    let setup = Setup {
        store,
        clock: Clock::system(),
        types: config.types()?,
        missing_if_match: config.wire.missing_if_match,
        success_word: config.wire.operation_success_word,
        publishers,
        token,
        entrance,
    };
    let service = setup.start(listener(&addresses).await?).await?;
    tracing::info!(address = %service.address, data = %config.store.data.display(), "ready: {scheme}://{}", service.address);
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
    config
        .publisher
        .extend(arguments.publisher.iter().filter(|id| !id.is_empty()).map(|id| config::Publisher::named(id)));
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

async fn listener(addresses: &[SocketAddr]) -> Result<TcpListener> {
    TcpListener::bind(addresses)
        .await
        .with_context(|| format!("cannot listen on {addresses:?}; give another address with --listen"))
}

/// The token kept in the data directory; made, and shown this once, where there is none.
fn kept_token(data: &Path) -> Result<String> {
    let path = data.join("token");
    match std::fs::read_to_string(&path) {
        Ok(token) if token.trim().is_empty() => {
            bail!("the token file {} is empty; remove it to have a token made", path.display())
        }
        Ok(token) => Ok(token.trim().to_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let token = random_secret().context("no randomness for a token")?;
            // Whole or not at all, whenever the process is killed.
            let unnamed = data.join("token.new");
            let mut file =
                std::fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&unnamed)?;
            file.write_all(token.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&unnamed, &path)?;
            writeln!(std::io::stdout(), "token: {token}\n(kept in {}; shown this once)", path.display())?;
            Ok(token)
        }
        Err(error) => Err(error).with_context(|| format!("the token file {}", path.display())),
    }
}

async fn run_demo(arguments: Demo) -> Result<()> {
    log(LogFormat::Human, "warn")?;
    let token = arguments.token.map_or_else(random_secret, Ok).context("no randomness for a token")?;
    let store: Arc<dyn Store> = Arc::new(Sqlite::in_memory(16 << 20)?);
    let clock = Clock::system();
    demo::fill(&store, clock.now()).await.context("the demo's offers")?;
    let publishers = store.publishers().await?;
    let setup = Setup {
        store: Arc::clone(&store),
        clock,
        types: demo::rehearsed_types()?,
        missing_if_match: MissingIfMatch::Accept,
        success_word: SuccessWord::Succeeded,
        publishers,
        token: token.clone(),
        entrance: Entrance::default(),
    };
    // Nothing in the demo is worth a certificate.
    let service = setup.start(listener(&addresses(&arguments.listen, true).await?).await?).await?;
    std::io::stdout().write_all(demo::welcome(&store, service.address, &token).await?.as_bytes())?;
    asked_to_end().await?;
    service.stop().await;
    Ok(())
}
