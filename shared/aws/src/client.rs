//! Client set-up: one attempt per call, a time limit per call, and everything else by AWS' own environment variables.

use std::time::Duration;

use aws_config::meta::region::RegionProviderChain;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// No call takes longer, whatever it consists of.
pub const CALL_LIMIT: Duration = Duration::from_secs(20);
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// For `--help`: what the AWS SDK reads from the environment by itself.
pub const AFTER_HELP: &str = "\
AWS, read from the environment by the AWS SDK:
  AWS_REGION                   CloudFront and IAM are global. [default: us-east-1]
  AWS_ACCESS_KEY_ID            Without a key: profile, web identity, ECS or EC2 role.
  AWS_SECRET_ACCESS_KEY
  AWS_SESSION_TOKEN            Only with temporary credentials.
  AWS_ENDPOINT_URL_CLOUDFRONT  Another address, such as a simulator's.
  AWS_ENDPOINT_URL_IAM         Another address, such as a simulator's.
The least rights that each service needs: docs/aws/*-policy.json. Every call is tried once and
given up after 20 seconds; the schedules above decide when its step is tried again.";

/// The configuration of every AWS client. The SDK's own retries are off: they would eat the attempt's time limit, and
/// AWS' throttling answers carry no `Retry-After` to wait by. A clock that is off is corrected by the SDK itself, from the
/// `Date` of each answer, for the client's next call.
pub async fn sdk_config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(RegionProviderChain::default_provider().or_else("us-east-1"))
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_LIMIT)
                .operation_attempt_timeout(CALL_LIMIT)
                .operation_timeout(CALL_LIMIT)
                .build(),
        )
        .load()
        .await
}
