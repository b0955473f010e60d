//! `portolan emulator`: an emulator is told what to do: its clock is turned, it is put back, offers are brought somewhere.

use super::emulator_faults::{FaultCommand, ScenarioCommand};
use super::emulator_sent::{OutboxCommand, Requests};
use super::emulator_told::{minute, told};
use super::exit::Exit;
use super::fault::Fault;
use super::print::{plain, table};
use super::session::Session;
use super::{Run, With, run};
use anyhow::{Context, Result};
use api::client::{Client, ClientError};
use api::emulator::{Advance, Advanced, EmulatorState, Reach, Reviews};
use clap::{Args, Subcommand};
use std::io::Write;
use std::process::ExitCode;

/// What an emulator that runs is told.
#[derive(Debug, Subcommand)]
pub enum Emulator {
    /// Show how the emulator stands: its clock, what happens next, its snapshots.
    ///
    /// Example: portolan emulator show
    Show(With<Show>),
    /// Turn the clock on, by some time, to a moment, to what happens next, or until an offer stands somewhere.
    ///
    /// Example: portolan emulator advance --until status=waitingForPublisherReview --offer web-gateway
    Advance(With<AdvanceBy>),
    /// Make the clock stand.
    ///
    /// Example: portolan emulator freeze
    Freeze(With<Freeze>),
    /// Make the clock run so many seconds in a second.
    ///
    /// Example: portolan emulator speed 3600
    Speed(With<Speed>),
    /// Make something go wrong: a step, a request, what is sent.
    ///
    /// Example: portolan emulator fault add --step displaycertify --reject IMG-048 --times 1
    Fault(With<FaultCommand>),
    /// Apply a file of faults and offers; several come with the program.
    ///
    /// Example: portolan emulator scenario apply rejected
    Scenario(With<ScenarioCommand>),
    /// Keep everything as it is under a name, to be put back later.
    ///
    /// Example: portolan emulator snapshot save before-go-live
    Snapshot(With<SnapshotCommand>),
    /// Make everything as it was when a snapshot was taken.
    ///
    /// Example: portolan emulator restore before-go-live
    Restore(With<Restore>),
    /// Begin anew: everything is as at the start, but for the snapshots.
    ///
    /// Example: portolan emulator reset
    Reset(With<Reset>),
    /// Bring an offer to a status, or a step of it to one, by whatever that takes.
    ///
    /// Example: portolan emulator reach contoso/web-gateway --step displaycertify=blocked
    Reach(With<ReachCommand>),
    /// Show what was sent to nobody: mails, webhooks, leads.
    ///
    /// Example: portolan emulator outbox show 3
    Outbox(With<OutboxCommand>),
    /// List what was asked, and which faults came in between.
    ///
    /// Example: portolan emulator requests
    Requests(With<Requests>),
    /// Write the journal of every publisher, a JSON line for each entry.
    ///
    /// Example: portolan emulator journal > journal.jsonl
    Journal(With<Journal>),
}

impl Emulator {
    /// Does it, and says how it ended.
    pub async fn run(self) -> ExitCode {
        match self {
            Self::Show(command) => run(command).await,
            Self::Advance(command) => run(command).await,
            Self::Freeze(command) => run(command).await,
            Self::Speed(command) => run(command).await,
            Self::Fault(command) => run(command).await,
            Self::Scenario(command) => run(command).await,
            Self::Snapshot(command) => run(command).await,
            Self::Restore(command) => run(command).await,
            Self::Reset(command) => run(command).await,
            Self::Reach(command) => run(command).await,
            Self::Outbox(command) => run(command).await,
            Self::Requests(command) => run(command).await,
            Self::Journal(command) => run(command).await,
        }
    }
}

/// Says where an answer of 404 most often comes from.
pub(super) fn asked<T>(session: &Session, answer: Result<T, ClientError>) -> Result<T> {
    answer.with_context(|| format!("the emulator at {}", session.address()))
}

#[derive(Debug, Args)]
pub struct Show {}

impl Run for Show {
    async fn run(self, session: &Session) -> Result<Exit> {
        let client = session.client_of_emulator()?;
        let state = asked(session, client.emulator_state().await)?;
        shown(session, &client, &state)
    }
}

