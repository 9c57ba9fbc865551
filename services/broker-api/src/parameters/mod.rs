//! The `parameters` of a provision: what the brokers before took, in all their forms, checked as far as words can be.
//! Pure: no database, no DNS.

#[doc(hidden)]
pub mod bad_input;
mod cookies;
mod domains;
mod edge;
mod headers;
mod host;
mod keys;
mod merge;
mod names;
mod origin;
mod policies;
mod redirect;
pub(crate) mod schema;
mod show;

use pipeline::Settings;
use pipeline::instance::{Cookies, DAY};
use serde_json::{Map, Value, json};

use domains::MOST as MOST_DOMAINS;
use headers::MOST as MOST_HEADERS;
pub(crate) use host::host_name;
pub(crate) use merge::merge;
use origin::MOST_PATH;
pub(crate) use show::{shown, shown_json};

/// What a user asks for, checked and with defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// ASCII, lower case, sorted, no duplicates.
    pub domains: Vec<String>,
    /// The rest.
    pub settings: Settings,
}

/// What is wrong with the parameters: names the field, the value, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterError(String);

impl std::fmt::Display for ParameterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParameterError {}

impl ParameterError {
    fn new(field: &str, fault: impl std::fmt::Display) -> Self {
        Self(format!("{field}: {fault}."))
    }
}

/// Checks the parameters. A `null` counts as absent, the whole object included.
///
/// # Errors
/// With the first thing that is wrong.
pub fn parse(parameters: Option<&Value>, default_origin: Option<&str>) -> Result<Parameters, ParameterError> {
    let empty = Map::new();
    let object = match parameters {
        None | Some(Value::Null) => &empty,
        Some(Value::Object(object)) => object,
        Some(other) => {
            return Err(ParameterError::new(
                "parameters",
                format!(
                    "{} is not an object; write {{\"domains\": [\"www.example.com\"]}}",
                    shown_json(other)
                ),
            ));
        }
    };
    keys::check(object)?;
    let domains = domains::parse(object)?;
    let origin = origin::parse(object, default_origin)?;
    let failover_origin = origin::failover(object, &origin)?;
    for (key, host) in [
        ("origin", Some(&origin.host)),
        ("failover_origin", failover_origin.as_ref()),
    ] {
        if let Some(host) = host.filter(|host| domains.contains(host)) {
            return Err(ParameterError::new(
                key,
                format!(
                    "{} is also one of the domains, so CloudFront would fetch from itself; write the name that the \
                     origin has without the CDN",
                    shown(host)
                ),
            ));
        }
    }
    let (cache_policy, origin_request_policy) = policies::caching(object, origin.is_default)?;
    let forwards = cache_policy.is_none();
    Ok(Parameters {
        domains,
        settings: Settings {
            path: origin::path(object)?,
            insecure_origin: origin::insecure(object, &origin)?,
            forward_headers: headers::parse(object, origin.is_default && forwards)?,
            forward_cookies: cookies::parse(object)?,
            default_ttl: edge::default_ttl(object)?,
            error_responses: edge::error_responses(object)?,
            cache_policy,
            origin_request_policy,
            response_headers_policy: policies::response_headers(object)?,
            price_class: edge::price_class(object)?,
            compress: boolean(object, "compress")?.unwrap_or(true),
            http3: boolean(object, "http3")?.unwrap_or(false),
            failover_origin,
            redirect_to: redirect::target(object)?,
            origin: origin.host,
        },
    })
}

impl Parameters {
    /// The one form of all the ways to write the same: compared for "the same request", and what a fetch shows.
    pub fn normalised(&self) -> Value {
        let Settings {
            origin,
            path,
            insecure_origin,
            forward_headers,
            forward_cookies,
            default_ttl,
            error_responses,
            cache_policy,
            origin_request_policy,
            response_headers_policy,
            price_class,
            compress,
            http3,
            failover_origin,
            redirect_to,
        } = &self.settings;
        let mut all = json!({
            "domains": self.domains,
            "origin": origin,
            "path": path,
            "insecure_origin": insecure_origin,
        });
        if cache_policy.is_none() {
            all["forward_headers"] = json!(forward_headers);
            all["forward_cookies"] = match forward_cookies {
                Cookies::All => json!("*"),
                Cookies::None => json!(""),
                Cookies::Only(names) => json!(names),
            };
        }
        // What came later is left out where it is the default: an instance of before is still the same.
        let later = [
            ("default_ttl", json!(default_ttl), *default_ttl == DAY),
            ("error_responses", json!(error_responses), error_responses.is_empty()),
            ("cache_policy", json!(cache_policy), cache_policy.is_none()),
            (
                "origin_request_policy",
                json!(origin_request_policy),
                origin_request_policy.is_none(),
            ),
            (
                "response_headers_policy",
                json!(response_headers_policy),
                response_headers_policy.is_none(),
            ),
            ("price_class", json!(price_class), price_class.is_none()),
            ("compress", json!(compress), *compress),
            ("http3", json!(http3), !*http3),
            ("failover_origin", json!(failover_origin), failover_origin.is_none()),
            ("redirect_to", json!(redirect_to), redirect_to.is_none()),
        ];
        for (key, value, _) in later.into_iter().filter(|(.., is_default)| !is_default) {
            all[key] = value;
        }
        all
    }
}

/// A value that is there; `null` counts as absent.
fn present<'o>(object: &'o Map<String, Value>, key: &str) -> Option<&'o Value> {
    object.get(key).filter(|value| !value.is_null())
}

fn boolean(object: &Map<String, Value>, key: &str) -> Result<Option<bool>, ParameterError> {
    match present(object, key) {
        None => Ok(None),
        Some(Value::Bool(value)) => Ok(Some(*value)),
        Some(other) => Err(ParameterError::new(
            key,
            format!(
                "{} is not a boolean; write true or false, without quotes",
                shown_json(other)
            ),
        )),
    }
}

/// The value of one of two names for the same thing, with the name that was used.
fn either<'o, 'k>(
    object: &'o Map<String, Value>,
    key: &'k str,
    older: &'k str,
) -> Result<Option<(&'k str, &'o Value)>, ParameterError> {
    match (present(object, key), present(object, older)) {
        (Some(_), Some(value)) => Err(ParameterError::new(
            older,
            format!(
                "{} is given beside {key}, which means the same; write one of them",
                shown_json(value)
            ),
        )),
        (Some(value), None) => Ok(Some((key, value))),
        (None, Some(value)) => Ok(Some((older, value))),
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
