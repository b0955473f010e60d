//! The rules for addresses that outsiders wrote: scheme, credentials, port, and where they lead.

use super::EgressFault;
use super::public::is_public;
use super::settings::{Destination, EgressSettings};
use anyhow::{Context, Result};
use http::Uri;
use std::net::SocketAddr;
use url::{Host, Url};

/// The rules, with what the operator allows besides.
#[derive(Debug)]
pub(super) struct Rules {
    allow: Vec<Destination>,
    /// As the parser of URLs writes them, without a dot at the end.
    http_hosts: Vec<String>,
}

/// A URL of the web, http or https.
pub(super) fn web_address(text: &str) -> Result<Url, EgressFault> {
    let url = Url::parse(text).map_err(|_| EgressFault::NoAddress)?;
    // The client below reads the URL with a parser of its own: both must see the same host and port.
    let uri: Uri = url.as_str().parse().map_err(|_| EgressFault::NoAddress)?;
    let same = uri.host() == url.host_str() && uri.port_u16() == url.port();
    let of_the_web = matches!(url.scheme(), "http" | "https");
    (same && of_the_web).then_some(url).ok_or(EgressFault::NoAddress)
}

impl Rules {
    pub(super) fn new(settings: &EgressSettings) -> Result<Self> {
        let hosts = settings.http_hosts.iter().map(|name| {
            let host = Host::parse(name);
            let mend =
                || format!("egress.http_hosts {name:?} is no host: write a name such as files.example, without a port");
            Ok(host.with_context(mend)?.to_string().trim_end_matches('.').to_owned())
        });
        Ok(Self { allow: settings.allow.clone(), http_hosts: hosts.collect::<Result<_>>()? })
    }

    /// What can be judged before any name is looked up.
    pub(super) fn judge_url(&self, url: &Url) -> Result<(), EgressFault> {
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        if url.scheme() != "https" && !self.http_hosts.iter().any(|allowed| allowed == host) {
            return Err(EgressFault::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EgressFault::Credentials);
        }
        // A usual port is not written.
        match url.port() {
            Some(port) if !self.allow.iter().any(|destination| destination.port() == port) => Err(EgressFault::Port),
            _ => Ok(()),
        }
    }

    /// Whether what the URL leads to may be connected to.
    pub(super) fn judge_address(&self, url: &Url, address: SocketAddr) -> Result<(), EgressFault> {
        let usual_port = if url.scheme() == "https" { 443 } else { 80 };
        if self.allow.iter().any(|destination| destination.contains(address)) {
            Ok(())
        } else if !is_public(address.ip()) {
            Err(EgressFault::Private)
        } else if address.port() != usual_port {
            Err(EgressFault::Port)
        } else {
            Ok(())
        }
    }
}
