//! The distribution's configuration, as a pure function of the instance and the settings.

mod logging;
mod owned;

use aws::{COMMENT_PREFIX, FAILOVER_ORIGIN, USERS_ORIGIN};
use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::{
    Aliases, AllowedMethods, CacheBehavior, CacheBehaviors, CachedMethods, CookieNames, CookiePreference,
    CustomErrorResponse, CustomErrorResponses, CustomOriginConfig, DefaultCacheBehavior, DistributionConfig, EventType,
    ForwardedValues, FunctionAssociation, FunctionAssociations, Headers, HttpVersion, ItemSelection,
    LambdaFunctionAssociations, Method, Origin, OriginGroup, OriginGroupFailoverCriteria, OriginGroupMember,
    OriginGroupMembers, OriginGroups, OriginProtocolPolicy, OriginSslProtocols, Origins, PriceClass,
    QueryStringCacheKeys, SslProtocol, StatusCodes, TrustedSigners, ViewerCertificate, ViewerProtocolPolicy,
};
use pipeline::domain::{CHALLENGE_PATH, responder_origin_path};
use pipeline::instance::{Cookies, Settings};
use pipeline::managed::CACHING_DISABLED;
use store::Instance;

pub(crate) use logging::switch_off;
pub(crate) use owned::{function_in, put_into};

use crate::settings::Responder;
use crate::short_digest::short_digest;

const FAILOVER_GROUP: &str = "origin-with-failover";
const RESPONDER: &str = "acme-responder";
/// CloudFront's longest comment, in characters (service model).
const LONGEST_COMMENT: usize = 128;
/// CloudFront's own default.
const MAX_TTL: i64 = 31_536_000;
/// When the failover origin is asked: the origin is broken, not the request. Unreachable and too slow are meant anyway.
const FAILOVER_ON: [i32; 4] = [500, 502, 503, 504];
/// How long a page for an error is kept: CloudFront's own default, in seconds.
const ERROR_TTL: i64 = 10;

/// The comment by which an instance's distribution is found in a list.
pub(crate) fn comment(instance: &str) -> String {
    let whole = format!("{COMMENT_PREFIX}{instance}");
    if whole.chars().count() <= LONGEST_COMMENT {
        return whole;
    }
    let hash = short_digest(instance);
    let begin: String = whole.chars().take(LONGEST_COMMENT - 1 - hash.len()).collect();
    format!("{begin}~{hash}")
}

/// What a new distribution of the instance is like, but for aliases and certificate, which `aws::Viewer` puts in together.
/// `function` is the ARN of the one that redirects, if there is to be one.
pub(crate) fn distribution_config(
    instance: &Instance,
    responder: &Responder,
    price_class: PriceClass,
    function: Option<&str>,
) -> Result<DistributionConfig, BuildError> {
    let settings = &instance.settings;
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
        .http_version(if settings.http3 {
            HttpVersion::Http2and3
        } else {
            HttpVersion::Http2
        })
        .price_class(settings.price_class.map_or(price_class, |own| own.as_str().into()))
        .aliases(Aliases::builder().quantity(0).build()?)
        .viewer_certificate(
            ViewerCertificate::builder()
                .cloud_front_default_certificate(true)
                .build(),
        )
        .origins(origins(settings, responder_origin)?)
        .set_origin_groups(origin_groups(settings)?)
        .custom_error_responses(error_responses(settings)?)
        .set_logging(
            settings
                .access_logs
                .as_ref()
                .map(|logs| logging::logging(logs, &instance.id)),
        )
        .default_cache_behavior(default_behavior(settings, function)?)
        .cache_behaviors(
            CacheBehaviors::builder()
                .quantity(1)
                .items(challenge_behavior()?)
                .build()?,
        )
        .build()
}

fn origins(settings: &Settings, responder: Origin) -> Result<Origins, BuildError> {
    let of_user = |id, host: &str| {
        let custom = custom_origin(!settings.insecure_origin, None)?;
        origin(id, host, &settings.path, custom)
    };
    let mut all = vec![of_user(USERS_ORIGIN, &settings.origin)?, responder];
    if let Some(failover) = &settings.failover_origin {
        all.push(of_user(FAILOVER_ORIGIN, failover)?);
    }
    Origins::builder().quantity(quantity(&all)).set_items(Some(all)).build()
}

