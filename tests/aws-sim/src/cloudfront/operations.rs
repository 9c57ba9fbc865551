//! The operations: each checks the request, changes the account, and returns the response.

use std::collections::BTreeMap;

use http::HeaderMap;

use super::distribution::Distribution;
use super::errors::{invalid, refuse};
use super::newer::Newer;
use super::router::Operation;
use super::{
    NAMESPACE, aliases, completion, functions, logging, rights, rules, schema, tags, viewer_certificate, views,
};
use crate::access::AccessKey;
use crate::api::Reply;
use crate::edge::config::EdgeConfig;
use crate::error::{Answer, ApiError};
use crate::state::{Sim, World};
use crate::trust::Roots;
use crate::xml::Element;

/// Performs an authenticated call that this key is allowed to make.
pub fn perform(sim: &Sim, operation: &Operation, key: &AccessKey, headers: &HeaderMap, body: &[u8]) -> Answer<Reply> {
    match operation {
        Operation::CreateDistribution => {
            let config = schema::document(body, "DistributionConfig")?;
            create(sim, key, config, BTreeMap::new())
        }
        Operation::CreateDistributionWithTags => {
            create_with_tags(sim, key, &schema::document(body, "DistributionConfigWithTags")?)
        }
        Operation::GetDistribution(id) => {
            let world = sim.world();
            let distribution = find(&world, id)?;
            Ok(document(&views::distribution(distribution)).header("etag", &distribution.etag))
        }
        Operation::GetDistributionConfig(id) => {
            let world = sim.world();
            let distribution = find(&world, id)?;
            Ok(document(&distribution.config).header("etag", &distribution.etag))
        }
        Operation::UpdateDistribution(id) => update(sim, key, id, headers, body),
        Operation::DeleteDistribution(id) => delete(&mut sim.world(), id, headers),
        Operation::ListDistributions { marker, max_items } => {
            list(&sim.world(), marker.as_deref(), max_items.as_deref())
        }
        Operation::ListConflictingAliases {
            distribution,
            alias,
            max_items,
        } => {
            let world = sim.world();
            aliases::conflicting(&world, distribution.as_deref(), alias.as_deref(), max_items.as_deref())
                .map(|list| document(&list))
        }
        Operation::AssociateAlias { distribution, alias } => {
            aliases::associate(&mut sim.world(), distribution, alias.as_deref()).map(|()| Reply::empty(200))
        }
        Operation::CreateFunction => functions::operations::create(&mut sim.world(), body),
        Operation::ListFunctions {
            marker,
            max_items,
            stage,
        } => functions::operations::list(&sim.world(), marker.as_deref(), max_items.as_deref(), stage.as_deref()),
        Operation::DescribeFunction(name, stage) => {
            functions::operations::describe(&sim.world(), name, stage.as_deref())
        }
        Operation::GetFunction(name, stage) => functions::operations::get(&sim.world(), name, stage.as_deref()),
        Operation::UpdateFunction(name) => functions::operations::update(&mut sim.world(), name, headers, body),
        Operation::PublishFunction(name) => functions::operations::publish(&mut sim.world(), name, headers),
        Operation::DeleteFunction(name) => functions::operations::delete(&mut sim.world(), name, headers),
        Operation::TagResource(resource) => {
            let new = tags::read(&schema::document(body, "Tags")?)?;
            let mut world = sim.world();
            let distribution = tagged(&mut world, resource.as_deref())?;
            let mut all = distribution.tags.clone();
            all.extend(new);
            tags::within_quota(&all)?;
            distribution.tags = all;
            Ok(Reply::empty(204))
        }
        Operation::UntagResource(resource) => {
            let keys = tags::keys(&schema::document(body, "TagKeys")?);
            let mut world = sim.world();
            tagged(&mut world, resource.as_deref())?
                .tags
                .retain(|key, _| !keys.contains(key));
            Ok(Reply::empty(204))
        }
        Operation::ListTagsForResource(resource) => {
            let mut world = sim.world();
            let distribution = tagged(&mut world, resource.as_deref())?;
            Ok(document(&views::tags(&distribution.tags)))
        }
    }
}

fn create_with_tags(sim: &Sim, key: &AccessKey, document: &Element) -> Answer<Reply> {
    let part = |name: &str| {
        document
            .child(name)
            .cloned()
            .ok_or_else(|| refuse("MalformedXML", format!("{name} is missing")))
    };
    let tags = tags::read(&part("Tags")?)?;
    create(sim, key, part("DistributionConfig")?, tags)
}

fn create(sim: &Sim, key: &AccessKey, mut config: Element, tags: BTreeMap<String, String>) -> Answer<Reply> {
    let roots = Roots::read(&sim.settings.trusted_roots);
    check(&mut config, &Newer::default())?;
    completion::complete(&mut config);
    let mut world = sim.world();
    let reference = config.text_at("CallerReference").unwrap_or_default().to_owned();
    if world.spent_references.contains(&reference) {
        let message =
            "The caller reference that you are using to create a distribution is associated with another distribution.";
        return Err(refuse("DistributionAlreadyExists", message));
    }
    viewer_certificate::authorize(&world, &config, &roots)?;
    rights::elsewhere(key, &config)?;
    logging::check_bucket(&world, key, &config)?;
    functions::associations::check(&world, &config)?;
    aliases::check_conflicts(&world, None, &config)?;
    if world.distributions.len() >= world.limits.distribution_quota {
        let message = "Processing your request would cause you to exceed the maximum number of distributions allowed.";
        return Err(refuse("TooManyDistributions", message));
    }
    let edge = EdgeConfig::new(&config, &world);
    let distribution = Distribution::new(config, edge, tags);
    let location = format!(
        "https://cloudfront.amazonaws.com/2020-05-31/distribution/{}",
        distribution.id
    );
    let mut reply = document(&views::distribution(&distribution))
        .header("etag", &distribution.etag)
        .header("location", location);
    reply.status = 201;
    world.history.distribution_made(&distribution.id, &reference);
    world.spent_references.insert(reference);
    world.distributions.insert(distribution.id.clone(), distribution);
    Ok(reply)
}

