//! How an operation ends: its state, steps, claims and the message to its user. It is counted after the commit.

use std::time::Duration;

use deadpool_postgres::Transaction;
use pipeline::reason::stored;
use pipeline::{OperationKind, OperationState, Reason, StepKind};
use serde_json::Value;
use uuid::Uuid;

use crate::claims;
use crate::connection::Store;
use crate::error::StoreError;
use crate::notices::births;
use crate::statement::{Statement, storable};
use crate::steps::{Task, lock_current, millis};

/// The cause recorded for an operation that ends because a step has waited too long.
pub(crate) const STEP_DEADLINE: &str = "the step's deadline has passed";

/// For an operation: milliseconds since it was accepted.
const TOOK_MS: &str = "(extract(epoch from clock_timestamp() - created_at) * 1000)::bigint";

/// An operation that ended, counted once its transaction is committed. A commit whose answer is lost is not counted, so
/// a figure can be too low by that, but never too high. A superseded operation has neither succeeded nor failed, and is
/// not counted.
#[must_use = "it is counted after the commit"]
pub(crate) struct Ended {
    pub(crate) kind: OperationKind,
    pub(crate) outcome: OperationState,
    /// Time since it was accepted.
    pub(crate) took: Duration,
}

impl Ended {
    /// Counts the operation; the transaction is committed.
    pub(crate) fn count(&self) {
        let (kind, outcome) = (self.kind.as_str(), self.outcome.as_str());
        metrics::counter!("operations_total", "kind" => kind, "outcome" => outcome).increment(1);
        metrics::histogram!("operation_duration_seconds", "kind" => kind, "outcome" => outcome).record(self.took);
    }
}

impl Store {
    /// Ends the operation of a step whose deadline passed before any attempt completed: its service was not running, or
    /// the step crashes every worker that attempts it.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the step was recorded since it was loaded; database errors.
    pub async fn give_up(&self, task: &Task) -> Result<(), StoreError> {
        let ended = self
            .in_transaction("give-up", async |tx| {
                lock_current(tx, task).await?;
                let row = Statement::new("step-reason", "select reason_of(s) from steps s where id = $1")
                    .one(tx, &[&task.step])
                    .await?;
                let waited_for = row.try_get::<_, Option<Value>>(0)?.map(stored::read);
                give_up(tx, task, waited_for.as_ref()).await
            })
            .await?;
        ended.count();
        Ok(())
    }
}

/// The step's deadline has passed: the user is shown what it last waited for.
pub(crate) async fn give_up(
    tx: &Transaction<'_>,
    task: &Task,
    waited_for: Option<&Reason>,
) -> Result<Ended, StoreError> {
    let waited_for = waited_for.map_or_else(|| "no attempt completed".to_owned(), Reason::to_string);
    let waited_for = storable(waited_for.trim_end_matches('.'));
    let what = match task.subject.as_str() {
        "" => format!("Gave up on {}: {waited_for}", task.kind.as_str()),
        domain => format!("{domain} could not be verified in time: {waited_for}"),
    };
    fail(tx, task, &what, STEP_DEADLINE).await
}

pub(crate) async fn succeed(tx: &Transaction<'_>, task: &Task) -> Result<Ended, StoreError> {
    let row = Statement::new(
        "operation-succeed",
        format!("update operations set state = 'succeeded', ended_at = now() where id = $1 returning {TOOK_MS}"),
    )
    .one(tx, &[&task.operation])
    .await?;
    births::succeeded(tx, &task.instance.id, task.operation, task.operation_kind).await?;
    // Publishing values that turned out not to be needed holds up nothing.
    cancel_steps(tx, task.operation).await?;
    if task.operation_kind == OperationKind::Deprovision {
        let instance = &task.instance.id;
        Statement::new(
            "instance-removed",
            "update instances set deleted_at = now() where id = $1",
        )
        .run(tx, &[instance])
        .await?;
        claims::drop_all(tx, instance).await?;
        Statement::new(
            "certificates-wipe",
            "update certificates set sealed_key = null where instance_id = $1",
        )
        .run(tx, &[instance])
        .await?;
        Statement::new(
            "orders-wipe",
            "update orders set sealed_key = null where operation_id in (select id from operations \
             where instance_id = $1)",
        )
        .run(tx, &[instance])
        .await?;
        // Only its page had them. Else whoever makes instances and removes them again, with records that are now so and now otherwise,
        // would have them kept as long as the history.
        Statement::new(
            "news-forget",
            "delete from step_news where step_id in (select s.id from steps s join operations o on o.id = s.operation_id \
             where o.instance_id = $1)",
        )
        .run(tx, &[instance])
        .await?;
    }
    Ok(Ended {
        kind: task.operation_kind,
        outcome: OperationState::Succeeded,
        took: millis(row.try_get(0)?),
    })
}

