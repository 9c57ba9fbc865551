//! The doctor's requests to AWS: for objects that don't exist, and for objects that can't be created.

use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::{
    CustomOriginConfig, DefaultCacheBehavior, DistributionConfig, Origin, OriginProtocolPolicy, Origins,
    ViewerProtocolPolicy,
};

use crate::check::{Probe, Tried};
use crate::failure::{Failure, Peer};
use crate::identity::COMMENT_PREFIX;

/// A well-formed distribution id that does not exist.
pub const NO_DISTRIBUTION: &str = "EDOCTOR0000000";
/// A version that no distribution has.
const NO_ETAG: &str = "EDOCTOR0000000";
/// CloudFront's complaints about [`impossible_config`], or about objects that don't exist.
pub const INPUT_REFUSED: &[&str] = &[
    "NoSuchOrigin",
    "NoSuchDistribution",
    "InvalidArgument",
    "InvalidIfMatchVersion",
    "PreconditionFailed",
];

/// A configuration that CloudFront can't accept: its requests go to an origin that it doesn't define. If CloudFront
/// accepted it, it would be disabled and without a domain.
///
/// # Errors
/// None is possible; the SDK's builders declare one.
pub fn impossible_config() -> Result<DistributionConfig, BuildError> {
    let origin = Origin::builder()
        .id("one")
        .domain_name("origin.example.com")
        .custom_origin_config(
            CustomOriginConfig::builder()
                .http_port(80)
                .https_port(443)
                .origin_protocol_policy(OriginProtocolPolicy::HttpsOnly)
                .build()?,
        )
        .build()?;
    DistributionConfig::builder()
        .caller_reference("cdn-broker-doctor")
        .comment(format!("{COMMENT_PREFIX}doctor"))
        .enabled(false)
        .origins(Origins::builder().quantity(1).items(origin).build()?)
        .default_cache_behavior(
            DefaultCacheBehavior::builder()
                .target_origin_id("another")
                .viewer_protocol_policy(ViewerProtocolPolicy::HttpsOnly)
                .build()?,
        )
        .build()
}

/// `GetDistribution` of a distribution that doesn't exist.
pub fn try_get(client: &Client) -> Probe {
    let client = client.clone();
    Probe::new(Peer::CloudFront, "GetDistribution", INPUT_REFUSED, move || {
        client.get_distribution().id(NO_DISTRIBUTION).send()
    })
}

/// `GetDistributionConfig` of a distribution that doesn't exist.
pub fn try_get_config(client: &Client) -> Probe {
    let client = client.clone();
    Probe::new(Peer::CloudFront, "GetDistributionConfig", INPUT_REFUSED, move || {
        client.get_distribution_config().id(NO_DISTRIBUTION).send()
    })
}

/// `UpdateDistribution` of a distribution that doesn't exist.
pub fn try_update(client: &Client) -> Probe {
    const ACTION: &str = "UpdateDistribution";
    let client = client.clone();
    Probe::by(Peer::CloudFront, ACTION, INPUT_REFUSED, move || {
        let call = client.update_distribution().id(NO_DISTRIBUTION).if_match(NO_ETAG);
        async move {
            let config = impossible_config().map_err(|_| Failure::incomplete(Peer::CloudFront, ACTION, "input"))?;
            let answer = call.distribution_config(config).send().await;
            answer
                .map(|_| Tried::Harmless)
                .map_err(|error| Failure::new(Peer::CloudFront, ACTION, &error))
        }
    })
    .only_ours()
}

/// `DeleteDistribution` of a distribution that doesn't exist.
pub fn try_delete(client: &Client) -> Probe {
    let client = client.clone();
    Probe::new(Peer::CloudFront, "DeleteDistribution", INPUT_REFUSED, move || {
        client
            .delete_distribution()
            .id(NO_DISTRIBUTION)
            .if_match(NO_ETAG)
            .send()
    })
    .only_ours()
}
