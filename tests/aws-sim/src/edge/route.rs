//! Maps a host name to a distribution and a path to a behaviour.

use std::sync::Arc;

use super::config::{Behaviour, EdgeConfig};
use crate::access::matches;
use crate::names;
use crate::state::Sim;

/// A distribution as deployed.
#[derive(Debug, Clone)]
pub struct Site {
    /// Distribution id.
    pub id: String,
    /// The configuration that the edge serves for it.
    pub config: Arc<EdgeConfig>,
}

/// The distribution that a host name (lower case, no port) belongs to: by its own domain name, by an exact alias, else by
/// the nearest wildcard alias.
pub fn by_host(sim: &Sim, host: &str) -> Option<Site> {
    let world = sim.world();
    let live = || {
        world
            .distributions
            .values()
            .filter_map(|it| Some((it, it.live.as_ref()?)))
    };
    let exact = live().find(|(it, edge)| it.domain_name == host || edge.aliases.iter().any(|alias| alias == host));
    let nearest = |edge: &EdgeConfig| {
        let taking = edge.aliases.iter().filter(|alias| names::takes(alias, host));
        taking.map(String::len).max()
    };
    let found = exact.or_else(|| {
        live()
            .filter(|(_, edge)| nearest(edge).is_some())
            .max_by_key(|(_, edge)| nearest(edge))
    });
    found.map(|(it, edge)| Site {
        id: it.id.clone(),
        config: Arc::clone(edge),
    })
}

/// The first behaviour whose pattern matches the path, else the default one. Patterns are case-sensitive and equivalent
/// with or without their leading slash (Developer Guide, "Path pattern").
pub fn behaviour<'a>(config: &'a EdgeConfig, path: &str) -> Option<&'a Behaviour> {
    let path = path.trim_start_matches('/');
    config.behaviours.iter().find(|behaviour| {
        behaviour
            .pattern
            .as_deref()
            .is_none_or(|pattern| matches(pattern.trim_start_matches('/'), path))
    })
}
