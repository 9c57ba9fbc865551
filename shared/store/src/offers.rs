//! Offers: distributions of another broker that an operator offers to a tenant's next instance.

use deadpool_postgres::Transaction;

use crate::connection::Store;
use crate::error::StoreError;
use crate::inheritance::inherit;
use crate::statement::Statement;
use crate::steps::{Task, lock_current};

/// Takes the offer of a distribution to this tenant, by itself or by its name (`pipeline::tenant`), whose aliases equal
/// the instance's domains, if there is one and the creation of a distribution was never intended: from then on the
/// distribution belongs to the instance, which is locked.
pub(crate) async fn take(
    tx: &Transaction<'_>,
    instance: &str,
    domains: &[String],
) -> Result<Option<String>, StoreError> {
    let mut sorted = domains.to_vec();
    sorted.sort_unstable();
    let row = Statement::new(
        "offer-take",
        "update offers f set taken_by = i.id from instances i \
         where i.id = $1 and i.creating_since is null and i.distribution_id is null and f.tenant in (i.tenant, \
         i.request->>'tenant') \
         and f.aliases = $2 and f.until > clock_timestamp() and f.taken_by is null \
         returning f.distribution_id, f.distribution_domain, f.delegation_zone",
    )
    .optional(tx, &[&instance, &sorted])
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (id, domain): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    Statement::new(
        "offer-take-distribution",
        "update instances set distribution_id = $2, distribution_domain = $3 where id = $1",
    )
    .run(tx, &[&instance, &id, &domain])
    .await?;
    if let Some(zone) = row.try_get::<_, Option<String>>(2)? {
        inherit(tx, instance, &zone, domains).await?;
    }
    Ok(Some(id))
}

impl Store {
    /// Takes the offer that a broker-api of the previous version has left to a step: see [`take`].
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the task is no longer current; database errors.
    pub async fn take_offer(&self, task: &Task) -> Result<Option<String>, StoreError> {
        self.in_transaction("take-offer", async |tx| {
            lock_current(tx, task).await?;
            take(tx, &task.instance.id, &task.instance.domains).await
        })
        .await
    }

    /// The instance is about to write to its distribution: if that was offered, it can't be given back to the old
    /// broker from now on.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the task is no longer current; database errors.
    pub async fn writes_to_offered(&self, task: &Task) -> Result<(), StoreError> {
        self.in_transaction("write-to-offered", async |tx| {
            lock_current(tx, task).await?;
            Statement::new(
                "offer-written",
                "update offers set written_at = coalesce(written_at, clock_timestamp()) where taken_by = $1",
            )
            .run(tx, &[&task.instance.id])
            .await?;
            Ok(())
        })
        .await
    }

    /// Gives back an offered distribution that was never written to: it no longer belongs to the instance, and the
    /// offer stands until it expires. `false`: there was none, or it was written to.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the task is no longer current; database errors.
    pub async fn give_back_offered(&self, task: &Task) -> Result<bool, StoreError> {
        self.in_transaction("give-back-offered", async |tx| {
            lock_current(tx, task).await?;
            let given_back = Statement::new(
                "offer-give-back",
                "update offers set taken_by = null where taken_by = $1 and written_at is null",
            )
            .run(tx, &[&task.instance.id])
            .await?;
            if given_back > 0 {
                Statement::new(
                    "offer-give-back-distribution",
                    "update instances set distribution_id = null, distribution_domain = null where id = $1",
                )
                .run(tx, &[&task.instance.id])
                .await?;
            }
            Ok(given_back > 0)
        })
        .await
    }
}
