//! New operations: a provision or deprovision is written completely (instance, claims, operation, first steps) or not
//! at all.

use std::collections::BTreeSet;

use deadpool_postgres::Transaction;
use pipeline::plan::{self, Situation};
use pipeline::{InstanceSettings, OperationKind, OperationState, Schedules, WakeUp};
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::claims;
use crate::connection::Store;
use crate::ending::{Ending, end};
use crate::error::StoreError;
use crate::notices::Subscribers;
use crate::notices::subscribe::{is_told_to, subscribe};
use crate::offers;
use crate::requester::Requester;
use crate::statement::Statement;
use crate::steps::{as_millis, insert_planned, lock_instance};
use crate::tenants;
use crate::unproved::{Bounds, Request, TooMuch, too_much};

/// A validated provision request.
#[derive(Debug, Clone)]
pub struct NewInstance {
    /// The platform's id.
    pub id: String,
    /// The tenant: an id that is never reused, or a name that may be reused (`pipeline::tenant`).
    pub tenant: String,
    /// Catalog id of the service.
    pub service_id: String,
    /// Catalog id of the plan.
    pub plan_id: String,
    /// The CloudFront settings.
    pub settings: InstanceSettings,
    /// The domains: ASCII, lower case, no duplicates.
    pub domains: Vec<String>,
    /// Everything that makes two requests equal, normalised.
    pub request: serde_json::Value,
    /// Whom it tells what.
    pub notify: Option<Subscribers>,
}

/// The answer to a provision.
#[derive(Debug)]
pub enum Provision {
    /// Written; these wake-ups have to be published.
    Accepted {
        /// The new operation.
        operation: Uuid,
        /// Its first wake-ups.
        wake_ups: Vec<WakeUp>,
    },
    /// The same request was accepted earlier and is still running.
    Running {
        /// Its operation.
        operation: Uuid,
    },
    /// The same request was accepted earlier and is complete.
    Exists,
    /// The same request was accepted earlier and is complete, but an update is running.
    Busy,
    /// The id is in use with other attributes, or its provision failed, or the instance is being or was removed.
    Conflict {
        /// The reason shown to the user.
        why: String,
    },
    /// Another instance of the same tenant has or requests a domain.
    DomainTaken {
        /// The domain.
        domain: String,
    },
    /// The tenant requests too much that is not proved.
    TooMuch(TooMuch),
}

/// The answer to a deprovision.
#[derive(Debug)]
pub enum Deprovision {
    /// Written; these wake-ups have to be published.
    Accepted {
        /// The new operation.
        operation: Uuid,
        /// Its first wake-ups.
        wake_ups: Vec<WakeUp>,
    },
    /// It is already being removed.
    Running {
        /// That operation.
        operation: Uuid,
    },
    /// Unknown or already removed.
    Gone,
}

impl Store {
    /// Starts a provision.
    ///
    /// # Errors
    /// Database errors; then nothing was written.
    pub async fn provision(
        &self,
        new: &NewInstance,
        requester: &Requester,
        bounds: Bounds,
        schedules: &Schedules,
    ) -> Result<Provision, StoreError> {
        match self.try_provision(new, requester, bounds, schedules).await {
            // Of two concurrent requests for one id, the second finds the first's rows when it tries again.
            Err(StoreError::Expected { .. }) => self.try_provision(new, requester, bounds, schedules).await,
            result => result,
        }
    }

    async fn try_provision(
        &self,
        new: &NewInstance,
        requester: &Requester,
        bounds: Bounds,
        schedules: &Schedules,
    ) -> Result<Provision, StoreError> {
        self.in_transaction("provision", async |tx| {
            if lock_instance(tx, &new.id).await? {
                return again(tx, new).await;
            }
            let tenant = tenants::of_a_new_instance(tx, &new.tenant).await?;
            if let Some(domain) = claims::asked_by_the_same_tenant(tx, &new.id, &tenant, &new.domains).await? {
                return Ok(Provision::DomainTaken { domain });
            }
            let request = Request {
                instance: &new.id,
                tenant: &tenant,
                domains: &new.domains,
            };
            if let Some(too_much) = too_much(tx, bounds, &request).await? {
                return Ok(Provision::TooMuch(too_much));
            }
            insert_instance(tx, new, &tenant).await?;
            if new.notify.is_some() {
                subscribe(tx, &new.id, &tenant, new.notify.as_ref()).await?;
            }
            // The offer is taken now, so that an offer that stands at the time of the request can't end while the
            // tenant proves the domains.
            if let Some(distribution) = offers::take(tx, &new.id, &new.domains).await? {
                tracing::info!(
                    instance = new.id,
                    distribution,
                    "takes over the distribution that was offered"
                );
            }
            let (operation, wake_ups) = begin(
                tx,
                &new.id,
                Beginning::provision(&new.domains),
                Some(requester),
                schedules,
            )
            .await?;
            Ok(Provision::Accepted { operation, wake_ups })
        })
        .await
    }

