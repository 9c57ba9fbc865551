//! Access logs go where the plan says. Without a setting of the plan, logs that were set up by hand stay.

use aws_sdk_cloudfront::types::{DistributionConfig, LoggingConfig};
use pipeline::AccessLogs;

/// As the plan has them. What a plan set is known by the instance's id in it, and goes with the plan's setting.
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

/// Switches the distribution off, and its logs with it: CloudFront looks for the bucket at every write, and one that is gone
/// must not keep the distribution (terraform-provider-aws, pull request 43609). Until an edge knows, it logs as before.
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
