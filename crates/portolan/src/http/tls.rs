//! TLS from certificate files, which are read again when they change.

use anyhow::{Context, Result, anyhow};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use zeroize::Zeroizing;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// A certificate with its key, and the files they are from.
#[derive(Clone, Debug)]
pub struct Certificate {
    files: Files,
    print: Print,
    offered: Arc<ServerConfig>,
}

/// Where a certificate chain and its key are, both in PEM.
#[derive(Clone, Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// Tells whether the files are as they were; nothing where one cannot be read.
type Print = Option<[u8; 32]>;

impl Certificate {
    /// Reads a certificate chain, its own certificate first, and the key that fits it.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self> {
        let files = Files { certificate: certificate.to_owned(), key: key.to_owned() };
        let (print, offered) = files.read();
        Ok(Self { files, print, offered: offered? })
    }

    /// The certificate for new connections, as the files say from now on. Files that cannot be used change nothing.
    pub(super) fn kept_fresh(self, mut stop: watch::Receiver<bool>) -> watch::Receiver<Arc<ServerConfig>> {
        let (offer, offered) = watch::channel(self.offered);
        let (files, mut print) = (Arc::new(self.files), self.print);
        tokio::spawn(async move {
            let mut hangups =
                signal(SignalKind::hangup()).inspect_err(|error| tracing::warn!(%error, "SIGHUP is not heard")).ok();
            loop {
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
                match read {
                    Ok(read) => {
                        offer.send_replace(read);
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

async fn hangup(hangups: &mut Option<tokio::signal::unix::Signal>) {
    if let Some(hangups) = hangups
        && hangups.recv().await.is_some()
    {
        return;
    }
    std::future::pending().await
}

impl Files {
    fn read(&self) -> (Print, Result<Arc<ServerConfig>>) {
        let certificate = std::fs::read(&self.certificate)
            .with_context(|| format!("the certificate file {} cannot be read", self.certificate.display()));
        let key = std::fs::read(&self.key)
            .map(Zeroizing::new)
            .with_context(|| format!("the key file {} cannot be read", self.key.display()));
        match (certificate, key) {
            (Ok(certificate), Ok(key)) => {
                let print = Sha256::new().chain_update(Sha256::digest(&certificate)).chain_update(&*key).finalize();
                (Some(print.into()), self.taken(&certificate, &key))
            }
            (Err(error), _) | (_, Err(error)) => (None, Err(error)),
        }
    }

    fn taken(&self, certificate: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>> {
        let file = self.certificate.display();
        let chain = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| anyhow!("the certificate file {file} is not PEM ({error}); give a chain in PEM"))?;
        if chain.is_empty() {
            return Err(anyhow!(
                "the certificate file {file} holds no certificate; give a chain in PEM, its own first"
            ));
        }
        let key_file = self.key.display();
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            PemError::NoItemsFound => {
                anyhow!("the key file {key_file} holds no private key that is not encrypted; give one in PEM")
            }
            // Other errors of this kind may quote the file.
            _ => anyhow!("the key file {key_file} is not PEM; give the private key in PEM"),
        })?;
        let mut offered = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| {
                anyhow!(
                    "the certificate {file} and the key {key_file} cannot be used ({error}); give two that fit together"
                )
            })?;
        offered.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(offered))
    }
}
