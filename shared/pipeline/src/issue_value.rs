//! The grammar that CAA records and standing records share (RFC 8659 §4.2):
//!
//! ```text
//! issue-value = *WSP [issuer-domain-name *WSP] [";" *WSP [parameters *WSP]]
//! issuer-domain-name = label *("." label)
//! label = (ALPHA / DIGIT) *( *("-") (ALPHA / DIGIT))
//! parameters = (parameter *WSP ";" *WSP parameters) / parameter
//! parameter = tag *WSP "=" *WSP value
//! tag = (ALPHA / DIGIT) *( *("-") (ALPHA / DIGIT))
//! value = *(%x21-3A / %x3C-7E)
//! ```

use std::str::from_utf8;

use crate::shown;

/// A well-formed value, borrowed from its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueValue<'a> {
    /// The CA, as written; `None` means no CA at all.
    pub issuer: Option<&'a str>,
    /// Tag, as written, and value of each parameter.
    pub parameters: Vec<(&'a str, &'a str)>,
}

/// A text that is no valid issue-value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed<'a> {
    /// The CA, if at least that could be parsed.
    pub issuer: Option<&'a str>,
    /// The error.
    pub syntax: Syntax,
}

/// The possible errors of an issue-value, in the user's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message is its own documentation")]
pub enum Syntax {
    #[error("{0} is no domain of a CA")]
    BadIssuer(String),
    #[error("a parameter is empty: does it end with a semicolon?")]
    EmptyParameter,
    #[error("{0} is no tag=value")]
    NoValue(String),
    #[error("{0} is no tag")]
    BadTag(String),
    #[error("the value of {tag} has characters that aren't allowed: {value}")]
    BadValue { tag: String, value: String },
}

impl<'a> IssueValue<'a> {
    /// Parses the value of one CAA record. The input may be arbitrary.
    pub fn parse(text: &'a [u8]) -> Result<Self, Malformed<'a>> {
        let mut parts = parts(text);
        let issuer = issuer(parts.next().unwrap_or_default()).map_err(|syntax| Malformed { issuer: None, syntax })?;
        let mut parts: Vec<&[u8]> = parts.collect();
        // A single semicolon may be followed by nothing.
        if parts.len() == 1 {
            parts.retain(|part| !part.is_empty());
        }
        match parts.into_iter().map(parameter).collect() {
            Ok(parameters) => Ok(Self { issuer, parameters }),
            Err(syntax) => Err(Malformed { issuer, syntax }),
        }
    }

    /// The values of the parameters with this tag, compared case-insensitively.
    pub fn all(&self, tag: &str) -> Vec<&'a str> {
        let same = self
            .parameters
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(tag));
        same.map(|&(_, value)| value).collect()
    }
}

/// The issuer part, then the parameters. None of them can contain a semicolon.
pub(crate) fn parts(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b';').map(trim)
}

/// The CA's domain; `None` when it is absent.
pub(crate) fn issuer(part: &[u8]) -> Result<Option<&str>, Syntax> {
    if part.is_empty() {
        return Ok(None);
    }
    from_utf8(part)
        .ok()
        .filter(|issuer| issuer.split('.').all(|label| is_label(label.as_bytes())))
        .map(Some)
        .ok_or_else(|| Syntax::BadIssuer(shown::quoted(part)))
}

/// A parameter's tag, as written, and its value.
pub(crate) fn parameter(part: &[u8]) -> Result<(&str, &str), Syntax> {
    if part.is_empty() {
        return Err(Syntax::EmptyParameter);
    }
    let equals = part
        .iter()
        .position(|&byte| byte == b'=')
        .ok_or_else(|| Syntax::NoValue(shown::quoted(part)))?;
    let (tag, value) = (trim(&part[..equals]), trim(&part[equals + 1..]));
    let tag = from_utf8(tag)
        .ok()
        .filter(|tag| is_label(tag.as_bytes()))
        .ok_or_else(|| Syntax::BadTag(shown::quoted(tag)))?;
    // A semicolon (0x3b) can't occur here: the text was split at it.
    let value = from_utf8(value)
        .ok()
        .filter(|value| value.bytes().all(|byte| byte.is_ascii_graphic()))
        .ok_or_else(|| Syntax::BadValue {
            tag: shown::plain(tag.as_bytes()),
            value: shown::quoted(value),
        })?;
    Ok((tag, value))
}

/// Whether a CA's domain is written as a CA has to write it (draft-ietf-acme-dns-persist §3.1): A-labels in lower case,
/// no trailing dot, at most 253 octets.
pub fn is_normalized(issuer: &str) -> bool {
    let label = |label: &str| label.len() <= 63 && is_label(label.as_bytes());
    issuer.len() <= 253 && issuer.split('.').all(label) && !issuer.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// A parameter's value: graphic ASCII without a semicolon.
pub fn is_value(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';')
}

/// Letters and digits, with hyphens only between them.
pub(crate) fn is_label(label: &[u8]) -> bool {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    ends(label.first()) && ends(label.last()) && label.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Trims white space (RFC 5234's WSP: space and tab).
fn trim(mut part: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = part {
        part = rest;
    }
    part
}

#[cfg(test)]
pub(crate) mod reference;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_ca_reads_is_read() {
        type Parameters<'a> = &'a [(&'a str, &'a str)];
        let table: &[(&str, Option<&str>, Parameters<'_>)] = &[
            ("ca.example", Some("ca.example"), &[]),
            (" \tca.example ;", Some("ca.example"), &[]),
            ("", None, &[]),
            (";", None, &[]),
            ("; policy=ev", None, &[("policy", "ev")]),
            (
                "CA.example; a = b=c ;\td-e=",
                Some("CA.example"),
                &[("a", "b=c"), ("d-e", "")],
            ),
            ("ca.example; a=1; A=2", Some("ca.example"), &[("a", "1"), ("A", "2")]),
        ];
        for (text, issuer, parameters) in table {
            let expected = IssueValue {
                issuer: *issuer,
                parameters: parameters.to_vec(),
            };
            assert_eq!(IssueValue::parse(text.as_bytes()), Ok(expected), "{text}");
        }
        let twice = IssueValue::parse(b"ca.example; a=1; b=2; A=3").unwrap();
        assert_eq!(twice.all("a"), ["1", "3"]);
    }

    #[test]
    fn what_is_wrong_is_named_and_whose_it_is() {
        for (text, issuer, why) in [
            ("%%%%%", None, "\"%%%%%\" is no domain of a CA"),
            ("ca.example.", None, "\"ca.example.\" is no domain of a CA"),
            ("ca.example; x", Some("ca.example"), "\"x\" is no tag=value"),
            (
                "ca.example; a=b;",
                Some("ca.example"),
                "a parameter is empty: does it end with a semicolon?",
            ),
            (
                "ca.example;;",
                Some("ca.example"),
                "a parameter is empty: does it end with a semicolon?",
            ),
        ] {
            let malformed = IssueValue::parse(text.as_bytes()).unwrap_err();
            assert_eq!(
                (malformed.issuer, malformed.syntax.to_string().as_str()),
                (issuer, why),
                "{text}"
            );
        }
    }
}
