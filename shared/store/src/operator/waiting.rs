//! Waiting work according to the database, in addition to what the queues report; and the steps that messages refer to.

use serde::Serialize;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;

/// The amount of a service's waiting work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct WaitingSteps {
    /// Unfinished steps of running operations.
    pub waiting: u64,
    /// Those of them that are due or being attempted.
    pub due: u64,
    /// Seconds since the most overdue of them was due.
    pub latest_seconds: f64,
}

/// The operation and instance that a step belongs to.
#[derive(Debug, Clone, Serialize)]
pub struct StepPlace {
    /// The step.
    pub step: Uuid,
    /// The number of its recorded attempts; a wake-up for another attempt has no effect.
    pub attempt: i32,
    /// Its kind, as in SQL.
    pub kind: String,
    /// The domain; empty otherwise.
    pub subject: String,
    /// Its state, as in SQL.
    pub state: String,
    /// Its operation.
    pub operation: Uuid,
    /// Its instance.
    pub instance: String,
}

impl Store {
    /// Waiting work by service; a service without any is absent.
    ///
    /// # Errors
    /// Database errors.
    pub async fn waiting_steps(&self) -> Result<Vec<(String, WaitingSteps)>, StoreError> {
        let client = self.client().await?;
        let rows = Statement::new(
            "operator-waiting",
            "select service, count(*) as waiting, count(*) filter (where due_at <= now()) as due, \
             greatest(0, extract(epoch from now() - min(due_at)))::float8 as latest \
             from steps where state = 'waiting' group by service",
        )
        .all(&client, &[])
        .await?;
        rows.iter()
            .map(|row| {
                let count = |name| Ok::<_, StoreError>(u64::try_from(row.try_get::<_, i64>(name)?).unwrap_or(0));
                let steps = WaitingSteps {
                    waiting: count("waiting")?,
                    due: count("due")?,
                    latest_seconds: row.try_get("latest")?,
                };
                Ok((row.try_get("service")?, steps))
            })
            .collect()
    }

    /// The operations and instances of these steps; unknown steps are absent.
    ///
    /// # Errors
    /// Database errors.
    pub async fn places_of(&self, steps: &[Uuid]) -> Result<Vec<StepPlace>, StoreError> {
        let client = self.client().await?;
        let rows = Statement::new(
            "operator-places",
            "select s.id, s.attempt, s.kind, s.subject, s.state, s.operation_id, o.instance_id \
             from steps s join operations o on o.id = s.operation_id where s.id = any($1)",
        )
        .all(&client, &[&steps])
        .await?;
        rows.iter()
            .map(|row| {
                Ok(StepPlace {
                    step: row.try_get("id")?,
                    attempt: row.try_get("attempt")?,
                    kind: row.try_get("kind")?,
                    subject: row.try_get("subject")?,
                    state: row.try_get("state")?,
                    operation: row.try_get("operation_id")?,
                    instance: row.try_get("instance_id")?,
                })
            })
            .collect()
    }
}
