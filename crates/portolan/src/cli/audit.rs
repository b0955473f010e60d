//! `portolan audit`: who did what at a publisher, or among the marketplace's staff.

use super::Run;
use super::exit::Exit;
use super::fault::Fault;
use super::history::{borrowed, known};
use super::moments::{minute, moment};
use super::print::table;
use super::session::Session;
use anyhow::{Context, Result};
use api::audit::{AuditEntry, AuditPage};
use api::client::{Client, Of};
use api::dates::Date;
use clap::{Args, Subcommand, ValueEnum};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

/// What can be done. A newer server may know more.
const EVENTS: [&str; 32] = [
    "created",
    "draftSaved",
    "published",
    "wentLive",
    "cancelRequested",
    "canceled",
    "verdictGiven",
    "reviewClaimed",
    "reviewReleased",
    "noteAdded",
    "checkStarted",
    "checkReported",
    "checkHeard",
    "stepLate",
    "rolledBack",
    "audiencesSynchronised",
    "replanned",
    "linksRenewed",
    "publisherCreated",
    "memberAdded",
    "setUpAgain",
    "rolesChanged",
    "memberRemoved",
    "secretAdded",
    "secretRemoved",
    "invited",
    "passwordSet",
    "subscriptionAdded",
    "subscriptionChanged",
    "subscriptionRemoved",
    "subscriptionDisabled",
    "deliveryRepeated",
];

/// Whose audit.
#[derive(Debug, Args)]
pub struct Audit {
    #[command(subcommand)]
    what: What,
    /// The one of the marketplace: what was done to its staff. For operators and auditors.
    #[arg(long, global = true)]
    marketplace: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List who did what, the newest first.
    ///
    /// Example: portolan audit list --event memberAdded,rolesChanged
    List {
        #[command(flatten)]
        filter: Filter,
        /// How many at most.
        #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u8).range(1..=200))]
        top: u8,
    },
    /// Write all who did something and what, the newest first: as CSV, or as a JSON object a line.
    ///
    /// Example: portolan audit export --format csv > audit.csv
    Export {
        #[command(flatten)]
        filter: Filter,
        /// In which form.
        #[arg(long, value_name = "FORM", value_enum)]
        format: Form,
        /// A new file to write; standard output where nothing is said.
        #[arg(long, short, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Write over the file where it is there already.
        #[arg(long, requires = "file")]
        force: bool,
    },
}

/// In which form entries are written out.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// With a line of names first, for spreadsheets.
    Csv,
    /// A JSON object a line.
    Jsonl,
}

impl Form {
    const fn word(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }
}

/// Which entries.
#[derive(Debug, Args)]
struct Filter {
    /// Only what this one did: a name or mail address as the list has it, or a principal's id.
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Only what was done to this offer: its id, or `publisher/offer`.
    #[arg(long, value_name = "OFFER", conflicts_with = "marketplace")]
    offer: Option<String>,
    /// Only these, such as published or memberAdded; with commas between them, or given several times.
    #[arg(long = "event", value_name = "EVENT", value_delimiter = ',')]
    events: Vec<String>,
    /// Only entries of this moment and later: 2026-11-22T09:41:00Z, or a day.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    since: Option<Date>,
    /// Only entries before this moment.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    until: Option<Date>,
}

impl Filter {
    /// As a query, but for the offer.
    fn query(&self) -> Result<Vec<(&'static str, String)>, Fault> {
        self.events.iter().try_for_each(|event| known(event, &EVENTS))?;
        let moments = [("since", self.since), ("until", self.until)];
        let mut query: Vec<_> =
            moments.into_iter().filter_map(|(name, moment)| Some((name, moment?.to_string()))).collect();
        query.extend(self.who.clone().map(|who| ("who", who)));
        if !self.events.is_empty() {
            query.push(("event", self.events.join(",")));
        }
        Ok(query)
    }
}

