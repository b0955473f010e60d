//! `portolan offer`: what is done with offers besides publishing them.

use super::Run;
use super::compare::Compare;
use super::confirm::Confirm;
use super::draft::{Export, Put, Validate};
use super::exit::Exit;
use super::history::History;
use super::moments::minute;
use super::output::pretty;
use super::print::{plain, table};
use super::session::Session;
use super::words::{titled, within};
use anyhow::{Context, Result};
use api::audiences::{AudienceEntry, AudienceKind};
use api::client::{Client, ClientError};
use api::offers::Offer as WireOffer;
use api::state;
use clap::{Args, Subcommand, ValueEnum};

/// What to do with offers.
#[derive(Debug, Args)]
pub struct Offer {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the offers of a publisher.
    ///
    /// Example: portolan offer list
    List,
    /// Show an offer: its draft, what is previewed or live, or a version.
    ///
    /// Example: portolan offer show saas-live --slot production
    Show(Show),
    /// Create an offer, or replace its draft, from a file.
    ///
    /// Example: portolan offer put vm-never-published -f offer.json
    Put(Put),
    /// Judge a file before it is put, as far as that can be told without publishing. Nothing is changed.
    ///
    /// Example: portolan offer validate vm-never-published -f offer.json
    Validate(Validate),
    /// Show what is different between two of an offer's versions, member by member.
    ///
    /// Example: portolan offer diff saas-live --from 1 --to draft
    Diff(Compare),
    /// Show what happened to an offer, or where it stood at some moment.
    ///
    /// Example: portolan offer history vm-failed
    History(History),
    /// Write an offer as a file that `portolan offer put` takes.
    ///
    /// Example: portolan offer export vm-never-published > offer.json
    Export(Export),
    /// Put the version that was live before back, at once. Doing it again goes forward again.
    ///
    /// Example: portolan offer roll-back vm-live-update-in-review --yes
    RollBack {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        confirm: Confirm,
    },
    /// List who may see the private plans that are live.
    ///
    /// Example: portolan offer audiences saas-live
    Audiences(Which),
    /// Put the audiences of the draft in the place of those that are live, without publishing.
    ///
    /// Example: portolan offer synchronise-audiences saas-live
    SynchroniseAudiences(Which),
}

/// Which offer.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// The offer's id, or `publisher/offer`.
    offer: String,
}

impl Which {
    /// The ids of its publisher and its own.
    ///
    /// # Errors
    /// Where nobody can know which publisher.
    pub(super) async fn named(&self, session: &Session, client: &Client) -> Result<(String, String)> {
        session.offer(client, &self.offer).await
    }
}

/// One of the slots of an offer.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Slot {
    /// What is saved.
    Draft,
    /// What the publisher can look at before it goes live.
    Preview,
    /// What customers see.
    Production,
}

/// Which state of an offer; its draft where nothing is said.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct State {
    /// What is in this slot.
    #[arg(long, value_enum, conflicts_with = "version")]
    slot: Option<Slot>,
    /// What was published with this version.
    #[arg(long, value_name = "NUMBER")]
    version: Option<i64>,
}

impl State {
    /// What is live.
    pub(super) const LIVE: Self = Self { slot: Some(Slot::Production), version: None };

    /// Reads `draft`, `preview`, `live` or the number of a version.
    ///
    /// # Errors
    /// Says what it can be.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let slot = |slot| Ok(Self { slot: Some(slot), version: None });
        match text {
            "draft" => slot(Slot::Draft),
            "preview" => slot(Slot::Preview),
            "live" | "production" => Ok(Self::LIVE),
            number => match number.parse() {
                Ok(version) => Ok(Self { slot: None, version: Some(version) }),
                Err(_) => Err("say draft, preview, live, or the number of a version".to_owned()),
            },
        }
    }

    /// Reads an offer in this state.
    pub(super) async fn read(self, client: &Client, publisher: &str, offer: &str) -> Result<WireOffer, ClientError> {
        match (self.version, self.slot) {
            (Some(version), _) => client.get_offer_version(publisher, offer, version).await,
            (None, None) => client.get_offer(publisher, offer).await.map(|tagged| tagged.value),
            (None, Some(slot)) => client.get_offer_slot(publisher, offer, slot.word()).await,
        }
    }

    /// What it is called.
    pub(super) fn name(self) -> String {
        match (self.version, self.slot) {
            (Some(version), _) => format!("version {version}"),
            (None, Some(Slot::Production)) => "what is live".to_owned(),
            (None, Some(Slot::Preview)) => "the preview".to_owned(),
            (None, Some(Slot::Draft) | None) => "the draft".to_owned(),
        }
    }
}

impl Slot {
    const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Preview => "preview",
            Self::Production => "production",
        }
    }
}

#[derive(Debug, Args)]
struct Show {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    state: State,
}

