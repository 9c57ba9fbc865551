//! What waits, beside what the queues say; and what a message is about.

use serde::Serialize;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;

/// How much of a service's work waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct WaitingSteps {
    /// Steps that are not done, of operations that run.
    pub waiting: u64,
    /// Those of them that are due, or at work.
    pub due: u64,
    /// Seconds since the latest of them was due.
    pub latest_seconds: f64,
}

/// What a step belongs to.
#[derive(Debug, Clone, Serialize)]
pub struct StepPlace {
    /// The step.
    pub step: Uuid,
    /// How many of its attempts are recorded; a wake-up for another one changes nothing.
    pub attempt: i32,
    /// What it does, as in SQL.
    pub kind: String,
    /// The domain; empty otherwise.
    pub subject: String,
    /// How far it is, as in SQL.
    pub state: String,
    /// Its operation.
    pub operation: Uuid,
    /// Its instance.
    pub instance: String,
}

impl Store {
    /// What waits, by service; a service of which nothing waits is not in it.
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

    /// What these steps belong to; those that nobody knows are not in it.
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
