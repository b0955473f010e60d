//! Which addresses belong to the public internet, by IANA's registries of special-purpose addresses, and which do not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses of IPv4 that are not of the public internet, as first address and length.
const NOT_PUBLIC_4: [([u8; 4], u32); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    // Not in the registry: where Azure shows every virtual machine its own configuration.
    ([168, 63, 129, 16], 32),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    // Two of these can be reached from everywhere: anycast to the nearest gateway, which is the inside again.
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    // Multicast, and all that is reserved.
    ([224, 0, 0, 0], 3),
];

/// Addresses of IPv6 within 2000::/3, outside of which nothing is public, that are not either.
const NOT_PUBLIC_6: [([u16; 2], u32); 4] = [
    // For protocols: Teredo, which wraps IPv4, ORCHID, benchmarks.
    ([0x2001, 0], 23),
    ([0x2001, 0xdb8], 32),
    // 6to4, which wraps IPv4. Given up, and so refused around public addresses too.
    ([0x2002, 0], 16),
    ([0x3fff, 0], 20),
];

/// Whether an address is of the public internet, and what it wraps is too.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_4(address),
        IpAddr::V6(address) => is_public_6(address),
    }
}

fn is_public_4(address: Ipv4Addr) -> bool {
    !NOT_PUBLIC_4.iter().any(|(first, length)| (address.to_bits() ^ u32::from_be_bytes(*first)) >> (32 - length) == 0)
}

fn is_public_6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    let wrapped = is_public_4(Ipv4Addr::from_bits(u32::try_from(bits & u128::from(u32::MAX)).unwrap_or(0)));
    // NAT64, 64:ff9b::/96: how a machine without IPv4 reaches those that have nothing else.
    if bits >> 32 == 0x0064_ff9b_u128 << 64 {
        return wrapped;
    }
    let is_special = NOT_PUBLIC_6.iter().any(|([first, second], length)| {
        let first = u128::from(*first) << 112 | u128::from(*second) << 96;
        (bits ^ first) >> (128 - length) == 0
    });
    // ISATAP, an interface id of 0000:5efe or 0200:5efe and then IPv4: a router hands it on to that address.
    let is_isatap = (bits >> 32) & 0xfdff_ffff == 0x0000_5efe;
    bits >> 125 == 0b001 && !is_special && (wrapped || !is_isatap)
}

#[cfg(test)]
mod tests {
    use super::is_public;
    use std::net::IpAddr;

