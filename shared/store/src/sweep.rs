//! Sweeping: rings that were lost are rung again, so that RabbitMQ may forget everything.

use std::time::Duration;

use pipeline::{Ring, Service};
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::steps::{as_millis, millis};

/// A step that was swept so many times without being recorded is not left alone for even longer.
const MOST_DOUBLINGS: i32 = 6;

impl Store {
    /// At most `most` of the service's steps that are overdue and were not rung for `grace`; they count as rung from now
    /// on. The grace doubles with each sweep of a step that nothing was recorded for since: what kills its worker comes
    /// ever more seldom. Steps whose publish failed ([`Self::not_rung`]) come at once. Only one process sweeps a service
    /// at a time.
    ///
    /// # Errors
    /// Database errors.
    pub async fn sweep(&self, service: Service, grace: Duration, most: u32) -> Result<Vec<Ring>, StoreError> {
        self.in_transaction("sweep", async |tx| {
            let mine: bool = tx
                .query_one(
                    "select pg_try_advisory_xact_lock(hashtextextended('sweep ' || $1, 2))",
                    &[&service.as_str()],
                )
                .await?
                .try_get(0)?;
            if !mine {
                return Ok(Vec::new());
            }
            let rows = tx
                .query(
                    "update steps set rung_at = now(), swept = swept + (rung_at is not null)::integer where id in ( \
                       select s.id from steps s where s.service = $1 and s.state = 'waiting' and s.due_at < now() \
                       and (s.rung_at is null or greatest(s.due_at, s.rung_at) \
                            < now() - $2::float8 * (1 << least(s.swept, $4)) * interval '1 millisecond') \
                       order by s.due_at limit $3 for update skip locked) \
                     returning id, attempt",
                    &[&service.as_str(), &as_millis(grace), &i64::from(most), &MOST_DOUBLINGS],
                )
                .await?;
            rows.iter()
                .map(|row| {
                    Ok(Ring {
                        service,
                        step: row.try_get("id")?,
                        attempt: row.try_get("attempt")?,
                        delay: Duration::ZERO,
                    })
                })
                .collect()
        })
        .await
    }

    /// What the record of this step's last attempt wanted to be rung: the step itself when it still waits, and the
    /// steps that were inserted in the same transaction. Asked when a stale message was redelivered, which means that
    /// a process died, perhaps between its record and its publish.
    ///
    /// # Errors
    /// Database errors.
    pub async fn rings_after(&self, step: Uuid) -> Result<Vec<Ring>, StoreError> {
        self.in_transaction("rings-after", async |tx| {
            let rows = tx
                .query(
                    "update steps set rung_at = now() where id in ( \
                       select s.id from steps d join steps s on s.operation_id = d.operation_id \
                       where d.id = $1 and s.state = 'waiting' and (s.id = d.id or s.created_at = d.ended_at) \
                       for update of s skip locked) \
                     returning id, attempt, kind, (greatest(0, extract(epoch from due_at - now())) * 1000)::bigint as delay_ms",
                    &[&step],
                )
                .await?;
            rows.iter()
                .map(|row| {
                    Ok(Ring {
                        service: row.try_get::<_, String>("kind")?.parse::<pipeline::StepKind>()?.service(),
                        step: row.try_get("id")?,
                        attempt: row.try_get("attempt")?,
                        delay: millis(row.try_get("delay_ms")?),
                    })
                })
                .collect()
        })
        .await
    }

    /// Says that these rings could not be published: the next sweep takes them without waiting for its grace.
    ///
    /// # Errors
    /// Database errors; the sweep then takes them after its grace.
    pub async fn not_rung(&self, rings: &[Ring]) -> Result<(), StoreError> {
        let client = self.pool.get().await?;
        let steps: Vec<Uuid> = rings.iter().map(|ring| ring.step).collect();
        client
            .execute(
                "update steps set rung_at = null where id in \
                 (select id from steps where id = any($1) and state = 'waiting' for update skip locked)",
                &[&steps],
            )
            .await?;
        Ok(())
    }
}
