//! The distribution of an instance: what is recorded before and after it is created.

use std::time::Duration;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;
use crate::steps::{Task, lock_current, millis};

impl Store {
    /// Records that a distribution is about to be created: from now on one may appear, whatever happens to this worker.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the task is no longer current; database errors.
    pub async fn intend_distribution(&self, task: &Task) -> Result<(), StoreError> {
        self.in_transaction("intend-distribution", async |tx| {
            lock_current(tx, task).await?;
            Statement::new(
                "distribution-intend",
                "update instances set creating_since = clock_timestamp() where id = $1",
            )
            .run(tx, &[&task.instance.id])
            .await?;
            Ok(())
        })
        .await
    }

    /// How long ago the creation of a distribution for the task's instance was last recorded as intended, if ever.
    ///
    /// # Errors
    /// Database errors.
    pub async fn distribution_intended(&self, task: &Task) -> Result<Option<Duration>, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "distribution-intended",
            "select (extract(epoch from clock_timestamp() - creating_since) * 1000)::bigint from instances \
             where id = $1",
        )
        .one(&client, &[&task.instance.id])
        .await?;
        Ok(row.try_get::<_, Option<i64>>(0)?.map(millis))
    }

    /// Records the distribution that was created or adopted for the task's instance. Not guarded by the attempt: it
    /// belongs to the instance, whichever attempt created it.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the instance is removed or has another distribution; this one is then orphaned.
    pub async fn set_distribution(&self, task: &Task, id: &str, domain: &str) -> Result<(), StoreError> {
        let client = self.client().await?;
        let written = Statement::new(
            "distribution-set",
            "update instances set distribution_id = $2, distribution_domain = $3 \
             where id = $1 and deleted_at is null and (distribution_id is null or distribution_id = $2)",
        )
        .run(&client, &[&task.instance.id, &id, &domain])
        .await?;
        if written == 0 {
            return Err(StoreError::Stale);
        }
        Ok(())
    }
}