    /// An address, and whether it is public.
    type Neighbour = (&'static str, bool);

    /// Every range that is refused: first, middle, last; and the neighbours before and after.
    const RANGES: [(&str, &str, &str, Neighbour, Neighbour); 33] = [
        ("0.0.0.0", "0.128.0.1", "0.255.255.255", ("0.0.0.0", false), ("1.0.0.0", true)),
        ("10.0.0.0", "10.127.3.4", "10.255.255.255", ("9.255.255.255", true), ("11.0.0.0", true)),
        ("100.64.0.0", "100.100.100.200", "100.127.255.255", ("100.63.255.255", true), ("100.128.0.0", true)),
        ("127.0.0.0", "127.0.0.1", "127.255.255.255", ("126.255.255.255", true), ("128.0.0.0", true)),
        ("168.63.129.16", "168.63.129.16", "168.63.129.16", ("168.63.129.15", true), ("168.63.129.17", true)),
        ("169.254.0.0", "169.254.169.254", "169.254.255.255", ("169.253.255.255", true), ("169.255.0.0", true)),
        ("172.16.0.0", "172.24.9.9", "172.31.255.255", ("172.15.255.255", true), ("172.32.0.0", true)),
        ("192.0.0.0", "192.0.0.192", "192.0.0.255", ("191.255.255.255", true), ("192.0.1.0", true)),
        ("192.0.2.0", "192.0.2.128", "192.0.2.255", ("192.0.1.255", true), ("192.0.3.0", true)),
        ("192.88.99.0", "192.88.99.1", "192.88.99.255", ("192.88.98.255", true), ("192.88.100.0", true)),
        ("192.168.0.0", "192.168.128.1", "192.168.255.255", ("192.167.255.255", true), ("192.169.0.0", true)),
        ("198.18.0.0", "198.19.0.0", "198.19.255.255", ("198.17.255.255", true), ("198.20.0.0", true)),
        ("198.51.100.0", "198.51.100.77", "198.51.100.255", ("198.51.99.255", true), ("198.51.101.0", true)),
        ("203.0.113.0", "203.0.113.77", "203.0.113.255", ("203.0.112.255", true), ("203.0.114.0", true)),
        ("224.0.0.0", "240.0.0.1", "255.255.255.255", ("223.255.255.255", true), ("255.255.255.255", false)),
        // Unspecified, loopback, IPv4-compatible.
        ("::", "::1", "::ffff:ffff", ("::", false), ("::1:0:0", false)),
        ("::8.8.8.8", "::10.0.0.1", "::127.0.0.1", ("::8.8.8.7", false), ("::127.0.0.2", false)),
        // IPv4-mapped: as what it wraps.
        (
            "::ffff:0.0.0.0",
            "::ffff:10.0.0.1",
            "::ffff:255.255.255.255",
            ("::fffe:ffff:ffff", false),
            ("::1:0:0:0", false),
        ),
        (
            "::ffff:127.0.0.0",
            "::ffff:127.0.0.1",
            "::ffff:127.255.255.255",
            ("::ffff:126.0.0.1", true),
            ("::ffff:128.0.0.0", true),
        ),
        // NAT64: as what it wraps; and the part for local use, around whatever.
        (
            "64:ff9b::",
            "64:ff9b::10.0.0.1",
            "64:ff9b::255.255.255.255",
            ("64:ff9a:ffff::", false),
            ("64:ff9b::1:0:0", false),
        ),
        (
            "64:ff9b::127.0.0.0",
            "64:ff9b::127.0.0.1",
            "64:ff9b::127.255.255.255",
            ("64:ff9b::8.8.8.8", true),
            ("64:ff9b::128.0.0.0", true),
        ),
        (
            "64:ff9b:1::",
            "64:ff9b:1::8.8.8.8",
            "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
            ("64:ff9b:0:ffff::", false),
            ("64:ff9b:2::", false),
        ),
        ("100::", "100::1:0:0:0", "100::ffff:ffff:ffff:ffff", ("ff:ffff::", false), ("100:0:0:1::", false)),
        ("100:0:0:1::", "100:0:0:1::8", "100:0:0:1:ffff:ffff:ffff:ffff", ("100::", false), ("100:0:0:2::", false)),
        // Protocols, with Teredo (2001::/32) first.
        (
            "2001::",
            "2001:0:808:808::1",
            "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
            ("2000:ffff::", true),
            ("2001:200::", true),
        ),
        (
            "2001:db8::",
            "2001:db8:8000::1",
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
            ("2001:db7:ffff::", true),
            ("2001:db9::", true),
        ),
        (
            "2002::",
            "2002:808:808::1",
            "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            ("2001:ffff::", true),
            ("2003::", true),
        ),
        (
            "3fff::",
            "3fff:800::",
            "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
            ("3ffe:ffff::", true),
            ("3fff:1000::", true),
        ),
        ("5f00::", "5f00:8::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ("5eff:ffff::", false), ("5f01::", false)),
        ("4000::", "8000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ("3fff:ffff::", true), ("fc00::", false)),
        (
            "fc00::",
            "fd00:ec2::254",
            "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            ("fbff:ffff::", false),
            ("fe00::", false),
        ),
        (
            "fe80::",
            "fe80::a9fe:a9fe",
            "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            ("fe7f:ffff::", false),
            ("fec0::", false),
        ),
        ("fec0::", "ff02::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ("febf:ffff::", false), ("ff00::", false)),
    ];

    fn public(text: &str) -> bool {
        is_public(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn every_special_range_is_refused_and_its_neighbours_are_as_they_are() {
        for (first, middle, last, before, after) in RANGES {
            for address in [first, middle, last] {
                assert!(!public(address), "{address}");
            }
            for (neighbour, expected) in [before, after] {
                assert_eq!(public(neighbour), expected, "{neighbour}, beside {first}");
            }
        }
    }

    #[test]
    fn isatap_is_what_it_wraps() {
        for (address, expected) in [
            ("2606:4700::5efe:10.0.0.1", false),
            ("2606:4700::5efe:127.0.0.1", false),
            ("2606:4700::200:5efe:169.254.169.254", false),
            ("2606:4700::5efe:8.8.8.8", true),
            ("2606:4700::200:5efe:8.8.8.8", true),
            // Neither of the two.
            ("2606:4700::100:5efe:10.0.0.1", true),
            ("2606:4700::5eff:10.0.0.1", true),
        ] {
            assert_eq!(public(address), expected, "{address}");
        }
    }

    #[test]
    fn the_public_internet_is_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "192.31.196.1",
            "192.175.48.1",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "2620:4f:8000::1",
        ] {
            assert!(public(address), "{address}");
        }
    }
}
