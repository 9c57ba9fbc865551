//! How the domains of an instance were proved last: what its tenant can read for as long as it is there.

use pipeline::outcome::Method;

use crate::connection::Store;
use crate::error::StoreError;

/// The proof of one domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The name.
    pub domain: String,
    /// The way that was found in place.
    pub method: Method,
    /// What a set-once record has for the CA and for `accounturi`, where it was offered.
    pub standing: Option<(String, String)>,
    /// The order's TXT value, where it was offered.
    pub dns01_value: Option<String>,
}

/// A domain that the CA held valid was not looked at; its proof is an older one.
const PROOFS: &str = "select distinct on (c.domain) c.domain, s.method, z.issuer_domains[1], \
     coalesce(z.persist_account_uris[1], r.account_uri), z.dns01_value \
     from claims c join operations o on o.instance_id = c.instance_id \
     join steps s on s.operation_id = o.id and s.kind = 'verify-challenge' and s.subject = c.domain \
       and s.state = 'done' and s.method is not null \
     left join orders r on r.operation_id = o.id and r.round = s.round \
     left join authorizations z on z.order_id = r.id and z.domain = c.domain \
     where c.instance_id = $1 order by c.domain, o.created_at desc, s.round desc";

impl Store {
    /// How the instance's domains were proved last, by name.
    ///
    /// # Errors
    /// Database errors.
    pub async fn proofs(&self, instance: &str) -> Result<Vec<Proof>, StoreError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(PROOFS).await?;
        let rows = client.query(&statement, &[&instance]).await?;
        rows.iter()
            .map(|row| {
                let issuer: Option<String> = row.try_get(2)?;
                Ok(Proof {
                    domain: row.try_get(0)?,
                    method: row.try_get::<_, String>(1)?.parse()?,
                    standing: issuer.zip(row.try_get(3)?),
                    dns01_value: row.try_get(4)?,
                })
            })
            .collect()
    }
}
