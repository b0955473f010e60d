//! What the five verbs have in common: which offer, for how long, and what it is called.

use super::exit::Exit;
use super::fault::Fault;
use super::follow::{Ending, Goal, Outcome, Snapshot, Title, Watch, look};
use super::session::Session;
use super::source::Source;
use super::spans;
use anyhow::Result;
use api::client::Client;
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
    /// How long at most; none for as long as it takes.
    ///
    /// # Errors
    /// Where it is no time.
    pub(super) fn of(&self, session: &Session) -> Result<Option<Duration>, Fault> {
        self.timeout.as_deref().or(session.settings.value("timeout")).map(spans::parse).transpose()
    }
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
        (goal, limit): (Goal, Option<Duration>),
        source: Option<&Source>,
        before: Option<StatusDocument>,
    ) -> Result<Exit> {
        let has_acted = before.is_some();
        let first = self.look().await?;
        let ended = match goal.outcome(&first.document) {
            _ if limit == Some(Duration::ZERO) => {
                let outcome = goal.outcome(&first.document).unwrap_or(Outcome::Pending);
                (outcome, first, Some(Duration::ZERO), false)
            }
            Some(outcome) if !has_acted => (outcome, first, None, false),
            _ => {
                let (session, client, key, title) = (self.session, &self.client, self.key(), self.title().await);
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
