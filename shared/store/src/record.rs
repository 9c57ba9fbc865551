//! The guarded record: an attempt's outcome and its consequences, in one transaction.

use std::time::Duration;

use deadpool_postgres::Transaction;
use pipeline::plan::{self, Situation};
use pipeline::reason::stored;
use pipeline::{OperationKind, Outcome, Reason, Schedules, StepKind, Verdict, WakeUp};

use crate::claims;
use crate::connection::Store;
use crate::ending::{Ended, fail, give_up, retire_unattached, succeed};
use crate::error::StoreError;
use crate::holding::{self, Proved};
use crate::next_steps::{insert_and_follow, situation};
use crate::publication;
use crate::statement::{Session, Statement, statement, storable};
use crate::steps::{Task, as_millis, lock_to_record};

/// The result of a record.
#[derive(Debug)]
pub enum Recorded {
    /// Another delivery was faster, or the operation has ended: nothing was changed.
    Stale,
    /// Written; these wake-ups have to be published now.
    Written(Vec<WakeUp>),
}

/// What a transaction wrote, for use after the commit.
struct Written {
    wake_ups: Vec<WakeUp>,
    /// The task's operation if it ended, and those of instances that lost a domain to it.
    ended: Vec<Ended>,
}

impl Written {
    fn of(wake_up: WakeUp) -> Self {
        Self {
            wake_ups: vec![wake_up],
            ended: Vec::new(),
        }
    }
}

impl From<Ended> for Written {
    fn from(ended: Ended) -> Self {
        Self {
            wake_ups: Vec::new(),
            ended: vec![ended],
        }
    }
}

/// After this many consecutive panics or timeouts a step is poison: the operator is informed, and it is retried at its
/// schedule's longest delay.
pub const POISON: i32 = 3;

/// A peer that asks for a longer delay than this is asked again after this delay.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(7 * 86_400);

impl Store {
    /// Records an attempt's outcome. The slower of two deliveries of one attempt changes nothing. `crashed` says that
    /// the attempt ended in a panic or at the time limit: from [`POISON`] consecutive ones on, the step is retried at
    /// its schedule's longest delay only.
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
        let result = match outcome {
            Outcome::Pending {
                waiting_for,
                retry_after,
                slow,
            } => {
                let again = Again::after(task, waiting_for, *retry_after, (crashed, *slow), schedules);
                self.postpone(task, &again).await
            }
            Outcome::Done(verdict) => {
                self.in_transaction("record", async |tx| {
                    lock_to_record(tx, task).await?;
                    done(tx, task, verdict, schedules).await
                })
                .await
            }
            Outcome::Failed {
                for_user,
                cause,
                certificate_is_useless,
            } => {
                self.in_transaction("record", async |tx| {
                    lock_to_record(tx, task).await?;
                    let ended = fail(tx, task, for_user, cause).await?;
                    // The next renewal would use the certificate.
                    if *certificate_is_useless && task.operation_kind == OperationKind::Renew {
                        retire_unattached(tx, task.operation).await?;
                    }
                    Ok(ended.into())
                })
                .await
            }
        };
        match result {
            Ok(Written { wake_ups, ended }) => {
                for ended in ended {
                    ended.count();
                }
                Ok(Recorded::Written(wake_ups))
            }
            Err(StoreError::Stale) => Ok(Recorded::Stale),
            Err(error) => Err(error),
        }
    }

    /// One statement, unless the step's deadline has passed.
    async fn postpone(&self, task: &Task, again: &Again<'_>) -> Result<Written, StoreError> {
        let client = self.client().await?;
        let recorded = again.record(&client, task).await?;
        drop(client);
        match recorded {
            Some(wake_up) => Ok(Written::of(wake_up)),
            None => {
                self.in_transaction("record", async |tx| {
                    lock_to_record(tx, task).await?;
                    past_its_deadline(tx, task, again).await
                })
                .await
            }
        }
    }
}

/// Another attempt of a pending step.
struct Again<'r> {
    waiting_for: &'r Reason,
    delay: Duration,
    /// Reasons why it is later than the schedule says, each counted consecutively.
    crashes: i32,
    slow_looks: i32,
}

impl<'r> Again<'r> {
    fn after(
        task: &Task,
        waiting_for: &'r Reason,
        retry_after: Option<Duration>,
        (crashed, slow): (bool, bool),
        schedules: &Schedules,
    ) -> Self {
        let counted = |yes: bool, before: i32| if yes { before.saturating_add(1) } else { 0 };
        let crashes = counted(crashed, task.crashes);
        // The step's own time limit is longer than those of the probes it makes.
        let slow = slow || (crashed && task.kind == StepKind::VerifyChallenge);
        let slow_looks = counted(slow, task.slow_looks);
        let schedule = schedules.of(task.kind);
        let delay = match retry_after {
            Some(wanted) => wanted.min(LONGEST_RETRY_AFTER),
            None => {
                let usual = match crashes >= POISON {
                    true => schedule.max,
                    false => schedule.delay_in_turn(u32::try_from(task.attempt).unwrap_or(0), task.age, task.waiting),
                };
                schedules
                    .delays
                    .nearest(schedules.rest_after_slow_looks(usual, u32::try_from(slow_looks).unwrap_or(0)))
            }
        };
        Self {
            waiting_for,
            delay,
            crashes,
            slow_looks,
        }
    }

