//! All parameters.
// An omission here doesn't compile, even in builds that only print warnings.
#![deny(dead_code, unused_variables)]

pub(crate) mod cache_policy;
pub(crate) mod compress;
pub(crate) mod default_ttl;
pub(crate) mod domains;
pub(crate) mod error_responses;
pub(crate) mod failover_origin;
pub(crate) mod forward_cookies;
pub(crate) mod forward_headers;
pub(crate) mod http3;
pub(crate) mod insecure_origin;
pub(crate) mod notify;
pub(crate) mod origin;
pub(crate) mod origin_request_policy;
pub(crate) mod path;
pub(crate) mod price_class;
pub(crate) mod redirect_to;
pub(crate) mod response_headers_policy;

use std::sync::LazyLock;

use pipeline::InstanceSettings;

use crate::key::KeyRow;
use crate::parameter::Parameter;

pub use domains::MOST as MOST_DOMAINS;
pub use notify::NAME as NOTIFY;

/// In the order in which a request is validated and a configuration is written, each with the field of the settings
/// that it sets.
pub(crate) static ALL: LazyLock<[&'static dyn Parameter; 17]> = LazyLock::new(|| {
    // No `..`: a field that no parameter sets doesn't compile.
    let InstanceSettings {
        origin,
        failover_origin,
        cache_policy,
        origin_request_policy,
        forward_headers,
        forward_cookies,
        default_ttl,
        path,
        insecure_origin,
        response_headers_policy,
        error_responses,
        price_class,
        compress,
        http3,
        redirect_to,
        // The plan's fields: no user sets or reads them.
        access_logs: _,
        certificate_key_type: _,
        certificate_authorities: _,
    } = InstanceSettings::default();
    [
        // Not among the settings: an instance stores its domains separately.
        sets(&domains::Domains, ()),
        sets(&origin::Origin, origin),
        sets(&failover_origin::FailoverOrigin, failover_origin),
        sets(&cache_policy::CachePolicy, cache_policy),
        sets(&origin_request_policy::OriginRequestPolicy, origin_request_policy),
        sets(&forward_headers::ForwardHeaders, forward_headers),
        sets(&forward_cookies::ForwardCookies, forward_cookies),
        sets(&default_ttl::DefaultTtl, default_ttl),
        sets(&path::Path, path),
        sets(&insecure_origin::InsecureOrigin, insecure_origin),
        sets(&response_headers_policy::ResponseHeadersPolicy, response_headers_policy),
        sets(&error_responses::ErrorResponses, error_responses),
        sets(&price_class::PriceClassParameter, price_class),
        sets(&compress::Compress, compress),
        sets(&http3::Http3, http3),
        sets(&redirect_to::RedirectTo, redirect_to),
        // Not among the settings: the store has whom an instance tells what.
        sets(&notify::NotifyParameter, ()),
    ]
});

fn sets<T>(parameter: &'static dyn Parameter, _field: T) -> &'static dyn Parameter {
    parameter
}

/// The keys of all parameters.
pub(crate) fn keys() -> impl Iterator<Item = &'static KeyRow> {
    ALL.iter().flat_map(|parameter| parameter.keys())
}
