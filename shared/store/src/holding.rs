//! Ownership of domains: a domain belongs to the instance that has proved it, as long as its proof can be seen, and
//! otherwise to the next instance that proves it.
//!
//! `claims.proved` marks the owner. Ownership ends with the instance, with the certificate that it stands for, or by
//! another instance's proof: at once if the owner's proof has lapsed, after a grace period if the proof just can't be
//! seen any more.

use std::collections::BTreeSet;
use std::time::Duration;

use deadpool_postgres::Transaction;
use pipeline::proof::Challenges;
use pipeline::{OperationKind, OperationState};
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::connection::Store;
use crate::ending::{Ended, Ending, end, with_remedy};
use crate::error::StoreError;
use crate::notices::births;
use crate::orders::CHALLENGES;
use crate::statement::{Statement, statement};
use crate::steps::{Task, as_millis, lock_current, lock_instance, millis};

/// For a proved claim `h`: its certificate is still valid, or one is being issued.
pub(crate) const STANDS: &str = "(exists (select from certificates_in_use u where u.instance_id = h.instance_id \
       and u.not_after > clock_timestamp() and h.domain = any(u.names)) \
     or exists (select from operations o where o.instance_id = h.instance_id and o.state = 'running' \
       and o.kind in ('provision', 'update')))";

/// Another instance that has the domain, and where its proof would be seen.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The instance.
    pub instance: String,
    /// The records that would prove the domain for it in any order.
    pub challenges: Challenges,
    /// CloudFront's domain name of its distribution, to which the domain would point.
    pub distribution_domain: Option<String>,
}

/// The result of an attempt to mark domains as proved.
pub(crate) enum Proved {
    /// They now belong to the instance. Operations of other instances ended with what those lost.
    All(Vec<Ended>),
    /// Another instance has this one.
    HeldByAnother(String),
}

/// A domain of the task's instance whose alias is still on another distribution of this broker.
#[derive(Debug, Clone)]
pub struct Elsewhere {
    /// The domain.
    pub domain: String,
    /// The other instance's distribution; unknown when the worker that created it died before recording it.
    pub distribution_id: Option<String>,
    /// Why the domain no longer belongs to that instance.
    pub why: Leftover,
}

/// Why a domain no longer belongs to another instance although that instance's distribution may still have the alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leftover {
    /// The instance is being removed, since then.
    BeingRemoved(OffsetDateTime),
    /// The instance could not be created, and waits to be removed.
    NotCreated,
    /// The instance lost the domain to the task's instance.
    Lost,
}

impl Store {
    /// The other instance that has the task's domain, if there is one and its proof has not lapsed.
    ///
    /// # Errors
    /// Database errors.
    pub async fn holder(&self, task: &Task) -> Result<Option<Holder>, StoreError> {
        let client = self.client().await?;
        let row = statement!("holder")
            .with("stands", STANDS)
            .with("challenges", CHALLENGES)
            .optional(&client, &[&task.subject, &task.instance.id])
            .await?;
        row.map(|row| {
            let challenges: Option<serde_json::Value> = row.try_get("challenges")?;
            let challenges: Option<Challenges> = challenges.map(serde_json::from_value).transpose()?;
            Ok(Holder {
                instance: row.try_get("instance_id")?,
                challenges: challenges.unwrap_or_default().outlasting(),
                distribution_domain: row.try_get("distribution_domain")?,
            })
        })
        .transpose()
    }

    /// Records that the proof of the task's instance was seen in place.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the task is no longer current; database errors.
    pub async fn proof_seen(&self, task: &Task) -> Result<(), StoreError> {
        self.in_transaction("proof-seen", async |tx| {
            lock_current(tx, task).await?;
            see(tx, &task.instance.id, &[&task.subject]).await?;
            // The name is not mistyped, so it gets the time that every domain has.
            Statement::new(
                "holder-extend-step",
                "update steps s set deadline_at = greatest(s.deadline_at, o.deadline_at) from operations o \
                 where s.id = $1 and o.id = s.operation_id and o.kind = 'update'",
            )
            .run(tx, &[&task.step])
            .await?;
            Ok(())
        })
        .await
    }

    /// Records that the proof of the instance that has the domain is still in place. The grace period of the task's
    /// instance starts over.
    ///
    /// # Errors
    /// Database errors.
    pub async fn holder_seen(&self, task: &Task, holder: &Holder) -> Result<(), StoreError> {
        self.in_transaction("holder-seen", async |tx| {
            see(tx, &holder.instance, &[&task.subject]).await?;
            withdraw(tx, task).await
        })
        .await
    }

    /// The task's instance does not prove the domain now: a grace period that may have been running starts over.
    ///
    /// # Errors
    /// Database errors.
    pub async fn withdraw_challenge(&self, task: &Task) -> Result<(), StoreError> {
        self.in_transaction("withdraw-challenge", async |tx| withdraw(tx, task).await)
            .await
    }

