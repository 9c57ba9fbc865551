//! The standing record at `_validation-persist.<domain>`: its content, and whether it is the one the CA needs.
//!
//! draft-ietf-acme-dns-persist §4.1; the record is an `issue-value` of RFC 8659 §4.2. CAs read it differently: Let's
//! Encrypt's verifier (boulder 2d00c8e2, `va/dns_persist.go`) converts the CA's domain to lower case and drops a
//! trailing dot, Pebble (b1e1ca4f, `va/va.go`) compares it unchanged. A record counts as in place only if all of them
//! accept it, so that no CA rejects a record that was reported as in place; for a record that only some of them accept,
//! the user is told what to write instead. `tests/e2e/tests/main/persist_conformance.rs` tests this with Pebble.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::account_uris::AccountUris;
use super::record::{self, Malformed, Record};
use crate::shown;

/// A record that ends sooner than this may have ended when the CA validates it or issues (draft -02 §4.1, §9.4: the CA
/// must not rely on it after its end, and clients should warn).
const LEAST_LEFT: Duration = Duration::hours(1);
/// The end of the year 9999: a later time can't be written in RFC 3339 format, as an authorization's `expires` has to
/// be, and Go's `time.Unix` overflows some way beyond it.
const LATEST_END: i64 = 253_402_300_799;

/// The required content of a record at `_validation-persist.<domain>` (draft-ietf-acme-dns-persist).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersistExpected {
    /// The challenge's issuer domain names, as the CA writes them; any one of them in the record suffices.
    pub issuer_domains: Vec<String>,
    /// The accepted values of `accounturi`, compared character by character (RFC 3986 §6.2.1).
    pub account_uri: AccountUris,
    /// The certificate is for `*.<domain>`, so the record needs `policy=wildcard`.
    pub wildcard: bool,
}

/// Why the records at the name are not the one that the CA needs; a later variant is closer to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mismatch {
    /// It can't be parsed, and is not for this CA.
    Unreadable(String),
    /// A record for another CA.
    OtherIssuer(String),
    /// A record for this CA that trusts another account.
    OtherAccount(String),
    /// A record for this CA that violates the grammar.
    Malformed(String),
    /// The right account, but the certificate is for a wildcard and the record doesn't allow that.
    NoWildcard,
    /// The right account, but the record's own end has passed.
    Expired(i64),
    /// The right account, but the record's own end is too near.
    EndsSoon(i64),
    /// The content is right, but in a form that some CAs accept and others refuse.
    Risky(Risk),
}

/// Forms that CAs judge differently, in the user's words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Risk {
    /// Boulder converts it to lower case first (draft §9.2), Pebble compares it unchanged.
    #[error("the CA's domain is written {0}, and not every CA accepts capitals")]
    Capitals(String),
    /// Boulder drops the dot first (draft §9.2), Pebble compares the name unchanged, and the grammar doesn't allow it.
    #[error("the CA's domain is written {0}, and not every CA accepts a dot at its end")]
    Dot(String),
    /// Boulder and Pebble get the text from a DNS library that writes a tab as `\009`, which is no white space to them.
    #[error("there is a tab in it, and not every CA treats that as a blank")]
    Tab,
    /// See [`LATEST_END`].
    #[error("its persistUntil {0} is beyond the year 9999, which not every CA can read")]
    FarEnd(i64),
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
            Self::EndsSoon(until) => format!(
                "ends too soon: its persistUntil is {}; leave persistUntil out, or set it an hour ahead at least",
                moment(*until)
            ),
            Self::Risky(risk) => format!("may be refused by the CA ({risk}): write {} instead", wanted(expected)),
        }
    }
}

/// Examines the texts of all TXT records at the name: one that matches wins, otherwise the nearest miss is reported.
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
    let record = match Record::parse(text) {
        Ok(record) => record,
        Err(malformed) => return Err(unread(text, &malformed, expected)),
    };
    if !expected.means(record.issuer) {
        return Err(Mismatch::OtherIssuer(record.issuer.to_owned()));
    }
    if !expected.account_uri.contains(record.account_uri) {
        return Err(Mismatch::OtherAccount(record.account_uri.to_owned()));
    }
    if expected.wildcard && !record.wildcard {
        return Err(Mismatch::NoWildcard);
    }
    match record.until {
        Some(until) if now.unix_timestamp() > until => Err(Mismatch::Expired(until)),
        Some(until) if (now + LEAST_LEFT).unix_timestamp() > until => Err(Mismatch::EndsSoon(until)),
        _ => risk(text, &record, expected).map_or(Ok(()), |risk| Err(Mismatch::Risky(risk))),
    }
}

/// The risk of a record whose content is right.
fn risk(text: &[u8], record: &Record<'_>, expected: &PersistExpected) -> Option<Risk> {
    if !expected.issuer_domains.iter().any(|domain| domain == record.issuer) {
        return Some(Risk::Capitals(shown::quoted(record.issuer.as_bytes())));
    }
    if text.contains(&b'\t') {
        return Some(Risk::Tab);
    }
    record.until.filter(|until| *until > LATEST_END).map(Risk::FarEnd)
}

