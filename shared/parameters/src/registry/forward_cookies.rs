//! `forward_cookies`, or `cookies` as in older brokers: which cookies are passed to the origin.

use pipeline::instance::Cookies;
use schemars::{Schema, json_schema};
use serde_json::{Value, json};

use super::cache_policy;
use crate::field::Field;
use crate::key::{Key, KeyRow};
use crate::parameter::Parameter;
use crate::parse::{Parameters, Request};
use crate::update::Update;
use crate::value::names;
use crate::{shown, shown_json};

pub(super) const KEY: Key<Cookies> = Key::new(
    "forward_cookies",
    "Cookies passed to the origin, as a list or separated by commas; \"*\" or true: all (the default); \"\" or false: none",
);
pub(super) const OLDER: Key<Cookies> = Key::new("cookies", "Older form of forward_cookies");

/// The maximum length of a cookie's name in bytes.
const MOST_NAME: usize = 128;

pub(crate) struct ForwardCookies;

impl Parameter for ForwardCookies {
    fn keys(&self) -> &'static [KeyRow] {
        const { &[KEY.row(), OLDER.row()] }
    }

    fn parse(&self, request: &mut Request<'_>, parameters: &mut Parameters) {
        let cookies = request.judge(&[KEY.name, OLDER.name], |request| request.either(&KEY, &OLDER));
        // As the older brokers did.
        let cookies = cookies.and_then(|(_, cookies)| cookies).unwrap_or(Cookies::All);
        parameters.settings.forward_cookies = cookies;
    }

    fn normalised(&self, parameters: &Parameters) -> Option<Value> {
        let settings = &parameters.settings;
        settings
            .cache_policy
            .is_none()
            .then(|| shortest(&settings.forward_cookies))
    }

    fn merge(&self, update: &mut Update<'_>) {
        cache_policy::take_the_place_of(self, update);
        update.replace(self);
    }
}

fn shortest(cookies: &Cookies) -> Value {
    match cookies {
        Cookies::All => json!("*"),
        Cookies::None => json!(""),
        Cookies::Only(names) => json!(names),
    }
}

impl Field for Cookies {
    fn read(value: &Value) -> Result<Self, String> {
        if let Some(all) = value.as_bool() {
            return Ok(if all { Self::All } else { Self::None });
        }
        if let Some(text @ ("true" | "false")) = value.as_str().map(str::trim_ascii) {
            return Err(format!(
                "\"{text}\" is not a boolean; write {text} without quotes, or [\"{text}\"] for a cookie of this name"
            ));
        }
        let right = "\"*\" for all, \"\" for none, or names such as \"session, theme\"";
        let mut cookies = names::parse(value, right)?;
        if cookies.is_empty() {
            return Ok(Self::None);
        }
        if cookies == ["*"] {
            return Ok(Self::All);
        }
        if cookies.iter().any(|name| name == "*") {
            return Err(format!(
                "{} has \"*\" together with others; \"*\" means all cookies and stands alone",
                shown_json(value)
            ));
        }
        // RFC 6265 §4.1.1: a cookie's name is a token.
        if let Some(odd) = cookies
            .iter()
            .find(|name| !names::is_token(name) || name.len() > MOST_NAME)
        {
            return Err(format!("{} is not a cookie's name; write {right}", shown(odd)));
        }
        cookies.sort();
        match names::duplicate(&cookies) {
            Some(twice) => Err(format!("{} appears twice; write it once", shown(twice))),
            None => Ok(Self::Only(cookies)),
        }
    }

    fn schema() -> Schema {
        json_schema!({"anyOf": [
            {"type": ["boolean", "string"]},
            {"type": "array", "items": {"type": "string", "pattern": "^[^,]+$"}},
        ]})
    }
}

#[cfg(feature = "cloudfront")]
#[expect(deprecated, reason = "forwarded values: see cache_policy.rs")]
mod cloudfront {
    use std::collections::BTreeSet;

    use aws_sdk_cloudfront::error::BuildError;
    use aws_sdk_cloudfront::types::{CookieNames, CookiePreference, DistributionConfig, ItemSelection};

    use super::*;
    use crate::cloudfront::{Wanted, default_behavior, forwarded, quantity};
    use crate::parameter::InCloudFront;

    impl InCloudFront for ForwardCookies {
        fn put(&self, wanted: &Wanted<'_>, config: &mut DistributionConfig) -> Result<(), BuildError> {
            let wanted = preference(&wanted.settings.forward_cookies)?;
            if let Some(values) = &mut default_behavior(config)?.forwarded_values
                && values.cookies.as_ref().map(meaning) != Some(meaning(&wanted))
            {
                values.cookies = Some(wanted);
            }
            Ok(())
        }

        fn adopt(&self, config: &DistributionConfig, _: &mut Vec<String>) -> Option<Value> {
            let behaves = config.default_cache_behavior.is_some() && cache_policy::adopted(config).is_none();
            let cookies = forwarded(config).and_then(|values| values.cookies.as_ref());
            behaves.then(|| shortest(&cookies.map_or(Cookies::None, read)))
        }

        fn differences(&self, wanted: &Parameters, there: &DistributionConfig) -> Vec<String> {
            let there = forwarded(there).and_then(|values| values.cookies.as_ref());
            let wanted = &wanted.settings.forward_cookies;
            match (there, preference(wanted)) {
                (Some(there), Ok(preference)) if meaning(there) != meaning(&preference) => {
                    let (there, wanted) = (shortest(&read(there)), shortest(wanted));
                    vec![format!("{} is {there}, not {wanted}", KEY.name)]
                }
                // Without forwarded values the distribution has a cache policy, which is compared separately.
                _ => Vec::new(),
            }
        }
    }

    fn preference(cookies: &Cookies) -> Result<CookiePreference, BuildError> {
        let builder = CookiePreference::builder();
        match cookies {
            Cookies::All => builder.forward(ItemSelection::All),
            Cookies::Only(names) if !names.is_empty() => builder.forward(ItemSelection::Whitelist).whitelisted_names(
                CookieNames::builder()
                    .quantity(quantity(names))
                    .set_items(Some(names.clone()))
                    .build()?,
            ),
            // An empty list means no cookies; CloudFront requires at least one in a list.
            Cookies::None | Cookies::Only(_) => builder.forward(ItemSelection::None),
        }
        .build()
    }

    fn read(there: &CookiePreference) -> Cookies {
        match (&there.forward, &there.whitelisted_names) {
            (ItemSelection::All, _) => Cookies::All,
            (ItemSelection::Whitelist, Some(names)) => Cookies::Only(names.items().to_vec()),
            _ => Cookies::None,
        }
    }

    /// Ignores the order.
    fn meaning(cookies: &CookiePreference) -> (&str, BTreeSet<&str>) {
        let names = cookies.whitelisted_names.iter().flat_map(|names| names.items());
        (cookies.forward.as_str(), names.map(String::as_str).collect())
    }
}
