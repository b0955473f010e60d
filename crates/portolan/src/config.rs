//! Settings: one struct per section, and the commented default file, which is compiled in.

use crate::artifacts::ArtifactSettings;
use crate::auth::{IssuerSetting, USUAL_AUDIENCE};
use crate::checks::{CheckerSetting, missing_checker};
use crate::egress::EgressSettings;
use crate::http::{Certificate, Entrance, LimitSettings};
use crate::network::Network;
use crate::notify::MailSettings;
use crate::wire::SuccessWord;
use anyhow::{Context, Result, bail};
use publishing::decide::MissingIfMatch;
use publishing::offer_type::{OfferTypeFile, OfferTypes};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The default file, with every setting and what it means.
pub const DEFAULT_FILE: &str = include_str!("../default.toml");

/// All settings.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen.
    pub server: Server,
    /// What connections are encrypted with.
    pub tls: Tls,
    /// What connections and callers may take.
    pub limits: LimitSettings,
    /// What is kept where.
    pub store: Store,
    /// What is logged, and how.
    pub log: Log,
    /// Where clients of the wire differ.
    pub wire: Wire,
    /// Whose tokens are taken.
    pub identity: Identity,
    /// Where the service may send requests to.
    pub egress: EgressSettings,
    /// The server that takes mails.
    pub mail: MailSettings,
    /// Who does checks outside the service.
    pub checker: Vec<CheckerSetting>,
    /// The settings file itself, where there is one.
    #[serde(skip)]
    pub file: PathBuf,
    /// Where the files of definitions are kept, and how large they may be.
    pub artifacts: ArtifactSettings,
    /// What the command line reads for itself.
    pub client: toml::Table,
    /// Files of offer types, relative to the settings file.
    pub offer_types: Vec<PathBuf>,
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port.
    pub listen: String,
    /// The service's address as clients see it; empty for where it listens.
    pub public_url: String,
    /// Whether to listen beyond this machine without TLS, for a proxy in front ends it.
    pub plain_http: bool,
    /// The proxies whose word on the caller's address is taken.
    pub trusted_proxies: Vec<Network>,
}

/// What connections are encrypted with: both files, or neither.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// The certificate chain in PEM, its own certificate first.
    pub certificate: Option<PathBuf>,
    /// The private key in PEM.
    pub key: Option<PathBuf>,
}

/// What is kept where.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// The directory of the database.
    pub data: PathBuf,
    /// The keys that secrets are sealed with; `secret.key` in the directory of the database where nothing is said.
    pub key_file: Option<PathBuf>,
    /// Memory for offers and their rendered status documents, in MiB.
    pub cache_mebibytes: u64,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// For people, or for programs.
    pub format: LogFormat,
    /// How much, as a `tracing` filter.
    pub level: String,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// Where clients of the wire differ.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wire {
    /// What an update without `If-Match` means.
    pub missing_if_match: MissingIfMatch,
    /// What a finished operation is called.
    pub operation_success_word: SuccessWord,
    /// Whether steps say how long they usually take, as learned from earlier ones.
    pub learned_durations: bool,
}

/// Whose tokens are taken, and for whom they must be.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// Whether there is a built-in issuer.
    pub built_in: bool,
    /// The audiences of the built-in issuer's tokens.
    pub audiences: Vec<String>,
    /// Other issuers.
    pub issuer: Vec<IssuerSetting>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            public_url: String::new(),
            plain_http: false,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self { data: "portolan-data".into(), key_file: None, cache_mebibytes: 64 }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Human, level: "info".into() }
    }
}

impl Default for Wire {
    fn default() -> Self {
        let (missing_if_match, operation_success_word) = (MissingIfMatch::Accept, SuccessWord::Succeeded);
        Self { missing_if_match, operation_success_word, learned_durations: true }
    }
}

impl Default for Identity {
    fn default() -> Self {
        Self { built_in: true, audiences: vec![USUAL_AUDIENCE.into()], issuer: Vec::new() }
    }
}

