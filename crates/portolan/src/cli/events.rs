//! `portolan events`: what happens to offers, as it happens.

use super::Run;
use super::exit::Exit;
use super::history::known_event;
use super::output::Format;
use super::print::plain;
use super::session::Session;
use anyhow::{Context, Result};
use api::client::{Client, ClientError, Events as Stream, Forward};
use api::events::Event;
use clap::{Args, Subcommand};
use std::io::Write;
use std::time::Duration;

/// How long to wait before a stream that broke off is asked for again: first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// What to do with events.
#[derive(Debug, Args)]
pub struct Events {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Tell what happens, as it happens: a line for each event, or a JSON object. Ctrl-C ends it.
    ///
    /// Example: portolan events tail vm-failed --limit 1
    Tail(Wanted),
    /// Send each event to a program on this machine, as a webhook would get it but for the signature.
    ///
    /// Example: portolan events forward vm-in-progress --to http://127.0.0.1:9999/hook
    Forward {
        #[command(flatten)]
        wanted: Wanted,
        /// Where to: an http address of this machine.
        #[arg(long, value_name = "URL")]
        to: String,
    },
}

/// Which events.
#[derive(Debug, Args)]
struct Wanted {
    /// Only those of this offer: its id, or `publisher/offer`. Those of all offers of the publisher where nothing is said.
    offer: Option<String>,
    /// Begin after the event of this number; with the newest one where nothing is said.
    #[arg(long, value_name = "NUMBER")]
    after: Option<i64>,
    /// Only these, such as published or live; with commas between them, or given several times.
    #[arg(long = "event", value_name = "EVENT", value_delimiter = ',')]
    events: Vec<String>,
    /// End after so many events.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

impl Run for Events {
    async fn run(self, session: &Session) -> Result<Exit> {
        match self.what {
            What::Tail(wanted) => wanted.each(session, None).await,
            What::Forward { wanted, to } => wanted.each(session, Some(&Forward::to(&to)?)).await,
        }?;
        Ok(Exit::Done)
    }
}

/// Whose events.
enum Whose {
    Offer(String, String),
    Publisher(String),
}

impl Whose {
    async fn follow(&self, client: &Client, after: Option<i64>) -> Result<Stream, ClientError> {
        match self {
            Self::Offer(publisher, offer) => client.follow_offer(publisher, offer, after).await,
            Self::Publisher(publisher) => client.follow_publisher(publisher, after).await,
        }
    }
}

impl Wanted {
    async fn each(self, session: &Session, forward: Option<&Forward>) -> Result<()> {
        self.events.iter().try_for_each(|event| known_event(event))?;
        let client = session.client()?;
        let whose = match &self.offer {
            Some(offer) => {
                let (publisher, offer) = session.offer(&client, offer).await?;
                Whose::Offer(publisher, offer)
            }
            None => Whose::Publisher(session.publisher(&client).await?),
        };
        let first = whose.follow(&client, self.after).await;
        let mut stream = match &whose {
            Whose::Offer(publisher, offer) => session.of_offer(&client, (publisher, offer), first).await?,
            Whose::Publisher(publisher) => session.of_publisher(&client, publisher, first).await?,
        };
        let (mut told, mut after) = (0, self.after);
        loop {
            let next = stream.next().await;
            match next {
                Ok(Some(event)) => {
                    after = stream.last();
                    if self.wants(&event) {
                        tell(session, &event, stream.raw(), forward).await?;
                        told += 1;
                    }
                    if self.limit == Some(told) {
                        return Ok(());
                    }
                }
                // Servers end streams when they like, and connections break.
                Ok(None) | Err(ClientError::Unreachable(_)) => stream = again(session, &client, &whose, after).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn wants(&self, event: &Event) -> bool {
        let name = &event.data.entry.event;
        self.events.is_empty() || self.events.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))
    }
}

/// The same stream, once the server answers again.
async fn again(session: &Session, client: &Client, whose: &Whose, after: Option<i64>) -> Result<Stream> {
    let mut pause = PAUSES.0;
    loop {
        match whose.follow(client, after).await {
            Ok(stream) => return Ok(stream),
            Err(ClientError::Unreachable(_)) => {
                session.say(&format!("The server does not answer; asking again in {} s.", pause.as_secs()));
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn tell(session: &Session, event: &Event, raw: &str, forward: Option<&Forward>) -> Result<()> {
    let entry = &event.data.entry;
    let time = event.time.to_string();
    let of = format!("{}/{}", entry.publisher_id, entry.offer_id);
    let step = entry.step_id.as_deref().unwrap_or("–");
    let line = plain(&format!("{time}  {of}  {}  {}  {step}  {}", entry.sequence, entry.event, entry.title));
    if let Some(forward) = forward {
        let came = match forward.send(event, raw).await {
            Ok(status) => format!("HTTP {status}"),
            Err(error) => format!("not taken: {error}"),
        };
        session.say(&plain(&format!("{line}  {came}")));
        return Ok(());
    }
    if session.output.is_for_people() || session.output.format == Format::Tsv && session.output.query.is_none() {
        let line = if session.output.is_for_people() { line } else { line.replace("  ", "\t") };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").context("standard output cannot be written")?;
        return out.flush().context("standard output cannot be written");
    }
    session.output.document(raw, |_, _| Ok(()))
}
