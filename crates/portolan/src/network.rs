//! Networks of addresses, as an operator writes them.

use serde::Deserialize;
use std::net::IpAddr;
use std::str::FromStr;

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
pub(crate) fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            IpAddr::V4((address.to_bits() & u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)).into())
        }
        IpAddr::V6(address) => {
            IpAddr::V6((address.to_bits() & u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0)).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Network;
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
}