    /// Postpones the step. `None`, and nothing is changed: it is not current, or its deadline has passed.
    async fn record(&self, on: &impl Session, task: &Task) -> Result<Option<WakeUp>, StoreError> {
        let recorded = statement!("record-pending")
            .optional(
                on,
                &[
                    &task.operation,
                    &task.step,
                    &task.attempt,
                    &as_millis(self.delay),
                    &stored::write(self.waiting_for)?,
                    &self.crashes,
                    &self.slow_looks,
                ],
            )
            .await?;
        Ok(recorded.map(|_| WakeUp {
            service: task.kind.service(),
            step: task.step,
            attempt: task.attempt + 1,
            delay: self.delay,
        }))
    }
}

/// Gives the step up, unless its deadline was moved since it was postponed in vain.
async fn past_its_deadline(tx: &Transaction<'_>, task: &Task, again: &Again<'_>) -> Result<Written, StoreError> {
    let row = Statement::new(
        "record-last-reason",
        "update steps set reason = $2, waiting_for = null, checked_at = now() where id = $1 returning deadline_at < now()",
    )
    .one(tx, &[&task.step, &stored::write(again.waiting_for)?])
    .await?;
    if row.try_get(0)? {
        return Ok(give_up(tx, task, Some(again.waiting_for)).await?.into());
    }
    let recorded = again.record(tx, task).await?;
    recorded.map(Written::of).ok_or(StoreError::Stale)
}

async fn done(
    tx: &Transaction<'_>,
    task: &Task,
    verdict: &Verdict,
    schedules: &Schedules,
) -> Result<Written, StoreError> {
    let others_waited = mark_done(tx, task, verdict).await?;
    match (task.operation_kind, task.kind) {
        (OperationKind::Update, StepKind::ConfigureDistribution) => apply_target(tx, task).await?,
        // CloudFront has released the domains. The rest of the removal blocks nobody.
        (OperationKind::Deprovision, StepKind::DeleteDistribution) => claims::drop_all(tx, &task.instance.id).await?,
        _ => {}
    }
    if let Verdict::OrderSpent { reason, .. } = verdict
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
    note_rejections(tx, task, verdict, schedules).await?;
    let verified = verified(tx, task, verdict).await?;
    let others_wait = match verdict {
        // Some of them are done as well.
        Verdict::VerifiedTogether { .. } if others_waited => others_wait(tx, task).await?,
        _ => others_waited,
    };
    let situation = match others_wait {
        true => None,
        false => Some(situation(tx, task).await?),
    };
    let domains = situation.as_ref().map_or(&[][..], |situation| &situation.domains);
    let mut ended = match prove(tx, task, &verified, domains).await? {
        Proved::All(ended) => ended,
        Proved::HeldByAnother(domain) => {
            let for_user = pipeline::domain::proved_by_other(&domain);
            let ended = fail(tx, task, &for_user, "claim lost to another instance").await?;
            return Ok(ended.into());
        }
    };
    let mut wake_ups = match situation {
        Some(situation) => plan_on(tx, task, situation, schedules, &mut ended).await?,
        None => wake_others(tx, task).await?,
    };
    match verdict {
        Verdict::Accomplished if task.kind == StepKind::PublishChallenges => {
            wake_ups.append(&mut publication::wake_probes(tx, task).await?);
        }
        Verdict::VerifiedTogether { .. } => {
            wake_ups.append(&mut publication::wake_next(tx, task).await?);
        }
        _ => {}
    }
    Ok(Written { wake_ups, ended })
}

/// Whether domains of the round are still to be verified.
async fn others_wait(tx: &Transaction<'_>, task: &Task) -> Result<bool, StoreError> {
    let row = Statement::new(
        "record-others-wait",
        "select count(*) filter (where state = 'waiting') > 0 from steps \
         where operation_id = $1 and kind = 'verify-challenge' and round = $2",
    )
    .one(tx, &[&task.operation, &task.round])
    .await?;
    Ok(row.try_get(0)?)
}

/// Domains of the round that are looked at in turn are due now: one was proved, so that the tenant has set records.
async fn wake_others(tx: &Transaction<'_>, task: &Task) -> Result<Vec<WakeUp>, StoreError> {
    let woken = statement!("verify-wake-others")
        .all(tx, &[&task.operation, &task.round])
        .await?;
    woken.iter().map(publication::wake_up).collect()
}

