//! What the five verbs have in common: which offer, for how long, and what it is called.

use super::exit::Exit;
use super::fault::Fault;
use super::follow::{Ending, Goal, Manner, Outcome, Snapshot, Title, Watch, look};
use super::print::plain;
use super::session::Session;
use super::source::Source;
use super::spans;
use anyhow::Result;
use api::client::{Client, ClientError};
use api::status::StatusDocument;
use clap::Args;
use serde::Deserialize;
use std::time::Duration;

/// Which offer.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// The offer: its id, or publisher/offer.
    #[arg(value_name = "OFFER")]
    pub(super) offer: String,
}

/// How long to wait.
#[derive(Debug, Args)]
pub(super) struct Limit {
    /// How long to wait at most, such as 2h30m; 0 looks once. As long as it takes, where nothing is said. [PORTOLAN_TIMEOUT]
    #[arg(long, value_name = "TIME")]
    timeout: Option<String>,
}

impl Limit {
    /// How long at most from now on; none for as long as it takes, or where nothing is waited for, which this says with the flag
    /// that would.
    ///
    /// # Errors
    /// Where it is no time, or nothing is waited for.
    pub(super) fn of(&self, session: &Session, waits: Result<(), &str>) -> Result<Option<Deadline>, Fault> {
        if let (Some(_), Err(flag)) = (&self.timeout, waits) {
            return Err(Fault::usage(format!("--timeout is about waiting, and nothing is waited for without {flag}")));
        }
        let limit = self.timeout.as_deref().or(session.settings.value("timeout")).map(spans::parse).transpose()?;
        Ok(limit.map(|limit| Deadline {
            limit,
            at: tokio::time::sleep(if limit.is_zero() { ONE_LOOK } else { limit }).deadline(),
        }))
    }
}

/// How long one look may take.
const ONE_LOOK: Duration = Duration::from_secs(20);

/// Until when something is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    /// How long, as it was said.
    pub(super) limit: Duration,
    /// When whatever is asked has to be answered.
    at: tokio::time::Instant,
}

/// Does this, but not for longer than it is waited for.
///
/// # Errors
/// Its own, and that the time limit has passed.
pub(super) async fn in_time<T>(deadline: Option<Deadline>, what: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(Deadline { at, .. }) = deadline else { return what.await };
    let passed = || Fault {
        exit: Exit::Pending,
        code: "TimedOut",
        message: "the server did not answer within the time limit. What it was asked to do before goes on".to_owned(),
    };
    tokio::time::timeout_at(at, what).await.unwrap_or_else(|_| Err(passed().into()))
}

/// An offer at a server, as somebody typed it.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) session: &'a Session,
    pub(super) client: Client,
    pub(super) meant: String,
    pub(super) publisher: String,
    pub(super) offer: String,
}

/// What there is to see of a definition.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Named {
    display_text: String,
}

impl<'a> Subject<'a> {
    /// The offer that is meant.
    ///
    /// # Errors
    /// Where nobody can know which.
    pub(super) async fn of(session: &'a Session, which: &Which) -> Result<Self> {
        let client = session.client()?;
        let (publisher, offer) = session.offer(&client, &which.offer).await?;
        Ok(Self { session, client, meant: which.offer.clone(), publisher, offer })
    }

    /// The publisher's id and the offer's.
    pub(super) fn key(&self) -> (&str, &str) {
        (&self.publisher, &self.offer)
    }

    /// Where it stands.
    ///
    /// # Errors
    /// Where the server says no, with what may have been meant.
    pub(super) async fn look(&self) -> Result<Snapshot> {
        self.session.of_offer(&self.client, self.key(), look(&self.client, &self.publisher, &self.offer).await).await
    }

