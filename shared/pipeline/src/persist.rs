//! The standing record at `_validation-persist.<domain>`: what it says, and whether it is the one the CA needs.
//!
//! draft-ietf-acme-dns-persist §4; the record is an `issue-value` of RFC 8659 §4.2. Where Let's Encrypt's verifier
//! (boulder, `va/dns_persist.go`) is more lenient than the grammar, this stays strict: a record that passes here passes
//! there, and the other way round the user is told what to mend before the CA is asked.

use time::OffsetDateTime;

use crate::domain::persist_record_value;
use crate::shown;

mod record;

pub use record::{Malformed, Record, Syntax};

/// What a record at `_validation-persist.<domain>` has to say (draft-ietf-acme-dns-persist).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersistExpected {
    /// The challenge's `issuer-domain-names`; any one of them in the record will do.
    pub issuer_domains: Vec<String>,
    /// The tenant's account, compared character by character (RFC 3986 §6.2.1).
    pub account_uri: String,
    /// The certificate is for `*.<domain>`, so the record needs `policy=wildcard`.
    pub wildcard: bool,
}

/// Why the records at the name are not the one that the CA needs; the later, the nearer to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mismatch {
    /// There is something that can't be read, and it is not for our CA.
    Unreadable(String),
    /// A record for another CA.
    OtherIssuer(String),
    /// A record for our CA that trusts another account.
    OtherAccount(String),
    /// A record for our CA that breaks the grammar.
    Malformed(String),
    /// The right account, but the certificate is for a wildcard and the record doesn't allow that.
    NoWildcard,
    /// The right account, but the record's own end has passed.
    Expired(i64),
}

impl Mismatch {
    /// What was seen and what was expected, as the rest of a sentence that begins with the record's name.
    pub fn explain(&self, expected: &PersistExpected) -> String {
        match self {
            Self::Unreadable(why) => {
                format!("can't be read ({why}), expected {}", wanted(expected))
            }
            Self::Malformed(why) => format!("is malformed ({why}), expected {}", wanted(expected)),
            Self::OtherIssuer(issuer) => {
                format!(
                    "is for another CA ({}), expected {}",
                    shown::plain(issuer.as_bytes()),
                    wanted(expected)
                )
            }
            Self::OtherAccount(account) => format!(
                "trusts another account ({}), expected {}",
                shown::plain(account.as_bytes()),
                expected.account_uri
            ),
            Self::NoWildcard => format!("lacks policy=wildcard, expected {}", wanted(expected)),
            Self::Expired(until) => {
                format!("has ended: its persistUntil {} has passed", moment(*until))
            }
        }
    }
}

/// Looks through the texts of all TXT records at the name: one that matches wins, otherwise the nearest miss is told.
///
/// `None` when there is no record at all.
pub fn judge<T: AsRef<[u8]>>(
    texts: &[T],
    expected: &PersistExpected,
    now: OffsetDateTime,
) -> Option<Result<(), Mismatch>> {
    let mut nearest = None;
    for text in texts {
        match judge_one(text.as_ref(), expected, now) {
            Ok(()) => return Some(Ok(())),
            Err(mismatch) => nearest = nearest.max(Some(mismatch)),
        }
    }
    nearest.map(Err)
}

fn judge_one(text: &[u8], expected: &PersistExpected, now: OffsetDateTime) -> Result<(), Mismatch> {
    let ours = |issuer: &str| {
        expected
            .issuer_domains
            .iter()
            .any(|domain| domain.eq_ignore_ascii_case(issuer))
    };
    let record = match Record::parse(text) {
        Ok(record) => record,
        Err(Malformed { issuer, syntax }) => {
            let why = syntax.to_string();
            return Err(match issuer {
                Some(issuer) if ours(issuer) => Mismatch::Malformed(why),
                Some(issuer) => Mismatch::OtherIssuer(issuer.to_owned()),
                None => Mismatch::Unreadable(why),
            });
        }
    };
    if !ours(record.issuer) {
        return Err(Mismatch::OtherIssuer(record.issuer.to_owned()));
    }
    if record.account_uri != expected.account_uri {
        return Err(Mismatch::OtherAccount(record.account_uri.to_owned()));
    }
    if expected.wildcard && !record.wildcard {
        return Err(Mismatch::NoWildcard);
    }
    match record.until {
        Some(until) if now.unix_timestamp() > until => Err(Mismatch::Expired(until)),
        _ => Ok(()),
    }
}

/// The record to set, as the user would type it.
fn wanted(expected: &PersistExpected) -> String {
    let issuer = expected.issuer_domains.first().map_or("", String::as_str);
    let value = persist_record_value(issuer, &expected.account_uri, expected.wildcard);
    format!("\"{value}\"")
}

