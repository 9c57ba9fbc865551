//! Prunes the history: operations with their steps, orders and certificates, and removed instances, once nobody can
//! ask for them any more and no decision depends on them. With a certificate lifetime of 64 days an instance has six
//! renewals a year, each with a step for each domain.
//!
//! An operation is looked at when it ended long enough ago. If something still needs it then, it is looked at again
//! after the same time, so that each search reads only what is due.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::time::Duration;

use deadpool_postgres::Transaction;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::proofs::PROOFS;
use crate::statement::{Statement, statement};
use crate::steps::as_millis;
use crate::tenants;

/// The number of operations whose instances are looked up at once.
const PAGE: i64 = 200;

/// The number of operations deleted in one transaction: of an instance of 100 domains, some 1,000 rows.
const AT_ONCE: usize = 4;

/// Operations whose time is up. One that is kept moves behind all others.
const DUE: &str = "select distinct instance_id from (select instance_id from operations \
     where ended_at is not null and coalesce(kept_at, ended_at) < now() - $1::float8 * interval '1 millisecond' \
     order by coalesce(kept_at, ended_at) limit $2) due";

/// In SQL: the certificate `c` may be in its store, or found there; it may be used, or revoked by the CA; or it is
/// counted there.
const CERTIFICATE_MATTERS: &str = "(c.retired_at is null and c.reference is not null or c.not_after > now() \
     or c.created_at > now() - $2::float8 * interval '1 millisecond' \
     or exists (select from orphans f where f.instance_id = c.instance_id and f.removed_at is null \
       and f.last_seen > now() - $2::float8 * interval '1 millisecond'))";

/// Deleted rows, by table.
type Rows = BTreeMap<&'static str, u64>;

/// What was pruned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The number of deleted rows, by table. What hangs on them (authorizations, counted names) is not counted.
    pub rows: BTreeMap<&'static str, u64>,
}

impl Pruned {
    /// Whether nothing was pruned.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds and counts what a transaction has deleted, after its commit.
    fn add(&mut self, rows: Rows) {
        for (table, rows) in rows.into_iter().filter(|(_, rows)| *rows > 0) {
            metrics::counter!("history_rows_pruned_total", "table" => table).increment(rows);
            *self.rows.entry(table).or_default() += rows;
        }
    }
}

impl fmt::Display for Pruned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (table, rows)) in self.rows.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{rows} {table}")?;
        }
        Ok(())
    }
}

/// What may be deleted of an instance.
#[derive(Default)]
struct Judged {
    /// The operations, the oldest first.
    operations: Vec<Uuid>,
    /// The tenant, if the instance goes as well.
    goes: Option<String>,
}

impl Store {
    /// Deletes what ended longer than `kept` ago, and what belongs to it. It stays as long as a platform, an operator
    /// or a decision may need it: the newest operations of an instance that exists, its certificates until they have
    /// expired, and how its domains were last proved. A removed instance goes as a whole. Any number of processes may
    /// do this concurrently, and each may be killed at any moment.
    ///
    /// # Errors
    /// Database errors; what was deleted before stays so.
    pub async fn prune_history(&self, kept: Duration) -> Result<Pruned, StoreError> {
        let kept = as_millis(kept);
        let mut pruned = Pruned::default();
        let mut visited = HashSet::new();
        let mut refused = None;
        loop {
            let mut due = self.history_due(kept).await?;
            // Locked ones wait for the next run.
            due.retain(|instance| visited.insert(instance.clone()));
            if due.is_empty() {
                break;
            }
            for instance in &due {
                match self.prune_instance(instance, kept, &mut pruned).await {
                    Ok(()) => {}
                    // One instance must not keep the others.
                    Err(error) if error.is_refused() => refused = Some(error),
                    Err(error) => return Err(error),
                }
            }
        }
        self.prune_leftovers(kept, &mut pruned).await?;
        refused.map_or(Ok(pruned), Err)
    }

    async fn history_due(&self, kept: f64) -> Result<Vec<String>, StoreError> {
        let client = self.client().await?;
        Statement::new("history-due", DUE)
            .all(&client, &[&kept, &PAGE])
            .await?
            .iter()
            .map(|row| Ok(row.try_get(0)?))
            .collect()
    }

    /// Each part is a transaction of its own: a request for the instance waits for one of them at most.
    async fn prune_instance(&self, instance: &str, kept: f64, pruned: &mut Pruned) -> Result<(), StoreError> {
        let judged = self
            .in_transaction("judge-history", async |tx| judge(tx, instance, kept).await)
            .await?;
        let goes = judged.goes.as_deref();
        for part in judged.operations.chunks(AT_ONCE) {
            let rows = self
                .in_transaction("prune-history", async |tx| delete(tx, instance, part, goes).await)
                .await?;
            // The newest go last, and with them the instance: what it was must not be told by an older one.
            let Some(rows) = rows else { return Ok(()) };
            pruned.add(rows);
        }
        Ok(())
    }

    /// What belongs to no instance: orphans that were removed or not seen any more, and offers that nobody took.
    async fn prune_leftovers(&self, kept: f64, pruned: &mut Pruned) -> Result<(), StoreError> {
        let client = self.client().await?;
        for (table, delete) in [
            (
                "orphans",
                Statement::new(
                    "history-delete-orphans",
                    "delete from orphans where coalesce(removed_at, last_seen) \
                     < now() - $1::float8 * interval '1 millisecond'",
                ),
            ),
            (
                "offers",
                Statement::new(
                    "history-delete-offers",
                    "delete from offers where taken_by is null \
                     and until < now() - $1::float8 * interval '1 millisecond'",
                ),
            ),
        ] {
            pruned.add(Rows::from([(table, delete.run(&client, &[&kept]).await?)]));
        }
        Ok(())
    }
}

