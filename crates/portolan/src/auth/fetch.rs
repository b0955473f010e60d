//! What issuers are asked for: which addresses may be asked, and how much of an answer is read.

use crate::egress::{Egress, EgressSettings, Outgoing};
use anyhow::{Context, Result, bail, ensure};
use http::StatusCode;
use serde_json::Value;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use url::Url;

/// How long an answer may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// Asks for a JSON document.
///
/// # Errors
/// Says what is wrong with the answer; names no address.
pub(super) async fn json(egress: &Egress, request: Outgoing) -> Result<Value> {
    let answer = egress.to_operator(Outgoing { patience: PATIENCE, largest: LARGEST, ..request }).await?;
    match answer.status {
        StatusCode::OK => {}
        status if status.is_redirection() => {
            bail!("the answer is {status}, and redirects are not followed: set the address that it leads to")
        }
        status => bail!("the answer is {status}"),
    }
    serde_json::from_slice(&answer.whole().await?).context("the answer is not JSON")
}

/// The discovery document at an address, which must be of this issuer.
///
/// # Errors
/// Names the address, the fault and the mend.
pub(super) async fn discovery(egress: &Egress, document: &Url, issuer: &str) -> Result<Value> {
    let found = json(egress, Outgoing::get(document.as_str()));
    let found = found.await.with_context(|| format!("the discovery document {document}"))?;
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

/// The way out to an issuer, which besides the machine's root certificates trusts those of a file.
///
/// # Errors
/// Where the file cannot be read or holds no certificates.
pub(super) fn way_out(ca_file: Option<&Path>) -> Result<Egress> {
    Egress::new(&EgressSettings { ca_file: ca_file.map(Path::to_owned), ..EgressSettings::default() })
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
