//! `insecure_origin`: fetch from the origin by plain HTTP.

use serde_json::{Value, json};

use super::origin;
use crate::faults::ParameterError;
use crate::key::{Key, KeyRow};
use crate::parameter::Parameter;
use crate::parse::{Parameters, Request};
use crate::update::Update;

const KEY: Key<bool> = Key::new("insecure_origin", "Fetch from the origin by plain HTTP");

pub(crate) struct InsecureOrigin;

impl Parameter for InsecureOrigin {
    fn keys(&self) -> &'static [KeyRow] {
        const { &[KEY.row()] }
    }

    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters) {
        let insecure = request.judge(&[], |request| {
            let written = request.get(&KEY).unwrap_or(false);
            match written && origin::is_default(request, parameters) {
                true => Err(ParameterError::new(
                    KEY.name,
                    "true is not for the default origin, which speaks HTTPS; write false, or name an origin of your own",
                )),
                false => Ok(written),
            }
        });
        parameters.settings.insecure_origin = insecure.unwrap_or(false);
    }

    fn normalised(&self, parameters: &Parameters) -> Option<Value> {
        Some(json!(parameters.settings.insecure_origin))
    }

    fn merge(&self, update: &mut Update<'_>) {
        let blank = |value: &Value| value.is_null() || value.as_str().is_some_and(|text| text.trim_ascii().is_empty());
        if update.given(origin::KEY.name).is_some_and(blank) {
            // The setting was about the replaced origin; the default origin uses HTTPS.
            update.forget(self);
        }
        update.replace(self);
    }
}

#[cfg(feature = "cloudfront")]
mod cloudfront {
    use aws_sdk_cloudfront::error::BuildError;
    use aws_sdk_cloudfront::types::{DistributionConfig, Origin, OriginProtocolPolicy};

    use super::*;
    use crate::cloudfront::Wanted;
    use crate::cloudfront::origins::{compared, origins, put_protocol, users};
    use crate::parameter::InCloudFront;

    impl InCloudFront for InsecureOrigin {
        fn put(&self, wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError> {
            for origin in users(config) {
                put_protocol(origin, !wanted.settings.insecure_origin, None)?;
            }
            Ok(())
        }

        fn adopt(&self, config: &DistributionConfig, changes: &mut Vec<String>) -> Option<Value> {
            let (origin, _) = origins(config)?;
            match policy(origin) {
                Some(OriginProtocolPolicy::HttpOnly) => return Some(json!(true)),
                Some(OriginProtocolPolicy::HttpsOnly) | None => {}
                Some(_) => changes.push(format!(
                    "{} is fetched from by HTTPS only, however visitors come; insecure_origin: true means HTTP only",
                    origin.domain_name
                )),
            }
            None
        }

        fn differences(&self, wanted: &Parameters, there: &DistributionConfig) -> Vec<String> {
            let wanted = &wanted.settings;
            let protocol = match wanted.insecure_origin {
                true => OriginProtocolPolicy::HttpOnly,
                false => OriginProtocolPolicy::HttpsOnly,
            };
            let each = compared(wanted, there).filter_map(|(what, origin)| match policy(origin) {
                Some(there) if *there == protocol => None,
                Some(there) => Some(format!("{what} is fetched from by {there}, not {protocol}")),
                None => Some(format!("{what} is a bucket")),
            });
            each.collect()
        }
    }

    fn policy(origin: &Origin) -> Option<&OriginProtocolPolicy> {
        let custom = origin.custom_origin_config.as_ref()?;
        Some(&custom.origin_protocol_policy)
    }
}
