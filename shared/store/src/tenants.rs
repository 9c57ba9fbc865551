//! The generation of a reusable name that a new instance belongs to (`pipeline::tenant`). A tenant's data lives as long
//! as the tenant: its ACME account, and with it what standing records trust, and its path at the responder. So a name
//! whose last instance is gone denotes another tenant when it is used again, and records that were left behind for the
//! previous one are worthless to it.

use deadpool_postgres::Transaction;
use pipeline::tenant::{comes_back, in_generation};

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
    Statement::new(
        "tenant-make",
        "insert into tenants (name) values ($1) on conflict do nothing",
    )
    .run(tx, &[&tenant])
    .await?;
    let generation: i32 = Statement::new(
        "tenant-lock",
        "select generation from tenants where name = $1 for update",
    )
    .one(tx, &[&tenant])
    .await?
    .try_get(0)?;
    let current = in_generation(tenant, generation);
    // A separate statement, so that it reads what was committed while waiting for the lock.
    let row = Statement::new(
        "tenant-lives",
        "select count(*) > 0 as used, coalesce(bool_or(i.deleted_at is null and not exists \
           (select 1 from operations o where o.instance_id = i.id and o.kind = 'deprovision')), false) as lives \
         from instances i where i.tenant = $1",
    )
    .one(tx, &[&current])
    .await?;
    let (used, lives): (bool, bool) = (row.try_get("used")?, row.try_get("lives")?);
    if !used || lives {
        return Ok(current);
    }
    let generation = generation + 1;
    Statement::new(
        "tenant-next-generation",
        "update tenants set generation = $2, since = now() where name = $1",
    )
    .run(tx, &[&tenant, &generation])
    .await?;
    Ok(in_generation(tenant, generation))
}
