//! How the resources that this broker creates in AWS are marked.

use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::{Tag, Tags};

/// The prefix of every distribution's comment.
pub const COMMENT_PREFIX: &str = "cdn-broker ";
/// The prefix of every function's name; a digest of the instance's id follows.
pub const FUNCTION_PREFIX: &str = "cdn-broker-";
/// The prefix of every IAM certificate's name; this broker's id of the certificate follows.
pub const CERTIFICATE_PREFIX: &str = "cdn-broker-";
/// Tag on distributions and certificates: the instance's id.
pub const INSTANCE_TAG: &str = "cdn-broker-instance";
/// Tag on distributions and certificates: the broker that they belong to, by the id that its database was given when it
/// was created.
pub const DEPLOYMENT_TAG: &str = "cdn-broker-deployment";
/// Tag on distributions: the tenant.
const TENANT_TAG: &str = "cdn-broker-tenant";

/// The maximum length in IAM and CloudFront.
const LONGEST_VALUE: usize = 256;

/// A text as a tag's value: at most 256 characters, with `_` for each that AWS refuses (service models: the pattern
/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]*`). For people and lists only; no resource is identified by a tag's value alone.
pub fn tag_value(text: &str) -> String {
    text.chars()
        .take(LONGEST_VALUE)
        .map(|c| {
            if c.is_alphanumeric() || " _.:/=+-@".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect()
}

/// A distribution's tags.
///
/// # Errors
/// The SDK's error for an incomplete tag; none is incomplete.
pub fn distribution_tags(instance: &str, tenant: &str, deployment: &str) -> Result<Tags, BuildError> {
    let tag = |key, value| Tag::builder().key(key).value(tag_value(value)).build();
    Ok(Tags::builder()
        .items(tag(INSTANCE_TAG, instance)?)
        .items(tag(TENANT_TAG, tenant)?)
        .items(tag(DEPLOYMENT_TAG, deployment)?)
        .build())
}

#[cfg(test)]
mod tests {
    use super::tag_value;

    #[test]
    fn a_tag_value_is_one_that_aws_takes() {
        assert_eq!(tag_value("cluster-1/name space"), "cluster-1/name space");
        assert_eq!(tag_value("a\"b<c>\n*"), "a_b_c___");
        assert_eq!(tag_value(&"ü".repeat(300)).chars().count(), 256);
    }
}
