//! Instances: what a handler needs to know.

use pipeline::InstanceSettings;
use tokio_postgres::Row;

use crate::error::StoreError;

/// A service instance, as handlers see it.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The platform's id; also CloudFront's `CallerReference`.
    pub id: String,
    /// The tenant: the organization, or the narrowest scope that the platform names.
    pub tenant: String,
    /// The user's settings; while an update runs, the settings it will establish.
    pub settings: InstanceSettings,
    /// CloudFront's id of the distribution, once known.
    pub distribution_id: Option<String>,
    /// CloudFront's domain name of the distribution, once known.
    pub distribution_domain: Option<String>,
    /// Its domains, sorted; while an update runs, those it will have. A renewal leaves out domains that the instance
    /// has lost.
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
