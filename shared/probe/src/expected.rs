//! The expected results, according to the database.

use std::collections::HashMap;

use pipeline::InstanceSettings;
use pipeline::managed::{ALL_VIEWER, Managed};
use pipeline::proof::Challenges;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use store::Serving;

/// The expected results for every domain of an instance.
#[derive(Debug, Clone)]
pub struct Expected {
    /// CloudFront's name for the distribution.
    pub distribution: String,
    /// The leaf that should be attached, DER.
    pub attached: Option<Vec<u8>>,
    /// The challenges that prove a domain in any order, by domain.
    pub challenges: HashMap<String, Challenges>,
    /// Where CloudFront fetches from.
    pub origin: String,
    /// The app sees the viewer's `Host`, and not the origin's name.
    pub forwards_host: bool,
    /// Why the edge caches nothing, if the settings say so.
    pub keeps_nothing: Option<&'static str>,
    /// The host that all others are redirected to.
    pub redirect_to: Option<String>,
    /// All requests went to one given address, so they say nothing about DNS.
    pub address_given: bool,
}

impl Expected {
    /// The expectations according to the database. `None`: there is no distribution yet.
    pub fn of(serving: &Serving, address_given: bool) -> Option<Self> {
        let chain = serving
            .certificate
            .as_ref()
            .map(|certificate| certificate.chain_pem.as_bytes());
        let leaf = chain.and_then(|pem| CertificateDer::from_pem_slice(pem).ok());
        Some(Self {
            distribution: serving.distribution_domain.clone()?,
            attached: leaf.map(|der| der.to_vec()),
            challenges: serving.challenges.iter().cloned().collect(),
            origin: serving.settings.origin.clone(),
            forwards_host: forwards_host(&serving.settings),
            keeps_nothing: keeps_nothing(&serving.settings),
            redirect_to: serving.settings.redirect_to.clone(),
            address_given,
        })
    }
}

/// The managed policies with which the app sees the viewer's `Host`: it is forwarded, or part of the cache key
/// (developer guide, "Use managed origin request policies", "Use managed cache policies").
const WITH_HOST: [&str; 5] = [
    ALL_VIEWER,
    "Managed-AllViewerAndCloudFrontHeaders-2022-06",
    "Managed-HostHeaderOnly",
    "UseOriginCacheControlHeaders",
    "UseOriginCacheControlHeaders-QueryStrings",
];

fn forwards_host(settings: &InstanceSettings) -> bool {
    let with_host = |policy: Option<Managed>| policy.is_some_and(|policy| WITH_HOST.contains(&policy.name));
    match settings.cache_policy {
        Some(_) => with_host(settings.cache_policy) || with_host(settings.origin_request_policy),
        None => settings
            .forward_headers
            .iter()
            .any(|name| name == "*" || name.eq_ignore_ascii_case("host")),
    }
}

fn keeps_nothing(settings: &InstanceSettings) -> Option<&'static str> {
    match settings.cache_policy {
        Some(policy) if policy.name == "Managed-CachingDisabled" => Some("Managed-CachingDisabled"),
        Some(_) => None,
        // All headers in the cache key disable caching (developer guide, "Cache content based on request headers").
        None if settings.forward_headers == ["*"] => Some("forward_headers *"),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use pipeline::managed::{CACHE, ORIGIN_REQUEST, named};

    use super::*;

    #[test]
    fn the_settings_say_whether_host_is_forwarded() {
        let headers = |names: &[&str]| InstanceSettings {
            forward_headers: names.iter().map(|name| (*name).to_owned()).collect(),
            ..InstanceSettings::default()
        };
        assert!(forwards_host(&headers(&["ACCEPT", "HOST"])) && forwards_host(&headers(&["*"])));
        assert!(!forwards_host(&headers(&["ACCEPT"])) && !forwards_host(&headers(&[])));
        let policies = |cache: &str, request: Option<&str>| InstanceSettings {
            cache_policy: named(cache, &CACHE),
            origin_request_policy: request.and_then(|name| named(name, &ORIGIN_REQUEST)),
            ..headers(&["HOST"])
        };
        assert!(forwards_host(&policies(
            "Managed-CachingDisabled",
            Some("Managed-AllViewer")
        )));
        assert!(forwards_host(&policies("UseOriginCacheControlHeaders", None)));
        assert!(!forwards_host(&policies("Managed-CachingOptimized", None)));
        let except = Some("Managed-AllViewerExceptHostHeader");
        assert!(!forwards_host(&policies("Managed-CachingOptimized", except)));
        for name in WITH_HOST {
            assert!(named(name, &CACHE).or(named(name, &ORIGIN_REQUEST)).is_some(), "{name}");
        }
    }
}
