//! What an operator says about the way out: internal destinations that outsiders' addresses may lead to, and roots.

use crate::network::Network;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Where the service may send requests that outsiders chose the address of, besides the public internet.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EgressSettings {
    /// Networks and ports that are allowed although they are not public, or not the usual ports.
    pub allow: Vec<Destination>,
    /// Hosts that may be asked by http.
    pub http_hosts: Vec<String>,
    /// A PEM file of root certificates, besides those of the machine.
    pub ca_file: Option<PathBuf>,
}

/// A network and a port, as `10.0.0.0/8:443`, `[fd00::]/8:8443`, or with one address alone, `10.0.0.5:443`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Destination {
    network: Network,
    port: u16,
}

/// What was given is no destination.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no destination: {1}")]
pub struct NoDestination(String, String);

impl FromStr for Destination {
    type Err = NoDestination;

    fn from_str(text: &str) -> Result<Self, NoDestination> {
        let wrong = |mend: &str| NoDestination(text.to_owned(), mend.to_owned());
        let form = "write a network and a port, such as 10.0.0.0/8:443 or [fd00::]/8:8443";
        let (network, port) = text.rsplit_once(':').ok_or_else(|| wrong(form))?;
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = port.parse().ok().filter(|port| *port != 0 && digits).ok_or_else(|| wrong(form))?;
        let network = match network.strip_prefix('[') {
            Some(bracketed) => {
                let (address, length) = bracketed.split_once(']').ok_or_else(|| wrong(form))?;
                format!("{address}{length}")
            }
            // Without brackets nobody could say where an address of IPv6 ends.
            None if network.contains(':') => return Err(wrong(form)),
            None => network.to_owned(),
        };
        let network = network.parse::<Network>().map_err(|error| wrong(&error.to_string()))?;
        Ok(Self { network, port })
    }
}

impl TryFrom<String> for Destination {
    type Error = NoDestination;

    fn try_from(text: String) -> Result<Self, NoDestination> {
        text.parse()
    }
}

impl Destination {
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn contains(&self, address: SocketAddr) -> bool {
        address.port() == self.port && self.network.contains(address.ip())
    }
}

#[cfg(test)]
mod tests {
    use super::Destination;

    #[test]
    fn destinations_hold_what_they_say() {
        for (text, inside, outside) in [
            ("10.0.0.0/8:443", "10.255.255.255:443", "10.0.0.1:444"),
            ("10.0.0.0/8:443", "[::ffff:10.0.0.1]:443", "11.0.0.0:443"),
            ("10.0.0.5:8443", "10.0.0.5:8443", "10.0.0.4:8443"),
            ("[fd00::]/8:8443", "[fdff::1]:8443", "[fe00::1]:8443"),
            ("[fd00::1]:443", "[fd00::1]:443", "[fd00::2]:443"),
            ("10.0.0.0/8:443", "10.0.0.1:443", "[64:ff9b::a00:1]:443"),
        ] {
            let destination: Destination = text.parse().unwrap();
            assert!(destination.contains(inside.parse().unwrap()), "{text} has {inside}");
            assert!(!destination.contains(outside.parse().unwrap()), "{text} has not {outside}");
        }
    }

    #[test]
    fn what_is_no_destination_is_told_so() {
        for (text, mend) in [
            ("", "write a network and a port"),
            ("10.0.0.0/8", "write a network and a port"),
            ("10.0.0.0/8:", "write a network and a port"),
            ("10.0.0.0/8:0", "write a network and a port"),
            ("10.0.0.0/8:+443", "write a network and a port"),
            ("10.0.0.0/8:65536", "write a network and a port"),
            ("10.0.0.0/8:https", "write a network and a port"),
            ("fd00::/8:443", "write a network and a port"),
            ("fd00::1:443", "write a network and a port"),
            ("[fd00::/8:443", "write a network and a port"),
            ("10.0.0.1/8:443", "make the bits behind it zero"),
            ("files.example:443", "write an address"),
            ("[fd00::]/129:443", "0 to 128"),
        ] {
            let error = text.parse::<Destination>().unwrap_err().to_string();
            assert!(error.contains(mend) && error.contains(&format!("{text:?}")), "{text}: {error}");
        }
    }
}
