//! The origins of a configuration. The operator may tune timeouts, attempts, headers and shield.

use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::{
    CustomOriginConfig, DistributionConfig, Origin, OriginProtocolPolicy, OriginSslProtocols, Origins, SslProtocol,
};
use pipeline::InstanceSettings;

use super::quantity;

/// The id of the user's origin in a configuration.
pub const USERS_ORIGIN: &str = "origin";
/// The id of the failover origin.
pub const FAILOVER_ORIGIN: &str = "failover-origin";

/// The origin of the default behavior, and its failover origin, whatever their ids are.
pub fn origins(config: &DistributionConfig) -> Option<(&Origin, Option<&Origin>)> {
    let target = &config.default_cache_behavior.as_ref()?.target_origin_id;
    if let Some(alone) = find(config, target) {
        return Some((alone, None));
    }
    let groups = config.origin_groups.as_ref()?.items();
    let group = groups.iter().find(|group| group.id == *target)?;
    let members = &group.members.as_ref()?.items;
    let mut members = members.iter().map(|member| find(config, &member.origin_id));
    Some((members.next()??, members.next().flatten()))
}

/// The origin of that id.
pub fn find<'c>(config: &'c DistributionConfig, id: &str) -> Option<&'c Origin> {
    let mut all = config.origins.iter().flat_map(|origins| &origins.items);
    all.find(|origin| origin.id == id)
}

/// Sets the host of the origin with that id. A new origin starts as a copy of the one with the id `like`, if that
/// exists: an update must name what a creation may leave out.
///
/// # Errors
/// None, as long as the SDK's model requires no further members.
pub fn put_host<'c>(
    config: &'c mut DistributionConfig,
    id: &str,
    host: &str,
    like: &str,
) -> Result<&'c mut Origin, BuildError> {
    let origins = match &mut config.origins {
        Some(origins) => origins,
        none => none.insert(Origins::builder().quantity(0).set_items(Some(Vec::new())).build()?),
    };
    let at = match origins.items.iter().position(|origin| origin.id == id) {
        Some(at) => at,
        None => {
            let like = origins.items.iter().find(|origin| origin.id == like).cloned();
            origins.items.push(like.map_or_else(|| new(id, host), Ok)?);
            origins.quantity = quantity(&origins.items);
            origins.items.len() - 1
        }
    };
    let origin = &mut origins.items[at];
    id.clone_into(&mut origin.id);
    host.clone_into(&mut origin.domain_name);
    Ok(origin)
}

/// Removes the origin with that id.
pub(crate) fn remove(config: &mut DistributionConfig, id: &str) {
    if let Some(origins) = &mut config.origins {
        origins.items.retain(|origin| origin.id != id);
        origins.quantity = quantity(&origins.items);
    }
}

/// The user's origins.
pub(crate) fn users(config: &mut DistributionConfig) -> impl Iterator<Item = &mut Origin> {
    let all = config.origins.iter_mut().flat_map(|origins| &mut origins.items);
    all.filter(|origin| [USERS_ORIGIN, FAILOVER_ORIGIN].contains(&origin.id.as_str()))
}

/// Those that should exist and do, with the words for them in a sentence.
pub(crate) fn compared<'c>(
    wanted: &InstanceSettings,
    there: &'c DistributionConfig,
) -> impl Iterator<Item = (&'static str, &'c Origin)> {
    let failover = wanted
        .failover_origin
        .as_ref()
        .and_then(|_| find(there, FAILOVER_ORIGIN));
    let users = find(there, USERS_ORIGIN).map(|origin| ("the origin", origin));
    users
        .into_iter()
        .chain(failover.map(|origin| ("the failover origin", origin)))
}

/// How CloudFront fetches from it. `port` is for the chosen scheme; the port of the other scheme, which is not used, is
/// preserved.
///
/// # Errors
/// None, as long as the SDK's model requires no further members.
pub fn put_protocol(origin: &mut Origin, secure: bool, port: Option<u16>) -> Result<(), BuildError> {
    let wanted = custom(secure, port)?;
    match &mut origin.custom_origin_config {
        Some(there) => {
            there.http_port = wanted.http_port;
            there.https_port = wanted.https_port;
            there.origin_protocol_policy = wanted.origin_protocol_policy;
        }
        none => *none = Some(wanted),
    }
    Ok(())
}

fn new(id: &str, host: &str) -> Result<Origin, BuildError> {
    Origin::builder()
        .id(id)
        .domain_name(host)
        .origin_path("")
        .custom_origin_config(custom(true, None)?)
        .build()
}

fn custom(secure: bool, port: Option<u16>) -> Result<CustomOriginConfig, BuildError> {
    let (policy, http, https) = match secure {
        true => (OriginProtocolPolicy::HttpsOnly, 80, port.unwrap_or(443)),
        false => (OriginProtocolPolicy::HttpOnly, port.unwrap_or(80), 443),
    };
    CustomOriginConfig::builder()
        .http_port(http.into())
        .https_port(https.into())
        .origin_protocol_policy(policy)
        .origin_ssl_protocols(
            OriginSslProtocols::builder()
                .quantity(1)
                .items(SslProtocol::TlSv12)
                .build()?,
        )
        .origin_read_timeout(30)
        .origin_keepalive_timeout(5)
        .build()
}
