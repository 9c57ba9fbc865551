//! Database-wide checks for the doctor.

use time::OffsetDateTime;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::{Statement, statement};

/// The number of values that a sealing key has sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBy {
    /// The key's id, as in `SEALING_KEYS`.
    pub key: String,
    /// Keys of ACME accounts, including next keys.
    pub accounts: i64,
    /// Keys of certificates, and of orders that have no certificate yet.
    pub certificates: i64,
}

/// A certificate that the CA is to revoke and has not yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToRevoke {
    /// The instance that it belongs or belonged to.
    pub instance: String,
    /// Why the CA has not revoked it, if it was asked.
    pub problem: Option<String>,
}

impl Store {
    /// The current time by the database's clock.
    ///
    /// # Errors
    /// Database errors.
    pub async fn clock(&self) -> Result<OffsetDateTime, StoreError> {
        let client = self.client().await?;
        Ok(Statement::new("clock", "select clock_timestamp()")
            .one(&client, &[])
            .await?
            .try_get(0)?)
    }

    /// The sealing keys that are needed to open what is stored.
    ///
    /// # Errors
    /// Database errors.
    pub async fn sealed_by(&self) -> Result<Vec<SealedBy>, StoreError> {
        let client = self.client().await?;
        // A sealed value begins with a byte of the format bit and the length of its key's id, followed by the id: see
        // sealing.rs.
        let rows = statement!("operator-sealed-by").all(&client, &[]).await?;
        rows.iter()
            .map(|row| {
                Ok(SealedBy {
                    key: String::from_utf8_lossy(row.try_get("key")?).into_owned(),
                    accounts: row.try_get("accounts")?,
                    certificates: row.try_get("certificates")?,
                })
            })
            .collect()
    }

    /// Certificates that the CA is to revoke and has not yet, those with a problem first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn to_revoke(&self) -> Result<Vec<ToRevoke>, StoreError> {
        let client = self.client().await?;
        let rows = Statement::new(
            "operator-to-revoke",
            "select instance_id, revoke_problem from certificates_to_revoke \
             order by revoke_problem is null, instance_id",
        )
        .all(&client, &[])
        .await?;
        rows.iter()
            .map(|row| {
                Ok(ToRevoke {
                    instance: row.try_get("instance_id")?,
                    problem: row.try_get("revoke_problem")?,
                })
            })
            .collect()
    }
}
