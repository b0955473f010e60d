//! The mail server, as the operator's settings say it.

use super::compose::Written;
use anyhow::{Context, Result, ensure};
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use serde::Deserialize;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// How many seconds a mail may take: less than a try to deliver.
const SECONDS: std::ops::RangeInclusive<u32> = 1..=20;

/// How the connection to the mail server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailTls {
    /// It begins in plain text, and nothing is said before it is encrypted.
    #[default]
    Starttls,
    /// It is encrypted from its first byte.
    Tls,
    /// It is not.
    None,
}

/// The mail server that takes mails; none where `server` is empty.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailSettings {
    /// Its name or address.
    pub server: String,
    /// Its port; the usual one of `tls` where nothing is said.
    pub port: Option<u16>,
    /// How the connection is encrypted.
    pub tls: MailTls,
    /// Whether mails may go to another machine without TLS.
    pub plain_text: bool,
    /// As whom to sign in; empty for not at all.
    pub user: String,
    /// The file with the password.
    pub password_file: Option<PathBuf>,
    /// Whom mails are from.
    pub from: String,
    /// A PEM file of root certificates, besides those of the machine.
    pub ca_file: Option<PathBuf>,
    /// How many seconds a mail may take.
    pub timeout_seconds: u32,
    /// For rehearsals: what takes mails instead of a server.
    #[serde(skip)]
    pub captured: Option<CapturedMail>,
}

/// What a mail server that is none says to a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailAnswer {
    /// It takes it.
    Taken,
    /// It is not there.
    Unreachable,
    /// It does not take mails for this address, with this code of SMTP.
    Refused(u16),
}

/// Takes mails instead of a server.
#[derive(Clone)]
pub struct CapturedMail(Arc<dyn Fn(&Written) -> MailAnswer + Send + Sync>);

impl CapturedMail {
    /// Gives every mail to `answer`.
    pub fn new(answer: impl Fn(&Written) -> MailAnswer + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }

    pub(super) fn take(&self, mail: &Written) -> MailAnswer {
        (self.0)(mail)
    }
}

impl fmt::Debug for CapturedMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CapturedMail")
    }
}

impl PartialEq for CapturedMail {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for CapturedMail {}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            server: String::new(),
            port: None,
            tls: MailTls::Starttls,
            plain_text: false,
            user: String::new(),
            password_file: None,
            from: String::new(),
            ca_file: None,
            timeout_seconds: 15,
            captured: None,
        }
    }
}

/// The mail server as it is used.
pub(super) struct Opened {
    pub(super) server: String,
    pub(super) port: u16,
    pub(super) tls: Tls,
    pub(super) login: Option<Credentials>,
    pub(super) from: Mailbox,
    pub(super) timeout: Duration,
    pub(super) captured: Option<CapturedMail>,
}

impl MailSettings {
    /// For rehearsals: mails are from this mailbox, and no connection is ever made.
    pub fn captured(from: impl Into<String>, captured: CapturedMail) -> Self {
        let server = "localhost".to_owned();
        Self { server, tls: MailTls::None, from: from.into(), captured: Some(captured), ..Self::default() }
    }

    /// Whether mails are sent at all.
    pub fn is_on(&self) -> bool {
        !self.server.is_empty()
    }

    /// Judges the settings.
    ///
    /// # Errors
    /// Names the setting that cannot be, and the mend.
    pub(super) fn open(&self) -> Result<Opened> {
        let server = &self.server;
        let is_name = server.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        let address = server.parse::<IpAddr>().ok();
        ensure!(
            is_name || address.is_some(),
            "mail.server {server:?} is no name of a server; write it like smtp.example.com, and its port in mail.port"
        );
        ensure!(self.port != Some(0), "mail.port is 0; write the port of the mail server, or take it away");
        let is_here = server == "localhost" || address.is_some_and(|address| address.is_loopback());
        ensure!(
            self.tls != MailTls::None || is_here || self.plain_text,
            "mail.tls is \"none\", and mail.server {server} is another machine: whoever is between could read and change mails; write tls = \"starttls\" or \"tls\", or set mail.plain_text = true"
        );
        ensure!(
            SECONDS.contains(&self.timeout_seconds),
            "mail.timeout_seconds is {}; give it {} to {}",
            self.timeout_seconds,
            SECONDS.start(),
            SECONDS.end()
        );
        ensure!(
            !self.from.is_empty(),
            "mail.from is empty; write whom mails are from, like \"Portolan <portolan@example.com>\""
        );
        let from = self.from.parse().ok().with_context(|| {
            format!("mail.from {:?} is no mailbox; write it like \"Portolan <portolan@example.com>\"", self.from)
        })?;
        let port = self.port.unwrap_or(match self.tls {
            MailTls::Starttls => 587,
            MailTls::Tls => 465,
            MailTls::None => 25,
        });
        let timeout = Duration::from_secs(u64::from(self.timeout_seconds));
        let (tls, login, captured) = (self.tls()?, self.login()?, self.captured.clone());
        Ok(Opened { server: server.clone(), port, tls, login, from, timeout, captured })
    }

