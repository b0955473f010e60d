//! `portolan events`: what happens to offers, as it happens.

use super::Run;
use super::exit::Exit;
use super::follow::{PAUSES, passes};
use super::history::known_event;
use super::output::Format;
use super::print::plain;
use super::session::Session;
use crate::clock::Clock;
use anyhow::{Context, Result};
use api::client::{Client, ClientError, Events as Stream, Forward};
use api::events::Event;
use clap::{Args, Subcommand};
use std::io::Write;
use std::time::Duration;

/// A stream that ended sooner, with nothing in it, has not held.
const HAS_HELD: Duration = Duration::from_secs(10);

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
    /// End after so many events; of those that are sent on, those that were taken count.
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
        let stream = match &whose {
            Whose::Offer(publisher, offer) => session.of_offer(&client, (publisher, offer), first).await?,
            Whose::Publisher(publisher) => session.of_publisher(&client, publisher, first).await?,
        };
        let after = self.after;
        let mut feed = Feed { session, client, whose, clock: Clock::system(), stream, after, empty: 0 };
        let mut told = 0;
        while self.limit != Some(told) {
            let event = feed.next().await?;
            if self.wants(&event) && tell(session, &event, feed.stream.raw(), forward).await? {
                told += 1;
            }
        }
        Ok(())
    }

    fn wants(&self, event: &Event) -> bool {
        let name = &event.data.entry.event;
        self.events.is_empty() || self.events.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))
    }
}

/// Events one after the other, over as many streams as that takes.
struct Feed<'a> {
    session: &'a Session,
    client: Client,
    whose: Whose,
    clock: Clock,
    stream: Stream,
    /// The number to go on after.
    after: Option<i64>,
    /// How many streams in a row have not held.
    empty: usize,
}

impl Feed<'_> {
    async fn next(&mut self) -> Result<Event> {
        loop {
            let began = self.clock.steady();
            match self.stream.next().await {
                Ok(Some(event)) => {
                    self.after = self.stream.last();
                    self.empty = 0;
                    return Ok(event);
                }
                // Servers end streams when they like, and connections break.
                Ok(None) => {}
                Err(error) if passes(&error) => {}
                Err(error) => return Err(error.into()),
            }
            if self.clock.steady().saturating_sub(began) >= HAS_HELD {
                self.empty = 0;
            }
            self.stream = self.again().await?;
        }
    }

    /// The same stream, once the server answers again.
    async fn again(&mut self) -> Result<Stream> {
        let mut is_lost = false;
        loop {
            tokio::time::sleep(pause(self.empty)).await;
            self.empty += 1;
            match self.whose.follow(&self.client, self.after).await {
                Ok(stream) => {
                    if is_lost {
                        self.session.say("The server answers again.");
                    }
                    return Ok(stream);
                }
                Err(error) if error.status() == Some(400) && self.after.is_some() => {
                    self.session.say("The server has another journal now: it begins anew, with the newest event.");
                    self.after = None;
                }
                Err(error) if passes(&error) => {
                    if !std::mem::replace(&mut is_lost, true) {
                        self.session.say(&plain(&format!("{error}. It is asked again until it answers.")));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// How long to wait before a stream is asked for again, after so many that have not held.
fn pause(empty: usize) -> Duration {
    Duration::from_secs(PAUSES.get(empty).or(PAUSES.last()).copied().unwrap_or_default())
}

/// Tells an event, or sends it on; says whether it has come to where it should.
async fn tell(session: &Session, event: &Event, raw: &str, forward: Option<&Forward>) -> Result<bool> {
    let columns = columns(event);
    if let Some(forward) = forward {
        let (is_taken, came) = match forward.send(event, raw).await {
            Ok(status) if (200..300).contains(&status) => (true, format!("HTTP {status}")),
            Ok(status) => {
                (false, format!("not taken: HTTP {status}; it is not sent again, and --limit does not count it"))
            }
            Err(error) => (false, format!("not taken: {error}; it is not sent again, and --limit does not count it")),
        };
        session.say(&format!("{}  {}", columns.join("  "), plain(&came)));
        return Ok(is_taken);
    }
    let between = match session.output.format {
        _ if session.output.is_for_people() => "  ",
        Format::Tsv if session.output.query.is_none() => "\t",
        _ => return session.output.document(raw, |_, _| Ok(())).map(|()| true),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", columns.join(between)).context("standard output cannot be written")?;
    out.flush().context("standard output cannot be written")?;
    Ok(true)
}

/// An event in a line: when, of which offer, its number, what, in which step, and in words.
fn columns(event: &Event) -> [String; 6] {
    let entry = &event.data.entry;
    let of = format!("{}/{}", entry.publisher_id, entry.offer_id);
    let step = entry.step_id.as_deref().unwrap_or("–");
    let time = event.time.to_string();
    [&*time, &of, &entry.sequence.to_string(), &entry.event, step, &entry.title].map(plain)
}

#[cfg(test)]
mod tests {
    use super::{columns, pause};
    use api::events::Event;

    #[test]
    fn what_does_not_hold_is_asked_for_ever_less_often() {
        assert_eq!([0, 1, 5, 99].map(|empty| pause(empty).as_secs()), [1, 2, 30, 30]);
    }

    #[test]
    fn each_thing_told_is_one_column() {
        let event = r#"{"specversion": "1.0", "id": "7", "source": "x", "type": "x", "subject": "x", "datacontenttype": "x",
            "time": "2026-01-09T00:00:00Z", "data": {"status": {}, "entry": {"sequence": 7, "at": "2026-01-09T00:00:00Z",
            "event": "failed", "title": "two  spaces\tand a tab", "by": "x", "publisherId": "contoso", "offerId": "vm",
            "status": "failed", "hash": "0"}}}"#;
        let event: Event = serde_json::from_str(event).unwrap();
        let columns = columns(&event);
        assert_eq!(columns[1..], ["contoso/vm", "7", "failed", "–", "two  spaces?and a tab"].map(str::to_owned));
    }
}
