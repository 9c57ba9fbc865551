//! `response_headers_policy`, and `hsts`, a shorthand for one of them: which headers CloudFront adds to responses.

use pipeline::managed::{Managed, RESPONSE_HEADERS, SECURITY_HEADERS, named};
use schemars::Schema;
use serde_json::{Value, json};

use crate::faults::ParameterError;
use crate::field::Field;
use crate::key::{Key, KeyRow};
use crate::parameter::Parameter;
use crate::parse::{Parameters, Request};
use crate::update::Update;
use crate::value::managed_policy;

const KEY: Key<Policy> = Key::new(
    "response_headers_policy",
    "Managed policy of headers that are added to answers",
);
const HSTS: Key<bool> = Key::new(
    "hsts",
    "Short for response_headers_policy Managed-SecurityHeadersPolicy",
);

pub(crate) struct ResponseHeadersPolicy;

#[derive(Debug)]
struct Policy(Managed);

impl Field for Policy {
    fn read(value: &Value) -> Result<Self, String> {
        managed_policy::read(value, &RESPONSE_HEADERS).map(Self)
    }

    fn schema() -> Schema {
        managed_policy::schema(&RESPONSE_HEADERS)
    }
}

impl Parameter for ResponseHeadersPolicy {
    fn keys(&self) -> &'static [KeyRow] {
        const { &[KEY.row(), HSTS.row()] }
    }

    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters) {
        let policy = request.judge(&[KEY.name], |request| {
            let policy = request.get(&KEY).map(|policy| policy.0);
            match (request.get(&HSTS), policy) {
                (Some(true), Some(_)) => Err(ParameterError::new(
                    HSTS.name,
                    format!(
                        "true is given together with response_headers_policy; hsts is short for \"{SECURITY_HEADERS}\", write one of them"
                    ),
                )),
                (Some(true), None) => Ok(named(SECURITY_HEADERS, &RESPONSE_HEADERS)),
                (_, policy) => Ok(policy),
            }
        });
        parameters.settings.response_headers_policy = policy.flatten();
    }

    fn normalised(&self, parameters: &Parameters) -> Option<Value> {
        parameters.settings.response_headers_policy.map(|policy| json!(policy))
    }

    fn merge(&self, update: &mut Update<'_>) {
        let hsts = update.given(HSTS.name);
        let (wanted, unwanted) = (
            hsts.is_some_and(|hsts| hsts == true),
            hsts.is_some_and(|hsts| hsts != true),
        );
        // Turning it off says nothing about another policy.
        let is_hsts = update.had(self).is_some_and(|policy| policy == SECURITY_HEADERS);
        if wanted || (unwanted && is_hsts) || update.given(KEY.name).is_some() {
            update.forget(self);
        }
    }
}

#[cfg(feature = "cloudfront")]
mod cloudfront {
    use aws_sdk_cloudfront::error::BuildError;
    use aws_sdk_cloudfront::types::DistributionConfig;

    use super::*;
    use crate::cloudfront::{Wanted, default_behavior};
    use crate::parameter::InCloudFront;

    impl InCloudFront for ResponseHeadersPolicy {
        fn put(&self, wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError> {
            let policy = managed_policy::cloudfront::id(wanted.settings.response_headers_policy);
            default_behavior(config)?.response_headers_policy_id = policy;
            Ok(())
        }

        fn adopt(&self, config: &DistributionConfig, changes: &mut Vec<String>) -> Option<Value> {
            let id = config
                .default_cache_behavior
                .as_ref()?
                .response_headers_policy_id
                .as_deref();
            let name = managed_policy::cloudfront::adopt("response headers policy", id, &RESPONSE_HEADERS, changes);
            name.map(|name| json!(name))
        }

        fn differences(&self, wanted: &Parameters, there: &DistributionConfig) -> Vec<String> {
            let behavior = there.default_cache_behavior.as_ref();
            let there = behavior.and_then(|behavior| behavior.response_headers_policy_id.as_deref());
            let wanted = wanted.settings.response_headers_policy;
            managed_policy::cloudfront::differences(KEY.name, wanted, there, &RESPONSE_HEADERS)
        }
    }
}
