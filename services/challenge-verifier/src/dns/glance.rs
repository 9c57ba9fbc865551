//! The questions of a glance: each to one server, whose address an earlier probe found.

use std::net::{IpAddr, SocketAddr};

use hickory_resolver::proto::rr::{Name, RecordType};
use pipeline::reason::Asked;
use pipeline::turn::Turn;
use probe::address;

use super::answer::Reply;
use super::servers::Server;
use super::txt::first_hop;
use super::{Dns, DnsProblem, LookupFailure, TxtSeen, parse};
use crate::shown;

impl Dns {
    /// What one of the remembered servers says of the TXT records at `name`, where a CNAME is an answer; the next one is
    /// queried when it fails. Which one is first is a matter of `turn`; two names with different slots are asked of
    /// different servers.
    pub(crate) async fn one_txt(
        &self,
        name: &str,
        asked: Option<&Asked>,
        turn: Turn,
        slot: usize,
    ) -> Result<TxtSeen, DnsProblem> {
        let kind = RecordType::TXT;
        let parsed = parse(name).map_err(|failure| failure.problem)?;
        if self.fixed {
            let (server, reply) = self.ask_fixed(&parsed, kind).await?;
            return seen(server, &reply);
        }
        let unknown = || DnsProblem::NoServers {
            zone: shown::plain(name.as_bytes()),
            servers: "none".to_owned(),
        };
        let Asked { apex, servers } = asked.ok_or_else(unknown)?;
        let mut apex = Name::from_ascii(apex).map_err(|_| unknown())?;
        apex.set_fqdn(true);
        let mut servers = self.remembered(servers);
        let first = turn.place(slot, servers.len());
        servers.rotate_left(first);
        let (server, reply) = self.ask_servers(&servers, &apex, &parsed, kind).await?;
        seen(server, &reply)
    }

    /// What was remembered came from outside, and the setting may have changed since.
    fn remembered(&self, servers: &[IpAddr]) -> Vec<Server> {
        let allowed = servers
            .iter()
            .filter(|&&server| address::allowed(server, self.allow_private));
        allowed
            .map(|&server| Server {
                label: server.to_string(),
                address: SocketAddr::new(server, self.authoritative_port),
            })
            .collect()
    }

    /// The addresses of `host` once more: IPv4 alone where that is known, which is one question. Where it isn't, it may have
    /// come since.
    pub(crate) async fn addresses_again(&self, host: &str, known: &[IpAddr]) -> Result<Vec<IpAddr>, LookupFailure> {
        if !known.iter().any(IpAddr::is_ipv4) {
            return self.addresses(host).await;
        }
        let end = self.resolved(parse(host)?, RecordType::A).await?;
        Ok(end.data.into_iter().filter_map(|data| data.ip_addr()).collect())
    }
}

fn seen(server: String, reply: &Reply) -> Result<TxtSeen, DnsProblem> {
    first_hop(&server, reply).ok_or_else(|| match reply {
        // The name has got a zone of its own.
        Reply::Referral { zone, .. } => DnsProblem::Lame {
            server,
            zone: shown::name(zone),
        },
        _ => DnsProblem::Garbled { server },
    })
}
