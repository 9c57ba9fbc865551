//! The CloudFront function that an instance may have: written down before it is made, and never forgotten.

use std::time::Duration;

use crate::connection::Store;
use crate::error::StoreError;
use crate::orphans::Owner;
use crate::statement::Statement;
use crate::steps::{Task, lock_current, millis};

impl Store {
    /// Writes down that a function of that name is about to be made for the task's instance.
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

    /// Writes down a function that CloudFront has for the task's instance, though it is not in this database: that was
    /// restored from a backup.
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

    /// How long ago a function was last about to be made for the task's instance, if ever.
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

    /// Was a function ever about to be made, for whatever instance?
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

    /// Who owns the function of that name. One of an instance that lives, but has no redirect and nothing at work, is
    /// left over from an update that failed.
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
