//! Updates: an update's target is kept with the operation until CloudFront was reconfigured, so that an update that
//! fails leaves the instance unchanged.

use deadpool_postgres::Transaction;
use pipeline::page::{self, Requested};
use pipeline::renewal::RenewBy;
use pipeline::{InstanceSettings, OperationKind, OperationState, Schedules, WakeUp};
use serde_json::{Value, json};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::claims;
use crate::connection::Store;
use crate::ending::{Ending, end};
use crate::error::StoreError;
use crate::notices::Subscribers;
use crate::notices::subscribe::{is_told_to, subscribe};
use crate::provisioning::{Beginning, begin};
use crate::renewals::adopt;
use crate::requester::Requester;
use crate::statement::{Statement, statement};
use crate::steps::{Task, lock_instance};
use crate::unproved::{Bounds, Request, TooMuch, too_much};

/// An update request, validated against the instance as it was read.
#[derive(Debug, Clone)]
pub struct Changes {
    /// The instance.
    pub id: String,
    /// The instance's request when it was read.
    pub base: Value,
    /// The request that the instance would have had if it had been created in the new form.
    pub request: Value,
    /// The CloudFront settings that it is to have.
    pub settings: InstanceSettings,
    /// The domains that it is to have: ASCII, lower case, no duplicates.
    pub domains: Vec<String>,
    /// Check the distribution even if nothing is to be changed.
    pub look_again: bool,
    /// Whom it is to tell what. `None`: the same as before.
    pub notify: Option<NotifyChange>,
}

/// Whom an instance is to tell what from now on. It takes no operation.
#[derive(Debug, Clone)]
pub struct NotifyChange {
    /// These, and nobody else. `None`: nobody.
    pub to: Option<Subscribers>,
    /// Nothing else is asked for.
    pub alone: bool,
}

impl Changes {
    /// Nothing is asked for but whom it tells.
    fn is_of_notices_alone(&self) -> bool {
        self.notify.as_ref().is_some_and(|change| change.alone)
    }
}

/// What an update finds out about certificates.
struct InUse {
    /// The one in use covers all requested names, and each domain is proved.
    covers: bool,
    /// It stays valid until the update is over.
    lasts: bool,
    /// More than a third of its lifetime is left.
    is_fresh: bool,
    renewal: Renewal,
    /// The user requests another check.
    look_again: bool,
}

/// A running renewal whose certificate is not served yet.
#[derive(PartialEq, Eq)]
enum Renewal {
    None,
    Waits,
    HasIssued,
}

/// Whether an update has to wait for a certificate. A change of settings alone doesn't wait for a CA or a domain,
/// unless its user requests another check: the planner renews after it.
fn needs_certificate(in_use: &InUse) -> bool {
    let is_due = !in_use.is_fresh || in_use.renewal == Renewal::Waits;
    !in_use.covers || !in_use.lasts || in_use.renewal == Renewal::HasIssued || (in_use.look_again && is_due)
}

/// The answer to an update.
#[derive(Debug)]
pub enum Update {
    /// Written; these wake-ups have to be published.
    Accepted {
        /// The new operation.
        operation: Uuid,
        /// Its first wake-ups.
        wake_ups: Vec<WakeUp>,
    },
    /// The same update is already running.
    Running {
        /// Its operation.
        operation: Uuid,
    },
    /// The instance is already as requested.
    Unchanged,
    /// Another operation is running.
    Busy,
    /// The instance changed since it was read: read it again.
    Changed,
    /// Its provision failed, or its removal was started.
    Unusable {
        /// The reason shown to the user.
        why: &'static str,
    },
    /// Unknown or removed.
    Gone,
    /// Another instance of the same tenant has or requests a domain.
    DomainTaken {
        /// The domain.
        domain: String,
    },
    /// The tenant requests too much that is not proved.
    TooMuch(TooMuch),
}

