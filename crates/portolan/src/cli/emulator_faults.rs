//! `portolan emulator fault` and `scenario`: what shall go wrong in an emulator.

use super::Run;
use super::emulator::asked;
use super::exit::Exit;
use super::fault::Fault as CliFault;
use super::print::{plain, table};
use super::scenarios::{SCENARIOS, about, scenario};
use super::session::Session;
use anyhow::{Context, Result};
use api::dates::Date;
use api::emulator::{Failure, Fault, FaultKind, NewFault};
use clap::{Args, Subcommand};
use std::io::Write;

/// What to do with faults.
#[derive(Debug, Args)]
pub struct FaultCommand {
    #[command(subcommand)]
    what: FaultWhat,
}

#[derive(Debug, Subcommand)]
enum FaultWhat {
    /// Set a fault.
    ///
    /// Example: portolan emulator fault add --step displaycertify --reject IMG-048 --times 1
    ///
    /// Example: portolan emulator fault add --api-error 429 --retry-after 2 --path /api/publishers --times 3
    Add(Box<Add>),
    /// List the faults that are set, with what is left of them.
    ///
    /// Example: portolan emulator fault list
    List,
    /// Remove a fault.
    ///
    /// Example: portolan emulator fault remove fault-1
    Remove {
        /// Its id.
        id: String,
    },
    /// Remove every fault.
    ///
    /// Example: portolan emulator fault clear
    Clear,
}

/// A fault.
#[derive(Debug, Args)]
struct Add {
    #[command(flatten)]
    kind: Kind,
    /// Only in the step of this id.
    #[arg(long)]
    step: Option<String>,
    /// Only for this offer, as publisher/offer or the offer's id.
    #[arg(long)]
    offer: Option<String>,
    /// Only for requests of this method.
    #[arg(long)]
    method: Option<String>,
    /// Only for requests to paths that begin so; /api/ where nothing is said.
    #[arg(long)]
    path: Option<String>,
    /// Only for webhooks at addresses that begin so.
    #[arg(long)]
    url: Option<String>,
    /// Only for mails to this address.
    #[arg(long)]
    to: Option<String>,
    /// How often it goes wrong; 1 where nothing is said, 0 until the fault is removed.
    #[arg(long)]
    times: Option<u32>,
    /// How often it goes well first.
    #[arg(long)]
    after: Option<u32>,
    /// Until when on the emulator's clock it goes wrong, such as 2026-01-09T00:00:00Z.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    until: Option<Date>,
    /// What a step says that is rejected or blocked.
    #[arg(long)]
    message: Option<String>,
    /// What that is about, or which file has expired: a JSON pointer such as /definition/displayText.
    #[arg(long, value_name = "POINTER")]
    target: Option<String>,
    /// How to mend it.
    #[arg(long)]
    fix: Option<String>,
    /// What the header Retry-After says, in seconds.
    #[arg(long, value_name = "SECONDS")]
    retry_after: Option<u32>,
}

/// What goes wrong.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Kind {
    /// A step ends with an error, by this rule, and the submission fails.
    #[arg(long, value_name = "RULE")]
    reject: Option<Option<String>>,
    /// A step cannot go on until a reviewer unblocks it.
    #[arg(long, value_name = "RULE")]
    block: Option<Option<String>>,
    /// A step does not end while the fault is there.
    #[arg(long)]
    stall: bool,
    /// A step takes so many times as long.
    #[arg(long, value_name = "FACTOR")]
    slow: Option<f64>,
    /// The system that does a step never says how it ends.
    #[arg(long)]
    lost_callback: bool,
    /// What ends a step is reported a second time.
    #[arg(long)]
    reported_twice: bool,
    /// The address of a file of the definition has expired.
    #[arg(long)]
    expired_artifact: bool,
    /// A request is answered 429, 500 or 503.
    #[arg(long, value_name = "STATUS")]
    api_error: Option<u16>,
    /// A request is answered so many real milliseconds later.
    #[arg(long, value_name = "MILLISECONDS")]
    slow_answer: Option<u64>,
    /// A request is done, and its answer breaks off.
    #[arg(long)]
    cut_connection: bool,
    /// A request is answered 401, as with a token that has expired.
    #[arg(long)]
    unauthorized: bool,
    /// The endpoint of a webhook answers this status, or is `timed-out` or `refused`.
    #[arg(long, value_name = "HOW")]
    webhook_down: Option<Option<String>>,
    /// The mail server is not there, or answers this status of SMTP.
    #[arg(long, value_name = "STATUS")]
    mail_down: Option<Option<u16>>,
    /// A request that changes something is answered 409, or 412.
    #[arg(long, value_name = "STATUS")]
    conflict: Option<Option<u16>>,
}

