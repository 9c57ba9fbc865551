//! The record: an issue-value (RFC 8659 §4.2) with its own parameters.

use crate::issue_value::{self, parts};
use crate::shown;

/// A well-formed record, borrowed from its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// The CA, as written.
    pub issuer: &'a str,
    /// The account that the domain's owner trusts.
    pub account_uri: &'a str,
    /// `policy=wildcard` is there; any other policy counts as none (draft §4.1).
    pub wildcard: bool,
    /// The Unix time after which the record is no longer valid.
    pub until: Option<i64>,
}

/// A text that is not a valid record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed<'a> {
    /// The CA, if at least that could be parsed.
    pub issuer: Option<&'a str>,
    /// The error.
    pub syntax: Syntax,
}

/// The possible errors of a record, in the user's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message is its own documentation")]
pub enum Syntax {
    #[error("it doesn't begin with the CA's domain")]
    NoIssuer,
    #[error(transparent)]
    Grammar(#[from] issue_value::Syntax),
    #[error("{0} stands there twice")]
    Twice(String),
    #[error("accounturi is missing")]
    NoAccount,
    #[error("persistUntil is {0}, not a Unix time")]
    BadUntil(String),
}

impl<'a> Record<'a> {
    /// Parses one TXT record, its strings joined. The input may be arbitrary.
    pub fn parse(text: &'a [u8]) -> Result<Self, Malformed<'a>> {
        let mut parts = parts(text);
        let issuer = issue_value::issuer(parts.next().unwrap_or_default())
            .map_err(Syntax::from)
            .and_then(|issuer| issuer.ok_or(Syntax::NoIssuer))
            .map_err(|syntax| Malformed { issuer: None, syntax })?;
        parameters(issuer, parts).map_err(|syntax| Malformed {
            issuer: Some(issuer),
            syntax,
        })
    }
}

/// The CA's domain as written, valid or not.
pub(super) fn written_issuer(text: &[u8]) -> Option<&str> {
    std::str::from_utf8(parts(text).next()?).ok()
}

fn parameters<'a>(issuer: &'a str, parts: impl Iterator<Item = &'a [u8]>) -> Result<Record<'a>, Syntax> {
    let mut seen: Vec<String> = Vec::new();
    let (mut account_uri, mut wildcard, mut until) = (None, false, None);
    for part in parts {
        let (tag, value) = issue_value::parameter(part)?;
        let canonical = tag.to_ascii_lowercase();
        if seen.contains(&canonical) {
            return Err(Syntax::Twice(shown::plain(tag.as_bytes())));
        }
        match canonical.as_str() {
            "accounturi" => account_uri = Some(value).filter(|value| !value.is_empty()),
            "policy" => wildcard = value.eq_ignore_ascii_case("wildcard"),
            "persistuntil" => until = Some(unix_time(value)?),
            _ => {}
        }
        seen.push(canonical);
    }
    let account_uri = account_uri.ok_or(Syntax::NoAccount)?;
    Ok(Record {
        issuer,
        account_uri,
        wildcard,
        until,
    })
}

fn unix_time(value: &str) -> Result<i64, Syntax> {
    value
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| value.parse().ok())
        .flatten()
        .ok_or_else(|| Syntax::BadUntil(shown::quoted(value.as_bytes())))
}

#[cfg(test)]
mod reference;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::issue_value::is_label;

