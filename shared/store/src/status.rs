//! broker-api's reads: a statement or two per request, no lock, no write.

use pipeline::InstanceSettings;
use pipeline::status::View;
use time::OffsetDateTime;
use tokio_postgres::Row;
use tokio_postgres::types::Json;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::orders::CHALLENGES;
use crate::statement::{Session, Statement, statement};

/// An operation, and how far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polled {
    /// The operation.
    pub operation: Uuid,
    /// While it runs: grows with each record that tells something new, so that the same value means the same state, but for when it
    /// was last seen.
    pub running_version: Option<i64>,
    /// The database's time.
    pub now: OffsetDateTime,
}

/// An instance, as the fetch endpoint needs it.
#[derive(Debug, Clone)]
pub struct InstanceView {
    /// Catalog id of the service.
    pub service_id: String,
    /// Catalog id of the plan.
    pub plan_id: String,
    /// The request, normalised.
    pub request: serde_json::Value,
    /// The settings that its distribution is to have.
    pub settings: InstanceSettings,
    /// CloudFront's domain name of the distribution, once known.
    pub distribution_domain: Option<String>,
    /// The instance's tenant.
    pub tenant: String,
    /// The kind of the newest requested operation, as in SQL.
    pub operation_kind: String,
    /// The newest operation's state, as in SQL.
    pub operation_state: String,
    /// The renewal that does not complete: one that failed, or that has been running for an hour.
    pub renewal_in_trouble: Option<Uuid>,
    /// When the certificate in use expires.
    pub certificate_not_after: Option<OffsetDateTime>,
}

impl Store {
    /// Which operation a poll of the instance is about: this one or, if the instance has none by that id, its newest one. One
    /// row by an index. `None`: no such instance.
    ///
    /// # Errors
    /// Database errors.
    pub async fn polled(&self, instance: &str, operation: Option<Uuid>) -> Result<Option<Polled>, StoreError> {
        let client = self.status_client().await?;
        metrics::counter!("store_status_reads_total", "read" => "version").increment(1);
        if let Some(operation) = operation {
            let row = Statement::new(
                "poll-operation",
                "select id, case when state = 'running' then version end, now() from operations \
                 where id = $1 and instance_id = $2",
            )
            .optional(&client, &[&operation, &instance])
            .await?;
            if let Some(row) = row {
                return polled(&row).map(Some);
            }
        }
        // A renewal is never the last operation that a platform sees.
        let row = Statement::new(
            "poll-newest",
            "select id, case when state = 'running' then version end, now() from operations \
             where instance_id = $1 and kind <> 'renew' order by created_at desc limit 1",
        )
        .optional(&client, &[&instance])
        .await?;
        row.map(|row| polled(&row)).transpose()
    }

    /// The state of the instance's operation, or of its newest one. `None`: no such instance or operation.
    ///
    /// # Errors
    /// Database errors.
    pub async fn last_operation(&self, instance: &str, operation: Option<Uuid>) -> Result<Option<View>, StoreError> {
        let client = self.status_client().await?;
        let view = view_of(&client, instance, operation).await?;
        metrics::counter!("store_status_reads_total", "read" => "all").increment(1);
        Ok(view)
    }

    /// The instance, unless it is unknown or removed.
    ///
    /// # Errors
    /// Database errors.
    pub async fn instance(&self, instance: &str) -> Result<Option<InstanceView>, StoreError> {
        let client = self.client().await?;
        let row = Statement::new(
            "instance-view",
            "select i.service_id, i.plan_id, i.request, i.settings, i.distribution_domain, i.tenant, o.kind, o.state, \
             (select t.operation_id from renewals_in_trouble t where t.instance_id = i.id) as renewal_in_trouble, \
             (select max(c.not_after) from certificates c where c.instance_id = i.id and c.attached_at is not null \
              and c.retired_at is null) as certificate_not_after \
             from instances i join lateral (select kind, state from operations o where o.instance_id = i.id \
             and kind <> 'renew' order by created_at desc limit 1) o on true where i.id = $1 and i.deleted_at is null",
        )
        .optional(&client, &[&instance])
        .await?;
        row.map(|row| {
            Ok(InstanceView {
                service_id: row.try_get("service_id")?,
                plan_id: row.try_get("plan_id")?,
                request: row.try_get("request")?,
                settings: serde_json::from_value(row.try_get("settings")?)?,
                distribution_domain: row.try_get("distribution_domain")?,
                tenant: row.try_get("tenant")?,
                operation_kind: row.try_get("kind")?,
                operation_state: row.try_get("state")?,
                renewal_in_trouble: row.try_get("renewal_in_trouble")?,
                certificate_not_after: row.try_get("certificate_not_after")?,
            })
        })
        .transpose()
    }
}

/// The state of the instance's operation, or of the newest one that a platform asked for.
pub(crate) async fn view_of(
    on: &impl Session,
    instance: &str,
    operation: Option<Uuid>,
) -> Result<Option<View>, StoreError> {
    let row = statement!("status")
        .with("challenges", CHALLENGES)
        .optional(on, &[&instance, &operation])
        .await?;
    row.map(|row| Ok(row.try_get::<_, Json<View>>(0)?.0)).transpose()
}

fn polled(row: &Row) -> Result<Polled, StoreError> {
    Ok(Polled {
        operation: row.try_get(0)?,
        running_version: row.try_get(1)?,
        now: row.try_get(2)?,
    })
}
