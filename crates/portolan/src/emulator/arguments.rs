//! `portolan emulator start` and `portolan emulator exec`: their arguments, and what they print.

use super::scenario::Scenario;
use super::{Emulator, PUBLISHER, Running, Settings, exec, moment};
use crate::clock::Clock;
use crate::config::Config;
use crate::http::addresses;
use crate::serve::asked_to_end;
use anyhow::{Context, Result, anyhow};
use api::emulator::Reviews;
use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};
use publishing::moment::Moment;
use std::ffi::OsString;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;

/// What the clock shows at the start where nothing is said.
const USUAL_START: &str = "2026-01-05T08:00:00Z";

/// How many seconds the clock runs in a second where nothing is said: ten days.
const USUAL_SPEED: u32 = 864_000;

/// How long what is under way in the emulator may take once the command has ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// Finds a scenario by its name or path: where it was found, and its text.
type Find = fn(&str) -> Result<(String, String)>;

/// Run the service in memory with a clock that is turned: checks and reviews are simulated, and nobody is called.
#[derive(Debug, Args)]
pub struct Start {
    /// Where to listen.
    #[arg(long, env = "PORTOLAN_LISTEN", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Listen beyond this machine, without TLS. From there, only an operator tells the emulator what to do.
    #[arg(long, env = "PORTOLAN_PLAIN_HTTP", value_parser = FalseyValueParser::new())]
    plain_http: bool,
    #[command(flatten)]
    options: Options,
}

/// Run a command against an emulator of its own, on a free port, and end both.
#[derive(Debug, Args)]
pub struct Exec {
    #[command(flatten)]
    options: Options,
    /// The command, after `--`. It finds PORTOLAN_SERVER, PORTOLAN_TOKEN, PORTOLAN_PUBLISHER and PORTOLAN_REVIEWER_TOKEN in its
    /// environment.
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// What both take.
#[derive(Debug, Args)]
struct Options {
    /// Have an offer in every state.
    #[arg(long)]
    demo: bool,
    /// What everything is drawn from that takes its time: the same seed and the same calls, the same journal. 1 where nothing is said.
    #[arg(long)]
    seed: Option<u64>,
    /// What the clock shows at the start: a moment, or `now`; 2026-01-05T08:00:00Z where nothing is said.
    #[arg(long, value_name = "MOMENT")]
    start: Option<String>,
    /// How many seconds the clock runs in a second; 864000, which is ten days, where nothing is said.
    #[arg(long, conflicts_with = "frozen")]
    speed: Option<u32>,
    /// Let the clock stand until it is turned.
    #[arg(long)]
    frozen: bool,
    /// Who gives verdicts; the emulator where nothing is said.
    #[arg(long, value_enum)]
    reviews: Option<Verdicts>,
    /// What goes wrong, and where offers stand: a file, or the name of one of `portolan emulator scenario list`. What is said
    /// on the command line counts more.
    #[arg(long, value_name = "FILE|NAME")]
    scenario: Option<String>,
    /// The settings file of a service, for its offer types and its ways on the wire.
    #[arg(long, env = "PORTOLAN_CONFIG")]
    config: Option<PathBuf>,
    /// The address as clients see it, where that is not where it listens. Documents hold it, and so does the journal.
    #[arg(long, env = "PORTOLAN_PUBLIC_URL")]
    public_url: Option<String>,
}

/// Who gives verdicts.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Verdicts {
    /// The emulator approves by itself, after a while.
    Simulated,
    /// Nobody, unless you do.
    ByHand,
}

impl Start {
    /// Runs the emulator until someone asks the process to end.
    ///
    /// # Errors
    /// Where a setting cannot be, or the address is taken.
    pub async fn run(self, find: Find) -> Result<()> {
        let settings = self.options.settings(find)?;
        let addresses = addresses(&self.listen, self.plain_http).await?;
        let listener = TcpListener::bind(&addresses[..]).await;
        let listener =
            listener.with_context(|| format!("cannot listen on {addresses:?}; give another address with --listen"))?;
        let (speed, demo) = (settings.speed, settings.demo);
        let running = Emulator::start(settings, listener).await?;
        std::io::stdout().write_all(welcome(&running, speed, demo).as_bytes())?;
        asked_to_end().await?;
        running.stop().await;
        Ok(())
    }
}

