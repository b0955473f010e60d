//! Drafts and files: an offer is put from a file, judged in a file, and written to one.

use super::fault::{Fault, Meant};
use super::offer::{State, Which};
use super::output::pretty;
use super::print::plain;
use super::session::Session;
use super::settings::nearest;
use super::source::Source;
use anyhow::{Context, Result};
use api::client::{Client, ClientError, Tagged};
use api::compare::changes;
use api::errors::ErrorCode;
use api::offers::{Offer, PutOffer};
use clap::Args;
use serde::Serialize;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

/// Which offer, and what shall be in its draft.
#[derive(Debug, Args)]
pub(super) struct Put {
    #[command(flatten)]
    which: Which,
    /// A file with the offer, as `portolan offer export` writes it; - is standard input.
    #[arg(long, short, value_name = "FILE")]
    file: String,
    /// Only where the offer is as this ETag says, or is there at all (*). The newest one, where nothing is said.
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

/// A draft that was saved.
pub(super) struct Saved {
    /// How many members are different from before; nothing where the offer is new, or that cannot be said.
    pub(super) changes: Option<usize>,
    /// The ETag that it has since, where the server gave one.
    pub(super) etag: Option<String>,
}

/// Puts what a file says into an offer's draft.
///
/// # Errors
/// Where the file is another offer's, or the server says no: then with the lines of the file that are at fault.
pub(super) async fn save(
    session: &Session,
    client: &Client,
    (publisher, offer): (&str, &str),
    source: Source,
    if_match: Option<&str>,
) -> Result<Saved> {
    let put = source.put(publisher, offer)?;
    let before = there(session, client, (publisher, offer)).await?;
    let newest = before.as_ref().map(|before| before.etag.as_str()).filter(|etag| !etag.is_empty());
    match client.put_offer(&put, if_match.or(newest)).await {
        Ok(saved) => {
            let before = before.map(|before| changes(before.value.definition.get(), saved.value.definition.get()));
            // It is saved, whether or not that can be told apart.
            let changes = before.and_then(Result::ok).map(|changes| changes.len());
            Ok(Saved { changes, etag: Some(saved.etag).filter(|etag| !etag.is_empty()) })
        }
        Err(error) => Err(session.meant(client, (publisher, offer), error).await.context(source)),
    }
}

/// The draft of an offer; nothing where there is no such offer.
async fn there(session: &Session, client: &Client, (publisher, offer): (&str, &str)) -> Result<Option<Tagged<Offer>>> {
    match client.get_offer(publisher, offer).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.status() == Some(404) => Ok(None),
        Err(error) => Err(session.meant(client, (publisher, offer), error).await),
    }
}

impl Put {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let source = Source::read(&self.file)?;
        let client = session.client()?;
        let (publisher, offer) = &self.which.named(session, &client).await?;
        let changed = save(session, &client, (publisher, offer), source, self.if_match.as_deref()).await?.changes;
        session.answered(&client, |out, _| {
            let of = plain(&format!("{publisher}/{offer}"));
            match changed {
                None => writeln!(out, "Created {of}, and saved its draft.")?,
                Some(1) => writeln!(out, "Saved the draft of {of} (1 change).")?,
                Some(changes) => writeln!(out, "Saved the draft of {of} ({changes} changes).")?,
            }
            Ok(())
        })
    }
}

/// Which offer, and the file to judge.
#[derive(Debug, Args)]
pub(super) struct Validate {
    #[command(flatten)]
    which: Which,
    /// A file with the offer; - is standard input.
    #[arg(long, short, value_name = "FILE")]
    file: String,
}

/// What is known of a file that was judged.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Judged {
    offer_type_id: String,
    is_new: bool,
    changes: Option<usize>,
}

