//! `forward_headers`, or `headers` as in older brokers: which request headers are passed to the origin.

use schemars::Schema;
use serde_json::{Value, json};

use super::{cache_policy, origin};
use crate::faults::ParameterError;
use crate::field::Field;
use crate::key::{Key, KeyRow};
use crate::parameter::Parameter;
use crate::parse::{Parameters, Request};
use crate::update::Update;
use crate::value::names;
use crate::{shown, shown_json};

pub(super) const KEY: Key<Headers> = Key::new(
    "forward_headers",
    "Request headers passed to the origin, as a list or separated by commas; \"*\" alone: all",
);
pub(super) const OLDER: Key<Headers> = Key::new("headers", "Older form of forward_headers");

/// The maximum number of headers that CloudFront forwards by name (`TooManyHeadersInForwardedValues`), including Host.
pub(crate) const MOST: usize = 10;
/// The header that the default origin needs: the platform's router uses it to find the application.
const HOST: &str = "HOST";

pub(crate) struct ForwardHeaders;

/// In upper case, sorted (as external-domain-broker keeps them); `["*"]`: all.
#[derive(Debug, Default)]
pub(super) struct Headers(Vec<String>);

impl Parameter for ForwardHeaders {
    fn keys(&self) -> &'static [KeyRow] {
        const { &[KEY.row(), OLDER.row()] }
    }

    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters) {
        let headers = request.judge(&[KEY.name, OLDER.name], |request| {
            let (key, headers) = request.either(&KEY, &OLDER)?;
            let headers = headers.unwrap_or_default().0;
            let needs_host = origin::is_default(request, parameters) && request.value(cache_policy::KEY.name).is_none();
            if needs_host {
                with_host(key, headers)
            } else {
                Ok(headers)
            }
        });
        parameters.settings.forward_headers = headers.unwrap_or_default();
    }

    fn normalised(&self, parameters: &Parameters) -> Option<Value> {
        let settings = &parameters.settings;
        settings.cache_policy.is_none().then(|| json!(settings.forward_headers))
    }

    fn merge(&self, update: &mut Update<'_>) {
        // Another origin must not get the Host header merely because the default origin needs it.
        if update.had_default_origin
            && let Some(Value::Array(headers)) = update.had(self)
        {
            headers.retain(|header| header != HOST);
        }
        cache_policy::take_the_place_of(self, update);
        update.replace(self);
    }
}

fn with_host(key: &str, mut headers: Vec<String>) -> Result<Vec<String>, ParameterError> {
    if headers == ["*"] || headers.iter().any(|header| header == HOST) {
        return Ok(headers);
    }
    if headers.len() == MOST {
        return Err(ParameterError::new(
            key,
            format!(
                "there are {MOST}; CloudFront forwards at most {} besides Host, which the default origin needs: write fewer, \
                 or \"*\" for all",
                MOST - 1
            ),
        ));
    }
    headers.push(HOST.to_string());
    headers.sort();
    Ok(headers)
}

impl Field for Headers {
    fn read(value: &Value) -> Result<Self, String> {
        let right = "[\"Accept\", \"Authorization\"] or \"Accept, Authorization\"";
        let given = names::parse(value, right)?;
        if given == ["*"] {
            return Ok(Self(given));
        }
        if given.iter().any(|name| name == "*") {
            return Err(format!(
                "{} has \"*\" together with others; \"*\" means all headers and stands alone",
                shown_json(value)
            ));
        }
        if let Some(odd) = given.iter().find(|name| !names::is_token(name)) {
            return Err(format!(
                "{} is not a header's name (RFC 7230 token: letters, digits, hyphens); write {right}",
                shown(odd)
            ));
        }
        let mut headers: Vec<String> = given.iter().map(|name| name.to_ascii_uppercase()).collect();
        headers.sort();
        if let Some(twice) = names::duplicate(&headers) {
            return Err(format!(
                "{} appears twice (capitals make no difference); write it once",
                shown(twice)
            ));
        }
        if headers.len() > MOST {
            return Err(format!(
                "there are {}; CloudFront forwards at most {MOST}, Host included: write fewer, or \"*\" for all",
                headers.len()
            ));
        }
        Ok(Self(headers))
    }

    fn schema() -> Schema {
        names::schema(MOST)
    }
}

#[cfg(feature = "cloudfront")]
#[expect(deprecated, reason = "forwarded values: see cache_policy.rs")]
mod cloudfront {
    use std::collections::BTreeSet;

    use aws_sdk_cloudfront::error::BuildError;
    use aws_sdk_cloudfront::types::{DistributionConfig, ForwardedValues, Headers};

    use super::*;
    use crate::cloudfront::{Wanted, default_behavior, forwarded, quantity};
    use crate::parameter::InCloudFront;

    impl InCloudFront for ForwardHeaders {
        fn put(&self, wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError> {
            let wanted = &wanted.settings.forward_headers;
            if let Some(values) = &mut default_behavior(config)?.forwarded_values
                && names(found(values)) != names(wanted)
            {
                values.headers = Some(
                    Headers::builder()
                        .quantity(quantity(wanted))
                        .set_items((!wanted.is_empty()).then(|| wanted.clone()))
                        .build()?,
                );
            }
            Ok(())
        }

        fn adopt(&self, config: &DistributionConfig, changes: &mut Vec<String>) -> Option<Value> {
            let found = forwarded(config).map(found).unwrap_or_default();
            if found.len() > MOST {
                changes.push(format!("only the first {MOST} of its headers are passed to the origin"));
            }
            let behaves = config.default_cache_behavior.is_some() && cache_policy::adopted(config).is_none();
            behaves.then(|| json!(found.iter().take(MOST).collect::<Vec<_>>()))
        }

        fn differences(&self, wanted: &Parameters, there: &DistributionConfig) -> Vec<String> {
            let wanted = &wanted.settings.forward_headers;
            match forwarded(there).map(found) {
                Some(found) if names(found) != names(wanted) => {
                    vec![format!("{} is {}, not {}", KEY.name, json!(found), json!(wanted))]
                }
                // Without forwarded values the distribution has a cache policy, which is compared separately.
                _ => Vec::new(),
            }
        }
    }

    fn found(values: &ForwardedValues) -> &[String] {
        values
            .headers
            .as_ref()
            .map(|headers| headers.items())
            .unwrap_or_default()
    }

    /// Ignores case.
    fn names(headers: &[String]) -> BTreeSet<String> {
        headers.iter().map(|name| name.to_ascii_uppercase()).collect()
    }
}
