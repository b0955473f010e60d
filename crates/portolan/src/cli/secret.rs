//! The credentials of members: secrets that are listed, added and removed, and what is shown only once.

use super::circle::{Circle, called};
use super::confirm::Confirm;
use super::print::{plain, quoted, table};
use super::session::Session;
use anyhow::{Context, Result};
use api::access::{Invitation, Member, NewSecret, SecretRequest};
use std::io::Write;
use uuid::Uuid;

impl Circle {
    /// The command that gives a member another secret.
    fn again(&self, member: &Member) -> String {
        format!("{} {}", self.command("secret add"), member.id)
    }

    pub(super) async fn list_secrets(&self, session: &Session, meant: &str) -> Result<()> {
        let client = session.client()?;
        let member = self.find(session, &client, meant).await?;
        let secrets = match self {
            Self::Publisher(publisher) => client.list_member_secrets(publisher, member.id).await?,
            Self::Staff => client.list_staff_secrets(member.id).await?,
        };
        session.answered(&client, |out, _| {
            if secrets.is_empty() {
                return Ok(writeln!(out, "{} has no secret.", called(&member))?);
            }
            let rows = secrets.iter().map(|secret| {
                let used = secret.used_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
                [secret.id.to_string(), secret.made_at.to_string(), secret.ends_at.to_string(), used]
            });
            Ok(table(out, ["ID", "MADE", "ENDS", "LAST USED"], &rows.collect::<Vec<_>>())?)
        })
    }

    pub(super) async fn add_secret(&self, session: &Session, meant: &str, days: Option<i64>) -> Result<()> {
        let client = session.client()?;
        let member = self.find(session, &client, meant).await?;
        let request = SecretRequest { days };
        let secret = match self {
            Self::Publisher(publisher) => client.add_member_secret(publisher, member.id, &request).await?,
            Self::Staff => client.add_staff_secret(member.id, &request).await?,
        };
        session.answered(&client, |out, _| show_secret(out, session, self, &member, &secret)).with_context(|| {
            format!("a secret was made, and may not have been shown; add another: {}", self.again(&member))
        })?;
        warn_of_secret(session, self, &member);
        Ok(())
    }

    pub(super) async fn remove_secret(
        &self,
        session: &Session,
        meant: &str,
        secret: Uuid,
        confirm: &Confirm,
    ) -> Result<()> {
        let client = session.client()?;
        let member = self.find(session, &client, meant).await?;
        confirm.ask(session, &format!(
            "Nobody gets a new token with the secret {secret} of {}; tokens that were got with it end within an hour. Remove it?",
            called(&member)
        ))?;
        match self {
            Self::Publisher(publisher) => client.remove_member_secret(publisher, member.id, secret).await?,
            Self::Staff => client.remove_staff_secret(member.id, secret).await?,
        }
        session.done(&format!("Done: the secret {secret} of {} is removed.", called(&member)))
    }
}

/// Shows a secret, this once, as lines that a shell can read from a file.
pub(super) fn show_secret(
    out: &mut dyn Write,
    session: &Session,
    circle: &Circle,
    member: &Member,
    secret: &NewSecret,
) -> Result<()> {
    let client_id = member.application_id.as_deref().unwrap_or_default();
    let endpoint = format!("{}/{}/oauth2/v2.0/token", session.address(), member.tenant_id);
    let text = format!(
        "# {} of {circle}: the secret {}, until {}.\n\
         # Token endpoint for other clients (common does for the tenant): {}\n\
         unset PORTOLAN_TOKEN\n{}\
         export PORTOLAN_TENANT={}\n\
         export PORTOLAN_CLIENT_ID={}\n\
         export PORTOLAN_CLIENT_SECRET={}\n",
        called(member),
        secret.id,
        secret.ends_at,
        plain(&endpoint),
        session.exports(),
        quoted(&member.tenant_id),
        quoted(client_id),
        quoted(&secret.value)
    );
    Ok(out.write_all(text.as_bytes())?)
}

/// Says that a secret was shown for the only time.
pub(super) fn warn_of_secret(session: &Session, circle: &Circle, member: &Member) {
    let again = circle.again(member);
    session.say(&format!("The secret is shown this once. Whoever loses it adds another: {again}"));
}

/// Shows an invitation, this once.
pub(super) fn show_invitation(out: &mut dyn Write, member: &Member, invitation: &Invitation) -> Result<()> {
    let text = format!(
        "{} chooses a password here, once, until {}:\n  page  {}\n  code  {}\n",
        called(member),
        invitation.ends_at,
        plain(&invitation.page),
        plain(&invitation.code)
    );
    Ok(out.write_all(text.as_bytes())?)
}

/// Says that a code was shown for the only time.
pub(super) fn warn_of_code(session: &Session) {
    session.say("The code is shown this once. Whoever has it becomes this member: give it to nobody else.");
}
