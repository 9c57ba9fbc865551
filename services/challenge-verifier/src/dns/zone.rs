//! Which servers know a name first-hand: the closest enclosing zone and the addresses of its servers.

use std::net::{IpAddr, SocketAddr};

use futures_util::future::join_all;
use hickory_resolver::proto::rr::rdata::NS;
use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::Dns;
use super::DnsProblem;
use super::answer::Reply;
use super::servers::Server;
use crate::{address, shown};

/// Ancestors asked about. A deeper zone than these is found all the same, by its parent's referral.
const MOST_ANCESTORS: usize = 8;
/// Servers of one zone that are asked.
pub(super) const MOST_SERVERS: usize = 8;
/// Addresses of one server that are asked: a zone's owner could list thousands, and they would all get questions.
const MOST_ADDRESSES: usize = 4;

/// A zone and who serves it.
#[derive(Debug, Clone)]
pub(super) struct Zone {
    pub(super) apex: Name,
    /// Each server at each of its addresses.
    pub(super) servers: Vec<Server>,
    /// Those that have no address.
    pub(super) left_out: Vec<(String, DnsProblem)>,
}

/// Asks the resolver for the NS records of the name and all its ancestors at once; the deepest that has some is the
/// zone. What the resolver has cached can be too old only about a *new* delegation, and that the servers refer to.
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

/// The zone's servers, by their addresses in `glue` or else by the resolver; IPv4 first, since it nearly always works.
pub(super) async fn served_by(
    dns: &Dns,
    apex: Name,
    mut names: Vec<Name>,
    glue: &[(Name, IpAddr)],
) -> Result<Zone, DnsProblem> {
    // A resolver gives them in another order each time; the user should read the same.
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
