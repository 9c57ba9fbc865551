//! Renewals that an operator requests.

use pipeline::renewal::RenewBy;
use pipeline::{OperationKind, Schedules};
use serde_json::json;

use crate::audit::{Acting, Action, Entry};
use crate::connection::Store;
use crate::error::StoreError;
use crate::renewals::begin_renewal;
use crate::statement::Statement;

/// The result of a request for a renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenewNow {
    /// The renewal was created, by this call or by the planner at the same moment; the next sweep of its service publishes the
    /// wake-ups.
    Begun,
    /// No such instance.
    Unknown,
    /// It was removed, or its removal was started once.
    Removed,
    /// It has no certificate that could be renewed.
    NoCertificate,
    /// Another operation runs on it: the operation's kind, as in SQL.
    AtWork(String),
}

/// Certificates in use, of instances whose removal was never started.
const RENEWABLE: &str = "select c.* from certificates_in_use c \
     where not exists (select from operations o where o.instance_id = c.instance_id and o.kind = 'deprovision')";

impl Acting<'_> {
    /// Starts a renewal of the instance's certificate, whether it is due or not.
    ///
    /// # Errors
    /// Database errors; then nothing was written.
    pub async fn renew_now(&self, instance: &str, schedules: &Schedules) -> Result<RenewNow, StoreError> {
        let client = self.store.client().await?;
        let row = Statement::new(
            "renew-now",
            "select i.deleted_at is not null \
               or exists (select from operations o where o.instance_id = i.id and o.kind = 'deprovision') as removed, \
             exists (select from certificates_in_use c where c.instance_id = i.id) as has_certificate, \
             (select o.kind from operations o where o.instance_id = i.id and o.state = 'running') as at_work \
             from instances i where i.id = $1",
        )
        .optional(&client, &[&instance])
        .await?;
        drop(client);
        let Some(row) = row else { return Ok(RenewNow::Unknown) };
        if row.try_get("removed")? {
            return Ok(RenewNow::Removed);
        }
        if let Some(kind) = row.try_get("at_work")? {
            return Ok(RenewNow::AtWork(kind));
        }
        if !row.try_get::<_, bool>("has_certificate")? {
            return Ok(RenewNow::NoCertificate);
        }
        let begun = self
            .in_transaction("renew-now", async |tx| {
                let begun = begin_renewal(tx, instance, schedules).await?;
                if let Some(operation) = begun {
                    let entry = Entry {
                        instance: Some(instance),
                        operation: Some(operation),
                        ..Entry::of(Action::Renew)
                    };
                    self.note(tx, entry).await?;
                }
                Ok(begun.is_some())
            })
            .await?;
        if begun {
            return Ok(RenewNow::Begun);
        }
        // Another process was faster. Nothing ran before, so a renewal that runs now is what was asked for.
        let client = self.store.client().await?;
        let row = Statement::new(
            "renew-now-at-work",
            "select kind from operations where instance_id = $1 and state = 'running'",
        )
        .optional(&client, &[&instance])
        .await?;
        let at_work: Option<String> = row.map(|row| row.try_get(0)).transpose()?;
        Ok(match at_work {
            Some(kind) if kind == OperationKind::Renew.as_str() => RenewNow::Begun,
            Some(kind) => RenewNow::AtWork(kind),
            None => RenewNow::AtWork("another operation".to_owned()),
        })
    }

    /// Makes every certificate in use due, so that the planner starts with them in its next turn, with its usual limit
    /// of concurrent renewals per tenant. Returns how many were not due before.
    ///
    /// # Errors
    /// Database errors.
    pub async fn renew_all_soon(&self) -> Result<u64, StoreError> {
        self.in_transaction("renew-all-soon", async |tx| {
            let made_due = Statement::new(
                "renew-all-soon",
                format!(
                    "update certificates set renew_at = now(), renew_by = $1 where id in (select id from ({RENEWABLE}) c) \
                     and (renew_at is null or renew_at > now())"
                ),
            )
            .run(tx, &[&RenewBy::Operator.as_str()])
            .await?;
            if made_due > 0 {
                let entry = Entry {
                    details: json!({"made_due": made_due}),
                    ..Entry::of(Action::RenewAll)
                };
                self.note(tx, entry).await?;
            }
            Ok(made_due)
        })
        .await
    }
}

impl Store {
    /// The number of renewable certificates in use, and of tenants that have them.
    ///
    /// # Errors
    /// Database errors.
    pub async fn renewable(&self) -> Result<(u64, u64), StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "operator-renewable",
            format!(
                "select count(*), count(distinct i.tenant) from ({RENEWABLE}) c join instances i \
                 on i.id = c.instance_id"
            ),
        )
        .one(&client, &[])
        .await?;
        let count = |at| Ok::<_, StoreError>(u64::try_from(row.try_get::<_, i64>(at)?).unwrap_or(0));
        Ok((count(0)?, count(1)?))
    }

    /// Whether the instance's certificate is due and a renewal of it has failed: it waits before the next renewal.
    ///
    /// # Errors
    /// Database errors.
    pub async fn renewal_rests(&self, instance: &str) -> Result<bool, StoreError> {
        let client = self.client().await?;
        Ok(Statement::new(
            "operator-renewal-rests",
            format!(
                "select exists (select from ({RENEWABLE}) c join operations o on o.instance_id = c.instance_id \
                 where c.instance_id = $1 and c.renew_at <= now() and o.kind = 'renew' and o.state = 'failed' \
                 and o.created_at > c.attached_at)"
            ),
        )
        .one(&client, &[&instance])
        .await?
        .try_get(0)?)
    }
}
