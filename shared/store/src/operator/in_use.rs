//! Certificates in use, and the state of their renewal.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::statement;

/// A certificate that a distribution was last configured with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CertificateInUse {
    /// This broker's id of the certificate.
    pub id: Uuid,
    /// The instance whose distribution uses it.
    pub instance: String,
    /// The instance's tenant.
    pub tenant: String,
    /// Its DNS names.
    pub names: Vec<String>,
    /// Start of its validity.
    #[serde(with = "time::serde::rfc3339")]
    pub not_before: OffsetDateTime,
    /// End of its validity.
    #[serde(with = "time::serde::rfc3339")]
    pub not_after: OffsetDateTime,
    /// When it is to be renewed, once that is decided.
    #[serde(with = "time::serde::rfc3339::option")]
    pub renew_at: Option<OffsetDateTime>,
    /// When the distribution was configured with it.
    #[serde(with = "time::serde::rfc3339")]
    pub attached_at: OffsetDateTime,
    /// Its location: a `certificate_store::Reference`.
    pub reference: Option<Value>,
    /// The number of its renewals that have failed.
    pub failures: u32,
    /// When the last of them failed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub failed_at: Option<OffsetDateTime>,
    /// Why it failed, as shown to a user.
    pub failure: Option<String>,
    /// Why it failed, for the operator.
    pub cause: Option<String>,
    /// The kind of the operation that runs on the instance, as in SQL.
    pub at_work: Option<String>,
    /// A removal of the instance has failed: its certificate is no longer renewed.
    pub removal_failed: bool,
    /// The database's time of the answer.
    #[serde(with = "time::serde::rfc3339")]
    pub read_at: OffsetDateTime,
}

impl Store {
    /// Certificates in use that expire within that time, or all; those that expire first come first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn certificates_in_use(&self, within: Option<Duration>) -> Result<Vec<CertificateInUse>, StoreError> {
        let client = self.client().await?;
        let seconds = within.map(|within| within.as_secs_f64());
        let rows = statement!("operator-certificates").all(&client, &[&seconds]).await?;
        rows.iter()
            .map(|row| Ok(serde_json::from_value(row.try_get(0)?)?))
            .collect()
    }
}
