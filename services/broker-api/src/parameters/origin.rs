//! `origin`, `failover_origin`, `path` and `insecure_origin`.

use schemars::{Schema, json_schema};
use serde_json::Value;

use super::{ParameterError, host_name, public, shown, shown_json};
use crate::form::Form;

/// The most characters of CloudFront's `OriginPath`.
pub(crate) const MOST_PATH: usize = 255;

/// A host name; none if an empty one was written, which the brokers before take for "the default".
#[derive(Debug, Default)]
pub(super) struct Host(pub(super) Option<String>);

impl Form for Host {
    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(text) if text.trim_ascii().is_empty() => Ok(Self(None)),
            Value::String(text) => host_name(text).map(|host| Self(Some(host))),
            other => Err(format!(
                "{} is not a string; write a host name such as \"app.example.com\"",
                shown_json(other)
            )),
        }
    }

    fn schema() -> Schema {
        json_schema!({"type": "string"})
    }
}

/// `path`: empty, or with a slash at its beginning and none at its end.
#[derive(Debug, Default)]
pub(super) struct Path(pub(super) String);

impl Form for Path {
    fn read(value: &Value) -> Result<Self, String> {
        let fault = |what: &str| Err(format!("{} {what}", shown_json(value)));
        let Value::String(path) = value else {
            return fault("is not a string; write \"/folder\" or \"\"");
        };
        if path.is_empty() {
            return Ok(Self(String::new()));
        }
        if path == "/" {
            return fault("ends with a slash; write \"\" for the origin's root");
        }
        if path.contains("://") {
            return fault("is a URL; write the path alone, such as \"/folder\"");
        }
        if !path.starts_with('/') {
            return fault("does not begin with a slash; write \"/folder\"");
        }
        if path.ends_with('/') {
            return fault(&format!(
                "ends with a slash; write {}",
                shown(path.trim_end_matches('/'))
            ));
        }
        if path.len() > MOST_PATH {
            return fault(&format!(
                "has {} characters; at most {MOST_PATH} are allowed",
                path.len()
            ));
        }
        if let Some(odd) = odd_character(path) {
            return fault(&format!(
                "has {}, which can't stand in a path; write it percent-encoded or leave it out",
                shown(&odd.to_string())
            ));
        }
        Ok(Self(path.clone()))
    }

    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": MOST_PATH,
            "pattern": "^(|/(.*[^/])?)$",
        })
    }
}

/// Where CloudFront fetches from.
pub(super) struct Origin {
    pub(super) host: String,
    /// It is the platform's router, named or not: that one needs the Host header and speaks HTTPS.
    pub(super) is_default: bool,
}

impl Origin {
    /// The one that was written, or the broker's default.
    pub(super) fn of(written: Option<Host>, default: Option<&str>) -> Result<Self, ParameterError> {
        match (written.and_then(|host| host.0), default) {
            (Some(host), default) => Ok(Self {
                is_default: default == Some(&host),
                host,
            }),
            (None, Some(default)) => Ok(Self {
                host: default.to_string(),
                is_default: true,
            }),
            (None, None) => Err(ParameterError::new(
                "origin",
                "it is missing, and this broker has no default; write the host name that CloudFront is to fetch from, such \
                 as \"app.example.com\"",
            )),
        }
    }

    /// Asked when the origin fails: another host, or there would be nothing to fail over to.
    pub(super) fn failover(&self, written: Option<Host>) -> Result<Option<String>, ParameterError> {
        match written.and_then(|host| host.0) {
            Some(host) if host == self.host => Err(ParameterError::new(
                "failover_origin",
                format!("{} is the origin itself; write another host", shown(&host)),
            )),
            host => Ok(host),
        }
    }

    /// Whether it speaks plain HTTP.
    pub(super) fn insecure(&self, written: bool) -> Result<bool, ParameterError> {
        if written && self.is_default {
            return Err(ParameterError::new(
                "insecure_origin",
                "true is not for the default origin, which speaks HTTPS; write false, or name an origin of your own",
            ));
        }
        Ok(written)
    }
}

/// Whether CloudFront can fetch from a host; the names of one that is `known` already are not judged.
pub(super) fn can_be_asked(key: &str, host: &String, domains: &[String], known: bool) -> Result<(), ParameterError> {
    if domains.contains(host) {
        return Err(ParameterError::new(
            key,
            format!(
                "{} is also one of the domains, so CloudFront would fetch from itself; write the name that the origin has \
                 without the CDN",
                shown(host)
            ),
        ));
    }
    match known {
        true => Ok(()),
        false => public::can_be_found(host).map_err(|fault| ParameterError::new(key, fault)),
    }
}

/// The first character that RFC 3986 §3.3 doesn't allow in a path; a `%` needs two hexadecimal digits behind it.
fn odd_character(path: &str) -> Option<char> {
    path.char_indices().find_map(|(at, c)| {
        let allowed = match c {
            '%' => path
                .as_bytes()
                .get(at + 1..at + 3)
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
            _ => c.is_ascii_alphanumeric() || "/-._~!$&'()*+,;=:@".contains(c),
        };
        (!allowed).then_some(c)
    })
}

/// The path of a page at the origin.
pub(super) fn is_page(path: &str) -> bool {
    path.len() > 1 && path.len() <= MOST_PATH && path.starts_with('/') && odd_character(path).is_none()
}
