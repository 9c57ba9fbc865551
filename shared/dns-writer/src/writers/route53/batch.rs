//! The changes of one request. Route 53 applies all of them or none, in any order of names: deletions come first.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_route53::types::{Change, ChangeAction, ResourceRecord, ResourceRecordSet, RrType};

use super::order::plain;
use super::quoted::{quoted, value};
use crate::writer::TxtChange;

/// Maximum number of values in one request. It may have 1,000 records with 32,000 characters, and both count twice in an
/// UPSERT (Developer Guide, "Quotas on `ChangeResourceRecordSets` requests"); the rest is left for simple record
/// sets that have to go.
pub(super) const MOST_VALUES: usize = 100;
const MOST_CHARACTERS: usize = 26_000;

/// TTL of the records, as short as in a dynamic update, for the same reason: the CA's resolver may keep the values of one
/// order this long while those of the next one at the same name are already published.
const TTL_SECONDS: i64 = 30;

/// A value is its set identifier too, which has at most 128 characters (service model, `ResourceRecordSetIdentifier`).
const LONGEST_VALUE: usize = 128;

/// What should be and what should not be at a name. No value is in both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) name: String,
    pub(super) add: BTreeSet<String>,
    pub(super) remove: BTreeSet<String>,
}

/// The changes by name, since Route 53 refuses a record set that occurs twice in a request.
///
/// # Errors
/// Why they can't be sent.
pub(super) fn wishes(changes: &[TxtChange]) -> Result<Vec<Wish>, String> {
    let mut wishes = BTreeMap::<String, Wish>::new();
    for change in changes {
        let name = plain(&change.name);
        let wish = wishes.entry(name.clone()).or_default();
        wish.name = name;
        for value in change.add.iter().chain(&change.remove) {
            sendable(value)?;
        }
        wish.remove.extend(change.remove.iter().cloned());
        wish.add.extend(change.add.iter().cloned());
    }
    for wish in wishes.values_mut() {
        wish.remove.retain(|value| !wish.add.contains(value));
    }
    let wishes: Vec<Wish> = wishes.into_values().collect();
    within_limits(&wishes)?;
    Ok(wishes)
}

/// Whether the broker can write and remove the value.
pub(super) fn sendable(value: &str) -> Result<(), String> {
    if value.is_empty() || value.len() > LONGEST_VALUE {
        return Err(format!(
            "a value of {} bytes can't be the identifier of a record set",
            value.len()
        ));
    }
    if !value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        return Err("a value is not ASCII".to_owned());
    }
    Ok(())
}

fn within_limits(wishes: &[Wish]) -> Result<(), String> {
    let values = |wish: &Wish| wish.add.len() + wish.remove.len();
    let total: usize = wishes.iter().map(values).sum();
    let length = |value: &String| quoted(value).len();
    let characters =
        |wish: &Wish| 2 * wish.add.iter().map(length).sum::<usize>() + wish.remove.iter().map(length).sum::<usize>();
    if total > MOST_VALUES || wishes.iter().map(characters).sum::<usize>() > MOST_CHARACTERS {
        return Err(format!("{total} values do not fit into one request"));
    }
    Ok(())
}

/// The changes of one request.
#[derive(Debug)]
pub(super) struct Batch(pub(super) Vec<Change>);

impl Batch {
    /// What the wishes need if the zone has exactly the values that should go, and nothing in the way.
    pub(super) fn blind(wishes: &[Wish]) -> Result<Self, String> {
        let removed = wishes.iter().flat_map(|wish| {
            let one = |value: &String| change(ChangeAction::Delete, own(&wish.name, value)?);
            wish.remove.iter().map(one)
        });
        removed.chain(added(wishes)).collect::<Result<_, _>>().map(Self)
    }

    /// What the wishes need beside the record sets that are there. What should be there is written in any case: it may be
    /// there, and not yet at every name server.
    pub(super) fn beside(wishes: &[Wish], there: &[ResourceRecordSet]) -> Result<Self, String> {
        let unneeded = wishes.iter().flat_map(|wish| {
            let of_name = there.iter().filter(|set| plain(&set.name) == wish.name);
            of_name.filter_map(|set| without(wish, set))
        });
        unneeded.chain(added(wishes)).collect::<Result<_, _>>().map(Self)
    }
}

fn added(wishes: &[Wish]) -> impl Iterator<Item = Result<Change, String>> {
    wishes.iter().flat_map(|wish| {
        let one = |value: &String| change(ChangeAction::Upsert, own(&wish.name, value)?);
        wish.add.iter().map(one)
    })
}

