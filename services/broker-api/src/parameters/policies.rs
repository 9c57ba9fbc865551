//! `cache_policy`, `origin_request_policy`, `response_headers_policy` and `hsts`: CloudFront's managed policies, by name.

use pipeline::managed::{
    ALL_VIEWER, ALL_VIEWER_EXCEPT_HOST, CACHE, Managed, ORIGIN_REQUEST, RESPONSE_HEADERS, SECURITY_HEADERS, named,
};
use schemars::{Schema, json_schema};
use serde_json::Value;

use super::{ParameterError, shown_json};
use crate::form::Form;

/// What a cache policy takes the place of.
pub(super) const INSTEAD_OF: [&str; 5] = [
    "forward_headers",
    "headers",
    "forward_cookies",
    "cookies",
    "default_ttl",
];

/// `cache_policy`.
#[derive(Debug)]
pub(super) struct CachePolicy(Managed);

/// `origin_request_policy`.
#[derive(Debug)]
pub(super) struct OriginRequestPolicy(Managed);

/// `response_headers_policy`.
#[derive(Debug)]
pub(super) struct ResponseHeadersPolicy(Managed);

impl Form for CachePolicy {
    fn read(value: &Value) -> Result<Self, String> {
        policy(value, &CACHE).map(Self)
    }

    fn schema() -> Schema {
        names_of(&CACHE)
    }
}

impl Form for OriginRequestPolicy {
    fn read(value: &Value) -> Result<Self, String> {
        policy(value, &ORIGIN_REQUEST).map(Self)
    }

    fn schema() -> Schema {
        names_of(&ORIGIN_REQUEST)
    }
}

impl Form for ResponseHeadersPolicy {
    fn read(value: &Value) -> Result<Self, String> {
        policy(value, &RESPONSE_HEADERS).map(Self)
    }

    fn schema() -> Schema {
        names_of(&RESPONSE_HEADERS)
    }
}

fn policy(value: &Value, among: &[Managed]) -> Result<Managed, String> {
    let known = value.as_str().and_then(|name| named(name, among));
    known.ok_or_else(|| {
        let names: Vec<String> = among.iter().map(|policy| format!("\"{}\"", policy.name)).collect();
        format!("{} is none of {}", shown_json(value), names.join(", "))
    })
}

fn names_of(policies: &[Managed]) -> Schema {
    let names: Vec<&str> = policies.iter().map(|policy| policy.name).collect();
    json_schema!({"type": "string", "enum": names})
}

/// What is passed to the origin beside the cache key. `beside` is a parameter that was given and whose place a cache policy
/// takes.
pub(super) fn origin_request(
    cache: Option<&CachePolicy>,
    request: Option<OriginRequestPolicy>,
    beside: Option<&str>,
    default_origin: bool,
) -> Result<Option<Managed>, ParameterError> {
    let request = request.map(|policy| policy.0);
    match (cache, request, beside) {
        (None, None, _) => Ok(None),
        (None, Some(policy), _) => Err(ParameterError::new(
            "origin_request_policy",
            format!(
                "\"{}\" needs a cache_policy beside it; without one, forward_headers and forward_cookies say what is passed \
                 to the origin",
                policy.name
            ),
        )),
        (Some(_), _, Some(beside)) => Err(ParameterError::new(
            beside,
            "it is given beside cache_policy, which takes its place; write one of them, or null for cache_policy",
        )),
        (Some(_), Some(policy), None) if default_origin && policy.name == ALL_VIEWER_EXCEPT_HOST => {
            Err(ParameterError::new(
                "origin_request_policy",
                format!(
                    "\"{ALL_VIEWER_EXCEPT_HOST}\" keeps the Host header, which the default origin needs; write \
                     \"{ALL_VIEWER}\""
                ),
            ))
        }
        // The platform's router finds the application by the Host header.
        (Some(_), None, None) if default_origin => Ok(named(ALL_VIEWER, &ORIGIN_REQUEST)),
        (Some(_), request, None) => Ok(request),
    }
}

impl CachePolicy {
    /// CloudFront's.
    pub(super) fn managed(&self) -> Managed {
        self.0
    }
}

/// What CloudFront adds to answers; `hsts` is the short way to the policy that has it.
pub(super) fn response_headers(
    policy: Option<ResponseHeadersPolicy>,
    hsts: bool,
) -> Result<Option<Managed>, ParameterError> {
    match (hsts, policy) {
        (true, Some(_)) => Err(ParameterError::new(
            "hsts",
            format!(
                "true is given beside response_headers_policy; hsts is short for \"{SECURITY_HEADERS}\", write one of them"
            ),
        )),
        (true, None) => Ok(named(SECURITY_HEADERS, &RESPONSE_HEADERS)),
        (false, policy) => Ok(policy.map(|policy| policy.0)),
    }
}
