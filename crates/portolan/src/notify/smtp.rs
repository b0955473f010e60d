//! Hands mails to the mail server, and says at which word of the talk it failed.

use super::compose::Written;
use super::settings::{MailAnswer, Opened};
use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Tls};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use std::error::Error as _;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many connections wait for the next mail.
const MOST_IDLE: usize = 8;

/// How long a connection that waited may take to say that it is still there.
const STILL_THERE: Duration = Duration::from_secs(2);

/// At which word of the talk a mail failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The server was not reached, or not over TLS as it should be.
    Connect,
    /// It does not let us in.
    Login,
    /// It does not take mails from us.
    Sender,
    /// It does not take mails for this address.
    Recipient,
    /// It does not take this mail, or nobody knows whether it did.
    Content,
}

/// Why a mail was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) stage: Stage,
    /// What was answered.
    pub(super) code: Option<u16>,
    /// Whether the answer says that it is against a rule of the server's (RFC 3463, X.7.X), and not that something is not there.
    pub(super) is_policy: bool,
    /// Whether the answer never came.
    pub(super) timed_out: bool,
    /// Whether it is about TLS.
    pub(super) is_tls: bool,
}

/// The mail server.
pub(super) struct Smtp {
    opened: Opened,
    hello: ClientId,
    idle: Mutex<Vec<AsyncSmtpConnection>>,
}

impl fmt::Debug for Smtp {
    /// Without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("server", &self.opened.server).finish_non_exhaustive()
    }
}

impl Smtp {
    /// Greets as this host.
    pub(super) fn new(opened: Opened, host: &str) -> Self {
        let hello = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
            Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
            Err(_) => ClientId::Domain(host.to_owned()),
        };
        Self { opened, hello, idle: Mutex::default() }
    }

    /// Hands over a mail for one address; once this is `Ok`, the server has it.
    pub(super) async fn send(&self, to: Address, mail: &Written) -> Result<(), Fault> {
        if let Some(captured) = &self.opened.captured {
            return answered(captured.take(mail));
        }
        let mut stage = Stage::Connect;
        match tokio::time::timeout(self.opened.timeout, self.talk(to, &mail.source, &mut stage)).await {
            Ok(talked) => talked.map_err(|error| fault(stage, &error)),
            Err(_) => Err(Fault { stage, code: None, is_policy: false, timed_out: true, is_tls: false }),
        }
    }

    async fn talk(&self, to: Address, mail: &[u8], stage: &mut Stage) -> Result<(), Error> {
        let mut connection = match self.waiting().await {
            Some(connection) => connection,
            None => self.connect(stage).await?,
        };
        *stage = Stage::Sender;
        connection.command(Mail::new(Some(self.opened.from.email.clone()), Vec::new())).await?;
        *stage = Stage::Recipient;
        connection.command(Rcpt::new(to, Vec::new())).await?;
        *stage = Stage::Content;
        connection.command(Data).await?;
        connection.message(mail).await?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(connection);
        }
        Ok(())
    }

    /// A connection that is still good.
    async fn waiting(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let mut connection = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if tokio::time::timeout(STILL_THERE, connection.test_connected()).await == Ok(true) {
                return Some(connection);
            }
        }
    }

    async fn connect(&self, stage: &mut Stage) -> Result<AsyncSmtpConnection, Error> {
        let Opened { server, port, tls, login, timeout, .. } = &self.opened;
        let from_the_first_byte = match tls {
            Tls::Wrapper(parameters) => Some(parameters.clone()),
            _ => None,
        };
        let at = (server.as_str(), *port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(at, Some(*timeout), &self.hello, from_the_first_byte, None).await?;
        if let Tls::Required(parameters) = tls {
            connection.starttls(parameters.clone(), &self.hello).await?;
        }
        if let Some(login) = login {
            *stage = Stage::Login;
            sign_in(&mut connection, login).await?;
        }
        Ok(connection)
    }
}

async fn sign_in(connection: &mut AsyncSmtpConnection, login: &Credentials) -> Result<(), Error> {
    connection.auth(&[Mechanism::Plain, Mechanism::Login], login).await.map(drop)
}

/// What a server that is none answers, as one that is says it.
fn answered(answer: MailAnswer) -> Result<(), Fault> {
    let fault = |stage, code| Err(Fault { stage, code, is_policy: false, timed_out: false, is_tls: false });
    match answer {
        MailAnswer::Taken => Ok(()),
        MailAnswer::Unreachable => fault(Stage::Connect, None),
        MailAnswer::Refused(code) => fault(Stage::Recipient, Some(code)),
    }
}

/// What an error says, without the server's words: they may quote addresses.
fn fault(stage: Stage, error: &Error) -> Fault {
    let code = error.status().and_then(|code| code.to_string().parse().ok());
    let words = error.source().map(ToString::to_string).unwrap_or_default();
    let is_policy = code.is_some() && (words.starts_with("5.7.") || words.starts_with("4.7."));
    Fault {
        stage,
        code,
        is_policy,
        timed_out: error.is_timeout(),
        is_tls: error.is_tls() || is_about_tls(stage, error),
    }
}

/// Whether a connection failed for TLS: the library takes a handshake that fails, and a server without STARTTLS, for faults of
/// other kinds.
fn is_about_tls(stage: Stage, error: &Error) -> bool {
    if stage != Stage::Connect {
        return false;
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(this) = cause {
        let inner = this.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if this.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>()) {
            return true;
        }
        cause = this.source();
    }
    // What the client itself does not go on with, before it has signed in.
    error.is_client()
}
