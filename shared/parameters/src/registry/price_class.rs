//! `price_class`: which of CloudFront's edge locations serve.

use pipeline::instance::PriceClass;
use schemars::{Schema, json_schema};
use serde_json::{Value, json};

use crate::field::Field;
use crate::key::{Key, KeyRow};
use crate::parameter::Parameter;
use crate::parse::{Parameters, Request};
use crate::shown_json;
use crate::update::Update;

const KEY: Key<PriceClass> = Key::new("price_class", "Which of CloudFront's edges serve");

pub(crate) struct PriceClassParameter;

impl Field for PriceClass {
    fn read(value: &Value) -> Result<Self, String> {
        let known = Self::ALL
            .into_iter()
            .find(|class| value.as_str() == Some(class.as_str()));
        known.ok_or_else(|| {
            format!(
                "{} is none of \"PriceClass_100\" (North America and Europe), \"PriceClass_200\" (most of the world), \
                 \"PriceClass_All\" (everywhere)",
                shown_json(value)
            )
        })
    }

    fn schema() -> Schema {
        json_schema!({"type": "string", "enum": Self::ALL.map(Self::as_str)})
    }
}

impl Parameter for PriceClassParameter {
    fn keys(&self) -> &'static [KeyRow] {
        const { &[KEY.row()] }
    }

    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters) {
        parameters.settings.price_class = request.get(&KEY);
    }

    fn normalised(&self, parameters: &Parameters) -> Option<Value> {
        parameters.settings.price_class.map(|class| json!(class))
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
    use crate::cloudfront::{Wanted, unlike};
    use crate::parameter::InCloudFront;

    impl InCloudFront for PriceClassParameter {
        fn put(&self, wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError> {
            let own = wanted.settings.price_class.map(|own| own.as_str().into());
            config.price_class = Some(own.unwrap_or_else(|| wanted.price_class.clone()));
            Ok(())
        }

        fn adopt(&self, config: &DistributionConfig, _: &mut Vec<String>) -> Option<Value> {
            config.price_class.as_ref().map(|class| json!(class.as_str()))
        }

        /// If neither user nor plan sets it, the operator's setting applies (`PRICE_CLASS` of the service
        /// distribution), which may have changed since.
        fn differences(&self, wanted: &Parameters, there: &DistributionConfig) -> Vec<String> {
            let Some(own) = wanted.settings.price_class else {
                return Vec::new();
            };
            let found = there.price_class.as_ref().map(|class| class.as_str());
            unlike(KEY.name, found, Some(own.as_str()))
        }
    }
}
