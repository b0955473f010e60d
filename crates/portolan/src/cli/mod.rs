//! The commands that talk to a server, over the typed client and nothing else.

mod about;
mod access;
mod audit;
mod cancel;
mod circle;
mod compare;
mod completion;
mod configuration;
mod confirm;
mod draft;
mod emulator;
mod emulator_faults;
mod emulator_sent;
mod emulator_told;
mod events;
mod exit;
mod fault;
mod follow;
mod go_live;
mod history;
mod kept;
mod login;
mod mails;
mod moments;
mod newcomer;
mod notify;
mod offer;
mod output;
mod print;
mod project;
mod publish;
mod publisher;
mod query;
mod review;
mod scenarios;
mod secret;
mod session;
mod settings;
mod source;
mod spans;
mod staff;
mod status;
mod submission;
mod system_keyring;
mod terminal;
mod verb;
mod wait;
mod welcome;
mod whoami;
mod words;

pub use about::CREDENTIALS;
pub use completion::completed;
pub use emulator::Emulator;
pub use exit::Exit;
pub use history::Journal;
pub use scenarios::scenario;
pub use settings::{SETTINGS, Setting};
pub use welcome::welcome;

use about::{Help, Man, Version};
use access::Access;
use anyhow::{Error, Result};
use api::client::ClientError;
use audit::Audit;
use cancel::Cancel;
use clap::{Args, Subcommand};
use completion::Completion;
use configuration::Configuration;
use events::Events;
use go_live::GoLive;
use login::{Login, Logout};
use notify::Notify;
use offer::Offer;
use output::Format;
use publish::Publish;
use publisher::Publisher;
use review::Review;
use session::Session;
use settings::Flags;
use staff::Staff;
use status::Status;
use std::io::Write;
use std::process::ExitCode;
use submission::Submission;
use wait::Wait;
use whoami::WhoAmI;

/// What talks to a server.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say where an offer stands, or follow it.
    ///
    /// Example: portolan status vm-in-progress
    Status(With<Status>),
    /// Publish an offer: from its draft, or from a file.
    ///
    /// Example: portolan publish vm-never-published --wait=preview --timeout 2h30m
    Publish(With<Publish>),
    /// Wait until an offer has come so far. Ends early where it cannot any more.
    ///
    /// Example: portolan wait saas-live --for live --timeout 0
    Wait(With<Wait>),
    /// Sign the preview off, so that customers see it.
    ///
    /// Example: portolan go-live vm-waiting-for-sign-off --yes
    GoLive(With<GoLive>),
    /// Stop a submission. What is live stays live.
    ///
    /// Example: portolan cancel vm-in-progress --dry-run
    Cancel(With<Cancel>),
    /// Create publishers, and see yours.
    ///
    /// Example: portolan publisher create contoso --name "Contoso, Ltd."
    Publisher(With<Publisher>),
    /// Say who may what at a publisher.
    ///
    /// Example: portolan access list
    Access(With<Access>),
    /// Say who runs the marketplace: operators, reviewers, auditors.
    ///
    /// Example: portolan staff list
    Staff(With<Staff>),
    /// Read, write and compare offers.
    ///
    /// Example: portolan offer list
    Offer(With<Offer>),
    /// See what waits for a reviewer, and give verdicts.
    ///
    /// Example: portolan review list
    Review(With<Review>),
    /// See the submissions of an offer, and what their steps said.
    ///
    /// Example: portolan submission list saas-live
    Submission(With<Submission>),
    /// Follow what happens to offers, as it happens.
    ///
    /// Example: portolan events tail vm-failed --limit 1
    Events(With<Events>),
    /// See who did what: to offers, and to who may what.
    ///
    /// Example: portolan audit list
    Audit(With<Audit>),
    /// Say who is told what happens: webhooks, and your own mails.
    ///
    /// Example: portolan notify list
    Notify(With<Notify>),
    /// Sign in to a server: as a service principal, or with a token.
    ///
    /// Example: portolan login --client-id 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50
    ///
    /// Example: portolan login --token-stdin --store file < token
    Login(With<Login>),
    /// Forget what is kept for a server.
    ///
    /// Example: portolan logout
    Logout(With<Logout>),
    /// Say who asks the server, what they may do there, and where their secret is.
    ///
    /// Example: portolan whoami
    #[command(name = "whoami")]
    WhoAmI(With<WhoAmI>),
    /// Show the settings of the commands, or print the service's settings file.
    ///
    /// Example: portolan config show --origin
    ///
    /// Example: portolan config default > portolan.toml
    Config(With<Configuration>),
    /// Print the script by which a shell completes commands and names.
    ///
    /// Example: portolan completion bash
    Completion(Completion),
    /// Print the manual page of a command, or write all of them.
    ///
    /// Example: portolan man access add
    ///
    /// Example: portolan man --directory man1
    Man(Man),
    /// Say the version of the program, and of the server.
    ///
    /// Example: portolan version
    Version(With<Version>),
    /// Explain a command or a topic.
    ///
    /// Example: portolan help exit-codes
    ///
    /// Example: portolan help access add
    Help(Help),
}

