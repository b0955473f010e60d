//! `portolan review`: what waits for a reviewer, and the verdicts on it.

use super::print::table;
use super::server::Server;
use anyhow::{Context, Result};
use api::reviews::{Verdict, VerdictRequest};
use clap::{Args, Subcommand};
use std::io::Write;
use uuid::Uuid;

/// What to do with reviews.
#[derive(Debug, Args)]
pub struct Review {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    server: Server,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the steps that wait for a reviewer, oldest first.
    ///
    /// Example: portolan review list
    List,
    /// Approve a step: it is done.
    ///
    /// Example: portolan review approve 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify
    Approve(Decide),
    /// Reject a step: the submission fails.
    ///
    /// Example: portolan review reject 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify -m "The small logo is 40 x 40 px; upload 48 x 48." --code IMG-048
    Reject(DecideWithReason),
    /// Block a step: it waits until something is mended.
    ///
    /// Example: portolan review block 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify -m "The image cannot be read. Save a new link."
    Block(DecideWithReason),
    /// Unblock a step: what blocked it is mended.
    ///
    /// Example: portolan review unblock 2f0e6c1a-5a3e-4a80-9f6e-0d1c2b3a4f50 certify
    Unblock(Decide),
}

/// Which step of which operation.
#[derive(Debug, Args)]
struct Decide {
    /// The operation's id, as `portolan review list` shows it.
    operation: Uuid,
    /// The step's id.
    step: String,
}

/// Which step, and why.
#[derive(Debug, Args)]
struct DecideWithReason {
    #[command(flatten)]
    decide: Decide,
    /// The text that the publisher will read.
    #[arg(short, long)]
    message: String,
    /// The rule that was broken, such as IMG-048.
    #[arg(long)]
    code: Option<String>,
    /// A JSON pointer to the field at fault.
    #[arg(long)]
    target: Option<String>,
}

impl Review {
    /// Does it.
    ///
    /// # Errors
    /// Where the server says no, or nothing.
    pub async fn run(self) -> Result<()> {
        let server = &self.server;
        match self.what {
            What::List => list(server).await,
            What::Approve(decide) => give(server, decide, Verdict::Approve, VerdictRequest::default()).await,
            What::Unblock(decide) => give(server, decide, Verdict::Unblock, VerdictRequest::default()).await,
            What::Reject(reasoned) => reasoned.give(server, Verdict::Reject).await,
            What::Block(reasoned) => reasoned.give(server, Verdict::Block).await,
        }
    }
}

impl DecideWithReason {
    async fn give(self, server: &Server, verdict: Verdict) -> Result<()> {
        let request = VerdictRequest { message: Some(self.message), code: self.code, target: self.target };
        give(server, self.decide, verdict, request).await
    }
}

async fn list(server: &Server) -> Result<()> {
    let reviews = server.client()?.list_reviews().await?;
    let mut out = std::io::stdout().lock();
    if reviews.is_empty() {
        writeln!(out, "Nothing waits for a reviewer.")?;
        return Ok(());
    }
    let rows = reviews.into_iter().map(|review| {
        let state = if review.blocked { "blocked" } else { "waiting" };
        let offer = format!("{}/{}", review.publisher_id, review.offer_id);
        let operation = review.operation_id.to_string();
        [operation, review.step_id, offer, state.to_owned(), review.waiting_since.to_string()]
    });
    Ok(table(&mut out, ["OPERATION", "STEP", "OFFER", "STATE", "SINCE"], &rows.collect::<Vec<_>>())?)
}

async fn give(server: &Server, decide: Decide, verdict: Verdict, request: VerdictRequest) -> Result<()> {
    let Decide { operation, step } = decide;
    let client = server.client()?;
    client
        .give_verdict(operation, &step, verdict, &request)
        .await
        .with_context(|| format!("{} of {step}", verdict.word()))?;
    writeln!(std::io::stdout(), "Done: {} of {step} is recorded, and the publisher can see it.", verdict.word())?;
    Ok(())
}
