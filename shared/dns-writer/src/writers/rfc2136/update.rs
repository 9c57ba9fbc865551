//! The UPDATE message (RFC 2136 §2): all changes in one, which the server applies as a whole or not at all (§3.7).

use hickory_proto::op::{Message, MessageType, OpCode, Query, UpdateMessage as _};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::names;
use crate::writer::TxtChange;

/// Maximum number of values in one message. A record has at most 521 bytes (name 255, fixed part 10, text 256), so the
/// message stays below 64 KiB.
pub(super) const MOST_VALUES: usize = 100;

/// TTL of the records. The CA's resolver may keep the values of one order this long while those of the next one at the
/// same name are already published, so it is short. It is not 0, so that the CA's several validations share one query.
const TTL_SECONDS: u32 = 30;

/// The message, unsigned. A value that is both removed and added stays.
///
/// The server's success doesn't prove that a value is there: one that is added at a name with a CNAME record is silently
/// ignored (RFC 2136 §3.4.2.2).
///
/// # Errors
/// Why there can be none.
pub(super) fn message(zone: &Name, changes: &[TxtChange]) -> Result<Message, String> {
    let values: usize = changes
        .iter()
        .map(|change| change.add.len() + change.remove.len())
        .sum();
    if values > MOST_VALUES {
        return Err(format!("{values} values do not fit into one message"));
    }
    let mut message = Message::query();
    message.metadata.message_type = MessageType::Query;
    message.metadata.op_code = OpCode::Update;
    message.metadata.recursion_desired = false;
    message.add_zone(Query::query(zone.clone(), RecordType::SOA));
    for change in changes {
        let name = names::parse(&change.name).ok_or_else(|| format!("{:?} is not a DNS name", change.name))?;
        for value in &change.remove {
            message.add_update(removed(name.clone(), value)?);
        }
        for value in &change.add {
            message.add_update(added(name.clone(), value)?);
        }
    }
    Ok(message)
}

/// "Add To An RRset" (RFC 2136 §2.5.1): no error if it is there.
fn added(name: Name, value: &str) -> Result<Record, String> {
    Ok(Record::from_rdata(name, TTL_SECONDS, text(value)?))
}

/// "Delete An RR From An RRset" (RFC 2136 §2.5.4): no error if it isn't there.
fn removed(name: Name, value: &str) -> Result<Record, String> {
    let mut record = Record::from_rdata(name, 0, text(value)?);
    record.dns_class = DNSClass::NONE;
    Ok(record)
}

/// A record with one string (RFC 1035 §3.3.14).
fn text(value: &str) -> Result<RData, String> {
    if value.len() > usize::from(u8::MAX) {
        return Err(format!(
            "a value of {} bytes is longer than a string of a TXT record",
            value.len()
        ));
    }
    Ok(RData::TXT(TXT::new(vec![value.to_owned()])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> Name {
        names::parse("acme.platform.example").unwrap()
    }

    fn largest(values: usize) -> Vec<TxtChange> {
        let label = |n: usize| format!("{n:0>63}");
        let change = |n: usize| TxtChange {
            // 253 characters, and no suffix in common that could be compressed.
            name: format!(
                "{}.{}.{}.{}",
                label(n),
                label(n + 1000),
                label(n + 2000),
                &label(n)[..61]
            ),
            add: vec!["x".repeat(255)],
            ..TxtChange::default()
        };
        (0..values).map(change).collect()
    }

    #[test]
    fn the_largest_message_fits_and_nothing_of_it_is_cut_off() {
        let bytes = message(&zone(), &largest(MOST_VALUES)).unwrap().to_vec().unwrap();
        assert!(bytes.len() < 60_000, "{}", bytes.len());
        let read = Message::from_vec(&bytes).unwrap();
        assert_eq!((read.updates().len(), read.metadata.truncation), (MOST_VALUES, false));
        assert!(message(&zone(), &largest(MOST_VALUES + 1)).is_err());
    }

    #[test]
    fn what_is_no_record_is_refused_before_it_is_sent() {
        for (name, value) in [("a..b", "x".to_owned()), ("a.example", "x".repeat(256))] {
            let change = TxtChange {
                name: name.to_owned(),
                remove: vec![value],
                ..TxtChange::default()
            };
            assert!(message(&zone(), &[change]).is_err());
        }
    }
}
