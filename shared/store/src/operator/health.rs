//! What a doctor asks of the database as a whole.

use time::OffsetDateTime;

use crate::connection::Store;
use crate::error::StoreError;

/// What a sealing key has sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBy {
    /// The key's id, as in `SEALING_KEYS`.
    pub key: String,
    /// Keys of ACME accounts, next ones as well.
    pub accounts: i64,
    /// Keys of certificates, and of orders that have none yet.
    pub certificates: i64,
}

/// A certificate that the CA is to revoke and has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToRevoke {
    /// Whose it is, or was.
    pub instance: String,
    /// Why the CA has not, if it was asked.
    pub problem: Option<String>,
}

impl Store {
    /// The database's clock.
    ///
    /// # Errors
    /// Database errors.
    pub async fn clock(&self) -> Result<OffsetDateTime, StoreError> {
        let client = self.pool.get().await?;
        Ok(client.query_one("select clock_timestamp()", &[]).await?.try_get(0)?)
    }

    /// Which sealing keys are needed to open what is stored.
    ///
    /// # Errors
    /// Database errors.
    pub async fn sealed_by(&self) -> Result<Vec<SealedBy>, StoreError> {
        let client = self.pool.get().await?;
        // A sealed value begins with its format's bit, the length of its key's id, and that: see sealing.rs.
        let rows = client
            .query(
                "select substring(sealed_key from 2 for get_byte(sealed_key, 0) & 127) as key, \
                 count(*) filter (where what = 'account') as accounts, count(*) filter (where what <> 'account') as certificates \
                 from (select 'account' as what, sealed_key from acme_accounts \
                   union all select 'account', next_sealed_key from acme_accounts \
                   union all select 'certificate', sealed_key from certificates \
                   union all select 'order', r.sealed_key from orders r \
                     where not exists (select from certificates c where c.order_id = r.id)) all_of_it \
                 where length(sealed_key) > 0 group by 1 order by 1",
                &[],
            )
            .await?;
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

    /// Certificates that the CA is to revoke and has not, those with a problem first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn to_revoke(&self) -> Result<Vec<ToRevoke>, StoreError> {
        let client = self.pool.get().await?;
        let query = "select instance_id, revoke_problem from certificates_to_revoke \
             order by revoke_problem is null, instance_id";
        let rows = client.query(query, &[]).await?;
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
