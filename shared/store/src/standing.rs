//! Proofs that were set once, looked at in between: a tenant learns that a record is gone when it goes, and not when the
//! renewal fails.

use std::time::Duration;

use pipeline::Reason;
use pipeline::proof::{Challenges, Method};
use pipeline::reason::stored;
use serde_json::Value;
use tokio_postgres::Row;

use crate::connection::Store;
use crate::error::StoreError;
use crate::notices::births;
use crate::orders::CHALLENGES;
use crate::statement::{Session, statement};
use crate::steps::{as_millis, lock_instance};

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
    /// new; then its tenant is told, once a day at most.
    ///
    /// # Errors
    /// Database errors.
    pub async fn standing_proof_checked(
        &self,
        proof: &StandingProof,
        gone: Option<&Reason>,
    ) -> Result<bool, StoreError> {
        let Some(gone) = gone else {
            let client = self.client().await?;
            checked(&client, proof, None).await?;
            return Ok(false);
        };
        let seen = stored::write(gone)?;
        self.in_transaction("standing-gone", async |tx| {
            lock_instance(tx, &proof.instance).await?;
            let Some(row) = checked(tx, proof, Some(&seen)).await? else {
                return Ok(false);
            };
            let is_new: bool = row.try_get(0)?;
            if is_new {
                births::lapses(tx, &proof.instance, &proof.domain, row.try_get(1)?).await?;
            }
            Ok(is_new)
        })
        .await
    }
}

/// The domain's row, if there is one, and what was seen of it.
async fn checked(on: &impl Session, proof: &StandingProof, seen: Option<&Value>) -> Result<Option<Row>, StoreError> {
    statement!("standing-checked")
        .with("day", births::DAY)
        .optional(on, &[&proof.instance, &proof.domain, &seen])
        .await
}
