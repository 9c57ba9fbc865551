//! What of the zone comes from PostgreSQL, ready to be answered with.

use std::collections::{HashMap, HashSet};

use hickory_proto::rr::RData;
use hickory_proto::rr::rdata::TXT;
use store::ServedName;

/// A TXT record has strings of at most 255 bytes (RFC 1035 §3.3).
const LONGEST_STRING: usize = 255;
/// RFC 1035 §2.3.4.
const LONGEST_LABEL: usize = 63;
const LONGEST_NAME: usize = 255;

/// The names below the zone and their values.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// By [`key`].
    values: HashMap<Vec<u8>, Vec<RData>>,
    inner: HashSet<Vec<u8>>,
    serial: u32,
}

/// The labels in one form: each with its length before it, in lower case.
pub(crate) fn key<'l>(labels: impl Iterator<Item = &'l [u8]>) -> Vec<u8> {
    let mut key = Vec::with_capacity(LONGEST_LABEL);
    for label in labels {
        key.push(label.len().try_into().unwrap_or(u8::MAX));
        key.extend(label.iter().map(u8::to_ascii_lowercase));
    }
    key
}

impl Names {
    /// Prepares what was read. `serial` is the zone's (RFC 1982).
    pub fn new(read: Vec<ServedName>, serial: u32) -> Self {
        let mut names = Self {
            serial,
            ..Self::default()
        };
        for ServedName { name, values } in read {
            let labels: Vec<&[u8]> = name.split('.').map(str::as_bytes).collect();
            let fits = |label: &&[u8]| (1..=LONGEST_LABEL).contains(&label.len());
            if name.len() >= LONGEST_NAME || !labels.iter().all(fits) {
                tracing::warn!(name, "a name in the database is no DNS name: it is not served");
                continue;
            }
            for above in 1..labels.len() {
                names.inner.insert(key(labels[above..].iter().copied()));
            }
            let texts = values.iter().map(|value| text(value));
            names.values.insert(key(labels.into_iter()), texts.collect());
        }
        names
    }

    /// The values at the name with this key; `None`: there is no such name.
    pub(crate) fn values(&self, key: &[u8]) -> Option<&[RData]> {
        self.values.get(key).map(Vec::as_slice)
    }

    /// Whether there are names below the one with this key.
    pub(crate) fn is_inner(&self, key: &[u8]) -> bool {
        self.inner.contains(key)
    }

    /// The zone's serial number.
    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// How many names there are.
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// How many values there are.
    pub fn count_values(&self) -> usize {
        self.values.values().map(Vec::len).sum()
    }
}

fn text(value: &str) -> RData {
    let strings: Vec<&[u8]> = value.as_bytes().chunks(LONGEST_STRING).collect();
    RData::TXT(match &strings[..] {
        // A record without any string is none.
        [] => TXT::from_bytes(vec![b""]),
        _ => TXT::from_bytes(strings),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(name: &str, value: &str) -> ServedName {
        ServedName {
            name: name.to_owned(),
            values: vec![value.to_owned()],
        }
    }

    #[test]
    fn a_value_of_any_length_is_a_record() {
        for (length, strings) in [(0, 1), (43, 1), (255, 1), (256, 2)] {
            let RData::TXT(txt) = text(&"x".repeat(length)) else {
                panic!()
            };
            assert_eq!(txt.txt_data.len(), strings, "{length}");
        }
    }

    #[test]
    fn what_is_no_name_is_left_out() {
        let long = "x".repeat(64);
        let names = ["good", "a..b", "", &long, "also.good"].map(|name| served(name, "v"));
        let names = Names::new(names.into(), 1);
        assert_eq!((names.count(), names.count_values()), (2, 2));
        assert!(names.is_inner(&key([&b"good"[..]].into_iter())));
    }
}
