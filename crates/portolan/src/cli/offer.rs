//! `portolan offer`: what is done with an offer besides publishing it.

use super::Run;
use super::confirm::Confirm;
use super::exit::Exit;
use super::print::{plain, table};
use super::session::Session;
use anyhow::{Context, Result};
use api::audiences::{AudienceEntry, AudienceKind};
use clap::{Args, Subcommand};
use std::io::Write;

/// What to do with offers.
#[derive(Debug, Args)]
pub struct Offer {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Put the version that was live before back, at once. Doing it again goes forward again.
    ///
    /// Example: portolan offer roll-back contoso web-gateway --yes
    RollBack {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        confirm: Confirm,
    },
    /// List who may see the private plans that are live.
    ///
    /// Example: portolan offer audiences contoso web-gateway
    Audiences(Which),
    /// Put the audiences of the draft in the place of those that are live, without publishing.
    ///
    /// Example: portolan offer synchronise-audiences contoso web-gateway
    SynchroniseAudiences(Which),
}

/// Which offer.
#[derive(Debug, Args)]
struct Which {
    /// The publisher's id.
    publisher: String,
    /// The offer's id.
    offer: String,
}

impl Run for Offer {
    async fn run(self, session: &Session) -> Result<Exit> {
        match self.what {
            What::RollBack { which, confirm } => roll_back(session, &which, &confirm).await,
            What::Audiences(which) => audiences(session, &which).await,
            What::SynchroniseAudiences(which) => synchronise(session, &which).await,
        }?;
        Ok(Exit::Done)
    }
}

async fn roll_back(session: &Session, Which { publisher, offer }: &Which, confirm: &Confirm) -> Result<()> {
    let client = session.client()?;
    let now = client
        .get_offer_slot(publisher, offer, "production")
        .await
        .with_context(|| format!("what is live of {publisher}/{offer}"))?;
    confirm.ask(
        session,
        &format!("Customers see version {} of {publisher}/{offer}. Put the one before back?", now.version),
    )?;
    client
        .roll_back_offer(publisher, offer, now.version)
        .await
        .with_context(|| format!("rolling {publisher}/{offer} back"))?;
    let then = client.get_offer_slot(publisher, offer, "production").await.context("what is live now")?;
    writeln!(std::io::stdout(), "Done: customers see version {} of {publisher}/{offer}.", then.version)?;
    Ok(())
}

async fn audiences(session: &Session, Which { publisher, offer }: &Which) -> Result<()> {
    let plans = session.client()?.list_audiences(publisher, offer).await.context("who may see the private plans")?;
    let mut out = std::io::stdout().lock();
    if plans.is_empty() {
        writeln!(out, "No audience of a private plan of {publisher}/{offer} is live.")?;
        return Ok(());
    }
    let rows = plans.into_iter().flat_map(|plan| {
        let row = move |entry: AudienceEntry| {
            let kind = if entry.kind == AudienceKind::TenantId { "tenant" } else { "subscription" };
            [plan.plan_id.clone(), kind.to_owned(), entry.id.to_string(), entry.description]
        };
        plan.entries.into_iter().map(row)
    });
    Ok(table(&mut out, ["PLAN", "TYPE", "ID", "DESCRIPTION"], &rows.collect::<Vec<_>>())?)
}

async fn synchronise(session: &Session, Which { publisher, offer }: &Which) -> Result<()> {
    let done =
        session.client()?.synchronise_audiences(publisher, offer).await.context("synchronising the audiences")?;
    for audience in done {
        let named = if audience.entries == 1 { "1 entry".to_owned() } else { format!("{} entries", audience.entries) };
        writeln!(std::io::stdout(), "Done: the audience of {} has {named}.", plain(&audience.plan_id))?;
    }
    Ok(())
}