    fn tls(&self) -> Result<Tls> {
        if self.tls == MailTls::None {
            return Ok(Tls::None);
        }
        let mut parameters = TlsParameters::builder(self.server.clone());
        if let Some(file) = &self.ca_file {
            let name = || format!("the file of root certificates {} (setting mail.ca_file)", file.display());
            let text = std::fs::read(file).with_context(name)?;
            let begins = b"-----BEGIN CERTIFICATE-----";
            ensure!(text.windows(begins.len()).any(|part| part == begins), "{} holds none: give it in PEM", name());
            parameters = parameters.add_root_certificate(Certificate::from_pem(&text).with_context(name)?);
        }
        let parameters =
            parameters.build().context("the certificates that the mail server is judged by (mail.ca_file)")?;
        Ok(if self.tls == MailTls::Tls { Tls::Wrapper(parameters) } else { Tls::Required(parameters) })
    }

    fn login(&self) -> Result<Option<Credentials>> {
        match (self.user.is_empty(), &self.password_file) {
            (true, None) => Ok(None),
            (false, Some(file)) => Ok(Some(Credentials::new(self.user.clone(), password(file)?.to_string()))),
            (false, None) => {
                anyhow::bail!("mail.user is given without mail.password_file; name the file with its password")
            }
            (true, Some(_)) => anyhow::bail!("mail.password_file is given without mail.user; say whose password it is"),
        }
    }
}

/// The first line of a file that nobody else may read.
fn password(path: &Path) -> Result<Zeroizing<String>> {
    let name = || format!("the file {} (setting mail.password_file)", path.display());
    let mut file = File::open(path).with_context(name)?;
    let mode = file.metadata().with_context(name)?.permissions().mode();
    ensure!(mode & 0o077 == 0, "{}: others may read it; run: chmod 600 {}", name(), path.display());
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).with_context(name)?;
    let password = Zeroizing::new(text.lines().next().unwrap_or_default().to_owned());
    ensure!(!password.is_empty(), "{} is empty; write the password into its first line", name());
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::{MailSettings, MailTls};
    use std::os::unix::fs::PermissionsExt;

    fn right() -> MailSettings {
        MailSettings {
            server: "smtp.example.com".into(),
            from: "Portolan <portolan@example.com>".into(),
            ..MailSettings::default()
        }
    }

    fn fault(settings: &MailSettings) -> String {
        settings.open().err().map(|error| format!("{error:#}")).unwrap_or_default()
    }

    #[test]
    fn the_usual_port_is_that_of_the_way() {
        for (tls, port) in [(MailTls::Starttls, 587), (MailTls::Tls, 465)] {
            assert_eq!(MailSettings { tls, ..right() }.open().unwrap().port, port);
        }
        let here = MailSettings { tls: MailTls::None, server: "127.0.0.1".into(), ..right() };
        assert_eq!(here.open().unwrap().port, 25);
    }

    #[test]
    fn a_wrong_setting_is_named_with_its_mend() {
        let no_file = Some("/nowhere/at-all".into());
        for (settings, named) in [
            (MailSettings { server: "smtp.example.com:25".into(), ..right() }, "mail.port"),
            (MailSettings { tls: MailTls::None, ..right() }, "mail.plain_text"),
            (MailSettings { from: String::new(), ..right() }, "mail.from is empty"),
            (MailSettings { from: "Portolan".into(), ..right() }, "mail.from \"Portolan\""),
            (MailSettings { user: "u".into(), ..right() }, "mail.password_file"),
            (MailSettings { password_file: no_file.clone(), ..right() }, "mail.user"),
            (MailSettings { user: "u".into(), password_file: no_file.clone(), ..right() }, "/nowhere/at-all"),
            (MailSettings { ca_file: no_file, ..right() }, "mail.ca_file"),
            (MailSettings { timeout_seconds: 0, ..right() }, "mail.timeout_seconds"),
            (MailSettings { port: Some(0), ..right() }, "mail.port"),
        ] {
            assert!(fault(&settings).contains(named), "{named}: {}", fault(&settings));
        }
        assert_eq!(fault(&MailSettings { tls: MailTls::None, plain_text: true, ..right() }), "");
    }

    #[test]
    fn a_password_that_others_may_read_is_not_taken() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("mail.password");
        std::fs::write(&file, "open-sesame\n").unwrap();
        let settings = MailSettings { user: "u".into(), password_file: Some(file.clone()), ..right() };
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(fault(&settings).contains("chmod 600") && !fault(&settings).contains("sesame"), "{}", fault(&settings));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(fault(&settings), "");
        assert!(settings.open().unwrap().login.is_some());
    }
}
