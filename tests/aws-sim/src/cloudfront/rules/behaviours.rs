//! Cache behaviours. Source: service model, Developer Guide "Cache behavior settings", CloudFront quotas.

use std::collections::{BTreeSet, HashSet};

use crate::cloudfront::errors::{invalid, refuse};
use crate::cloudfront::policies;
use crate::error::Answer;
use crate::xml::Element;

const MAX_BEHAVIOURS: usize = 75;
const MAX_HEADERS: usize = 10;
const MAX_COOKIES: usize = 10;
const MAX_QUERY_KEYS: usize = 10;
const READ: [&str; 2] = ["GET", "HEAD"];
const READ_OPTIONS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];
const ALL: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

pub(super) fn check(config: &Element) -> Answer<()> {
    let targets = config
        .items("Origins")
        .chain(config.items("OriginGroups"))
        .filter_map(|origin| origin.text_at("Id"))
        .collect::<HashSet<_>>();
    if let Some(default) = config.child("DefaultCacheBehavior") {
        behaviour(default, &targets)?;
    }
    let behaviours = config.items("CacheBehaviors").collect::<Vec<_>>();
    if behaviours.len() > MAX_BEHAVIOURS {
        let message = "You cannot create more cache behaviors for the distribution.";
        return Err(refuse("TooManyCacheBehaviors", message));
    }
    let mut patterns = HashSet::new();
    for one in behaviours {
        let pattern = one
            .given("PathPattern")
            .ok_or_else(|| invalid("The parameter PathPattern is required."))?;
        if !patterns.insert(pattern.trim_start_matches('/')) {
            return Err(invalid(format!(
                "The parameter PathPattern contains a duplicate: {pattern}"
            )));
        }
        behaviour(one, &targets)?;
    }
    Ok(())
}

fn behaviour(behaviour: &Element, targets: &HashSet<&str>) -> Answer<()> {
    let target = behaviour.text_at("TargetOriginId").unwrap_or_default();
    if !targets.contains(target) {
        let message = "One or more of your origins or origin groups do not exist.";
        return Err(refuse("NoSuchOrigin", message));
    }
    methods(behaviour)?;
    let policy = behaviour.given("CachePolicyId");
    match (policy, behaviour.child("ForwardedValues")) {
        (Some(_), Some(_)) => {
            let message =
                "The parameter ForwardedValues cannot be used when a cache policy is associated to the cache behavior.";
            return Err(invalid(message));
        }
        (None, None) => {
            return Err(invalid(
                "Either CachePolicyId or ForwardedValues is required in a cache behavior.",
            ));
        }
        (None, Some(forwarded)) => forwarded_values(forwarded)?,
        (Some(_), None)
            if ["MinTTL", "DefaultTTL", "MaxTTL"]
                .iter()
                .any(|ttl| behaviour.child(ttl).is_some()) =>
        {
            return Err(invalid(
                "The parameters MinTTL, DefaultTTL and MaxTTL cannot be used with a cache policy.",
            ));
        }
        (Some(_), None) => {}
    }
    known_policies(behaviour)?;
    ttl(behaviour)
}

fn methods(behaviour: &Element) -> Answer<()> {
    let Some(allowed) = behaviour.child("AllowedMethods") else {
        return Ok(());
    };
    let set = |element: &Element, path: &str| {
        let texts = match path {
            "" => element.child("Items").map_or_else(Vec::new, |items| {
                items.children.iter().map(|i| i.text.clone()).collect()
            }),
            _ => element.item_texts(path),
        };
        let set = texts.iter().cloned().collect::<BTreeSet<_>>();
        if set.len() == texts.len() {
            Ok(set)
        } else {
            Err(invalid("A method is given more than once."))
        }
    };
    let is = |set: &BTreeSet<String>, names: &[&str]| set.iter().map(String::as_str).eq(names.iter().copied());
    let methods = set(allowed, "")?;
    if !(is(&methods, &READ) || is(&methods, &READ_OPTIONS) || is(&methods, &ALL)) {
        let message = "The parameter AllowedMethods must be GET, HEAD; or GET, HEAD, OPTIONS; or all seven methods.";
        return Err(invalid(message));
    }
    if allowed.child("CachedMethods").is_some() {
        let cached = set(allowed, "CachedMethods")?;
        if !(is(&cached, &READ) || is(&cached, &READ_OPTIONS)) || !cached.is_subset(&methods) {
            return Err(invalid(
                "The parameter CachedMethods must be GET, HEAD or GET, HEAD, OPTIONS, and among AllowedMethods.",
            ));
        }
    }
    Ok(())
}

