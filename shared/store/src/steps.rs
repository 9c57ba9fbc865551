//! Steps: the work list, the outbox, and the source of `last_operation`.

use std::collections::HashMap;
use std::time::Duration;

use deadpool_postgres::Transaction;
use pipeline::plan::{Born, Planned};
use pipeline::{OperationKind, Schedules, StepKind, WakeUp};
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::instances::{INSTANCE_COLUMNS, Instance, instance_from};
use crate::orders::Challenge;
use crate::statement::{Statement, statement};

/// A step to be attempted, with everything that its handler needs to know.
#[derive(Debug, Clone)]
pub struct Task {
    /// The step.
    pub step: Uuid,
    /// Number of this attempt, from 0. Every write for the step is guarded by it.
    pub attempt: i32,
    /// Its operation.
    pub operation: Uuid,
    /// The operation's kind.
    pub operation_kind: OperationKind,
    /// The step's kind.
    pub kind: StepKind,
    /// The domain for `verify-challenge`; empty otherwise.
    pub subject: String,
    /// Number of the order it works on.
    pub round: i32,
    /// How long until it is due, when the wake-up was delivered early.
    pub early: Duration,
    /// How long ago it was due.
    pub late: Duration,
    /// How long ago the step was created.
    pub age: Duration,
    /// How many steps of its kind and round are tried by turns, this one included; not those that rest.
    pub waiting: u32,
    /// The database's time when the step was loaded: the one clock that all processes share.
    pub now: OffsetDateTime,
    /// How many consecutive attempts before this one ended in a panic or at the time limit.
    pub crashes: i32,
    /// How many consecutive probes before this one ran into a time limit.
    pub slow_looks: i32,
    /// The instance.
    pub instance: Instance,
    /// What is to be proved, once there is an order. `None`: it was not read with the step, as [`Store::load_task_with_challenge`] does.
    pub challenge: Option<Option<Challenge>>,
}

impl Store {
    /// Loads the step if it is waiting, its attempt is this one and its operation runs; `None` means stale.
    ///
    /// # Errors
    /// Database errors.
    pub async fn load_task(&self, step: Uuid, attempt: i32) -> Result<Option<Task>, StoreError> {
        let client = self.client().await?;
        let row = statement!("step-load")
            .with("instance_columns", INSTANCE_COLUMNS)
            .optional(&client, &[&step, &attempt])
            .await?;
        row.map(|row| task_from(&row)).transpose()
    }

    /// Postpones a step that is due, so that others go first. Nothing else of it changes. `false`: it is no longer
    /// current.
    ///
    /// # Errors
    /// Database errors.
    pub async fn put_off(&self, task: &Task, delay: Duration) -> Result<bool, StoreError> {
        let client = self.client().await?;
        // Does not wait for the disk: a write that is lost in a crash of PostgreSQL leaves the step due, as it was
        // before.
        let updated = Statement::new(
            "step-put-off",
            "update steps set due_at = now() + $3 * interval '1 millisecond', rung_at = now() \
             from (select set_config('synchronous_commit', 'off', true)) as at_once \
             where id = $1 and attempt = $2 and state is not distinct from 'waiting'",
        )
        .run(&client, &[&task.step, &task.attempt, &as_millis(delay)])
        .await?;
        Ok(updated > 0)
    }

    /// Checks that the task is still current. Called between reading an external resource and writing it back, so that
    /// a worker that froze and woke up late undoes nothing.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is not; database errors.
    pub async fn ensure_current(&self, task: &Task) -> Result<(), StoreError> {
        let client = self.client().await?;
        match Statement::new(
            "step-current",
            "select 1 from steps s join operations o on o.id = s.operation_id \
             where s.id = $1 and s.attempt = $2 \
             and s.state is not distinct from 'waiting' and o.state is not distinct from 'running'",
        )
        .optional(&client, &[&task.step, &task.attempt])
        .await?
        {
            Some(_) => Ok(()),
            None => Err(StoreError::Stale),
        }
    }

    /// How long a record has been seen in place: zero when first seen, and restarted if it was gone in between.
    ///
    /// # Errors
    /// Database errors.
    pub async fn seen_in_place_for(&self, task: &Task, in_place: bool) -> Result<Duration, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "step-seen-in-place",
            "update steps set first_seen_at = case when $3 then coalesce(first_seen_at, clock_timestamp()) end \
             where id = $1 and attempt = $2 \
             returning coalesce(extract(epoch from clock_timestamp() - first_seen_at) * 1000, 0)::bigint",
        )
        .optional(&client, &[&task.step, &task.attempt, &in_place])
        .await?;
        Ok(row
            .map(|row| row.try_get(0))
            .transpose()?
            .map_or(Duration::ZERO, millis))
    }
}

