//! Instances: what a handler needs to know.

use pipeline::InstanceSettings;
use tokio_postgres::Row;

use crate::error::StoreError;

/// A service instance, as handlers see it.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The platform's id; also CloudFront's `CallerReference`.
    pub id: String,
    /// Whose it is: the organization, or the narrowest thing the platform tells.
    pub tenant: String,
    /// What the user set; what it is to be, while an update runs.
    pub settings: InstanceSettings,
    /// CloudFront's id, once known.
    pub distribution_id: Option<String>,
    /// CloudFront's name, once known.
    pub distribution_domain: Option<String>,
    /// Its domains, sorted; those it is to have, while an update runs. A renewal leaves out what the instance has lost.
    pub domains: Vec<String>,
}

/// Selects what [`instance_from`] reads, from `instances i` and `operations o`.
pub(crate) const INSTANCE_COLUMNS: &str = "i.id as instance_id, i.tenant, i.distribution_id, i.distribution_domain, \
     coalesce(o.target->'settings', i.settings) as settings, array(select d \
       from jsonb_array_elements_text(coalesce(o.target->'request', i.request)->'parameters'->'domains') d \
       where o.kind <> 'renew' or not exists \
         (select from claims k where k.instance_id = i.id and k.domain = d and k.lost_at is not null) \
       order by d collate \"C\") as domains";

pub(crate) fn instance_from(row: &Row) -> Result<Instance, StoreError> {
    Ok(Instance {
        id: row.try_get("instance_id")?,
        tenant: row.try_get("tenant")?,
        settings: serde_json::from_value(row.try_get("settings")?)?,
        distribution_id: row.try_get("distribution_id")?,
        distribution_domain: row.try_get("distribution_domain")?,
        domains: row.try_get("domains")?,
    })
}