fn moment(unix: i64) -> String {
    OffsetDateTime::from_unix_timestamp(unix)
        .ok()
        .and_then(|moment| moment.format(&time::format_description::well_known::Rfc3339).ok())
        .unwrap_or_else(|| unix.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-08-01 12:00 UTC);
    const ACCOUNT: &str = "https://ca.example/acct/1";

    fn expected(wildcard: bool) -> PersistExpected {
        PersistExpected {
            issuer_domains: vec!["ca.example".into(), "alias.example".into()],
            account_uri: ACCOUNT.into(),
            wildcard,
        }
    }

    fn one(text: &str) -> Result<(), Mismatch> {
        judge(&[text], &expected(false), NOW).unwrap()
    }

    #[test]
    fn records_that_match() {
        for text in [
            "ca.example; accounturi=https://ca.example/acct/1",
            "ca.example;accounturi=https://ca.example/acct/1",
            " \tCA.Example ;\t AccountURI = https://ca.example/acct/1 \t",
            "alias.example; accounturi=https://ca.example/acct/1",
            "ca.example; accounturi=https://ca.example/acct/1; policy=wildcard",
            "ca.example; policy=something-else; accounturi=https://ca.example/acct/1",
            "ca.example; x-y=; accounturi=https://ca.example/acct/1; later=a=b",
            "ca.example; accounturi=https://ca.example/acct/1; persistUntil=1785585600",
            "ca.example; accounturi=https://ca.example/acct/1; PERSISTUNTIL=99999999999",
        ] {
            assert_eq!(one(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn records_that_do_not() {
        let account = |uri: &str| Err(Mismatch::OtherAccount(uri.into()));
        assert_eq!(
            one("ca.example; accounturi=https://ca.example/acct/9"),
            account("https://ca.example/acct/9")
        );
        assert_eq!(
            one("ca.example; accounturi=https://CA.example/acct/1"),
            account("https://CA.example/acct/1")
        );
        assert_eq!(
            one(&format!("other.example; accounturi={ACCOUNT}")),
            Err(Mismatch::OtherIssuer("other.example".into()))
        );
        assert_eq!(
            one("other.example; ;"),
            Err(Mismatch::OtherIssuer("other.example".into()))
        );
        let passed = format!("ca.example; accounturi={ACCOUNT}; persistUntil=1785585599");
        assert_eq!(one(&passed), Err(Mismatch::Expired(1_785_585_599)));
        assert!(matches!(
            one(&format!("ca.example; accounturi={ACCOUNT};")),
            Err(Mismatch::Malformed(_))
        ));
        assert!(matches!(one("v=spf1 -all"), Err(Mismatch::Unreadable(_))));
        assert_eq!(judge::<&str>(&[], &expected(false), NOW), None);
    }

    #[test]
    fn a_wildcard_needs_its_policy() {
        let plain = format!("ca.example; accounturi={ACCOUNT}");
        let judged = |text: String| judge(&[text], &expected(true), NOW).unwrap();
        assert_eq!(judged(plain.clone()), Err(Mismatch::NoWildcard));
        assert_eq!(judged(format!("{plain}; policy=none")), Err(Mismatch::NoWildcard));
        assert_eq!(judged(format!("{plain}; policy=WildCard")), Ok(()));
    }

    #[test]
    fn any_match_wins_and_otherwise_the_nearest_is_told() {
        let good = format!("ca.example; accounturi={ACCOUNT}");
        let ended = format!("{good}; persistUntil=1");
        let other = "ca.example; accounturi=https://ca.example/acct/9";
        let foreign = "other.example; accounturi=x";
        assert_eq!(
            judge(&["\u{1}", foreign, other, &ended, &good], &expected(false), NOW),
            Some(Ok(()))
        );
        assert_eq!(
            judge(&[&ended, other, foreign], &expected(false), NOW),
            Some(Err(Mismatch::Expired(1)))
        );
        assert_eq!(
            judge(&[foreign, other, "junk junk"], &expected(false), NOW),
            Some(Err(Mismatch::OtherAccount("https://ca.example/acct/9".into())))
        );
    }

    #[test]
    fn the_user_reads_what_was_seen_and_what_was_expected() {
        let explained = |text: &str| one(text).unwrap_err().explain(&expected(false));
        assert_eq!(
            explained("ca.example; accounturi=https://ca.example/acct/9"),
            "trusts another account (https://ca.example/acct/9), expected https://ca.example/acct/1"
        );
        assert_eq!(
            explained(&format!("ca.example; accounturi={ACCOUNT}; persistUntil=1767225600")),
            "has ended: its persistUntil 2026-01-01T00:00:00Z has passed"
        );
        assert_eq!(
            explained("other.example; accounturi=x"),
            "is for another CA (other.example), expected \"ca.example; accounturi=https://ca.example/acct/1\""
        );
        assert_eq!(
            explained(&format!("ca.example; accounturi={ACCOUNT};")),
            "is malformed (a parameter is empty: does it end with a semicolon?), expected \"ca.example; \
             accounturi=https://ca.example/acct/1\""
        );
    }
}
