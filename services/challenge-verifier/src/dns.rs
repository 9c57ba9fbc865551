//! Look-ups of a name's current records.
//!
//! TXT and CAA records are requested from the zone's own authoritative servers, so that no cache returns stale data: a
//! resolver is used only to find the zone and its servers, and to check whether it would return the record to a CA at
//! all ([`Dns::withheld`]). Alternatively, by setting, all queries go to one fixed server (the test stand-ins of a CA
//! answer every name themselves and have no zones). Nothing is cached here; the look-ups of one probe share what they
//! find of their domain's zone ([`Near`]).

mod answer;
mod authority;
mod caa;
mod chain;
mod egress;
mod everywhere;
mod exchange;
mod glance;
mod leads;
mod near;
mod reason;
mod servers;
mod txt;
mod validation;
mod wildcard;
mod zone;

use std::net::{IpAddr, SocketAddr};

use hickory_resolver::net::NetError;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::system_conf::read_system_conf;

use crate::settings::ProbeSettings;
use crate::shown;
use answer::Reply;
pub use authority::Authority;
pub use caa::CaaRecords;
use chain::{Chain, End};
pub use egress::Egress;
use exchange::{Asking, Question};
pub use near::Near;
use pipeline::reason::Links;
pub use pipeline::reason::{DnsProblem, LookupFailure, Wildcard};
use servers::{Patience, Server, ask_any};
pub use txt::{TxtAnswer, TxtRecords, TxtSeen};
use zone::Zone;

/// More consecutive delegations than this are considered a mistake.
const MOST_REFERRALS: usize = 8;

/// A DNS client, configured by the settings.
#[derive(Debug)]
pub struct Dns {
    resolvers: Resolvers,
    /// Whether the resolvers' answers are final, or only lead to the authoritative servers.
    fixed: bool,
    patience: Patience,
    authoritative_port: u16,
    allow_private: bool,
    resolver_check: bool,
}

#[derive(Debug)]
enum Resolvers {
    /// `host:port`, resolved for each query: in a container the address behind a name may change.
    Named(String),
    Listed(Vec<Server>),
}

impl Dns {
    /// Reads /etc/resolv.conf unless the settings name a server.
    pub fn new(settings: &ProbeSettings) -> Result<Self, NetError> {
        let fixed = settings.dns_resolver.0.is_some();
        let resolvers = match settings
            .dns_resolver
            .0
            .as_ref()
            .or(settings.dns_walk_resolver.0.as_ref())
        {
            Some(server) => Resolvers::Named(server.clone()),
            None => Resolvers::Listed(system_resolvers()?),
        };
        Ok(Self {
            resolvers,
            fixed,
            patience: Patience {
                timeout: settings.dns_timeout,
                attempts: settings.dns_attempts,
            },
            authoritative_port: settings.dns_authoritative_port,
            allow_private: settings.allow_private_addresses,
            resolver_check: settings.resolver_check,
        })
    }

    /// The records at `name`, or at the end of its CNAMEs, from their own zone's servers. Names in the zone `near` are
    /// queried there, which saves finding the zone.
    async fn first_hand(&self, name: Name, kind: RecordType, near: Option<&Zone>) -> Result<End, LookupFailure> {
        let mut chain = Chain::new(name, kind);
        loop {
            let name = chain.current();
            let asked = match near.filter(|zone| zone.apex.zone_of(&name)) {
                _ if self.fixed => self.ask_fixed(&name, kind).await,
                Some(zone) => self.ask_zone(zone.clone(), &name, kind).await,
                None => self.ask_authority(&name, kind).await,
            };
            let (server, reply) = asked.map_err(|problem| chain.failed(problem))?;
            if let Some(end) = chain.take(server, reply)? {
                return Ok(end);
            }
        }
    }

