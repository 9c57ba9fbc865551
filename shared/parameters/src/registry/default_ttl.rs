//! `default_ttl`: how long CloudFront caches responses without `Cache-Control`.

use pipeline::instance::DAY;
use schemars::{Schema, json_schema};
use serde_json::{Value, json};

use super::cache_policy;
use crate::field::Field;
use crate::key::{Key, KeyRow};
use crate::parameter::Parameter;
use crate::parse::{Parameters, Request};
use crate::shown_json;
use crate::update::Update;

pub(super) const KEY: Key<Seconds> = Key::new(
    "default_ttl",
    "How long CloudFront caches responses without Cache-Control, in seconds",
);

/// The maximum time that CloudFront caches anything, in seconds (`MaxTTL`): its own default.
pub(super) const MOST: u32 = 31_536_000;

pub(crate) struct DefaultTtl;

/// The duration.
#[derive(Debug)]
pub(super) struct Seconds(u32);

impl Field for Seconds {
    fn read(value: &Value) -> Result<Self, String> {
        let seconds = value.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
        seconds.filter(|seconds| *seconds <= MOST).map(Self).ok_or_else(|| {
            format!(
                "{} is not a whole number of seconds from 0 to {MOST}",
                shown_json(value)
            )
        })
    }

    fn schema() -> Schema {
        json_schema!({"type": "integer", "minimum": 0, "maximum": MOST})
    }
}

impl Parameter for DefaultTtl {
    fn keys(&self) -> &'static [KeyRow] {
        const { &[KEY.row()] }
    }

    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters) {
        parameters.settings.default_ttl = request.get(&KEY).map_or(DAY, |seconds| seconds.0);
    }

    fn normalised(&self, parameters: &Parameters) -> Option<Value> {
        let ttl = parameters.settings.default_ttl;
        (ttl != DAY).then(|| json!(ttl))
    }

    fn merge(&self, update: &mut Update<'_>) {
        cache_policy::take_the_place_of(self, update);
        update.replace(self);
    }
}

#[cfg(feature = "cloudfront")]
#[expect(deprecated, reason = "times come with forwarded values: see cache_policy.rs")]
mod cloudfront {
    use aws_sdk_cloudfront::error::BuildError;
    use aws_sdk_cloudfront::types::DistributionConfig;

    use super::*;
    use crate::cloudfront::{Wanted, by_value, default_behavior};
    use crate::parameter::InCloudFront;

    impl InCloudFront for DefaultTtl {
        fn put(&self, wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError> {
            let settings = wanted.settings;
            let ttl = settings.cache_policy.is_none().then(|| settings.default_ttl.into());
            default_behavior(config)?.default_ttl = ttl;
            Ok(())
        }

        fn adopt(&self, config: &DistributionConfig, _: &mut Vec<String>) -> Option<Value> {
            if cache_policy::adopted(config).is_some() {
                return None;
            }
            let ttl = config.default_cache_behavior.as_ref()?.default_ttl?;
            (ttl != i64::from(DAY)).then(|| json!(ttl))
        }

        fn differences(&self, wanted: &Parameters, there: &DistributionConfig) -> Vec<String> {
            by_value(self, wanted, there)
        }
    }
}
