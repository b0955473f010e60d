//! TLS from certificate files, which are read again when they change.

use crate::clock::Clock;
use anyhow::{Context, Result, anyhow};
use publishing::moment::{Moment, UNIX_EPOCH_TICKS};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{CertificateError, Error as TlsError, RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use zeroize::Zeroizing;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// How many days before a certificate ends the log begins to warn, once a day.
const WARN_BEFORE: i64 = 14;

const DAY: Duration = Duration::from_secs(86_400);

/// A certificate with its key, and the files they are from.
#[derive(Clone)]
pub struct Certificate {
    files: Files,
    print: Print,
    offered: Offered,
}

#[derive(Clone)]
struct Offered {
    config: Arc<ServerConfig>,
    /// The first of the chain.
    own: CertificateDer<'static>,
}

/// Where a certificate chain and its key are, both in PEM.
#[derive(Clone, Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

struct Contents {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

/// Tells whether the files are as they were; nothing where one cannot be read.
type Print = Option<[u8; 32]>;

impl std::fmt::Debug for Certificate {
    /// Without what was in the files.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads a certificate chain, its own certificate first, and the key that fits it.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self> {
        let files = Files { certificate: certificate.to_owned(), key: key.to_owned() };
        let (print, contents) = files.read();
        let offered = files.taken(&contents?)?;
        Ok(Self { files, print, offered })
    }

    /// The certificate for new connections, as the files say from now on. Files that cannot be used change nothing.
    pub(super) fn kept_fresh(
        self,
        clock: Clock,
        mut stop: watch::Receiver<bool>,
    ) -> watch::Receiver<Arc<ServerConfig>> {
        let (offer, offered) = watch::channel(Arc::clone(&self.offered.config));
        let (files, mut print, mut own) = (Arc::new(self.files), self.print, self.offered.own);
        tokio::spawn(async move {
            let mut hangups =
                signal(SignalKind::hangup()).inspect_err(|error| tracing::warn!(%error, "SIGHUP is not heard")).ok();
            let mut warn_at = clock.steady();
            loop {
                if clock.steady() >= warn_at {
                    warn_of_its_end(&files.certificate, &own, clock.now());
                    warn_at = clock.steady() + DAY;
                }
                let asked = tokio::select! {
                    () = tokio::time::sleep(LOOK_EVERY) => false,
                    () = hangup(&mut hangups) => true,
                    _ = stop.wait_for(|stop| *stop) => return,
                };
                let looked = Arc::clone(&files);
                // A file system may let one wait.
                let Ok((now, read)) = tokio::task::spawn_blocking(move || looked.read()).await else { continue };
                if now == print && !asked {
                    continue;
                }
                print = now;
                match read.and_then(|contents| files.taken(&contents)) {
                    Ok(read) => {
                        offer.send_replace(read.config);
                        (own, warn_at) = (read.own, clock.steady());
                        tracing::info!(file = %files.certificate.display(), "new connections get the certificate as it is now");
                    }
                    Err(error) => {
                        tracing::error!(
                            error = format!("{error:#}"),
                            "the new certificate cannot be used; the old one stays"
                        );
                    }
                }
            }
        });
        offered
    }
}

fn warn_of_its_end(file: &Path, own: &CertificateDer<'static>, now: Moment) {
    match days_left(own, now) {
        Some(days) if days < 0 => {
            tracing::error!(file = %file.display(), "the certificate has ended; put a new one in its place")
        }
        Some(days) => {
            tracing::warn!(file = %file.display(), days, "the certificate ends soon; put a new one in its place")
        }
        None => {}
    }
}

/// How many whole days a certificate has left, where these are few; less than 0 where it has ended.
fn days_left(own: &CertificateDer<'static>, now: Moment) -> Option<i64> {
    let now = (now.ticks() - UNIX_EPOCH_TICKS) / 10_000_000;
    let day = i64::try_from(DAY.as_secs()).ok()?;
    let then = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now + WARN_BEFORE * day).ok()?));
    // Whether clients trust it is theirs to judge. Here it stands for its own issuer, only to be asked for its dates.
    let mut roots = RootCertStore::empty();
    roots.add(own.clone()).ok()?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()?;
    let name = ServerName::try_from("localhost").ok()?;
    match verifier.verify_server_cert(own, &[], &name, &[], then) {
        Err(TlsError::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Some((i64::try_from(not_after.as_secs()).ok()? - now).div_euclid(day))
        }
        _ => None,
    }
}

async fn hangup(hangups: &mut Option<tokio::signal::unix::Signal>) {
    if let Some(hangups) = hangups
        && hangups.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

impl Files {
    fn read(&self) -> (Print, Result<Contents>) {
        let certificate = std::fs::read(&self.certificate)
            .with_context(|| format!("the certificate file {} cannot be read", self.certificate.display()));
        let key = std::fs::read(&self.key)
            .map(Zeroizing::new)
            .with_context(|| format!("the key file {} cannot be read", self.key.display()));
        match (certificate, key) {
            (Ok(certificate), Ok(key)) => {
                let print = Sha256::new().chain_update(Sha256::digest(&certificate)).chain_update(&*key).finalize();
                (Some(print.into()), Ok(Contents { certificate, key }))
            }
            (Err(error), _) | (_, Err(error)) => (None, Err(error)),
        }
    }

    fn taken(&self, contents: &Contents) -> Result<Offered> {
        let file = self.certificate.display();
        let chain = CertificateDer::pem_slice_iter(&contents.certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| anyhow!("the certificate file {file} is not PEM; give a chain in PEM"))?;
        let Some(own) = chain.first().cloned() else {
            return Err(anyhow!(
                "the certificate file {file} holds no certificate; give a chain in PEM, its own first"
            ));
        };
        let key_file = self.key.display();
        let key = PrivateKeyDer::from_pem_slice(&contents.key).map_err(|error| match error {
            PemError::NoItemsFound => {
                anyhow!("the key file {key_file} holds no private key that is not encrypted; give one in PEM")
            }
            // The others may quote the file.
            _ => anyhow!("the key file {key_file} is not PEM; give the private key in PEM"),
        })?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| {
                anyhow!(
                    "the certificate {file} and the key {key_file} cannot be used ({error}); give two that fit together"
                )
            })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Offered { config: Arc::new(config), own })
    }
}

#[cfg(test)]
mod tests {
    use super::days_left;
    use publishing::moment::Moment;

    #[test]
    fn the_end_of_a_certificate_is_seen_two_weeks_before() {
        let key = rcgen::KeyPair::generate().unwrap();
        for is_ca in [rcgen::IsCa::NoCa, rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained)] {
            let mut parameters = rcgen::CertificateParams::new(vec!["portolan.example".to_owned()]).unwrap();
            parameters.not_after = rcgen::date_time_ymd(2026, 12, 1);
            parameters.is_ca = is_ca;
            let certificate = parameters.self_signed(&key).unwrap();
            // 2026-11-22T09:40:00Z, and days before and after it.
            let left = |day: i64| {
                days_left(certificate.der(), Moment::from_ticks(639_309_372_000_000_000 + day * 864_000_000_000))
            };
            assert_eq!([left(0), left(7), left(8), left(9)], [Some(8), Some(1), Some(0), Some(-1)]);
            assert_eq!([left(-10), left(-5)], [None, Some(13)]);
        }
    }
}
