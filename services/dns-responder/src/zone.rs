//! What of the zone is set by the operator: its name, its name servers, and how long answers may be remembered.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use hickory_proto::rr::rdata::{A, AAAA, NS, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use crate::names::{Names, key};

/// A name server of the zone; with its address, if its name is in the zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServer {
    /// The name, in lower case.
    pub name: Name,
    /// The address. A server with several is listed several times.
    pub address: Option<IpAddr>,
}

impl FromStr for NameServer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, address) = match text.trim().split_once('=') {
            None => (text, None),
            Some((name, address)) => {
                let address = address
                    .trim()
                    .parse()
                    .map_err(|_| format!("{address} is no IP address"))?;
                (name, Some(address))
            }
        };
        let name = parse(name).ok_or("write NAME or NAME=ADDRESS, such as ns1.acme.platform.example=192.0.2.1")?;
        Ok(Self { name, address })
    }
}

/// The name of a zone, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneName(pub Name);

impl FromStr for ZoneName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = parse(text).ok_or("it is not the name of a DNS zone")?;
        Ok(Self(name))
    }
}

/// As the database has it: without the dot at the end.
impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_ascii().trim_end_matches('.'))
    }
}

fn parse(text: &str) -> Option<Name> {
    let mut name = Name::from_ascii(text.trim()).ok()?.to_lowercase();
    name.set_fqdn(true);
    (!name.is_root()).then_some(name)
}

/// Settings that don't fit together.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ZoneError {
    /// Nobody knows where such a name server is.
    #[error("NAME_SERVERS: {0} is in the zone, so its address is needed: write {0}=192.0.2.1")]
    NoAddress(String),
    /// The zone can't give an address for it.
    #[error("NAME_SERVERS: {0} is not in DELEGATION_ZONE, so its own zone has its address: write {0} alone")]
    NotInZone(String),
    /// The zone's own name has the records of the zone.
    #[error(
        "NAME_SERVERS: {0} is DELEGATION_ZONE itself: give the name server a name in it, such as ns1.{0}=192.0.2.1"
    )]
    IsZone(String),
}

/// How long resolvers remember the zone's own records, in seconds; values and their absence much shorter.
const OWN_TTL: u32 = 300;
/// For secondaries, which this zone has not (RFC 1912 §2.2), in seconds.
const REFRESH: i32 = 3600;
const RETRY: i32 = 600;
const EXPIRE: i32 = 604_800;

/// The zone without the names that come from PostgreSQL.
#[derive(Debug)]
pub struct Zone {
    apex: Name,
    labels: usize,
    servers: Vec<Name>,
    /// Name servers whose names are in the zone.
    hosts: Vec<(Name, Vec<IpAddr>)>,
    ttl: u32,
}

