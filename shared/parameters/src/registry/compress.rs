//! `compress`: compress at the edge.

use serde_json::Value;

use crate::key::{Key, KeyRow};
use crate::parameter::Parameter;
use crate::parse::{Parameters, Request};
use crate::update::Update;

const KEY: Key<bool> = Key::new("compress", "Compress at the edge (the default)");

pub(crate) struct Compress;

impl Parameter for Compress {
    fn keys(&self) -> &'static [KeyRow] {
        const { &[KEY.row()] }
    }

    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters) {
        parameters.settings.compress = request.get(&KEY).unwrap_or(true);
    }

    fn normalised(&self, parameters: &Parameters) -> Option<Value> {
        (!parameters.settings.compress).then_some(Value::Bool(false))
    }

    fn merge(&self, update: &mut Update<'_>) {
        update.replace(self);
    }
}

#[cfg(feature = "cloudfront")]
mod cloudfront {
    use aws_sdk_cloudfront::error::BuildError;
    use aws_sdk_cloudfront::types::DistributionConfig;

    use super::*;
    use crate::cloudfront::{Wanted, by_value, default_behavior};
    use crate::parameter::InCloudFront;

    impl InCloudFront for Compress {
        fn put(&self, wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError> {
            default_behavior(config)?.compress = Some(wanted.settings.compress);
            Ok(())
        }

        fn adopt(&self, config: &DistributionConfig, _: &mut Vec<String>) -> Option<Value> {
            let behavior = config.default_cache_behavior.as_ref()?;
            (behavior.compress == Some(false)).then_some(Value::Bool(false))
        }

        fn differences(&self, wanted: &Parameters, there: &DistributionConfig) -> Vec<String> {
            by_value(self, wanted, there)
        }
    }
}
