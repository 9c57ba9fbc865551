//! Renewals: which certificates are due, and starting their renewal. A user's update takes over a renewal with
//! everything it has obtained.

use std::time::Duration;

use deadpool_postgres::Transaction;
use pipeline::renewal::RenewBy;
use pipeline::{OperationKind, Schedules};
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::ca_choice::ORDERED_AT;
use crate::connection::Store;
use crate::ending::STEP_DEADLINE;
use crate::error::StoreError;
use crate::provisioning::{Beginning, begin};
use crate::statement::{Statement, statement};
use crate::steps::{as_millis, lock_instance, millis};

/// A certificate in use whose renewal time is to be decided.
#[derive(Debug, Clone)]
pub struct Undecided {
    /// This broker's id of the certificate.
    pub certificate: Uuid,
    /// The instance that uses it.
    pub instance: String,
    /// Start of its validity.
    pub not_before: OffsetDateTime,
    /// End of its validity.
    pub not_after: OffsetDateTime,
    /// When it was issued, by this broker's clock.
    pub created_at: OffsetDateTime,
    /// Leaf and chain, PEM.
    pub chain_pem: String,
    /// The directory of the CA that issued it, as far as it is known.
    pub directory_url: Option<String>,
}

/// Found by the certificates, not by the view: see migration 33.
const UNDECIDED: &str = "select c.id, c.instance_id, c.not_before, c.not_after, c.created_at, c.chain_pem, c.renewal_info_due, \
     (select {ordered_at} from orders r where r.id = c.order_id) as directory_url \
     from certificates c where c.attached_at is not null and c.retired_at is null \
     and c.id = (select u.id from certificates_in_use u where u.instance_id = c.instance_id)";

fn undecided_from(row: &Row) -> Result<Undecided, StoreError> {
    Ok(Undecided {
        certificate: row.try_get("id")?,
        instance: row.try_get("instance_id")?,
        not_before: row.try_get("not_before")?,
        not_after: row.try_get("not_after")?,
        created_at: row.try_get("created_at")?,
        chain_pem: row.try_get("chain_pem")?,
        directory_url: row.try_get("directory_url")?,
    })
}

/// An instance whose certificate is due.
#[derive(Debug, Clone)]
pub struct DueRenewal {
    /// The instance.
    pub instance: String,
    /// The tenant, whose account at the CA is used.
    pub tenant: String,
    /// The number of renewals of this certificate that have failed.
    pub failures: u32,
    /// How long ago the last of them failed.
    pub failed_ago: Option<Duration>,
}

/// A domain that is set up correctly is seen as such after this many probes. A domain that the CA has rejected is first
/// held, for longer than a minute.
const LOOKS: i32 = 3;

impl Store {
    /// Certificates in use whose renewal time is not decided yet.
    ///
    /// # Errors
    /// Database errors.
    pub async fn undecided_renewals(&self) -> Result<Vec<Undecided>, StoreError> {
        let client = self.client().await?;
        Statement::new("renewals-undecided", format!("{UNDECIDED} and c.renew_at is null"))
            .with("ordered_at", ORDERED_AT)
            .all(&client, &[])
            .await?
            .iter()
            .map(undecided_from)
            .collect()
    }

    /// At most `most` certificates in use for which the CA is to be asked (again) for a renewal time, those that it was
    /// never asked about first: those of the CA with this directory, and if asked for those whose CA is not known. A certificate of an instance with a removal is skipped: whoever requests a removal
    /// doesn't want a certificate.
    ///
    /// # Errors
    /// Database errors.
    pub async fn renewal_infos_due(
        &self,
        directory_url: &str,
        unknown: bool,
        most: u32,
    ) -> Result<Vec<Undecided>, StoreError> {
        let client = self.client().await?;
        let rows = Statement::new(
            "renewal-infos-due",
            format!(
                "select * from ({UNDECIDED} and coalesce(c.renewal_info_due, '-infinity') <= now()) u \
                 where coalesce(u.directory_url = $2, $3) \
                 order by coalesce(u.renewal_info_due, '-infinity') limit $1"
            ),
        )
        .with("ordered_at", ORDERED_AT)
        .all(&client, &[&i64::from(most), &directory_url, &unknown])
        .await?;
        rows.iter().map(undecided_from).collect()
    }

    /// Records the CA's suggested renewal time, unless it suggested none, and after how long it is asked again. A
    /// certificate that is due stays due, whoever made it due.
    ///
    /// # Errors
    /// Database errors.
    pub async fn set_renewal_info(
        &self,
        certificate: Uuid,
        at: Option<OffsetDateTime>,
        again: Duration,
    ) -> Result<(), StoreError> {
        let client = self.client().await?;
        Statement::new(
            "renewal-info-set",
            "update certificates set renew_at = case when renew_at <= clock_timestamp() then renew_at else \
             coalesce($2::timestamptz, renew_at) end, \
             renew_by = case when renew_at <= clock_timestamp() or $2::timestamptz is null then renew_by else $4 end, \
             renewal_info_due = clock_timestamp() + $3::float8 * interval '1 millisecond' where id = $1",
        )
        .run(&client, &[&certificate, &at, &as_millis(again), &RenewBy::Ca.as_str()])
        .await?;
        Ok(())
    }