/// Tells how the emulator stands.
fn shown(session: &Session, client: &Client, state: &EmulatorState) -> Result<Exit> {
    session.answered(client, |out, _| {
        let runs = if state.frozen { "stands".to_owned() } else { format!("runs {} seconds in a second", state.speed) };
        writeln!(out, "{} UTC; the clock {runs}.", minute(state.now))?;
        match &state.next {
            Some(next) => {
                let offer = next.offer.as_deref().map(|offer| format!(" of {}", plain(offer))).unwrap_or_default();
                writeln!(out, "Next: {} UTC, a {}{offer}.", minute(next.at), plain(&next.what))?;
            }
            None => writeln!(out, "Nothing happens next by itself.")?,
        }
        let reviews = match state.reviews {
            Reviews::Simulated => "given by the emulator",
            Reviews::ByHand => "given by hand",
        };
        writeln!(
            out,
            "Seed {}, started at {} UTC. Reviews are {reviews}. {} faults are set.",
            state.seed,
            minute(state.start),
            state.faults
        )?;
        if !state.snapshots.is_empty() {
            writeln!(out, "Snapshots: {}", plain(&state.snapshots.join(", ")))?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}

/// How far to turn the clock, and of which offer.
#[derive(Debug, Args)]
pub struct AdvanceBy {
    #[command(flatten)]
    how_far: HowFar,
    /// The offer that --until is about, as publisher/offer or the offer's id.
    #[arg(long)]
    offer: Option<String>,
    /// How long to go on at most; 365 days where nothing is said.
    #[arg(long, value_name = "TIME")]
    within: Option<String>,
}

/// How far to turn the clock.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct HowFar {
    /// By so much: 90s, 15m, 2h, 3d, 1w, or several of them, such as "1d 12h".
    by: Option<String>,
    /// To `next`, which is when something happens by itself, or to a moment such as 2026-01-09T00:00:00Z.
    #[arg(long)]
    to: Option<String>,
    /// Until an offer stands so: status=waitingForPublisherReview, or step.displaycertify=blocked.
    #[arg(long, value_name = "CONDITION", requires = "offer")]
    until: Option<String>,
}

impl Run for AdvanceBy {
    async fn run(self, session: &Session) -> Result<Exit> {
        let client = session.client_of_emulator()?;
        let offer = whole(session, &client, self.offer).await?;
        let HowFar { by, to, until } = self.how_far;
        let advance = Advance { by, to, until, offer, within: self.within };
        let advanced = asked(session, client.emulator_advance(&advance).await)?;
        session.answered(&client, |out, _| Ok(writeln!(out, "{}", told(&advanced))?))?;
        Ok(Exit::Done)
    }
}

/// An offer as `publisher/offer`.
async fn whole(session: &Session, client: &Client, offer: Option<String>) -> Result<Option<String>> {
    match offer {
        None => Ok(None),
        Some(offer) if offer.contains('/') => Ok(Some(offer)),
        Some(offer) => {
            let (publisher, offer) = session.offer(client, &offer).await?;
            Ok(Some(format!("{publisher}/{offer}")))
        }
    }
}

#[derive(Debug, Args)]
pub struct Freeze {}

impl Run for Freeze {
    async fn run(self, session: &Session) -> Result<Exit> {
        let client = session.client_of_emulator()?;
        let state = asked(session, client.emulator_freeze().await)?;
        shown(session, &client, &state)
    }
}

#[derive(Debug, Args)]
pub struct Speed {
    /// How many seconds in a second; 864000 is ten days, 0 makes it stand.
    speed: u32,
}

impl Run for Speed {
    async fn run(self, session: &Session) -> Result<Exit> {
        let client = session.client_of_emulator()?;
        let state = asked(session, client.emulator_speed(self.speed).await)?;
        shown(session, &client, &state)
    }
}

#[derive(Debug, Args)]
pub struct Reset {}

impl Run for Reset {
    async fn run(self, session: &Session) -> Result<Exit> {
        let client = session.client_of_emulator()?;
        let state = asked(session, client.emulator_reset().await)?;
        shown(session, &client, &state)
    }
}

/// What to do with snapshots.
#[derive(Debug, Args)]
pub struct SnapshotCommand {
    #[command(subcommand)]
    what: SnapshotWhat,
}

#[derive(Debug, Subcommand)]
enum SnapshotWhat {
    /// Keep everything as it is. One of that name that is there is replaced.
    ///
    /// Example: portolan emulator snapshot save before-go-live
    Save {
        /// Its name: 1 to 50 lower-case letters, digits, `_` and `-`.
        name: String,
    },
    /// List the snapshots that are kept.
    ///
    /// Example: portolan emulator snapshot list
    List,
    /// Forget a snapshot.
    ///
    /// Example: portolan emulator snapshot remove before-go-live
    Remove {
        /// Its name.
        name: String,
    },
}

impl Run for SnapshotCommand {
    async fn run(self, session: &Session) -> Result<Exit> {
        let client = session.client_of_emulator()?;
        match self.what {
            SnapshotWhat::Save { name } => {
                let kept = asked(session, client.emulator_snapshot(&name).await)?;
                session.answered(&client, |out, _| {
                    Ok(writeln!(
                        out,
                        "Kept as {}, at {} UTC ({} bytes).",
                        plain(&kept.name),
                        minute(kept.at),
                        kept.bytes
                    )?)
                })?;
            }
            SnapshotWhat::List => {
                let kept = asked(session, client.emulator_snapshots().await)?;
                session.answered(&client, |out, _| {
                    let rows = kept.into_iter().map(|one| [one.name, minute(one.at), one.bytes.to_string()]);
                    Ok(table(out, ["NAME", "CLOCK (UTC)", "BYTES"], &rows.collect::<Vec<_>>())?)
                })?;
            }
            SnapshotWhat::Remove { name } => {
                asked(session, client.emulator_forget_snapshot(&name).await)?;
                session.done(&format!("Done: the snapshot {name} is removed."))?;
            }
        }
        Ok(Exit::Done)
    }
}

#[derive(Debug, Args)]
pub struct Restore {
    /// The snapshot's name.
    name: String,
}

impl Run for Restore {
    async fn run(self, session: &Session) -> Result<Exit> {
        let client = session.client_of_emulator()?;
        let state = asked(session, client.emulator_restore(&self.name).await)?;
        shown(session, &client, &state)
    }
}

/// Which offer is brought where.
#[derive(Debug, Args)]
pub struct ReachCommand {
    /// The offer, as publisher/offer or the offer's id; a sample is saved where there is none.
    offer: String,
    #[command(flatten)]
    to: Place,
    /// The type of the sample; that of virtual machines where nothing is said.
    #[arg(long = "type", value_name = "TYPE")]
    offer_type: Option<String>,
}

/// Where an offer is brought.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// The status that it shall have, such as failed.
    #[arg(long)]
    status: Option<String>,
    /// The step, and the status that it shall have, such as displaycertify=blocked.
    #[arg(long, value_name = "STEP=STATUS")]
    step: Option<String>,
}

impl Run for ReachCommand {
    async fn run(self, session: &Session) -> Result<Exit> {
        let client = session.client_of_emulator()?;
        let (step, step_status) = match self.to.step.as_deref().map(|step| step.split_once('=')) {
            None => (None, None),
            Some(Some((step, status))) => (Some(step.to_owned()), Some(status.to_owned())),
            Some(None) => {
                return Err(
                    Fault::usage("--step says a step and its status; write it like displaycertify=blocked").into()
                );
            }
        };
        let offer = whole(session, &client, Some(self.offer)).await?.unwrap_or_default();
        let reach = Reach { offer, offer_type: self.offer_type, status: self.to.status, step, step_status };
        let reached = asked(session, client.emulator_reach(&reach).await)?;
        session.answered(&client, |out, _| {
            let advanced = Advanced { from: reached.from, to: reached.to, happened: reached.happened };
            writeln!(out, "{}", told(&advanced))?;
            let step = reached.step_status.map(|status| format!(", the step {}", plain(&status))).unwrap_or_default();
            Ok(writeln!(out, "{} is {}{step}.", plain(&reached.offer), plain(&reached.status))?)
        })?;
        Ok(Exit::Done)
    }
}

#[derive(Debug, Args)]
pub struct Journal {}

impl Run for Journal {
    async fn run(self, session: &Session) -> Result<Exit> {
        let journal = asked(session, session.client_of_emulator()?.emulator_journal().await)?;
        std::io::stdout().write_all(journal.as_bytes()).context("standard output cannot be written")?;
        Ok(Exit::Done)
    }
}
