//! What the doctor asks AWS for: nothing that is there, and nothing that could be made.

use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::{
    CustomOriginConfig, DefaultCacheBehavior, DistributionConfig, Origin, OriginProtocolPolicy, Origins,
    ViewerProtocolPolicy,
};

use crate::check::{Probe, Tried};
use crate::failure::{Failure, Peer};
use crate::identity::COMMENT_PREFIX;

/// The id of a distribution, well-formed, that nobody has.
pub const NO_DISTRIBUTION: &str = "EDOCTOR0000000";
/// A version that no distribution has.
const NO_ETAG: &str = "EDOCTOR0000000";
/// What CloudFront complains of in [`impossible_config`], or about what isn't there.
pub const INPUT_REFUSED: &[&str] = &[
    "NoSuchOrigin",
    "NoSuchDistribution",
    "InvalidArgument",
    "InvalidIfMatchVersion",
    "PreconditionFailed",
];

/// A configuration that CloudFront can't take: its requests are for an origin that it doesn't have. And would it, then
/// it were disabled and without a domain.
///
/// # Errors
/// None that could be; the SDK's builders say so.
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

/// `GetDistribution` of what isn't there.
pub fn try_get(client: &Client) -> Probe {
    let client = client.clone();
    Probe::new(Peer::CloudFront, "GetDistribution", INPUT_REFUSED, move || {
        client.get_distribution().id(NO_DISTRIBUTION).send()
    })
}

/// `GetDistributionConfig` of what isn't there.
pub fn try_get_config(client: &Client) -> Probe {
    let client = client.clone();
    Probe::new(Peer::CloudFront, "GetDistributionConfig", INPUT_REFUSED, move || {
        client.get_distribution_config().id(NO_DISTRIBUTION).send()
    })
}

/// `UpdateDistribution` of what isn't there.
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

/// `DeleteDistribution` of what isn't there.
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