    /// The task's instance proves the domain and the instance that has it does not: the time until the domain moves, if
    /// that stays so. Zero: now. The tenant that is about to lose it is told, once a day at most, however often that changes.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the task is no longer current; database errors.
    pub async fn challenge_holder(
        &self,
        task: &Task,
        holder: &Holder,
        grace: Duration,
    ) -> Result<Duration, StoreError> {
        self.in_transaction("challenge-holder", async |tx| {
            lock_current(tx, task).await?;
            let row = statement!("holder-challenge")
                .with("day", births::DAY)
                .one(tx, &[&task.instance.id, &task.subject, &as_millis(grace)])
                .await?;
            if row.try_get(1)? {
                births::leaves(tx, &holder.instance, &task.subject, row.try_get(2)?).await?;
            }
            Ok(millis(row.try_get(0)?))
        })
        .await
    }

    /// Domains of the task's instance that no longer belong to another instance, but whose aliases may still be on that
    /// instance's distribution. A distribution that is given back to another broker keeps its aliases.
    ///
    /// # Errors
    /// Database errors.
    pub async fn elsewhere(&self, task: &Task) -> Result<Vec<Elsewhere>, StoreError> {
        let client = self.client().await?;
        let rows = Statement::new(
            "holder-elsewhere",
            "select c.domain, i.distribution_id, c.state, c.operation_since from claim_states c join instances i \
             on i.id = c.instance_id \
             where c.domain = any($2) and c.instance_id <> $1 \
             and (i.distribution_id is not null or i.creating_since is not null) \
             and c.state in ('being-removed', 'not-created', 'lost') \
             and not exists (select from offers f where f.taken_by = i.id and f.written_at is null) order by c.domain",
        )
        .all(&client, &[&task.instance.id, &task.instance.domains])
        .await?;
        rows.iter()
            .map(|row| {
                let why = match row.try_get::<_, String>("state")?.as_str() {
                    "being-removed" => Leftover::BeingRemoved(row.try_get("operation_since")?),
                    "not-created" => Leftover::NotCreated,
                    _ => Leftover::Lost,
                };
                Ok(Elsewhere {
                    domain: row.try_get("domain")?,
                    distribution_id: row.try_get("distribution_id")?,
                    why,
                })
            })
            .collect()
    }
}

/// In SQL: the proof was seen in place, so whatever was seen between certificates before is over.
const IS_SEEN: &str = "seen_at = clock_timestamp(), proof_gone_at = null, proof_seen = null";

/// Records that the instance's proofs of the domains were seen in place.
async fn see(tx: &Transaction<'_>, instance: &str, domains: &[&str]) -> Result<(), StoreError> {
    Statement::new(
        "claim-seen",
        "update claims set {is_seen} where instance_id = $1 and domain = any($2)",
    )
    .with("is_seen", IS_SEEN)
    .run(tx, &[&instance, &domains])
    .await?;
    Ok(())
}

async fn withdraw(tx: &Transaction<'_>, task: &Task) -> Result<(), StoreError> {
    Statement::new(
        "claim-withdraw",
        "update claims set wins_at = null where instance_id = $1 and domain = $2 and wins_at is not null",
    )
    .run(tx, &[&task.instance.id, &task.subject])
    .await?;
    Ok(())
}

/// The claims of the instance `$1` for the domains `$2` that it has not proved yet, and who has those. Sorted, so that two instances
/// that share names take their locks in the same order.
const TO_PROVE: &str = "select c.domain, h.instance_id as holder, \
     not {stands} or coalesce(c.wins_at <= clock_timestamp(), false) as gives_way \
     from claims c left join claims h on h.domain = c.domain and h.proved and h.instance_id <> c.instance_id \
     where c.instance_id = $1 and c.domain = any($2) and not c.proved order by c.domain";

/// Of the claims of the instance `$1` for the domains `$2`.
const PROVE: &str = "update claims set proved = true, proved_at = clock_timestamp(), wins_at = null, lost_at = null, \
     lost_to = null where instance_id = $1 and domain = any($2)";

