//! Somebody who is made a member: as the command line describes them, and what they are given.

use super::circle::{Circle, called, words};
use super::secret::{show_invitation, show_secret, warn_of_code, warn_of_secret};
use super::session::Session;
use anyhow::Result;
use api::access::{MemberKind, NewMember, Role};
use clap::{ArgGroup, Args};
use uuid::Uuid;

/// Who.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("who").required(true)))]
pub(super) struct Newcomer {
    /// A person, by a name for people; of the built-in issuer with --mail.
    #[arg(long, value_name = "NAME", group = "who")]
    user: Option<String>,
    /// The person's mail address.
    #[arg(long, value_name = "ADDRESS", requires = "user")]
    mail: Option<String>,
    /// A program, by a name for people.
    #[arg(long, value_name = "NAME", group = "who")]
    service_principal: Option<String>,
    /// Somebody who is known here already, by the id that the lists of members show.
    #[arg(long, value_name = "GUID", group = "who")]
    id: Option<Uuid>,
    /// The name of another issuer, as the service's settings have it, that they get their tokens from.
    #[arg(long, value_name = "NAME", conflicts_with = "id", requires = "object_id")]
    issuer: Option<String>,
    /// Their tenant at that issuer.
    #[arg(long, value_name = "TENANT", requires = "issuer")]
    tenant_id: Option<String>,
    /// Their object id, or subject, at that issuer.
    #[arg(long, value_name = "OBJECT", requires = "issuer")]
    object_id: Option<String>,
    /// The program's application id at that issuer.
    #[arg(long, value_name = "APPLICATION", requires = "issuer", requires = "service_principal")]
    application_id: Option<String>,
}

impl Newcomer {
    /// Makes them a member, and shows what they are given.
    ///
    /// # Errors
    /// Where the server says no, or nothing.
    pub(super) async fn add(self, session: &Session, circle: &Circle, roles: Vec<Role>) -> Result<()> {
        let client = session.client()?;
        let new = self.described(roles);
        let added = match circle {
            Circle::Publisher(publisher) => {
                let added = client.add_member(publisher, &new).await;
                session.of_publisher(&client, publisher, added).await?
            }
            Circle::Staff => client.add_staff(&new).await?,
        };
        let member = &added.member;
        // First what is shown only once.
        session.answered(&client, |out, _| match (&added.secret, &added.invitation) {
            (Some(secret), _) => show_secret(out, session, circle, member, secret),
            (None, Some(invitation)) => show_invitation(out, member, invitation),
            (None, None) => Ok(writeln!(out, "{}", member.id)?),
        })?;
        match (&added.secret, &added.invitation) {
            (Some(_), _) => warn_of_secret(session, circle, member),
            (None, Some(_)) => warn_of_code(session),
            (None, None) => {}
        }
        session.say(&format!("Done: {} is {} of {circle}.", called(member), words(&member.roles)));
        Ok(())
    }

    fn described(self, roles: Vec<Role>) -> NewMember {
        let kind = match (&self.user, &self.service_principal) {
            (Some(_), _) => Some(MemberKind::User),
            (None, Some(_)) => Some(MemberKind::ServicePrincipal),
            (None, None) => None,
        };
        NewMember {
            id: self.id,
            kind,
            name: self.user.or(self.service_principal),
            mail: self.mail,
            issuer: self.issuer,
            tenant_id: self.tenant_id,
            object_id: self.object_id,
            application_id: self.application_id,
            roles,
        }
    }
}
