//! What is in the zone, page by page.

use std::collections::{BTreeMap, VecDeque};

use aws_sdk_route53::types::{ResourceRecordSet, RrType};
use pipeline::reason::DnsWriteProblem;

use super::batch::sendable;
use super::call::{self, From};
use super::order::{Place, plain};
use super::quoted::value;
use super::{Writer, warn_if_not_all_are_served};
use crate::writer::TxtSet;

/// The TXT record sets at these names. A page has those of many names, so a name that a page has passed needs no call of
/// its own.
pub(super) async fn at(writer: &Writer, names: &[&str]) -> Result<Vec<ResourceRecordSet>, DnsWriteProblem> {
    let mut wanted: Vec<&str> = names.to_vec();
    wanted.sort_by_key(|name| Place::of(name));
    let mut wanted = VecDeque::from(wanted);
    let mut found = Vec::new();
    let mut from = wanted.front().map(|name| start(name));
    while let Some(place) = from {
        let (sets, next) = call::page(writer, place).await?;
        let is_wanted = |set: &ResourceRecordSet| is_text(set) && names.contains(&plain(&set.name).as_str());
        found.extend(sets.into_iter().filter(is_wanted));
        let Some(next) = next else { break };
        let reached = Place::of(&next.name);
        wanted.retain(|name| Place::of(name) >= reached);
        from = wanted.front().map(|name| match plain(&next.name) == *name {
            true => next,
            false => start(name),
        });
    }
    for (name, values) in counted(&found) {
        warn_if_not_all_are_served(&name, values);
    }
    Ok(found)
}

/// The TXT values below the delegation zone that the broker may have written.
pub(super) async fn below(writer: &Writer) -> Result<Vec<TxtSet>, DnsWriteProblem> {
    let zone = Place::of(&writer.below);
    let mut found = BTreeMap::<String, Vec<String>>::new();
    let mut from = Some(start(&writer.below));
    while let Some(place) = from.take() {
        let (sets, next) = call::page(writer, place).await?;
        for set in sets
            .iter()
            .filter(|set| is_text(set) && Place::of(&set.name).is_below(&zone))
        {
            let values = set.resource_records().iter().filter_map(|record| value(&record.value));
            let ours: Vec<String> = values.filter(|value| sendable(value).is_ok()).collect();
            if !ours.is_empty() {
                found.entry(plain(&set.name)).or_default().extend(ours);
            }
        }
        from = next.filter(|next| {
            let place = Place::of(&next.name);
            place <= zone || place.is_below(&zone)
        });
    }
    let set = |(name, values): (String, Vec<String>)| {
        warn_if_not_all_are_served(&name, values.len());
        TxtSet { name, values }
    };
    Ok(found.into_iter().map(set).collect())
}

fn start(name: &str) -> From {
    From {
        name: name.to_owned(),
        kind: None,
        identifier: None,
    }
}

fn is_text(set: &ResourceRecordSet) -> bool {
    set.r#type == RrType::Txt
}

fn counted(sets: &[ResourceRecordSet]) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for set in sets {
        *counted.entry(plain(&set.name)).or_default() += set.resource_records().len();
    }
    counted
}
