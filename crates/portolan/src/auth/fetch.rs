//! The one way out to issuers: which addresses may be asked, with which client, and how much of an answer is read.

use anyhow::{Context, Result, bail, ensure};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode, Url};
use serde_json::Value;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

/// How long an answer may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer that is read, in bytes.
const LARGEST: usize = 1 << 20;

/// Asks for a JSON document.
///
/// # Errors
/// Says what is wrong with the answer; names no address.
pub(super) async fn json(request: RequestBuilder) -> Result<Value> {
    let mut response = request.send().await.map_err(reqwest::Error::without_url)?;
    match response.status() {
        StatusCode::OK => {}
        status if status.is_redirection() => {
            bail!("the answer is {status}, and redirects are not followed: set the address that it leads to")
        }
        status => bail!("the answer is {status}"),
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        ensure!(body.len() + chunk.len() <= LARGEST, "the answer is longer than {LARGEST} bytes");
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).context("the answer is not JSON")
}

/// The discovery document at an address, which must be of this issuer.
///
/// # Errors
/// Names the address, the fault and the mend.
pub(super) async fn discovery(client: &Client, document: &Url, issuer: &str) -> Result<Value> {
    let found =
        json(client.get(document.clone())).await.with_context(|| format!("the discovery document {document}"))?;
    let says = found.get("issuer").and_then(Value::as_str).unwrap_or_default();
    if says != issuer {
        let says: String = says.chars().take(200).collect();
        bail!(
            "the discovery document {document} is of the issuer {says:?}: write that in the setting `issuer`, if it is right"
        );
    }
    Ok(found)
}

/// An address that a discovery document names, on the document's own origin: an issuer must not have us ask other machines,
/// such as those only we can reach. The `setting` of that name can say another one.
///
/// # Errors
/// Names the document, the fault and the mend.
pub(super) fn named(found: &Value, document: &Url, member: &str, setting: &str) -> Result<Url> {
    let url = found.get(member).and_then(Value::as_str).and_then(|url| Url::parse(url).ok());
    let url = url.with_context(|| format!("the discovery document {document} names no `{member}`"))?;
    if url.origin() != document.origin() {
        bail!(
            "the discovery document {document} names `{member}` on another origin: if that is right, add the setting `{setting}`"
        );
    }
    Ok(url)
}

/// The client that fetches for an issuer: no redirects, no proxies, and besides the machine's root certificates those of a file.
///
/// # Errors
/// Where the file cannot be read or holds no certificates.
pub(super) fn client(ca_file: Option<&Path>) -> Result<Client> {
    let mut builder = Client::builder().redirect(Policy::none()).no_proxy().timeout(PATIENCE).user_agent("portolan");
    if let Some(file) = ca_file {
        let name = || format!("the file of root certificates {} (setting `ca_file`)", file.display());
        let certificates = reqwest::Certificate::from_pem_bundle(&std::fs::read(file).with_context(name)?);
        let certificates = certificates.with_context(name)?;
        ensure!(!certificates.is_empty(), "{} holds none: give it in PEM", name());
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().context("the client that fetches keys of issuers; are there root certificates on this machine?")
}

/// An address that keys may be fetched from: https, or http on this machine.
///
/// # Errors
/// Names the setting and the mend.
pub(super) fn address(setting: &str, text: &str) -> Result<Url> {
    let url = Url::parse(text).with_context(|| format!("`{setting}` {text:?} is no URL: write https://…"))?;
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    ensure!(
        url.scheme() == "https" || (url.scheme() == "http" && is_here),
        "`{setting}` {text:?} is not safe: use https; http is for addresses of this machine only"
    );
    ensure!(url.username().is_empty() && url.password().is_none(), "`{setting}` must not hold a name or password");
    Ok(url)
}
