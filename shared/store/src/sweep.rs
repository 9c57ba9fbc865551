//! The sweep: lost wake-ups are published again, so that RabbitMQ may lose all its messages.

use std::time::Duration;

use pipeline::{Service, StepKind, WakeUp};
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::{Statement, statement};
use crate::steps::{as_millis, millis};
use crate::turn::Turn;

/// A wake-up can be lost a few times in a row; a step that is swept more often without being recorded may be poison …
const USUAL_LOSSES: i32 = 2;
/// … and is swept half as often each time, down to a sixteenth.
const MOST_DOUBLINGS: i32 = 4;

impl Store {
    /// At most `most` of the service's steps that are overdue and whose last publish is longer ago than their kind's
    /// grace; they count as published from now on. A step that was swept more than twice without being recorded since
    /// is swept less and less often: it may be what kills its worker. Steps whose publish failed
    /// ([`Self::not_published`]) are included at once. Only one process sweeps a service at a time.
    ///
    /// # Errors
    /// Database errors.
    pub async fn sweep(
        &self,
        service: Service,
        graces: &[(StepKind, Duration)],
        most: u32,
    ) -> Result<Vec<WakeUp>, StoreError> {
        let kinds: Vec<&str> = graces.iter().map(|(kind, _)| kind.as_str()).collect();
        let millis: Vec<f64> = graces.iter().map(|(_, grace)| as_millis(*grace)).collect();
        self.in_transaction("sweep", async |tx| {
            if !Turn::Sweep(service).take(tx).await? {
                return Ok(Vec::new());
            }
            let rows = statement!("sweep")
                .all(
                    tx,
                    &[
                        &service.as_str(),
                        &kinds,
                        &millis,
                        &i64::from(most),
                        &USUAL_LOSSES,
                        &MOST_DOUBLINGS,
                    ],
                )
                .await?;
            rows.iter()
                .map(|row| {
                    Ok(WakeUp {
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

    /// Steps of the service, with their attempt, whose deadline passed `grace` ago and that were not recorded since.
    ///
    /// # Errors
    /// Database errors.
    pub async fn past_deadline(&self, service: Service, grace: Duration) -> Result<Vec<(Uuid, i32)>, StoreError> {
        let client = self.client().await?;
        Statement::new(
            "steps-past-deadline",
            "select s.id, s.attempt from steps s where s.service = $1 and s.state = 'waiting' \
             and s.deadline_at < now() - $2::float8 * interval '1 millisecond' \
             and s.due_at < now() - $2::float8 * interval '1 millisecond' order by s.deadline_at limit 100",
        )
        .all(&client, &[&service.as_str(), &as_millis(grace)])
        .await?
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
    }

    /// The wake-ups that the record of this step's last attempt wanted to publish: that of the step itself if it still
    /// waits, and those of the steps inserted in the same transaction. Used when a stale message is redelivered, which
    /// means that a process died, perhaps between its record and its publish.
    ///
    /// # Errors
    /// Database errors.
    pub async fn wake_ups_after(&self, step: Uuid) -> Result<Vec<WakeUp>, StoreError> {
        self.in_transaction("rings-after", async |tx| {
            let rows = Statement::new(
                "rings-after",
                "update steps set rung_at = now() where id in ( \
                   select s.id from steps d join steps s on s.operation_id = d.operation_id \
                   where d.id = $1 and s.state is not distinct from 'waiting' and (s.id = d.id or s.created_at = d.ended_at) \
                   for update of s skip locked) \
                 returning id, attempt, kind, \
                   (greatest(0, extract(epoch from due_at - now())) * 1000)::bigint as delay_ms",
            )
            .all(tx, &[&step])
            .await?;
            rows.iter()
                .map(|row| {
                    Ok(WakeUp {
                        service: row
                            .try_get::<_, String>("kind")?
                            .parse::<pipeline::StepKind>()?
                            .service(),
                        step: row.try_get("id")?,
                        attempt: row.try_get("attempt")?,
                        delay: millis(row.try_get("delay_ms")?),
                    })
                })
                .collect()
        })
        .await
    }

    /// Records that these wake-ups could not be published: the next sweep takes them without waiting for its grace.
    ///
    /// # Errors
    /// Database errors; the sweep then takes them after its grace.
    pub async fn not_published(&self, wake_ups: &[WakeUp]) -> Result<(), StoreError> {
        let client = self.client().await?;
        let steps: Vec<Uuid> = wake_ups.iter().map(|wake_up| wake_up.step).collect();
        let attempts: Vec<i32> = wake_ups.iter().map(|wake_up| wake_up.attempt).collect();
        // By the attempt: a step that was tried meanwhile has another wake-up.
        Statement::new(
            "not-published",
            "update steps set rung_at = null where id in \
             (select s.id from steps s join unnest($1::uuid[], $2::integer[]) as lost(id, attempt) \
               on lost.id = s.id and lost.attempt = s.attempt \
              where s.state is not distinct from 'waiting' for update of s skip locked)",
        )
        .run(&client, &[&steps, &attempts])
        .await?;
        Ok(())
    }
}