    /// Starts a deprovision, whatever else runs: a provision or update that still runs is superseded by it, and what a
    /// worker then still records for that is stale.
    ///
    /// # Errors
    /// Database errors; then nothing was written.
    pub async fn deprovision(
        &self,
        instance: &str,
        requester: &Requester,
        schedules: &Schedules,
    ) -> Result<Deprovision, StoreError> {
        self.in_transaction("deprovision", async |tx| {
            let found = Statement::new(
                "deprovision-lock",
                "select deleted_at is not null from instances where id = $1 for update",
            )
            .optional(tx, &[&instance])
            .await?;
            match found {
                None => return Ok(Deprovision::Gone),
                Some(row) if row.try_get(0)? => return Ok(Deprovision::Gone),
                Some(_) => {}
            }
            let running = Statement::new(
                "deprovision-running",
                "select id, kind from operations where instance_id = $1 and state = 'running' for update",
            )
            .optional(tx, &[&instance])
            .await?;
            if let Some(row) = running {
                let running: Uuid = row.try_get("id")?;
                match row.try_get::<_, String>("kind")?.parse()? {
                    OperationKind::Deprovision => return Ok(Deprovision::Running { operation: running }),
                    OperationKind::Provision | OperationKind::Update | OperationKind::Renew => {
                        end(tx, instance, running, Ending::Superseded).await?;
                    }
                }
            }
            claims::give_up_proofs(tx, instance).await?;
            let (operation, wake_ups) =
                begin(tx, instance, Beginning::deprovision(), Some(requester), schedules).await?;
            Ok(Deprovision::Accepted { operation, wake_ups })
        })
        .await
    }
}

/// The rows of a new instance: itself, and its claims. A concurrent request may have inserted the same id.
async fn insert_instance(tx: &Transaction<'_>, new: &NewInstance, tenant: &str) -> Result<(), StoreError> {
    Statement::new(
        "provision-instance",
        "with instance as ( \
           insert into instances (id, tenant, service_id, plan_id, settings, request) values ($1, $2, $3, $4, $5, $6) \
           returning id, tenant) \
         insert into claims (instance_id, tenant, domain) select id, tenant, unnest($7::text[]) from instance",
    )
    .expects(SqlState::UNIQUE_VIOLATION)
    .run(
        tx,
        &[
            &new.id,
            &tenant,
            &new.service_id,
            &new.plan_id,
            &serde_json::to_value(&new.settings)?,
            &new.request,
            &new.domains,
        ],
    )
    .await?;
    Ok(())
}

/// The answer to a provision of an id that is in use; its instance is locked, so that this statement sees what was
/// committed while waiting for the lock. A join in the statement that locks would still see the rows from before the
/// wait (PostgreSQL's manual, 13.2.1 "Read Committed Isolation Level").
async fn again(tx: &Transaction<'_>, new: &NewInstance) -> Result<Provision, StoreError> {
    let row = Statement::new(
        "provision-again",
        "select i.request, i.deleted_at is not null as deleted, o.id, o.kind, o.state from instances i \
         join lateral (select * from operations o where o.instance_id = i.id and o.kind <> 'renew' \
           order by created_at desc limit 1) o on true where i.id = $1",
    )
    .one(tx, &[&new.id])
    .await?;
    let there: serde_json::Value = row.try_get("request")?;
    let kind: OperationKind = row.try_get::<_, String>("kind")?.parse()?;
    let state: OperationState = row.try_get::<_, String>("state")?.parse()?;
    let tells_the_same = is_told_to(tx, &new.id, new.notify.as_ref()).await?;
    let conflict = |why: &str| Provision::Conflict { why: why.to_string() };
    Ok(match (kind, state) {
        _ if row.try_get("deleted")? => conflict("this instance id was used before and deleted; use a new one"),
        (OperationKind::Deprovision, _) => conflict("this instance is being deleted"),
        _ if there != new.request => conflict(&format!(
            "this instance exists with other attributes; what differs: {}",
            differences(&there, &new.request).join(", ")
        )),
        _ if !tells_the_same => conflict("this instance exists with other attributes; what differs: parameters.notify"),
        (OperationKind::Provision, OperationState::Running) => Provision::Running {
            operation: row.try_get("id")?,
        },
        (OperationKind::Update, OperationState::Running) => Provision::Busy,
        // A failed update changed nothing.
        (OperationKind::Provision, OperationState::Succeeded) | (OperationKind::Update | OperationKind::Renew, _) => {
            Provision::Exists
        }
        (OperationKind::Provision, OperationState::Failed | OperationState::Superseded) => {
            conflict("this instance could not be created; delete it first")
        }
    })
}

