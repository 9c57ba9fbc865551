//! The zone transfer (AXFR, RFC 5936), of which only the TXT records below the delegation zone are kept.
//!
//! Every message must be signed, as RFC 8945 §5.3.1 demands of servers. It lets clients accept up to 99 unsigned messages between
//! two signed ones, from older servers, which hickory's verifier can't; BIND and Knot sign each.

use std::collections::BTreeMap;

use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use pipeline::reason::DnsWriteProblem;

use super::exchange::Exchange;
use super::{Writer, names};
use crate::writer::TxtSet;

/// Maximum size of a zone: some hundred thousand records.
const MOST_BYTES: usize = 64 << 20;

/// The TXT records below the delegation zone.
pub(super) async fn texts(writer: &Writer) -> Result<Vec<TxtSet>, DnsWriteProblem> {
    let mut query = Message::query();
    query.metadata.recursion_desired = false;
    query.add_query(Query::query(writer.zone.clone(), RecordType::AXFR));
    let mut exchange = Exchange::begin(writer, query).await?;
    let mut transfer = Transfer::of(writer.below.clone());
    while !transfer.is_complete() {
        let message = exchange.next().await?;
        transfer.take(message.answers).map_err(|why| writer.failed(why))?;
        if exchange.received() > MOST_BYTES {
            return Err(writer.failed("the zone is larger than 64 MiB"));
        }
    }
    Ok(transfer.sets())
}

/// A transfer in progress: it begins and ends with the zone's SOA record (RFC 5936 §2.2).
struct Transfer {
    below: Name,
    soas: usize,
    found: BTreeMap<String, Vec<String>>,
}

impl Transfer {
    fn of(below: Name) -> Self {
        Self {
            below,
            soas: 0,
            found: BTreeMap::new(),
        }
    }

    fn is_complete(&self) -> bool {
        self.soas == 2
    }

    /// Takes the records of one message.
    fn take(&mut self, records: Vec<Record>) -> Result<(), &'static str> {
        if records.is_empty() {
            return Err("the transfer has an empty message");
        }
        for record in records {
            match record.data {
                RData::SOA(_) => self.soas += 1,
                _ if self.soas == 0 => return Err("the transfer does not begin with the zone's SOA record"),
                RData::TXT(text) => self.keep(&record.name, &text.txt_data),
                _ => {}
            }
            if self.is_complete() {
                break;
            }
        }
        Ok(())
    }

    /// Keeps a value that the broker may have written: one string of ASCII, below the zone.
    fn keep(&mut self, name: &Name, strings: &[Box<[u8]>]) {
        let [value] = strings else { return };
        if *name == self.below || !self.below.zone_of(name) || !value.is_ascii() {
            return;
        }
        if let Ok(value) = String::from_utf8(value.to_vec()) {
            self.found.entry(names::text(name)).or_default().push(value);
        }
    }

    fn sets(self) -> Vec<TxtSet> {
        let set = |(name, values)| TxtSet { name, values };
        self.found.into_iter().map(set).collect()
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::rr::rdata::{A, SOA, TXT};

    use super::*;

    fn record(name: &str, data: RData) -> Record {
        Record::from_rdata(names::parse(name).unwrap(), 30, data)
    }

    fn text(name: &str, strings: &[&str]) -> Record {
        let strings = strings.iter().map(|&text| text.to_owned()).collect();
        record(name, RData::TXT(TXT::new(strings)))
    }

    fn soa() -> Record {
        let name = names::parse("platform.example").unwrap();
        let soa = SOA::new(name.clone(), name, 1, 60, 60, 60, 5);
        record("platform.example", RData::SOA(soa))
    }

    fn transfer() -> Transfer {
        Transfer::of(names::parse("acme.platform.example").unwrap())
    }

    #[test]
    fn only_what_the_broker_may_have_written_is_kept() {
        let mut transfer = transfer();
        let first = vec![
            soa(),
            text("acme.platform.example", &["at the apex"]),
            text("www.platform.example", &["above"]),
            text("xacme.platform.example", &["beside"]),
            text("two.acme.platform.example", &["of two", "strings"]),
            record("a.acme.platform.example", RData::A(A([127, 0, 0, 1].into()))),
        ];
        transfer.take(first).unwrap();
        assert!(!transfer.is_complete());
        let second = vec![
            text("B.acme.Platform.example", &["1"]),
            text("b.acme.platform.example", &["2"]),
            soa(),
            text("late.acme.platform.example", &["after the end"]),
        ];
        transfer.take(second).unwrap();
        assert!(transfer.is_complete());
        let set = TxtSet {
            name: "b.acme.platform.example".to_owned(),
            values: vec!["1".to_owned(), "2".to_owned()],
        };
        assert_eq!(transfer.sets(), [set]);
    }

    #[test]
    fn what_is_no_transfer_is_an_error() {
        assert!(transfer().take(vec![]).is_err());
        assert!(
            transfer()
                .take(vec![text("b.acme.platform.example", &["1"]), soa()])
                .is_err()
        );
    }
}
