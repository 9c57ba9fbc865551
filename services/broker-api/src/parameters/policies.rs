//! `cache_policy`, `origin_request_policy`, `response_headers_policy` and `hsts`: CloudFront's managed policies, by name.

use pipeline::managed::{
    ALL_VIEWER, ALL_VIEWER_EXCEPT_HOST, CACHE, Managed, ORIGIN_REQUEST, RESPONSE_HEADERS, SECURITY_HEADERS, named,
};
use serde_json::{Map, Value};

use super::{ParameterError, present, shown_json};

/// What a cache policy takes the place of.
pub(super) const INSTEAD_OF: [&str; 5] = [
    "forward_headers",
    "headers",
    "forward_cookies",
    "cookies",
    "default_ttl",
];

/// The cache policy, and what is passed to the origin with it.
pub(super) fn caching(
    object: &Map<String, Value>,
    default_origin: bool,
) -> Result<(Option<Managed>, Option<Managed>), ParameterError> {
    let cache = policy(object, "cache_policy", &CACHE)?;
    let request = policy(object, "origin_request_policy", &ORIGIN_REQUEST)?;
    if cache.is_none() {
        return match request {
            Some(policy) => Err(ParameterError::new(
                "origin_request_policy",
                format!(
                    "\"{}\" needs a cache_policy beside it; without one, forward_headers and forward_cookies say what is \
                     passed to the origin",
                    policy.name
                ),
            )),
            None => Ok((None, None)),
        };
    }
    if let Some(beside) = INSTEAD_OF.into_iter().find(|key| present(object, key).is_some()) {
        return Err(ParameterError::new(
            beside,
            "it is given beside cache_policy, which takes its place; write one of them, or null for cache_policy",
        ));
    }
    match request {
        Some(policy) if default_origin && policy.name == ALL_VIEWER_EXCEPT_HOST => Err(ParameterError::new(
            "origin_request_policy",
            format!(
                "\"{ALL_VIEWER_EXCEPT_HOST}\" keeps the Host header, which the default origin needs; write \"{ALL_VIEWER}\""
            ),
        )),
        // The platform's router finds the application by the Host header.
        None if default_origin => Ok((cache, named(ALL_VIEWER, &ORIGIN_REQUEST))),
        request => Ok((cache, request)),
    }
}

/// What CloudFront adds to answers; `hsts` is the short way to the policy that has it.
pub(super) fn response_headers(object: &Map<String, Value>) -> Result<Option<Managed>, ParameterError> {
    let policy = policy(object, "response_headers_policy", &RESPONSE_HEADERS)?;
    match (super::boolean(object, "hsts")?, policy) {
        (Some(true), Some(_)) => Err(ParameterError::new(
            "hsts",
            format!(
                "true is given beside response_headers_policy; hsts is short for \"{SECURITY_HEADERS}\", write one of them"
            ),
        )),
        (Some(true), None) => Ok(named(SECURITY_HEADERS, &RESPONSE_HEADERS)),
        (_, policy) => Ok(policy),
    }
}

fn policy(object: &Map<String, Value>, key: &str, among: &[Managed]) -> Result<Option<Managed>, ParameterError> {
    let Some(value) = present(object, key) else {
        return Ok(None);
    };
    let known = value.as_str().and_then(|name| named(name, among));
    known.map(Some).ok_or_else(|| {
        let names: Vec<String> = among.iter().map(|policy| format!("\"{}\"", policy.name)).collect();
        ParameterError::new(key, format!("{} is none of {}", shown_json(value), names.join(", ")))
    })
}
