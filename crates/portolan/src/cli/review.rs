//! `portolan review`: what waits for a reviewer, and the verdicts on it.

use anyhow::{Context, Result, bail};
use api::client::Client;
use api::reviews::{Verdict, VerdictRequest};
use clap::{Args, Subcommand};
use std::io::Write;
use uuid::Uuid;

/// Which server, as whom.
#[derive(Debug, Args)]
pub struct Server {
    /// The server's address.
    #[arg(long, env = "PORTOLAN_SERVER", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// The token; better given in the environment, where process lists do not show it.
    #[arg(long, env = "PORTOLAN_TOKEN", hide_env_values = true)]
    token: String,
}

/// What to do with reviews.
#[derive(Debug, Subcommand)]
pub enum Review {
    /// List the steps that wait for a reviewer, oldest first.
    List {
        /// Which server, as whom.
        #[command(flatten)]
        server: Server,
    },
    /// Approve a step: it is done.
    Approve(Decide),
    /// Reject a step: the submission fails.
    Reject(DecideWithReason),
    /// Block a step: it waits until something is mended.
    Block(DecideWithReason),
    /// Unblock a step: what blocked it is mended.
    Unblock(Decide),
}

/// Which step of which operation.
#[derive(Debug, Args)]
pub struct Decide {
    /// The operation's id, as `portolan review list` shows it.
    operation: Uuid,
    /// The step's id.
    step: String,
    /// Which server, as whom.
    #[command(flatten)]
    server: Server,
}

/// Which step, and why.
#[derive(Debug, Args)]
pub struct DecideWithReason {
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
        match self {
            Self::List { server } => list(&server).await,
            Self::Approve(decide) => give(decide, Verdict::Approve, VerdictRequest::default()).await,
            Self::Unblock(decide) => give(decide, Verdict::Unblock, VerdictRequest::default()).await,
            Self::Reject(reasoned) => reasoned.give(Verdict::Reject).await,
            Self::Block(reasoned) => reasoned.give(Verdict::Block).await,
        }
    }
}

impl DecideWithReason {
    async fn give(self, verdict: Verdict) -> Result<()> {
        let request = VerdictRequest { message: Some(self.message), code: self.code, target: self.target };
        give(self.decide, verdict, request).await
    }
}

impl Server {
    fn client(&self) -> Result<Client> {
        if !["http://", "https://"].iter().any(|scheme| self.server.starts_with(scheme)) {
            bail!(
                "the server {:?} is no address that this command can use: write it like http://127.0.0.1:8080",
                self.server
            );
        }
        Ok(Client::new(&self.server, &self.token))
    }
}

async fn list(server: &Server) -> Result<()> {
    let reviews = server.client()?.list_reviews().await?;
    let mut out = std::io::stdout().lock();
    if reviews.is_empty() {
        writeln!(out, "Nothing waits for a reviewer.")?;
        return Ok(());
    }
    writeln!(out, "{:<36}  {:<24}  {:<32}  {:<7}  SINCE", "OPERATION", "STEP", "OFFER", "STATE")?;
    for review in reviews {
        let offer = format!("{}/{}", review.publisher_id, review.offer_id);
        let state = if review.blocked { "blocked" } else { "waiting" };
        let operation = review.operation_id.to_string();
        writeln!(out, "{operation:<36}  {:<24}  {offer:<32}  {state:<7}  {}", review.step_id, review.waiting_since)?;
    }
    Ok(())
}

async fn give(decide: Decide, verdict: Verdict, request: VerdictRequest) -> Result<()> {
    let Decide { operation, step, server } = decide;
    let client = server.client()?;
    client
        .give_verdict(operation, &step, verdict, &request)
        .await
        .with_context(|| format!("{} of {step}", verdict.word()))?;
    writeln!(std::io::stdout(), "Done: {} of {step} is recorded, and the publisher can see it.", verdict.word())?;
    Ok(())
}