fn check(config: &mut Element, newer: &Newer) -> Answer<()> {
    schema::check(config, newer)?;
    rules::check(config)?;
    logging::normalize(config)?;
    viewer_certificate::normalize(config)?;
    aliases::check_names(config)
}

fn update(sim: &Sim, key: &AccessKey, id: &str, headers: &HeaderMap, body: &[u8]) -> Answer<Reply> {
    let roots = Roots::read(&sim.settings.trusted_roots);
    let mut config = schema::document(body, "DistributionConfig")?;
    let mut world = sim.world();
    let current = matched(&world, id, headers)?;
    schema::check(&config, &world.newer)?;
    if config.text_at("CallerReference") != current.config.text_at("CallerReference") {
        return Err(refuse(
            "IllegalUpdate",
            "The CallerReference of a distribution cannot be changed.",
        ));
    }
    completion::check_update(&current.config, &config)?;
    check(&mut config, &world.newer)?;
    completion::complete(&mut config);
    if viewer_certificate::needs_authorization(&current.config, &config) {
        viewer_certificate::authorize(&world, &config, &roots)?;
    }
    if world.limits.one_certificate_change && matched(&world, id, headers)?.changes_certificate_twice(&config) {
        return Err(refuse(
            "IllegalUpdate",
            "Only one viewer certificate change may be in progress at a time.",
        ));
    }
    rights::elsewhere(key, &config)?;
    logging::check_bucket(&world, key, &config)?;
    functions::associations::check(&world, &config)?;
    aliases::check_conflicts(&world, Some(id), &config)?;
    let edge = EdgeConfig::new(&config, &world);
    let distribution = world.distributions.get_mut(id).ok_or_else(no_such_distribution)?;
    distribution.replace(config, edge);
    Ok(document(&views::distribution(distribution)).header("etag", &distribution.etag))
}

fn delete(world: &mut World, id: &str, headers: &HeaderMap) -> Answer<Reply> {
    let distribution = matched(world, id, headers)?;
    if distribution.enabled() || !distribution.deployed() {
        let message = "The distribution you are trying to delete has not been disabled.";
        return Err(refuse("DistributionNotDisabled", message));
    }
    world.distributions.remove(id);
    world.history.distribution_deleted(id);
    Ok(Reply::empty(204))
}

/// The distribution whose ETag `If-Match` names.
fn matched<'a>(world: &'a World, id: &str, headers: &HeaderMap) -> Answer<&'a Distribution> {
    let distribution = find(world, id)?;
    if_match(headers, &distribution.etag)?;
    Ok(distribution)
}

/// `If-Match` must be the current ETag.
pub(super) fn if_match(headers: &HeaderMap, etag: &str) -> Answer<()> {
    let given = headers
        .get("if-match")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let is_version = given.len() > 1
        && given.starts_with('E')
        && given
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if !is_version {
        let message = "The If-Match version is missing or not valid for the resource.";
        return Err(refuse("InvalidIfMatchVersion", message));
    }
    if given != etag {
        let message =
            "The request failed because it didn't meet the preconditions in one or more request-header fields.";
        return Err(refuse("PreconditionFailed", message));
    }
    Ok(())
}

fn list(world: &World, marker: Option<&str>, max_items: Option<&str>) -> Answer<Reply> {
    let max = page_size(max_items)?;
    let mut rest = world
        .distributions
        .values()
        .filter(|it| marker.is_none_or(|marker| it.id.as_str() > marker));
    let page = rest.by_ref().take(max).collect::<Vec<_>>();
    let more = rest.next().is_some();
    Ok(document(&views::distribution_list(&page, marker, max, more)))
}

/// Items per page.
pub(super) fn page_size(max_items: Option<&str>) -> Answer<usize> {
    match max_items.map(str::parse::<usize>) {
        None => Ok(100),
        Some(Ok(number @ 1..=100)) => Ok(number),
        Some(_) => Err(invalid("The parameter MaxItems must be between 1 and 100.")),
    }
}

fn find<'a>(world: &'a World, id: &str) -> Answer<&'a Distribution> {
    world.distributions.get(id).ok_or_else(no_such_distribution)
}

fn tagged<'a>(world: &'a mut World, resource: Option<&str>) -> Answer<&'a mut Distribution> {
    let id = tags::distribution_of(resource)?;
    world
        .distributions
        .get_mut(id)
        .ok_or_else(|| refuse("NoSuchResource", "A resource that was specified is not valid."))
}

/// `NoSuchDistribution`.
pub fn no_such_distribution() -> ApiError {
    refuse("NoSuchDistribution", "The specified distribution does not exist.")
}

pub(super) fn document(element: &Element) -> Reply {
    Reply::ok(element.document(NAMESPACE))
}
