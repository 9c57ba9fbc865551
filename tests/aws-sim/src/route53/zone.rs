//! Hosted zones, and changes on their way to the name servers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use time::OffsetDateTime;

use super::record_set::{Key, RecordSet, normalized};

/// A hosted zone.
#[derive(Debug, Clone)]
pub struct HostedZone {
    /// The zone's name, in lower case, with a trailing dot.
    pub name: String,
    /// Its record sets.
    pub sets: BTreeMap<Key, RecordSet>,
}

impl HostedZone {
    /// A new zone, with the records at its apex that the service makes (Developer Guide, "NS and SOA records").
    pub fn new(name: &str) -> Self {
        let name = normalized(name);
        let server = |number: u8| format!("ns-{number}.awsdns-00.example.");
        let apex = |kind: &str, ttl: i64, values: Vec<String>| RecordSet {
            name: name.clone(),
            kind: kind.to_owned(),
            identifier: None,
            multivalue: false,
            ttl,
            values,
        };
        let soa = format!("{} awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400", server(1));
        let sets = [
            apex("NS", 172_800, (1..=4).map(server).collect()),
            apex("SOA", 900, vec![soa]),
        ];
        let sets = sets.into_iter().map(|set| (set.key(), set)).collect();
        Self { name, sets }
    }
}

/// An accepted change.
#[derive(Debug, Clone)]
pub struct RecordChange {
    /// The id of the zone.
    pub zone: String,
    /// When it was accepted.
    pub submitted: OffsetDateTime,
    accepted: Instant,
}

impl RecordChange {
    /// A change that was accepted now.
    pub fn now(zone: &str) -> Self {
        Self {
            zone: zone.to_owned(),
            submitted: OffsetDateTime::now_utc(),
            accepted: Instant::now(),
        }
    }

    /// Whether it has not reached every name server, which takes so long.
    pub fn is_pending(&self, takes: Duration) -> bool {
        self.accepted.elapsed() < takes
    }
}
