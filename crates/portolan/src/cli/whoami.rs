//! `portolan whoami`: who asks the server, what they may do there, and where their secret is. Never the secret.

use super::Run;
use super::exit::Exit;
use super::print::plain;
use super::session::{Session, Source};
use anyhow::Result;
use api::access::{Member, Role};
use api::client::{Client, Token};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::io::Write;

/// At how many publishers it is looked for roles.
const PUBLISHERS: usize = 20;

/// Nothing to say.
#[derive(Debug, Args)]
pub struct WhoAmI {}

/// What a token says of whom it is for. Nobody verified it here: it is told, and nothing follows from it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Claims {
    name: Option<String>,
    oid: Option<String>,
    sub: Option<String>,
    appid: Option<String>,
    azp: Option<String>,
    iss: Option<String>,
    exp: Option<i64>,
}

impl Claims {
    /// Those of a token; nothing where it is no JWT.
    pub(super) fn of(Token(token): &Token) -> Option<Self> {
        let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        serde_json::from_slice(&payload).ok()
    }

    /// A name, or an id where there is none.
    pub(super) fn who(&self) -> String {
        let said = [&self.name, &self.appid, &self.azp, &self.oid, &self.sub];
        said.into_iter().flatten().next().map_or_else(|| "somebody".to_owned(), Clone::clone)
    }

    fn is(&self, member: &Member) -> bool {
        let ids = [&self.oid, &self.sub].into_iter().flatten();
        let application = self.appid.as_ref().or(self.azp.as_ref());
        ids.into_iter().any(|id| *id == member.object_id)
            || member.application_id.is_some() && member.application_id.as_ref() == application
    }
}

/// Who asks.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Known {
    server: String,
    name: Option<String>,
    kind: Option<&'static str>,
    object_id: Option<String>,
    client_id: Option<String>,
    issuer: Option<String>,
    publishers: Vec<At>,
    staff_roles: Vec<Role>,
    /// Where the secret is: a variable, `keyring`, or `file`.
    secret_in: String,
    /// The file, where it is one.
    file: Option<String>,
    /// When the token ends; a service principal's secret gets new ones until it ends itself.
    token_ends_at: Option<String>,
    renews_itself: bool,
}

/// A publisher, with the caller's roles there where they are known.
#[derive(Debug, Serialize)]
struct At {
    id: String,
    roles: Vec<Role>,
}

impl Run for WhoAmI {
    async fn run(self, session: &Session) -> Result<Exit> {
        let (credentials, source) = session.credentials()?;
        let client = session.client_as(credentials.clone())?;
        let publishers = client.list_publishers().await?;
        let claims = Claims::of(&client.token().await?).unwrap_or_default();
        let (publishers, staff_roles, member) = roles(&client, &claims, publishers).await;
        let known = Known {
            server: session.address().to_owned(),
            name: claims.name.clone().or_else(|| member.as_ref().map(|member| member.name.clone())),
            kind: member.as_ref().map(|member| member.kind.word()),
            object_id: claims.oid.clone().or_else(|| claims.sub.clone()),
            client_id: member.and_then(|member| member.application_id),
            issuer: claims.iss.clone(),
            publishers,
            staff_roles,
            file: match &source {
                Source::File(path) => Some(path.display().to_string()),
                _ => None,
            },
            secret_in: source.word().to_owned(),
            token_ends_at: claims.exp.and_then(|at| Timestamp::from_second(at).ok()).map(|at| at.to_string()),
            renews_itself: matches!(credentials, api::client::Credentials::Secret(_)),
        };
        session.output.value(&known, |out, _| Ok(told(out, &known, &source)?))?;
        Ok(Exit::Done)
    }
}

/// The caller's roles, and what the members' lists say of them. Who may not see a list has no roles told.
async fn roles(
    client: &Client,
    claims: &Claims,
    publishers: Vec<api::publishers::Publisher>,
) -> (Vec<At>, Vec<Role>, Option<Member>) {
    let mut known = None;
    let mut own = |members: Vec<Member>| {
        let found = members.into_iter().find(|member| claims.is(member));
        let roles = found.as_ref().map(|member| member.roles.clone()).unwrap_or_default();
        known = known.take().or(found);
        roles
    };
    let mut at = Vec::new();
    for (number, publisher) in publishers.into_iter().enumerate() {
        let members = match number < PUBLISHERS {
            true => client.list_members(&publisher.id).await.unwrap_or_default(),
            false => Vec::new(),
        };
        at.push(At { id: publisher.id, roles: own(members) });
    }
    let staff = own(client.list_staff().await.unwrap_or_default());
    (at, staff, known)
}

fn told(out: &mut dyn Write, known: &Known, source: &Source) -> std::io::Result<()> {
    let words = |roles: &[Role]| roles.iter().map(|role| role.word()).collect::<Vec<_>>().join(", ");
    let at = |at: &At| match at.roles.as_slice() {
        [] => at.id.clone(),
        roles => format!("{} ({})", at.id, words(roles)),
    };
    let who = known.name.as_ref().or(known.client_id.as_ref()).or(known.object_id.as_ref());
    let kind = known.kind.map_or("", |kind| if kind == "user" { " (a person)" } else { " (a service principal)" });
    let publishers = known.publishers.iter().map(at).collect::<Vec<_>>().join(", ");
    let ends = match (&known.token_ends_at, known.renews_itself) {
        (_, true) => "when the service principal's secret ends, or is removed".to_owned(),
        (Some(at), false) => at.clone(),
        (None, false) => "nobody knows: the token does not say".to_owned(),
    };
    for (name, value) in [
        ("server", known.server.clone()),
        ("who", format!("{}{kind}", who.map_or("somebody whose token says no name", String::as_str))),
        ("id", known.object_id.clone().unwrap_or_default()),
        ("client id", known.client_id.clone().unwrap_or_default()),
        ("issuer", known.issuer.clone().unwrap_or_default()),
        ("publishers", if publishers.is_empty() { "none".to_owned() } else { publishers }),
        ("staff", words(&known.staff_roles)),
        ("secret", source.to_string()),
        ("ends", ends),
    ] {
        if !value.is_empty() {
            writeln!(out, "{name:<10}  {}", plain(&value))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Claims;
    use api::client::Token;

    #[test]
    fn a_token_that_is_no_jwt_says_nothing() {
        for token in ["", "opaque", "a.b.c", "a.e30"] {
            let who = Claims::of(&Token(token.into())).map(|claims| claims.who());
            assert!(who.is_none_or(|who| who == "somebody"), "{token}");
        }
    }
}
