//! Client setup: one attempt per call, a time limit per call, and everything else from AWS' own environment variables.

use std::time::Duration;

use aws_config::meta::region::RegionProviderChain;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// The time limit of every call, whatever it consists of.
pub const CALL_LIMIT: Duration = Duration::from_secs(20);
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

macro_rules! after_help {
    ($when:literal, $services:literal, $endpoints:literal, $end:literal) => {
        concat!(
            $when,
            ":\n  AWS_REGION                   ",
            $services,
            " [default: us-east-1]\n",
            "  AWS_ACCESS_KEY_ID            Without a key: profile (role, SSO, credential_process), web\n",
            "                               identity, EKS Pod Identity, ECS or EC2 role.\n",
            "  AWS_SECRET_ACCESS_KEY\n",
            "  AWS_SESSION_TOKEN            Only with temporary credentials.\n",
            $endpoints,
            $end
        )
    };
}

/// For `--help`: what the AWS SDK reads from the environment by itself.
pub const AFTER_HELP: &str = after_help!(
    "AWS, read from the environment by the AWS SDK",
    "CloudFront and IAM are global.",
    "  AWS_ENDPOINT_URL_CLOUDFRONT  Another address, such as a simulator's.\n  \
       AWS_ENDPOINT_URL_IAM         Another address, such as a simulator's.\n",
    "The least rights that each service needs: docs/aws/*-policy.json. Every call is tried once and\n\
     given up after 20 seconds; the schedules above decide when its step is tried again."
);

/// The same of a service that only talks to Route 53, and only if it is told to.
pub const ROUTE_53_AFTER_HELP: &str = after_help!(
    "AWS, only with DNS_WRITER=route53, read from the environment by the AWS SDK",
    "Route 53 is global.",
    "  AWS_ENDPOINT_URL_ROUTE_53    Another address, such as a simulator's.\n",
    "The least rights: docs/aws/certificate-issuer-policy.json. Every call is tried once and given\n\
     up after 20 seconds; the schedules above decide when its step is tried again."
);

/// `AWS_REGION` is in a partition of AWS without CloudFront or with a separate one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("AWS_REGION is {region}, and {why}")]
pub struct UnsupportedRegion {
    region: String,
    why: &'static str,
}

const CHINA: &str = "AWS in China is not supported: its CloudFront has other addresses and names, and wants an ICP registration for each \
     domain. Set AWS_REGION to us-east-1 and use credentials of an account outside of China";
const NO_CLOUDFRONT: &str = "that part of AWS has no CloudFront. Set AWS_REGION to us-east-1 and use credentials of a commercial account \
     (docs/operators/credentials.md)";

/// The prefixes of region names in each partition except the commercial one (botocore's partitions.json).
const OTHER_PARTITIONS: [(&str, &str); 5] = [
    ("cn-", CHINA),
    ("us-gov-", NO_CLOUDFRONT),
    ("us-iso", NO_CLOUDFRONT),
    ("eu-iso", NO_CLOUDFRONT),
    ("eusc-", NO_CLOUDFRONT),
];

fn supported(region: &str) -> Result<(), UnsupportedRegion> {
    match OTHER_PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix)) {
        None => Ok(()),
        Some((_, why)) => Err(UnsupportedRegion {
            region: region.to_owned(),
            why,
        }),
    }
}

/// The configuration of every AWS client. The SDK's own retries are off: they would use up the attempt's time limit,
/// and AWS' throttling responses have no `Retry-After` to wait for. The SDK corrects a wrong clock itself, from the
/// `Date` of each response, for the client's next call.
///
/// # Errors
/// The region is in a partition of AWS without the CloudFront that this broker uses.
pub async fn sdk_config() -> Result<SdkConfig, UnsupportedRegion> {
    let config = aws_config::defaults(BehaviorVersion::latest())
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
        .await;
    supported(config.region().map_or("", |region| region.as_ref()))?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_parts_of_aws_are_refused_with_what_to_do() {
        for region in ["us-east-1", "eu-west-1", "ap-southeast-7", "ca-west-1", ""] {
            supported(region).unwrap();
        }
        for (region, words) in [
            ("cn-north-1", "China is not supported"),
            ("cn-northwest-1", "ICP registration"),
            ("us-gov-west-1", "credentials of a commercial account"),
            ("us-iso-east-1", "has no CloudFront"),
            ("us-isob-east-1", "has no CloudFront"),
            ("eu-isoe-west-1", "has no CloudFront"),
            ("eusc-de-east-1", "has no CloudFront"),
        ] {
            let told = supported(region).unwrap_err().to_string();
            assert!(
                told.contains(region) && told.contains(words) && told.contains("us-east-1"),
                "{told}"
            );
        }
    }
}
