//! The guarded record: what an attempt came to, and what follows from it, in one transaction.

use std::time::Duration;

use deadpool_postgres::Transaction;
use pipeline::plan::{self, Situation};
use pipeline::reason::stored;
use pipeline::{OperationKind, OperationState, Outcome, Reason, Ring, Schedules, StepKind, Verdict};
use serde_json::Value;
use uuid::Uuid;

use crate::claims;
use crate::connection::Store;
use crate::ended::Ended;
use crate::error::StoreError;
use crate::holding::{self, Proved};
use crate::statement::{Statement, statement};
use crate::steps::{Task, as_millis, insert_planned, lock_current, millis};

/// What a record led to.
#[derive(Debug)]
pub enum Recorded {
    /// Another delivery was faster, or the operation has ended: nothing was changed.
    Stale,
    /// Written; these are to be published now.
    Written(Vec<Ring>),
}

/// What a transaction wrote, once it is committed.
struct Written {
    rings: Vec<Ring>,
    /// The task's operation, and those of instances that lost a domain to it.
    ended: Vec<Ended>,
}

impl Written {
    fn of(rings: Vec<Ring>) -> Self {
        Self {
            rings,
            ended: Vec::new(),
        }
    }
}

impl From<Ended> for Written {
    fn from(ended: Ended) -> Self {
        Self {
            rings: Vec::new(),
            ended: vec![ended],
        }
    }
}

/// After this many consecutive panics or timeouts a step is poison: an operator is told, and it is tried at its schedule's longest delay.
pub const POISON: i32 = 3;

/// A peer that asks for more patience than this is asked again all the same.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(7 * 86_400);

/// The cause of an operation's end where a step has waited too long.
pub(crate) const STEP_DEADLINE: &str = "the step's deadline has passed";

/// PostgreSQL's text holds no NUL, and what a peer said must not make the record fail for ever.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "")
}

impl Store {
    /// Records an attempt's outcome. The slower of two deliveries of one attempt changes nothing. `crashed` counts
    /// attempts that ended by a panic or by the time limit: from [`POISON`] in a row on, the step is tried at its
    /// schedule's longest delay only.
    ///
    /// # Errors
    /// Database errors; then nothing was changed and the message must not be acknowledged.
    pub async fn record(
        &self,
        task: &Task,
        outcome: &Outcome,
        crashed: bool,
        schedules: &Schedules,
    ) -> Result<Recorded, StoreError> {
        let result = self
            .in_transaction("record", async |tx| {
                lock_current(tx, task).await?;
                match outcome {
                    Outcome::Done(verdict) => done(tx, task, verdict, schedules).await,
                    Outcome::Pending {
                        waiting_for,
                        retry_after,
                        slow,
                    } => {
                        // The step's own limit is longer than those of what it asks.
                        let slow = *slow || (crashed && task.kind == StepKind::VerifyChallenge);
                        let again = Again::after(task, crashed, slow);
                        let delay = match retry_after {
                            Some(wanted) => (*wanted).min(LONGEST_RETRY_AFTER),
                            None => again.delay(task, schedules),
                        };
                        pending(tx, task, waiting_for, delay, &again).await
                    }
                    Outcome::Failed {
                        for_user,
                        cause,
                        certificate_is_useless,
                    } => {
                        let ended = fail(tx, task, for_user, cause).await?;
                        // The next renewal would use it.
                        if *certificate_is_useless && task.operation_kind == OperationKind::Renew {
                            retire_unattached(tx, task.operation).await?;
                        }
                        Ok(ended.into())
                    }
                }
            })
            .await;
        match result {
            Ok(Written { rings, ended }) => {
                for ended in ended {
                    ended.count();
                }
                Ok(Recorded::Written(rings))
            }
            Err(StoreError::Stale) => Ok(Recorded::Stale),
            Err(error) => Err(error),
        }
    }
}

