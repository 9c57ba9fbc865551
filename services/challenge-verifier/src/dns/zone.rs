//! Finds the authoritative servers of a name: the closest enclosing zone and the addresses of its servers.

use std::net::{IpAddr, SocketAddr};

use futures_util::future::join_all;
use hickory_resolver::proto::rr::rdata::NS;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use probe::address;

use super::Dns;
use super::DnsProblem;
use super::answer::Reply;
use super::servers::Server;
use crate::shown;

/// The most ancestors queried. A zone deeper than these is found anyway, by its parent's referral.
const MOST_ANCESTORS: usize = 8;
/// The most servers of one zone that are queried.
pub(super) const MOST_SERVERS: usize = 8;
/// The most addresses of one server that are queried: a zone's owner could list thousands, and all of them would get
/// queries.
const MOST_ADDRESSES: usize = 4;

/// A zone and its servers.
#[derive(Debug, Clone)]
pub(super) struct Zone {
    pub(super) apex: Name,
    /// Each server at each of its addresses.
    pub(super) servers: Vec<Server>,
    /// Servers without an address.
    pub(super) left_out: Vec<(String, DnsProblem)>,
}

/// Queries the resolver for the NS records of the name and all its ancestors at once; the deepest name that has some is
/// the zone. The resolver's cache can be stale only about a *new* delegation, and the servers refer to that one.
pub(super) async fn enclosing(dns: &Dns, name: &Name) -> Result<Zone, DnsProblem> {
    let labels = name.iter().len();
    let ancestors: Vec<Name> = (1..=labels.min(MOST_ANCESTORS))
        .rev()
        .map(|depth| name.trim_to(depth))
        .collect();
    let replies = join_all(
        ancestors
            .iter()
            .map(|ancestor| dns.ask_resolver(ancestor, RecordType::NS)),
    )
    .await;
    let mut failure = None;
    for (apex, reply) in ancestors.into_iter().zip(replies) {
        match reply {
            Ok((_, Reply::Records { aliases, data })) if aliases.is_empty() => {
                let names = data.into_iter().filter_map(|record| match record {
                    RData::NS(NS(server)) => Some(server),
                    _ => None,
                });
                return served_by(dns, apex, names.collect(), &[]).await;
            }
            Ok((server, Reply::NoSuchName)) => failure = Some(DnsProblem::NoSuchName { server }),
            Ok((server, _)) => {
                failure = Some(DnsProblem::NoRecord {
                    kind: "NS".to_owned(),
                    server,
                })
            }
            Err(problem) => failure = Some(problem),
        }
    }
    Err(failure.unwrap_or_else(|| DnsProblem::BadName {
        name: shown::name(name),
    }))
}

/// The zone's servers, by their addresses in `glue` or else from the resolver; IPv4 first, since it nearly always
/// works.
pub(super) async fn served_by(
    dns: &Dns,
    apex: Name,
    mut names: Vec<Name>,
    glue: &[(Name, IpAddr)],
) -> Result<Zone, DnsProblem> {
    // A resolver returns them in a different order each time; the user should see a stable one.
    names.sort();
    names.truncate(MOST_SERVERS);
    let found = join_all(names.iter().map(async |server| {
        let known: Vec<IpAddr> = glue
            .iter()
            .filter(|(name, _)| name == server)
            .map(|&(_, address)| address)
            .collect();
        if known.is_empty() {
            dns.addresses_of(server.clone()).await.unwrap_or_default()
        } else {
            known
        }
    }))
    .await;
    let mut servers = Vec::new();
    let mut left_out = Vec::new();
    for (name, addresses) in names.iter().zip(found) {
        let label = shown::name(name);
        let usable = addresses
            .into_iter()
            .filter(|&address| address::allowed(address, dns.allow_private))
            .take(MOST_ADDRESSES)
            .map(|address| Server {
                label: label.clone(),
                address: SocketAddr::new(address, dns.authoritative_port),
            });
        let before = servers.len();
        servers.extend(usable);
        if servers.len() == before {
            let server = label.clone();
            left_out.push((label, DnsProblem::NoAddress { server }));
        }
    }
    servers.sort_by_key(|server| server.address.is_ipv6());
    if servers.is_empty() {
        let names: Vec<String> = names.iter().map(shown::name).collect();
        return Err(DnsProblem::NoServers {
            zone: shown::name(&apex),
            servers: names.join(", "),
        });
    }
    Ok(Zone {
        apex,
        servers,
        left_out,
    })
}
