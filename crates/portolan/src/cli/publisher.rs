//! `portolan publisher`: publishers are created by operators, and listed by their members.

use super::Run;
use super::exit::Exit;
use super::print::{plain, table};
use super::session::Session;
use anyhow::Result;
use api::access::NewPublisher;
use clap::{Args, Subcommand};

/// What to do with publishers.
#[derive(Debug, Args)]
pub struct Publisher {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Create a publisher. It has no members yet.
    ///
    /// Example: portolan publisher create contoso --name "Contoso, Ltd."
    Create {
        /// Its id: 1 to 50 letters, digits, `_`, `.` and `-`, beginning with a letter or digit.
        id: String,
        /// Its name for people; its id where none is given.
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// Its id as a seller.
        #[arg(long, value_name = "TEXT")]
        seller_id: Option<String>,
    },
    /// List the publishers that you are a member of.
    ///
    /// Example: portolan publisher list
    List,
}

impl Run for Publisher {
    async fn run(self, session: &Session) -> Result<Exit> {
        let client = session.client()?;
        match self.what {
            What::Create { id, name, seller_id } => {
                let new = NewPublisher { id, display_text: name, seller_id };
                let id = plain(&client.create_publisher(&new).await?.id);
                session.answered(&client, |out, _| Ok(writeln!(out, "Done: there is a publisher {id}.")?))?;
                let next = format!("portolan access add --publisher {id} --role owner --service-principal {id}-owner");
                session.say(&format!("It has no members yet. To add one: {next}"));
            }
            What::List => {
                let publishers = client.list_publishers().await?;
                session.answered(&client, |out, _| {
                    if publishers.is_empty() {
                        return Ok(writeln!(out, "You are a member of no publisher.")?);
                    }
                    let row = |publisher: api::publishers::Publisher| {
                        [publisher.id, publisher.definition.display_text, publisher.definition.seller_id]
                    };
                    let rows: Vec<_> = publishers.into_iter().map(row).collect();
                    Ok(table(out, ["ID", "NAME", "SELLER ID"], &rows)?)
                })?;
            }
        }
        Ok(Exit::Done)
    }
}