fn forwarded_values(forwarded: &Element) -> Answer<()> {
    let headers = forwarded.item_texts("Headers");
    if headers.len() > MAX_HEADERS {
        let message = "Your request contains too many headers in forwarded values.";
        return Err(refuse("TooManyHeadersInForwardedValues", message));
    }
    if headers.len() > 1 && headers.iter().any(|header| header == "*") {
        return Err(invalid(
            "The parameter Headers cannot contain '*' together with other headers.",
        ));
    }
    let mut seen = HashSet::new();
    if let Some(twice) = headers.iter().find(|header| !seen.insert(header.to_ascii_lowercase())) {
        return Err(invalid(format!(
            "The parameter Headers contains {twice} more than once."
        )));
    }
    let whitelist = forwarded.text_at("Cookies/Forward") == Some("whitelist");
    let cookies = forwarded.item_texts("Cookies/WhitelistedNames");
    if whitelist == cookies.is_empty() {
        let message = "Your request contains forward cookies option which doesn't match with the expectation for the \
                       whitelisted list of cookie names. Either list of cookie names has been specified when not allowed \
                       or list of cookie names is missing when expected.";
        return Err(refuse("InvalidForwardCookies", message));
    }
    if cookies.len() > MAX_COOKIES {
        let message = "Your request contains more cookie names in the whitelist than are allowed per cache behavior.";
        return Err(refuse("TooManyCookieNamesInWhiteList", message));
    }
    let keys = forwarded.item_texts("QueryStringCacheKeys");
    if keys.len() > MAX_QUERY_KEYS {
        return Err(refuse(
            "TooManyQueryStringParameters",
            "Your request contains too many query string parameters.",
        ));
    }
    if !keys.is_empty() && !forwarded.is_true("QueryString") {
        return Err(refuse(
            "InvalidQueryStringParameters",
            "The query string parameters specified are not valid.",
        ));
    }
    Ok(())
}

fn known_policies(behaviour: &Element) -> Answer<()> {
    if let Some(id) = behaviour.given("CachePolicyId")
        && policies::cache_policy(id).is_none()
    {
        return Err(refuse("NoSuchCachePolicy", "The cache policy does not exist."));
    }
    if let Some(id) = behaviour.given("OriginRequestPolicyId") {
        if policies::origin_request_policy(id).is_none() {
            return Err(refuse(
                "NoSuchOriginRequestPolicy",
                "The origin request policy does not exist.",
            ));
        }
        if behaviour.given("CachePolicyId").is_none() {
            return Err(invalid(
                "An origin request policy needs a cache policy in the same cache behavior.",
            ));
        }
    }
    if let Some(id) = behaviour.given("ResponseHeadersPolicyId")
        && !policies::RESPONSE_HEADERS.contains(&id)
    {
        return Err(refuse(
            "NoSuchResponseHeadersPolicy",
            "The response headers policy does not exist.",
        ));
    }
    Ok(())
}

fn ttl(behaviour: &Element) -> Answer<()> {
    let given = ["MinTTL", "DefaultTTL", "MaxTTL"].map(|name| behaviour.number(name));
    if given.iter().flatten().any(|&seconds| seconds < 0) {
        return Err(invalid("A TTL cannot be negative."));
    }
    let ordered = given.iter().flatten().is_sorted();
    if ordered {
        Ok(())
    } else {
        Err(refuse("InvalidTTLOrder", "The TTL order specified is not valid."))
    }
}