    /// The addresses of `host`, IPv6 before IPv4 in the order in which a CA would try them. Not empty.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, LookupFailure> {
        self.addresses_of(parse(host)?).await
    }

    async fn addresses_of(&self, host: Name) -> Result<Vec<IpAddr>, LookupFailure> {
        let (v6, v4) = tokio::join!(
            self.resolved(host.clone(), RecordType::AAAA),
            self.resolved(host, RecordType::A)
        );
        match (v6, v4) {
            (Err(_), Err(failure)) => Err(failure),
            (v6, v4) => {
                let ends = [v6, v4].into_iter().flatten();
                Ok(ends
                    .flat_map(|end| end.data)
                    .filter_map(|data| data.ip_addr())
                    .collect())
            }
        }
    }

    async fn resolved(&self, name: Name, kind: RecordType) -> Result<End, LookupFailure> {
        let mut chain = Chain::new(name, kind);
        loop {
            let (server, reply) = match self.ask_resolver(&chain.current(), kind).await {
                Ok(answered) => answered,
                Err(problem) => return Err(chain.failed(self.explained(problem, &chain.current(), kind).await)),
            };
            if let Some(end) = chain.take(server, reply)? {
                return Ok(end);
            }
        }
    }

    async fn ask_resolver(&self, name: &Name, kind: RecordType) -> Result<(String, Reply), DnsProblem> {
        self.ask_resolver_as(Asking::Recursive, name, kind).await
    }

    async fn ask_resolver_as(
        &self,
        asking: Asking,
        name: &Name,
        kind: RecordType,
    ) -> Result<(String, Reply), DnsProblem> {
        let question = Question {
            name: name.clone(),
            kind,
            asking,
        };
        let servers = self.resolvers.servers().await?;
        ask_any(
            &servers,
            &question,
            self.patience,
            |message| answer::of_resolver(message, name, kind),
            ".",
        )
        .await
    }

    async fn ask_authority(&self, name: &Name, kind: RecordType) -> Result<(String, Reply), DnsProblem> {
        self.ask_zone(zone::enclosing(self, name).await?, name, kind).await
    }

    /// Queries the zone's servers until one answers, or those of a deeper zone that they refer to.
    async fn ask_zone(&self, mut zone: Zone, name: &Name, kind: RecordType) -> Result<(String, Reply), DnsProblem> {
        for _ in 0..=MOST_REFERRALS {
            match self.ask_servers(&zone.servers, &zone.apex, name, kind).await? {
                (
                    _,
                    Reply::Referral {
                        zone: deeper,
                        servers,
                        glue,
                    },
                ) => {
                    zone = zone::served_by(self, deeper, servers, &glue).await?;
                }
                answered => return Ok(answered),
            }
        }
        Err(DnsProblem::TooMany {
            what: Links::Delegations,
            limit: MOST_REFERRALS,
        })
    }

    /// Queries servers of the zone `apex` until one answers.
    async fn ask_servers(
        &self,
        servers: &[Server],
        apex: &Name,
        name: &Name,
        kind: RecordType,
    ) -> Result<(String, Reply), DnsProblem> {
        let question = Question {
            name: name.clone(),
            kind,
            asking: Asking::FirstHand,
        };
        let read = |message: &_| answer::of_authority(message, name, kind, apex);
        ask_any(servers, &question, self.patience, read, &shown::name(apex)).await
    }
}

impl Resolvers {
    async fn servers(&self) -> Result<Vec<Server>, DnsProblem> {
        match self {
            Self::Listed(servers) => Ok(servers.clone()),
            Self::Named(name) => {
                let unreachable = |why: String| DnsProblem::Unreachable {
                    server: name.clone(),
                    why,
                };
                let found = tokio::net::lookup_host(name)
                    .await
                    .map_err(|error| unreachable(error.to_string()))?;
                let servers: Vec<Server> = found
                    .map(|address| Server {
                        label: name.clone(),
                        address,
                    })
                    .collect();
                if servers.is_empty() {
                    Err(unreachable("no address".to_owned()))
                } else {
                    Ok(servers)
                }
            }
        }
    }
}

fn system_resolvers() -> Result<Vec<Server>, NetError> {
    let (config, _) = read_system_conf()?;
    let servers = config.name_servers().iter().map(|server| {
        let port = server.connections.first().map_or(53, |connection| connection.port);
        Server {
            label: server.ip.to_string(),
            address: SocketAddr::new(server.ip, port),
        }
    });
    Ok(servers.collect())
}

fn parse(name: &str) -> Result<Name, LookupFailure> {
    let bad = || LookupFailure {
        alias: None,
        problem: DnsProblem::BadName {
            name: shown::quoted(name.as_bytes()),
        },
    };
    let mut parsed = Name::from_ascii(name).map_err(|_| bad())?;
    if parsed.is_root() {
        return Err(bad());
    }
    parsed.set_fqdn(true);
    Ok(parsed)
}
