//! What an instance should be serving, for checks from outside: read only, at one moment.

use pipeline::InstanceSettings;
use pipeline::proof::Challenges;
use time::OffsetDateTime;
use tokio_postgres::Row;

use crate::certificates::{COLUMNS, Certificate, certificate_from};
use crate::connection::Store;
use crate::error::StoreError;
use crate::orders::CHALLENGES;
use crate::statement::Statement;

/// What CloudFront was last configured to serve for an instance.
#[derive(Debug, Clone)]
pub struct Serving {
    /// When the instance was removed, if it was.
    pub deleted_at: Option<OffsetDateTime>,
    /// Its domains, sorted; without those that a running update is about to add, and without those that it has lost.
    pub domains: Vec<String>,
    /// CloudFront's domain name of the distribution, once known.
    pub distribution_domain: Option<String>,
    /// Its distribution's settings.
    pub settings: InstanceSettings,
    /// The certificate that the distribution was last configured with.
    pub certificate: Option<Certificate>,
    /// The records that would prove its domains in any order, as of the newest one.
    pub challenges: Vec<(String, Challenges)>,
}

impl Store {
    /// What the instance should be serving. `None`: the id is unknown. Waits for no lock and can't write.
    ///
    /// # Errors
    /// Database errors.
    pub async fn serving(&self, instance: &str) -> Result<Option<Serving>, StoreError> {
        self.at_one_moment(async |moment| {
            let row = Statement::new(
                "serving-instance",
                "select i.deleted_at, i.distribution_domain, i.settings, \
                 array(select d from jsonb_array_elements_text(i.request->'parameters'->'domains') d \
                   where not exists (select from claims k where k.instance_id = i.id and k.domain = d and k.lost_at is \
                 not null) \
                   order by d collate \"C\") as domains \
                 from instances i where i.id = $1",
            )
            .optional(moment, &[&instance])
            .await?;
            let Some(row) = row else { return Ok(None) };
            let certificate = Statement::new(
                "serving-certificate",
                format!("select {COLUMNS} from certificates_in_use c where c.instance_id = $1"),
            )
            .optional(moment, &[&instance])
            .await?;
            let challenges = Statement::new(
                "serving-challenges",
                "select z.domain, {challenges} from authorizations z join orders r on r.id = z.order_id \
                 where r.id = (select q.id from orders q join operations o on o.id = q.operation_id \
                   where o.instance_id = $1 and q.account_uri is not null order by q.created_at desc limit 1)",
            )
            .with("challenges", CHALLENGES)
            .all(moment, &[&instance])
            .await?;
            Ok(Some(Serving {
                deleted_at: row.try_get("deleted_at")?,
                domains: row.try_get("domains")?,
                distribution_domain: row.try_get("distribution_domain")?,
                settings: serde_json::from_value(row.try_get("settings")?)?,
                certificate: certificate.as_ref().map(certificate_from).transpose()?,
                challenges: challenges.iter().map(challenges_at).collect::<Result<_, _>>()?,
            }))
        })
        .await
    }
}

fn challenges_at(row: &Row) -> Result<(String, Challenges), StoreError> {
    let challenges: Challenges = serde_json::from_value(row.try_get(1)?)?;
    Ok((row.try_get(0)?, challenges.outlasting()))
}
