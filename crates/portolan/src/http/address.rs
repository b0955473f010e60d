//! Whose address a request comes from, with proxies in front or without.

use crate::network::{Network, masked};
use http::{HeaderMap, HeaderName};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address that a request comes from; in the extensions of every request that came in over a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallerAddress(pub IpAddr);

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
    use super::{counted, forwarded};
    use crate::network::Network;
    use http::HeaderMap;
    use std::net::IpAddr;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
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
