//! Ownership of aliases: conflicts, the current owner, and moves.
//!
//! Sources: service model, `CNAMEAlreadyExists`, `ListConflictingAliases`, `AssociateAlias`; Developer Guide, "Use
//! custom URLs by adding alternate domain names" and "Move an alternate domain name".

use std::collections::HashSet;

use super::errors::{invalid, refuse};
use super::viewer_certificate;
use crate::edge::config::EdgeConfig;
use crate::error::Answer;
use crate::ids::ACCOUNT;
use crate::names;
use crate::state::World;
use crate::xml::{Element, list};

const TAKEN: &str = "One or more of the CNAMEs you provided are already associated with a different resource.";
const FOREIGN_ACCOUNT: &str = "999999999999";
const FOREIGN_DISTRIBUTION: &str = "EFOREIGN000001";

/// Refuses aliases that are not valid names, are duplicates or belong to CloudFront itself.
pub fn check_names(config: &Element) -> Answer<()> {
    let mut seen = HashSet::new();
    for alias in config.item_texts("Aliases") {
        let lower = alias.to_ascii_lowercase();
        if !names::is_alias(&lower) || lower.ends_with(".cloudfront.net") {
            return Err(invalid(format!(
                "The parameter CNAME contains a name that is not valid: {alias}"
            )));
        }
        if !seen.insert(lower) {
            return Err(invalid(format!("The parameter CNAME contains {alias} more than once.")));
        }
    }
    Ok(())
}

/// Refuses an alias that another distribution of the account has, or that equals or overlaps another account's. Within
/// one account a wildcard and a name that it covers may be on different distributions.
pub fn check_conflicts(world: &World, own_id: Option<&str>, config: &Element) -> Answer<()> {
    for alias in config.item_texts("Aliases") {
        let alias = alias.to_ascii_lowercase();
        let own = world
            .distributions
            .values()
            .filter(|distribution| Some(distribution.id.as_str()) != own_id)
            .any(|distribution| {
                distribution
                    .aliases()
                    .iter()
                    .any(|other| other.eq_ignore_ascii_case(&alias))
            });
        let foreign = world.foreign_aliases.iter().any(|other| names::overlap(other, &alias));
        if own || foreign {
            return Err(refuse("CNAMEAlreadyExists", TAKEN));
        }
    }
    Ok(())
}

/// The response of ListConflictingAliases: alias, partially masked distribution and account of each conflict or
/// overlap.
pub fn conflicting(
    world: &World,
    distribution: Option<&str>,
    alias: Option<&str>,
    max_items: Option<&str>,
) -> Answer<Element> {
    let id = distribution.ok_or_else(|| invalid("The parameter DistributionId is required."))?;
    let alias = alias
        .ok_or_else(|| invalid("The parameter Alias is required."))?
        .to_ascii_lowercase();
    let max_items = match max_items.map(str::parse::<usize>) {
        None => 100,
        Some(Ok(number @ 1..=100)) => number,
        Some(_) => return Err(invalid("The parameter MaxItems must be between 1 and 100.")),
    };
    let own = world
        .distributions
        .get(id)
        .ok_or_else(super::operations::no_such_distribution)?;
    if !names::is_alias(&alias) {
        return Err(invalid("The parameter Alias is not a valid domain name."));
    }
    if !viewer_certificate::covers(world, &own.config, &alias) {
        let message =
            "The specified distribution must have an attached SSL/TLS certificate that is valid and covers the alias.";
        return Err(invalid(message));
    }
    let ours = world
        .distributions
        .values()
        .filter(|other| other.id != id)
        .flat_map(|other| {
            other
                .aliases()
                .into_iter()
                .map(move |name| (name, other.id.clone(), ACCOUNT.to_owned()))
        });
    let foreign = world.foreign_aliases.iter().map(|name| {
        (
            name.clone(),
            FOREIGN_DISTRIBUTION.to_owned(),
            FOREIGN_ACCOUNT.to_owned(),
        )
    });
    let items = ours
        .chain(foreign)
        .filter(|(name, _, _)| names::overlap(name, &alias))
        .take(max_items)
        .map(|(name, distribution, account)| {
            let children = vec![
                Element::leaf("Alias", name),
                Element::leaf("DistributionId", masked(&distribution)),
                Element::leaf("AccountId", masked(&account)),
            ];
            Element::node("ConflictingAlias", children)
        })
        .collect::<Vec<_>>();
    let mut children = vec![
        Element::leaf("MaxItems", max_items.to_string()),
        Element::leaf("Quantity", items.len().to_string()),
    ];
    if !items.is_empty() {
        children.push(Element::node("Items", items));
    }
    Ok(Element::node("ConflictingAliasesList", children))
}

fn masked(id: &str) -> String {
    let hidden = id.len().div_ceil(2);
    format!("{}{}", "*".repeat(hidden), &id[hidden..])
}

/// Moves an alias of this account to a distribution whose certificate covers it. Both distributions get a new ETag and
/// are deployed together, so there is no gap. Moving another account's alias would need a DNS TXT record, which is not
/// simulated.
pub fn associate(world: &mut World, target: &str, alias: Option<&str>) -> Answer<()> {
    let alias = alias
        .ok_or_else(|| invalid("The parameter Alias is required."))?
        .to_ascii_lowercase();
    let own = world
        .distributions
        .get(target)
        .ok_or_else(super::operations::no_such_distribution)?;
    if !names::is_alias(&alias) {
        return Err(invalid("The parameter Alias is not a valid domain name."));
    }
    if !viewer_certificate::covers(world, &own.config, &alias) {
        let message = "The target distribution must have a valid SSL/TLS certificate that covers the alias.";
        return Err(invalid(message));
    }
    if world.foreign_aliases.iter().any(|other| names::overlap(other, &alias)) {
        return Err(refuse("IllegalUpdate", "Invalid or missing alias DNS TXT records."));
    }
    let has = |id: &str| {
        world
            .distributions
            .get(id)
            .is_some_and(|it| it.aliases().iter().any(|other| other.eq_ignore_ascii_case(&alias)))
    };
    if has(target) {
        return Ok(());
    }
    if own.aliases().len() >= super::rules::MAX_ALIASES {
        let message = "Your request contains more CNAMEs than are allowed per distribution.";
        return Err(refuse("TooManyDistributionCNAMEs", message));
    }
    let source = world.distributions.keys().find(|id| has(id)).cloned();
    if let Some(source) = source {
        rewrite(world, &source, |names| {
            names.retain(|name| !name.eq_ignore_ascii_case(&alias))
        });
    }
    rewrite(world, target, |names| names.push(alias.clone()));
    Ok(())
}

fn rewrite(world: &mut World, id: &str, change: impl FnOnce(&mut Vec<String>)) {
    let Some(distribution) = world.distributions.get(id) else {
        return;
    };
    let mut config = distribution.config.clone();
    let mut aliases = distribution.aliases();
    change(&mut aliases);
    config.set(list("Aliases", "CNAME", &aliases));
    let edge = EdgeConfig::new(&config, world);
    if let Some(distribution) = world.distributions.get_mut(id) {
        distribution.replace(config, edge);
    }
}