    /// Sets the certificate's renewal time, by the operator's share of its lifetime.
    ///
    /// # Errors
    /// Database errors.
    pub async fn set_renew_at(&self, certificate: Uuid, at: OffsetDateTime) -> Result<(), StoreError> {
        let client = self.client().await?;
        Statement::new(
            "renewal-set",
            "update certificates set renew_at = $2, renew_by = $3 where id = $1",
        )
        .run(&client, &[&certificate, &at, &RenewBy::Share.as_str()])
        .await?;
        Ok(())
    }

    /// Instances whose certificate is due or has a distrusted key, and on which no operation runs; those whose
    /// certificate expires first come first. An instance whose removal has failed is no longer renewed.
    ///
    /// # Errors
    /// Database errors.
    pub async fn due_renewals(&self) -> Result<Vec<DueRenewal>, StoreError> {
        let client = self.client().await?;
        let rows = statement!("renewals-due").all(&client, &[]).await?;
        rows.iter()
            .map(|row| {
                Ok(DueRenewal {
                    instance: row.try_get("instance_id")?,
                    tenant: row.try_get("tenant")?,
                    failures: u32::try_from(row.try_get::<_, i64>("failures")?).unwrap_or(u32::MAX),
                    failed_ago: row.try_get::<_, Option<i64>>("failed_ago_ms")?.map(millis),
                })
            })
            .collect()
    }

    /// The number of running renewals, by tenant. Those that wait for a domain are not counted: they send the CA
    /// nothing, and a domain that has moved away for good must not block the tenant's other renewals.
    ///
    /// # Errors
    /// Database errors.
    pub async fn running_renewals(&self) -> Result<Vec<(String, u32)>, StoreError> {
        let client = self.client().await?;
        let rows = Statement::new(
            "renewals-running",
            "select i.tenant, count(*) from operations o join instances i on i.id = o.instance_id \
             where o.state = 'running' and o.kind = 'renew' and not exists (select from steps s \
               where s.operation_id = o.id and s.kind = 'verify-challenge' and s.state = 'waiting' \
               and (s.attempt >= $1 or s.due_at > clock_timestamp() + interval '1 minute')) group by 1",
        )
        .all(&client, &[&LOOKS])
        .await?;
        rows.iter()
            .map(|row| {
                Ok((
                    row.try_get(0)?,
                    u32::try_from(row.try_get::<_, i64>(1)?).unwrap_or(u32::MAX),
                ))
            })
            .collect()
    }

    /// Starts a renewal, unless another operation runs on the instance by now (`false`). The orders and certificates of
    /// an earlier renewal are continued. Nothing publishes wake-ups for its first steps: the next sweep does.
    ///
    /// # Errors
    /// Database errors; then nothing was written.
    pub async fn renew(&self, instance: &str, schedules: &Schedules) -> Result<bool, StoreError> {
        let begun = self.in_transaction("renew", async |tx| begin_renewal(tx, instance, schedules).await);
        Ok(begun.await?.is_some())
    }
}

/// Starts a renewal: [`Store::renew`]. Returns its operation.
pub(crate) async fn begin_renewal(
    tx: &Transaction<'_>,
    instance: &str,
    schedules: &Schedules,
) -> Result<Option<Uuid>, StoreError> {
    lock_instance(tx, instance).await?;
    let free = Statement::new(
        "renewal-domains",
        "select array(select d from jsonb_array_elements_text(i.request->'parameters'->'domains') d \
                   where not exists (select from claims k where k.instance_id = i.id and k.domain = d \
                     and k.lost_at is not null)) \
                 from instances i \
                 where i.id = $1 and i.deleted_at is null and not exists (select from operations o \
                   where o.instance_id = i.id and (o.state = 'running' or o.kind = 'deprovision'))",
    )
    .optional(tx, &[&instance])
    .await?;
    let Some(row) = free else { return Ok(None) };
    let domains: Vec<String> = row.try_get(0)?;
    if domains.is_empty() {
        return Ok(None);
    }
    let beginning = Beginning {
        kind: OperationKind::Renew,
        domains: &domains,
        new_certificate: true,
        target: None,
        changes: None,
    };
    let (operation, _) = begin(tx, instance, beginning, None, schedules).await?;
    Statement::new(
        "renewal-leave-to-sweep",
        "update steps set rung_at = null where operation_id = $1",
    )
    .run(tx, &[&operation])
    .await?;
    adopt(tx, instance, operation, &domains).await?;
    Ok(Some(operation))
}

/// An order or certificate for these domains from renewals that did not complete becomes the operation's first order:
/// an order that is still live at the CA is continued, an issued certificate is used. The steps find everything already
/// there. Excluded are an order whose key may be distrusted, a certificate that CloudFront would not see before the
/// deadline, and one for a domain that was given up since then and has to be proved again. The remaining certificates
/// are retired.
pub(crate) async fn adopt(
    tx: &Transaction<'_>,
    instance: &str,
    operation: Uuid,
    domains: &[String],
) -> Result<(), StoreError> {
    statement!("renewal-adopt")
        .run(tx, &[&instance, &operation, &domains, &STEP_DEADLINE])
        .await?;
    // The other orders and certificates of those renewals are no longer of use.
    Statement::new(
        "renewal-retire-rest",
        "update certificates c set retired_at = now(), sealed_key = null from orders r, operations o \
         where r.id = c.order_id and o.id = r.operation_id and o.instance_id = $1 and o.kind = 'renew' \
         and o.state in ('failed', 'superseded') and c.attached_at is null and c.retired_at is null",
    )
    .run(tx, &[&instance])
    .await?;
    Ok(())
}
