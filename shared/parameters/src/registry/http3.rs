//! `http3`: HTTP/3 in addition to HTTP/2.

use serde_json::Value;

use crate::key::{Key, KeyRow};
use crate::parameter::Parameter;
use crate::parse::{Parameters, Request};
use crate::update::Update;

const KEY: Key<bool> = Key::new("http3", "HTTP/3 in addition to HTTP/2");

pub(crate) struct Http3;

impl Parameter for Http3 {
    fn keys(&self) -> &'static [KeyRow] {
        const { &[KEY.row()] }
    }

    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters) {
        parameters.settings.http3 = request.get(&KEY).unwrap_or(false);
    }

    fn normalised(&self, parameters: &Parameters) -> Option<Value> {
        parameters.settings.http3.then_some(Value::Bool(true))
    }

    fn merge(&self, update: &mut Update<'_>) {
        update.replace(self);
    }
}

#[cfg(feature = "cloudfront")]
mod cloudfront {
    use aws_sdk_cloudfront::error::BuildError;
    use aws_sdk_cloudfront::types::{DistributionConfig, HttpVersion};

    use super::*;
    use crate::cloudfront::{Wanted, by_value};
    use crate::parameter::InCloudFront;

    impl InCloudFront for Http3 {
        fn put(&self, wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError> {
            config.http_version = Some(match wanted.settings.http3 {
                true => HttpVersion::Http2and3,
                false => HttpVersion::Http2,
            });
            Ok(())
        }

        fn adopt(&self, config: &DistributionConfig, _: &mut Vec<String>) -> Option<Value> {
            let version = config.http_version.as_ref()?;
            version.as_str().contains('3').then_some(Value::Bool(true))
        }

        fn differences(&self, wanted: &Parameters, there: &DistributionConfig) -> Vec<String> {
            by_value(self, wanted, there)
        }
    }
}
