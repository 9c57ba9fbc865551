//! Extended DNS errors (RFC 8914): a server's own explanation of why it gives no answer. Pure.

use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::rdata::opt::{EdnsCode, EdnsOption};

use crate::shown;

/// The option's code (RFC 8914 §2).
const EXTENDED_ERROR: u16 = 15;

/// The first explanation in the message.
pub(super) fn of(message: &Message) -> Option<String> {
    let edns = message.edns.as_ref()?;
    match edns.option(EdnsCode::from(EXTENDED_ERROR))? {
        EdnsOption::Unknown(_, data) => read(data),
        _ => None,
    }
}

/// INFO-CODE and EXTRA-TEXT (RFC 8914 §2).
fn read(data: &[u8]) -> Option<String> {
    let (code, text) = data.split_first_chunk()?;
    let meaning = meaning(u16::from_be_bytes(*code));
    let text = shown::plain(text.trim_ascii());
    Some(match text.is_empty() {
        true => meaning,
        false => format!("{meaning}: {text}"),
    })
}

/// The names of RFC 8914 §5.2.
fn meaning(code: u16) -> String {
    let name = match code {
        0 => "Other Error",
        1 => "Unsupported DNSKEY Algorithm",
        2 => "Unsupported DS Digest Type",
        3 => "Stale Answer",
        4 => "Forged Answer",
        5 => "DNSSEC Indeterminate",
        6 => "DNSSEC Bogus",
        7 => "Signature Expired",
        8 => "Signature Not Yet Valid",
        9 => "DNSKEY Missing",
        10 => "RRSIGs Missing",
        11 => "No Zone Key Bit Set",
        12 => "NSEC Missing",
        13 => "Cached Error",
        14 => "Not Ready",
        15 => "Blocked",
        16 => "Censored",
        17 => "Filtered",
        18 => "Prohibited",
        19 => "Stale NXDOMAIN Answer",
        20 => "Not Authoritative",
        21 => "Not Supported",
        22 => "No Reachable Authority",
        23 => "Network Error",
        24 => "Invalid Data",
        _ => return format!("extended error {code}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_names_and_texts_are_harmless() {
        assert_eq!(read(&[0, 9]), Some("DNSKEY Missing".into()));
        assert_eq!(read(b"\0\x06key 1\x1b"), Some("DNSSEC Bogus: key 1\\x1b".into()));
        assert_eq!(read(&[1, 0]), Some("extended error 256".into()));
        assert_eq!(read(&[0]), None);
        let long = [&[0, 6][..], &[b'x'; 5000]].concat();
        assert!(read(&long).is_some_and(|text| text.len() < 200));
    }
}
