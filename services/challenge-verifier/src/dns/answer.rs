//! The interpretation of a response (RFC 1034 §4.3, RFC 2308). Pure.

use std::net::IpAddr;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{CNAME, NS};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use super::chain::MOST_ALIASES;
use super::reason;
use super::zone::MOST_SERVERS;

/// A server's response.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    /// Records of the type asked for, at the name asked for or at the last of its `aliases`.
    Records { aliases: Vec<Name>, data: Vec<RData> },
    /// The name is an alias; its target has to be queried separately.
    Aliases(Vec<Name>),
    /// A delegation: another zone begins between the queried one and the name.
    Referral {
        zone: Name,
        servers: Vec<Name>,
        glue: Vec<(Name, IpAddr)>,
    },
    /// The name doesn't exist.
    NoSuchName,
    /// The name exists, the type doesn't.
    NoRecord,
}

/// A response that says nothing about the name.
#[derive(Debug, PartialEq)]
pub(super) enum Unusable {
    Code {
        code: String,
        /// The server's own explanation.
        why: Option<String>,
    },
    Lame,
    /// It answers for this zone, which is above the queried one.
    OtherZone(Name),
}

/// The response code of a resolver that finds no answer, or one that it must not return.
pub(super) const SERVFAIL: &str = "SERVFAIL";

/// A resolver's response: it has followed the aliases already.
pub(super) fn of_resolver(message: &Message, name: &Name, kind: RecordType) -> Result<Reply, Unusable> {
    let no_such_name = no_such_name(message)?;
    let mut aliases: Vec<Name> = Vec::new();
    loop {
        let owner = aliases.last().unwrap_or(name);
        let data = data_at(message, owner, kind);
        if !data.is_empty() {
            return Ok(Reply::Records { aliases, data });
        }
        match alias_at(message, owner) {
            Some(target) if target == name || aliases.contains(target) => {
                aliases.push(target.clone());
                return Ok(Reply::Aliases(aliases));
            }
            Some(target) => {
                aliases.push(target.clone());
                // Already over the limit: a response with thousands of aliases must not keep a thread busy.
                if aliases.len() > MOST_ALIASES {
                    return Ok(Reply::Aliases(aliases));
                }
            }
            None if !aliases.is_empty() => return Ok(Reply::Aliases(aliases)),
            None if no_such_name => return Ok(Reply::NoSuchName),
            None => return Ok(Reply::NoRecord),
        }
    }
}

/// The response of a server of the zone `apex`: only records of that zone count, and an alias's target is queried
/// separately.
pub(super) fn of_authority(message: &Message, name: &Name, kind: RecordType, apex: &Name) -> Result<Reply, Unusable> {
    let no_such_name = no_such_name(message)?;
    if !message.metadata.authoritative {
        return referral(message, name, apex).ok_or(Unusable::Lame);
    }
    let data = data_at(message, name, kind);
    if !data.is_empty() {
        return Ok(Reply::Records {
            aliases: Vec::new(),
            data,
        });
    }
    if let Some(target) = alias_at(message, name) {
        return Ok(Reply::Aliases(vec![target.clone()]));
    }
    if let Some(other) = zone_above(message, apex) {
        return Err(Unusable::OtherZone(other.clone()));
    }
    Ok(if no_such_name {
        Reply::NoSuchName
    } else {
        Reply::NoRecord
    })
}

/// The zone that issued a denial (its SOA record, RFC 2308 §2), when it is above `apex`.
fn zone_above<'a>(message: &'a Message, apex: &Name) -> Option<&'a Name> {
    let soa = message
        .authorities
        .iter()
        .find(|record| record.record_type() == RecordType::SOA)?;
    (&soa.name != apex && soa.name.zone_of(apex)).then_some(&soa.name)
}

fn no_such_name(message: &Message) -> Result<bool, Unusable> {
    match message.metadata.response_code {
        ResponseCode::NoError => Ok(false),
        ResponseCode::NXDomain => Ok(true),
        other => Err(Unusable::Code {
            code: code(other),
            why: reason::of(message),
        }),
    }
}

fn code(code: ResponseCode) -> String {
    match code {
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::ServFail => SERVFAIL.to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        ResponseCode::NotAuth => "NOTAUTH".to_owned(),
        other => format!("RCODE {}", u16::from(other)),
    }
}

fn data_at(message: &Message, owner: &Name, kind: RecordType) -> Vec<RData> {
    at(&message.answers, owner)
        .filter(|record| record.record_type() == kind)
        .map(|record| record.data.clone())
        .collect()
}

fn alias_at<'a>(message: &'a Message, owner: &Name) -> Option<&'a Name> {
    message.answers.iter().find_map(|record| match &record.data {
        RData::CNAME(CNAME(target)) if &record.name == owner => Some(target),
        _ => None,
    })
}

/// A delegation downwards, towards the name; one sideways or upwards comes from a server that doesn't know the zone.
fn referral(message: &Message, name: &Name, apex: &Name) -> Option<Reply> {
    let zone = message.authorities.iter().find(|record| {
        let owner = &record.name;
        matches!(record.data, RData::NS(_)) && owner != apex && apex.zone_of(owner) && owner.zone_of(name)
    })?;
    let zone = zone.name.clone();
    let servers: Vec<Name> = at(&message.authorities, &zone)
        .filter_map(|record| match &record.data {
            RData::NS(NS(server)) => Some(server.clone()),
            _ => None,
        })
        .take(MOST_SERVERS)
        .collect();
    // Glue addresses count only for servers inside the queried zone; any other name is looked up as usual.
    let glue = message
        .additionals
        .iter()
        .filter(|record| servers.contains(&record.name) && apex.zone_of(&record.name))
        .filter_map(|record| Some((record.name.clone(), record.data.ip_addr()?)))
        .collect();
    Some(Reply::Referral { zone, servers, glue })
}

fn at<'a>(section: &'a [Record], owner: &'a Name) -> impl Iterator<Item = &'a Record> {
    section.iter().filter(move |record| &record.name == owner)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use hickory_resolver::proto::rr::rdata::A;

    use super::*;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    /// Found by measurement: 15 s in a debug build. As many records as fit into 64 KiB must not keep a thread busy:
    /// anyone may be the sender.
    #[test]
    fn an_answer_full_of_records_is_read_quickly() {
        let begun = Instant::now();
        let mut message = Message::query();
        for n in 0..4000 {
            let data = RData::CNAME(CNAME(name(&format!("n{}.", n + 1))));
            message.add_answer(Record::from_rdata(name(&format!("n{n}.")), 60, data));
        }
        let reply = of_resolver(&message, &name("n0."), RecordType::TXT).unwrap();
        assert!(matches!(reply, Reply::Aliases(aliases) if aliases.len() < 100));

        let mut message = Message::query();
        for n in 0..2000 {
            let server = name(&format!("n{n}.test."));
            message.add_authority(Record::from_rdata(
                name("example.test."),
                60,
                RData::NS(NS(server.clone())),
            ));
            message.add_additional(Record::from_rdata(server, 60, RData::A(A([127, 0, 0, 1].into()))));
        }
        let reply = of_authority(&message, &name("www.example.test."), RecordType::TXT, &name("test.")).unwrap();
        assert!(matches!(reply, Reply::Referral { servers, .. } if servers.len() < 100));
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}
