//! Whose address a request comes from, with proxies in front or without; networks that an operator trusts.

use http::{HeaderMap, HeaderName};
use serde::Deserialize;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address that a request comes from; in the extensions of every request that came in over a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallerAddress(pub IpAddr);

/// A network of addresses, as `10.0.0.0/8`, `2001:db8::/32`, or one address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    first: IpAddr,
    /// How many leading bits all its addresses share: 0 to 32, or 0 to 128.
    length: u8,
}

/// What was given is no network.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no network: {1}")]
pub struct NoNetwork(String, &'static str);

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let wrong = |mend| NoNetwork(text.to_owned(), mend);
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let first: IpAddr =
            address.parse().map_err(|_| wrong("write an address and a length, such as 10.0.0.0/8 or 2001:db8::/32"))?;
        if first.to_canonical() != first {
            return Err(wrong("write an IPv4 address in the form of IPv4"));
        }
        let longest = if first.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => longest,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits
                .parse()
                .ok()
                .filter(|length| *length <= longest)
                .ok_or_else(|| wrong("the length is 0 to 32 for IPv4, and 0 to 128 for IPv6"))?,
            Some(_) => return Err(wrong("the length after `/` is a number")),
        };
        if masked(first, length) != first {
            return Err(wrong("the address goes on after the length; make the bits behind it zero"));
        }
        Ok(Self { first, length })
    }
}

impl TryFrom<String> for Network {
    type Error = NoNetwork;

    fn try_from(text: String) -> Result<Self, NoNetwork> {
        text.parse()
    }
}

impl Network {
    /// Whether the address is one of the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && masked(address, self.length) == self.first
    }
}

/// The address with all bits zero but the first ones.
fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            IpAddr::V4((address.to_bits() & u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)).into())
        }
        IpAddr::V6(address) => {
            IpAddr::V6((address.to_bits() & u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0)).into())
        }
    }
}

/// What counts as one address for limits: an IPv4 address, or the /64 that one subscriber of IPv6 has to himself.
pub(super) fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => masked(IpAddr::V6(address), 64),
        address => address,
    }
}

/// The rightmost address in `X-Forwarded-For` that is no trusted proxy. Each proxy adds the address it was called from at the
/// right, so whatever a caller has written there itself stands further left.
pub(super) fn forwarded(peer: IpAddr, trusted: &[Network], headers: &HeaderMap) -> IpAddr {
    let mut nearest = peer;
    for line in headers.get_all(X_FORWARDED_FOR).iter().rev() {
        for hop in line.to_str().unwrap_or_default().rsplit(',') {
            // Whatever is no address ends the part that can be believed.
            let Some(address) = hop_address(hop.trim()) else { return nearest };
            nearest = address;
            if !is_trusted(trusted, address) {
                return nearest;
            }
        }
    }
    nearest
}

/// Whether one of the networks has this address.
pub(super) fn is_trusted(trusted: &[Network], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// An address, in brackets or not, with a port or not: proxies write all of these.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = || hop.parse::<IpAddr>().ok();
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare().or_else(bracketed).or_else(with_port).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::{Network, counted, forwarded};
    use http::HeaderMap;
    use std::net::IpAddr;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_hold_what_they_say() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::a00:1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("192.0.2.7/32", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.6/31", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            ("fd00::/9", "fd7f::", "fd80::"),
            ("::/0", "ffff::", "0.0.0.0"),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert!(parsed.contains(address(inside)), "{network} has {inside}");
            assert!(!parsed.contains(address(outside)), "{network} has not {outside}");
        }
    }

    #[test]
    fn what_is_no_network_is_told_so() {
        for (text, mend) in [
            ("", "write an address"),
            ("/8", "write an address"),
            ("10.0.0/8", "write an address"),
            ("proxy.example", "write an address"),
            (" 10.0.0.0/8", "write an address"),
            ("010.0.0.0/8", "write an address"),
            ("10.0.0.0/33", "0 to 32"),
            ("10.0.0.0/", "0 to 32"),
            ("10.0.0.0/999", "0 to 32"),
            ("2001:db8::/129", "0 to 128"),
            ("10.0.0.0/+8", "is a number"),
            ("10.0.0.0/-1", "is a number"),
            ("10.0.0.0/8/8", "is a number"),
            ("10.0.0.0/255.0.0.0", "is a number"),
            ("10.0.0.1/8", "make the bits behind it zero"),
            ("2001:db8::1/64", "make the bits behind it zero"),
            ("::ffff:10.0.0.0/104", "in the form of IPv4"),
        ] {
            let error = text.parse::<Network>().unwrap_err().to_string();
            assert!(error.contains(mend) && error.contains(&format!("{text:?}")), "{text}: {error}");
        }
    }

    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        let trusted: Vec<Network> = ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().unwrap()).to_vec();
        for (lines, expected) in [
            (&[][..], "10.0.0.1"),
            (&["192.0.2.1"], "192.0.2.1"),
            (&["203.0.113.9, 192.0.2.1"], "192.0.2.1"),
            (&["203.0.113.9, 192.0.2.1,10.0.0.2"], "192.0.2.1"),
            (&["203.0.113.9", "192.0.2.1", "10.0.0.2"], "192.0.2.1"),
            (&["192.0.2.1:4711"], "192.0.2.1"),
            (&["[2001:db9::1]:4711, [2001:db8::1]"], "2001:db9::1"),
            (&["::ffff:192.0.2.1"], "192.0.2.1"),
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&["192.0.2.1, unknown"], "10.0.0.1"),
            (&["192.0.2.1, unknown, 10.0.0.2"], "10.0.0.2"),
            (&["192.0.2.1, "], "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            assert_eq!(forwarded(address("10.0.0.1"), &trusted, &headers), address(expected), "{lines:?}");
        }
    }

    #[test]
    fn a_subscriber_of_ipv6_counts_once() {
        assert_eq!(counted(address("2001:db8:1:2:3:4:5:6")), address("2001:db8:1:2::"));
        assert_ne!(counted(address("2001:db8:1:2::1")), counted(address("2001:db8:1:3::1")));
        assert_eq!(counted(address("::ffff:192.0.2.1")), address("192.0.2.1"));
        assert_ne!(counted(address("192.0.2.1")), counted(address("192.0.2.2")));
    }
}