/// How a record set changes so that it has no value that should go, and is not in the way of those that should come.
fn without(wish: &Wish, set: &ResourceRecordSet) -> Option<Result<Change, String>> {
    let goes = |record: &&ResourceRecord| value(&record.value).is_some_and(|value| wish.remove.contains(&value));
    let (gone, kept): (Vec<_>, Vec<_>) = set.resource_records().iter().partition(goes);
    // external-domain-broker writes simple record sets, and Route 53 allows none beside multivalue answers.
    let in_the_way = set.multi_value_answer != Some(true) && !wish.add.is_empty();
    if in_the_way || (!gone.is_empty() && kept.is_empty()) {
        return Some(change(ChangeAction::Delete, set.clone()));
    }
    if gone.is_empty() {
        return None;
    }
    let mut rest = set.clone();
    rest.resource_records = Some(kept.into_iter().cloned().collect());
    Some(change(ChangeAction::Upsert, rest))
}

fn change(action: ChangeAction, set: ResourceRecordSet) -> Result<Change, String> {
    let built = Change::builder().action(action).resource_record_set(set).build();
    built.map_err(|error| error.to_string())
}

/// The record set of a value.
fn own(name: &str, value: &str) -> Result<ResourceRecordSet, String> {
    let record = ResourceRecord::builder().value(quoted(value)).build();
    ResourceRecordSet::builder()
        .name(name)
        .r#type(RrType::Txt)
        .set_identifier(value)
        .multi_value_answer(true)
        .ttl(TTL_SECONDS)
        .resource_records(record.map_err(|error| error.to_string())?)
        .build()
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "a.acme.platform.example";

    fn wish(add: &[&str], remove: &[&str]) -> Vec<Wish> {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let change = TxtChange {
            name: NAME.to_owned(),
            add: texts(add),
            remove: texts(remove),
        };
        wishes(&[change]).unwrap()
    }

    fn simple(values: &[&str]) -> ResourceRecordSet {
        let record = |text: &&str| ResourceRecord::builder().value(quoted(text)).build().unwrap();
        ResourceRecordSet::builder()
            .name(format!("{NAME}."))
            .r#type(RrType::Txt)
            .ttl(60)
            .set_resource_records(Some(values.iter().map(record).collect()))
            .build()
            .unwrap()
    }

    fn shown(batch: Result<Batch, String>) -> Vec<String> {
        let one = |change: Change| {
            let set = change.resource_record_set.unwrap();
            let values: Vec<_> = set
                .resource_records()
                .iter()
                .filter_map(|record| value(&record.value))
                .collect();
            let identifier = set.set_identifier.map(|text| format!("{text}: ")).unwrap_or_default();
            format!("{} {identifier}{}", change.action, values.join(" "))
        };
        batch.unwrap().0.into_iter().map(one).collect()
    }

    #[test]
    fn a_value_that_is_both_added_and_removed_stays() {
        assert_eq!(
            shown(Batch::blind(&wish(&["x"], &["x", "y"]))),
            ["DELETE y: y", "UPSERT x: x"]
        );
    }

    #[test]
    fn a_name_that_occurs_twice_is_one_wish() {
        let change = |add: &str| TxtChange {
            name: NAME.to_owned(),
            add: vec![add.to_owned()],
            remove: vec!["gone".to_owned()],
        };
        let batch = Batch::blind(&wishes(&[change("x"), change("y"), change("x")]).unwrap());
        assert_eq!(shown(batch), ["DELETE gone: gone", "UPSERT x: x", "UPSERT y: y"]);
    }

    #[test]
    fn a_simple_record_set_goes_when_a_value_comes_and_else_loses_what_should_go() {
        let there = [simple(&["old", "older"])];
        let beside = |add: &[&str], remove: &[&str]| shown(Batch::beside(&wish(add, remove), &there));
        assert_eq!(beside(&["x"], &[]), ["DELETE old older", "UPSERT x: x"]);
        assert_eq!(beside(&[], &["old"]), ["UPSERT older"]);
        assert_eq!(beside(&[], &["old", "older"]), ["DELETE old older"]);
        assert!(beside(&[], &["never"]).is_empty());
    }

    #[test]
    fn a_value_is_deleted_with_the_content_that_it_has() {
        let mut other = own(NAME, "x").unwrap();
        other.ttl = Some(300);
        let batch = Batch::beside(&wish(&[], &["x", "absent"]), &[other.clone()]).unwrap();
        assert_eq!(batch.0.len(), 1);
        assert_eq!(batch.0[0].resource_record_set, Some(other));
    }

    #[test]
    fn what_does_not_fit_is_refused_before_it_is_sent() {
        let change = |value: String| TxtChange {
            name: NAME.to_owned(),
            add: vec![value],
            ..TxtChange::default()
        };
        let largest = |n: usize| change(format!("{n:0>128}"));
        assert!(wishes(&(0..MOST_VALUES).map(largest).collect::<Vec<_>>()).is_ok());
        assert!(wishes(&(0..=MOST_VALUES).map(largest).collect::<Vec<_>>()).is_err());
        for value in [String::new(), "x".repeat(129), "ä".to_owned(), "a\nb".to_owned()] {
            assert!(wishes(&[change(value)]).is_err());
        }
    }
}
