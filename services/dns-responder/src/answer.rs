//! What a question is answered with. Pure.

use hickory_proto::op::{Query, ResponseCode};
use hickory_proto::rr::rdata::HINFO;
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use crate::board::{Freshness, Live};
use crate::zone::{Place, Zone};

/// The class of an answer, for rate limiting and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Values for a CA.
    Value,
    /// Records of the zone itself: SOA, NS, addresses of name servers, HINFO.
    Zone,
    /// The name exists, a record of this type doesn't; or the question was for a DNS cookie alone.
    NoData,
    /// The name doesn't exist.
    NoName,
    /// Not ours, or not for everybody.
    Refused,
    /// The question can't be understood, or asks for something that nobody has to have.
    Malformed,
    /// What is known is not enough for an answer.
    Failed,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 7] = [
        Self::Value,
        Self::Zone,
        Self::NoData,
        Self::NoName,
        Self::Refused,
        Self::Malformed,
        Self::Failed,
    ];

    /// Its name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Zone => "zone",
            Self::NoData => "no-data",
            Self::NoName => "no-name",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
            Self::Failed => "failed",
        }
    }
}

/// An answer before it is put into a message.
#[derive(Debug, PartialEq)]
pub struct Answer {
    /// Its class.
    pub class: Class,
    /// RCODE.
    pub code: ResponseCode,
    /// The AA bit.
    pub authoritative: bool,
    /// The answer section.
    pub answers: Vec<Record>,
    /// The authority section.
    pub authorities: Vec<Record>,
    /// The additional section, without OPT.
    pub additionals: Vec<Record>,
}

impl Answer {
    /// An answer without records.
    pub fn bare(class: Class, code: ResponseCode) -> Self {
        Self {
            class,
            code,
            authoritative: false,
            answers: Vec::new(),
            authorities: Vec::new(),
            additionals: Vec::new(),
        }
    }

    fn refused() -> Self {
        Self::bare(Class::Refused, ResponseCode::Refused)
    }

    fn with(class: Class, answers: Vec<Record>) -> Self {
        Self {
            authoritative: true,
            answers,
            ..Self::bare(class, ResponseCode::NoError)
        }
    }
}

/// Answers the question. The owner of each record has the question's own spelling, since resolvers randomize its case
/// (draft-vixie-dnsext-dns0x20) and equal spellings compress.
pub fn answer(zone: &Zone, live: &Live, query: &Query) -> Answer {
    // Transfers would show every tenant's target (RFC 5936 §5).
    let is_transfer = matches!(query.query_type(), RecordType::AXFR | RecordType::IXFR);
    if query.query_class() != DNSClass::IN || is_transfer {
        return Answer::refused();
    }
    let name = query.name();
    let serial = live.names.serial();
    let place = zone.place(name, &live.names);
    if matches!(place, Place::Outside) {
        return Answer::refused();
    }
    if live.freshness == Freshness::Unread {
        return Answer::bare(Class::Failed, ResponseCode::ServFail);
    }
    let class = match place {
        Place::Target(_) => Class::Value,
        _ => Class::Zone,
    };
    let records = match query.query_type() {
        RecordType::ANY if has_records(&place) => vec![no_any(zone, name)],
        wanted => records(zone, name, &place, wanted, serial),
    };
    if !records.is_empty() {
        let glue = match query.query_type() {
            RecordType::NS => zone.glue(),
            _ => Vec::new(),
        };
        return Answer {
            additionals: glue,
            ..Answer::with(class, records)
        };
    }
    if live.freshness == Freshness::Old && could_exist(&place, query.query_type()) {
        return Answer::bare(Class::Failed, ResponseCode::ServFail);
    }
    negative(zone, name, &place, serial)
}

/// Without records: the SOA record says for how long (RFC 2308 §3; Unbound takes an answer without it for a failure).
fn negative(zone: &Zone, name: &Name, place: &Place<'_>, serial: u32) -> Answer {
    let (class, code) = match place {
        Place::Nothing => (Class::NoName, ResponseCode::NXDomain),
        _ => (Class::NoData, ResponseCode::NoError),
    };
    Answer {
        class,
        code,
        authorities: vec![zone.soa(name, serial)],
        ..Answer::with(class, Vec::new())
    }
}

fn records(zone: &Zone, name: &Name, place: &Place<'_>, wanted: RecordType, serial: u32) -> Vec<Record> {
    match place {
        Place::Apex => zone.own_records(name, wanted, serial),
        Place::Host(addresses) => zone.addresses(name, addresses, Some(wanted)),
        Place::Target(values) if wanted == RecordType::TXT => zone.values(name, values),
        Place::Target(_) | Place::Inner | Place::Nothing | Place::Outside => Vec::new(),
    }
}

fn has_records(place: &Place<'_>) -> bool {
    match place {
        Place::Apex | Place::Host(_) => true,
        Place::Target(values) => !values.is_empty(),
        Place::Inner | Place::Nothing | Place::Outside => false,
    }
}

/// The short answer to ANY (RFC 8482 §4.2).
fn no_any(zone: &Zone, name: &Name) -> Record {
    let data = HINFO::new("RFC8482".to_owned(), String::new());
    Record::from_rdata(name.clone(), zone.ttl(), RData::HINFO(data))
}

/// Whether PostgreSQL may have by now what is not in memory. Resolvers then ask another of the zone's servers, which they
/// don't do after being told that there is nothing.
fn could_exist(place: &Place<'_>, wanted: RecordType) -> bool {
    match place {
        Place::Nothing => true,
        Place::Target(_) | Place::Inner => matches!(wanted, RecordType::TXT | RecordType::ANY),
        Place::Apex | Place::Host(_) | Place::Outside => false,
    }
}
