//! How the domains of an instance were proved last: what its tenant can read for as long as it is there.

use pipeline::outcome::Method;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::statement;

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

impl Store {
    /// How the instance's domains were proved last, by name.
    ///
    /// # Errors
    /// Database errors.
    pub async fn proofs(&self, instance: &str) -> Result<Vec<Proof>, StoreError> {
        let client = self.client().await?;
        let rows = statement!("proofs").prepared().all(&client, &[&instance]).await?;
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
