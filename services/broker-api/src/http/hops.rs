//! The client of a connection or request, as far as limits go: the peer, or the client that a trusted hop in front
//! names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use axum::http::HeaderMap;

/// A client's identity: an address, or for IPv6 the /64 that one household or server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Client(IpAddr);

impl From<IpAddr> for Client {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() & (u128::MAX << 64)).into(),
            four @ IpAddr::V4(_) => four,
        })
    }
}

/// The hops in front that are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hops(Vec<Network>);

/// Addresses that no client on the internet has: loopback, RFC 1918, RFC 6598 (carriers and clouds), link-local, RFC
/// 4193.
const PRIVATE: [&str; 9] = [
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "::1",
    "fc00::/7",
    "fe80::/10",
];

impl Hops {
    /// Whether the address is a trusted hop.
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.has(address))
    }

    /// The client of a request that came from `peer`. Each hop appends the address that it received the request from,
    /// so the entry of the last trusted hop counts. Anything before it may have been written by anyone. `None`: the
    /// hops name no client.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        if !self.has(peer) {
            return Some(peer);
        }
        let lines: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .map(|line| line.to_str().unwrap_or_default())
            .collect();
        for named in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            let address = address_of(named.trim())?;
            if !self.has(address) {
                return Some(address);
            }
        }
        None
    }
}

/// An address as hops write it: bare, or with a port (AWS can be configured to add it, Azure does), IPv6 then in
/// brackets.
fn address_of(named: &str) -> Option<IpAddr> {
    let bare = named.trim_start_matches('[').trim_end_matches(']');
    bare.parse()
        .ok()
        .or_else(|| named.parse().ok().map(|with_port: std::net::SocketAddr| with_port.ip()))
}

impl FromStr for Hops {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut networks = Vec::new();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            if word.eq_ignore_ascii_case("private") {
                for private in PRIVATE {
                    networks.push(private.parse()?);
                }
            } else {
                networks.push(word.parse()?);
            }
        }
        Ok(Self(networks))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    fn has(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(other)) => {
                let apart = ours.to_bits() ^ other.to_bits();
                self.bits == 0 || apart >> (Ipv4Addr::BITS - self.bits) == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(other)) => {
                let apart = ours.to_bits() ^ other.to_bits();
                self.bits == 0 || apart >> (Ipv6Addr::BITS - self.bits) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?}: write an address or a network such as 10.0.0.0/8, or the word private");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() {
            Ipv4Addr::BITS
        } else {
            Ipv6Addr::BITS
        };
        let bits = bits.unwrap_or(most);
        if bits > most {
            return Err(wrong());
        }
        Ok(Self { address, bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(hops: &str, peer: &str, lines: &[&str]) -> Option<String> {
        let hops: Hops = hops.parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        hops.client(peer.parse().unwrap(), &headers)
            .map(|client| client.to_string())
    }

    #[test]
    fn only_what_a_trusted_hop_appended_counts() {
        let client = Some("203.0.113.7".to_string());
        assert_eq!(named("private", "10.0.16.5", &["203.0.113.7"]), client);
        // gorouter behind a load balancer: both are hops.
        assert_eq!(named("private", "10.0.16.5", &["203.0.113.7, 10.0.1.2"]), client);
        assert_eq!(named("private", "10.0.16.5", &["203.0.113.7", "10.0.1.2"]), client);
        // The header already had entries when the client sent it.
        assert_eq!(
            named("private", "10.0.16.5", &["10.0.0.9, 198.51.100.1, 203.0.113.7"]),
            client
        );
        // The peer is not a hop: its header is ignored.
        assert_eq!(named("private", "203.0.113.7", &["198.51.100.1"]), client);
        assert_eq!(named("", "10.0.16.5", &["203.0.113.7"]).as_deref(), Some("10.0.16.5"));
        assert_eq!(
            named("192.0.2.0/24, 10.0.16.5", "192.0.2.200", &["203.0.113.7, 10.0.16.5"]),
            client
        );
        assert_eq!(named("private", "::ffff:10.0.16.5", &["203.0.113.7"]), client);
        assert_eq!(
            named("private", "fd00::1", &["[2001:db8::1]:4711"]).as_deref(),
            Some("2001:db8::1")
        );
        assert_eq!(named("private", "10.0.16.5", &["203.0.113.7:4711"]), client);
        // The header names no client, or can't be parsed.
        for lines in [&[][..], &["10.0.0.9"], &["unknown"], &["203.0.113.7, unknown"], &[""]] {
            assert_eq!(named("private", "10.0.16.5", lines), None, "{lines:?}");
        }
    }

    #[test]
    fn networks_are_read_or_refused() {
        let hops: Hops = "10.1.0.0/16,2001:db8::/32, 192.0.2.1,0.0.0.0/0".parse().unwrap();
        for (address, is) in [
            ("10.1.2.3", true),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
            ("8.8.8.8", true),
        ] {
            assert_eq!(hops.has(address.parse().unwrap()), is, "{address}");
        }
        let one: Hops = "192.0.2.1".parse().unwrap();
        assert!(one.has("192.0.2.1".parse().unwrap()) && !one.has("192.0.2.2".parse().unwrap()));
        assert!(!"".parse::<Hops>().unwrap().has("127.0.0.1".parse().unwrap()));
        for wrong in ["10.0.0.0/33", "10.0.0.0/", "router", "::/129"] {
            assert!(wrong.parse::<Hops>().unwrap_err().contains("10.0.0.0/8"), "{wrong}");
        }
    }

    #[test]
    fn a_client_of_ipv6_is_its_network() {
        let client = |text: &str| Client::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:1"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_eq!(client("::ffff:192.0.2.1"), client("192.0.2.1"));
        assert_ne!(client("192.0.2.1"), client("192.0.2.2"));
    }
}