/// Classifies a text that is no record: whether it was meant for this CA.
fn unread(text: &[u8], malformed: &Malformed<'_>, expected: &PersistExpected) -> Mismatch {
    let why = malformed.syntax.to_string();
    if let Some(issuer) = malformed.issuer {
        return match expected.means(issuer) {
            true => Mismatch::Malformed(why),
            false => Mismatch::OtherIssuer(issuer.to_owned()),
        };
    }
    let written = record::written_issuer(text).unwrap_or_default();
    match written.strip_suffix('.') {
        Some(name) if expected.means(name) => Mismatch::Risky(Risk::Dot(shown::quoted(written.as_bytes()))),
        _ if expected.means(written.trim_matches('"')) => Mismatch::Malformed(why),
        _ => Mismatch::Unreadable(why),
    }
}

impl PersistExpected {
    /// Whether the name is one of the CA's, in any spelling.
    fn means(&self, issuer: &str) -> bool {
        self.issuer_domains
            .iter()
            .any(|domain| domain.eq_ignore_ascii_case(issuer))
    }
}

/// The record to set, as the user would type it.
fn wanted(expected: &PersistExpected) -> String {
    let value = record_value(&expected.issuer_domains, &expected.account_uri, expected.wildcard);
    format!("\"{value}\"")
}

/// The value of a record (an RFC 8659 issue-value). It contains no blanks, which the grammar makes optional: `cf` and
/// terminals break lines at blanks, and a value that was copied with a line break in it is a different value.
pub(super) fn record_value(issuer_domains: &[String], account_uris: &AccountUris, wildcard: bool) -> String {
    let issuer = issuer_domains.first().map_or("", String::as_str);
    let policy = if wildcard { ";policy=wildcard" } else { "" };
    format!("{issuer};accounturi={}{policy}", account_uris.to_set())
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
            "  ca.example ;  AccountURI = https://ca.example/acct/1  ",
            "alias.example; accounturi=https://ca.example/acct/1",
            "ca.example; accounturi=https://ca.example/acct/1; policy=wildcard",
            "ca.example; policy=something-else; accounturi=https://ca.example/acct/1",
            "ca.example; x-y=; accounturi=https://ca.example/acct/1; later=a=b",
            "ca.example; accounturi=https://ca.example/acct/1; persistUntil=1785589200",
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
    fn what_cas_judge_differently_is_not_in_place_and_told_with_what_to_write() {
        for (text, why) in [
            ("CA.example; accounturi=https://ca.example/acct/1", "capitals"),
            ("ca.example.; accounturi=https://ca.example/acct/1", "a dot at its end"),
            ("ca.example;\taccounturi=https://ca.example/acct/1", "a tab"),
            (
                "ca.example; accounturi=https://ca.example/acct/1; persistUntil=253402300800",
                "the year 9999",
            ),
        ] {
            let mismatch = one(text).unwrap_err();
            assert!(matches!(mismatch, Mismatch::Risky(_)), "{text}: {mismatch:?}");
            let told = mismatch.explain(&expected(false));
            assert!(
                told.starts_with("may be refused by the CA (") && told.contains(why),
                "{told}"
            );
            let instead = "write \"ca.example;accounturi=https://ca.example/acct/1\" instead";
            assert!(told.ends_with(instead), "{told}");
        }
        let several = [
            format!("ca.example;\taccounturi={ACCOUNT}"),
            format!("ca.example;accounturi={ACCOUNT}9"),
        ];
        assert_eq!(
            judge(&several, &expected(false), NOW),
            Some(Err(Mismatch::Risky(Risk::Tab)))
        );
    }

    #[test]
    fn a_record_that_ends_before_the_ca_has_issued_is_not_in_place() {
        let until = |unix: i64| one(&format!("ca.example;accounturi={ACCOUNT};persistUntil={unix}"));
        let now = NOW.unix_timestamp();
        assert_eq!(until(now - 1), Err(Mismatch::Expired(now - 1)));
        assert_eq!(until(now + 3599), Err(Mismatch::EndsSoon(now + 3599)));
        assert_eq!(until(now + 3600), Ok(()));
        let told = Mismatch::EndsSoon(now).explain(&expected(false));
        assert!(told.contains("2026-08-01T12:00:00Z; leave persistUntil out"), "{told}");
    }

    #[test]
    fn a_record_that_was_typed_with_quotation_marks_is_told_as_one_for_our_ca() {
        let quoted = format!("\"ca.example;accounturi={ACCOUNT}\"");
        assert!(matches!(one(&quoted), Err(Mismatch::Malformed(_))), "{quoted}");
    }

    #[test]
    fn every_value_that_the_ca_takes_is_in_place_and_the_first_is_the_one_to_set() {
        let uris = ["new", "old"].map(|name| format!("https://ca.example/h/{name}"));
        let expected = PersistExpected {
            account_uri: AccountUris::new(uris.into()).unwrap(),
            ..expected(false)
        };
        for (uri, in_place) in [("new", true), ("old", true), ("other", false)] {
            let text = format!("ca.example;accounturi=https://ca.example/h/{uri}");
            let judged = judge(&[text], &expected, NOW).unwrap();
            assert_eq!(judged.is_ok(), in_place, "{uri}");
        }
        let told = Mismatch::OtherAccount("x".into()).explain(&expected);
        assert_eq!(told, "trusts another account (x), expected https://ca.example/h/new");
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
            "is for another CA (other.example), expected \"ca.example;accounturi=https://ca.example/acct/1\""
        );
        assert_eq!(
            explained(&format!("ca.example; accounturi={ACCOUNT};")),
            "is malformed (a parameter is empty: does it end with a semicolon?), expected \
             \"ca.example;accounturi=https://ca.example/acct/1\""
        );
    }
}
