//! The last known CloudFront configuration of each instance.

use pipeline::InstanceSettings;
use serde_json::Value;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::statement;

/// The configuration that CloudFront was last given for an instance.
#[derive(Debug, Clone)]
pub struct Configured {
    /// The instance.
    pub instance: String,
    /// Its distribution.
    pub distribution_id: String,
    /// Its settings.
    pub settings: InstanceSettings,
    /// Its domains, sorted.
    pub domains: Vec<String>,
    /// The location of the certificate that the distribution was configured with (a `certificate_store::Reference`);
    /// none: it was configured without aliases, too.
    pub certificate: Option<Value>,
    /// The kind of the operation that runs on the instance, as in SQL: the configuration may be changing.
    pub at_work: Option<String>,
    /// A removal was started: the distribution is disabled, or will be.
    pub going: bool,
}

impl Store {
    /// The last configuration of these instances, or of all that have a distribution.
    ///
    /// # Errors
    /// Database errors.
    pub async fn configured(&self, instances: Option<&[String]>) -> Result<Vec<Configured>, StoreError> {
        let client = self.client().await?;
        let rows = statement!("operator-configured").all(&client, &[&instances]).await?;
        rows.iter()
            .map(|row| {
                Ok(Configured {
                    instance: row.try_get("id")?,
                    distribution_id: row.try_get("distribution_id")?,
                    settings: serde_json::from_value(row.try_get("settings")?)?,
                    domains: row.try_get("domains")?,
                    certificate: row.try_get("reference")?,
                    at_work: row.try_get("at_work")?,
                    going: row.try_get("going")?,
                })
            })
            .collect()
    }
}