impl Store {
    /// Ends the operation of a step whose deadline passed while no attempt came to an end: its service did not run, or
    /// the step kills whoever attempts it.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it was recorded meanwhile; database errors.
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

/// What makes the next attempt come later than its schedule says, each counted in a row.
struct Again {
    crashes: i32,
    slow_looks: i32,
}

impl Again {
    fn after(task: &Task, crashed: bool, slow: bool) -> Self {
        let counted = |yes: bool, before: i32| if yes { before.saturating_add(1) } else { 0 };
        Self {
            crashes: counted(crashed, task.crashes),
            slow_looks: counted(slow, task.slow_looks),
        }
    }

    fn delay(&self, task: &Task, schedules: &Schedules) -> Duration {
        let schedule = schedules.of(task.kind);
        let usual = match self.crashes >= POISON {
            true => schedule.max,
            false => schedule.delay(u32::try_from(task.attempt).unwrap_or(0)),
        };
        schedules.rest_after_slow_looks(usual, u32::try_from(self.slow_looks).unwrap_or(0))
    }
}

async fn pending(
    tx: &Transaction<'_>,
    task: &Task,
    waiting_for: &Reason,
    delay: Duration,
    again: &Again,
) -> Result<Written, StoreError> {
    let row = Statement::new(
        "record-pending",
        "update steps set attempt = attempt + 1, due_at = now() + $2 * interval '1 millisecond', reason = $3, \
         waiting_for = null, \
         checked_at = now(), rung_at = now(), swept = 0, crashes = $4, slow_looks = $5 where id = $1 \
         returning deadline_at < now()",
    )
    .one(
        tx,
        &[
            &task.step,
            &as_millis(delay),
            &stored::write(waiting_for)?,
            &again.crashes,
            &again.slow_looks,
        ],
    )
    .await?;
    if row.try_get(0)? {
        return Ok(give_up(tx, task, Some(waiting_for)).await?.into());
    }
    Ok(Written::of(vec![Ring {
        service: task.kind.service(),
        step: task.step,
        attempt: task.attempt + 1,
        delay,
    }]))
}

/// The step's deadline has passed: what it waited for last is what the user reads.
async fn give_up(tx: &Transaction<'_>, task: &Task, waited_for: Option<&Reason>) -> Result<Ended, StoreError> {
    let waited_for = waited_for.map_or_else(|| "no attempt came to an end".to_owned(), Reason::to_string);
    let waited_for = storable(waited_for.trim_end_matches('.'));
    let what = match task.subject.as_str() {
        "" => format!("Gave up on {}: {waited_for}", task.kind.as_str()),
        domain => format!("{domain} could not be verified in time: {waited_for}"),
    };
    fail(tx, task, &what, STEP_DEADLINE).await
}

async fn done(
    tx: &Transaction<'_>,
    task: &Task,
    verdict: &Verdict,
    schedules: &Schedules,
) -> Result<Written, StoreError> {
    let (method, reason) = match verdict {
        Verdict::Accomplished => (None, None),
        Verdict::Verified(method) => (Some(method.as_str()), None),
        Verdict::OrderSpent { reason, .. } => (None, Some(reason)),
    };
    let spent = reason.map(|reason| stored::write(&reason.clone().into())).transpose()?;
    Statement::new(
        "record-done",
        "update steps set state = 'done', verdict = $2, method = $3, reason = coalesce($4, reason), \
         waiting_for = case when $4 is null then waiting_for end, checked_at = now(), ended_at = now() where id = $1",
    )
    .run(tx, &[&task.step, &verdict.as_str(), &method, &spent])
    .await?;
    match (task.operation_kind, task.kind) {
        (OperationKind::Update, StepKind::ConfigureDistribution) => apply_target(tx, task).await?,
        // CloudFront has let the domains go. What is still to be removed then is in nobody's way.
        (OperationKind::Deprovision, StepKind::DeleteDistribution) => drop_claims(tx, &task.instance.id).await?,
        _ => {}
    }
    if let Some(reason) = reason
        && operation_is_overdue(tx, task).await?
    {
        let for_user = format!(
            "Gave up after {} orders at the CA: {}",
            task.round,
            storable(reason.to_string().trim_end_matches('.'))
        );
        let ended = fail(tx, task, &for_user, "the operation's deadline has passed").await?;
        return Ok(ended.into());
    }
    let proved = match verdict {
        Verdict::Verified(_) => vec![task.subject.clone()],
        Verdict::OrderSpent { rejections, .. } => {
            claims::reject(tx, &task.instance.id, rejections, schedules).await?;
            vec![]
        }
        Verdict::Accomplished => vec![],
    };
    if (task.kind, verdict) == (StepKind::FinalizeOrder, &Verdict::Accomplished) {
        claims::forget_rejections(tx, &task.instance.id, &task.instance.domains).await?;
    }
    let situation = situation(tx, task).await?;
    let authorized = situation
        .domains
        .iter()
        .filter(|d| d.authorized)
        .map(|d| d.domain.clone());
    let proved: Vec<String> = proved.into_iter().chain(authorized).collect();
    if matches!(verdict, Verdict::Verified(_)) {
        holding::see(tx, &task.instance.id, &task.subject).await?;
    }
    let mut ended = match holding::prove(tx, &task.instance.id, &proved).await? {
        Proved::All(ended) => ended,
        Proved::HeldByAnother(domain) => {
            let for_user = pipeline::domain::proved_by_other(&domain);
            let ended = fail(tx, task, &for_user, "claim lost to another instance").await?;
            return Ok(ended.into());
        }
    };
    let next = plan::next(&situation);
    Statement::new(
        "record-cancel-rounds",
        "update steps set state = 'cancelled', ended_at = now() \
         where operation_id = $1 and state = 'waiting' and round > 0 and round < $2",
    )
    .run(tx, &[&task.operation, &next.cancel_rounds_below])
    .await?;
    if next.succeeded {
        ended.push(succeed(tx, task).await?);
    }
    let rings = insert_and_follow(tx, task, situation, next, schedules).await?;
    Ok(Written { rings, ended })
}

/// An order that came to nothing is replaced only until then.
async fn operation_is_overdue(tx: &Transaction<'_>, task: &Task) -> Result<bool, StoreError> {
    let row = Statement::new(
        "operation-overdue",
        "select deadline_at < clock_timestamp() from operations where id = $1",
    )
    .one(tx, &[&task.operation])
    .await?;
    Ok(row.try_get(0)?)
}

/// Steps can be born done, and then what follows them is to be inserted as well.
async fn insert_and_follow(
    tx: &Transaction<'_>,
    task: &Task,
    mut situation: Situation,
    mut next: plan::Next,
    schedules: &Schedules,
) -> Result<Vec<Ring>, StoreError> {
    let mut rings = Vec::new();
    while !next.steps.is_empty() {
        rings.append(&mut insert_planned(tx, task.operation, &next.steps, schedules).await?);
        situation = self::situation(tx, task).await.map(|fresh| Situation {
            domains: situation.domains,
            ..fresh
        })?;
        next = plan::next(&situation);
    }
    Ok(rings)
}

/// Of an operation: milliseconds since it was accepted.
const TOOK_MS: &str = "(extract(epoch from clock_timestamp() - created_at) * 1000)::bigint";

async fn succeed(tx: &Transaction<'_>, task: &Task) -> Result<Ended, StoreError> {
    let row = Statement::new(
        "operation-succeed",
        format!("update operations set state = 'succeeded', ended_at = now() where id = $1 returning {TOOK_MS}"),
    )
    .one(tx, &[&task.operation])
    .await?;
    if task.operation_kind == OperationKind::Deprovision {
        let instance = &task.instance.id;
        Statement::new(
            "instance-removed",
            "update instances set deleted_at = now() where id = $1",
        )
        .run(tx, &[instance])
        .await?;
        drop_claims(tx, instance).await?;
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
    }
    Ok(Ended {
        kind: task.operation_kind,
        outcome: OperationState::Succeeded,
        took: millis(row.try_get(0)?),
    })
}

/// CloudFront was told: from now on the instance is what the update wanted.
async fn apply_target(tx: &Transaction<'_>, task: &Task) -> Result<(), StoreError> {
    Statement::new(
        "update-apply",
        "update instances i set settings = o.target->'settings', request = o.target->'request', \
         plan_id = o.target->'request'->>'plan_id' from operations o where o.id = $1 and i.id = o.instance_id",
    )
    .run(tx, &[&task.operation])
    .await?;
    drop_other_claims(tx, &task.instance.id).await
}

async fn drop_claims(tx: &Transaction<'_>, instance: &str) -> Result<(), StoreError> {
    Statement::new("claims-drop", "delete from claims where instance_id = $1")
        .run(tx, &[&instance])
        .await?;
    Ok(())
}

/// A domain that the instance neither has nor asks for any more is free for others.
async fn drop_other_claims(tx: &Transaction<'_>, instance: &str) -> Result<(), StoreError> {
    Statement::new(
        "claims-drop-others",
        "delete from claims c using instances i where i.id = $1 and c.instance_id = i.id \
         and not i.request->'parameters'->'domains' ? c.domain",
    )
    .run(tx, &[&instance])
    .await?;
    Ok(())
}

/// What the user does when the operation fails at this step.
pub(crate) fn remedy(operation: OperationKind, step: StepKind) -> &'static str {
    if step.follows_configuration() && operation == OperationKind::Update {
        return "The change itself is made; once that is mended, `cf update-service` has it looked at again.";
    }
    operation.remedy()
}

