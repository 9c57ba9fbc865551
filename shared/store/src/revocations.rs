//! Revocations: the certificates that the CA is to be asked to revoke.

use std::time::Duration;

use pipeline::revocation::RevocationReason;
use uuid::Uuid;

use crate::ca_choice::ORDERED_AT;
use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::{Statement, storable};
use crate::steps::as_millis;

/// A certificate that is to be revoked now: it is no longer served.
#[derive(Debug, Clone)]
pub struct Revocation {
    /// This broker's id of the certificate.
    pub certificate: Uuid,
    /// The instance that it belonged to.
    pub instance: String,
    /// The tenant in whose name the CA is asked.
    pub tenant: String,
    /// Leaf and chain, PEM.
    pub chain_pem: String,
    /// The directory of the CA that issued it, as far as it is known.
    pub directory_url: Option<String>,
    /// The reason for the revocation.
    pub reason: RevocationReason,
}

impl Store {
    /// At most `most` certificates that are to be revoked now: those that were not tried yet first, and among them
    /// those that expire last.
    ///
    /// # Errors
    /// Database errors.
    pub async fn revocations_due(&self, most: u32) -> Result<Vec<Revocation>, StoreError> {
        let client = self.client().await?;
        let rows = Statement::new(
            "revocations-due",
            "select c.id, c.instance_id, c.tenant, c.chain_pem, c.revoke_reason, {ordered_at} as directory_url \
             from certificates_to_revoke c join certificates k on k.id = c.id join orders r on r.id = k.order_id \
             where c.retired_at is not null and coalesce(c.revoke_due <= clock_timestamp(), true) \
             order by c.revoke_due nulls first, c.not_after desc limit $1",
        )
        .with("ordered_at", ORDERED_AT)
        .all(&client, &[&i64::from(most)])
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Revocation {
                    certificate: row.try_get("id")?,
                    instance: row.try_get("instance_id")?,
                    tenant: row.try_get("tenant")?,
                    chain_pem: row.try_get("chain_pem")?,
                    directory_url: row.try_get("directory_url")?,
                    reason: row.try_get::<_, String>("revoke_reason")?.parse()?,
                })
            })
            .collect()
    }

    /// Records that the CA has revoked it.
    ///
    /// # Errors
    /// Database errors.
    pub async fn set_revoked(&self, certificate: Uuid) -> Result<(), StoreError> {
        let client = self.client().await?;
        Statement::new(
            "revoked-set",
            "update certificates set revoked_at = now(), revoke_problem = null where id = $1",
        )
        .run(&client, &[&certificate])
        .await?;
        Ok(())
    }

    /// Records why the CA did not revoke it, and after how long it is asked again.
    ///
    /// # Errors
    /// Database errors.
    pub async fn put_off_revocation(
        &self,
        certificate: Uuid,
        problem: &str,
        again: Duration,
    ) -> Result<(), StoreError> {
        let client = self.client().await?;
        Statement::new(
            "revocation-put-off",
            "update certificates set revoke_problem = $2, \
             revoke_due = clock_timestamp() + $3::float8 * interval '1 millisecond' where id = $1",
        )
        .run(&client, &[&certificate, &storable(problem), &as_millis(again)])
        .await?;
        Ok(())
    }

    /// Records why the CA could not be asked in the tenant's name, and after how long it is asked again, for all the
    /// tenant's certificates from this CA that are due.
    ///
    /// # Errors
    /// Database errors.
    pub async fn put_off_revocations_of(
        &self,
        tenant: &str,
        directory_url: Option<&str>,
        problem: &str,
        again: Duration,
    ) -> Result<(), StoreError> {
        let client = self.client().await?;
        Statement::new(
            "revocations-put-off-tenant",
            "update certificates set revoke_problem = $2, \
             revoke_due = clock_timestamp() + $3::float8 * interval '1 millisecond' \
             where id in (select c.id from certificates_to_revoke c join certificates k on k.id = c.id \
               join orders r on r.id = k.order_id where c.tenant = $1 and c.retired_at is not null \
               and coalesce(c.revoke_due <= clock_timestamp(), true) and {ordered_at} is not distinct from $4)",
        )
        .with("ordered_at", ORDERED_AT)
        .run(
            &client,
            &[&tenant, &storable(problem), &as_millis(again), &directory_url],
        )
        .await?;
        Ok(())
    }
}
