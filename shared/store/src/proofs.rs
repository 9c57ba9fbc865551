//! How the domains of an instance were last proved: its tenant can read this as long as the instance exists.

use pipeline::proof::{Challenges, Method};

use crate::connection::Store;
use crate::error::StoreError;
use crate::orders::CHALLENGES;
use crate::statement::statement;

/// The proofs of the domains of the instance `$1`, where a statement has `{proofs}`: the claim `c`, the operation `o`, the step
/// `s` and, as far as it is there, the order `r`.
pub(crate) const PROOFS: &str = "claims c join operations o on o.instance_id = c.instance_id \
     join steps s on s.operation_id = o.id and s.kind = 'verify-challenge' and s.subject = c.domain \
       and s.state = 'done' and s.method is not null \
     left join orders r on r.operation_id = o.id and r.round = s.round";

/// The proof of one domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The name.
    pub domain: String,
    /// The challenge type whose proof was found in place.
    pub method: Method,
    /// The challenges that the order offered, where known.
    pub challenges: Option<Challenges>,
}

impl Store {
    /// How the instance's domains were last proved, by name.
    ///
    /// # Errors
    /// Database errors.
    pub async fn proofs(&self, instance: &str) -> Result<Vec<Proof>, StoreError> {
        let client = self.client().await?;
        let rows = statement!("proofs")
            .with("proofs", PROOFS)
            .with("challenges", CHALLENGES)
            .all(&client, &[&instance])
            .await?;
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
