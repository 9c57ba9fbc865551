//! IAM, which stores certificates for CloudFront.

use aws_config::SdkConfig;
use aws_sdk_iam::Client;
use aws_sdk_iam::config::Builder;

use crate::calls::Calls;
use crate::watch::{Watch, Watcher};
use crate::wire::Wire;

/// A client of IAM with this configuration. Every call is one attempt.
pub fn iam(config: &SdkConfig) -> Client {
    by(Builder::from(config))
}

/// The same, and the watcher is called for each response.
pub fn iam_watched(config: &SdkConfig, watcher: Watcher) -> Client {
    by(Builder::from(config).interceptor(Watch::new("iam", watcher)))
}

fn by(builder: Builder) -> Client {
    Client::from_conf(builder.interceptor(Wire).interceptor(Calls("iam")).build())
}
