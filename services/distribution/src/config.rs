//! The distribution's configuration, as a pure function of the instance and the settings.

use aws::COMMENT_PREFIX;
use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::{
    Aliases, AllowedMethods, CacheBehavior, CacheBehaviors, CachedMethods, CookieNames, CookiePreference,
    CustomOriginConfig, DefaultCacheBehavior, DistributionConfig, ForwardedValues, Headers, HttpVersion, ItemSelection,
    Method, Origin, OriginProtocolPolicy, OriginSslProtocols, Origins, PriceClass, SslProtocol, ViewerCertificate,
    ViewerProtocolPolicy,
};
use pipeline::domain::{CHALLENGE_PATH, responder_origin_path};
use pipeline::instance::Cookies;
use store::Instance;

use crate::settings::Responder;

const USERS_ORIGIN: &str = "origin";
const RESPONDER: &str = "acme-responder";
/// CloudFront's longest comment, in characters (service model).
const LONGEST_COMMENT: usize = 128;
/// CloudFront's own defaults.
const DEFAULT_TTL: i64 = 86_400;
const MAX_TTL: i64 = 31_536_000;

/// The comment by which an instance's distribution is found in a list.
pub(crate) fn comment(instance: &str) -> String {
    let whole = format!("{COMMENT_PREFIX}{instance}");
    if whole.chars().count() <= LONGEST_COMMENT {
        return whole;
    }
    let hash: String = digest(&SHA256, instance.as_bytes())
        .as_ref()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let begin: String = whole.chars().take(LONGEST_COMMENT - 1 - hash.len()).collect();
    format!("{begin}~{hash}")
}

/// What a new distribution of the instance is like. No aliases yet: they need the certificate that is attached.
pub(crate) fn distribution_config(
    instance: &Instance,
    responder: &Responder,
    price_class: PriceClass,
) -> Result<DistributionConfig, BuildError> {
    let settings = &instance.settings;
    let users_origin = origin(
        USERS_ORIGIN,
        &settings.origin,
        &settings.path,
        custom_origin(!settings.insecure_origin, None)?,
    )?;
    let responder_origin = origin(
        RESPONDER,
        &responder.host,
        &responder_origin_path(&instance.tenant),
        custom_origin(responder.secure, Some(responder.port))?,
    )?;
    DistributionConfig::builder()
        .caller_reference(&instance.id)
        .comment(comment(&instance.id))
        .enabled(true)
        .is_ipv6_enabled(true)
        .http_version(HttpVersion::Http2)
        .price_class(price_class)
        .aliases(Aliases::builder().quantity(0).build()?)
        .viewer_certificate(
            ViewerCertificate::builder()
                .cloud_front_default_certificate(true)
                .build(),
        )
        .origins(
            Origins::builder()
                .quantity(2)
                .items(users_origin)
                .items(responder_origin)
                .build()?,
        )
        .default_cache_behavior(default_behavior(instance)?)
        .cache_behaviors(
            CacheBehaviors::builder()
                .quantity(1)
                .items(challenge_behavior()?)
                .build()?,
        )
        .build()
}

fn origin(id: &str, host: &str, path: &str, custom: CustomOriginConfig) -> Result<Origin, BuildError> {
    Origin::builder()
        .id(id)
        .domain_name(host)
        .origin_path(path)
        .custom_origin_config(custom)
        .build()
}

/// `port` is for the chosen scheme; the other one, which is not used, keeps its own.
fn custom_origin(secure: bool, port: Option<u16>) -> Result<CustomOriginConfig, BuildError> {
    let (http, https) = if secure {
        (80, port.unwrap_or(443))
    } else {
        (port.unwrap_or(80), 443)
    };
    CustomOriginConfig::builder()
        .http_port(http.into())
        .https_port(https.into())
        .origin_protocol_policy(if secure {
            OriginProtocolPolicy::HttpsOnly
        } else {
            OriginProtocolPolicy::HttpOnly
        })
        .origin_ssl_protocols(
            OriginSslProtocols::builder()
                .quantity(1)
                .items(SslProtocol::TlSv12)
                .build()?,
        )
        .origin_read_timeout(30)
        .origin_keepalive_timeout(5)
        .build()
}

#[expect(
    deprecated,
    reason = "ForwardedValues needs no cache policy per set of headers; an account has 20 of those"
)]
fn default_behavior(instance: &Instance) -> Result<DefaultCacheBehavior, BuildError> {
    let settings = &instance.settings;
    DefaultCacheBehavior::builder()
        .target_origin_id(USERS_ORIGIN)
        .viewer_protocol_policy(ViewerProtocolPolicy::RedirectToHttps)
        .allowed_methods(methods(&[
            Method::Get,
            Method::Head,
            Method::Options,
            Method::Put,
            Method::Patch,
            Method::Post,
            Method::Delete,
        ])?)
        .compress(true)
        .forwarded_values(
            ForwardedValues::builder()
                .query_string(true)
                .cookies(cookies(&settings.forward_cookies)?)
                .headers(headers(&settings.forward_headers)?)
                .build()?,
        )
        .min_ttl(0)
        .default_ttl(DEFAULT_TTL)
        .max_ttl(MAX_TTL)
        .build()
}

/// The CA's look at a challenge goes to broker-api: by plain HTTP, as RFC 8555 §8.3 asks, and never from a cache.
#[expect(
    deprecated,
    reason = "ForwardedValues needs no cache policy per set of headers; an account has 20 of those"
)]
fn challenge_behavior() -> Result<CacheBehavior, BuildError> {
    CacheBehavior::builder()
        .path_pattern(format!("{CHALLENGE_PATH}*"))
        .target_origin_id(RESPONDER)
        .viewer_protocol_policy(ViewerProtocolPolicy::AllowAll)
        .allowed_methods(methods(&[Method::Get, Method::Head])?)
        .compress(false)
        .forwarded_values(
            ForwardedValues::builder()
                .query_string(false)
                .cookies(cookies(&Cookies::None)?)
                .headers(headers(&[])?)
                .build()?,
        )
        .min_ttl(0)
        .default_ttl(0)
        .max_ttl(0)
        .build()
}

fn methods(allowed: &[Method]) -> Result<AllowedMethods, BuildError> {
    AllowedMethods::builder()
        .quantity(quantity(allowed))
        .set_items(Some(allowed.to_vec()))
        .cached_methods(
            CachedMethods::builder()
                .quantity(2)
                .items(Method::Get)
                .items(Method::Head)
                .build()?,
        )
        .build()
}

fn headers(names: &[String]) -> Result<Headers, BuildError> {
    Headers::builder()
        .quantity(quantity(names))
        .set_items((!names.is_empty()).then(|| names.to_vec()))
        .build()
}

fn cookies(cookies: &Cookies) -> Result<CookiePreference, BuildError> {
    let builder = CookiePreference::builder();
    match cookies {
        Cookies::All => builder.forward(ItemSelection::All),
        Cookies::Only(names) if !names.is_empty() => builder.forward(ItemSelection::Whitelist).whitelisted_names(
            CookieNames::builder()
                .quantity(quantity(names))
                .set_items(Some(names.clone()))
                .build()?,
        ),
        // A list without names is no cookie; CloudFront wants at least one in a list.
        Cookies::None | Cookies::Only(_) => builder.forward(ItemSelection::None),
    }
    .build()
}

/// Every `Quantity` must equal the number of items (docs/aws-rules.md).
fn quantity<T>(items: &[T]) -> i32 {
    i32::try_from(items.len()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
