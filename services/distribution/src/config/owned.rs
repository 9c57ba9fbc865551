//! What of a configuration is this broker's. `UpdateDistribution` replaces everything, so what was read is changed and
//! written back: what is ours is put right, what others (or a newer AWS) put there stays.

use std::collections::BTreeSet;

use aws_sdk_cloudfront::types::{
    AllowedMethods, CacheBehaviors, CustomHeaders, DistributionConfig, EventType, ForwardedValues, FunctionAssociation,
    FunctionAssociations, Origin, OriginGroups,
};

use crate::redirect;

use super::logging::put_logging;
use super::{FAILOVER_GROUP, FAILOVER_ORIGIN, RESPONDER, USERS_ORIGIN};

/// Origins by which this broker's are known; another of these that is not wanted any more goes.
const OUR_ORIGINS: [&str; 3] = [USERS_ORIGIN, RESPONDER, FAILOVER_ORIGIN];

/// Makes `there` be as `wanted` in everything that is ours but aliases and certificate. Whether it is enabled is the
/// operator's: who was switched off by hand must not be able to switch themselves on. Lists that only differ in their
/// order are left as they are, so that nothing is written for nothing.
#[expect(deprecated, reason = "see default_behavior")]
pub(crate) fn put_into(there: &mut DistributionConfig, wanted: &DistributionConfig) {
    let instance = &wanted.caller_reference;
    there.comment.clone_from(&wanted.comment);
    there.http_version.clone_from(&wanted.http_version);
    there.price_class.clone_from(&wanted.price_class);
    there.is_ipv6_enabled = wanted.is_ipv6_enabled;
    origins(there, wanted);
    origin_groups(there, wanted);
    if codes(there) != codes(wanted) {
        there.custom_error_responses.clone_from(&wanted.custom_error_responses);
    }
    match (&mut there.default_cache_behavior, &wanted.default_cache_behavior) {
        (Some(there), Some(wanted)) => {
            there.target_origin_id.clone_from(&wanted.target_origin_id);
            there.viewer_protocol_policy.clone_from(&wanted.viewer_protocol_policy);
            there.compress = wanted.compress;
            there.cache_policy_id.clone_from(&wanted.cache_policy_id);
            there
                .origin_request_policy_id
                .clone_from(&wanted.origin_request_policy_id);
            there
                .response_headers_policy_id
                .clone_from(&wanted.response_headers_policy_id);
            (there.min_ttl, there.default_ttl, there.max_ttl) = (wanted.min_ttl, wanted.default_ttl, wanted.max_ttl);
            put_methods(&mut there.allowed_methods, &wanted.allowed_methods);
            put_forwarded(&mut there.forwarded_values, &wanted.forwarded_values);
            put_function(
                &mut there.function_associations,
                &wanted.function_associations,
                &redirect::name(instance),
            );
        }
        (there, wanted) => there.clone_from(wanted),
    }
    behaviors(there, wanted);
    put_logging(there, wanted);
}

/// The ARN of the function of that name, if the default behavior has it before requests.
pub(crate) fn function_in<'c>(config: &'c DistributionConfig, name: &str) -> Option<&'c str> {
    let default = config.default_cache_behavior.as_ref()?;
    let mut all = default.function_associations.iter().flat_map(|all| all.items());
    all.find(|one| one.event_type == EventType::ViewerRequest && redirect::is_arn_of(&one.function_arn, name))
        .map(|one| one.function_arn.as_str())
}

