//! What CloudFront was last told of each instance.

use pipeline::Settings;

use crate::connection::Store;
use crate::error::StoreError;

/// What CloudFront was last told of an instance.
#[derive(Debug, Clone)]
pub struct Told {
    /// The instance.
    pub instance: String,
    /// Its distribution.
    pub distribution_id: String,
    /// Its settings.
    pub settings: Settings,
    /// Its domains, sorted.
    pub domains: Vec<String>,
    /// Id in IAM of the certificate that the distribution was told to use; none: it was told no aliases either.
    pub iam_id: Option<String>,
    /// The kind of the operation that is at work on it, as in SQL: things change.
    pub at_work: Option<String>,
    /// Its removal was begun: it is disabled, or will be.
    pub going: bool,
}

impl Store {
    /// What CloudFront was last told of these instances, or of all that have a distribution.
    ///
    /// # Errors
    /// Database errors.
    pub async fn told(&self, instances: Option<&[String]>) -> Result<Vec<Told>, StoreError> {
        let client = self.pool.get().await?;
        let rows = client
            .query(
                "select i.id, i.distribution_id, i.settings, c.iam_id, o.kind as at_work, \
                 array(select d from jsonb_array_elements_text(i.request->'parameters'->'domains') d order by d collate \"C\") as domains, \
                 exists (select from operations o where o.instance_id = i.id and o.kind = 'deprovision') as going \
                 from instances i \
                 left join certificates_in_use c on c.instance_id = i.id \
                 left join operations o on o.instance_id = i.id and o.state = 'running' \
                 where i.distribution_id is not null and i.deleted_at is null and ($1::text[] is null or i.id = any($1)) \
                 order by i.created_at, i.id",
                &[&instances],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Told {
                    instance: row.try_get("id")?,
                    distribution_id: row.try_get("distribution_id")?,
                    settings: serde_json::from_value(row.try_get("settings")?)?,
                    domains: row.try_get("domains")?,
                    iam_id: row.try_get("iam_id")?,
                    at_work: row.try_get("at_work")?,
                    going: row.try_get("going")?,
                })
            })
            .collect()
    }
}
