//! What waits is tried now.

use serde::Serialize;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;

/// A step that is tried now.
#[derive(Debug, Clone, Serialize)]
pub struct RetriedStep {
    /// The step.
    pub step: Uuid,
    /// What it does, as in SQL.
    pub kind: String,
    /// The domain; empty otherwise.
    pub subject: String,
    /// Who does it.
    pub service: String,
}

impl Store {
    /// Makes every step of the instance's running operation due, and has the services' next sweep ring it. An attempt that is in
    /// a worker's hand stays there, and whoever comes second changes nothing. Empty: nothing waits.
    ///
    /// # Errors
    /// Database errors.
    pub async fn retry_now(&self, instance: &str) -> Result<Vec<RetriedStep>, StoreError> {
        self.in_transaction("retry-now", async |tx| {
            tx.execute("select 1 from instances where id = $1 for update", &[&instance])
                .await?;
            let running = tx
                .query_opt(
                    "select id from operations where instance_id = $1 and state = 'running' for update",
                    &[&instance],
                )
                .await?;
            let Some(running) = running else { return Ok(Vec::new()) };
            let rows = tx
                .query(
                    "update steps set due_at = least(due_at, now()), rung_at = null, swept = 0 \
                     where operation_id = $1 and state = 'waiting' returning id, kind, subject, service",
                    &[&running.try_get::<_, Uuid>(0)?],
                )
                .await?;
            rows.iter()
                .map(|row| {
                    Ok(RetriedStep {
                        step: row.try_get("id")?,
                        kind: row.try_get("kind")?,
                        subject: row.try_get("subject")?,
                        service: row.try_get("service")?,
                    })
                })
                .collect()
        })
        .await
    }
}
