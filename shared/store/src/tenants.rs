//! The generation of a reusable name that a new instance belongs to (`pipeline::tenant`). A tenant's data lives as long
//! as the tenant: its ACME account, and with it what standing records trust, and its path at the responder. So a name
//! whose last instance is gone denotes another tenant when it is used again, and records that were left behind for the
//! previous one are worthless to it.

use deadpool_postgres::Transaction;
use pipeline::tenant::{comes_back, in_generation, name_of};

use crate::error::StoreError;
use crate::statement::Statement;

/// The tenant of an instance that is about to be inserted. For a name it is the generation that has instances whose
/// removal has not started, or else a new one. The name stays locked until the transaction ends, so that the second of
/// two concurrent ones joins the first.
///
/// A removal counts from its start: it is never undone, and CloudFront may need hours for it, in which the name can be
/// given to somebody else.
pub(crate) async fn of_a_new_instance(tx: &Transaction<'_>, tenant: &str) -> Result<String, StoreError> {
    if !comes_back(tenant) {
        return Ok(tenant.to_owned());
    }
    let generation = lock(tx, tenant).await?;
    let current = in_generation(tenant, generation);
    let (used, lives) = use_of(tx, &current).await?;
    if !used || lives {
        return Ok(current);
    }
    next_generation(tx, tenant, generation + 1).await?;
    Ok(in_generation(tenant, generation + 1))
}

/// The row of a removed instance of this tenant is about to be deleted, now or in a later transaction. It may be the
/// last one that tells that the generation was used: one that has ended is left now.
pub(crate) async fn instance_goes(tx: &Transaction<'_>, tenant: &str) -> Result<(), StoreError> {
    if !comes_back(tenant) {
        return Ok(());
    }
    let name = name_of(tenant);
    let generation = lock(tx, name).await?;
    if in_generation(name, generation) != tenant {
        return Ok(());
    }
    let (_, lives) = use_of(tx, tenant).await?;
    if !lives {
        next_generation(tx, name, generation + 1).await?;
    }
    Ok(())
}

/// Locks the name, and reads its generation.
async fn lock(tx: &Transaction<'_>, name: &str) -> Result<i32, StoreError> {
    Statement::new(
        "tenant-make",
        "insert into tenants (name) values ($1) on conflict do nothing",
    )
    .run(tx, &[&name])
    .await?;
    let row = Statement::new(
        "tenant-lock",
        "select generation from tenants where name = $1 for update",
    )
    .one(tx, &[&name])
    .await?;
    Ok(row.try_get(0)?)
}

/// Whether there are instances of the tenant, and ones whose removal has not started. The name is locked before, in a
/// statement of its own, so that this one reads what was committed while waiting for the lock.
async fn use_of(tx: &Transaction<'_>, tenant: &str) -> Result<(bool, bool), StoreError> {
    let row = Statement::new(
        "tenant-lives",
        "select count(*) > 0 as used, coalesce(bool_or(i.deleted_at is null and not exists \
           (select 1 from operations o where o.instance_id = i.id and o.kind = 'deprovision')), false) as lives \
         from instances i where i.tenant = $1",
    )
    .one(tx, &[&tenant])
    .await?;
    Ok((row.try_get("used")?, row.try_get("lives")?))
}

async fn next_generation(tx: &Transaction<'_>, name: &str, generation: i32) -> Result<(), StoreError> {
    Statement::new(
        "tenant-next-generation",
        "update tenants set generation = $2, since = now() where name = $1",
    )
    .run(tx, &[&name, &generation])
    .await?;
    Ok(())
}