impl Validate {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let source = Source::read(&self.file)?;
        let client = session.client()?;
        let (publisher, offer) = &self.which.named(session, &client).await?;
        let put = source.put(publisher, offer)?;
        let at = |pointer: &str| source.place(pointer).unwrap_or_default();
        if !put.definition.get().starts_with('{') {
            return Err(Fault::invalid(format!("{}: the definition is no object", at("/definition"))).into());
        }
        let types = client.list_offer_types().await.context("the types that offers can have")?;
        let ids = || types.iter().map(|known| known.id.as_str());
        let meant = put.offer_type_id.as_str();
        if !ids().any(|id| id.eq_ignore_ascii_case(meant)) {
            let what = format!("{}: there is no offer type {meant:?}", at("/offerTypeId"));
            let fault = match nearest(meant, ids()) {
                Some(near) => Meant { what, near: near.to_owned() }.to_string(),
                None => format!("{what}; use one of {}", ids().collect::<Vec<_>>().join(", ")),
            };
            return Err(Fault::invalid(fault).into());
        }
        let before = there(session, &client, (publisher, offer)).await?;
        // A server that knows no dry run would really publish: ask only one that explains offers, or has nothing to publish.
        let may_ask = before.is_none() || client.explain_offer(publisher, offer).await.is_ok();
        if let Some(before) = before.as_ref().filter(|b| !b.value.offer_type_id.eq_ignore_ascii_case(meant)) {
            let kept = &before.value.offer_type_id;
            return Err(
                Fault::invalid(format!("{}: the offer's type is {kept}, and stays so", at("/offerTypeId"))).into()
            );
        }
        let changed = before.map(|before| changes(before.value.definition.get(), put.definition.get())).transpose()?;
        let kept = match may_ask {
            true => refused(&client, &put).await,
            false => Ok(Some("they are judged when the draft is published".to_owned())),
        };
        let kept = match kept {
            Ok(kept) => kept,
            Err(error) => return Err(anyhow::Error::from(error).context("nothing was changed").context(source)),
        };
        let judged =
            Judged { offer_type_id: meant.to_owned(), is_new: changed.is_none(), changes: changed.map(|c| c.len()) };
        session.output.value(&judged, |out, _| {
            let changes = match judged.changes {
                None => "it would be a new offer".to_owned(),
                Some(1) => "1 member would change".to_owned(),
                Some(changes) => format!("{changes} members would change"),
            };
            Ok(writeln!(out, "{} can be put as a draft: {changes}.", plain(&source.to_string()))?)
        })?;
        if let Some(why) = kept {
            session.say(&format!("The marketplace's own rules were not asked: {}", plain(&why)));
        }
        Ok(())
    }
}

/// Asks the marketplace's rules what a publish of this offer would come to. Gives back why they could not be asked, where that has
/// nothing to do with what is in it.
async fn refused(client: &Client, put: &PutOffer) -> Result<Option<String>, ClientError> {
    match client.foresee_publish(&put.publisher_id, &put.id, Some(put)).await {
        Ok(_) => Ok(None),
        Err(error) => match &error {
            ClientError::Refused { error: told, .. }
                if !matches!(told.code, ErrorCode::ValidationFailed | ErrorCode::BadRequest) =>
            {
                Ok(Some(told.message.clone()))
            }
            _ => Err(error),
        },
    }
}

/// Which offer, and where to write it.
#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    state: State,
    /// A new file to write; standard output where nothing is said.
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Write over the file where it is there already.
    #[arg(long, requires = "file")]
    force: bool,
}

impl Export {
    pub(super) async fn run(self, session: &Session) -> Result<()> {
        let client = session.client()?;
        let (publisher, offer) = self.which.named(session, &client).await?;
        let read = self.state.read(&client, &publisher, &offer).await;
        let Offer { publisher_id, offer_type_id, id, definition, .. } =
            session.of_offer(&client, (&publisher, &offer), read).await?;
        let put = PutOffer { publisher_id, offer_type_id, id, definition };
        let Some(path) = &self.file else {
            let laid_out = pretty(&serde_json::to_string(&put)?)?;
            return session.output.value(&put, |out, _| Ok(writeln!(out, "{laid_out}")?));
        };
        let name = path.display();
        let mut options = OpenOptions::new();
        let opened = match self.force {
            true => options.write(true).create(true).truncate(true).open(path),
            false => options.write(true).create_new(true).open(path),
        };
        let mut file = opened.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                Fault::usage(format!("{name} is there already; add --force to write over it"))
            }
            _ => Fault::usage(format!("{name} cannot be written (-f): {error}")),
        })?;
        let text = pretty(&serde_json::to_string(&put)?)? + "\n";
        file.write_all(text.as_bytes()).with_context(|| format!("{name} cannot be written"))?;
        session.say(&format!("Wrote {} to {name}.", self.state.name()));
        Ok(())
    }
}