impl Kind {
    /// A fault of this kind, with what was said along with it.
    fn fault(self) -> Result<NewFault, CliFault> {
        let of = NewFault::of;
        let fault = match self {
            Self { reject: Some(code), .. } => NewFault { code, ..of(FaultKind::Reject) },
            Self { block: Some(code), .. } => NewFault { code, ..of(FaultKind::Block) },
            Self { stall: true, .. } => of(FaultKind::Stall),
            Self { slow: Some(factor), .. } => NewFault { factor: Some(factor), ..of(FaultKind::Slow) },
            Self { lost_callback: true, .. } => of(FaultKind::LostCallback),
            Self { reported_twice: true, .. } => of(FaultKind::ReportedTwice),
            Self { expired_artifact: true, .. } => of(FaultKind::ExpiredArtifact),
            Self { api_error: Some(status), .. } => NewFault { status: Some(status), ..of(FaultKind::ApiError) },
            Self { slow_answer: Some(wait), .. } => NewFault { milliseconds: Some(wait), ..of(FaultKind::SlowAnswer) },
            Self { cut_connection: true, .. } => of(FaultKind::CutConnection),
            Self { unauthorized: true, .. } => of(FaultKind::Unauthorized),
            Self { mail_down: Some(status), .. } => NewFault { status, ..of(FaultKind::MailDown) },
            Self { conflict: Some(status), .. } => NewFault { status, ..of(FaultKind::Conflict) },
            Self { webhook_down: Some(how), .. } => down(how.as_deref())?,
            _ => return Err(CliFault::usage("say what goes wrong, such as --reject IMG-048")),
        };
        Ok(fault)
    }
}

fn down(how: Option<&str>) -> Result<NewFault, CliFault> {
    let (status, failure) = match how {
        None => (None, None),
        Some("timed-out") => (None, Some(Failure::TimedOut)),
        Some("refused") => (None, Some(Failure::Refused)),
        Some(status) => {
            let mend = || CliFault::usage("--webhook-down says a status such as 503, or `timed-out`, or `refused`");
            (Some(status.parse().map_err(|_| mend())?), None)
        }
    };
    Ok(NewFault { status, failure, ..NewFault::of(FaultKind::WebhookDown) })
}

impl Add {
    fn fault(self) -> Result<NewFault, CliFault> {
        Ok(NewFault {
            step: self.step,
            offer: self.offer,
            method: self.method,
            path: self.path,
            url: self.url,
            to: self.to,
            times: self.times,
            after: self.after,
            until: self.until,
            message: self.message,
            target: self.target,
            fix: self.fix,
            retry_after: self.retry_after,
            ..self.kind.fault()?
        })
    }
}

fn moment(text: &str) -> Result<Date, String> {
    Date::parse(text).ok_or_else(|| "this is no moment; write it like 2026-01-09T00:00:00Z".to_owned())
}

impl Run for FaultCommand {
    async fn run(self, session: &Session) -> Result<Exit> {
        let client = session.client_of_emulator()?;
        match self.what {
            FaultWhat::Add(add) => {
                let fault = asked(session, client.emulator_add_fault(&add.fault()?).await)?;
                session.answered(&client, |out, _| Ok(writeln!(out, "{}: {}.", plain(&fault.id), told(&fault))?))?;
            }
            FaultWhat::List => {
                let faults = asked(session, client.emulator_faults().await)?;
                session.answered(&client, |out, _| {
                    if faults.is_empty() {
                        return Ok(writeln!(out, "No fault is set.")?);
                    }
                    let rows: Vec<[String; 5]> = faults.iter().map(row).collect();
                    Ok(table(out, ["ID", "KIND", "WHERE", "LEFT", "WENT WRONG"], &rows)?)
                })?;
            }
            FaultWhat::Remove { id } => {
                asked(session, client.emulator_remove_fault(&id).await)?;
                session.done(&format!("Done: {id} is removed."))?;
            }
            FaultWhat::Clear => {
                asked(session, client.emulator_clear_faults().await)?;
                session.done("Done: every fault is removed.")?;
            }
        }
        Ok(Exit::Done)
    }
}

fn row(fault: &Fault) -> [String; 5] {
    let left = match (fault.left, fault.waits) {
        (None, 0) => "always".to_owned(),
        (None, waits) => format!("always, after {waits}"),
        (Some(left), 0) => left.to_string(),
        (Some(left), waits) => format!("{left}, after {waits}"),
    };
    [fault.id.clone(), fault.fault.kind.to_string(), place(&fault.fault), left, fault.applied.to_string()]
}

