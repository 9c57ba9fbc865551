//! Retries waiting steps now.

use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::audit::{Acting, Action, Entry};
use crate::error::StoreError;
use crate::statement::Statement;
use crate::steps::{lock_instance, lock_running};

/// A step that waited.
#[derive(Debug, Clone, Serialize)]
pub struct RetriedStep {
    /// The step.
    pub step: Uuid,
    /// What it does, as in SQL.
    pub kind: String,
    /// The domain; empty otherwise.
    pub subject: String,
    /// The service that runs it.
    pub service: String,
    /// It was left unchanged: the CA rejected its domain, which is held until then.
    #[serde(with = "time::serde::rfc3339::option")]
    pub held_until: Option<OffsetDateTime>,
}

impl Acting<'_> {
    /// Makes every step of the instance's running operation due, and lets the services' next sweep publish their
    /// wake-ups. The next look at a domain is at everything. An attempt that is running in a worker continues, and the
    /// second delivery has no effect. Domains that are held after the CA rejected them are left unchanged, unless `held`
    /// is set. Empty: no step waits.
    ///
    /// # Errors
    /// Database errors.
    pub async fn retry_now(&self, instance: &str, held: bool) -> Result<Vec<RetriedStep>, StoreError> {
        self.in_transaction("retry-now", async |tx| {
            lock_instance(tx, instance).await?;
            let Some(operation) = lock_running(tx, instance).await? else {
                return Ok(Vec::new());
            };
            let rows = Statement::new(
                "retry-steps",
                "select s.id, s.kind, s.subject, s.service, case when not $3 then c.held_until end as held_until \
                 from steps s left join claims c on c.instance_id = $2 and c.domain = s.subject \
                 and c.held_until > now() \
                 where s.operation_id = $1 and s.state is not distinct from 'waiting' order by s.created_at, s.subject",
            )
            .all(tx, &[&operation, &instance, &held])
            .await?;
            let steps: Vec<RetriedStep> = rows.iter().map(retried_from).collect::<Result<_, StoreError>>()?;
            let now: Vec<Uuid> = steps
                .iter()
                .filter(|step| step.held_until.is_none())
                .map(|step| step.step)
                .collect();
            Statement::new(
                "retry-now",
                "update steps set due_at = least(due_at, now()), rung_at = null, swept = 0, crashes = 0, \
                 slow_looks = 0, reason = reason - 'memory' \
                 where id = any($1) and state is not distinct from 'waiting'",
            )
            .run(tx, &[&now])
            .await?;
            Statement::new(
                "retry-count",
                "update operations set version = version + 1 where id = $1",
            )
            .run(tx, &[&operation])
            .await?;
            if !now.is_empty() {
                let entry = Entry {
                    instance: Some(instance),
                    operation: Some(operation),
                    details: json!({"steps": now.len(), "held": held}),
                    ..Entry::of(Action::Retry)
                };
                self.note(tx, entry).await?;
            }
            Ok(steps)
        })
        .await
    }
}

fn retried_from(row: &Row) -> Result<RetriedStep, StoreError> {
    Ok(RetriedStep {
        step: row.try_get("id")?,
        kind: row.try_get("kind")?,
        subject: row.try_get("subject")?,
        service: row.try_get("service")?,
        held_until: row.try_get("held_until")?,
    })
}