impl Exec {
    /// Runs the command against an emulator of its own; gives how it ended.
    ///
    /// # Errors
    /// Where a setting cannot be.
    pub async fn run(self, find: Find) -> Result<ExitCode> {
        let settings = self.options.settings(find)?;
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port is free on 127.0.0.1")?;
        let running = Emulator::start(settings, listener).await?;
        let ended = exec::run(&self.command, &variables(&running)).await;
        // Nobody waits for answers any more.
        if tokio::time::timeout(PATIENCE, running.stop()).await.is_err() {
            tracing::debug!("something was still under way in the emulator");
        }
        ended
    }
}

impl Options {
    fn settings(&self, find: Find) -> Result<Settings> {
        let scenario = match self.scenario.as_deref().map(find).transpose()? {
            Some((file, text)) => Scenario::read(&file, &text)?,
            None => Scenario::default(),
        };
        let config = self.config.as_deref().map_or_else(|| Ok(Config::default()), Config::read)?;
        let reviews = self.reviews.map(|reviews| match reviews {
            Verdicts::Simulated => Reviews::Simulated,
            Verdicts::ByHand => Reviews::ByHand,
        });
        let speed = if self.frozen { Some(0) } else { self.speed };
        Ok(Settings {
            seed: self.seed.or(scenario.seed).unwrap_or(1),
            start: self.start(scenario.start)?,
            speed: speed.or(scenario.speed).unwrap_or(USUAL_SPEED),
            reviews: reviews.or(scenario.reviews).unwrap_or_default(),
            scenario,
            demo: self.demo,
            types: config.types()?,
            missing_if_match: config.wire.missing_if_match,
            success_word: config.wire.operation_success_word,
            learned_durations: config.wire.learned_durations,
            public_url: self.public_url.clone(),
        })
    }

    fn start(&self, of_scenario: Option<Moment>) -> Result<Moment> {
        match (self.start.as_deref(), of_scenario) {
            (Some("now"), _) => Ok(Clock::system().now()),
            (None, Some(start)) => Ok(start),
            (start, _) => moment(start.unwrap_or(USUAL_START)).map_err(|fault| anyhow!("--start: {fault}, or `now`")),
        }
    }
}

/// What a program finds in its environment.
fn variables(running: &Running) -> [(&'static str, String); 4] {
    [
        // Where it listens: the address that documents name may lead nowhere from here.
        ("PORTOLAN_SERVER", listens_at(running)),
        ("PORTOLAN_TOKEN", running.tokens.owner.clone()),
        ("PORTOLAN_PUBLISHER", PUBLISHER.to_owned()),
        ("PORTOLAN_REVIEWER_TOKEN", running.tokens.reviewer.clone()),
    ]
}

/// The address at which programs of this machine find it.
fn listens_at(running: &Running) -> String {
    let mut address = running.address;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{address}")
}

fn welcome(running: &Running, speed: u32, demo: bool) -> String {
    let clock = match speed {
        0 => "stands until it is turned: portolan emulator advance 2h".to_owned(),
        _ => format!("runs {speed} seconds in a second: portolan emulator freeze"),
    };
    let offers = if demo { "has an offer in every state" } else { "has no offers yet" };
    let listens_at = listens_at(running);
    let named = if *listens_at == *running.public_url {
        String::new()
    } else {
        format!("Documents and links name {}; it listens at {listens_at}.\n", running.public_url)
    };
    let exports: String = variables(running).iter().map(|(name, value)| format!("export {name}={value}\n")).collect();
    format!(
        "Portolan emulator: in memory, gone when you stop it (Ctrl-C). Nobody is called, and no mail is sent.\n\
         The clock {clock}\n\
         The publisher {PUBLISHER} {offers}.\n{named}\n\
         {exports}\n\
         Open the control panel, signed in as an owner of {PUBLISHER}:\n  {listens_at}{}&then=/emulator\n\
         without signing in:\n  {listens_at}/emulator\n\n\
         ready: http://{}\n",
        running.signs_in(),
        running.address
    )
}
