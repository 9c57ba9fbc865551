//! The addresses of the hosts of one probe, each of which is looked up once: redirects often lead back to the same host.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pipeline::reason::LookupFailure;
use pipeline::turn::Turn;
use probe::address;
use tokio::sync::OnceCell;

use crate::dns::Dns;

/// The most addresses of one host that are queried.
const MOST_ADDRESSES: usize = 8;

type Found = Result<Vec<IpAddr>, LookupFailure>;

/// The hosts' addresses that may be connected to.
pub(crate) struct Names<'d> {
    dns: &'d Dns,
    allow_private: bool,
    found: Mutex<BTreeMap<String, Arc<OnceCell<Found>>>>,
    telling: Mutex<BTreeSet<IpAddr>>,
    /// Of an earlier probe; then one address of each host is enough.
    remembered: Option<Remembered<'d>>,
}

#[derive(Clone, Copy)]
struct Remembered<'d> {
    hosts: &'d BTreeMap<String, Vec<IpAddr>>,
    turn: Turn,
}

impl<'d> Names<'d> {
    pub(super) fn new(dns: &'d Dns, allow_private: bool) -> Self {
        Self {
            dns,
            allow_private,
            found: Mutex::default(),
            telling: Mutex::default(),
            remembered: None,
        }
    }

    pub(super) fn for_a_glance(self, hosts: &'d BTreeMap<String, Vec<IpAddr>>, turn: Turn) -> Self {
        let remembered = Some(Remembered { hosts, turn });
        Self { remembered, ..self }
    }

    /// Empty: the host has no address that may be connected to.
    pub(super) async fn of(&self, host: &str) -> Found {
        let cell = Arc::clone(locked(&self.found).entry(host.to_owned()).or_default());
        cell.get_or_init(|| self.look_up(host)).await.clone()
    }

    async fn look_up(&self, host: &str) -> Found {
        let Some(Remembered { hosts, turn }) = self.remembered else {
            return Ok(self.usable(self.dns.addresses(host).await?));
        };
        let known = hosts.get(host).map(Vec::as_slice).unwrap_or_default();
        let found = match known {
            [] => self.dns.addresses(host).await?,
            _ if turn.resolves() => self.dns.addresses_again(host, known).await?,
            _ => known.to_vec(),
        };
        let mut usable = self.usable(found);
        // One that nothing is known of comes first: the others have said before that the file isn't there.
        if usable.iter().any(|address| !known.contains(address)) {
            usable.retain(|address| !known.contains(address));
        }
        usable.sort_unstable();
        let place = turn.place(0, usable.len());
        Ok(usable.into_iter().skip(place).take(1).collect())
    }

    /// Also of remembered addresses: they came from outside, and the setting may have changed since.
    fn usable(&self, addresses: Vec<IpAddr>) -> Vec<IpAddr> {
        let usable = |&address: &IpAddr| address::allowed(address, self.allow_private);
        addresses.into_iter().filter(usable).take(MOST_ADDRESSES).collect()
    }

    /// What happened at the address says something about the file.
    pub(super) fn tells(&self, address: IpAddr) {
        locked(&self.telling).insert(address);
    }

    /// The addresses of each host, for glances: of those that say something, if any does.
    pub(crate) fn known(&self) -> BTreeMap<String, Vec<IpAddr>> {
        let telling = locked(&self.telling);
        let mut known = BTreeMap::new();
        for (host, found) in locked(&self.found).iter() {
            let Some(Ok(all)) = found.get() else { continue };
            let some = all.iter().filter(|&address| telling.contains(address));
            let mut addresses: Vec<IpAddr> = some.copied().collect();
            if addresses.is_empty() {
                addresses.clone_from(all);
            }
            addresses.sort_unstable();
            if !addresses.is_empty() {
                known.insert(host.clone(), addresses);
            }
        }
        known
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
