//! Which addresses the prober may connect to: its names come from users, and a name can point anywhere.
//!
//! The tables follow the IANA special-purpose address registries (RFC 6890 and its updates), plus the addresses of
//! clouds' metadata services. The first matching prefix decides.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use Reach::{Never, Private, Public};

/// The scope of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Globally reachable: a CA could connect to it as well.
    Public,
    /// A private network or this machine: only where the operator allows it.
    Private,
    /// Metadata services, multicast, documentation, tunnels: never a legitimate target.
    Never,
}

/// Whether the prober may connect to `address`.
pub fn allowed(address: IpAddr, allow_private: bool) -> bool {
    match reach(address) {
        Public => true,
        Private => allow_private,
        Never => false,
    }
}

/// The scope of `address`.
pub fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    let bits = address.to_bits();
    V4.iter()
        .find(|(prefix, length, _)| (bits ^ prefix.to_bits()) >> (32 - length) == 0)
        .map_or(Public, |&(.., reach)| reach)
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let bits = address.to_bits();
    let same = |prefix: Ipv6Addr, length: u32| (bits ^ prefix.to_bits()) >> (128 - length) == 0;
    if same(NAT64, 96) {
        // A network without IPv4 reaches the IPv4 Internet by this prefix (RFC 6052 §2.1): the embedded address
        // decides.
        return reach_v4(Ipv4Addr::from_bits((bits & 0xffff_ffff) as u32));
    }
    V6.iter()
        .find(|(prefix, length, _)| same(*prefix, *length))
        .map_or(Never, |&(.., reach)| reach)
}

const NAT64: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, d)
}

/// Addresses that aren't listed are public.
const V4: &[(Ipv4Addr, u32, Reach)] = &[
    (v4(100, 100, 100, 200), 32, Never), // Alibaba's metadata service
    (v4(168, 63, 129, 16), 32, Never),   // Azure's wire server
    (v4(0, 0, 0, 0), 8, Never),          // this network
    (v4(10, 0, 0, 0), 8, Private),       // RFC 1918
    (v4(100, 64, 0, 0), 10, Private),    // carrier-grade NAT, RFC 6598
    (v4(127, 0, 0, 0), 8, Private),      // loopback
    (v4(169, 254, 0, 0), 16, Never),     // link-local, metadata services
    (v4(172, 16, 0, 0), 12, Private),    // RFC 1918
    (v4(192, 0, 0, 0), 24, Never),       // IETF protocol assignments, Oracle's metadata service
    (v4(192, 0, 2, 0), 24, Never),       // documentation, RFC 5737
    (v4(192, 88, 99, 0), 24, Never),     // 6to4 relays, RFC 7526
    (v4(192, 168, 0, 0), 16, Private),   // RFC 1918
    (v4(198, 18, 0, 0), 15, Never),      // benchmarks, RFC 2544
    (v4(198, 51, 100, 0), 24, Never),    // documentation
    (v4(203, 0, 113, 0), 24, Never),     // documentation
    (v4(224, 0, 0, 0), 4, Never),        // multicast
    (v4(240, 0, 0, 0), 4, Never),        // reserved, broadcast
];

const fn v6(a: u16, b: u16, c: u16) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)
}

