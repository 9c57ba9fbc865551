//! `origin_request_policy`: the managed policy for what is passed to the origin, in addition to `cache_policy`.

use pipeline::managed::{ALL_VIEWER, ALL_VIEWER_EXCEPT_HOST, Managed, ORIGIN_REQUEST, named};
use schemars::Schema;
use serde_json::{Value, json};

use super::{cache_policy, origin};
use crate::faults::ParameterError;
use crate::field::Field;
use crate::key::{Key, KeyRow};
use crate::parameter::Parameter;
use crate::parse::{Parameters, Request};
use crate::update::Update;
use crate::value::managed_policy;

const KEY: Key<Policy> = Key::new(
    "origin_request_policy",
    "Managed policy of what is passed to the origin, in addition to cache_policy",
);

pub(crate) struct OriginRequestPolicy;

#[derive(Debug)]
struct Policy(Managed);

impl Field for Policy {
    fn read(value: &Value) -> Result<Self, String> {
        managed_policy::read(value, &ORIGIN_REQUEST).map(Self)
    }

    fn schema() -> Schema {
        managed_policy::schema(&ORIGIN_REQUEST)
    }
}

impl Parameter for OriginRequestPolicy {
    fn keys(&self) -> &'static [KeyRow] {
        const { &[KEY.row()] }
    }

    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters) {
        let has_cache_policy = request.get(&cache_policy::KEY).is_some();
        // Already reported there.
        let stands = !has_cache_policy || cache_policy::beside(request).is_none();
        let policy = request.judge(&[cache_policy::KEY.name], |request| {
            let policy = request.get(&KEY).map(|policy| policy.0).filter(|_| stands);
            judged(policy, has_cache_policy, origin::is_default(request, parameters))
        });
        parameters.settings.origin_request_policy = policy.flatten();
    }

    fn normalised(&self, parameters: &Parameters) -> Option<Value> {
        parameters.settings.origin_request_policy.map(|policy| json!(policy))
    }

    fn merge(&self, update: &mut Update<'_>) {
        // Another origin must not get the Host header merely because the default origin needs it.
        let goes_with_cache_policy = update.given(cache_policy::KEY.name).is_some_and(Value::is_null);
        let had_default_origin = update.had_default_origin;
        let of_default_origin = had_default_origin && update.had(self).is_some_and(|policy| policy == ALL_VIEWER);
        if goes_with_cache_policy || of_default_origin {
            update.forget(self);
        }
        update.replace(self);
    }
}

fn judged(
    policy: Option<Managed>,
    beside_cache: bool,
    default_origin: bool,
) -> Result<Option<Managed>, ParameterError> {
    match policy {
        Some(policy) if !beside_cache => Err(ParameterError::new(
            KEY.name,
            format!(
                "\"{}\" needs a cache_policy beside it; without one, forward_headers and forward_cookies say what is passed \
                 to the origin",
                policy.name
            ),
        )),
        Some(policy) if default_origin && policy.name == ALL_VIEWER_EXCEPT_HOST => Err(ParameterError::new(
            KEY.name,
            format!(
                "\"{ALL_VIEWER_EXCEPT_HOST}\" keeps the Host header, which the default origin needs; write \
                 \"{ALL_VIEWER}\""
            ),
        )),
        // The platform's router uses the Host header to find the application.
        None if beside_cache && default_origin => Ok(named(ALL_VIEWER, &ORIGIN_REQUEST)),
        policy => Ok(policy),
    }
}

#[cfg(feature = "cloudfront")]
mod cloudfront {
    use aws_sdk_cloudfront::error::BuildError;
    use aws_sdk_cloudfront::types::DistributionConfig;

    use super::*;
    use crate::cloudfront::{Wanted, default_behavior};
    use crate::parameter::InCloudFront;

    impl InCloudFront for OriginRequestPolicy {
        fn put(&self, wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError> {
            let settings = wanted.settings;
            let policy = settings.cache_policy.and(settings.origin_request_policy);
            default_behavior(config)?.origin_request_policy_id = managed_policy::cloudfront::id(policy);
            Ok(())
        }

        fn adopt(&self, config: &DistributionConfig, changes: &mut Vec<String>) -> Option<Value> {
            let id = config
                .default_cache_behavior
                .as_ref()?
                .origin_request_policy_id
                .as_deref();
            let name = managed_policy::cloudfront::adopt("origin request policy", id, &ORIGIN_REQUEST, changes)?;
            cache_policy::adopted(config).map(|_| json!(name))
        }

        fn differences(&self, wanted: &Parameters, there: &DistributionConfig) -> Vec<String> {
            let behavior = there.default_cache_behavior.as_ref();
            let there = behavior.and_then(|behavior| behavior.origin_request_policy_id.as_deref());
            let wanted = wanted.settings.origin_request_policy;
            managed_policy::cloudfront::differences(KEY.name, wanted, there, &ORIGIN_REQUEST)
        }
    }
}
