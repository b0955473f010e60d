//! What happened: `portolan offer history` of one offer, `portolan journal list` and `export` of all offers of a publisher.

use super::exit::Exit;
use super::fault::{Fault, Meant};
use super::moments::{minute, moment};
use super::offer::Which;
use super::print::table;
use super::session::Session;
use super::settings::nearest;
use super::words::within;
use super::{Run, With, run};
use anyhow::{Context, Result};
use api::client::Client;
use api::dates::Date;
use api::events::{HistoryEntry, HistoryPage};
use api::state::State;
use api::status::StatusDocument;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

/// The events that there are. A newer server may know more.
const EVENTS: [&str; 21] = [
    "created",
    "draftSaved",
    "published",
    "stepStarted",
    "progressed",
    "waitingForReviewer",
    "reviewed",
    "blocked",
    "unblocked",
    "stepCompleted",
    "failed",
    "previewReady",
    "goLiveStarted",
    "live",
    "cancelRequested",
    "canceled",
    "rolledBack",
    "audiencesSynchronised",
    "stepLate",
    "replanned",
    "linksRenewed",
];

/// How many entries a server gives at once, at most.
const PAGE: &str = "200";

/// Says which event was probably meant, where one is not known.
///
/// # Errors
/// Names the event that is nearly this one.
pub(super) fn known_event(event: &str) -> Result<(), Fault> {
    known(event, &EVENTS)
}

/// The same among these.
///
/// # Errors
/// As [`known_event`].
pub(super) fn known(event: &str, events: &[&str]) -> Result<(), Fault> {
    let is_known = events.iter().any(|known| known.eq_ignore_ascii_case(event));
    match nearest(event, events.iter().copied()).filter(|_| !is_known) {
        Some(near) => Err(Meant { what: format!("there is no event {event:?}"), near: near.to_owned() }.alone()),
        None => Ok(()),
    }
}

/// Which entries.
#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Only entries of this moment and later: 2026-11-22T09:41:00Z, or a day.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    since: Option<Date>,
    /// Only entries before this moment.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    until: Option<Date>,
    /// Only these events, such as published or live; with commas between them, or given several times.
    #[arg(long = "event", value_name = "EVENT", value_delimiter = ',')]
    events: Vec<String>,
}

impl Filter {
    fn query(&self) -> Result<Vec<(&'static str, String)>, Fault> {
        self.events.iter().try_for_each(|event| known_event(event))?;
        let moments = [("since", self.since), ("until", self.until)];
        let mut query: Vec<_> =
            moments.into_iter().filter_map(|(name, moment)| Some((name, moment?.to_string()))).collect();
        if !self.events.is_empty() {
            query.push(("event", self.events.join(",")));
        }
        Ok(query)
    }
}

/// Which entries, and how many.
#[derive(Debug, Args)]
pub(super) struct Newest {
    #[command(flatten)]
    filter: Filter,
    /// How many at most, the newest first.
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u8).range(1..=200))]
    top: u8,
}

impl Newest {
    fn query(&self) -> Result<Vec<(&'static str, String)>, Fault> {
        let mut query = self.filter.query()?;
        query.extend([("order", "desc".to_owned()), ("$top", self.top.to_string())]);
        Ok(query)
    }
}

/// A query as the client takes it.
pub(super) fn borrowed<'a>(query: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    query.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Which offer, and what of its history.
#[derive(Debug, Args)]
pub(super) struct History {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    newest: Newest,
    /// Where the offer stood at this moment, instead of what happened.
    #[arg(long, value_name = "MOMENT", value_parser = moment, conflicts_with_all = ["since", "until", "events"])]
    as_of: Option<Date>,
}

impl History {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let query = self.newest.query()?;
        let client = session.client()?;
        let (publisher, offer) = &self.which.named(session, &client).await?;
        if let Some(moment) = self.as_of {
            let status = client.get_offer_status_as_of(publisher, offer, moment).await;
            let status = session.of_offer(&client, (publisher, offer), status).await?;
            return session.answered(&client, |out, _| stood(out, &status));
        }
        let page = client.get_offer_history(publisher, offer, &borrowed(&query)).await;
        let page = session.of_offer(&client, (publisher, offer), page).await?;
        session.answered(&client, |out, _| entries(out, &page))?;
        more(session, &page);
        Ok(())
    }
}

fn stood(out: &mut dyn Write, status: &StatusDocument) -> Result<()> {
    writeln!(out, "{}", within(State::of_document(status)))?;
    let rows = status.steps.iter().map(|step| {
        [step.step_name.clone(), within(State::of_step(step.status)), format!("{} %", step.progress_percentage)]
    });
    let rows: Vec<_> = rows.collect();
    Ok(table(out, ["STEP", "STATE", "PROGRESS"], &rows)?)
}