/// What a name is.
#[derive(Debug)]
pub enum Place<'p> {
    /// Not in the zone.
    Outside,
    /// The zone itself.
    Apex,
    /// A name server.
    Host(&'p [IpAddr]),
    /// A name that may have values.
    Target(&'p [RData]),
    /// Only names below it have records (an "empty non-terminal", RFC 8020 §3).
    Inner,
    /// It doesn't exist, and so nothing below it.
    Nothing,
}

impl Zone {
    /// The zone; `ttl` is how long resolvers may remember a value or its absence, in seconds.
    ///
    /// # Errors
    /// When a name server has an address that it doesn't need, or lacks one that it needs, or the zone's own name.
    pub fn new(apex: Name, servers: &[NameServer], ttl: u32) -> Result<Self, ZoneError> {
        let mut zone = Self {
            labels: apex.iter().count(),
            apex,
            servers: Vec::new(),
            hosts: Vec::new(),
            ttl,
        };
        for NameServer { name, address } in servers {
            let text = || name.to_ascii().trim_end_matches('.').to_owned();
            if *name == zone.apex {
                return Err(ZoneError::IsZone(text()));
            }
            if !zone.servers.contains(name) {
                zone.servers.push(name.clone());
            }
            match (zone.apex.zone_of(name), address) {
                (true, None) => return Err(ZoneError::NoAddress(text())),
                (false, Some(_)) => return Err(ZoneError::NotInZone(text())),
                (false, None) => {}
                (true, Some(address)) => match zone.hosts.iter_mut().find(|(host, _)| host == name) {
                    Some((_, addresses)) => addresses.push(*address),
                    None => zone.hosts.push((name.clone(), vec![*address])),
                },
            }
        }
        Ok(zone)
    }

    /// The zone's name.
    pub fn apex(&self) -> &Name {
        &self.apex
    }

    /// The names of its servers.
    pub fn servers(&self) -> &[Name] {
        &self.servers
    }

    /// What the name is, in any case.
    pub fn place<'p>(&'p self, name: &Name, names: &'p Names) -> Place<'p> {
        if !self.apex.zone_of(name) {
            return Place::Outside;
        }
        if let Some((_, addresses)) = self.hosts.iter().find(|(host, _)| host == name) {
            return Place::Host(addresses);
        }
        let below = name.iter().count() - self.labels;
        if below == 0 {
            return Place::Apex;
        }
        let key = key(name.iter().take(below));
        match names.values(&key) {
            Some(values) => Place::Target(values),
            None if names.is_inner(&key) || self.hosts.iter().any(|(host, _)| name.zone_of(host)) => Place::Inner,
            None => Place::Nothing,
        }
    }

    /// The records at the zone's own name. `owner` is that name as the question has it.
    pub fn own_records(&self, owner: &Name, record_type: RecordType, serial: u32) -> Vec<Record> {
        match record_type {
            RecordType::SOA => vec![self.soa(owner, serial)],
            RecordType::NS => self
                .servers
                .iter()
                .map(|server| Record::from_rdata(owner.clone(), OWN_TTL, RData::NS(NS(server.clone()))))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The addresses of the name servers that are in the zone.
    pub fn glue(&self) -> Vec<Record> {
        let records = |(host, addresses): &(Name, Vec<IpAddr>)| self.addresses(host, addresses, None);
        self.hosts.iter().flat_map(records).collect()
    }

    /// The addresses of a name server, of one type or of both.
    pub fn addresses(&self, owner: &Name, addresses: &[IpAddr], wanted: Option<RecordType>) -> Vec<Record> {
        let data = addresses.iter().map(|address| match address {
            IpAddr::V4(address) => RData::A(A(*address)),
            IpAddr::V6(address) => RData::AAAA(AAAA(*address)),
        });
        data.filter(|data| wanted.is_none_or(|wanted| data.record_type() == wanted))
            .map(|data| Record::from_rdata(owner.clone(), OWN_TTL, data))
            .collect()
    }

    /// The values of a target.
    pub fn values(&self, owner: &Name, values: &[RData]) -> Vec<Record> {
        let record = |value: &RData| Record::from_rdata(owner.clone(), self.ttl, value.clone());
        values.iter().map(record).collect()
    }

    /// The SOA record. Its TTL and its MINIMUM say how long a resolver remembers that something doesn't exist
    /// (RFC 2308 §4, §5). `name` is a name in the zone as the question has it: the same case compresses.
    pub fn soa(&self, name: &Name, serial: u32) -> Record {
        let owner = name.trim_to(self.labels);
        let primary = self.servers.first().unwrap_or(&self.apex).clone();
        // A name with a label more than the zone's may be too long.
        let contact = self
            .apex
            .prepend_label("hostmaster")
            .unwrap_or_else(|_| self.apex.clone());
        let soa = SOA::new(primary, contact, serial, REFRESH, RETRY, EXPIRE, self.ttl);
        Record::from_rdata(owner, self.ttl, RData::SOA(soa))
    }

    /// How long resolvers may remember a value, in seconds.
    pub fn ttl(&self) -> u32 {
        self.ttl
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(servers: &[&str]) -> Result<Zone, ZoneError> {
        let servers: Vec<NameServer> = servers.iter().map(|server| server.parse().unwrap()).collect();
        Zone::new("ACME.platform.example.".parse::<ZoneName>().unwrap().0, &servers, 5)
    }

    #[test]
    fn a_name_server_in_the_zone_has_an_address_and_no_other_has() {
        let whole = [
            "ns1.acme.platform.example=192.0.2.1",
            "ns1.acme.platform.example = 2001:db8::1",
            "ns.other.example",
        ];
        assert_eq!(zone(&whole).unwrap().glue().len(), 2);
        assert_eq!(zone(&whole).unwrap().servers().len(), 2);
        let missing = zone(&["NS1.acme.platform.example"]).unwrap_err();
        assert!(
            missing
                .to_string()
                .contains("write ns1.acme.platform.example=192.0.2.1"),
            "{missing}"
        );
        let superfluous = zone(&["ns.other.example=192.0.2.1"]).unwrap_err();
        assert!(
            superfluous.to_string().contains("write ns.other.example alone"),
            "{superfluous}"
        );
        for itself in ["acme.platform.example", "ACME.platform.example=192.0.2.1"] {
            let refused = zone(&[itself]).unwrap_err().to_string();
            assert!(
                refused.contains("such as ns1.acme.platform.example=192.0.2.1"),
                "{refused}"
            );
        }
    }

    #[test]
    fn what_is_no_name_or_address_is_refused() {
        for text in ["", "a..b", "ns1.example=", "ns1.example=none", "."] {
            assert!(text.parse::<NameServer>().is_err(), "{text}");
        }
        assert_eq!("Acme.Example.".parse::<ZoneName>().unwrap().to_string(), "acme.example");
    }
}
