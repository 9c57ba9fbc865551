//! The steps that follow a finished step: the plan is computed from the operation's current state, and its result is
//! inserted.

use deadpool_postgres::Transaction;
use pipeline::plan::{self, Situation};
use pipeline::{Schedules, WakeUp};

use crate::error::StoreError;
use crate::statement::{Statement, statement};
use crate::steps::{Task, insert_planned};

/// Steps can be inserted as already done; then their successors have to be inserted as well.
pub(crate) async fn insert_and_follow(
    tx: &Transaction<'_>,
    task: &Task,
    mut situation: Situation,
    mut next: plan::Next,
    schedules: &Schedules,
) -> Result<Vec<WakeUp>, StoreError> {
    let mut wake_ups = Vec::new();
    while !next.steps.is_empty() {
        wake_ups.append(&mut insert_planned(tx, task.operation, &next.steps, schedules).await?);
        situation = self::situation(tx, task).await.map(|fresh| Situation {
            domains: situation.domains,
            ..fresh
        })?;
        next = plan::next(&situation);
    }
    Ok(wake_ups)
}

pub(crate) async fn situation(tx: &Transaction<'_>, task: &Task) -> Result<Situation, StoreError> {
    let steps = Statement::new(
        "plan-steps",
        "select kind, subject, round, state, coalesce(verdict = 'order-spent', false) as order_spent from steps \
         where operation_id = $1",
    )
    .all(tx, &[&task.operation])
    .await?
    .iter()
    .map(|row| {
        Ok(plan::Step {
            kind: row.try_get::<_, String>("kind")?.parse()?,
            subject: row.try_get("subject")?,
            round: row.try_get("round")?,
            state: row.try_get::<_, String>("state")?.parse()?,
            order_spent: row.try_get("order_spent")?,
        })
    })
    .collect::<Result<_, StoreError>>()?;
    let domains = statement!("plan-domains")
        .all(
            tx,
            &[&task.instance.id, &task.operation, &task.round, &task.instance.domains],
        )
        .await?
        .iter()
        .map(|row| {
            Ok(plan::Domain {
                domain: row.try_get("domain")?,
                authorized: row.try_get("authorized")?,
                held_until: row.try_get("held_until")?,
            })
        })
        .collect::<Result<_, StoreError>>()?;
    let row = statement!("plan-situation")
        .one(tx, &[&task.operation, &task.round])
        .await?;
    Ok(Situation {
        operation: task.operation_kind,
        domains,
        new_certificate: row.try_get(0)?,
        function: row.try_get(1)?,
        adopted: row.try_get(2)?,
        delegated: row.try_get(3)?,
        steps,
    })
}
