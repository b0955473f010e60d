//! The members of a circle (a publisher's, or the marketplace's staff): who they are, and what can be done with them.

use super::confirm::Confirm;
use super::fault::{Fault, Meant};
use super::print::{plain, quoted, table};
use super::secret::{show_invitation, warn_of_code};
use super::session::Session;
use super::settings::nearest;
use anyhow::{Context, Result};
use api::access::{Member, NewRoles, Role};
use api::client::{Client, ClientError};
use std::fmt;
use uuid::Uuid;

/// Where somebody is a member.
#[derive(Debug)]
pub(super) enum Circle {
    /// At a publisher.
    Publisher(String),
    /// Among the marketplace's staff.
    Staff,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Publisher(publisher) => f.write_str(&plain(publisher)),
            Self::Staff => f.write_str("the marketplace"),
        }
    }
}

impl Circle {
    /// The beginning of the commands about it.
    pub(super) fn command(&self, verb: &str) -> String {
        match self {
            Self::Publisher(publisher) => format!("portolan access {verb} --publisher {}", quoted(publisher)),
            Self::Staff => format!("portolan staff {verb}"),
        }
    }

    async fn all(&self, session: &Session, client: &Client) -> Result<Vec<Member>> {
        let members = self.members(client).await;
        match self {
            Self::Publisher(publisher) => session.of_publisher(client, publisher, members).await,
            Self::Staff => Ok(members?),
        }
    }

    async fn members(&self, client: &Client) -> Result<Vec<Member>, ClientError> {
        match self {
            Self::Publisher(publisher) => client.list_members(publisher).await,
            Self::Staff => client.list_staff().await,
        }
    }

    /// The member that is meant by an id, a name or a mail address.
    ///
    /// # Errors
    /// Where it is nobody, or more than one; then with all who could be meant.
    pub(super) async fn find(&self, session: &Session, client: &Client, meant: &str) -> Result<Member> {
        let members = self.all(session, client).await.with_context(|| format!("the members of {self}"))?;
        let (mut found, others): (Vec<_>, Vec<_>) = members.into_iter().partition(|member| is_meant(member, meant));
        match (found.len(), found.pop()) {
            (1, Some(member)) => Ok(member),
            (_, None) => {
                let names = others.iter().flat_map(|member| [Some(member.name.as_str()), member.mail.as_deref()]);
                let what = format!("{self} has no member {meant:?}");
                let fault = match nearest(meant, names.flatten()) {
                    Some(near) => Meant { what, near: near.to_owned() }.alone(),
                    None => Fault::not_found(format!("{what}; `{}` shows who there is", self.command("list"))),
                };
                say_candidates(session, &others)?;
                Err(fault.into())
            }
            (_, Some(last)) => {
                found.push(last);
                say_candidates(session, &found)?;
                let text = format!("{meant:?} is more than one member of {self}; say the id of one of them");
                Err(Fault::usage(text).into())
            }
        }
    }

    pub(super) async fn list(&self, session: &Session) -> Result<()> {
        let client = session.client()?;
        let members = self.all(session, &client).await?;
        session.answered(&client, |out, _| {
            if members.is_empty() {
                return Ok(writeln!(out, "Nobody is a member of {self} yet.")?);
            }
            let rows: Vec<[String; 7]> = members.iter().map(row).collect();
            Ok(table(out, HEAD, &rows)?)
        })
    }

    pub(super) async fn set_roles(&self, session: &Session, meant: &str, roles: Vec<Role>) -> Result<()> {
        let client = session.client()?;
        let member = self.find(session, &client, meant).await?;
        let roles = NewRoles { roles };
        let member = match self {
            Self::Publisher(publisher) => client.set_member_roles(publisher, member.id, &roles).await?,
            Self::Staff => client.set_staff_roles(member.id, &roles).await?,
        };
        session.answered(&client, |out, _| {
            Ok(writeln!(out, "Done: {} is {} of {self}.", plain(&member.name), words(&member.roles))?)
        })
    }

    pub(super) async fn remove(&self, session: &Session, meant: &str, confirm: &Confirm) -> Result<()> {
        let client = session.client()?;
        let member = self.find(session, &client, meant).await?;
        confirm.ask(
            session,
            &format!(
                "{}, {} of {self}, may do nothing there any more, at once. Remove this member?",
                called(&member),
                words(&member.roles)
            ),
        )?;
        match self {
            Self::Publisher(publisher) => client.remove_member(publisher, member.id).await?,
            Self::Staff => client.remove_staff(member.id).await?,
        }
        session.done(&format!("Done: {} is no member of {self} any more.", member.name))?;
        let roles: Vec<String> = member.roles.iter().map(|role| format!(" --role {}", role.word())).collect();
        let again = format!("{}{} --id {}", self.command("add"), roles.concat(), member.id);
        session.say(&format!("To undo it: {again}"));
        Ok(())
    }

    pub(super) async fn invite(&self, session: &Session, meant: &str) -> Result<()> {
        let client = session.client()?;
        let member = self.find(session, &client, meant).await?;
        let invitation = match self {
            Self::Publisher(publisher) => client.invite_member(publisher, member.id).await?,
            Self::Staff => client.invite_staff(member.id).await?,
        };
        session.answered(&client, |out, _| show_invitation(out, &member, &invitation))?;
        warn_of_code(session);
        Ok(())
    }
}

/// An id means its owner and nobody whose name looks like it.
fn is_meant(member: &Member, meant: &str) -> bool {
    if let Ok(id) = Uuid::try_parse(meant) {
        return member.id == id;
    }
    let meant = meant.to_lowercase();
    member.name.to_lowercase() == meant || member.mail.as_ref().is_some_and(|mail| mail.to_lowercase() == meant)
}

const HEAD: [&str; 7] = ["ID", "NAME", "KIND", "ROLES", "MAIL OR CLIENT ID", "ISSUER", "SINCE"];

/// Says who could be meant.
fn say_candidates(session: &Session, members: &[Member]) -> Result<()> {
    if members.is_empty() {
        return Ok(());
    }
    let rows: Vec<[String; 7]> = members.iter().map(row).collect();
    let mut text = Vec::new();
    table(&mut text, HEAD, &rows)?;
    session.say(String::from_utf8_lossy(&text).trim_end());
    Ok(())
}

fn row(member: &Member) -> [String; 7] {
    [
        member.id.to_string(),
        member.name.clone(),
        member.kind.word().to_owned(),
        words(&member.roles),
        member.mail.clone().or_else(|| member.application_id.clone()).unwrap_or_default(),
        member.issuer.clone(),
        member.since.to_string(),
    ]
}

/// A member's name with its mail address or id.
pub(super) fn called(member: &Member) -> String {
    let more = member.mail.clone().unwrap_or_else(|| member.id.to_string());
    format!("{} <{}>", plain(&member.name), plain(&more))
}

/// Roles in words.
pub(super) fn words(roles: &[Role]) -> String {
    roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(", ")
}