/// The origin with another one behind it (developer guide, "Optimize high availability with CloudFront origin failover").
fn origin_groups(settings: &Settings) -> Result<Option<OriginGroups>, BuildError> {
    if settings.failover_origin.is_none() {
        return Ok(None);
    }
    let member = |id| OriginGroupMember::builder().origin_id(id).build();
    let group = OriginGroup::builder()
        .id(FAILOVER_GROUP)
        .members(
            OriginGroupMembers::builder()
                .quantity(2)
                .items(member(USERS_ORIGIN)?)
                .items(member(FAILOVER_ORIGIN)?)
                .build()?,
        )
        .failover_criteria(
            OriginGroupFailoverCriteria::builder()
                .status_codes(
                    StatusCodes::builder()
                        .quantity(quantity(&FAILOVER_ON))
                        .set_items(Some(FAILOVER_ON.to_vec()))
                        .build()?,
                )
                .build(),
        )
        .build()?;
    Ok(Some(OriginGroups::builder().quantity(1).items(group).build()?))
}

fn error_responses(settings: &Settings) -> Result<CustomErrorResponses, BuildError> {
    let pages = settings
        .error_responses
        .iter()
        .map(|(code, path)| {
            CustomErrorResponse::builder()
                .error_code((*code).into())
                .response_page_path(path)
                .response_code(code.to_string())
                .error_caching_min_ttl(ERROR_TTL)
                .build()
        })
        .collect::<Result<Vec<_>, _>>()?;
    CustomErrorResponses::builder()
        .quantity(quantity(&pages))
        .set_items((!pages.is_empty()).then_some(pages))
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
fn default_behavior(settings: &Settings, function: Option<&str>) -> Result<DefaultCacheBehavior, BuildError> {
    let behavior = DefaultCacheBehavior::builder()
        .viewer_protocol_policy(ViewerProtocolPolicy::RedirectToHttps)
        .compress(settings.compress)
        .set_function_associations(function.map(redirecting).transpose()?)
        .set_response_headers_policy_id(settings.response_headers_policy.map(|policy| policy.id.to_owned()));
    let behavior = if settings.failover_origin.is_some() {
        // CloudFront takes no other methods for an origin group: it could not send a body twice.
        behavior.target_origin_id(FAILOVER_GROUP).allowed_methods(methods(&[
            Method::Get,
            Method::Head,
            Method::Options,
        ])?)
    } else {
        behavior.target_origin_id(USERS_ORIGIN).allowed_methods(methods(&[
            Method::Get,
            Method::Head,
            Method::Options,
            Method::Put,
            Method::Patch,
            Method::Post,
            Method::Delete,
        ])?)
    };
    // Either a policy or forwarded values and times, never both (docs/aws-rules.md).
    if let Some(policy) = &settings.cache_policy {
        return behavior
            .cache_policy_id(policy.id)
            .set_origin_request_policy_id(settings.origin_request_policy.map(|policy| policy.id.to_owned()))
            .build();
    }
    behavior
        .forwarded_values(
            ForwardedValues::builder()
                .query_string(true)
                .query_string_cache_keys(QueryStringCacheKeys::builder().quantity(0).build()?)
                .cookies(cookies(&settings.forward_cookies)?)
                .headers(headers(&settings.forward_headers)?)
                .build()?,
        )
        .min_ttl(0)
        .default_ttl(settings.default_ttl.into())
        .max_ttl(MAX_TTL)
        .build()
}

/// Before anything else of a request. Only here: a challenge must be answered under every name.
fn redirecting(function: &str) -> Result<FunctionAssociations, BuildError> {
    let association = FunctionAssociation::builder()
        .function_arn(function)
        .event_type(EventType::ViewerRequest)
        .build()?;
    FunctionAssociations::builder().quantity(1).items(association).build()
}

/// The CA's look at a challenge goes to broker-api: by plain HTTP, as RFC 8555 §8.3 asks, and never from a cache. CloudFront's flat-rate
/// plans take no forwarded values, so a managed policy says it. It names all that an
/// update must name (developer guide, "Required fields for creating and updating distributions"), since an update may have to add it.
fn challenge_behavior() -> Result<CacheBehavior, BuildError> {
    CacheBehavior::builder()
        .path_pattern(format!("{CHALLENGE_PATH}*"))
        .target_origin_id(RESPONDER)
        .viewer_protocol_policy(ViewerProtocolPolicy::AllowAll)
        .allowed_methods(methods(&[Method::Get, Method::Head])?)
        .compress(false)
        .cache_policy_id(CACHING_DISABLED.id)
        .smooth_streaming(false)
        .field_level_encryption_id("")
        .trusted_signers(TrustedSigners::builder().enabled(false).quantity(0).build()?)
        .lambda_function_associations(LambdaFunctionAssociations::builder().quantity(0).build()?)
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
