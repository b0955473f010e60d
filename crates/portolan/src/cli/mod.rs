//! The commands that talk to a server, over the typed client and nothing else.

mod access;
mod circle;
mod confirm;
mod newcomer;
mod offer;
mod print;
mod publisher;
mod review;
mod secret;
mod server;
mod staff;
mod welcome;

pub use access::Access;
pub use offer::Offer;
pub use publisher::Publisher;
pub use review::Review;
pub use staff::Staff;
pub use welcome::welcome;

use anyhow::{Error, Result, anyhow};
use api::client::ClientError;
use clap::Subcommand;

/// What talks to a server.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create publishers, and see yours.
    ///
    /// Example: portolan publisher create contoso --name "Contoso, Ltd."
    Publisher(Publisher),
    /// Say who may what at a publisher.
    ///
    /// Example: portolan access list contoso
    Access(Access),
    /// Say who runs the marketplace: operators, reviewers, auditors.
    ///
    /// Example: portolan staff list
    Staff(Staff),
    /// Roll an offer back, and see or synchronise who may see its private plans.
    ///
    /// Example: portolan offer roll-back contoso web-gateway
    Offer(Offer),
    /// See what waits for a reviewer, and give verdicts.
    ///
    /// Example: portolan review list
    Review(Review),
}

impl Command {
    /// Does it.
    ///
    /// # Errors
    /// Where the server says no, or nothing.
    pub async fn run(self) -> Result<()> {
        self.do_it().await.map_err(with_details)
    }

    async fn do_it(self) -> Result<()> {
        match self {
            Self::Publisher(publisher) => publisher.run().await,
            Self::Access(access) => access.run().await,
            Self::Staff(staff) => staff.run().await,
            Self::Offer(offer) => offer.run().await,
            Self::Review(review) => review.run().await,
        }
    }
}

/// An error with every fault that the server names, a line each.
fn with_details(error: Error) -> Error {
    let refused = error.chain().find_map(|cause| match cause.downcast_ref::<ClientError>() {
        Some(ClientError::Refused { error, .. }) => Some(error),
        _ => None,
    });
    let details = refused.map(|refused| refused.details.as_slice()).unwrap_or_default();
    if details.is_empty() {
        return error;
    }
    let line = |detail: &api::errors::ErrorDetail| {
        let text = print::plain(&format!("{} {}: {}", detail.code, detail.target, detail.message));
        format!("\n  {text}")
    };
    let lines: String = details.iter().map(line).collect();
    anyhow!("{error:#}{lines}")
}
