//! What the look-ups of one probe have in common: the search for their domain's zone is made once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use hickory_resolver::proto::rr::Name;
use pipeline::reason::Asked;
use tokio::sync::OnceCell;

use super::everywhere::Said;
use super::zone::{self, Zone};
use super::{Dns, DnsProblem, parse};

/// A domain's zone, and which of its servers answered for which name. For one probe: it is never looked up again.
#[derive(Debug)]
pub struct Near {
    domain: Name,
    zone: OnceCell<Result<Zone, DnsProblem>>,
    asked: Mutex<BTreeMap<String, Asked>>,
}

impl Near {
    /// `None` when the domain is no valid name: no look-up for it gets as far as its zone.
    pub(crate) fn of(domain: &str) -> Option<Self> {
        Some(Self {
            domain: parse(domain).ok()?,
            zone: OnceCell::new(),
            asked: Mutex::default(),
        })
    }

    /// By each name whose servers answered, and are all of one zone.
    pub(crate) fn asked(&self) -> BTreeMap<String, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the name is the domain's, or below it. It may be in a zone of its own there, also when the domain's servers
    /// don't refer to it.
    pub(super) fn covers(&self, name: &Name) -> bool {
        self.domain.zone_of(name)
    }

    pub(super) async fn zone(&self, dns: &Dns) -> Result<Zone, DnsProblem> {
        let found = self.zone.get_or_init(|| zone::enclosing(dns, &self.domain)).await;
        found.clone()
    }

    pub(super) fn remember(&self, name: &str, apex: &Name, said: &[Said]) {
        let servers = one_of_each(said);
        if servers.is_empty() {
            return;
        }
        let apex = apex.to_ascii();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.insert(name.to_owned(), Asked { apex, servers });
    }
}

/// The first address of each server that answered: with all of them a turn over the servers would take longer.
fn one_of_each(said: &[Said]) -> Vec<IpAddr> {
    let mut servers = BTreeSet::new();
    let mut addresses = Vec::new();
    for one in said.iter().filter(|one| one.result.is_ok()) {
        if servers.insert(one.server.label.as_str()) {
            addresses.push(one.server.address.ip());
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::answer::Reply;
    use crate::dns::servers::Server;

    fn said(server: &str, address: &str, result: Result<Reply, DnsProblem>) -> Said {
        Said {
            server: Server {
                label: server.to_owned(),
                address: (address.parse::<IpAddr>().unwrap(), 53).into(),
            },
            result,
        }
    }

    #[test]
    fn each_server_is_remembered_by_one_address_that_answered() {
        let denied = || Ok(Reply::NoSuchName);
        let failed = |server: &str| Err(DnsProblem::Garbled { server: server.into() });
        let all = [
            said("ns1", "192.0.2.1", denied()),
            said("ns1", "192.0.2.2", denied()),
            said("ns2", "192.0.2.3", denied()),
            said("ns3", "192.0.2.4", failed("ns3")),
            said("ns4", "192.0.2.5", failed("ns4")),
            said("ns1", "2001:db8::1", denied()),
            said("ns3", "2001:db8::3", denied()),
        ];
        let addresses: Vec<String> = one_of_each(&all).iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["192.0.2.1", "192.0.2.3", "2001:db8::3"]);
    }
}
