//! What may be changed. A batch is applied as a whole or not at all, and everything that is wrong with it is told.

use std::collections::BTreeMap;

use super::batch::{Action, Change};
use super::record_set::{Key, RecordSet};
use super::txt;

/// Values in a request, and characters in all of them; both count twice in an UPSERT (Developer Guide, "Quotas on
/// ChangeResourceRecordSets requests").
const MOST_RECORDS: usize = 1000;
const MOST_CHARACTERS: usize = 32_000;
/// Record sets of one name and type that aren't simple (Developer Guide, "Quotas on records").
const MOST_SETS: usize = 100;

/// The record sets after the batch, or everything that is wrong with it.
pub fn applied(
    zone: &str,
    sets: &BTreeMap<Key, RecordSet>,
    changes: &[Change],
) -> Result<BTreeMap<Key, RecordSet>, Vec<String>> {
    let mut faults = Vec::from_iter(size(changes));
    faults.extend(repeated(changes));
    faults.extend(changes.iter().flat_map(|change| shape(zone, &change.set)));
    let mut after = sets.clone();
    for change in changes {
        if let Err(fault) = apply(zone, &mut after, change) {
            faults.push(fault);
        }
    }
    if faults.is_empty() { Ok(after) } else { Err(faults) }
}

fn size(changes: &[Change]) -> Option<String> {
    let total = |of: fn(&Change) -> usize| {
        let twice = |change: &Change| of(change) * if change.action == Action::Upsert { 2 } else { 1 };
        changes.iter().map(twice).sum::<usize>()
    };
    if total(|change| change.set.values.len()) > MOST_RECORDS {
        return Some(format!("Number of records limit of {MOST_RECORDS} exceeded."));
    }
    let characters = |change: &Change| change.set.values.iter().map(|value| value.chars().count()).sum();
    (total(characters) > MOST_CHARACTERS).then(|| format!("Number of characters limit of {MOST_CHARACTERS} exceeded."))
}

/// A record set occurs once in a batch, or is deleted and then created.
fn repeated(changes: &[Change]) -> Vec<String> {
    let mut actions = BTreeMap::<Key, Vec<&Change>>::new();
    for change in changes {
        actions.entry(change.set.key()).or_default().push(change);
    }
    let wrong = |of: &Vec<&Change>| {
        let actions = of.iter().map(|change| change.action).collect::<Vec<_>>();
        actions.len() > 1 && actions != [Action::Delete, Action::Create]
    };
    let told = |of: Vec<&Change>| {
        let set = &of.first()?.set;
        Some(format!(
            "The request contains an invalid set of changes for a resource record set '{} {}'",
            set.kind, set.name
        ))
    };
    actions.into_values().filter(wrong).filter_map(told).collect()
}

fn shape(zone: &str, set: &RecordSet) -> Vec<String> {
    let mut faults = Vec::new();
    if set.name != zone && !set.name.ends_with(&format!(".{zone}")) {
        faults.push(format!(
            "RRSet with DNS name {} is not permitted in zone {zone}",
            set.name
        ));
    }
    if set.kind == "TXT" {
        faults.extend(set.values.iter().filter_map(|value| txt::fault(value)));
    }
    for (at, value) in set.values.iter().enumerate() {
        if set.values[..at].contains(value) {
            faults.push(format!("Duplicate Resource Record: '{value}'"));
        }
    }
    faults
}

fn apply(zone: &str, sets: &mut BTreeMap<Key, RecordSet>, change: &Change) -> Result<(), String> {
    let Change { action, set } = change;
    let there = sets.get(&set.key());
    match (action, there) {
        (Action::Delete, None) => {
            return Err(format!(
                "Tried to delete resource record set {} but it was not found",
                set.described()
            ));
        }
        (Action::Delete, Some(there)) if !there.same_content(set) => {
            return Err(format!(
                "Tried to delete resource record set {} but the values provided do not match the current values",
                set.described()
            ));
        }
        (Action::Delete, Some(_)) => {
            sets.remove(&set.key());
            return Ok(());
        }
        (Action::Create, Some(_)) => {
            return Err(format!(
                "Tried to create resource record set {} but it already exists",
                set.described()
            ));
        }
        (Action::Create, None) | (Action::Upsert, _) => {}
    }
    beside(zone, sets, set)?;
    sets.insert(set.key(), set.clone());
    Ok(())
}

/// What may stand beside a record set that is created or replaced.
fn beside(zone: &str, sets: &BTreeMap<Key, RecordSet>, set: &RecordSet) -> Result<(), String> {
    let others = || {
        sets.values()
            .filter(|other| other.name == set.name && other.key() != set.key())
    };
    let (kind, name) = (&set.kind, &set.name);
    if let Some(other) = others().find(|other| (other.kind == "CNAME") != (kind == "CNAME")) {
        if other.kind == "CNAME" {
            return Err(format!(
                "RRSet of type {kind} with DNS name {name} is not permitted because a conflicting RRSet of type  CNAME with the same DNS \
                 name already exists in zone {zone}"
            ));
        }
        return Err(format!(
            "RRSet of type CNAME with DNS name {name} is not permitted as it conflicts with other records with the same DNS name in zone \
             {zone}"
        ));
    }
    let same_type = || others().filter(|other| other.kind == *kind);
    if same_type().any(|other| other.multivalue != set.multivalue) {
        let identifier = set.identifier.as_deref().unwrap_or("null");
        return Err(if set.multivalue {
            format!(
                "RRSet with DNS name {name}, type {kind}, SetIdentifier {identifier} cannot be created because a non multivalue answer \
                 rrset exists with the same name and type."
            )
        } else {
            format!(
                "RRSet with DNS name {name}, type {kind}, SetIdentifier {identifier} cannot be created as other RRSets exist with the \
                 same name and type."
            )
        });
    }
    if same_type().count() >= MOST_SETS {
        return Err(format!(
            "Number of resource record sets limit of {MOST_SETS} with the same name and type exceeded: {name} {kind}"
        ));
    }
    Ok(())
}
