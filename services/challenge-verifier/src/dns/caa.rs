//! The relevant CAA records of a domain (RFC 8659 §3): those of the first name, climbing, that has any.

use std::pin::pin;

use futures_util::{StreamExt, stream};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use pipeline::caa::Property;

use super::chain::End;
use super::near::Near;
use super::zone::{self, Zone};
use super::{Dns, DnsProblem, LookupFailure, parse};
use crate::shown;

/// The most names queried, including the domain itself. For a domain with more labels the upper names are left to the
/// CA.
const MOST_NAMES: usize = 10;
/// The most names queried at the same time.
const AT_ONCE: usize = 4;

/// The CAA records at one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaaRecords {
    /// The domain, or the name above it that has them.
    pub name: String,
    /// Their actual location, when CNAMEs lead elsewhere from there.
    pub alias: Option<String>,
    /// All of them.
    pub properties: Vec<Property>,
    /// The server that returned them.
    pub server: String,
}

impl Dns {
    /// The relevant CAA records for `domain`, which is no wildcard; `None` when neither it nor a name above it has any.
    /// The search for its zone is shared with other look-ups by `near`.
    ///
    /// # Errors
    /// When a name on the way can't be looked up: the records above it may then be irrelevant.
    pub async fn caa(&self, domain: &str, near: Option<&Near>) -> Result<Option<CaaRecords>, LookupFailure> {
        let domain = parse(domain)?;
        let zone = if self.fixed {
            None
        } else {
            let zone = match near.filter(|near| near.covers(&domain)) {
                Some(near) => near.zone(self).await,
                None => zone::enclosing(self, &domain).await,
            };
            Some(zone.map_err(|problem| LookupFailure { alias: None, problem })?)
        };
        let labels = domain.iter().len();
        let names: Vec<Name> = (1..=labels)
            .rev()
            .take(MOST_NAMES)
            .map(|depth| domain.trim_to(depth))
            .collect();
        let lookups = stream::iter(names).map(|name| self.caa_at(name, zone.as_ref()));
        let mut found = pin!(lookups.buffered(AT_ONCE));
        while let Some(found) = found.next().await {
            if let Some(records) = found? {
                return Ok(Some(records));
            }
        }
        Ok(None)
    }

    async fn caa_at(&self, name: Name, near: Option<&Zone>) -> Result<Option<CaaRecords>, LookupFailure> {
        let found = match name.iter().len() {
            // No tenant changes a top-level domain's records, so a stale cache does no harm.
            1 => self.resolved(name.clone(), RecordType::CAA).await,
            _ => self.first_hand(name.clone(), RecordType::CAA, near).await,
        };
        match found {
            Ok(End { alias, data, server }) => Ok(Some(CaaRecords {
                name: shown::name(&name),
                alias,
                properties: data.into_iter().filter_map(property).collect(),
                server,
            })),
            Err(LookupFailure {
                problem: DnsProblem::NoRecord { .. } | DnsProblem::NoSuchName { .. },
                ..
            }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

fn property(data: RData) -> Option<Property> {
    match data {
        RData::CAA(caa) => Some(Property {
            critical: caa.issuer_critical,
            tag: caa.tag,
            value: caa.value,
        }),
        _ => None,
    }
}