impl Store {
    /// Starts an update.
    ///
    /// # Errors
    /// Database errors; then nothing was written.
    pub async fn update(
        &self,
        changes: &Changes,
        requester: &Requester,
        bounds: Bounds,
        schedules: &Schedules,
    ) -> Result<Update, StoreError> {
        self.in_transaction("update", async |tx| {
            lock_instance(tx, &changes.id).await?;
            let found = statement!("update-read").optional(tx, &[&changes.id]).await?;
            let Some(row) = found else { return Ok(Update::Gone) };
            let tenant: String = row.try_get("tenant")?;
            if let Some(answer) = answered(&row, changes)? {
                return with_notices(tx, &tenant, changes, answer).await;
            }
            if let Some(domain) = claims::asked_by_the_same_tenant(tx, &changes.id, &tenant, &changes.domains).await? {
                return Ok(Update::DomainTaken { domain });
            }
            let request = Request {
                instance: &changes.id,
                tenant: &tenant,
                domains: &changes.domains,
            };
            if let Some(too_much) = too_much(tx, bounds, &request).await? {
                return Ok(Update::TooMuch(too_much));
            }
            // A user's update takes precedence; what the renewal has obtained is used.
            if let Some(renewal) = row.try_get::<_, Option<Uuid>>("renewal")? {
                end(tx, &changes.id, renewal, Ending::Superseded).await?;
            }
            ask_for(tx, &tenant, changes).await?;
            if let Some(notify) = &changes.notify {
                subscribe(tx, &changes.id, &tenant, notify.to.as_ref()).await?;
            }
            let in_use = in_use(tx, &row, changes).await?;
            let new_certificate = needs_certificate(&in_use);
            if in_use.renewal == Renewal::Waits && !new_certificate {
                renew_afterwards(tx, &changes.id).await?;
            }
            let beginning = Beginning {
                kind: OperationKind::Update,
                domains: &changes.domains,
                new_certificate,
                target: Some(json!({
                    "request": changes.request,
                    "settings": serde_json::to_value(&changes.settings)?,
                    "new_certificate": new_certificate,
                })),
                changes: Some(asked_to_change(&row, changes)?),
            };
            let (operation, wake_ups) = begin(tx, &changes.id, beginning, Some(requester), schedules).await?;
            if new_certificate {
                adopt(tx, &changes.id, operation, &changes.domains).await?;
            }
            Ok(Update::Accepted { operation, wake_ups })
        })
        .await
    }

    /// Whether the operation before this one was an update or a renewal that did not succeed. A worker that froze in
    /// the middle of it may still write its configuration, unless the distribution's ETag has changed since.
    ///
    /// # Errors
    /// Database errors.
    pub async fn follows_a_failed_update(&self, task: &Task) -> Result<bool, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "update-before",
            "select before.kind in ('update', 'renew') and before.state <> 'succeeded' from operations o \
             join operations before on before.instance_id = o.instance_id and before.created_at < o.created_at \
             where o.id = $1 order by before.created_at desc limit 1",
        )
        .optional(&client, &[&task.operation])
        .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or(false))
    }
}

/// The answer where nothing else is written, once it is written whom the instance tells what. An update that is running is another one if
/// it has said something else of that.
async fn with_notices(
    tx: &Transaction<'_>,
    tenant: &str,
    changes: &Changes,
    answer: Update,
) -> Result<Update, StoreError> {
    let Some(notify) = &changes.notify else {
        return Ok(answer);
    };
    if matches!(answer, Update::Unchanged) {
        subscribe(tx, &changes.id, tenant, notify.to.as_ref()).await?;
    }
    if matches!(answer, Update::Running { .. }) && !is_told_to(tx, &changes.id, notify.to.as_ref()).await? {
        return Ok(Update::Busy);
    }
    Ok(answer)
}

/// What the update asks to change, as it is told on the page.
fn asked_to_change(row: &Row, asked: &Changes) -> Result<Value, StoreError> {
    let settings: InstanceSettings = serde_json::from_value(row.try_get("settings")?)?;
    let domains: Vec<String> = serde_json::from_value(asked.base["parameters"]["domains"].clone()).unwrap_or_default();
    let before = Requested {
        plan: plan(&asked.base),
        domains: &domains,
        settings: &settings,
    };
    let after = Requested {
        plan: plan(&asked.request),
        domains: &asked.domains,
        settings: &asked.settings,
    };
    Ok(serde_json::to_value(page::changes(before, after, asked.look_again))?)
}

fn plan(request: &Value) -> &str {
    request["plan_id"].as_str().unwrap_or_default()
}