/// What the user should do when the operation fails at this step.
pub(crate) fn remedy(operation: OperationKind, step: StepKind) -> &'static str {
    if step.follows_configuration() && operation == OperationKind::Update {
        return "The change itself is made; once that is fixed, `cf update-service` has it checked again.";
    }
    operation.remedy()
}

/// What happened, and what the user should do.
pub(crate) fn with_remedy(for_user: &str, remedy: &str) -> String {
    format!("{}. {remedy}", for_user.trim_end_matches('.'))
}

/// `for_user` says what happened and what has to be fixed; what to do then depends on the operation.
pub(crate) async fn fail(tx: &Transaction<'_>, task: &Task, for_user: &str, cause: &str) -> Result<Ended, StoreError> {
    let for_user = &with_remedy(for_user, remedy(task.operation_kind, task.kind));
    Statement::new(
        "step-failed",
        "update steps set state = 'failed', ended_at = now() where id = $1",
    )
    .run(tx, &[&task.step])
    .await?;
    let ending = Ending::Failed { for_user, cause };
    let took = end(tx, &task.instance.id, task.operation, ending).await?;
    Ok(Ended {
        kind: task.operation_kind,
        outcome: OperationState::Failed,
        took,
    })
}

/// How an operation ends before its plan is complete.
pub(crate) enum Ending<'t> {
    /// It can't succeed.
    Failed { for_user: &'t str, cause: &'t str },
    /// An operation that a user requested takes over.
    Superseded,
}

/// Ends an operation whose plan is incomplete; instance and operation are locked. Returns how long ago it was accepted.
pub(crate) async fn end(
    tx: &Transaction<'_>,
    instance: &str,
    operation: Uuid,
    ending: Ending<'_>,
) -> Result<Duration, StoreError> {
    let (state, for_user, cause) = match &ending {
        Ending::Failed { for_user, cause } => ("failed", Some(storable(for_user)), Some(storable(cause))),
        Ending::Superseded => ("superseded", None, None),
    };
    let row = Statement::new(
        "operation-end",
        format!(
            "update operations set state = $2, failure = $3, cause = $4, ended_at = now() where id = $1 \
             returning {TOOK_MS}, kind"
        ),
    )
    .one(tx, &[&operation, &state, &for_user, &cause])
    .await?;
    cancel_steps(tx, operation).await?;
    claims::drop_others(tx, instance).await?;
    let kind: OperationKind = row.try_get::<_, String>(1)?.parse()?;
    if let Ending::Failed { for_user, .. } = &ending {
        births::failed(tx, instance, operation, kind, &storable(for_user)).await?;
    }
    if matches!(ending, Ending::Failed { .. }) && kind == OperationKind::Update {
        retire_unattached(tx, operation).await?;
    }
    // A domain that was proved by a provision that failed must become available to everybody else.
    if kind == OperationKind::Provision {
        claims::give_up_proofs(tx, instance).await?;
    }
    Ok(millis(row.try_get(0)?))
}

async fn cancel_steps(tx: &Transaction<'_>, operation: Uuid) -> Result<(), StoreError> {
    Statement::new(
        "steps-cancel",
        "update steps set state = 'cancelled', ended_at = now() \
         where operation_id = $1 and state is not distinct from 'waiting'",
    )
    .run(tx, &[&operation])
    .await?;
    Ok(())
}

/// Nothing will attach the certificate that the operation was issued; the reconciler removes it from IAM.
pub(crate) async fn retire_unattached(tx: &Transaction<'_>, operation: Uuid) -> Result<(), StoreError> {
    Statement::new(
        "certificates-retire-unattached",
        "update certificates c set retired_at = now(), sealed_key = null from orders r \
         where r.id = c.order_id and r.operation_id = $1 and c.attached_at is null and c.retired_at is null",
    )
    .run(tx, &[&operation])
    .await?;
    Ok(())
}
