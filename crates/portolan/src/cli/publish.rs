//! `portolan publish`: saves a draft where a file is given, starts a submission, and waits where that is asked for.

use super::Run;
use super::draft::save;
use super::exit::Exit;
use super::fault::{Fault, details};
use super::follow::{Goal, Manner, Point, annotate, named};
use super::session::Session;
use super::source::{Flaw, Source};
use super::verb::{Limit, Subject, Which};
use crate::clock::Clock;
use anyhow::{Error, Result};
use api::client::ClientError;
use api::status::OfferStatus;
use clap::Args;

/// Which offer, from where, and what to wait for.
#[derive(Debug, Args)]
pub struct Publish {
    #[command(flatten)]
    which: Which,
    /// Save this file as the draft before; - is standard input.
    #[arg(long, short, value_name = "FILE")]
    file: Option<String>,
    /// Change nothing: judge the file, or the draft, as a publish would.
    #[arg(long, conflicts_with_all = ["wait", "notify"])]
    dry_run: bool,
    /// Wait until the preview is ready, or until it is live.
    #[arg(long, value_name = "POINT", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "preview")]
    wait: Option<Point>,
    #[command(flatten)]
    limit: Limit,
    /// Mail addresses to tell of it, with commas between them.
    #[arg(long, value_name = "MAILS", default_value = "", hide_default_value = true)]
    notify: String,
}

impl Run for Publish {
    async fn run(self, session: &Session) -> Result<Exit> {
        let source = self.file.as_deref().map(Source::read).transpose()?;
        let limit = self.limit.of(session, self.wait.map(|_| ()).ok_or("--wait"))?;
        let subject = Subject::of(session, &self.which).await?;
        let done = match self.dry_run {
            true => return told(session, &subject.offer, source.as_ref(), judge(&subject, source.as_ref()).await),
            false => start(&subject, source.as_ref(), &self.notify).await,
        };
        let before = told(session, &subject.offer, source.as_ref(), done)?;
        match self.wait {
            Some(point) => {
                session.say("Submitted. Ctrl-C stops watching, not the submission.");
                subject.wait((Goal::Point(point), limit), source.as_ref(), Some(before)).await
            }
            None => {
                let follow = format!("Submitted. Follow: portolan status {} --watch", named(session, &subject.meant));
                subject.acted(|_| follow).await
            }
        }
    }
}

/// An error with the lines of the file that are at fault, in GitHub Actions as annotations too.
fn told<T>(session: &Session, offer: &str, source: Option<&Source>, result: Result<T>) -> Result<T> {
    result.inspect_err(|error| {
        if Manner::of(session, false) == Manner::Github {
            let flaws: Vec<_> = details(error).iter().map(|detail| ("error", Flaw::from(detail))).collect();
            annotate(offer, &flaws, source);
        }
    })
}

/// Saves and submits. Gives back where the offer stood before.
async fn start(subject: &Subject<'_>, source: Option<&Source>, notify: &str) -> Result<api::status::StatusDocument> {
    let Subject { session, client, .. } = subject;
    let mut etag = None;
    if let Some(source) = source {
        may_save(subject, source).await?;
        let saved = save(session, client, subject.key(), source.clone(), None).await;
        let changed = match saved {
            Ok(saved) => {
                // What is published is what was saved here, and nobody else's.
                etag = saved.etag;
                saved.changes
            }
            Err(error) => return Err(changed_since(subject, error).await),
        };
        session.say(&match changed {
            None => "Saved the draft of a new offer.".to_owned(),
            Some(1) => "Saved the draft (1 change).".to_owned(),
            Some(changes) => format!("Saved the draft ({changes} changes)."),
        });
    }
    let before = subject.look().await?.document;
    // An answer that is lost, and asked for again, starts nothing twice.
    let once = client.repeatable(&Clock::system().fresh_id().to_string())?;
    let not_done =
        if source.is_some() { "the draft is saved, and nothing was submitted" } else { "nothing was submitted" };
    let done = once.publish_offer_as(&subject.publisher, &subject.offer, notify, etag.as_deref()).await;
    match subject.done(&before, done, not_done).await {
        Ok(_) => Ok(before),
        Err(error) => Err(placed(error, source)),
    }
}