/// The event is ours while there is something to redirect, and else our function only: others may have it with theirs.
fn put_function(there: &mut Option<FunctionAssociations>, wanted: &Option<FunctionAssociations>, name: &str) {
    let items = |all: &Option<FunctionAssociations>| all.as_ref().map(|all| all.items().to_vec()).unwrap_or_default();
    let ours = items(wanted);
    let taken = |one: &FunctionAssociation| match ours.as_slice() {
        [] => redirect::is_arn_of(&one.function_arn, name),
        ours => ours.iter().any(|ours| ours.event_type == one.event_type),
    };
    let before = items(there);
    let mut after: Vec<_> = before.iter().filter(|one| !taken(one)).cloned().collect();
    after.extend(ours.iter().cloned());
    let same = before.len() == after.len() && after.iter().all(|one| before.contains(one));
    if !same {
        let built = FunctionAssociations::builder()
            .quantity(super::quantity(&after))
            .set_items((!after.is_empty()).then_some(after))
            .build();
        // It has its quantity, so it can be built; else what is there would stay.
        if let Ok(associations) = built {
            *there = Some(associations);
        }
    }
}

fn origins(there: &mut DistributionConfig, wanted: &DistributionConfig) {
    let Some(wanted) = &wanted.origins else { return };
    let Some(origins) = &mut there.origins else {
        there.origins = Some(wanted.clone());
        return;
    };
    // What is new begins as a copy of the user's, or of what another broker had in its place: an update must name what a creation may
    // leave out.
    let target = there
        .default_cache_behavior
        .as_ref()
        .map(|behavior| &behavior.target_origin_id);
    let origin = |id: &str| origins.items.iter().find(|origin| origin.id == id).cloned();
    let pattern = origin(USERS_ORIGIN).or_else(|| origin(target?));
    for wanted in &wanted.items {
        if let Some(origin) = origins.items.iter_mut().find(|origin| origin.id == wanted.id) {
            put_origin(origin, wanted);
            continue;
        }
        let mut new = pattern.clone().unwrap_or_else(|| wanted.clone());
        new.id.clone_from(&wanted.id);
        if new.id == RESPONDER {
            // They may have a secret for the user's origin.
            new.custom_headers = CustomHeaders::builder().quantity(0).build().ok();
        }
        put_origin(&mut new, wanted);
        origins.items.push(new);
    }
    origins.items.retain(|origin| {
        !OUR_ORIGINS.contains(&origin.id.as_str()) || wanted.items.iter().any(|wanted| wanted.id == origin.id)
    });
    origins.quantity = super::quantity(&origins.items);
}

/// Time-outs, attempts, headers and shield are the operator's to tune.
fn put_origin(there: &mut Origin, wanted: &Origin) {
    there.domain_name.clone_from(&wanted.domain_name);
    there.origin_path.clone_from(&wanted.origin_path);
    match (&mut there.custom_origin_config, &wanted.custom_origin_config) {
        (Some(there), Some(wanted)) => {
            there.http_port = wanted.http_port;
            there.https_port = wanted.https_port;
            there.origin_protocol_policy.clone_from(&wanted.origin_protocol_policy);
        }
        (there, wanted) => {
            there.clone_from(wanted);
        }
    }
}

fn origin_groups(there: &mut DistributionConfig, wanted: &DistributionConfig) {
    let mut groups: Vec<_> = items(there.origin_groups.as_ref())
        .into_iter()
        .filter(|group| group.id != FAILOVER_GROUP)
        .collect();
    let ours = items(wanted.origin_groups.as_ref()).into_iter().next();
    let there_already = items(there.origin_groups.as_ref())
        .into_iter()
        .find(|group| group.id == FAILOVER_GROUP);
    // The one that is there may have what a newer AWS put there.
    match (ours, there_already) {
        (Some(wanted), Some(there)) if there.members == wanted.members => groups.push(there),
        (Some(wanted), _) => groups.push(wanted),
        (None, Some(_)) => {}
        (None, None) => return,
    }
    there.origin_groups = OriginGroups::builder()
        .quantity(super::quantity(&groups))
        .set_items((!groups.is_empty()).then_some(groups))
        .build()
        .ok();
}

fn items(groups: Option<&OriginGroups>) -> Vec<aws_sdk_cloudfront::types::OriginGroup> {
    groups.map(|groups| groups.items().to_vec()).unwrap_or_default()
}

