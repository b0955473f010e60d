//! Which server the commands talk to, and as whom.

use super::print::quoted;
use anyhow::{Context, Result, bail};
use api::client::{COMMON_TENANT, Client, ClientSecret, Credentials, Transport, USUAL_AUDIENCE, is_plain_and_away};
use clap::Args;
use clap::builder::FalseyValueParser;
use std::path::PathBuf;

/// What to set where nobody said who asks.
const NOBODY: &str = "the server must know who asks: set PORTOLAN_CLIENT_ID and PORTOLAN_CLIENT_SECRET of a service \
    principal, or PORTOLAN_TOKEN, in the environment (there is no flag for them, for process lists show flags)";

/// Which server. As whom is said in the environment, for process lists show flags.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server")]
pub(super) struct Server {
    /// The server's address.
    ///
    /// As whom it is asked is said in the environment only: PORTOLAN_CLIENT_ID and PORTOLAN_CLIENT_SECRET of a service
    /// principal, or PORTOLAN_TOKEN.
    #[arg(long, env = "PORTOLAN_SERVER", value_name = "URL", default_value = "http://127.0.0.1:8080", global = true)]
    server: String,
    /// A PEM file of root certificates to trust besides those of the machine.
    #[arg(long, env = "PORTOLAN_CA_FILE", value_name = "FILE", global = true)]
    ca_file: Option<PathBuf>,
    /// Send credentials over http to another machine, in clear text: for a network that is yours.
    #[arg(long, env = "PORTOLAN_PLAIN_HTTP", value_parser = FalseyValueParser::new(), global = true)]
    plain_http: bool,
}

impl Server {
    /// A client as the environment says.
    ///
    /// # Errors
    /// Where something is missing, or cannot be used.
    pub(super) fn client(&self) -> Result<Client> {
        let credentials = credentials(|name| std::env::var(name).ok())?;
        let roots = self.ca_file.as_ref().map(|file| {
            let said = || format!("the file of root certificates {} cannot be read (--ca-file)", file.display());
            std::fs::read(file).with_context(said)
        });
        let transport = Transport { roots: roots.transpose()?, plain_http: self.plain_http };
        Ok(Client::over(&self.server, credentials, &transport)?)
    }

    /// The server's address, without a slash at the end.
    pub(super) fn address(&self) -> &str {
        self.server.trim_end_matches('/')
    }

    /// The lines for a shell that say which server this is.
    pub(super) fn exports(&self) -> String {
        let mut lines = format!("export PORTOLAN_SERVER={}\n", quoted(self.address()));
        if let Some(file) = &self.ca_file {
            let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
            lines += &format!("export PORTOLAN_CA_FILE={}\n", quoted(&file.display().to_string()));
        }
        if is_plain_and_away(&self.server) {
            lines += "export PORTOLAN_PLAIN_HTTP=1\n";
        }
        lines
    }
}

/// Who asks, as variables say.
fn credentials(variable: impl Fn(&str) -> Option<String>) -> Result<Credentials> {
    let set = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    match (set("PORTOLAN_TOKEN"), set("PORTOLAN_CLIENT_ID"), set("PORTOLAN_CLIENT_SECRET")) {
        (Some(token), None, None) => Ok(Credentials::token(token)),
        (None, Some(client_id), Some(client_secret)) => Ok(Credentials::Secret(ClientSecret {
            client_id,
            client_secret,
            tenant: set("PORTOLAN_TENANT").unwrap_or_else(|| COMMON_TENANT.to_owned()),
            audience: set("PORTOLAN_AUDIENCE").unwrap_or_else(|| USUAL_AUDIENCE.to_owned()),
        })),
        (None, None, None) => bail!(NOBODY),
        (None, Some(_), None) => bail!("PORTOLAN_CLIENT_ID is set and PORTOLAN_CLIENT_SECRET is not: set both"),
        (None, None, Some(_)) => bail!("PORTOLAN_CLIENT_SECRET is set and PORTOLAN_CLIENT_ID is not: set both"),
        (Some(_), ..) => bail!(
            "PORTOLAN_TOKEN is set, and PORTOLAN_CLIENT_ID or PORTOLAN_CLIENT_SECRET too: say one of the two, and `unset` \
             the other"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::credentials;
    use api::client::Credentials;

    fn said(set: &[(&str, &str)]) -> Result<Credentials, String> {
        let value = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        credentials(value).map_err(|error| error.to_string())
    }

    #[test]
    fn who_asks_is_said_once_and_whole() {
        let (token, id) = (("PORTOLAN_TOKEN", "hush\n"), ("PORTOLAN_CLIENT_ID", "id"));
        let secret = ("PORTOLAN_CLIENT_SECRET", "hush");
        assert!(matches!(said(&[token]), Ok(Credentials::Token(token)) if token.0 == "hush"));
        let Ok(Credentials::Secret(known)) = said(&[id, secret, ("PORTOLAN_TENANT", "")]) else { panic!() };
        assert_eq!((&*known.client_id, &*known.client_secret, &*known.tenant), ("id", "hush", "common"));
        for (set, names) in [
            (&[][..], "PORTOLAN_CLIENT_ID and PORTOLAN_CLIENT_SECRET"),
            (&[("PORTOLAN_TOKEN", " ")], "set PORTOLAN_CLIENT_ID"),
            (&[id], "PORTOLAN_CLIENT_SECRET is not"),
            (&[secret], "PORTOLAN_CLIENT_ID is not"),
            (&[token, id, secret], "unset"),
            (&[token, secret], "unset"),
        ] {
            let fault = said(set).unwrap_err();
            assert!(fault.contains(names) && !fault.contains("hush"), "{fault}");
        }
    }
}
