//! `cache_policy`: a managed policy of CloudFront's instead of `forward_headers`, `forward_cookies` and `default_ttl`.

use pipeline::managed::{CACHE, Managed};
use schemars::Schema;
use serde_json::{Value, json};

use super::{default_ttl, forward_cookies, forward_headers};
use crate::faults::ParameterError;
use crate::field::Field;
use crate::key::{Key, KeyRow};
use crate::parameter::Parameter;
use crate::parse::{Parameters, Request};
use crate::update::Update;
use crate::value::managed_policy;

pub(super) const KEY: Key<Policy> = Key::new(
    "cache_policy",
    "CloudFront's managed policy in place of forward_headers, forward_cookies and default_ttl",
);

pub(crate) struct CachePolicy;

#[derive(Debug)]
pub(super) struct Policy(Managed);

impl Field for Policy {
    fn read(value: &Value) -> Result<Self, String> {
        managed_policy::read(value, &CACHE).map(Self)
    }

    fn schema() -> Schema {
        managed_policy::schema(&CACHE)
    }
}

impl Parameter for CachePolicy {
    fn keys(&self) -> &'static [KeyRow] {
        const { &[KEY.row()] }
    }

    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters) {
        let policy = request.judge(&[KEY.name], |request| {
            let policy = request.get(&KEY).map(|policy| policy.0);
            match beside(request) {
                Some(beside) if policy.is_some() => Err(ParameterError::new(
                    beside,
                    "it is given together with cache_policy, which replaces it; write one of them, or null for cache_policy",
                )),
                _ => Ok(policy),
            }
        });
        parameters.settings.cache_policy = policy.flatten();
    }

    fn normalised(&self, parameters: &Parameters) -> Option<Value> {
        parameters.settings.cache_policy.map(|policy| json!(policy))
    }

    fn merge(&self, update: &mut Update<'_>) {
        update.replace(self);
    }
}

/// A given key that a cache policy replaces.
pub(super) fn beside(request: &Request<'_>) -> Option<&'static str> {
    let keys = [
        forward_headers::KEY.name,
        forward_headers::OLDER.name,
        forward_cookies::KEY.name,
        forward_cookies::OLDER.name,
        default_ttl::KEY.name,
    ];
    keys.into_iter().find(|key| request.value(key).is_some())
}

/// The instance's value of a parameter is removed when an update sets a cache policy.
pub(super) fn take_the_place_of(parameter: &dyn Parameter, update: &mut Update<'_>) {
    if update.given(KEY.name).is_some_and(|policy| !policy.is_null()) {
        update.forget(parameter);
    }
}

#[cfg(feature = "cloudfront")]
pub(super) use cloudfront::adopted;

/// Either a policy or forwarded values and times, never both (docs/aws-rules.md).
#[cfg(feature = "cloudfront")]
#[expect(
    deprecated,
    reason = "ForwardedValues needs no cache policy per set of headers; an account has 20 of those"
)]
mod cloudfront {
    use aws_sdk_cloudfront::error::BuildError;
    use aws_sdk_cloudfront::types::{
        CookiePreference, DistributionConfig, ForwardedValues, Headers, ItemSelection, QueryStringCacheKeys,
    };

    use super::*;
    use crate::cloudfront::{Wanted, default_behavior, forwarded};
    use crate::parameter::InCloudFront;

    impl InCloudFront for CachePolicy {
        fn put(&self, wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError> {
            let policy = wanted.settings.cache_policy;
            let behavior = default_behavior(config)?;
            behavior.cache_policy_id = managed_policy::cloudfront::id(policy);
            let forwards = policy.is_none();
            behavior.min_ttl = forwards.then_some(0);
            behavior.max_ttl = forwards.then_some(default_ttl::MOST.into());
            match &mut behavior.forwarded_values {
                values if !forwards => *values = None,
                // The other members that CloudFront put there have to be sent back.
                Some(values) => values.query_string = true,
                values => *values = Some(nothing_but_queries()?),
            }
            Ok(())
        }

        fn adopt(&self, config: &DistributionConfig, changes: &mut Vec<String>) -> Option<Value> {
            if forwarded(config).is_some_and(|values| !values.query_string) {
                changes.push("query strings are passed to the origin, and are part of what is kept apart".to_owned());
            }
            let id = config.default_cache_behavior.as_ref()?.cache_policy_id.as_deref();
            let name = managed_policy::cloudfront::adopt("cache policy", id, &CACHE, changes);
            name.map(|name| json!(name))
        }

        fn differences(&self, wanted: &Parameters, there: &DistributionConfig) -> Vec<String> {
            let behavior = there.default_cache_behavior.as_ref();
            let there = behavior.and_then(|behavior| behavior.cache_policy_id.as_deref());
            managed_policy::cloudfront::differences(KEY.name, wanted.settings.cache_policy, there, &CACHE)
        }
    }

    /// The policy that a distribution has, if a parameter can name it.
    pub(in super::super) fn adopted(config: &DistributionConfig) -> Option<Managed> {
        let id = config.default_cache_behavior.as_ref()?.cache_policy_id.as_deref();
        managed_policy::cloudfront::by_id(id, &CACHE)
    }

    /// Where the other parameters add headers and cookies.
    fn nothing_but_queries() -> Result<ForwardedValues, BuildError> {
        ForwardedValues::builder()
            .query_string(true)
            .query_string_cache_keys(QueryStringCacheKeys::builder().quantity(0).build()?)
            .cookies(CookiePreference::builder().forward(ItemSelection::None).build()?)
            .headers(Headers::builder().quantity(0).build()?)
            .build()
    }
}
