//! Standard logging (legacy): the bucket for a distribution's logs. No log is ever written.
//!
//! Sources: API reference, LoggingConfig; Developer Guide, "Configure standard logging (legacy)"; messages quoted in
//! public reports (terraform issues 9176 and 24962, aws-cdk issue 33297, baseline-environment-on-aws issue 363).

use super::errors::{invalid, refuse};
use crate::access::AccessKey;
use crate::error::Answer;
use crate::policy::Asked;
use crate::state::World;
use crate::xml::Element;

/// The properties of an S3 bucket of the account that matter for logs.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Bucket {
    /// Whether ACLs are enabled; since April 2023 S3 disables them by default.
    pub acls: bool,
}

const RIGHTS: [&str; 2] = ["s3:GetBucketAcl", "s3:PutBucketAcl"];

/// The required members when logging is enabled; when it is disabled, "the values are automatically deleted".
pub fn normalize(config: &mut Element) -> Answer<()> {
    let Some(logging) = config.child_mut("Logging") else {
        return Ok(());
    };
    if !logging.is_true("Enabled") {
        for (name, text) in [
            ("Enabled", "false"),
            ("IncludeCookies", "false"),
            ("Bucket", ""),
            ("Prefix", ""),
        ] {
            logging.set(Element::leaf(name, text));
        }
        return Ok(());
    }
    if let Some(missing) = ["IncludeCookies", "Bucket", "Prefix"]
        .iter()
        .find(|name| logging.child(name).is_none())
    {
        return Err(invalid(format!("The parameter Logging {missing} is required.")));
    }
    match bucket_of(logging.text_at("Bucket").unwrap_or_default()) {
        Some(_) => Ok(()),
        None => Err(invalid(
            "The parameter Logging Bucket does not refer to a valid S3 bucket.",
        )),
    }
}

/// Checks that the bucket can receive logs, with the caller's rights: at every write, also when the bucket is
/// unchanged.
pub fn check_bucket(world: &World, key: &AccessKey, config: &Element) -> Answer<()> {
    if !config.is_true("Logging/Enabled") {
        return Ok(());
    }
    let domain = config.text_at("Logging/Bucket").unwrap_or_default();
    let name = bucket_of(domain).unwrap_or_default();
    let Some(bucket) = world.buckets.get(name) else {
        return Err(invalid(format!(
            "The S3 bucket that you specified for CloudFront logs doesn't exist: {domain}"
        )));
    };
    let arn = format!("arn:aws:s3:::{name}");
    if RIGHTS.iter().any(|right| !key.may(&Asked::on(*right, &arn))) {
        return Err(refuse(
            "AccessDenied",
            format!(
                "You don't have permission to access the S3 bucket for CloudFront logs: {domain} If you're using IAM, you \
                 need s3:GetBucketAcl and s3:PutBucketAcl permissions to create a distribution or to update log settings \
                 for an existing distribution. In addition, the S3 ACL for the bucket must grant you FULL_CONTROL."
            ),
        ));
    }
    if !bucket.acls {
        return Err(invalid(format!(
            "The S3 bucket that you specified for CloudFront logs does not enable ACL access: {domain}"
        )));
    }
    Ok(())
}

/// The bucket name in `name.s3.amazonaws.com` or `name.s3.region.amazonaws.com`.
fn bucket_of(domain: &str) -> Option<&str> {
    let rest = domain.strip_suffix(".amazonaws.com")?;
    let name = match rest.strip_suffix(".s3") {
        Some(name) => name,
        None => rest.rsplit_once('.')?.0.strip_suffix(".s3")?,
    };
    (!name.is_empty()).then_some(name)
}