/// What `step-load` reads.
pub(crate) fn task_from(row: &Row) -> Result<Task, StoreError> {
    Ok(Task {
        step: row.try_get("id")?,
        attempt: row.try_get("attempt")?,
        operation: row.try_get("operation_id")?,
        operation_kind: row.try_get::<_, String>("operation_kind")?.parse()?,
        kind: row.try_get::<_, String>("kind")?.parse()?,
        subject: row.try_get("subject")?,
        round: row.try_get("round")?,
        early: millis(row.try_get("early_ms")?),
        late: millis(row.try_get("late_ms")?),
        age: millis(row.try_get("age_ms")?),
        waiting: u32::try_from(row.try_get::<_, i64>("waiting")?).unwrap_or(u32::MAX),
        now: row.try_get("now")?,
        crashes: row.try_get("crashes")?,
        slow_looks: row.try_get("slow_looks")?,
        instance: instance_from(row)?,
        challenge: None,
    })
}

/// Locks the instance before anything of it is read or written, so that the reads see what the previous holder of the
/// lock wrote. `false`: there is no such instance.
pub(crate) async fn lock_instance(tx: &Transaction<'_>, instance: &str) -> Result<bool, StoreError> {
    let locked = Statement::new("instance-lock", "select 1 from instances where id = $1 for update")
        .run(tx, &[&instance])
        .await?;
    Ok(locked > 0)
}

/// Locks the operation that runs on the instance, which is locked.
pub(crate) async fn lock_running(tx: &Transaction<'_>, instance: &str) -> Result<Option<Uuid>, StoreError> {
    let running = Statement::new(
        "running-lock",
        "select id from operations where instance_id = $1 and state = 'running' for update",
    )
    .optional(tx, &[&instance])
    .await?;
    Ok(running.map(|row| row.try_get(0)).transpose()?)
}

/// Locks the operation, then its step, if the attempt is current.
const CURRENT: &str = "select o.id from operations o join steps s on s.operation_id = o.id \
     where o.id = $1 and s.id = $2 and s.attempt = $3 \
     and o.state is not distinct from 'running' and s.state is not distinct from 'waiting' for update of o, s";

/// Locks instance and operation (in this order, as everywhere), then makes sure that the task is still current.
pub(crate) async fn lock_current(tx: &Transaction<'_>, task: &Task) -> Result<(), StoreError> {
    lock_instance(tx, &task.instance.id).await?;
    let current = Statement::new("step-lock", CURRENT)
        .optional(tx, &[&task.operation, &task.step, &task.attempt])
        .await?;
    current.map(|_| ()).ok_or(StoreError::Stale)
}

/// The same, and counts the record that follows.
pub(crate) async fn lock_to_record(tx: &Transaction<'_>, task: &Task) -> Result<(), StoreError> {
    lock_instance(tx, &task.instance.id).await?;
    let current = Statement::new(
        "step-lock-to-record",
        "with current as ({current}) update operations o set version = version + 1 from current where o.id = current.id",
    )
    .with("current", CURRENT)
    .run(tx, &[&task.operation, &task.step, &task.attempt])
    .await?;
    match current {
        0 => Err(StoreError::Stale),
        _ => Ok(()),
    }
}

/// Inserts planned steps; existing ones stay unchanged. Returns the wake-ups of those that are new and not done.
pub(crate) async fn insert_planned(
    tx: &Transaction<'_>,
    operation: Uuid,
    planned: &[Planned],
    schedules: &Schedules,
) -> Result<Vec<WakeUp>, StoreError> {
    let ids: Vec<Uuid> = planned.iter().map(|_| Uuid::new_v4()).collect();
    let of = |what: fn(&Planned) -> &str| planned.iter().map(what).collect::<Vec<_>>();
    let rounds: Vec<i32> = planned.iter().map(|step| step.round).collect();
    let held_until: Vec<Option<OffsetDateTime>> = planned.iter().map(|step| step.born.held_until()).collect();
    let deadlines = planned.iter().map(|step| as_millis(schedules.of(step.kind).deadline));
    let rows = statement!("step-insert")
        .all(
            tx,
            &[
                &operation,
                &ids,
                &of(|step| step.kind.as_str()),
                &of(|step| step.kind.service().as_str()),
                &of(|step| &step.subject),
                &rounds,
                &of(|step| if step.born == Born::Done { "done" } else { "waiting" }),
                &held_until,
                &deadlines.collect::<Vec<f64>>(),
                &as_millis(schedules.update_unseen_deadline.into()),
            ],
        )
        .await?;
    let inserted: HashMap<Uuid, i64> = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<Result<_, StoreError>>()?;
    let waiting = planned.iter().zip(ids).filter(|(step, _)| step.born != Born::Done);
    let wake_ups = waiting.filter_map(|(step, id)| {
        Some(WakeUp {
            service: step.kind.service(),
            step: id,
            attempt: 0,
            delay: millis(*inserted.get(&id)?),
        })
    });
    Ok(wake_ups.collect())
}

pub(crate) fn millis(value: i64) -> Duration {
    Duration::from_millis(u64::try_from(value).unwrap_or(0))
}

/// Milliseconds as a double: the factor for an interval in SQL.
pub(crate) fn as_millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
