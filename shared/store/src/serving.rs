//! What an instance should be serving, for whoever looks at it from outside: read only, at one moment.

use pipeline::Settings;
use time::OffsetDateTime;
use tokio_postgres::IsolationLevel;

use crate::certificates::{COLUMNS, Certificate, certificate_from};
use crate::connection::Store;
use crate::error::StoreError;

/// What CloudFront was last told to serve for an instance.
#[derive(Debug, Clone)]
pub struct Serving {
    /// When the instance was removed, if it was.
    pub deleted_at: Option<OffsetDateTime>,
    /// Its domains, sorted; not those that a running update is about to add, nor those that it has lost.
    pub domains: Vec<String>,
    /// CloudFront's name, once known.
    pub distribution_domain: Option<String>,
    /// What its distribution is like.
    pub settings: Settings,
    /// The certificate that the distribution was last told to use.
    pub certificate: Option<Certificate>,
    /// The tenant's account at the CA, as of the newest order: what a dns-persist-01 record has to name.
    pub account_uri: Option<String>,
    /// The CA's names in such a record; empty when it offers no dns-persist-01.
    pub issuer_domains: Vec<String>,
}

impl Store {
    /// What the instance should be serving. `None`: the id is unknown. Waits for no lock and can't write.
    ///
    /// # Errors
    /// Database errors.
    pub async fn serving(&self, instance: &str) -> Result<Option<Serving>, StoreError> {
        let named = |source| StoreError::Database {
            transaction: "serving",
            source,
        };
        let mut client = self.pool.get().await?;
        let transaction = client
            .build_transaction()
            .read_only(true)
            .isolation_level(IsolationLevel::RepeatableRead)
            .start()
            .await
            .map_err(named)?;
        let row = transaction
            .query_opt(
                "select i.deleted_at, i.distribution_domain, i.settings, r.account_uri, z.issuer_domains, \
                 array(select d from jsonb_array_elements_text(i.request->'parameters'->'domains') d \
                   where not exists (select from claims k where k.instance_id = i.id and k.domain = d and k.lost_at is not null) \
                   order by d collate \"C\") as domains \
                 from instances i \
                 left join lateral (select r.id, r.account_uri from orders r join operations o on o.id = r.operation_id \
                   where o.instance_id = i.id and r.account_uri is not null order by r.created_at desc limit 1) r on true \
                 left join lateral (select z.issuer_domains from authorizations z where z.order_id = r.id \
                   and z.issuer_domains is not null limit 1) z on true \
                 where i.id = $1",
                &[&instance],
            )
            .await
            .map_err(named)?;
        let Some(row) = row else { return Ok(None) };
        let certificate = transaction
            .query_opt(
                &format!("select {COLUMNS} from certificates_in_use c where c.instance_id = $1"),
                &[&instance],
            )
            .await
            .map_err(named)?;
        transaction.commit().await.map_err(named)?;
        Ok(Some(Serving {
            deleted_at: row.try_get("deleted_at")?,
            domains: row.try_get("domains")?,
            distribution_domain: row.try_get("distribution_domain")?,
            settings: serde_json::from_value(row.try_get("settings")?)?,
            certificate: certificate.as_ref().map(certificate_from).transpose()?,
            account_uri: row.try_get("account_uri")?,
            issuer_domains: row
                .try_get::<_, Option<Vec<String>>>("issuer_domains")?
                .unwrap_or_default(),
        }))
    }
}