/// Whether a file may become the draft: not while a submission runs, and not where a server that can judge it finds faults in it.
///
/// # Errors
/// Where it may not.
async fn may_save(subject: &Subject<'_>, source: &Source) -> Result<()> {
    let Subject { client, publisher, offer, .. } = subject;
    let said = client.explain_offer(publisher, offer).await;
    if said.is_ok_and(|said| matches!(said.status, OfferStatus::Running | OfferStatus::WaitingForPublisherReview)) {
        let message = format!(
            "a submission of {offer} runs already, so nothing was saved or submitted. Wait for it, or cancel it: portolan \
             status {}",
            subject.meant
        );
        return Err(Fault { exit: Exit::Conflict, code: "OperationInProgress", message }.into());
    }
    if !may_foresee(subject).await? {
        return Ok(());
    }
    let put = source.put(publisher, offer)?;
    match client.foresee_publish(publisher, offer, Some(&put)).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let error = subject.session.meant(client, subject.key(), error).await;
            Err(placed(error.context("nothing was saved, and nothing was submitted"), Some(source)))
        }
    }
}

/// An error about the draft, with the file that it is from.
fn placed(error: Error, source: Option<&Source>) -> Error {
    match source.filter(|_| !details(&error).is_empty()) {
        Some(source) => error.context(source.clone()),
        None => error,
    }
}

/// Where somebody else saved the draft meanwhile, who did what, as far as the server tells.
async fn changed_since(subject: &Subject<'_>, error: Error) -> Error {
    let is_so = error.chain().any(|cause| {
        cause.downcast_ref::<ClientError>().and_then(ClientError::status).is_some_and(|status| status == 412)
    });
    if !is_so {
        return error;
    }
    let newest = [("order", "desc"), ("$top", "1"), ("event", "draftSaved,published,created")];
    let history = subject.client.get_offer_history(&subject.publisher, &subject.offer, &newest).await;
    let by = history.ok().and_then(|page| page.value.into_iter().next()).map(|entry| {
        let entry = entry.happened;
        format!(" ({} by {} at {})", entry.title, entry.by, entry.at)
    });
    error.context(format!(
        "somebody changed the offer since it was read{}; nothing was saved. See what is different with portolan offer diff, and \
         publish again",
        by.unwrap_or_default()
    ))
}

/// Whether a dry run is one: the server explains the offer, or has no such offer that it could publish.
///
/// # Errors
/// Where that could not be asked.
async fn may_foresee(subject: &Subject<'_>) -> Result<bool> {
    let Subject { session, client, publisher, offer, .. } = subject;
    match client.explain_offer(publisher, offer).await {
        Ok(_) => Ok(true),
        Err(ClientError::Unreadable { .. }) => Ok(false),
        Err(error) if matches!(error.status(), Some(404 | 405)) => {
            Ok(client.get_offer(publisher, offer).await.is_err_and(|error| error.status() == Some(404)))
        }
        Err(error) => Err(session.meant(client, subject.key(), error).await.context("nothing was changed")),
    }
}

/// Judges the file, or the draft, and changes nothing.
async fn judge(subject: &Subject<'_>, source: Option<&Source>) -> Result<Exit> {
    let Subject { session, client, .. } = subject;
    let put = source.map(|source| source.put(&subject.publisher, &subject.offer)).transpose()?;
    // A server that does not know a dry run would really publish.
    if !may_foresee(subject).await? {
        let text = "this server judges a draft only when it is really published; nothing was sent. Leave out --dry-run";
        return Err(Fault::usage(text).into());
    }
    let foreseen = client.foresee_publish(&subject.publisher, &subject.offer, put.as_ref()).await;
    let foreseen = match foreseen {
        Ok(foreseen) => foreseen,
        Err(error) => {
            let error = session.meant(client, subject.key(), error).await.context("nothing was changed");
            return Err(placed(error, source));
        }
    };
    session.answered(client, |out, _| Ok(writeln!(out, "{}", super::print::plain(&foreseen.words))?))?;
    Ok(Exit::Done)
}