/// What happened, and what the user does.
pub(crate) fn with_remedy(for_user: &str, remedy: &str) -> String {
    format!("{}. {remedy}", for_user.trim_end_matches('.'))
}

/// `for_user` says what happened and what has to be mended; what to do then depends on the operation.
async fn fail(tx: &Transaction<'_>, task: &Task, for_user: &str, cause: &str) -> Result<Ended, StoreError> {
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

/// How an operation ends before its plan is done.
pub(crate) enum Ending<'t> {
    /// It can't succeed.
    Failed { for_user: &'t str, cause: &'t str },
    /// What a user asks for takes over.
    Superseded,
}

/// Ends an operation whose plan is not done; instance and operation are locked. Returns how long ago it was accepted.
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
    Statement::new(
        "steps-cancel",
        "update steps set state = 'cancelled', ended_at = now() where operation_id = $1 and state = 'waiting'",
    )
    .run(tx, &[&operation])
    .await?;
    drop_other_claims(tx, instance).await?;
    let kind: OperationKind = row.try_get::<_, String>(1)?.parse()?;
    if matches!(ending, Ending::Failed { .. }) && kind == OperationKind::Update {
        retire_unattached(tx, operation).await?;
    }
    // A domain that was proved on the way to nothing must not stay out of everybody else's reach.
    if kind == OperationKind::Provision {
        give_up_proofs(tx, instance).await?;
    }
    Ok(millis(row.try_get(0)?))
}