/// Addresses that aren't listed are refused: only 2000::/3 has been allocated as global unicast.
///
/// So IPv4-mapped (::ffff:0:0/96) and IPv4-compatible (::/96) addresses, link-local (fe80::/10), multicast (ff00::/8),
/// local NAT64 (64:ff9b:1::/48), the discard prefix (100::/64) and segment routing (5f00::/16) need no entry.
const V6: &[(Ipv6Addr, u32, Reach)] = &[
    (Ipv6Addr::LOCALHOST, 128, Private),
    (v6(0xfd00, 0x0ec2, 0), 32, Never), // Amazon's metadata service, fd00:ec2::254
    (v6(0xfd20, 0x00ce, 0), 32, Never), // Google's metadata service, fd20:ce::254
    (v6(0xfc00, 0, 0), 7, Private),     // unique local, RFC 4193
    (v6(0x2001, 0, 0), 23, Never),      // IETF protocol assignments: Teredo, ORCHID, benchmarks
    (v6(0x2001, 0x0db8, 0), 32, Never), // documentation, RFC 3849
    (v6(0x2002, 0, 0), 16, Never),      // 6to4: carries any IPv4 address inside, RFC 7526
    (v6(0x3fff, 0, 0), 20, Never),      // documentation, RFC 9637
    (v6(0x2000, 0, 0), 3, Public),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_at_its_edges() {
        let table = [
            ("1.1.1.1", Public),
            ("9.255.255.255", Public),
            ("10.0.0.0", Private),
            ("10.255.255.255", Private),
            ("11.0.0.0", Public),
            ("100.63.255.255", Public),
            ("100.64.0.0", Private),
            ("100.127.255.255", Private),
            ("100.128.0.0", Public),
            ("100.100.100.200", Never),
            ("127.0.0.1", Private),
            ("127.255.255.254", Private),
            ("0.0.0.0", Never),
            ("0.1.2.3", Never),
            ("168.63.129.16", Never),
            ("168.63.129.17", Public),
            ("169.254.169.254", Never),
            ("169.253.255.255", Public),
            ("172.15.255.255", Public),
            ("172.16.0.1", Private),
            ("172.31.255.255", Private),
            ("172.32.0.0", Public),
            ("192.0.0.192", Never),
            ("192.0.2.1", Never),
            ("192.0.1.1", Public),
            ("192.88.99.1", Never),
            ("192.168.1.1", Private),
            ("192.169.0.0", Public),
            ("198.17.255.255", Public),
            ("198.18.0.0", Never),
            ("198.19.255.255", Never),
            ("198.20.0.0", Public),
            ("198.51.100.7", Never),
            ("203.0.113.7", Never),
            ("223.255.255.255", Public),
            ("224.0.0.1", Never),
            ("239.255.255.255", Never),
            ("240.0.0.1", Never),
            ("255.255.255.255", Never),
            ("::", Never),
            ("::1", Private),
            ("::2", Never),
            ("::127.0.0.1", Never),
            ("::ffff:127.0.0.1", Never),
            ("::ffff:1.1.1.1", Never),
            ("64:ff9b::1.1.1.1", Public),
            ("64:ff9b::10.0.0.1", Private),
            ("64:ff9b::169.254.169.254", Never),
            ("64:ff9b:1::1.1.1.1", Never),
            ("100::1", Never),
            ("2001::1", Never),
            ("2001:db8::1", Never),
            ("2001:1ff:ffff::1", Never),
            ("2001:200::1", Public),
            ("2001:4860:4860::8888", Public),
            ("2002:7f00:1::1", Never),
            ("2003::1", Public),
            ("2606:4700::1111", Public),
            ("3fff::1", Never),
            ("3ffe::1", Public),
            ("4000::1", Never),
            ("5f00::1", Never),
            ("fc00::1", Private),
            ("fd12:3456::1", Private),
            ("fd00:ec2::254", Never),
            ("fd20:ce::254", Never),
            ("fe80::1", Never),
            ("fec0::1", Never),
            ("ff02::1", Never),
        ];
        for (address, expected) in table {
            assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn allowing_private_addresses_never_opens_the_metadata_service() {
        for address in [
            "169.254.169.254",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "224.0.0.1",
        ] {
            assert!(!allowed(address.parse().unwrap(), true), "{address}");
        }
        assert!(allowed("127.0.0.1".parse().unwrap(), true));
        assert!(!allowed("127.0.0.1".parse().unwrap(), false));
        assert!(allowed("1.1.1.1".parse().unwrap(), false));
    }
}
