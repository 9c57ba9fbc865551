//! Proofs that were set once, looked at in between: a tenant learns that a record is gone when it goes, and not when the
//! renewal fails.

use std::time::Duration;

use pipeline::Reason;
use pipeline::proof::{Challenges, Method};
use pipeline::reason::stored;

use crate::connection::Store;
use crate::error::StoreError;
use crate::orders::CHALLENGES;
use crate::statement::statement;
use crate::steps::as_millis;

/// How a domain of an instance at rest was last proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingProof {
    /// The instance.
    pub instance: String,
    /// The domain.
    pub domain: String,
    /// CloudFront's name for its distribution.
    pub distribution_domain: Option<String>,
    /// The challenge type whose proof was found in place.
    pub method: Method,
    /// The challenges that prove it in any order.
    pub challenges: Challenges,
}

impl Store {
    /// Domains whose proofs were not looked at for this long, at most this many.
    ///
    /// # Errors
    /// Database errors.
    pub async fn standing_proofs_due(&self, since: Duration, most: u32) -> Result<Vec<StandingProof>, StoreError> {
        let client = self.client().await?;
        statement!("standing-due")
            .with("challenges", CHALLENGES)
            .all(&client, &[&as_millis(since), &i64::from(most)])
            .await?
            .iter()
            .map(|row| {
                let challenges: Challenges = serde_json::from_value(row.try_get(4)?)?;
                Ok(StandingProof {
                    instance: row.try_get(0)?,
                    domain: row.try_get(1)?,
                    distribution_domain: row.try_get(2)?,
                    method: row.try_get::<_, String>(3)?.parse()?,
                    challenges: challenges.outlasting(),
                })
            })
            .collect()
    }

    /// Records that a proof was looked at, and what was seen if nothing proves the domain any more. Returns whether that is
    /// new.
    ///
    /// # Errors
    /// Database errors.
    pub async fn standing_proof_checked(
        &self,
        proof: &StandingProof,
        gone: Option<&Reason>,
    ) -> Result<bool, StoreError> {
        let seen = gone.map(stored::write).transpose()?;
        let client = self.client().await?;
        let row = statement!("standing-checked")
            .optional(&client, &[&proof.instance, &proof.domain, &seen])
            .await?;
        row.map_or(Ok(false), |row| Ok(row.try_get(0)?))
    }
}
