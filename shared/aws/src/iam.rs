//! IAM, which keeps certificates for CloudFront.

use aws_config::SdkConfig;
use aws_sdk_iam::Client;
use aws_sdk_iam::config::Builder;

use crate::calls::Calls;
use crate::wire::Wire;

/// A client of IAM by this configuration. Every call is one attempt.
pub fn iam(config: &SdkConfig) -> Client {
    Client::from_conf(
        Builder::from(config)
            .interceptor(Wire)
            .interceptor(Calls("iam"))
            .build(),
    )
}