impl Config {
    /// Reads a settings file; what it does not say stays as it is by default.
    ///
    /// # Errors
    /// Names the file, the place and the fault.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("the settings file {}", path.display()))?;
        let mut config: Self =
            toml::from_str(&text).with_context(|| format!("the settings file {}", path.display()))?;
        let directory = path.parent().unwrap_or(Path::new(""));
        let tls = &mut config.tls;
        let named =
            [&mut tls.certificate, &mut tls.key, &mut config.egress.ca_file, &mut config.artifacts.options_file];
        let mail = [&mut config.mail.password_file, &mut config.mail.ca_file];
        for file in config.offer_types.iter_mut().chain(named.into_iter().chain(mail).flatten()) {
            *file = directory.join(&*file);
        }
        config.file = path.to_owned();
        for checker in &mut config.checker {
            for file in checker.secret_file.iter_mut().chain(&mut checker.ca_file) {
                *file = directory.join(&*file);
            }
        }
        for issuer in &mut config.identity.issuer {
            let secret = issuer.sign_in.as_mut().and_then(|sign_in| sign_in.client_secret_file.as_mut());
            for file in issuer.ca_file.as_mut().into_iter().chain(secret) {
                *file = directory.join(&*file);
            }
        }
        Ok(config)
    }

    /// How connections come in.
    ///
    /// # Errors
    /// Where a certificate has no key or the other way round, or the two cannot be used.
    pub fn entrance(&self) -> Result<Entrance> {
        let certificate = match (&self.tls.certificate, &self.tls.key) {
            (Some(certificate), Some(key)) => Some(Certificate::read(certificate, key)?),
            (None, None) => None,
            (Some(_), None) => bail!("a TLS certificate is given without its key; give --tls-key too"),
            (None, Some(_)) => bail!("a TLS key is given without its certificate; give --tls-certificate too"),
        };
        let trusted_proxies = self.server.trusted_proxies.clone();
        Ok(Entrance { limits: self.limits.clone(), trusted_proxies, certificate })
    }

    /// The built-in offer types and those of the files.
    ///
    /// # Errors
    /// Names the file and the fault.
    pub fn types(&self) -> Result<OfferTypes> {
        let mut types = OfferTypes::built_in()?;
        for path in &self.offer_types {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path).with_context(|| format!("the offer type file {name}"))?;
            let file = OfferTypeFile::parse(&name, &text)?;
            let schema = match &file.schema {
                None => "{}".to_owned(),
                Some(schema) => {
                    let path = path.parent().unwrap_or(Path::new("")).join(schema);
                    std::fs::read_to_string(&path).with_context(|| format!("the schema {}", path.display()))?
                }
            };
            let offer_type = file.with_schema(&name, &schema)?;
            for step in offer_type.pipeline.steps() {
                if let Some(fault) = step.checks.iter().find_map(|kind| missing_checker(kind, &self.checker)) {
                    let settings = self.file.display();
                    bail!(
                        "the offer type file {name}: step {:?} {fault}; the settings file {settings} has none",
                        step.id
                    );
                }
            }
            types.add(offer_type);
        }
        Ok(types)
    }
}

#[cfg(test)]
mod tests {
    use super::{Config, DEFAULT_FILE};

    #[test]
    fn the_default_file_says_what_the_defaults_are() {
        assert_eq!(toml::from_str::<Config>(DEFAULT_FILE).unwrap(), Config::default());
    }

    #[test]
    fn the_default_file_names_every_setting() {
        let config = format!("{:?}", Config::default());
        let named = config.split([' ', '{', ',']).filter_map(|word| word.strip_suffix(':'));
        // An emulator's mails are captured by its code, and by no setting.
        for name in named.filter(|name| *name != "captured") {
            assert!(DEFAULT_FILE.contains(name), "{name} is not in the default file");
        }
    }

    #[test]
    fn an_unknown_setting_is_a_fault() {
        assert!(toml::from_str::<Config>("[server]\nlissen = \"\"").is_err());
    }
}
