//! The commands that talk to a server, over the typed client and nothing else.

mod access;
mod circle;
mod compare;
mod confirm;
mod diff;
mod draft;
mod emulator;
mod emulator_faults;
mod emulator_sent;
mod events;
mod exit;
mod fault;
mod history;
mod mails;
mod moments;
mod newcomer;
mod notify;
mod offer;
mod output;
mod print;
mod publisher;
mod query;
mod review;
mod scenarios;
mod secret;
mod session;
mod settings;
mod source;
mod staff;
mod submission;
mod terminal;
mod welcome;
mod words;

pub use emulator::Emulator;
pub use exit::Exit;
pub use history::Journal;
pub use scenarios::scenario;
pub use settings::{SETTINGS, Setting};
pub use welcome::welcome;

use access::Access;
use anyhow::{Error, Result};
use clap::{Args, Subcommand};
use events::Events;
use notify::Notify;
use offer::Offer;
use output::Format;
use publisher::Publisher;
use review::Review;
use session::Session;
use settings::Flags;
use staff::Staff;
use std::io::Write;
use std::process::ExitCode;
use submission::Submission;

/// What talks to a server.
#[derive(Debug, Subcommand)]
pub enum Command {
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
    /// Say who is told what happens: webhooks, and your own mails.
    ///
    /// Example: portolan notify list
    Notify(With<Notify>),
}

impl Command {
    /// Does it, and says how it ended.
    pub async fn run(self) -> ExitCode {
        match self {
            Self::Publisher(publisher) => run(publisher).await,
            Self::Access(access) => run(access).await,
            Self::Staff(staff) => run(staff).await,
            Self::Offer(offer) => run(offer).await,
            Self::Review(review) => run(review).await,
            Self::Submission(submission) => run(submission).await,
            Self::Events(events) => run(events).await,
            Self::Notify(notify) => run(notify).await,
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

/// Tells people what went wrong, and programs that asked for JSON too.
fn failed(error: &Error, format: Format) -> ExitCode {
    // Where nobody listens any more, there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{}", fault::told(error));
    if format == Format::Json {
        let _ = writeln!(std::io::stdout(), "{}", fault::document(error));
    }
    Exit::of(error).into()
}
