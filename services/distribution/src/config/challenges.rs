//! Routes the CA's challenge requests to broker-api: by plain HTTP, as RFC 8555 §8.3 requires, and never from a cache.

use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::{
    CacheBehavior, CacheBehaviors, CustomHeaders, DistributionConfig, LambdaFunctionAssociations, Method,
    TrustedSigners, ViewerProtocolPolicy,
};
use parameters::cloudfront::methods::{methods, put_methods};
use parameters::cloudfront::origins::{USERS_ORIGIN, find, put_host, put_protocol};
use parameters::cloudfront::quantity;
use pipeline::managed::CACHING_DISABLED;
use pipeline::proof::{CHALLENGE_PATH, responder_origin_path};
use worker::Responder;

const RESPONDER: &str = "acme-responder";
const METHODS: [Method; 2] = [Method::Get, Method::Head];

/// The responder's origin and the behavior that leads there.
pub(super) fn put(config: &mut DistributionConfig, responder: &Responder, tenant: &str) -> Result<(), BuildError> {
    put_origin(config, responder, tenant)?;
    put_behavior(config)
}

fn put_origin(config: &mut DistributionConfig, responder: &Responder, tenant: &str) -> Result<(), BuildError> {
    let is_new = find(config, RESPONDER).is_none();
    let origin = put_host(config, RESPONDER, &responder.host, USERS_ORIGIN)?;
    origin.origin_path = Some(responder_origin_path(tenant));
    put_protocol(origin, responder.secure, Some(responder.port))?;
    if is_new && let Some(headers) = &mut origin.custom_headers {
        // They may contain a secret for the user's origin.
        *headers = CustomHeaders::builder().quantity(0).build()?;
    }
    Ok(())
}

/// Placed first: it must take precedence over any path that somebody added. Other behaviors are preserved.
#[expect(deprecated, reason = "others may have put forwarded values there")]
fn put_behavior(config: &mut DistributionConfig) -> Result<(), BuildError> {
    let all = config.cache_behaviors.as_ref();
    let mut all = all.map(|all| all.items().to_vec()).unwrap_or_default();
    let wanted = behavior()?;
    let ours = match all.iter().position(|one| one.path_pattern == wanted.path_pattern) {
        Some(at) => {
            let mut ours = all.remove(at);
            ours.target_origin_id = wanted.target_origin_id;
            ours.viewer_protocol_policy = wanted.viewer_protocol_policy;
            ours.compress = wanted.compress;
            ours.cache_policy_id = wanted.cache_policy_id;
            ours.origin_request_policy_id = None;
            ours.forwarded_values = None;
            (ours.min_ttl, ours.default_ttl, ours.max_ttl) = (None, None, None);
            put_methods(&mut ours.allowed_methods, &METHODS)?;
            ours
        }
        None => wanted,
    };
    all.insert(0, ours);
    config.cache_behaviors = Some(
        CacheBehaviors::builder()
            .quantity(quantity(&all))
            .set_items(Some(all))
            .build()?,
    );
    Ok(())
}

/// CloudFront's flat-rate plans don't support forwarded values, so a managed policy disables caching. The behavior
/// contains every field that an update requires (developer guide, "Required fields for creating and updating
/// distributions"), since an update may have to add it.
pub(super) fn behavior() -> Result<CacheBehavior, BuildError> {
    CacheBehavior::builder()
        .path_pattern(format!("{CHALLENGE_PATH}*"))
        .target_origin_id(RESPONDER)
        .viewer_protocol_policy(ViewerProtocolPolicy::AllowAll)
        .allowed_methods(methods(&METHODS)?)
        .compress(false)
        .cache_policy_id(CACHING_DISABLED.id)
        .smooth_streaming(false)
        .field_level_encryption_id("")
        .trusted_signers(TrustedSigners::builder().enabled(false).quantity(0).build()?)
        .lambda_function_associations(LambdaFunctionAssociations::builder().quantity(0).build()?)
        .build()
}
