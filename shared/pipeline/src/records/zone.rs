//! A zone file, to be included in a zone: all names are absolute.

use super::strings::{decimal, name, quoted};
use super::{Data, RecordSet, TTL};

pub(super) fn write(records: &[RecordSet]) -> String {
    let mut file = "; What proves the domains of a cdn-broker service. Include it in your zone.\n".to_owned();
    for record in records {
        let owner = name(&record.name, decimal);
        match &record.data {
            Data::Txt(values) => {
                for value in values {
                    file.push_str(&format!("{owner}. {TTL} IN TXT {}\n", quoted(value, decimal)));
                }
            }
            Data::Cname(target) => {
                file.push_str(&format!("{owner}. {TTL} IN CNAME {}.\n", name(target, decimal)));
            }
        }
    }
    file
}