/// The answer, where it requires no write.
fn answered(row: &Row, changes: &Changes) -> Result<Option<Update>, StoreError> {
    let kind: OperationKind = row.try_get::<_, String>("kind")?.parse()?;
    let state: OperationState = row.try_get::<_, String>("state")?.parse()?;
    let unusable = |why| Ok(Some(Update::Unusable { why }));
    match (kind, state) {
        (OperationKind::Update, OperationState::Running)
            if row.try_get::<_, Option<Value>>("wanted")?.as_ref() == Some(&changes.request) =>
        {
            let operation = row.try_get("id")?;
            return Ok(Some(Update::Running { operation }));
        }
        (_, OperationState::Running) => return Ok(Some(Update::Busy)),
        (OperationKind::Provision, OperationState::Failed | OperationState::Superseded) => {
            return unusable("it could not be created: delete it, and create it again");
        }
        (OperationKind::Deprovision, _) => {
            return unusable("its removal has begun: delete it again, and create another");
        }
        (OperationKind::Provision | OperationKind::Update | OperationKind::Renew, _) => {}
    }
    let request: Value = row.try_get("request")?;
    if request != changes.base {
        return Ok(Some(Update::Changed));
    }
    // The plan's own settings may have changed; a row of a previous version lacks newer fields.
    let settings: InstanceSettings = serde_json::from_value(row.try_get("settings")?)?;
    let same = request == changes.request && settings == changes.settings;
    let is_unchanged = same && state == OperationState::Succeeded && !changes.look_again;
    let is_of_notices = request == changes.request && changes.is_of_notices_alone();
    Ok((is_unchanged || is_of_notices).then_some(Update::Unchanged))
}

async fn ask_for(tx: &Transaction<'_>, tenant: &str, changes: &Changes) -> Result<(), StoreError> {
    Statement::new(
        "update-claims",
        "insert into claims (instance_id, tenant, domain) select $1, $2, unnest($3::text[]) \
         on conflict (instance_id, domain) do update \
           set lost_at = null, lost_to = null, asked_at = clock_timestamp() where claims.lost_at is not null",
    )
    .run(tx, &[&changes.id, &tenant, &changes.domains])
    .await?;
    Ok(())
}

async fn in_use(tx: &Transaction<'_>, row: &Row, changes: &Changes) -> Result<InUse, StoreError> {
    let in_use = Statement::new(
        "update-certificate",
        "select coalesce(bool_or(c.names @> $2::text[]), false) \
           and not exists (select from claims where instance_id = $1 and domain = any($2) \
             and not proved) as covers, \
         coalesce(bool_or(c.not_after - now() > interval '1 hour'), false) as lasts, \
         coalesce(bool_or(c.not_after - now() > (c.not_after - c.not_before) / 3), false) as is_fresh \
         from certificates_in_use c where c.instance_id = $1",
    )
    .one(tx, &[&changes.id, &changes.domains])
    .await?;
    let renewal: Option<Uuid> = row.try_get("renewal")?;
    Ok(InUse {
        covers: in_use.try_get("covers")?,
        lasts: in_use.try_get("lasts")?,
        is_fresh: in_use.try_get("is_fresh")?,
        renewal: match (renewal, row.try_get::<_, Option<String>>("renewed")?.as_deref()) {
            (None, _) | (_, Some("attached")) => Renewal::None,
            (Some(_), Some(_)) => Renewal::HasIssued,
            (Some(_), None) => Renewal::Waits,
        },
        look_again: changes.look_again,
    })
}

/// The renewal is started again after the update, even if an operator's command had started it.
async fn renew_afterwards(tx: &Transaction<'_>, instance: &str) -> Result<(), StoreError> {
    Statement::new(
        "update-renew-after",
        "update certificates set renew_at = least(renew_at, now()), \
         renew_by = case when renew_at <= now() then renew_by else $2 end \
         where id = (select id from certificates_in_use where instance_id = $1)",
    )
    .run(tx, &[&instance, &RenewBy::Operator.as_str()])
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_needs_a_certificate_waits_for_one() {
        let needs = |change: fn(&mut InUse)| {
            let mut in_use = InUse {
                covers: true,
                lasts: true,
                is_fresh: true,
                renewal: Renewal::None,
                look_again: false,
            };
            change(&mut in_use);
            needs_certificate(&in_use)
        };
        assert!(!needs(|_| {}) && !needs(|u| u.look_again = true));
        assert!(needs(|u| u.covers = false) && needs(|u| u.lasts = false));
        // A change of settings alone doesn't wait for what a renewal waits for, but uses what the renewal has obtained.
        assert!(!needs(|u| u.is_fresh = false) && !needs(|u| u.renewal = Renewal::Waits));
        assert!(needs(|u| u.renewal = Renewal::HasIssued));
        assert!(needs(|u| (u.is_fresh, u.look_again) = (false, true)));
        assert!(needs(|u| (u.renewal, u.look_again) = (Renewal::Waits, true)));
    }
}
