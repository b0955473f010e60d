//! `portolan submission`: the runs of an offer, each with its steps and what they said.

use super::Run;
use super::exit::Exit;
use super::fault::{Fault, Meant};
use super::moments::{between, minute, now};
use super::offer::Which;
use super::print::{plain, table};
use super::session::Session;
use super::settings::nearest;
use super::source::{Flaw, Source, lines};
use super::words::{titled, within};
use anyhow::{Context, Result};
use api::client::Client;
use api::dates::Date;
use api::operations::{Operation, Submission as WireSubmission, SubmissionState, SubmissionType};
use api::state::{State, at_hand};
use api::status::{Message, MessageLevel};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::collections::HashMap;
use uuid::Uuid;

/// What to do with submissions.
#[derive(Debug, Args)]
pub struct Submission {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List an offer's submissions, the newest first.
    ///
    /// Example: portolan submission list saas-live
    List(Which),
    /// Show the steps of a submission.
    ///
    /// Example: portolan submission show vm-failed
    Show(Of),
    /// List what the steps of a submission said, with the lines of a file that they are about.
    ///
    /// Example: portolan submission messages vm-failed
    Messages {
        #[command(flatten)]
        of: Of,
        /// Only what this step said.
        #[arg(long, value_name = "STEP")]
        step: Option<String>,
        /// A file with the offer, to say on which line of it each fault stands.
        #[arg(long, short, value_name = "FILE")]
        file: Option<String>,
    },
}

/// Which submission.
#[derive(Debug, Args)]
struct Of {
    #[command(flatten)]
    which: Which,
    /// The submission's number or operation id, as `portolan submission list` shows them; the newest where nothing is said.
    operation: Option<String>,
}

impl Run for Submission {
    async fn run(self, session: &Session) -> Result<Exit> {
        match self.what {
            What::List(which) => list(session, &which).await,
            What::Show(of) => of.show(session).await,
            What::Messages { of, step, file } => of.messages(session, step, file).await,
        }?;
        Ok(Exit::Done)
    }
}

async fn list(session: &Session, which: &Which) -> Result<()> {
    let client = session.client()?;
    let (publisher, offer) = &which.named(session, &client).await?;
    let runs = client.list_submissions(publisher, offer).await;
    let runs = session.of_offer(&client, (publisher, offer), runs).await?;
    let heard = client.heard();
    let document = std::str::from_utf8(&heard).context("the answer is no UTF-8")?;
    let seen = match session.output.is_for_people() {
        true => Seen::of(&client, (publisher, offer), &runs).await,
        false => Seen::default(),
    };
    session.output.document(document, |out, _| {
        if runs.is_empty() {
            return Ok(writeln!(out, "{} was never submitted.", plain(&format!("{publisher}/{offer}")))?);
        }
        let at = client.clock().map_or_else(now, |(at, _)| at);
        let numbered = runs.iter().zip((1..=runs.len()).rev());
        let rows: Vec<_> = numbered.map(|(run, number)| row(run, number, &seen, at)).collect();
        let head = ["NO", "STATE", "STEP", "BY", "STARTED", "TOOK", "VERSION", "FOR", "OPERATION"];
        Ok(table(out, head, &rows)?)
    })
}

/// What a list does not say of its runs.
#[derive(Default)]
struct Seen {
    by: HashMap<Uuid, String>,
    at: HashMap<Uuid, String>,
}

impl Seen {
    /// Asks for it, as far as the server knows.
    async fn of(client: &Client, (publisher, offer): (&str, &str), runs: &[WireSubmission]) -> Self {
        let mut seen = Self::default();
        let query = [("event", "published,goLiveStarted"), ("order", "desc"), ("$top", "200")];
        // Only our own servers tell it.
        if let Ok(page) = client.get_offer_history(publisher, offer, &query).await {
            let by = page.value.into_iter().filter_map(|entry| Some((entry.happened.operation_id?, entry.happened.by)));
            seen.by = by.collect();
        }
        let open = runs.iter().filter(|run| run.submission_state != SubmissionState::Completed);
        for run in open.take(10) {
            if let Ok(operation) = client.get_operation(publisher, offer, run.id).await
                && let Some(step) = standing(&operation)
            {
                seen.at.insert(run.id, step.to_owned());
            }
        }
        seen
    }
}

/// The name of the step that a run has come to.
fn standing(operation: &Operation) -> Option<&str> {
    Some(&at_hand(&operation.steps)?.step_name)
}

fn row(run: &WireSubmission, number: usize, seen: &Seen, at: Date) -> [String; 9] {
    let started = Date::from_ticks(run.version);
    let is_open = matches!(run.submission_state, SubmissionState::Running | SubmissionState::NotStarted);
    let or_none = |text: Option<&String>| text.cloned().unwrap_or_else(|| "–".to_owned());
    [
        number.to_string(),
        within(State::of_submission(run.submission_state)),
        or_none(seen.at.get(&run.id)),
        or_none(seen.by.get(&run.id)),
        minute(started),
        between(started, if is_open { at } else { run.changed_time }),
        run.offer_version.to_string(),
        purpose(run.submission_type).to_owned(),
        run.id.to_string(),
    ]
}

const fn purpose(kind: SubmissionType) -> &'static str {
    match kind {
        SubmissionType::Publish => "preview",
        SubmissionType::GoLive => "live",
        SubmissionType::Cancel => "cancel",
    }
}

