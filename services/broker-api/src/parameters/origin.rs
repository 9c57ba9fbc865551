//! `origin`, `path` and `insecure_origin`.

use serde_json::{Map, Value};

use super::{ParameterError, host_name, present, shown, shown_json};

/// The most characters of CloudFront's `OriginPath`.
pub(crate) const MOST_PATH: usize = 255;

/// Where CloudFront fetches from.
pub(super) struct Origin {
    pub(super) host: String,
    /// It is the platform's router, named or not: that one needs the Host header and speaks HTTPS.
    pub(super) is_default: bool,
}

pub(super) fn parse(object: &Map<String, Value>, default: Option<&str>) -> Result<Origin, ParameterError> {
    let given = match present(object, "origin") {
        None => None,
        // The brokers before take an empty string for "the default".
        Some(Value::String(text)) if text.trim().is_empty() => None,
        Some(Value::String(text)) => Some(host_name(text).map_err(|fault| ParameterError::new("origin", fault))?),
        Some(other) => {
            return Err(ParameterError::new(
                "origin",
                format!(
                    "{} is not a string; write a host name such as \"app.example.com\"",
                    shown_json(other)
                ),
            ));
        }
    };
    match (given, default) {
        (Some(host), default) => Ok(Origin {
            is_default: default == Some(&host),
            host,
        }),
        (None, Some(default)) => Ok(Origin {
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

pub(super) fn path(object: &Map<String, Value>) -> Result<String, ParameterError> {
    let fault = |value: &Value, what: &str| ParameterError::new("path", format!("{} {what}", shown_json(value)));
    let value = match present(object, "path") {
        None => return Ok(String::new()),
        Some(value) => value,
    };
    let Value::String(path) = value else {
        return Err(fault(value, "is not a string; write \"/folder\" or \"\""));
    };
    if path.is_empty() {
        return Ok(String::new());
    }
    if path == "/" {
        return Err(fault(value, "ends with a slash; write \"\" for the origin's root"));
    }
    if path.contains("://") {
        return Err(fault(value, "is a URL; write the path alone, such as \"/folder\""));
    }
    if !path.starts_with('/') {
        return Err(fault(value, "does not begin with a slash; write \"/folder\""));
    }
    if path.ends_with('/') {
        return Err(fault(
            value,
            &format!("ends with a slash; write {}", shown(path.trim_end_matches('/'))),
        ));
    }
    if path.len() > MOST_PATH {
        return Err(fault(
            value,
            &format!("has {} characters; at most {MOST_PATH} are allowed", path.len()),
        ));
    }
    if let Some(odd) = odd_character(path) {
        return Err(fault(
            value,
            &format!(
                "has {}, which can't stand in a path; write it percent-encoded or leave it out",
                shown(&odd.to_string())
            ),
        ));
    }
    Ok(path.clone())
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

/// Asked when the origin fails: another host, or there would be nothing to fail over to.
pub(super) fn failover(object: &Map<String, Value>, origin: &Origin) -> Result<Option<String>, ParameterError> {
    let fault = |what: String| Err(ParameterError::new("failover_origin", what));
    let host = match present(object, "failover_origin") {
        None => return Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::String(text)) => host_name(text).map_err(|fault| ParameterError::new("failover_origin", fault))?,
        Some(other) => {
            return fault(format!(
                "{} is not a string; write a host name such as \"standby.example.com\"",
                shown_json(other)
            ));
        }
    };
    if host == origin.host {
        return fault(format!("{} is the origin itself; write another host", shown(&host)));
    }
    Ok(Some(host))
}

pub(super) fn insecure(object: &Map<String, Value>, origin: &Origin) -> Result<bool, ParameterError> {
    match super::boolean(object, "insecure_origin")? {
        Some(true) if origin.is_default => Err(ParameterError::new(
            "insecure_origin",
            "true is not for the default origin, which speaks HTTPS; write false, or name an origin of your own",
        )),
        given => Ok(given.unwrap_or(false)),
    }
}