fn entries(out: &mut dyn Write, page: &HistoryPage) -> Result<()> {
    if page.value.is_empty() {
        return Ok(writeln!(out, "Nothing of that happened.")?);
    }
    let row = |HistoryEntry { happened, .. }: &HistoryEntry| {
        let happened = happened.clone();
        let offer = format!("{}/{}", happened.publisher_id, happened.offer_id);
        [happened.sequence.to_string(), minute(happened.at), offer, happened.event, happened.by, happened.title]
    };
    let rows: Vec<_> = page.value.iter().map(row).collect();
    Ok(table(out, ["NO", "AT", "OFFER", "EVENT", "BY", "WHAT HAPPENED"], &rows)?)
}

fn more(session: &Session, page: &HistoryPage) {
    if page.next_link.is_some() {
        session.say("There is more: see further back with --top 200 or --until, or all with portolan journal export.");
    }
}

/// What to do with the journal that a server keeps.
#[derive(Debug, Subcommand)]
pub enum Journal {
    /// List what happened to all offers of a publisher, the newest first.
    ///
    /// Example: portolan journal list --event published,live
    List(With<List>),
    /// Write all that happened to the offers of a publisher, the oldest first: a JSON object a line.
    ///
    /// Example: portolan journal export > journal.jsonl
    Export(With<Export>),
}

impl Journal {
    /// Does it, and says how it ended.
    pub async fn run(self) -> ExitCode {
        match self {
            Self::List(list) => run(list).await,
            Self::Export(export) => run(export).await,
        }
    }
}

/// Which entries to list.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    newest: Newest,
}

/// Which entries to write.
#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    filter: Filter,
}

impl Run for List {
    async fn run(self, session: &Session) -> Result<Exit> {
        let query = self.newest.query()?;
        let client = session.client()?;
        let publisher = session.publisher(&client).await?;
        let page = client.get_publisher_history(&publisher, &borrowed(&query)).await;
        let page = session.of_publisher(&client, &publisher, page).await?;
        session.answered(&client, |out, _| entries(out, &page))?;
        more(session, &page);
        Ok(Exit::Done)
    }
}

impl Run for Export {
    async fn run(self, session: &Session) -> Result<Exit> {
        let query = self.filter.query()?;
        let client = session.client()?;
        let publisher = session.publisher(&client).await?;
        let mut out = BufWriter::new(std::io::stdout().lock());
        let mut after = 0;
        loop {
            let page = part(session, &client, &publisher, &query, after).await?;
            for line in lines(&client.heard())? {
                writeln!(out, "{line}").context("standard output cannot be written")?;
            }
            // A page may have nothing that fits, and still be followed by others.
            let next = page.next_link.as_deref().and_then(following);
            match next.or_else(|| page.value.last().filter(|_| page.next_link.is_some()).map(|e| e.happened.sequence)) {
                Some(next) if next > after => after = next,
                _ => break,
            }
        }
        out.flush().context("standard output cannot be written")?;
        Ok(Exit::Done)
    }
}

/// The entries of a page, each in a line and as the server wrote it: with members that this program does not know.
fn lines(page: &[u8]) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Page {
        value: Vec<Box<RawValue>>,
    }
    let page: Page = serde_json::from_slice(page).context("the page of the journal cannot be read")?;
    // No text in JSON has a line break: they are all between its members.
    Ok(page.value.iter().map(|entry| entry.get().replace(['\n', '\r'], "")).collect())
}

async fn part(
    session: &Session,
    client: &Client,
    publisher: &str,
    query: &[(&'static str, String)],
    after: i64,
) -> Result<HistoryPage> {
    let after = after.to_string();
    let query = [&borrowed(query)[..], &[("after", &*after), ("$top", PAGE), ("order", "asc")]].concat();
    session.of_publisher(client, publisher, client.get_publisher_history(publisher, &query).await).await
}

/// The number after which the next page begins, as its address says.
fn following(link: &str) -> Option<i64> {
    let query = link.split_once('?')?.1;
    query.split('&').find_map(|pair| pair.strip_prefix("after=")).and_then(|number| number.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn an_entry_is_written_as_it_came_in_one_line() {
        let page = b"{\"value\": [{\"new\": 1.50,\n \"sequence\": 1}, {\"title\": \"a\\nb\"}], \"nextLink\": \"x\"}";
        assert_eq!(lines(page).unwrap(), [r#"{"new": 1.50, "sequence": 1}"#, r#"{"title": "a\nb"}"#]);
        assert!(lines(b"[]").is_err());
    }
}
