//! Claims: which instance requests which domain. A claim alone gives no right to the domain, so nobody can squat a
//! name: see [`crate::holding`].

use std::time::Duration;

use deadpool_postgres::Transaction;
use pipeline::{Rejection, Schedules};

use crate::error::StoreError;
use crate::statement::{Statement, storable};
use crate::steps::as_millis;

/// The first of the domains that another live instance of the same tenant has or requests. A request for another
/// tenant's domain is decided by the verifier, which alone can see whose proof is in place. Claims left by a tenant's
/// own instances whose creation failed, or which are being removed, do not block a request.
///
/// Two concurrent requests of one tenant for one domain are serialized here.
pub(crate) async fn asked_by_the_same_tenant(
    tx: &Transaction<'_>,
    instance: &str,
    tenant: &str,
    domains: &[String],
) -> Result<Option<String>, StoreError> {
    let mut sorted: Vec<&String> = domains.iter().collect();
    sorted.sort();
    Statement::new(
        "claim-lock-tenant-domains",
        "select pg_advisory_xact_lock(hashtextextended(domain || ' of ' || $2, 2)) from unnest($1::text[]) as domain",
    )
    .run(tx, &[&sorted, &tenant])
    .await?;
    let row = Statement::new(
        "claim-asked-by-same-tenant",
        "select domain from claim_states where domain = any($1) and instance_id <> $2 and tenant = $3 \
         and state in ('has', 'asks') order by domain limit 1",
    )
    .optional(tx, &[&domains, &instance, &tenant])
    .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Records that the CA rejected domains: each is held for a time that grows with the number of rejections. A domain
/// that is served with a certificate stays with its instance.
pub(crate) async fn reject(
    tx: &Transaction<'_>,
    instance: &str,
    rejections: &[Rejection],
    schedules: &Schedules,
) -> Result<(), StoreError> {
    for rejection in rejections {
        let row = Statement::new(
            "claim-reject",
            "update claims set rejections = rejections + 1, ca_said = $3, proved = proved and exists \
               (select 1 from certificates c where c.instance_id = $1 and c.attached_at is not null \
                and c.retired_at is null and $2 = any(c.names)) \
             where instance_id = $1 and domain = $2 returning rejections",
        )
        .optional(tx, &[&instance, &rejection.domain, &storable(&rejection.reason)])
        .await?;
        let Some(row) = row else { continue };
        let count: i32 = row.try_get(0)?;
        let rest: Duration = schedules.rest_after_rejection(u32::try_from(count).unwrap_or(1));
        Statement::new(
            "claim-hold",
            "update claims set held_until = now() + $3 * interval '1 millisecond' where instance_id = $1 \
             and domain = $2",
        )
        .run(tx, &[&instance, &rejection.domain, &as_millis(rest)])
        .await?;
    }
    Ok(())
}

/// The CA has issued the certificate: its earlier rejections of these domains are cleared, and the next one counts as
/// the first.
pub(crate) async fn forget_rejections(
    tx: &Transaction<'_>,
    instance: &str,
    domains: &[String],
) -> Result<(), StoreError> {
    Statement::new(
        "claim-forget-rejections",
        "update claims set rejections = 0, ca_said = null, held_until = null \
         where instance_id = $1 and domain = any($2) and rejections > 0",
    )
    .run(tx, &[&instance, &domains])
    .await?;
    Ok(())
}

/// The instance no longer requests any domain.
pub(crate) async fn drop_all(tx: &Transaction<'_>, instance: &str) -> Result<(), StoreError> {
    Statement::new("claims-drop", "delete from claims where instance_id = $1")
        .run(tx, &[&instance])
        .await?;
    Ok(())
}

/// A domain that the instance neither has nor requests any more is free for others.
pub(crate) async fn drop_others(tx: &Transaction<'_>, instance: &str) -> Result<(), StoreError> {
    Statement::new(
        "claims-drop-others",
        "delete from claims c using instances i where i.id = $1 and c.instance_id = i.id \
         and not i.request->'parameters'->'domains' ? c.domain",
    )
    .run(tx, &[&instance])
    .await?;
    Ok(())
}

/// The domains that the instance has proved go to the next instance that proves them.
pub(crate) async fn give_up_proofs(tx: &Transaction<'_>, instance: &str) -> Result<(), StoreError> {
    Statement::new(
        "claims-give-up",
        "update claims set proved = false, wins_at = null where instance_id = $1",
    )
    .run(tx, &[&instance])
    .await?;
    Ok(())
}
