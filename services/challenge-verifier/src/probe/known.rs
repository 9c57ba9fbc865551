//! What a probe finds out on its way, and what it leaves of that to the glances after it.

use pipeline::proof::Place;
use pipeline::reason::Memory;

use super::Prober;
use crate::dns::Near;
use crate::http01::Names;
use crate::{Look, Way};

/// Redirects may lead to more hosts, with the longest names: how much is stored is not theirs to decide.
const MOST_HOSTS: usize = 8;

/// For one probe: what several of its questions need is found once.
pub(super) struct Known<'p> {
    /// `None`: the domain is no valid name.
    pub(super) near: Option<Near>,
    pub(super) names: Names<'p>,
    zones_matter: bool,
}

impl<'p> Known<'p> {
    pub(super) fn new(prober: &'p Prober, domain: &str) -> Self {
        Self {
            near: Near::of(domain),
            names: prober.http01.names(&prober.dns),
            zones_matter: !prober.dns.is_fixed(),
        }
    }

    /// `None` unless glances may confirm the result, and it is known which servers they would have to ask.
    pub(super) fn memory(&self, look: &Look) -> Option<Memory> {
        if !look.is_certain_absence() {
            return None;
        }
        let zones = self.near.as_ref().map(Near::asked).unwrap_or_default();
        let is_known = |way: &Way| match &way.place {
            Place::Txt(name) | Place::Cname(name) => zones.contains_key(name) || !self.zones_matter,
            Place::Http(_) => true,
        };
        let hosts = self.names.known();
        let is_enough = hosts.len() <= MOST_HOSTS && look.ways.iter().all(is_known);
        is_enough.then_some(Memory { zones, hosts })
    }
}
