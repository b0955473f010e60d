//! Which server the commands talk to, as whom, and how they answer whoever typed them.

use super::fault::{Fault, Meant};
use super::kept::{Shelf, Store};
use super::output::Output;
use super::print::{plain, quoted};
use super::query::Query;
use super::settings::{Flags, Progress, Settings, nearest};
use super::terminal::{Colour, Look};
use anyhow::{Context, Result};
use api::client::{
    COMMON_TENANT, Client, ClientError, ClientSecret, Credentials, Transport, USUAL_AUDIENCE, is_plain_and_away,
};
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What to set where nobody said who asks.
const NOBODY: &str = "the server must know who asks: run portolan login, or set PORTOLAN_CLIENT_ID and \
    PORTOLAN_CLIENT_SECRET of a service principal, or PORTOLAN_TOKEN, in the environment (there is no flag for them, for \
    process lists show flags)";

/// Where credentials are from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A variable of the environment.
    Variable(&'static str),
    /// The system's keyring.
    Keyring,
    /// A file of the user's own.
    File(PathBuf),
}

impl Source {
    /// In a word, for programs.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Variable(name) => name,
            Self::Keyring => "keyring",
            Self::File(_) => "file",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "in the environment ({name})"),
            Self::Keyring => f.write_str("in the system's keyring"),
            Self::File(path) => write!(f, "in {}", path.display()),
        }
    }
}

/// What a command works with.
#[derive(Debug)]
pub(super) struct Session {
    /// What is set.
    pub(super) settings: Settings,
    /// Where results go.
    pub(super) output: Output,
    /// What standard error can show.
    pub(super) look: Look,
}

impl Session {
    /// As the flags, the environment and the files say.
    ///
    /// # Errors
    /// Where one of them cannot be meant so.
    pub(super) fn open(flags: &Flags) -> Result<Self, Fault> {
        let settings = Settings::read(flags)?;
        let query = flags.query.as_deref().map(Query::parse).transpose()?;
        let colour = settings.choice::<Colour>("color");
        let output = Output { format: settings.choice("output"), query, look: Look::of_output(colour) };
        Ok(Self { settings, output, look: Look::of_errors(colour) })
    }

    /// A client as whoever the environment says, or else as who signed in.
    ///
    /// # Errors
    /// Where something is missing, or cannot be used.
    pub(super) fn client(&self) -> Result<Client> {
        self.client_as(self.credentials()?.0)
    }

    /// As whom the server is asked, and where that is from.
    ///
    /// # Errors
    /// Where nobody says it, or it cannot be got.
    pub(super) fn credentials(&self) -> Result<(Credentials, Source), Fault> {
        if let Some(known) = credentials(|name| std::env::var(name).ok())? {
            return self.settings.project_of_server().map_or(Ok(known), |file| Err(not_for_projects(file)));
        }
        let shelf = Shelf::of_user()?;
        let (credentials, store) = shelf.find(self.address())?.ok_or_else(|| Fault::not_signed_in(NOBODY))?;
        let source = match store {
            Store::Keyring => Source::Keyring,
            Store::File => Source::File(shelf.file()),
        };
        Ok((credentials, source))
    }

