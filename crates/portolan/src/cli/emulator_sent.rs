//! `portolan emulator outbox` and `requests`: what an emulator sent to nobody, and what it was asked.

use super::Run;
use super::emulator::asked;
use super::emulator_told::minute;
use super::exit::Exit;
use super::fault::Fault;
use super::print::{plain, table};
use super::session::Session;
use anyhow::Result;
use api::emulator::{Asked, Sent, SentRequest, SentWhat};
use clap::{Args, Subcommand};
use std::io::Write;

/// What to see of the outbox.
#[derive(Debug, Args)]
pub struct OutboxCommand {
    #[command(subcommand)]
    what: Option<OutboxWhat>,
}

#[derive(Debug, Subcommand)]
enum OutboxWhat {
    /// List what was sent, oldest first.
    ///
    /// Example: portolan emulator outbox list
    List,
    /// Show one mail or request whole.
    ///
    /// Example: portolan emulator outbox show 3
    Show {
        /// Its number in the list.
        number: u64,
    },
}

impl Run for OutboxCommand {
    async fn run(self, session: &Session) -> Result<Exit> {
        let client = session.client_of_emulator()?;
        let sent = asked(session, client.emulator_outbox().await)?;
        match self.what {
            None | Some(OutboxWhat::List) => session.answered(&client, |out, _| {
                if sent.is_empty() {
                    return Ok(writeln!(out, "Nothing was sent.")?);
                }
                let rows: Vec<[String; 6]> = sent.iter().map(row).collect();
                Ok(table(out, ["NO", "CLOCK (UTC)", "KIND", "TRY", "ANSWER", "TO"], &rows)?)
            })?,
            Some(OutboxWhat::Show { number }) => {
                let one = sent.iter().find(|sent| sent.number == number);
                let none = || {
                    Fault::not_found(format!(
                        "nothing of the number {number} is in the outbox; `portolan emulator outbox` lists what is"
                    ))
                };
                let one = one.ok_or_else(none)?;
                session.output.value(one, |out, _| whole(out, one))?;
            }
        }
        Ok(Exit::Done)
    }
}

fn row(sent: &Sent) -> [String; 6] {
    let to = match &sent.what {
        SentWhat::Mail(mail) => format!("{}: {}", mail.to, mail.subject),
        SentWhat::Webhook(request) | SentWhat::Lead(request) | SentWhat::Other(request) => request.url.clone(),
    };
    let (number, attempt) = (sent.number.to_string(), sent.attempt.to_string());
    [number, minute(sent.at), sent.what.kind().to_owned(), attempt, sent.answer.clone(), to]
}

/// One thing that was sent, as its receiver would have got it.
fn whole(out: &mut dyn Write, sent: &Sent) -> Result<()> {
    let lines = |text: &str| text.lines().map(plain).collect::<Vec<_>>().join("\n");
    writeln!(out, "Sent at {} UTC, try {}, answered {}.\n", minute(sent.at), sent.attempt, plain(&sent.answer))?;
    match &sent.what {
        SentWhat::Mail(mail) => {
            writeln!(out, "To: {}\nSubject: {}\n\n{}", plain(&mail.to), plain(&mail.subject), lines(&mail.text))?;
        }
        SentWhat::Webhook(request) | SentWhat::Lead(request) | SentWhat::Other(request) => {
            let SentRequest { method, url, headers, body, signature_valid } = request;
            writeln!(out, "{} {}", plain(method), plain(url))?;
            for (name, value) in headers {
                writeln!(out, "{}: {}", plain(name), plain(value))?;
            }
            writeln!(out, "\n{}", lines(body))?;
            if let Some(is_valid) = signature_valid {
                writeln!(out, "\nThe signature is {}.", if *is_valid { "valid" } else { "not valid" })?;
            }
        }
    }
    Ok(())
}

#[derive(Debug, Args)]
pub struct Requests {}

impl Run for Requests {
    async fn run(self, session: &Session) -> Result<Exit> {
        let client = session.client_of_emulator()?;
        let requests = asked(session, client.emulator_requests().await)?;
        session.answered(&client, |out, _| {
            let rows: Vec<[String; 8]> = requests.iter().map(asked_row).collect();
            Ok(table(out, ["NO", "CLOCK (UTC)", "STATUS", "MS", "BY", "FAULT", "METHOD", "PATH"], &rows)?)
        })?;
        Ok(Exit::Done)
    }
}

fn asked_row(asked: &Asked) -> [String; 8] {
    let (number, status, took) = (asked.number.to_string(), asked.status.to_string(), asked.milliseconds.to_string());
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    let (by, fault) = (or_none(&asked.by), or_none(&asked.fault));
    [number, minute(asked.at), status, took, by, fault, asked.method.clone(), asked.path.clone()]
}
