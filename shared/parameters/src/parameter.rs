//! What a parameter has to say of itself. Nothing here has a default: what is forgotten doesn't compile.

#[cfg(feature = "cloudfront")]
use aws_sdk_cloudfront::{error::BuildError, types::DistributionConfig};
use serde_json::Value;

#[cfg(feature = "cloudfront")]
use crate::cloudfront::Wanted;
use crate::key::KeyRow;
use crate::parse::{Parameters, Request};
use crate::update::Update;

/// One thing that a user can set.
pub(crate) trait Parameter: InCloudFront + Sync {
    /// How it is written in a request, each with its schema. The first one is what the normalised form has.
    fn keys(&self) -> &'static [KeyRow];

    /// From a request into the parameters; when nothing was written, what is there (`InstanceSettings::default()`) stays. Each key was read alone
    /// before; here is what it means beside the others.
    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters);

    /// What a fetch shows and two requests are compared by. `None`: left out, as the default is.
    fn normalised(&self, parameters: &Parameters) -> Option<Value>;

    /// What an update takes from what the instance has before the update's own keys are put there: mostly
    /// [`Update::replace`].
    fn merge(&self, update: &mut Update<'_>);
}

/// Its part of a distribution's configuration.
#[cfg(feature = "cloudfront")]
pub(crate) trait InCloudFront {
    /// Makes its members be as wanted, in a new configuration and in one that was read. What is written here is this broker's; all else
    /// stays as it was read. Lists that only differ in their order are left alone, so that nothing is written for nothing.
    fn put(&self, wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError>;

    /// What makes an instance like a distribution that others made (`cdnctl adopt`); `None`: the default. What it can't say, and the first
    /// write changes, is a line in `changes`.
    fn adopt(&self, config: &DistributionConfig, changes: &mut Vec<String>) -> Option<Value>;

    /// What CloudFront has otherwise (`cdnctl drift`), each in a sentence.
    fn differences(&self, wanted: &Parameters, there: &DistributionConfig) -> Vec<String>;
}

/// Without CloudFront there is nothing to say.
#[cfg(not(feature = "cloudfront"))]
pub(crate) trait InCloudFront {}

#[cfg(not(feature = "cloudfront"))]
impl<P> InCloudFront for P {}