    /// The same for an emulator, which asks programs of its own machine for no name.
    ///
    /// # Errors
    /// As [`Session::client`].
    pub(super) fn client_of_emulator(&self) -> Result<Client> {
        let names = ["PORTOLAN_TOKEN", "PORTOLAN_CLIENT_ID", "PORTOLAN_CLIENT_SECRET"];
        let is_set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.trim().is_empty());
        if names.iter().any(is_set) { self.client() } else { self.client_as(Credentials::Nobody) }
    }

    /// A client with these credentials.
    ///
    /// # Errors
    /// Where something cannot be used.
    pub(super) fn client_as(&self, credentials: Credentials) -> Result<Client> {
        let roots = self.ca_file().map(|file| {
            let said = || format!("the file of root certificates {} cannot be read (--ca-file)", file.display());
            std::fs::read(&file).with_context(said)
        });
        let transport = Transport { roots: roots.transpose()?, plain_http: self.settings.is_on("plain-http") };
        let slow = |text: &str| {
            // Whoever closed it does not want to hear it.
            let _ = writeln!(std::io::stderr(), "{text}");
        };
        Ok(Client::over(self.address(), credentials, &transport)?.telling(Some(slow)))
    }

    /// Writes what the server answered last: as it wrote it, or, for people, as `table` does.
    ///
    /// # Errors
    /// Where standard output cannot be written, or the query does not fit.
    pub(super) fn answered(
        &self,
        client: &Client,
        table: impl FnOnce(&mut dyn Write, Look) -> Result<()>,
    ) -> Result<()> {
        let heard = client.heard();
        self.output.document(std::str::from_utf8(&heard).context("the answer is no UTF-8")?, table)
    }

    /// The server's address, without a slash at the end.
    pub(super) fn address(&self) -> &str {
        self.settings.value("server").unwrap_or_default().trim_end_matches('/')
    }

    /// How it is told what goes on.
    pub(super) fn progress(&self) -> Progress {
        self.settings.choice("progress")
    }

    /// Whether somebody can be asked something, on standard error.
    pub(super) fn may_ask(&self) -> bool {
        use std::io::IsTerminal;
        let has_somebody = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        has_somebody && !self.settings.is_on("no-input")
    }

    /// Tells something that is no result: on standard error, where people look.
    pub(super) fn say(&self, text: &str) {
        // Whoever closed it does not want to hear it.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// The publisher that is meant: the one that was said, or the only one that the caller is a member of.
    ///
    /// # Errors
    /// Where nobody can know which.
    pub(super) async fn publisher(&self, client: &Client) -> Result<String> {
        if let Some(publisher) = self.settings.value("publisher") {
            return Ok(publisher.to_owned());
        }
        let publishers = client.list_publishers().await.context("the publishers that you are a member of")?;
        match publishers.as_slice() {
            [one] => Ok(one.id.clone()),
            [] => Err(Fault::usage("you are a member of no publisher; say which one you mean with --publisher").into()),
            several => {
                let names: Vec<&str> = several.iter().take(20).map(|publisher| publisher.id.as_str()).collect();
                let text = format!(
                    "you are a member of several publishers: say which one with --publisher, PORTOLAN_PUBLISHER, or \
                     publisher in the table [client] of portolan.toml; one of {}",
                    names.join(", ")
                );
                Err(Fault::usage(text).into())
            }
        }
    }

    /// The publisher and the id of the offer that is meant by `offer` or `publisher/offer`.
    ///
    /// # Errors
    /// Where nobody can know which publisher.
    pub(super) async fn offer(&self, client: &Client, meant: &str) -> Result<(String, String)> {
        match meant.split_once('/') {
            Some((publisher, offer)) => Ok((publisher.to_owned(), offer.to_owned())),
            None => Ok((self.publisher(client).await?, meant.to_owned())),
        }
    }

    /// The same error; where there is no such offer or publisher, with what may have been meant.
    pub(super) async fn meant(
        &self,
        client: &Client,
        (publisher, offer): (&str, &str),
        error: ClientError,
    ) -> anyhow::Error {
        match error.status() {
            Some(404) => {
                let Ok(offers) = client.list_offers(publisher).await else {
                    return self.meant_publisher(client, publisher, error).await;
                };
                match nearest(offer, offers.iter().map(|known| known.id.as_str())).filter(|near| *near != offer) {
                    Some(near) => {
                        let what = format!("there is no offer {offer:?} of {publisher}");
                        anyhow::Error::from(error).context(Meant { what, near: near.to_owned() })
                    }
                    None => error.into(),
                }
            }
            Some(403) => self.meant_publisher(client, publisher, error).await,
            _ => error.into(),
        }
    }

    /// The same error; where the caller is a member of another publisher with nearly this id, that there is no such one. A
    /// server says of publishers that are not there what it says of those that are somebody else's.
    pub(super) async fn meant_publisher(&self, client: &Client, publisher: &str, error: ClientError) -> anyhow::Error {
        if !matches!(error.status(), Some(403 | 404)) {
            return error.into();
        }
        let known = client.list_publishers().await.unwrap_or_default();
        let ids = || known.iter().map(|known| known.id.as_str());
        match nearest(publisher, ids()).filter(|_| !ids().any(|id| id.eq_ignore_ascii_case(publisher))) {
            Some(near) => {
                let what = format!("you are a member of no publisher {publisher:?}");
                anyhow::Error::from(error).context(Meant { what, near: near.to_owned() })
            }
            None => error.into(),
        }
    }

    /// What a call about an offer gave; its error as [`Session::meant`] tells it.
    pub(super) async fn of_offer<T>(
        &self,
        client: &Client,
        (publisher, offer): (&str, &str),
        result: Result<T, ClientError>,
    ) -> Result<T> {
        match result {
            Ok(value) => Ok(value),
            Err(error) => Err(self.meant(client, (publisher, offer), error).await),
        }
    }

    /// What a call about a publisher gave; its error as [`Session::meant_publisher`] tells it.
    pub(super) async fn of_publisher<T>(
        &self,
        client: &Client,
        publisher: &str,
        result: Result<T, ClientError>,
    ) -> Result<T> {
        match result {
            Ok(value) => Ok(value),
            Err(error) => Err(self.meant_publisher(client, publisher, error).await),
        }
    }

    /// Tells people that something is done; on standard error where programs read the results.
    ///
    /// # Errors
    /// Where standard output cannot be written.
    pub(super) fn done(&self, text: &str) -> Result<()> {
        let text = plain(text);
        match self.output.is_for_people() {
            true => writeln!(std::io::stdout(), "{text}").context("standard output cannot be written"),
            false => {
                self.say(&text);
                Ok(())
            }
        }
    }

    fn ca_file(&self) -> Option<PathBuf> {
        self.settings.value("ca-file").map(PathBuf::from)
    }

    /// The lines for a shell that say which server this is.
    pub(super) fn exports(&self) -> String {
        let mut lines = format!("export PORTOLAN_SERVER={}\n", quoted(self.address()));
        if let Some(file) = self.ca_file() {
            let file = std::path::absolute(&file).unwrap_or(file);
            lines += &format!("export PORTOLAN_CA_FILE={}\n", quoted(&file.display().to_string()));
        }
        if is_plain_and_away(self.address()) {
            lines += "export PORTOLAN_PLAIN_HTTP=1\n";
        }
        lines
    }
}

