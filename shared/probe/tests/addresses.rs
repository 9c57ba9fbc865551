//! The prober's addresses against IANA's special-purpose registries, transcribed independently (docs/fuzzing.md).

#![allow(clippy::unwrap_used, reason = "a test's helpers may fail loudly")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use probe::address::{Reach, allowed, reach};
use proptest::prelude::*;

/// iana-ipv4-special-registry, the entries that are not globally reachable, and multicast (RFC 5771); `true`: a private
/// network, which an operator can allow.
const V4: &[(&str, u32, bool)] = &[
    ("0.0.0.0", 8, false),
    ("10.0.0.0", 8, true),
    ("100.64.0.0", 10, true),
    ("127.0.0.0", 8, true),
    ("169.254.0.0", 16, false),
    ("172.16.0.0", 12, true),
    ("192.0.0.0", 24, false),
    ("192.0.2.0", 24, false),
    ("192.88.99.0", 24, false),
    ("192.168.0.0", 16, true),
    ("198.18.0.0", 15, false),
    ("198.51.100.0", 24, false),
    ("203.0.113.0", 24, false),
    ("224.0.0.0", 4, false),
    ("240.0.0.0", 4, false),
    ("255.255.255.255", 32, false),
];

/// iana-ipv6-special-registry likewise, with link-local, site-local and multicast (RFC 4291), and the forms that carry
/// an IPv4 address.
const V6: &[(&str, u32, bool)] = &[
    ("::1", 128, true),
    ("::", 128, false),
    ("::", 96, false),
    ("::ffff:0:0", 96, false),
    ("::ffff:0:0:0", 96, false),
    ("64:ff9b:1::", 48, false),
    ("100::", 64, false),
    ("100:0:0:1::", 64, false),
    ("2001::", 32, false),
    ("2001:1::", 32, false),
    ("2001:2::", 48, false),
    ("2001:10::", 28, false),
    ("2001:20::", 28, false),
    ("2001::", 23, false),
    ("2001:db8::", 32, false),
    ("2002::", 16, false),
    ("3fff::", 20, false),
    ("5f00::", 16, false),
    ("fc00::", 7, true),
    ("fe80::", 10, false),
    ("fec0::", 10, false),
    ("ff00::", 8, false),
];

/// The addresses of clouds' metadata services, whatever the registries say about them.
const METADATA: &[&str] = &[
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "64:ff9b::169.254.169.254",
    "64:ff9b::100.100.100.200",
    "64:ff9b:1::169.254.169.254",
    "2002:a9fe:a9fe::",
    "2001:0:a9fe:a9fe::1",
    "fe80::a9fe:a9fe",
];

fn v4_in(prefix: Ipv4Addr, length: u32, rest: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(prefix.to_bits() | rest.checked_shr(length).unwrap_or(0))
}

fn v6_in(prefix: Ipv6Addr, length: u32, rest: u128) -> Ipv6Addr {
    Ipv6Addr::from_bits(prefix.to_bits() | rest.checked_shr(length).unwrap_or(0))
}

fn special_v4(address: Ipv4Addr) -> bool {
    V4.iter().any(|&(prefix, length, _)| {
        v4_in(prefix.parse().unwrap(), length, address.to_bits() << (length % 32)) == address
    })
}

fn special_v6(address: Ipv6Addr) -> bool {
    V6.iter().any(|&(prefix, length, _)| {
        v6_in(prefix.parse().unwrap(), length, address.to_bits() << (length % 128)) == address
    })
}

fn metadata(address: IpAddr) -> bool {
    METADATA.iter().any(|known| address == known.parse::<IpAddr>().unwrap())
}

#[test]
fn metadata_services_are_never_reached() {
    for address in METADATA {
        assert_eq!(reach(address.parse().unwrap()), Reach::Never, "{address}");
    }
}

proptest! {
    #[test]
    fn nothing_of_the_registries_is_public(
        (first, rest) in (prop::sample::select(V4), any::<u32>()),
        (second, more) in (prop::sample::select(V6), any::<u128>()),
    ) {
        let addresses = [
            (IpAddr::from(v4_in(first.0.parse().unwrap(), first.1, rest)), first.2),
            (IpAddr::from(v6_in(second.0.parse().unwrap(), second.1, more)), second.2),
        ];
        for (address, own) in addresses {
            prop_assert!(!allowed(address, false), "{}", address);
            // ALLOW_PRIVATE_ADDRESSES allows nothing beyond private networks.
            prop_assert!(!allowed(address, true) || own || address == IpAddr::from(Ipv6Addr::LOCALHOST), "{}", address);
        }
    }

    #[test]
    fn whatever_else_there_is_is_public(v4 in any::<u32>(), v6 in any::<u128>()) {
        let v4 = Ipv4Addr::from_bits(v4);
        prop_assert_eq!(allowed(v4.into(), false), !special_v4(v4) && !metadata(v4.into()), "{}", v4);
        // Only global unicast has been allocated (RFC 4291 §2.4).
        let v6 = Ipv6Addr::from_bits(v6 >> 3 | 1 << 125);
        prop_assert_eq!(allowed(v6.into(), false), !special_v6(v6), "{}", v6);
    }

    #[test]
    fn what_is_no_global_unicast_is_not_public(v6 in any::<u128>()) {
        let v6 = Ipv6Addr::from_bits(v6);
        prop_assert!(!allowed(v6.into(), false) || (v6.segments()[0] >> 13 == 1) , "{}", v6);
    }

    /// The ways to embed an IPv4 address in an IPv6 one: only the well-known NAT64 prefix leads to it, and is judged by
    /// the embedded address (RFC 6052 §2.1). The others are refused, including those with private networks.
    #[test]
    fn an_ipv4_address_inside_gains_nothing(v4 in prop_oneof![
        any::<u32>(),
        (prop::sample::select(V4), any::<u32>()).prop_map(|(range, rest)| v4_in(range.0.parse().unwrap(), range.1, rest).to_bits()),
    ], more in any::<u64>()) {
        let (inside, high, low) = (Ipv4Addr::from_bits(v4), v4 >> 16, v4 & 0xffff);
        for mode in [false, true] {
            let nat64: Ipv6Addr = format!("64:ff9b::{inside}").parse().unwrap();
            prop_assert_eq!(allowed(nat64.into(), mode), allowed(inside.into(), mode), "{}", nat64);
            for form in [
                format!("::ffff:{inside}"), format!("::ffff:0:{inside}"), format!("64:ff9b:1::{inside}"),
                format!("64:ff9b:1:{high:x}:{low:x}::"), format!("2002:{high:x}:{low:x}::{:x}", more as u16),
                format!("2001:0:{high:x}:{low:x}::{:x}", more as u16), format!("2001::{:x}:{:x}", !high as u16, !low as u16),
                format!("fe80::5efe:{inside}"),
            ] {
                prop_assert!(!allowed(form.parse().unwrap(), mode), "{}", form);
            }
            if v4 != 1 {
                let compatible = Ipv6Addr::from_bits(v4.into());
                prop_assert!(!allowed(compatible.into(), mode), "{}", compatible);
            }
        }
    }
}
