//! The CloudFront function that an instance may have: recorded before it is created, and never forgotten.

use std::time::Duration;

use crate::connection::Store;
use crate::error::StoreError;
use crate::orphans::Owner;
use crate::statement::Statement;
use crate::steps::{Task, lock_current, millis};

impl Store {
    /// Records that a function of that name is about to be created for the task's instance.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the task is no longer current; database errors.
    pub async fn intend_function(&self, task: &Task, name: &str) -> Result<(), StoreError> {
        self.in_transaction("intend-function", async |tx| {
            lock_current(tx, task).await?;
            Statement::new(
                "function-intend",
                "update instances set function_name = $2, function_since = clock_timestamp() where id = $1",
            )
            .run(tx, &[&task.instance.id, &name])
            .await?;
            Ok(())
        })
        .await
    }

    /// Records a function that CloudFront has for the task's instance but this database does not, because the database
    /// was restored from a backup.
    ///
    /// # Errors
    /// Database errors.
    pub async fn know_function(&self, task: &Task, name: &str) -> Result<(), StoreError> {
        let client = self.client().await?;
        Statement::new(
            "function-know",
            "update instances set function_name = $2 where id = $1 and function_name is null",
        )
        .run(&client, &[&task.instance.id, &name])
        .await?;
        Ok(())
    }

    /// How long ago the creation of a function for the task's instance was last recorded as intended, if ever.
    ///
    /// # Errors
    /// Database errors.
    pub async fn function_intended(&self, task: &Task) -> Result<Option<Duration>, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "function-intended",
            "select (extract(epoch from clock_timestamp() - function_since) * 1000)::bigint from instances \
             where id = $1",
        )
        .one(&client, &[&task.instance.id])
        .await?;
        Ok(row.try_get::<_, Option<i64>>(0)?.map(millis))
    }

    /// Whether the creation of a function was ever intended, for any instance.
    ///
    /// # Errors
    /// Database errors.
    pub async fn any_function(&self) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "function-any",
            "select exists(select 1 from instances where function_name is not null)",
        )
        .one(&client, &[])
        .await?;
        Ok(row.try_get(0)?)
    }

    /// The owner of the function of that name. A function of a live instance that has no redirect and no running
    /// operation is left over from a failed update.
    ///
    /// # Errors
    /// Database errors.
    pub async fn owner_of_function(&self, name: &str) -> Result<Owner, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "function-owner",
            "select id, deleted_at is null and (settings->>'redirect_to' is not null or exists \
               (select 1 from operations o where o.instance_id = i.id and o.state = 'running')) \
             from instances i where function_name = $1",
        )
        .optional(&client, &[&name])
        .await?;
        let Some(row) = row else { return Ok(Owner::Unknown) };
        Ok(match row.try_get(1)? {
            true => Owner::Lives,
            false => Owner::Gone {
                instance: row.try_get(0)?,
            },
        })
    }
}