/// Marks the domains as proved by the instance, which is locked; the proofs of those in `seen` were seen in place. A domain that
/// another instance has moves when that instance's proof has lapsed, or the grace period is over.
pub(crate) async fn prove(
    tx: &Transaction<'_>,
    instance: &str,
    seen: &[String],
    domains: &[&String],
) -> Result<Proved, StoreError> {
    if domains.is_empty() {
        return Ok(Proved::All(Vec::new()));
    }
    let rows = Statement::new(
        "claims-seen-unproved",
        "with seen as (update claims set {is_seen} where instance_id = $1 and domain = any($3)) {to_prove}",
    )
    .with("is_seen", IS_SEEN)
    .with("to_prove", TO_PROVE)
    .with("stands", STANDS)
    .all(tx, &[&instance, &domains, &seen])
    .await?;
    let found = unproved_from(&rows)?;
    if found.is_empty() {
        return Ok(Proved::All(Vec::new()));
    }
    // Instances are locked before domains, as everywhere.
    let holders: BTreeSet<&str> = found
        .iter()
        .filter_map(|claim| Some(&*claim.holder.as_ref()?.instance))
        .collect();
    for holder in &holders {
        lock_instance(tx, holder).await?;
    }
    // Two instances that prove a domain concurrently are serialized here: the second sees what the first has committed.
    // The unique index `claims_proved` alone would abort the whole transaction of the second.
    let names: Vec<&str> = found.iter().map(|claim| &*claim.domain).collect();
    Statement::new(
        "claim-lock-domains",
        "select pg_advisory_xact_lock(hashtextextended(domain, 1)) from unnest($1::text[]) as domain",
    )
    .run(tx, &[&names])
    .await?;
    if holders.is_empty() {
        // The snapshot of this statement is younger than the locks.
        let proved = Statement::new(
            "claims-prove-free",
            "{prove} and not exists (select from claims h where h.domain = any($2) and h.proved and h.instance_id <> $1)",
        )
        .with("prove", PROVE)
        .run(tx, &[&instance, &names])
        .await?;
        if proved > 0 {
            return Ok(Proved::All(Vec::new()));
        }
    }
    let rows = Statement::new("claims-unproved", TO_PROVE)
        .with("stands", STANDS)
        .all(tx, &[&instance, &domains])
        .await?;
    let claims = unproved_from(&rows)?;
    // One that is held by an instance that is not locked: that one was faster.
    let stays = |holder: &HeldBy| !holder.gives_way || !holders.contains(&*holder.instance);
    if let Some(held) = claims.iter().find(|claim| claim.holder.as_ref().is_some_and(stays)) {
        return Ok(Proved::HeldByAnother(held.domain.clone()));
    }
    let mut ended = Vec::new();
    for claim in &claims {
        if let Some(holder) = &claim.holder {
            ended.extend(lose(tx, &holder.instance, &claim.domain, Some(instance)).await?);
        }
    }
    Statement::new("claims-prove", PROVE)
        .run(tx, &[&instance, &names])
        .await?;
    Ok(Proved::All(ended))
}

/// A domain that the instance has not proved yet.
struct Unproved {
    domain: String,
    holder: Option<HeldBy>,
}

struct HeldBy {
    instance: String,
    gives_way: bool,
}

fn unproved_from(rows: &[Row]) -> Result<Vec<Unproved>, StoreError> {
    rows.iter()
        .map(|row| {
            let gives_way = row.try_get("gives_way")?;
            let holder: Option<String> = row.try_get("holder")?;
            Ok(Unproved {
                domain: row.try_get("domain")?,
                holder: holder.map(|instance| HeldBy { instance, gives_way }),
            })
        })
        .collect()
}

/// The instance, which is locked, loses the domain. Its running operation can't continue with the domain: a renewal is
/// given up, and the next one leaves the domain out; a provision or update that wants it fails. Its distribution keeps
/// the alias until the instance that proved the domain takes it over.
pub(crate) async fn lose(
    tx: &Transaction<'_>,
    instance: &str,
    domain: &str,
    to: Option<&str>,
) -> Result<Option<Ended>, StoreError> {
    let row = Statement::new(
        "claim-lose",
        "update claims set proved = false, lost_at = clock_timestamp(), lost_to = $3 where instance_id = $1 \
         and domain = $2 returning extract(epoch from lost_at)::float8",
    )
    .optional(tx, &[&instance, &domain, &to])
    .await?;
    // An operator who releases a domain tells its tenant himself.
    if let (Some(row), Some(_)) = (row, to) {
        births::left(tx, instance, domain, row.try_get(0)?).await?;
    }
    let running = Statement::new(
        "claim-lose-operation",
        "select o.id, o.kind from operations o join instances i on i.id = o.instance_id \
         where o.instance_id = $1 and o.state = 'running' and o.kind <> 'deprovision' \
         and coalesce(o.target->'request', i.request)->'parameters'->'domains' ? $2 for update of o",
    )
    .optional(tx, &[&instance, &domain])
    .await?;
    let Some(row) = running else { return Ok(None) };
    let operation: Uuid = row.try_get("id")?;
    let kind: OperationKind = row.try_get::<_, String>("kind")?.parse()?;
    if kind == OperationKind::Renew {
        end(tx, instance, operation, Ending::Superseded).await?;
        return Ok(None);
    }
    let for_user = with_remedy(&pipeline::domain::proved_by_other(domain), kind.remedy());
    let ending = Ending::Failed {
        for_user: &for_user,
        cause: "claim lost to another instance",
    };
    let took = end(tx, instance, operation, ending).await?;
    Ok(Some(Ended {
        kind,
        outcome: OperationState::Failed,
        took,
    }))
}
