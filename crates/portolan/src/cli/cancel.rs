//! `portolan cancel`: stops a submission.

use super::Run;
use super::confirm::Confirm;
use super::exit::Exit;
use super::fault::Fault;
use super::follow::{Goal, Snapshot, goes_on, named};
use super::print::plain;
use super::session::Session;
use super::verb::{Limit, Subject, Which};
use crate::clock::Clock;
use anyhow::Result;
use api::status::OfferStatus;
use clap::Args;

/// Which offer, and whether to wait.
#[derive(Debug, Args)]
pub struct Cancel {
    #[command(flatten)]
    which: Which,
    /// Change nothing: say what a cancel would come to.
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,
    /// Wait until it is canceled.
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    limit: Limit,
    #[command(flatten)]
    confirm: Confirm,
}

impl Run for Cancel {
    async fn run(self, session: &Session) -> Result<Exit> {
        let limit = self.limit.of(session, self.wait.then_some(()).ok_or("--wait"))?;
        let subject = Subject::of(session, &self.which).await?;
        let before = subject.look().await?;
        if self.dry_run {
            return foresee(&subject).await;
        }
        if goes_on(&before.document) {
            self.confirm.ask(session, &format!("{} Cancel {}?", consequences(&before), subject.offer))?;
        }
        let once = subject.client.repeatable(&Clock::system().fresh_id().to_string())?;
        let done = once.cancel_offer(&subject.publisher, &subject.offer).await;
        subject.done(&before.document, done, "").await?;
        if self.wait {
            session.say("Canceling.");
            return subject.wait((Goal::Canceled, limit), None, Some(before.document)).await;
        }
        let follow = format!("Canceling. Follow: portolan status {} --watch", named(session, &subject.meant));
        let text = |now: &Snapshot| match (now.document.status, &now.explanation) {
            (OfferStatus::Canceled, Some(said)) => plain(&format!("Canceled. {}", said.next)),
            (OfferStatus::Canceled, None) => "Canceled. What was live stays live, and the draft is kept.".to_owned(),
            _ => follow,
        };
        subject.acted(text).await
    }
}

/// What follows: as the server foresees it, or what holds at every server.
fn consequences(before: &Snapshot) -> String {
    match &before.explanation {
        Some(said) => said.cancel.words.clone(),
        None => "The submission ends. What is live stays live, and the draft is kept.".to_owned(),
    }
}

/// What a cancel would come to.
async fn foresee(subject: &Subject<'_>) -> Result<Exit> {
    let Subject { session, client, publisher, offer, .. } = subject;
    // A server that does not know a dry run would really cancel.
    if let Err(error) = client.explain_offer(publisher, offer).await {
        if !matches!(error.status(), Some(404 | 405)) || client.get_offer(publisher, offer).await.is_err() {
            return Err(session.meant(client, subject.key(), error).await.context("nothing was changed"));
        }
        let text = "this server cannot say what a cancel would come to; nothing was sent. Leave out --dry-run";
        return Err(Fault::usage(text).into());
    }
    let foreseen = session.of_offer(client, subject.key(), client.foresee_cancel(publisher, offer).await).await?;
    session.answered(client, |out, _| Ok(writeln!(out, "{}", plain(&foreseen.words))?))?;
    Ok(Exit::Done)
}
