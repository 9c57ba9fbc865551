//! Access logs go to the bucket of the plan. If the plan has no setting, logs that were set up by hand are preserved.

use aws_sdk_cloudfront::types::{DistributionConfig, LoggingConfig};
use pipeline::AccessLogs;

/// Applies the plan's setting. Logging that a plan has set is recognized by the instance's id in it, and is removed
/// with the plan's setting.
pub(super) fn put(there: &mut DistributionConfig, wanted: Option<&AccessLogs>, instance: &str) {
    let ours = |logs: &LoggingConfig| logs.enabled && AccessLogs::is_prefix_of(&logs.prefix, instance);
    if let Some(logs) = wanted {
        there.logging = Some(
            LoggingConfig::builder()
                .enabled(true)
                .bucket(&logs.bucket)
                .prefix(logs.prefix_of(instance))
                .include_cookies(logs.include_cookies)
                .build(),
        );
    } else if there.logging.as_ref().is_some_and(ours) {
        there.logging = Some(off());
    }
}

/// Disables the distribution, and its logs with it: CloudFront checks the bucket at every write, and a missing bucket
/// must not keep the distribution from being removed (terraform-provider-aws, pull request 43609). Until an edge has
/// the new configuration, it continues to log.
pub(crate) fn switch_off(config: &mut DistributionConfig) {
    config.enabled = false;
    if config.logging.as_ref().is_some_and(|logs| logs.enabled) {
        config.logging = Some(off());
    }
}

/// API reference, LoggingConfig: "specify false for Enabled, and specify empty Bucket and Prefix elements".
fn off() -> LoggingConfig {
    LoggingConfig::builder()
        .enabled(false)
        .bucket("")
        .prefix("")
        .include_cookies(false)
        .build()
}
