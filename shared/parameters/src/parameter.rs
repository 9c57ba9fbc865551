//! The definition of a parameter. Nothing here has a default: an omission doesn't compile.

#[cfg(feature = "cloudfront")]
use aws_sdk_cloudfront::{error::BuildError, types::DistributionConfig};
use serde_json::Value;

#[cfg(feature = "cloudfront")]
use crate::cloudfront::Wanted;
use crate::key::KeyRow;
use crate::parse::{Parameters, Request};
use crate::update::Update;

/// A setting of a user's.
pub(crate) trait Parameter: InCloudFront + Sync {
    /// Its keys in a request, each with its schema. The normalised form uses the first one.
    fn keys(&self) -> &'static [KeyRow];

    /// Reads it from a request into the parameters; if it is absent, the existing value (`InstanceSettings::default()`)
    /// is kept. Each key was already validated alone; this checks it together with the others.
    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters);

    /// What a fetch shows and two requests are compared by. `None`: left out, because it is the default.
    fn normalised(&self, parameters: &Parameters) -> Option<Value>;

    /// Removes from the instance's values what an update replaces, before the update's own keys are added: mostly
    /// [`Update::replace`].
    fn merge(&self, update: &mut Update<'_>);
}

/// Its part of a distribution's configuration.
#[cfg(feature = "cloudfront")]
pub(crate) trait InCloudFront {
    /// Makes its members match, in a new configuration and in one that was read. What is written here is managed by
    /// this broker; everything else is preserved. Lists that only differ in their order are left unchanged, to avoid
    /// needless writes.
    fn put(&self, wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError>;

    /// The value that makes an instance match a distribution of another owner's (`cdnctl adopt`); `None`: the default.
    /// What it can't express, and the first write changes, is added as a line to `changes`.
    fn adopt(&self, config: &DistributionConfig, changes: &mut Vec<String>) -> Option<Value>;

    /// The differences in CloudFront (`cdnctl drift`), each as a sentence.
    fn differences(&self, wanted: &Parameters, there: &DistributionConfig) -> Vec<String>;
}

/// Nothing to do without CloudFront.
#[cfg(not(feature = "cloudfront"))]
pub(crate) trait InCloudFront {}

#[cfg(not(feature = "cloudfront"))]
impl<P> InCloudFront for P {}
