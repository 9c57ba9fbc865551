//! Claims: a domain belongs to whoever proved it. Asking for it gives no right to it, so nobody can squat a name.

use std::time::Duration;

use deadpool_postgres::Transaction;
use pipeline::{Rejection, Schedules};

use crate::error::StoreError;

/// A claim that stands in the way of a new one.
pub(crate) struct Taken {
    pub domain: String,
    pub same_tenant: bool,
}

/// The first of the domains that is not to be had: proved by any instance, or asked for by the same tenant.
pub(crate) async fn taken(
    tx: &Transaction<'_>,
    instance: &str,
    tenant: &str,
    domains: &[String],
) -> Result<Option<Taken>, StoreError> {
    let row = tx
        .query_opt(
            "select domain, tenant from claims where domain = any($1) and instance_id <> $2 and (proved or tenant = $3) \
             order by domain limit 1",
            &[&domains, &instance, &tenant],
        )
        .await?;
    row.map(|row| {
        let owner: String = row.try_get("tenant")?;
        Ok(Taken {
            domain: row.try_get("domain")?,
            same_tenant: owner == tenant,
        })
    })
    .transpose()
}

/// Marks the domains as proved by the instance. Returns the one that another instance proved first, if any.
pub(crate) async fn prove(
    tx: &Transaction<'_>,
    instance: &str,
    domains: &[String],
) -> Result<Option<String>, StoreError> {
    // Sorted, so that two instances that share names take their locks in the same order.
    let unproved: Vec<String> = tx
        .query(
            "select domain from claims where instance_id = $1 and domain = any($2) and not proved order by domain",
            &[&instance, &domains],
        )
        .await?
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?;
    for domain in &unproved {
        // The savepoint-free way around a unique violation: two that prove at once meet on the index, and `lock` makes
        // the second wait until the first has committed or not.
        tx.execute("select pg_advisory_xact_lock(hashtextextended($1, 1))", &[domain])
            .await?;
        let proved_by_other = tx
            .query_opt(
                "select 1 from claims where domain = $1 and proved and instance_id <> $2",
                &[domain, &instance],
            )
            .await?;
        if proved_by_other.is_some() {
            return Ok(Some(domain.clone()));
        }
        tx.execute(
            "update claims set proved = true where instance_id = $1 and domain = $2",
            &[&instance, domain],
        )
        .await?;
    }
    Ok(None)
}

/// Writes down that the CA turned domains down: each rests for a while that grows with the count. One that serves with
/// a certificate stays the instance's.
pub(crate) async fn reject(
    tx: &Transaction<'_>,
    instance: &str,
    rejections: &[Rejection],
    schedules: &Schedules,
) -> Result<(), StoreError> {
    for rejection in rejections {
        let row = tx
            .query_opt(
                "update claims set rejections = rejections + 1, ca_said = $3, proved = proved and exists \
                   (select 1 from certificates c where c.instance_id = $1 and c.attached_at is not null \
                    and c.retired_at is null and $2 = any(c.names)) \
                 where instance_id = $1 and domain = $2 returning rejections",
                &[
                    &instance,
                    &rejection.domain,
                    &crate::record::storable(&rejection.reason),
                ],
            )
            .await?;
        let Some(row) = row else { continue };
        let count: i32 = row.try_get(0)?;
        let rest: Duration = schedules.rest_after_rejection(u32::try_from(count).unwrap_or(1));
        tx.execute(
            "update claims set held_until = now() + $3 * interval '1 millisecond' where instance_id = $1 and domain = $2",
            &[&instance, &rejection.domain, &crate::steps::as_millis(rest)],
        )
        .await?;
    }
    Ok(())
}

/// The CA has issued: what it said of these domains before is over, and a rejection to come is a first one.
pub(crate) async fn forget_rejections(
    tx: &Transaction<'_>,
    instance: &str,
    domains: &[String],
) -> Result<(), StoreError> {
    tx.execute(
        "update claims set rejections = 0, ca_said = null, held_until = null \
         where instance_id = $1 and domain = any($2) and rejections > 0",
        &[&instance, &domains],
    )
    .await?;
    Ok(())
}
