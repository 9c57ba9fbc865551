//! Configurations as a client would create them.

use aws_sdk_cloudfront::types::{
    Aliases, AllowedMethods, CacheBehavior, CacheBehaviors, CachedMethods, CookiePreference, CustomOriginConfig,
    DefaultCacheBehavior, DistributionConfig, ForwardedValues, Headers, ItemSelection, Method, MinimumProtocolVersion,
    Origin, OriginProtocolPolicy, Origins, SslSupportMethod, ViewerCertificate, ViewerProtocolPolicy,
};

pub(crate) const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
pub(crate) const CACHING_OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
pub(crate) const ALL_VIEWER: &str = "216adef6-5c7f-47e4-b989-5492eafa07d3";
pub(crate) const ALL_VIEWER_EXCEPT_HOST: &str = "b689b0a8-53d0-40ab-baf2-68738e2966ac";

/// A custom origin.
pub(crate) fn origin(id: &str, domain: &str) -> Origin {
    let custom = CustomOriginConfig::builder()
        .http_port(80)
        .https_port(443)
        .origin_protocol_policy(OriginProtocolPolicy::HttpOnly);
    Origin::builder()
        .id(id)
        .domain_name(domain)
        .custom_origin_config(custom.build().unwrap())
        .build()
        .unwrap()
}

/// Forwarded values: these headers, no cookies, no query strings.
pub(crate) fn forwarded(headers: &[&str]) -> ForwardedValues {
    let names = headers.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let listed = Headers::builder()
        .quantity(names.len() as i32)
        .set_items((!names.is_empty()).then_some(names));
    ForwardedValues::builder()
        .query_string(false)
        .cookies(
            CookiePreference::builder()
                .forward(ItemSelection::None)
                .build()
                .unwrap(),
        )
        .headers(listed.build().unwrap())
        .build()
        .unwrap()
}

/// The smallest configuration that create accepts: one origin, forwarded values.
pub(crate) fn minimal(reference: &str) -> DistributionConfig {
    let behaviour = DefaultCacheBehavior::builder()
        .target_origin_id("app")
        .viewer_protocol_policy(ViewerProtocolPolicy::AllowAll)
        .forwarded_values(forwarded(&[]))
        .min_ttl(0);
    DistributionConfig::builder()
        .caller_reference(reference)
        .comment("")
        .enabled(true)
        .origins(
            Origins::builder()
                .quantity(1)
                .items(origin("app", "origin.example.org"))
                .build()
                .unwrap(),
        )
        .default_cache_behavior(behaviour.build().unwrap())
        .build()
        .unwrap()
}

/// Aliases of these names.
pub(crate) fn aliases(names: &[&str]) -> Aliases {
    let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    Aliases::builder()
        .quantity(names.len() as i32)
        .set_items((!names.is_empty()).then_some(names))
        .build()
        .unwrap()
}

/// An IAM certificate for SNI.
pub(crate) fn iam_certificate(id: &str) -> ViewerCertificate {
    ViewerCertificate::builder()
        .iam_certificate_id(id)
        .ssl_support_method(SslSupportMethod::SniOnly)
        .minimum_protocol_version(MinimumProtocolVersion::TlSv122021)
        .build()
}

/// Minimal with aliases and a certificate.
pub(crate) fn with_certificate(reference: &str, names: &[&str], certificate: &str) -> DistributionConfig {
    let mut config = minimal(reference);
    config.aliases = Some(aliases(names));
    config.viewer_certificate = Some(iam_certificate(certificate));
    config
}

/// All seven methods allowed, reads cached.
pub(crate) fn all_methods() -> AllowedMethods {
    let all = [
        Method::Get,
        Method::Head,
        Method::Options,
        Method::Put,
        Method::Post,
        Method::Patch,
        Method::Delete,
    ];
    methods(&all, &[Method::Get, Method::Head])
}

/// These methods allowed, those cached.
pub(crate) fn methods(allowed: &[Method], cached: &[Method]) -> AllowedMethods {
    let cached = CachedMethods::builder()
        .quantity(cached.len() as i32)
        .set_items(Some(cached.to_vec()))
        .build()
        .unwrap();
    AllowedMethods::builder()
        .quantity(allowed.len() as i32)
        .set_items(Some(allowed.to_vec()))
        .cached_methods(cached)
        .build()
        .unwrap()
}

/// A behaviour for a pattern that caches nothing.
pub(crate) fn behaviour(pattern: &str, target: &str) -> CacheBehavior {
    CacheBehavior::builder()
        .path_pattern(pattern)
        .target_origin_id(target)
        .viewer_protocol_policy(ViewerProtocolPolicy::AllowAll)
        .cache_policy_id(CACHING_DISABLED)
        .build()
        .unwrap()
}

/// A list of behaviours.
pub(crate) fn behaviours(items: Vec<CacheBehavior>) -> CacheBehaviors {
    CacheBehaviors::builder()
        .quantity(items.len() as i32)
        .set_items(Some(items))
        .build()
        .unwrap()
}

/// A list of origins.
pub(crate) fn origins(items: Vec<Origin>) -> Origins {
    Origins::builder()
        .quantity(items.len() as i32)
        .set_items(Some(items))
        .build()
        .unwrap()
}

/// Mutable access to the default behaviour.
pub(crate) fn default_behaviour(config: &mut DistributionConfig) -> &mut DefaultCacheBehavior {
    config.default_cache_behavior.as_mut().unwrap()
}

/// Makes the default behaviour use managed policies.
pub(crate) fn by_policies(config: &mut DistributionConfig, cache: &str, origin_request: Option<&str>) {
    let behaviour = default_behaviour(config);
    behaviour.forwarded_values = None;
    behaviour.min_ttl = None;
    behaviour.cache_policy_id = Some(cache.to_owned());
    behaviour.origin_request_policy_id = origin_request.map(str::to_owned);
}