/// Locks the instance for a part, unless somebody is at work on it: `false`. The commit doesn't wait for the disk,
/// since what is lost in a crash of PostgreSQL is done again.
async fn lock_if_free(tx: &Transaction<'_>, instance: &str) -> Result<bool, StoreError> {
    let locked = Statement::new(
        "history-lock",
        "select set_config('synchronous_commit', 'off', true) from instances where id = $1 for update skip locked",
    )
    .run(tx, &[&instance])
    .await?;
    Ok(locked > 0)
}

/// Decides what may be deleted, and notes of everything else that it was looked at.
async fn judge(tx: &Transaction<'_>, instance: &str, kept: f64) -> Result<Judged, StoreError> {
    if !lock_if_free(tx, instance).await? {
        return Ok(Judged::default());
    }
    let goes: Option<String> = statement!("history-goes")
        .with("certificate_matters", CERTIFICATE_MATTERS)
        .optional(tx, &[&instance, &kept])
        .await?
        .map(|row| row.try_get(0))
        .transpose()?;
    let rows = statement!("history-judge")
        .with("certificate_matters", CERTIFICATE_MATTERS)
        .with("proofs", PROOFS)
        .all(tx, &[&instance, &kept, &goes.is_some()])
        .await?;
    let (mut operations, mut needed): (Vec<Uuid>, Vec<Uuid>) = (Vec::new(), Vec::new());
    for row in rows {
        let id: Uuid = row.try_get(0)?;
        let is_needed: bool = row.try_get(1)?;
        if is_needed {
            needed.push(id);
        } else {
            operations.push(id);
        }
    }
    Statement::new(
        "history-keep",
        "update operations set kept_at = now() where id = any($1)",
    )
    .run(tx, &[&needed])
    .await?;
    Ok(Judged { operations, goes })
}

/// Deletes these operations of the instance, and with the last of them the instance, if it goes (`goes` is its
/// tenant). `None`: somebody is at work on it, and nothing was deleted.
async fn delete(
    tx: &Transaction<'_>,
    instance: &str,
    operations: &[Uuid],
    goes: Option<&str>,
) -> Result<Option<Rows>, StoreError> {
    if !lock_if_free(tx, instance).await? {
        return Ok(None);
    }
    // A tenant's name is locked before its targets, as where an instance inherits some.
    if let Some(tenant) = goes {
        tenants::instance_goes(tx, tenant).await?;
    }
    // An older program may be deleting some of them. It is waited for: an instance whose operations are all gone would
    // not be looked at any more. It waits for none of ours, since it skips what is locked.
    let operations: Vec<Uuid> = Statement::new(
        "history-lock-operations",
        "select id from operations where id = any($1) and instance_id = $2 and ended_at is not null for update",
    )
    .all(tx, &[&operations, &instance])
    .await?
    .iter()
    .map(|row| row.try_get(0))
    .collect::<Result<_, _>>()?;
    statement!("history-served").run(tx, &[&operations]).await?;
    let mut rows = Rows::new();
    for (table, delete) in [
        (
            "certificates",
            Statement::new(
                "history-delete-certificates",
                "delete from certificates c using orders r where r.id = c.order_id and r.operation_id = any($1)",
            ),
        ),
        (
            "orders",
            Statement::new(
                "history-delete-orders",
                "delete from orders where operation_id = any($1)",
            ),
        ),
        (
            "steps",
            Statement::new("history-delete-steps", "delete from steps where operation_id = any($1)"),
        ),
        (
            "operations",
            Statement::new("history-delete-operations", "delete from operations where id = any($1)"),
        ),
    ] {
        rows.insert(table, delete.run(tx, &[&operations]).await?);
    }
    if goes.is_some() {
        delete_instance(tx, instance, &mut rows).await?;
    }
    Ok(Some(rows))
}

/// Deletes the instance, unless it has operations left.
async fn delete_instance(tx: &Transaction<'_>, instance: &str, rows: &mut Rows) -> Result<(), StoreError> {
    let left = Statement::new(
        "history-left",
        "select 1 from operations where instance_id = $1 limit 1",
    )
    .run(tx, &[&instance])
    .await?;
    if left > 0 {
        return Ok(());
    }
    for (table, delete) in [
        (
            "claims",
            Statement::new("history-delete-claims", "delete from claims where instance_id = $1"),
        ),
        (
            "offers",
            Statement::new("history-delete-taken-offers", "delete from offers where taken_by = $1"),
        ),
        (
            "instances",
            Statement::new("history-delete-instance", "delete from instances where id = $1"),
        ),
    ] {
        rows.insert(table, delete.run(tx, &[&instance]).await?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pruned_is_told_by_table() {
        let mut pruned = Pruned::default();
        pruned.add(Rows::from([("steps", 3), ("orders", 0)]));
        pruned.add(Rows::from([("steps", 4), ("operations", 1)]));
        assert_eq!(pruned.to_string(), "1 operations, 7 steps");
        assert!(!pruned.is_empty() && Pruned::default().is_empty());
    }
}