/// Why credentials of the environment are not used: a fresh clone could send them to whoever wrote its file.
fn not_for_projects(file: &Path) -> Fault {
    Fault::not_signed_in(format!(
        "the server's address is set by {}, and credentials from the environment are only sent where the environment, a flag or \
         your own file says: set PORTOLAN_SERVER or add --server, or unset them and run portolan login",
        file.display()
    ))
}

/// Who asks, as variables say; nothing where none is set.
fn credentials(variable: impl Fn(&str) -> Option<String>) -> Result<Option<(Credentials, Source)>, Fault> {
    let set = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    match (set("PORTOLAN_TOKEN"), set("PORTOLAN_CLIENT_ID"), set("PORTOLAN_CLIENT_SECRET")) {
        (Some(token), None, None) => Ok(Some((Credentials::token(token), Source::Variable("PORTOLAN_TOKEN")))),
        (None, Some(client_id), Some(client_secret)) => {
            let known = Credentials::Secret(ClientSecret {
                client_id,
                client_secret,
                tenant: set("PORTOLAN_TENANT").unwrap_or_else(|| COMMON_TENANT.to_owned()),
                audience: set("PORTOLAN_AUDIENCE").unwrap_or_else(|| USUAL_AUDIENCE.to_owned()),
            });
            Ok(Some((known, Source::Variable("PORTOLAN_CLIENT_SECRET"))))
        }
        (None, None, None) => Ok(None),
        (None, Some(_), None) => {
            Err(Fault::usage("PORTOLAN_CLIENT_ID is set and PORTOLAN_CLIENT_SECRET is not: set both"))
        }
        (None, None, Some(_)) => {
            Err(Fault::usage("PORTOLAN_CLIENT_SECRET is set and PORTOLAN_CLIENT_ID is not: set both"))
        }
        (Some(_), ..) => Err(Fault::usage(
            "PORTOLAN_TOKEN is set, and PORTOLAN_CLIENT_ID or PORTOLAN_CLIENT_SECRET too: say one of the two, and `unset` \
             the other",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::credentials;
    use api::client::Credentials;

    fn said(set: &[(&str, &str)]) -> Result<Option<Credentials>, String> {
        let value = |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        credentials(value).map(|known| known.map(|(known, _)| known)).map_err(|error| error.to_string())
    }

    #[test]
    fn who_asks_is_said_once_and_whole() {
        let (token, id) = (("PORTOLAN_TOKEN", "hush\n"), ("PORTOLAN_CLIENT_ID", "id"));
        let secret = ("PORTOLAN_CLIENT_SECRET", "hush");
        assert!(matches!(said(&[token]), Ok(Some(Credentials::Token(token))) if token.0 == "hush"));
        let Ok(Some(Credentials::Secret(known))) = said(&[id, secret, ("PORTOLAN_TENANT", "")]) else { panic!() };
        assert_eq!((&*known.client_id, &*known.client_secret, &*known.tenant), ("id", "hush", "common"));
        for none in [&[][..], &[("PORTOLAN_TOKEN", " ")]] {
            assert!(matches!(said(none), Ok(None)), "{none:?}");
        }
        for (set, names) in [
            (&[id][..], "PORTOLAN_CLIENT_SECRET is not"),
            (&[secret], "PORTOLAN_CLIENT_ID is not"),
            (&[token, id, secret], "unset"),
            (&[token, secret], "unset"),
        ] {
            let fault = said(set).unwrap_err();
            assert!(fault.contains(names) && !fault.contains("hush"), "{fault}");
        }
    }
}