/// The differences between two requests in the platform's terms, with each differing parameter listed.
fn differences(there: &serde_json::Value, asked: &serde_json::Value) -> Vec<String> {
    let named = |field: &str| match field {
        "tenant" => "the organization or namespace".to_owned(),
        field => field.to_owned(),
    };
    let mut all = Vec::new();
    for field in differing(there, asked) {
        match field.as_str() {
            "parameters" => all.extend(
                differing(&there[&field], &asked[&field])
                    .iter()
                    .map(|key| format!("parameters.{key}")),
            ),
            field => all.push(named(field)),
        }
    }
    all
}

/// The members that differ between two objects.
fn differing(one: &serde_json::Value, other: &serde_json::Value) -> BTreeSet<String> {
    let members = |object: &serde_json::Value| object.as_object().cloned().unwrap_or_default();
    let (one, other) = (members(one), members(other));
    let names = one.keys().chain(other.keys());
    names
        .filter(|name| one.get(*name) != other.get(*name))
        .cloned()
        .collect()
}

/// The data of a new operation.
pub(crate) struct Beginning<'b> {
    pub(crate) kind: OperationKind,
    pub(crate) domains: &'b [String],
    pub(crate) new_certificate: bool,
    /// What an update is to establish.
    pub(crate) target: Option<serde_json::Value>,
    /// What that changes, in words.
    pub(crate) changes: Option<serde_json::Value>,
}

impl<'b> Beginning<'b> {
    fn provision(domains: &'b [String]) -> Self {
        Self {
            kind: OperationKind::Provision,
            domains,
            new_certificate: true,
            target: None,
            changes: None,
        }
    }

    fn deprovision() -> Self {
        Self {
            kind: OperationKind::Deprovision,
            domains: &[],
            new_certificate: false,
            target: None,
            changes: None,
        }
    }
}

/// The deadline of an update that waits for a new certificate: early enough that the certificate in use can still be
/// renewed unchanged, but at least an hour away.
const BEFORE_A_RENEWAL: &str = "(select greatest(c.not_after - (c.not_after - c.not_before) / 6, \
        clock_timestamp() + interval '1 hour') \
      from certificates_in_use c where c.instance_id = $2 and $9)";

/// Writes an operation with its first steps; the instance is locked. A renewal has no requester.
pub(crate) async fn begin(
    tx: &Transaction<'_>,
    instance: &str,
    beginning: Beginning<'_>,
    requester: Option<&Requester>,
    schedules: &Schedules,
) -> Result<(Uuid, Vec<WakeUp>), StoreError> {
    let operation = Uuid::new_v4();
    let waits_for_a_certificate = beginning.kind == OperationKind::Update && beginning.new_certificate;
    Statement::new(
        "operation-begin",
        format!(
            "insert into operations (id, instance_id, kind, target, deadline_at, platform, originating_identity, \
             request_identity, changes) \
             values ($1, $2, $3, $4, least(clock_timestamp() + $5 * interval '1 millisecond', {BEFORE_A_RENEWAL}), \
             $6, $7, $8, $10)"
        ),
    )
    .run(
        tx,
        &[
            &operation,
            &instance,
            &beginning.kind.as_str(),
            &beginning.target,
            &as_millis(schedules.operation_deadline.into()),
            &requester.map(|requester| &requester.platform),
            &requester.and_then(|requester| requester.originating_identity.as_ref()),
            &requester.and_then(|requester| requester.request_identity.as_ref()),
            &waits_for_a_certificate,
            &beginning.changes,
        ],
    )
    .await?;
    let first = plan::next(&Situation {
        operation: beginning.kind,
        new_certificate: beginning.new_certificate,
        // This is settled last.
        function: false,
        // Whether a distribution is created or taken over is planned last.
        adopted: false,
        delegated: false,
        domains: beginning
            .domains
            .iter()
            .map(|domain| plan::Domain {
                domain: domain.clone(),
                authorized: false,
                held_until: None,
            })
            .collect(),
        steps: Vec::new(),
    });
    let wake_ups = insert_planned(tx, operation, &first.steps, schedules).await?;
    Ok((operation, wake_ups))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_named() {
        let there = json!({
            "service_id": "s", "plan_id": "p", "tenant": "o1", "space_guid": "a",
            "parameters": {"domains": ["a.example.com"], "path": "/a"},
        });
        let mut asked = there.clone();
        assert!(differences(&there, &asked).is_empty());
        asked["plan_id"] = json!("q");
        asked["tenant"] = json!("o2");
        asked["parameters"] = json!({"domains": ["b.example.com"], "path": "/a", "http3": true});
        let differs = [
            "parameters.domains",
            "parameters.http3",
            "plan_id",
            "the organization or namespace",
        ];
        assert_eq!(differences(&there, &asked), differs);
    }
}
