//! `portolan offer`: what is done with an offer besides publishing it.

use super::confirm::Confirm;
use super::server::Server;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use std::io::Write;

/// What to do with offers.
#[derive(Debug, Args)]
pub struct Offer {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    server: Server,
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
}

/// Which offer.
#[derive(Debug, Args)]
struct Which {
    /// The publisher's id.
    publisher: String,
    /// The offer's id.
    offer: String,
}

impl Offer {
    /// Does it.
    ///
    /// # Errors
    /// Where the server says no, or nothing.
    pub async fn run(self) -> Result<()> {
        match self.what {
            What::RollBack { which, confirm } => roll_back(&self.server, &which, &confirm).await,
        }
    }
}

async fn roll_back(server: &Server, Which { publisher, offer }: &Which, confirm: &Confirm) -> Result<()> {
    let client = server.client()?;
    let now = client
        .get_offer_slot(publisher, offer, "production")
        .await
        .with_context(|| format!("what is live of {publisher}/{offer}"))?;
    confirm.ask(&format!("Customers see version {} of {publisher}/{offer}. Put the one before back?", now.version))?;
    client.roll_back_offer(publisher, offer).await.with_context(|| format!("rolling {publisher}/{offer} back"))?;
    let then = client.get_offer_slot(publisher, offer, "production").await.context("what is live now")?;
    writeln!(std::io::stdout(), "Done: customers see version {} of {publisher}/{offer}.", then.version)?;
    Ok(())
}
