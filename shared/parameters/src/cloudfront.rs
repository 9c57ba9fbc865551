//! The parameters in a distribution's configuration. What [`put`] writes is managed by this broker; the rest belongs to
//! others or to a newer AWS, and is preserved.

pub mod methods;
pub mod origins;

use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::{
    DefaultCacheBehavior, DistributionConfig, ForwardedValues, PriceClass, ViewerProtocolPolicy,
};
use pipeline::InstanceSettings;
use serde_json::{Map, Value};

use crate::parameter::Parameter;
use crate::parse::Parameters;
use crate::registry::ALL;

pub use crate::registry::redirect_to::cloudfront::function_in;

/// The wanted configuration.
#[derive(Debug, Clone)]
pub struct Wanted<'w> {
    /// The instance's settings.
    pub settings: &'w InstanceSettings,
    /// The price class when neither user nor plan sets one.
    pub price_class: &'w PriceClass,
    /// The name of the instance's function, whether or not it exists.
    pub function_name: &'w str,
    /// The ARN of the function that redirects, if there is to be one.
    pub function: Option<&'w str>,
}

/// Makes a configuration, new or read, match the parameters in everything except aliases.
///
/// # Errors
/// A member lacks what the SDK's model requires.
pub fn put(wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError> {
    ALL.iter().try_for_each(|parameter| parameter.put(wanted, config))
}

/// Another owner's distribution in this broker's terms.
#[derive(Debug)]
pub struct Adopted {
    /// In the form that `cf create-service -c` accepts; defaults are left out.
    pub parameters: Value,
    /// The changes that the first write nevertheless makes, each as a sentence.
    pub changes: Vec<String>,
}

/// The parameters that make an instance match this distribution.
pub fn adopt(config: &DistributionConfig) -> Adopted {
    let (mut parameters, mut changes) = (Map::new(), Vec::new());
    for parameter in ALL.iter() {
        let name = parameter.keys().first().map(|key| key.name.to_owned());
        if let (Some(name), Some(value)) = (name, parameter.adopt(config, &mut changes)) {
            parameters.insert(name, value);
        }
    }
    Adopted {
        parameters: Value::Object(parameters),
        changes,
    }
}

/// The differences in CloudFront, each as a sentence.
pub fn differences(wanted: &Parameters, there: &DistributionConfig) -> Vec<String> {
    ALL.iter()
        .flat_map(|parameter| parameter.differences(wanted, there))
        .collect()
}

/// In lower case, sorted.
pub fn aliases(config: &DistributionConfig) -> Vec<String> {
    let all = config.aliases.iter().flat_map(|aliases| aliases.items());
    let mut aliases: Vec<String> = all.map(|alias| alias.to_ascii_lowercase()).collect();
    aliases.sort();
    aliases
}

/// The behavior for all paths except those of other owners' behaviors and of the CA's challenges; created if the
/// configuration is new.
///
/// # Errors
/// None, as long as the SDK's model requires no further members.
pub fn default_behavior(config: &mut DistributionConfig) -> Result<&mut DefaultCacheBehavior, BuildError> {
    match &mut config.default_cache_behavior {
        Some(behavior) => Ok(behavior),
        none => Ok(none.insert(
            DefaultCacheBehavior::builder()
                .target_origin_id(origins::USERS_ORIGIN)
                .viewer_protocol_policy(ViewerProtocolPolicy::RedirectToHttps)
                .build()?,
        )),
    }
}

/// Every `Quantity` must equal the number of items (docs/aws-rules.md).
pub fn quantity<T>(items: &[T]) -> i32 {
    i32::try_from(items.len()).unwrap_or(i32::MAX)
}

#[expect(deprecated, reason = "forwarded values: see registry/cache_policy.rs")]
pub(crate) fn forwarded(config: &DistributionConfig) -> Option<&ForwardedValues> {
    config.default_cache_behavior.as_ref()?.forwarded_values.as_ref()
}

/// A sentence if they differ.
pub(crate) fn unlike(what: &str, there: Option<&str>, wanted: Option<&str>) -> Vec<String> {
    let word = |value: Option<&str>| value.unwrap_or("the default").to_owned();
    let differs = there != wanted;
    differs
        .then(|| format!("{what} is {}, not {}", word(there), word(wanted)))
        .into_iter()
        .collect()
}

/// The same for a parameter whose normalised form is complete: compares what an adoption would read with what was
/// requested.
pub(crate) fn by_value(parameter: &dyn Parameter, wanted: &Parameters, there: &DistributionConfig) -> Vec<String> {
    let there = parameter.adopt(there, &mut Vec::new()).map(|value| value.to_string());
    let wanted = parameter.normalised(wanted).map(|value| value.to_string());
    let name = parameter.keys().first().map_or("?", |key| key.name);
    unlike(name, there.as_deref(), wanted.as_deref())
}

#[cfg(test)]
mod tests;
