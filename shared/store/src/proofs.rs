//! How the domains of an instance were proved last: what its tenant can read for as long as it is there.

use pipeline::proof::{Challenges, Method};

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
    /// What the order offered, where that is known.
    pub challenges: Option<Challenges>,
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
                let challenges: Option<serde_json::Value> = row.try_get(2)?;
                Ok(Proof {
                    domain: row.try_get(0)?,
                    method: row.try_get::<_, String>(1)?.parse()?,
                    challenges: challenges.map(serde_json::from_value).transpose()?,
                })
            })
            .collect()
    }
}