impl Run for Audit {
    async fn run(self, session: &Session) -> Result<Exit> {
        let filter = match &self.what {
            What::List { filter, .. } | What::Export { filter, .. } => filter,
        };
        let mut query = filter.query()?;
        let client = session.client()?;
        let publisher = match (self.marketplace, &filter.offer) {
            (true, _) => None,
            (false, Some(offer)) => {
                let (publisher, offer) = session.offer(&client, offer).await?;
                query.push(("offerId", offer));
                Some(publisher)
            }
            (false, None) => Some(session.publisher(&client).await?),
        };
        let asked = Asked { session, client: &client, publisher: publisher.as_deref(), query };
        match self.what {
            What::List { top, .. } => asked.list(top).await,
            What::Export { format, file, force, .. } => asked.export(format, file, force).await,
        }?;
        Ok(Exit::Done)
    }
}

/// Whose audit is asked for, and what of it.
struct Asked<'a> {
    session: &'a Session,
    client: &'a Client,
    publisher: Option<&'a str>,
    query: Vec<(&'static str, String)>,
}

impl Asked<'_> {
    async fn list(mut self, top: u8) -> Result<()> {
        self.query.push(("$top", top.to_string()));
        let query = borrowed(&self.query);
        let page = match self.publisher {
            Some(publisher) => {
                let page = self.client.get_publisher_audit(publisher, &query).await;
                self.session.of_publisher(self.client, publisher, page).await?
            }
            None => self.client.get_marketplace_audit(&query).await?,
        };
        self.session.answered(self.client, |out, _| entries(out, &page))?;
        if page.next_link.is_some() {
            self.session
                .say("There is more: see further back with --top 200 or --until, or all with portolan audit export.");
        }
        Ok(())
    }

    async fn export(self, form: Form, file: Option<PathBuf>, force: bool) -> Result<()> {
        let query = borrowed(&self.query);
        let of = self.publisher.map_or(Of::Marketplace, Of::Publisher);
        let exported = self.client.export_audit(of, form.word(), &query).await;
        let mut exported = match self.publisher {
            Some(publisher) => self.session.of_publisher(self.client, publisher, exported).await?,
            None => exported?,
        };
        let name = file.as_ref().map_or_else(|| "standard output".to_owned(), |file| file.display().to_string());
        let mut out: Box<dyn Write> = match &file {
            None => Box::new(std::io::stdout()),
            Some(path) => {
                let mut options = OpenOptions::new();
                let options = options.write(true);
                let options = if force { options.create(true).truncate(true) } else { options.create_new(true) };
                Box::new(options.open(path).map_err(|error| match error.kind() {
                    ErrorKind::AlreadyExists => {
                        Fault::usage(format!("{name} is there already; add --force to write over it"))
                    }
                    _ => Fault::usage(format!("{name} cannot be written (-f): {error}")),
                })?)
            }
        };
        let part = || format!("the audit broke off: {name} has only its beginning");
        while let Some(bytes) = exported.next().await.with_context(part)? {
            out.write_all(&bytes).with_context(|| format!("{name} cannot be written"))?;
        }
        out.flush().with_context(|| format!("{name} cannot be written"))?;
        if file.is_some() {
            self.session.say(&format!("Wrote the audit to {name}."));
        }
        Ok(())
    }
}

fn entries(out: &mut dyn Write, page: &AuditPage) -> Result<()> {
    if page.value.is_empty() {
        return Ok(writeln!(out, "Nothing of that was done.")?);
    }
    let row = |entry: &AuditEntry| {
        let entry = entry.clone();
        let offer = entry.offer_id.unwrap_or_default();
        [entry.sequence.to_string(), minute(entry.at), entry.who, offer, entry.event, entry.words]
    };
    let rows: Vec<_> = page.value.iter().map(row).collect();
    Ok(table(out, ["NO", "AT", "WHO", "OFFER", "EVENT", "WHAT WAS DONE"], &rows)?)
}