    /// Tells where it stands after something was done about it, for people as `text` says.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub(super) async fn acted(&self, text: impl FnOnce(&Snapshot) -> String) -> Result<Exit> {
        match self.look().await {
            Ok(now) => self.session.output.document(&now.wire, |out, _| Ok(writeln!(out, "{}", text(&now))?))?,
            // It is done all the same.
            Err(error) => {
                self.session
                    .say(&format!("Done. Where it stands now could not be read: {}", plain(&format!("{error:#}"))));
            }
        }
        Ok(Exit::Done)
    }

    /// What it is, where that is shown.
    pub(super) async fn title_to_draw(&self, on_output: bool) -> Title {
        match Manner::of(self.session, on_output) {
            Manner::Live => self.title().await,
            _ => Title { offer: self.offer.clone(), ..Title::default() },
        }
    }

    /// What came of asking for something to be done; nothing where the answer was lost, and what was asked for is so.
    ///
    /// # Errors
    /// Where the server says no; with what is known of it then.
    pub(super) async fn done<T>(
        &self,
        before: &StatusDocument,
        done: Result<T, ClientError>,
        not_done: &str,
    ) -> Result<Option<T>> {
        let error = match done {
            Ok(done) => return Ok(Some(done)),
            Err(error) => error,
        };
        // A server that takes no keys says no to what it has done already.
        if self.client.was_sent_again() && matches!(error.status(), Some(400 | 409)) {
            let now = self.look().await?.document;
            if now.status != before.status && now != *before {
                return Ok(None);
            }
        }
        let not_known = matches!(error, ClientError::Unreachable(_) | ClientError::Unreadable { .. })
            || error.status().is_some_and(|status| status >= 500);
        let text = match not_known {
            true => format!("nobody knows whether that was done; see portolan status {}", self.meant),
            false => not_done.to_owned(),
        };
        let error = self.session.meant(&self.client, self.key(), error).await;
        Err(if text.is_empty() { error } else { error.context(text) })
    }

    /// What it is; where that cannot be read, its id.
    pub(super) async fn title(&self) -> Title {
        let mut title = Title { offer: self.offer.clone(), ..Title::default() };
        if let Ok(read) = self.client.get_offer(&self.publisher, &self.offer).await {
            let named: Named = serde_json::from_str(read.value.definition.get()).unwrap_or_default();
            title.name = named.display_text;
            let types = self.client.list_offer_types().await.unwrap_or_default();
            let kind = types.into_iter().find(|known| known.id.eq_ignore_ascii_case(&read.value.offer_type_id));
            title.about.push(kind.map_or(read.value.offer_type_id, |kind| kind.display_text));
            if let Some(version @ 1..) = read.value.version.checked_sub(1) {
                title.about.push(format!("version {version}"));
            }
        }
        title
    }

    /// Waits from here on, and tells how it ended. `before` is how it stood before something was done about it.
    ///
    /// # Errors
    /// Where the server says no.
    pub(super) async fn wait(
        &self,
        (goal, deadline): (Goal, Option<Deadline>),
        source: Option<&Source>,
        before: Option<StatusDocument>,
    ) -> Result<Exit> {
        let has_acted = before.is_some();
        let first = match (in_time(deadline, self.look()).await, &before) {
            (Ok(first), _) => first,
            // It is done: whoever follows it hears more as soon as the server answers again.
            (Err(error), Some(before)) if Exit::of(&error) == Exit::Unreachable => {
                self.session.say("The server does not answer just now. Waiting for it.");
                Snapshot::of(before.clone())
            }
            (Err(error), _) => return Err(error),
        };
        let limit = deadline.map(|deadline| deadline.limit);
        let ended = match goal.outcome(&first.document) {
            outcome if limit == Some(Duration::ZERO) => {
                let outcome = outcome.filter(|_| before.as_ref() != Some(&first.document));
                (outcome.unwrap_or(Outcome::Pending), first, Some(Duration::ZERO), false)
            }
            Some(outcome) if !has_acted => (outcome, first, None, false),
            _ => {
                let (session, client, key) = (self.session, &self.client, self.key());
                let title = self.title_to_draw(false).await;
                let watch = Watch { session, client, key, title, goal, limit, source, on_output: false, before };
                let watched = watch.from(first).await?;
                let took = Some(watched.took).filter(|_| has_acted || watched.outcome == Outcome::Pending);
                (watched.outcome, watched.snapshot, took, watched.is_drawn)
            }
        };
        let (session, meant, key) = (self.session, self.meant.as_str(), self.key());
        let (outcome, snapshot, took, is_drawn) = ended;
        Ending { session, meant, key, goal, outcome, snapshot: &snapshot, took, is_drawn, source }.tell()
    }
}