/// Inserts what follows, or ends the operation.
async fn plan_on(
    tx: &Transaction<'_>,
    task: &Task,
    situation: Situation,
    schedules: &Schedules,
    ended: &mut Vec<Ended>,
) -> Result<Vec<WakeUp>, StoreError> {
    let next = plan::next(&situation);
    Statement::new(
        "record-cancel-rounds",
        "update steps set state = 'cancelled', ended_at = now() \
         where operation_id = $1 and state is not distinct from 'waiting' and round > 0 and round < $2",
    )
    .run(tx, &[&task.operation, &next.cancel_rounds_below])
    .await?;
    if next.succeeded {
        ended.push(succeed(tx, task).await?);
    }
    insert_and_follow(tx, task, situation, next, schedules).await
}

/// Returns, of a domain that is verified, whether others of the round are still to be: the plan waits for every domain, so nothing
/// follows from this one, and what there is to plan by need not be read.
async fn mark_done(tx: &Transaction<'_>, task: &Task, verdict: &Verdict) -> Result<bool, StoreError> {
    let (method, spent) = match verdict {
        Verdict::Accomplished => (None, None),
        Verdict::Verified(method) | Verdict::VerifiedTogether { method, .. } => (Some(method.as_str()), None),
        Verdict::OrderSpent { reason, .. } => (None, Some(stored::write(&reason.clone().into())?)),
    };
    let row = statement!("record-done")
        .one(tx, &[&task.step, &verdict.as_str(), &method, &spent])
        .await?;
    Ok(row.try_get(0)?)
}

/// Records what the CA said of the domains: it rejected some, or it accepted all of them by issuing.
async fn note_rejections(
    tx: &Transaction<'_>,
    task: &Task,
    verdict: &Verdict,
    schedules: &Schedules,
) -> Result<(), StoreError> {
    let instance = &task.instance;
    match (task.kind, verdict) {
        (_, Verdict::OrderSpent { rejections, .. }) => claims::reject(tx, &instance.id, rejections, schedules).await,
        (StepKind::FinalizeOrder, Verdict::Accomplished) => {
            claims::forget_rejections(tx, &instance.id, &instance.domains).await
        }
        _ => Ok(()),
    }
}

/// The domains that the verifier saw proved. Those that were looked at together with the task's are done as well, unless another
/// delivery was faster.
async fn verified(tx: &Transaction<'_>, task: &Task, verdict: &Verdict) -> Result<Vec<String>, StoreError> {
    let mut verified = match verdict {
        Verdict::Verified(_) => Vec::new(),
        Verdict::VerifiedTogether { method, others } => {
            let rows = Statement::new(
                "record-done-together",
                "update steps set state = 'done', verdict = $4, method = $5, checked_at = now(), ended_at = now() \
                 where operation_id = $1 and round = $2 and kind = 'verify-challenge' \
                 and state is not distinct from 'waiting' \
                 and subject = any($3) and not exists (select from claims h \
                   where h.domain = steps.subject and h.proved and h.instance_id <> $6) returning subject",
            )
            .all(
                tx,
                &[
                    &task.operation,
                    &task.round,
                    others,
                    &verdict.as_str(),
                    &method.as_str(),
                    &task.instance.id,
                ],
            )
            .await?;
            rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?
        }
        Verdict::Accomplished | Verdict::OrderSpent { .. } => return Ok(Vec::new()),
    };
    verified.push(task.subject.clone());
    Ok(verified)
}

/// Marks the verified domains as proved, and those for which the CA holds a valid authorization.
async fn prove(
    tx: &Transaction<'_>,
    task: &Task,
    verified: &[String],
    domains: &[plan::Domain],
) -> Result<Proved, StoreError> {
    let authorized = domains.iter().filter(|d| d.authorized).map(|d| &d.domain);
    let proved: Vec<&String> = verified.iter().chain(authorized).collect();
    holding::prove(tx, &task.instance.id, verified, &proved).await
}

/// Whether the time has passed until which a failed order is replaced.
async fn operation_is_overdue(tx: &Transaction<'_>, task: &Task) -> Result<bool, StoreError> {
    let row = Statement::new(
        "operation-overdue",
        "select deadline_at < clock_timestamp() from operations where id = $1",
    )
    .one(tx, &[&task.operation])
    .await?;
    Ok(row.try_get(0)?)
}

/// CloudFront was reconfigured: the instance now has what the update wanted.
async fn apply_target(tx: &Transaction<'_>, task: &Task) -> Result<(), StoreError> {
    Statement::new(
        "update-apply",
        "update instances i set settings = o.target->'settings', request = o.target->'request', \
         plan_id = o.target->'request'->>'plan_id' from operations o where o.id = $1 and i.id = o.instance_id",
    )
    .run(tx, &[&task.operation])
    .await?;
    claims::drop_others(tx, &task.instance.id).await
}
