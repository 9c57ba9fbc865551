//! publish-challenges: writes the order's dns-01 values to the broker's own zone, at the names to which tenants delegate
//! their challenges (RFC 8555 §8.4).

use std::time::Duration;

use dns_writer::{Delegation, TxtChange, Written};
use pipeline::Outcome;
use pipeline::reason::{BrokerReason, DnsWriteProblem, Spent};
use store::{PublishedValue, Task, ToPublish};
use worker::Stop;

use crate::ca::Cas;

/// A removal takes a moment.
const REMOVED_SOON: Duration = Duration::from_secs(1);
/// How often the DNS server is asked for a change that it passes on to its replicas, for the first minute: Route 53 says that most
/// arrive within that (Developer Guide, "How Amazon Route 53 propagates changes").
const SPREADS_SOON: Duration = Duration::from_secs(3);
/// So many times; later by the schedule.
const OFTEN: i32 = 20;

pub(crate) async fn attempt(cas: &Cas, task: &Task) -> Result<Outcome, Stop> {
    let values = match cas.store.values_to_publish(task).await? {
        ToPublish::Values(values) => values,
        ToPublish::BeingRemoved => {
            return Ok(Outcome::pending_for(
                BrokerReason::ValueBeingRemoved,
                Some(REMOVED_SOON),
            ));
        }
    };
    // The next order offers what is possible now.
    let Some(delegation) = &cas.delegation else {
        return Ok(Outcome::spent(Spent::ZoneChanged));
    };
    if values.iter().any(|value| !is_in_zone(delegation, &value.name)) {
        return Ok(Outcome::spent(Spent::ZoneChanged));
    }
    for some in values.chunks(delegation.writer.most_values()) {
        cas.store.ensure_current(task).await?;
        crash_points::call();
        let written = delegation.writer.apply(&changes(some, Change::Add)).await;
        crash_points::answer();
        let written = match written {
            Ok(Written(change)) => change,
            Err(problem) => return Ok(put_off(problem)),
        };
        cas.store.set_published(task, some, written.as_deref()).await?;
    }
    for change in cas.store.changes_to_await(task).await? {
        match delegation.writer.is_everywhere(&Written(Some(change.clone()))).await {
            Ok(true) => cas.store.set_synced(&change).await?,
            Ok(false) => {
                let rest = (task.attempt < OFTEN).then_some(SPREADS_SOON);
                return Ok(Outcome::pending_for(BrokerReason::ValueSpreading, rest));
            }
            Err(problem) => return Ok(put_off(problem)),
        }
    }
    Ok(Outcome::DONE)
}

fn put_off(problem: DnsWriteProblem) -> Outcome {
    complain(&problem);
    Outcome::pending(problem)
}

/// What is done with values.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    Add,
    Remove,
}

/// One change for each name.
pub(crate) fn changes(values: &[PublishedValue], change: Change) -> Vec<TxtChange> {
    let mut changes: Vec<TxtChange> = Vec::new();
    for PublishedValue { name, value } in values {
        let known = changes.iter().position(|known| known.name == *name);
        let at = known.unwrap_or_else(|| {
            changes.push(TxtChange {
                name: name.clone(),
                ..TxtChange::default()
            });
            changes.len() - 1
        });
        match change {
            Change::Add => changes[at].add.push(value.clone()),
            Change::Remove => changes[at].remove.push(value.clone()),
        }
    }
    changes
}

/// Whether the name is below the zone that is set now.
pub(crate) fn is_in_zone(delegation: &Delegation, name: &str) -> bool {
    name.strip_suffix(delegation.zone.as_str())
        .is_some_and(|label| label.ends_with('.'))
}

/// What only the operator can end is logged as an error each time.
pub(crate) fn complain(problem: &DnsWriteProblem) {
    if problem.is_for_the_operator() {
        tracing::error!(%problem, "the broker's own DNS zone can't be changed: see `certificate-issuer doctor`");
    } else {
        tracing::warn!(%problem, "the broker's own DNS zone is not changed yet");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_values_at_one_name_are_one_change() {
        let value = |name: &str, value: &str| PublishedValue {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let values = [
            value("a.acme.example", "1"),
            value("b.acme.example", "2"),
            value("a.acme.example", "3"),
        ];
        let changes = changes(&values, Change::Add);
        let added: Vec<(&str, &[String])> = changes
            .iter()
            .map(|change| (change.name.as_str(), change.add.as_slice()))
            .collect();
        assert_eq!(
            added,
            [
                ("a.acme.example", ["1".to_owned(), "3".to_owned()].as_slice()),
                ("b.acme.example", ["2".to_owned()].as_slice())
            ]
        );
    }
}