/// What the commands need of the program around them.
#[derive(Debug)]
pub struct Program {
    /// Its command line.
    pub command: clap::Command,
    /// The service's settings file, with every default.
    pub default_settings: &'static str,
}

impl Command {
    /// Does it, and says how it ended.
    pub async fn run(self, program: Program) -> ExitCode {
        match self {
            Self::Status(status) => run(status).await,
            Self::Publish(publish) => run(publish).await,
            Self::Wait(wait) => run(wait).await,
            Self::GoLive(go_live) => run(go_live).await,
            Self::Cancel(cancel) => run(cancel).await,
            Self::Publisher(publisher) => run(publisher).await,
            Self::Access(access) => run(access).await,
            Self::Staff(staff) => run(staff).await,
            Self::Offer(offer) => run(offer).await,
            Self::Review(review) => run(review).await,
            Self::Login(login) => run(login).await,
            Self::Logout(logout) => run(logout).await,
            Self::WhoAmI(whoami) => run(whoami).await,
            Self::Config(config) if config.what.is_default() => {
                ended(configuration::print_default(program.default_settings))
            }
            Self::Config(config) => run(config).await,
            Self::Completion(completion) => ended(completion.run()),
            Self::Man(man) => ended(man.run(program.command)),
            Self::Version(version) => run(version).await,
            Self::Help(help) => ended(help.run(program.command)),
            Self::Submission(submission) => run(submission).await,
            Self::Events(events) => run(events).await,
            Self::Notify(notify) => run(notify).await,
            Self::Audit(audit) => run(audit).await,
        }
    }
}

/// What a command does.
trait Run {
    /// Does it; gives back how it ended.
    ///
    /// # Errors
    /// Where the server says no, or nothing, or the command cannot be meant so.
    async fn run(self, session: &Session) -> Result<Exit>;
}

/// A command with the options that all have.
#[derive(Debug, Args)]
pub struct With<T: Args> {
    #[command(flatten)]
    what: T,
    #[command(flatten)]
    flags: Flags,
}

async fn run<T: Args + Run>(command: With<T>) -> ExitCode {
    let session = match Session::open(&command.flags) {
        Ok(session) => session,
        Err(fault) => return failed(&Error::from(fault), Format::Table),
    };
    match command.what.run(&session).await {
        Ok(exit) => exit.into(),
        Err(error) => failed(&error, session.output.format),
    }
}

/// How a command ended that asks no server.
fn ended(result: Result<Exit>) -> ExitCode {
    result.map_or_else(|error| failed(&error, Format::Table), ExitCode::from)
}

/// Tells people what went wrong, and programs that asked for JSON too.
fn failed(error: &Error, format: Format) -> ExitCode {
    let is_pipe = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    let is_servers = error.chain().any(|cause| cause.is::<ClientError>());
    if !is_servers && error.root_cause().downcast_ref().is_some_and(is_pipe) {
        // Whoever read the result, such as `head`, has what it wanted.
        return Exit::Done.into();
    }
    // Where nobody listens any more, there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{}", fault::told(error));
    if format == Format::Json {
        let _ = writeln!(std::io::stdout(), "{}", fault::document(error));
    }
    Exit::of(error).into()
}