impl Of {
    /// Which operation of which offer is meant.
    async fn found(&self, session: &Session, client: &Client) -> Result<(String, String, Uuid)> {
        let (publisher, offer) = self.which.named(session, client).await?;
        if let Some(id) = self.operation.as_deref().and_then(|text| Uuid::try_parse(text).ok()) {
            return Ok((publisher, offer, id));
        }
        let runs = client.list_submissions(&publisher, &offer).await;
        let runs = session.of_offer(client, (&publisher, &offer), runs).await?;
        let run = match self.operation.as_deref() {
            None => runs.first(),
            Some(number) => {
                let number: usize = number.parse().map_err(|_| {
                    Fault::usage(format!("{number:?} is neither a submission's number nor an operation's id"))
                })?;
                number.checked_sub(1).and_then(|at| runs.iter().rev().nth(at))
            }
        };
        match run {
            Some(run) => Ok((publisher, offer, run.id)),
            None if runs.is_empty() => Err(Fault::not_found(format!("{publisher}/{offer} was never submitted")).into()),
            None => {
                let text = format!(
                    "{publisher}/{offer} has {} submissions; `portolan submission list` shows them",
                    runs.len()
                );
                Err(Fault::not_found(text).into())
            }
        }
    }

    async fn operation(&self, session: &Session, client: &Client) -> Result<(String, Uuid, Operation)> {
        let (publisher, offer, id) = self.found(session, client).await?;
        let read = client.get_operation(&publisher, &offer, id).await;
        let operation = session.of_offer(client, (&publisher, &offer), read).await?;
        Ok((format!("{publisher}/{offer}"), id, operation))
    }

    async fn show(self, session: &Session) -> Result<()> {
        let client = session.client()?;
        let (of, id, operation) = self.operation(session, &client).await?;
        session.answered(&client, |out, _| {
            writeln!(out, "{}", plain(&of))?;
            titled(
                out,
                &[
                    ("operation", id.to_string()),
                    ("state", within(State::of_operation(operation.status, &operation.steps))),
                    ("version", operation.offer_version.to_string()),
                    ("mails to", operation.notification_emails.clone()),
                ],
            )?;
            let rows = operation.steps.iter().map(|step| {
                let said = step.messages.len();
                let said = if said == 0 { "–".to_owned() } else { said.to_string() };
                let (state, progress) =
                    (within(State::of_step(step.status)), format!("{} %", step.progress_percentage));
                [step.id.clone(), step.step_name.clone(), state, progress, said]
            });
            let rows: Vec<_> = rows.collect();
            Ok(table(out, ["STEP", "NAME", "STATE", "PROGRESS", "MESSAGES"], &rows)?)
        })
    }

    async fn messages(self, session: &Session, step: Option<String>, file: Option<String>) -> Result<()> {
        let source = file.as_deref().map(Source::read).transpose()?;
        let client = session.client()?;
        let (of, _, operation) = self.operation(session, &client).await?;
        if let Some(step) = &step {
            known_step(&operation, step)?;
        }
        let wanted = |id: &str| step.as_ref().is_none_or(|step| step.eq_ignore_ascii_case(id));
        let whole = operation.messages.iter().filter(|_| step.is_none()).map(|message| Said { step_id: None, message });
        let steps = operation.steps.iter().filter(|step| wanted(&step.id));
        let said: Vec<Said<'_>> =
            whole
                .chain(steps.flat_map(|step| {
                    step.messages.iter().map(|message| Said { step_id: Some(step.id.as_str()), message })
                }))
                .collect();
        session.output.value(&said, |out, _| {
            if said.is_empty() {
                return Ok(writeln!(out, "Nothing was said about {}.", plain(&of))?);
            }
            let flaws: Vec<Flaw<'_>> = said.iter().map(|said| Flaw::from(said.message)).collect();
            let steps: Vec<&str> = said.iter().map(|said| said.step_id.unwrap_or("–")).collect();
            let widest = steps.iter().map(|step| step.len()).max().unwrap_or_default();
            for ((said, step), line) in said.iter().zip(steps).zip(lines(&flaws, source.as_ref())) {
                let (level, at) = (level(said.message.level), minute(said.message.timestamp));
                writeln!(out, "{at}  {level:<7}  {:<widest$}  {line}", plain(step))?;
            }
            Ok(())
        })
    }
}

/// What a step said.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Said<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    step_id: Option<&'a str>,
    #[serde(flatten)]
    message: &'a Message,
}

fn known_step(operation: &Operation, step: &str) -> Result<(), Fault> {
    let ids = || operation.steps.iter().map(|step| step.id.as_str());
    if ids().any(|id| id.eq_ignore_ascii_case(step)) {
        return Ok(());
    }
    let what = format!("there is no step {step:?}");
    Err(match nearest(step, ids()) {
        Some(near) => Meant { what, near: near.to_owned() }.alone(),
        None => Fault::not_found(format!("{what}; use one of {}", ids().collect::<Vec<_>>().join(", "))),
    })
}

const fn level(level: MessageLevel) -> &'static str {
    match level {
        MessageLevel::Information => "info",
        MessageLevel::Warning => "warning",
        MessageLevel::Error => "error",
    }
}
