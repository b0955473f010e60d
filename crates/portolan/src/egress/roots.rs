//! Whose certificates are trusted: the machine's roots, and those of a file.

use anyhow::{Context, Result, ensure};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;

/// TLS as a client, with these roots besides the machine's. A machine without any is no fault: it may have nobody to talk to.
///
/// # Errors
/// Where the file cannot be read or holds no certificates.
pub(super) fn tls(ca_file: Option<&Path>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "root certificates of the machine are left aside");
    }
    roots.add_parsable_certificates(found.certs);
    if let Some(file) = ca_file {
        let name = || format!("the file of root certificates {} (setting `ca_file`)", file.display());
        let text = std::fs::read(file).with_context(name)?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        let certificates = certificates.with_context(name)?;
        ensure!(!certificates.is_empty(), "{} holds none: give it in PEM", name());
        for certificate in certificates {
            roots.add(certificate).with_context(name)?;
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().context("TLS")?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
