//! `portolan notify mails`: which mails the caller gets about offers.

use super::fault::Fault;
use super::history::known_event;
use super::moments::minute;
use super::session::Session;
use super::words::titled;
use anyhow::Result;
use api::client::{Client, ClientError};
use api::errors::ErrorCode;
use api::mails::{MailSubscription, WantedMails};
use clap::Subcommand;

/// What to do with the caller's mails.
#[derive(Debug, Subcommand)]
pub(super) enum Mails {
    /// Get mails from now on.
    ///
    /// Example: portolan notify mails on --event live,failed
    On {
        /// About what, such as live; with commas between them, or given several times. About what is always mailed where nothing
        /// is said: blocked, failed, previewReady, live, canceled.
        #[arg(long = "event", value_name = "EVENT", value_delimiter = ',')]
        events: Vec<String>,
    },
    /// Get no mails any more.
    ///
    /// Example: portolan notify mails off
    Off,
    /// Show which mails you get.
    ///
    /// Example: portolan notify mails show
    Show,
}

impl Mails {
    /// Does it, for a publisher's offers; of no publisher, for all, as staff.
    ///
    /// # Errors
    /// Where the server says no, or nothing.
    pub(super) async fn run(self, session: &Session, client: &Client, publisher: Option<&str>) -> Result<()> {
        match self {
            Self::On { events } => {
                events.iter().try_for_each(|event| known_event(event))?;
                let mails = client.put_mail_subscription(publisher, &WantedMails { events }).await?;
                shown(session, client, &mails)
            }
            Self::Off => {
                match client.delete_mail_subscription(publisher).await {
                    Ok(()) => {}
                    Err(ClientError::Refused { error, .. }) if error.code == ErrorCode::NotFound => {}
                    Err(error) => return Err(error.into()),
                }
                session.done("Done: you get no mails about these offers any more.")
            }
            Self::Show => match client.get_mail_subscription(publisher).await {
                Ok(mails) => shown(session, client, &mails),
                Err(ClientError::Refused { error, .. }) if error.code == ErrorCode::NotFound => Err(Fault::not_found(
                    "you get no mails about these offers; `portolan notify mails on` changes that",
                )
                .into()),
                Err(error) => Err(error.into()),
            },
        }
    }
}

fn shown(session: &Session, client: &Client, mails: &MailSubscription) -> Result<()> {
    session.answered(client, |out, _| {
        let about = mails.events.join(", ");
        Ok(titled(out, &[("mail", mails.mail.clone()), ("about", about), ("since", minute(mails.since))])?)
    })
}