/// What the instance has proved is for whoever proves it next.
pub(crate) async fn give_up_proofs(tx: &Transaction<'_>, instance: &str) -> Result<(), StoreError> {
    Statement::new(
        "claims-give-up",
        "update claims set proved = false, wins_at = null where instance_id = $1",
    )
    .run(tx, &[&instance])
    .await?;
    Ok(())
}

/// Nobody will attach what the operation has got; the reconciler takes it out of IAM.
async fn retire_unattached(tx: &Transaction<'_>, operation: Uuid) -> Result<(), StoreError> {
    Statement::new(
        "certificates-retire-unattached",
        "update certificates c set retired_at = now(), sealed_key = null from orders r \
         where r.id = c.order_id and r.operation_id = $1 and c.attached_at is null and c.retired_at is null",
    )
    .run(tx, &[&operation])
    .await?;
    Ok(())
}

async fn situation(tx: &Transaction<'_>, task: &Task) -> Result<Situation, StoreError> {
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
    let row = Statement::new(
        "plan-situation",
        "select coalesce((o.target->>'new_certificate')::boolean, false), i.function_name is not null \
           or coalesce(i.settings->>'redirect_to', o.target->'settings'->>'redirect_to') is not null, \
         exists (select from offers f where f.taken_by = i.id) \
         from operations o join instances i on i.id = o.instance_id where o.id = $1",
    )
    .one(tx, &[&task.operation])
    .await?;
    Ok(Situation {
        operation: task.operation_kind,
        domains,
        new_certificate: row.try_get(0)?,
        function: row.try_get(1)?,
        adopted: row.try_get(2)?,
        steps,
    })
}
