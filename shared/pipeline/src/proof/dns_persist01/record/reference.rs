//! A second parser of the record, based on the reference parser of its grammar, to compare with (docs/fuzzing.md).

use proptest::prelude::*;

use super::*;
use crate::issue_value::reference::{issue_value, text};

/// draft-ietf-acme-dns-persist §4: the record's content, if it is valid.
fn reference(text: &[u8]) -> Option<(String, String, bool, Option<i64>)> {
    let (issuer, parameters) = issue_value(text).filter(|(issuer, _)| !issuer.is_empty())?;
    let all = |tag: &str| -> Vec<&str> {
        let same = parameters.iter().filter(|(known, _)| known == tag);
        same.map(|(_, value)| value.as_str()).collect()
    };
    if parameters.iter().any(|(tag, _)| all(tag).len() > 1) {
        return None;
    }
    let until = match all("persistuntil").first() {
        None => None,
        Some(digits) => Some(
            digits
                .parse()
                .ok()
                .filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))?,
        ),
    };
    let account = all("accounturi").into_iter().find(|account| !account.is_empty())?;
    let wildcard = all("policy")
        .iter()
        .any(|policy| policy.eq_ignore_ascii_case("wildcard"));
    Some((issuer, account.to_string(), wildcard, until))
}

proptest! {
    #[test]
    fn a_record_is_what_the_grammar_says(text in text()) {
        let read = Record::parse(&text);
        let ours = read.as_ref().ok().map(|record| {
            (record.issuer.to_string(), record.account_uri.to_string(), record.wildcard, record.until)
        });
        prop_assert_eq!(ours, reference(&text), "{:?}", String::from_utf8_lossy(&text));
        if let Err(malformed) = read {
            let why = malformed.syntax.to_string();
            prop_assert!(why.len() < 400 && !why.contains(char::is_control), "{:?}", why);
        }
    }

    #[test]
    fn foreign_bytes_are_shown_short_and_harmless(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        for shown in [shown::plain(&bytes), shown::quoted(&bytes)] {
            prop_assert!(shown.chars().count() <= 103, "{}", shown);
            prop_assert!(shown.chars().all(|c| matches!(c, ' '..='~' | '…')), "{:?}", shown);
        }
    }
}