impl Run for Offer {
    async fn run(self, session: &Session) -> Result<Exit> {
        match self.what {
            What::List => list(session).await,
            What::Show(show) => show.run(session).await,
            What::Put(put) => put.run(session).await,
            What::Validate(validate) => validate.run(session).await,
            What::Diff(compare) => compare.run(session).await,
            What::History(history) => history.run(session).await,
            What::Export(export) => export.run(session).await,
            What::RollBack { which, confirm } => roll_back(session, &which, &confirm).await,
            What::Audiences(which) => audiences(session, &which).await,
            What::SynchroniseAudiences(which) => synchronise(session, &which).await,
        }?;
        Ok(Exit::Done)
    }
}

async fn list(session: &Session) -> Result<()> {
    let client = session.client()?;
    let publisher = session.publisher(&client).await?;
    let offers = session.of_publisher(&client, &publisher, client.list_offers(&publisher).await).await?;
    session.answered(&client, |out, _| {
        if offers.is_empty() {
            return Ok(writeln!(out, "{} has no offers yet.", plain(&publisher))?);
        }
        let rows = offers.iter().map(|offer| {
            let state = within(state::State::of_offer(offer.status, None));
            let (name, changed) = (offer.definition.display_text.clone(), minute(offer.changed_time));
            [offer.id.clone(), offer.offer_type_id.clone(), state, offer.version.to_string(), changed, name]
        });
        let rows: Vec<_> = rows.collect();
        Ok(table(out, ["OFFER", "TYPE", "STATE", "VERSION", "CHANGED", "NAME"], &rows)?)
    })
}

impl Show {
    async fn run(self, session: &Session) -> Result<()> {
        let client = session.client()?;
        let (publisher, offer) = self.which.named(session, &client).await?;
        let read = self.state.read(&client, &publisher, &offer).await;
        let offer = session.of_offer(&client, (&publisher, &offer), read).await?;
        session.answered(&client, |out, _| {
            let WireOffer { offer_type_id, publisher_id, status, id, version, definition, changed_time } = &offer;
            writeln!(out, "{}", plain(&format!("{publisher_id}/{id}: {}", self.state.name())))?;
            titled(
                out,
                &[
                    ("type", offer_type_id.clone()),
                    ("state", within(state::State::of_offer(*status, None))),
                    ("version", version.to_string()),
                    ("changed", minute(*changed_time)),
                ],
            )?;
            for line in pretty(definition.get())?.lines() {
                writeln!(out, "{}", plain(line))?;
            }
            Ok(())
        })
    }
}

async fn roll_back(session: &Session, which: &Which, confirm: &Confirm) -> Result<()> {
    let client = session.client()?;
    let (publisher, offer) = &which.named(session, &client).await?;
    let now = client.get_offer_slot(publisher, offer, "production").await;
    let now = session.of_offer(&client, (publisher, offer), now).await;
    let now = now.with_context(|| format!("what is live of {publisher}/{offer}"))?;
    confirm.ask(
        session,
        &format!("Customers see version {} of {publisher}/{offer}. Put the one before back?", now.version),
    )?;
    client
        .roll_back_offer(publisher, offer, now.version)
        .await
        .with_context(|| format!("rolling {publisher}/{offer} back"))?;
    let then = client.get_offer_slot(publisher, offer, "production").await.context("what is live now")?;
    session.answered(&client, |out, _| {
        Ok(writeln!(
            out,
            "Done: customers see version {} of {}.",
            then.version,
            plain(&format!("{publisher}/{offer}"))
        )?)
    })
}

async fn audiences(session: &Session, which: &Which) -> Result<()> {
    let client = session.client()?;
    let (publisher, offer) = &which.named(session, &client).await?;
    let plans = client.list_audiences(publisher, offer).await;
    let plans = session.of_offer(&client, (publisher, offer), plans).await.context("who may see the private plans")?;
    session.answered(&client, |out, _| {
        if plans.is_empty() {
            return Ok(writeln!(out, "No audience of a private plan of {publisher}/{offer} is live.")?);
        }
        let rows = plans.into_iter().flat_map(|plan| {
            let row = move |entry: AudienceEntry| {
                let kind = if entry.kind == AudienceKind::TenantId { "tenant" } else { "subscription" };
                [plan.plan_id.clone(), kind.to_owned(), entry.id.to_string(), entry.description]
            };
            plan.entries.into_iter().map(row)
        });
        Ok(table(out, ["PLAN", "TYPE", "ID", "DESCRIPTION"], &rows.collect::<Vec<_>>())?)
    })
}

async fn synchronise(session: &Session, which: &Which) -> Result<()> {
    let client = session.client()?;
    let (publisher, offer) = &which.named(session, &client).await?;
    let done = client.synchronise_audiences(publisher, offer).await;
    let done = session.of_offer(&client, (publisher, offer), done).await.context("synchronising the audiences")?;
    session.answered(&client, |out, _| {
        for audience in done {
            let named =
                if audience.entries == 1 { "1 entry".to_owned() } else { format!("{} entries", audience.entries) };
            writeln!(out, "Done: the audience of {} has {named}.", plain(&audience.plan_id))?;
        }
        Ok(())
    })
}
