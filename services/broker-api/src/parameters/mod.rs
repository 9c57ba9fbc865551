//! The `parameters` of a provision: what the brokers before took, in all their forms, checked as far as words can be.
//! Pure: no database, no DNS.

#[doc(hidden)]
pub mod bad_input;
mod cookies;
mod domains;
mod edge;
mod faults;
mod headers;
mod host;
mod keys;
mod merge;
mod names;
mod origin;
mod pasted;
mod policies;
mod public;
mod redirect;
pub(crate) mod schema;
mod show;
mod written;

use pipeline::Settings;
use pipeline::instance::{Cookies, DAY};
use serde_json::{Map, Value, json};

use crate::form::Read;
pub(crate) use domains::MOST as MOST_DOMAINS;
pub use faults::Faults;
use faults::ParameterError;
pub(crate) use host::host_name;
pub(crate) use keys::{DOMAIN_PROBLEM, RENEWAL_PROBLEM, STATUS};
pub(crate) use merge::update;
use origin::Origin;
use policies::INSTEAD_OF;
pub(crate) use show::{shown, shown_json};
use written::Written;

/// What a user asks for, checked and with defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// ASCII, lower case, sorted, no duplicates.
    pub domains: Vec<String>,
    /// The rest.
    pub settings: Settings,
}

/// Checks the parameters. A `null` counts as absent, the whole object included.
///
/// # Errors
/// With everything that is wrong.
pub fn parse(parameters: Option<&Value>, default_origin: Option<&str>) -> Result<Parameters, Faults> {
    parse_beside(&[], parameters, default_origin)
}

/// The same for an instance that has had these names, as domains or origins: whether they can be anybody's was asked then.
fn parse_beside(had: &[&str], parameters: Option<&Value>, default_origin: Option<&str>) -> Result<Parameters, Faults> {
    let empty = Map::new();
    let object = object(parameters)?.unwrap_or(&empty);
    let (written, mut faults) = Written::read(object);
    let domains = faults.take(&["domains", "domain"], || {
        domains::one_of(written.domains, written.domain)
    });
    for field in ["domains", "domain"] {
        let written = present(object, field).map(domains::well_formed).unwrap_or_default();
        for domain in written.iter().filter(|domain| !had.contains(&domain.as_str())) {
            if let Err(fault) = public::can_be_proved(domain) {
                faults.push(ParameterError::new(field, fault));
            }
        }
    }
    let origin = faults.take(&["origin"], || {
        Origin::of(written.origin.map(|host| host.0), default_origin)
    });
    let by_default = origin.as_ref().is_some_and(|origin| origin.is_default);
    let failover_origin = faults.take(&["failover_origin"], || match &origin {
        Some(origin) => origin.failover(written.failover_origin.map(|host| host.0)),
        None => Ok(None),
    });
    let others = domains.as_deref().unwrap_or_default();
    for (key, host) in [
        ("origin", origin.as_ref().map(|origin| &origin.host)),
        ("failover_origin", failover_origin.as_ref().and_then(Option::as_ref)),
    ] {
        if let Some(host) = host {
            let known = Some(host.as_str()) == default_origin || had.contains(&host.as_str());
            faults.take(&[], || origin::can_be_asked(key, host, others, known));
        }
    }
    let cache_policy = written.cache_policy.map(|policy| policy.0);
    let beside = INSTEAD_OF.into_iter().find(|key| present(object, key).is_some());
    let origin_request_policy = faults.take(&["cache_policy"], || {
        let request = written.origin_request_policy.map(|policy| policy.0);
        policies::origin_request(cache_policy.as_ref(), request, beside, by_default)
    });
    let forwards_host = by_default && present(object, "cache_policy").is_none();
    let forward_headers = faults.take(&["forward_headers", "headers"], || {
        let (field, headers) = either(
            ("forward_headers", written.forward_headers),
            ("headers", written.headers),
        )?;
        headers.unwrap_or_default().for_origin(field, forwards_host)
    });
    let forward_cookies = faults.take(&["forward_cookies", "cookies"], || {
        either(
            ("forward_cookies", written.forward_cookies),
            ("cookies", written.cookies),
        )
    });
    let on = |written: Option<Read<bool>>| written.map(|on| on.0);
    let insecure_origin = faults.take(&[], || match &origin {
        Some(origin) => origin.insecure(on(written.insecure_origin).unwrap_or(false)),
        None => Ok(false),
    });
    let response_headers_policy = faults.take(&["response_headers_policy"], || {
        let policy = written.response_headers_policy.map(|policy| policy.0);
        policies::response_headers(policy, on(written.hsts).unwrap_or(false))
    });
    let (
        Some(domains),
        Some(origin),
        Some(failover_origin),
        Some(origin_request_policy),
        Some(forward_headers),
        Some((_, forward_cookies)),
        Some(insecure_origin),
        Some(response_headers_policy),
        true,
    ) = (
        domains,
        origin,
        failover_origin,
        origin_request_policy,
        forward_headers,
        forward_cookies,
        insecure_origin,
        response_headers_policy,
        faults.is_empty(),
    )
    else {
        return Err(faults);
    };
    Ok(Parameters {
        domains,
        settings: Settings {
            path: written.path.map(|path| path.0.0).unwrap_or_default(),
            insecure_origin,
            forward_headers,
            // As the brokers before did.
            forward_cookies: forward_cookies.unwrap_or(Cookies::All),
            default_ttl: written.default_ttl.map_or(DAY, |seconds| seconds.0.0),
            error_responses: written.error_responses.map(|pages| pages.0.0).unwrap_or_default(),
            cache_policy: cache_policy.map(|policy| policy.managed()),
            origin_request_policy,
            response_headers_policy,
            price_class: written.price_class.map(|class| class.0),
            compress: on(written.compress).unwrap_or(true),
            http3: on(written.http3).unwrap_or(false),
            failover_origin,
            redirect_to: written.redirect_to.and_then(|target| target.0.0),
            // The plan's.
            access_logs: None,
            certificate_key_type: None,
            origin: origin.host,
        },
    })
}

/// The object; none when it is absent.
fn object(parameters: Option<&Value>) -> Result<Option<&Map<String, Value>>, ParameterError> {
    match parameters {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(other) => Err(ParameterError::new(
            "parameters",
            format!(
                "{} is not an object; write {{\"domains\": [\"www.example.com\"]}}",
                shown_json(other)
            ),
        )),
    }
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
            // The plan's, and no user's to see.
            access_logs: _,
            certificate_key_type: _,
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

/// What was given by one of two names for the same thing, with the name that was used.
fn either<F>(
    (key, value): (&'static str, Option<Read<F>>),
    (older, old): (&'static str, Option<Read<F>>),
) -> Result<(&'static str, Option<F>), ParameterError> {
    match (value, old) {
        (Some(_), Some(_)) => Err(ParameterError::new(
            older,
            format!("it is given beside {key}, which means the same; write one of them"),
        )),
        (None, Some(Read(old))) => Ok((older, Some(old))),
        (value, None) => Ok((key, value.map(|read| read.0))),
    }
}

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