    #[test]
    fn what_is_wrong_is_named() {
        let table: &[(&str, bool, &str)] = &[
            ("", false, "it doesn't begin with the CA's domain"),
            ("; accounturi=x", false, "it doesn't begin with the CA's domain"),
            (
                "ca.example. ; accounturi=x",
                false,
                "\"ca.example.\" is no domain of a CA",
            ),
            (
                "-ca.example; accounturi=x",
                false,
                "\"-ca.example\" is no domain of a CA",
            ),
            (
                "ca..example; accounturi=x",
                false,
                "\"ca..example\" is no domain of a CA",
            ),
            (
                "ca.example accounturi=x",
                false,
                "\"ca.example accounturi=x\" is no domain of a CA",
            ),
            ("ca.example", true, "accounturi is missing"),
            (
                "ca.example;",
                true,
                "a parameter is empty: does it end with a semicolon?",
            ),
            (
                "ca.example; ; accounturi=x",
                true,
                "a parameter is empty: does it end with a semicolon?",
            ),
            ("ca.example; accounturi", true, "\"accounturi\" is no tag=value"),
            ("ca.example; accounturi=", true, "accounturi is missing"),
            ("ca.example; =x", true, "\"\" is no tag"),
            ("ca.example; a_b=x", true, "\"a_b\" is no tag"),
            (
                "ca.example; accounturi=x y",
                true,
                "the value of accounturi has characters that aren't allowed: \"x y\"",
            ),
            (
                "ca.example; accounturi=é",
                true,
                r#"the value of accounturi has characters that aren't allowed: "\xc3\xa9""#,
            ),
            (
                "ca.example; accounturi=x; AccountUri=x",
                true,
                "AccountUri stands there twice",
            ),
            ("ca.example; accounturi=x; n=1; N=2", true, "N stands there twice"),
            (
                "ca.example; accounturi=x; persistUntil=tomorrow",
                true,
                "persistUntil is \"tomorrow\", not a Unix time",
            ),
            (
                "ca.example; accounturi=x; persistUntil=+1",
                true,
                "persistUntil is \"+1\", not a Unix time",
            ),
            (
                "ca.example; accounturi=x; persistUntil=",
                true,
                "persistUntil is \"\", not a Unix time",
            ),
            (
                "ca.example; accounturi=x; persistUntil=99999999999999999999",
                true,
                "persistUntil is \"99999999999999999999\", not a Unix time",
            ),
        ];
        for (text, issuer_readable, why) in table {
            let malformed = Record::parse(text.as_bytes()).unwrap_err();
            assert_eq!(
                (malformed.issuer.is_some(), malformed.syntax.to_string().as_str()),
                (*issuer_readable, *why),
                "{text}"
            );
        }
    }

    /// A small generator (xorshift), so that a failure is reproducible.
    struct Bytes(u64);

    impl Bytes {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_never_pass_the_grammar_by_chance() {
        let pieces: &[&[u8]] = &[
            b";",
            b"=",
            b" ",
            b"\t",
            b"ca.example",
            b"accounturi",
            b"persistUntil",
            b"policy",
            b"wildcard",
            b"\xff",
            b"\0",
            b"-",
            b"1",
        ];
        let mut bytes = Bytes(0x9e37_79b9_7f4a_7c15);
        for _ in 0..50_000 {
            let mut text = Vec::new();
            for _ in 0..bytes.next() % 24 {
                match bytes.next() % 3 {
                    0 => text.push(bytes.next() as u8),
                    _ => text.extend_from_slice(pieces[bytes.next() as usize % pieces.len()]),
                }
            }
            if let Ok(record) = Record::parse(&text) {
                assert!(!record.account_uri.is_empty() && record.account_uri.bytes().all(|b| b.is_ascii_graphic()));
                assert!(record.issuer.split('.').all(|label| is_label(label.as_bytes())));
            }
        }
    }

    #[test]
    fn whatever_is_well_formed_is_read_back() {
        let mut bytes = Bytes(42);
        for _ in 0..5_000 {
            let spaces = |bytes: &mut Bytes| " \t"[..(bytes.next() % 3) as usize].to_owned();
            let mut value = |from: &[u8]| -> String {
                (0..=bytes.next() % 30)
                    .map(|_| from[bytes.next() as usize % from.len()] as char)
                    .collect()
            };
            let account = value(b"abcXYZ0189:/?#[]@!$&'()*+,=-._~%\"\\");
            let (label, until) = (
                value(b"abcXYZ019"),
                value(b"0123456789").chars().take(18).collect::<String>(),
            );
            let text = format!(
                "{}{label}.example{};{}accountURI{}={}{account}{};{}persistuntil={until}",
                spaces(&mut bytes),
                spaces(&mut bytes),
                spaces(&mut bytes),
                spaces(&mut bytes),
                spaces(&mut bytes),
                spaces(&mut bytes),
                spaces(&mut bytes),
            );
            let record = Record::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text:?}: {error:?}"));
            assert_eq!(
                (record.issuer, record.account_uri),
                (format!("{label}.example").as_str(), account.as_str())
            );
            assert_eq!(record.until, until.parse().ok());
        }
    }
}