/// The challenge behavior, first: it must win over whatever path somebody added. Others stay.
#[expect(deprecated, reason = "see default_behavior")]
fn behaviors(there: &mut DistributionConfig, wanted: &DistributionConfig) {
    let Some(wanted) = wanted.cache_behaviors.as_ref().and_then(|all| all.items().first()) else {
        return;
    };
    let mut all = there
        .cache_behaviors
        .as_ref()
        .map(|all| all.items().to_vec())
        .unwrap_or_default();
    let ours = match all.iter().position(|one| one.path_pattern == wanted.path_pattern) {
        Some(at) => {
            let mut ours = all.remove(at);
            ours.target_origin_id.clone_from(&wanted.target_origin_id);
            ours.viewer_protocol_policy.clone_from(&wanted.viewer_protocol_policy);
            ours.compress = wanted.compress;
            ours.cache_policy_id.clone_from(&wanted.cache_policy_id);
            ours.origin_request_policy_id
                .clone_from(&wanted.origin_request_policy_id);
            (ours.min_ttl, ours.default_ttl, ours.max_ttl) = (wanted.min_ttl, wanted.default_ttl, wanted.max_ttl);
            put_methods(&mut ours.allowed_methods, &wanted.allowed_methods);
            put_forwarded(&mut ours.forwarded_values, &wanted.forwarded_values);
            ours
        }
        None => wanted.clone(),
    };
    all.insert(0, ours);
    there.cache_behaviors = CacheBehaviors::builder()
        .quantity(super::quantity(&all))
        .set_items(Some(all))
        .build()
        .ok();
}

fn codes(config: &DistributionConfig) -> BTreeSet<(i32, Option<&str>, Option<&str>)> {
    config
        .custom_error_responses
        .iter()
        .flat_map(|all| all.items())
        .map(|one| {
            (
                one.error_code,
                one.response_page_path.as_deref(),
                one.response_code.as_deref(),
            )
        })
        .collect()
}

fn put_methods(there: &mut Option<AllowedMethods>, wanted: &Option<AllowedMethods>) {
    fn names(methods: &Option<AllowedMethods>) -> Option<(BTreeSet<&str>, BTreeSet<&str>)> {
        methods.as_ref().map(|allowed| {
            (
                allowed.items.iter().map(|method| method.as_str()).collect(),
                allowed
                    .cached_methods
                    .iter()
                    .flat_map(|cached| &cached.items)
                    .map(|method| method.as_str())
                    .collect(),
            )
        })
    }
    if names(there) != names(wanted) {
        there.clone_from(wanted);
    }
}

fn put_forwarded(there: &mut Option<ForwardedValues>, wanted: &Option<ForwardedValues>) {
    if there.as_ref().map(forwarded) == wanted.as_ref().map(forwarded) {
        return;
    }
    match (there, wanted) {
        // An update must send back what else the service put there.
        (Some(there), Some(wanted)) => {
            there.query_string = wanted.query_string;
            there.headers.clone_from(&wanted.headers);
            there.cookies.clone_from(&wanted.cookies);
        }
        (there, wanted) => there.clone_from(wanted),
    }
}

/// What is forwarded, whatever the order.
#[derive(PartialEq)]
struct Forwarded<'v> {
    query_string: bool,
    headers: BTreeSet<String>,
    cookies: Option<&'v str>,
    cookie_names: BTreeSet<&'v str>,
}

fn forwarded(values: &ForwardedValues) -> Forwarded<'_> {
    let headers = values.headers.iter().flat_map(|headers| headers.items());
    let cookies = values.cookies.as_ref();
    Forwarded {
        query_string: values.query_string,
        headers: headers.map(|name| name.to_ascii_uppercase()).collect(),
        cookies: cookies.map(|cookies| cookies.forward.as_str()),
        cookie_names: cookies
            .and_then(|cookies| cookies.whitelisted_names.as_ref())
            .into_iter()
            .flat_map(|names| names.items())
            .map(String::as_str)
            .collect(),
    }
}