/// Where a fault is met, in words.
fn place(fault: &NewFault) -> String {
    let parts = [&fault.step, &fault.offer, &fault.method, &fault.path, &fault.url, &fault.to];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    if parts.is_empty() { "everywhere".to_owned() } else { parts.join(" ") }
}

/// What a fault that was just set will do.
fn told(fault: &Fault) -> String {
    let times = match fault.left {
        None => "until it is removed or its time is over".to_owned(),
        Some(1) => "once".to_owned(),
        Some(times) => format!("{times} times"),
    };
    let after = if fault.waits == 0 { String::new() } else { format!(", after {} that go well", fault.waits) };
    plain(&format!("{} ({}), {times}{after}", fault.fault.kind, place(&fault.fault)))
}

/// What to do with scenarios.
#[derive(Debug, Args)]
pub struct ScenarioCommand {
    #[command(subcommand)]
    what: ScenarioWhat,
}

#[derive(Debug, Subcommand)]
enum ScenarioWhat {
    /// List the scenarios that come with the program.
    ///
    /// Example: portolan emulator scenario list
    List,
    /// Write a scenario of the program, to read it or to change it.
    ///
    /// Example: portolan emulator scenario show rejected > mine.toml
    Show {
        /// Its name.
        name: String,
    },
    /// Apply a scenario: one of the program's by name, or a file.
    ///
    /// Example: portolan emulator scenario apply rejected
    Apply {
        /// Its name, or the path of its file.
        name: String,
    },
}

impl Run for ScenarioCommand {
    async fn run(self, session: &Session) -> Result<Exit> {
        match self.what {
            ScenarioWhat::List => {
                let all = SCENARIOS.map(|(name, text)| [name.to_owned(), about(text)]);
                session.output.value(&all, |out, _| Ok(table(out, ["NAME", "WHAT A CLIENT MEETS"], &all)?))?;
            }
            ScenarioWhat::Show { name } => {
                let (_, text) = scenario(&name)?;
                std::io::stdout().write_all(text.as_bytes()).context("standard output cannot be written")?;
            }
            ScenarioWhat::Apply { name } => {
                let (file, text) = scenario(&name)?;
                let client = session.client_of_emulator()?;
                let applied = client.emulator_apply_scenario(&text).await;
                let applied = applied.with_context(|| format!("the scenario {file} at {}", session.address()))?;
                session.answered(&client, |out, _| {
                    for fault in &applied.faults {
                        writeln!(out, "{}: {}.", plain(&fault.id), told(fault))?;
                    }
                    if !applied.offers.is_empty() {
                        writeln!(out, "Offers: {}.", plain(&applied.offers.join(", ")))?;
                    }
                    Ok(())
                })?;
            }
        }
        Ok(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::{Add, FaultKind};
    use api::emulator::Failure;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Typed {
        #[command(flatten)]
        add: Add,
    }

    fn typed(line: &str) -> Result<api::emulator::NewFault, String> {
        let typed = Typed::try_parse_from(std::iter::once("add").chain(line.split(' ')));
        typed.map_err(|error| error.to_string())?.add.fault().map_err(|fault| fault.message)
    }

    #[test]
    fn every_kind_can_be_typed() {
        let fault = typed("--step displaycertify --reject IMG-048 --times 1").unwrap();
        assert_eq!((fault.kind, fault.code.as_deref(), fault.times), (FaultKind::Reject, Some("IMG-048"), Some(1)));
        assert_eq!(fault.step.as_deref(), Some("displaycertify"));
        let lines = [
            "--reject",
            "--block",
            "--stall",
            "--slow 3",
            "--lost-callback",
            "--reported-twice",
            "--expired-artifact",
            "--api-error 503",
            "--slow-answer 500",
            "--cut-connection",
            "--unauthorized",
            "--webhook-down",
            "--mail-down",
            "--conflict",
        ];
        assert_eq!(lines.map(|line| typed(line).unwrap().kind), FaultKind::ALL);
        assert_eq!(typed("--webhook-down timed-out").unwrap().failure, Some(Failure::TimedOut));
        assert_eq!(typed("--webhook-down 410").unwrap().status, Some(410));
        for line in ["--times 2", "--reject --stall", "--webhook-down soon", "--stall --until tomorrow"] {
            assert!(typed(line).is_err(), "{line}");
        }
    }
}
