//! Instances: what a handler needs to know, and the distribution that belongs to one.

use std::time::Duration;

use pipeline::Settings;
use tokio_postgres::Row;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;
use crate::steps::{Task, lock_current, millis};

/// A service instance, as handlers see it.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The platform's id; also CloudFront's `CallerReference`.
    pub id: String,
    /// Whose it is: the organization, or the narrowest thing the platform tells.
    pub tenant: String,
    /// What the user set; what it is to be, while an update runs.
    pub settings: Settings,
    /// CloudFront's id, once known.
    pub distribution_id: Option<String>,
    /// CloudFront's name, once known.
    pub distribution_domain: Option<String>,
    /// Its domains, sorted; those it is to have, while an update runs. A renewal leaves out what the instance has lost.
    pub domains: Vec<String>,
}

/// Selects what [`instance_from`] reads, from `instances i` and `operations o`.
pub(crate) const INSTANCE_COLUMNS: &str = "i.id as instance_id, i.tenant, coalesce(o.target->'settings', i.settings) as settings, \
     i.distribution_id, i.distribution_domain, \
     array(select d from jsonb_array_elements_text(coalesce(o.target->'request', i.request)->'parameters'->'domains') d \
       where o.kind <> 'renew' or not exists (select from claims k where k.instance_id = i.id and k.domain = d and k.lost_at is not null) \
       order by d collate \"C\") as domains";

pub(crate) fn instance_from(row: &Row) -> Result<Instance, StoreError> {
    Ok(Instance {
        id: row.try_get("instance_id")?,
        tenant: row.try_get("tenant")?,
        settings: serde_json::from_value(row.try_get("settings")?)?,
        distribution_id: row.try_get("distribution_id")?,
        distribution_domain: row.try_get("distribution_domain")?,
        domains: row.try_get("domains")?,
    })
}

impl Store {
    /// Writes down that a distribution is about to be made: from now on one may turn up, whatever happens to this
    /// worker.
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

    /// How long ago a distribution was last about to be made for the task's instance, if ever.
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

    /// Writes down the distribution that was made or adopted for the task's instance. Not guarded by the attempt: what
    /// was made belongs to the instance, whoever made it.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the instance is removed or has another one; this one is then nobody's.
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
