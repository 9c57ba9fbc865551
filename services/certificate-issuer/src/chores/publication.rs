//! Keeps the broker's own zone as the orders need it: values whose order has ended are removed, and values that somebody
//! else has removed, or that the DNS server has lost, are written again. Now and then the whole zone is read, to find values that a
//! superseded worker wrote too late.

use std::time::Duration;

use dns_writer::{Delegation, TxtSet};
use store::{PublishedValue, StoreError};

use crate::ca::Cas;
use crate::steps::publish_challenges::{Change, changes, complain, is_in_zone};

/// Its name among the service's chores.
pub(crate) const NAME: &str = "publication";
/// The name of the chore that reads the whole zone.
pub(crate) const RECONCILE: &str = "zone reconciliation";
/// The most values of one run.
const A_TURN: u32 = 1000;
/// A value that the verifier doesn't see for this long after it was written is written again.
const MISSING_AFTER: Duration = Duration::from_secs(120);

/// One run.
pub(crate) async fn keep(cas: &Cas) -> Result<(), StoreError> {
    let Some(delegation) = &cas.delegation else {
        return Ok(());
    };
    let missing = cas.store.values_missing(MISSING_AFTER, A_TURN).await?;
    apply(delegation, &missing, Change::Add).await;
    let ended = cas.store.values_to_withdraw(A_TURN).await?;
    let removed = apply(delegation, &ended, Change::Remove).await;
    if !removed.is_empty() {
        tracing::debug!(values = removed.len(), "removed from the broker's zone");
        cas.store.forget_withdrawn(&removed).await?;
    }
    Ok(())
}

/// Removes what no order explains from the names that are this broker's.
pub(crate) async fn reconcile(cas: &Cas) -> Result<(), StoreError> {
    let Some(delegation) = &cas.delegation else {
        return Ok(());
    };
    let there = match delegation.writer.list().await {
        Ok(sets) => sets,
        Err(problem) => {
            complain(&problem);
            return Ok(());
        }
    };
    let there: Vec<PublishedValue> = there
        .into_iter()
        .flat_map(|TxtSet { name, values }| {
            values.into_iter().map(move |value| PublishedValue {
                name: name.clone(),
                value,
            })
        })
        .collect();
    let unknown = cas.store.values_unknown(&delegation.zone, &there).await?;
    let removed = apply(delegation, &unknown, Change::Remove).await;
    if !removed.is_empty() {
        tracing::info!(
            values = removed.len(),
            "values that no order explains are removed from the broker's zone"
        );
    }
    Ok(())
}

/// Applies the change as far as the DNS server lets it, and returns the values that are settled. A value of another zone,
/// which was set before, is left to its servers.
async fn apply(delegation: &Delegation, values: &[PublishedValue], change: Change) -> Vec<PublishedValue> {
    let (ours, mut settled): (Vec<_>, Vec<_>) = values
        .iter()
        .cloned()
        .partition(|value| is_in_zone(delegation, &value.name));
    for some in ours.chunks(delegation.writer.most_values()) {
        match delegation.writer.apply(&changes(some, change)).await {
            Ok(_) => settled.extend_from_slice(some),
            Err(problem) => {
                complain(&problem);
                break;
            }
        }
    }
    settled
}
