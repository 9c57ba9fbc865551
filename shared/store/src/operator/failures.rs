//! What failed within the last day, by the step at which it failed and by what that had waited for.

use serde::{Deserialize, Serialize};

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::statement;

/// In SQL: why the operation `o`, whose failed step is `f`, failed, in a few words that many failures share: what the step last waited for or,
/// where no step failed, who ended the operation.
pub(super) const WHY: &str = "coalesce(case when f.kind is null then o.cause \
     else nullif(concat_ws(' ', f.reason->>'reason', f.reason->>'ca', f.reason->>'aws', f.reason->>'broker'), '') end, '')";

/// Failures of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// The kind of the operations, as in SQL.
    pub operation: String,
    /// The kind of the step that failed, as in SQL; none: the operation was ended by an operator or by another instance.
    pub step: Option<String>,
    /// The reason for which that step last waited, or who ended the operation; empty: it never waited.
    pub why: String,
    /// How many.
    pub count: u64,
}

impl Store {
    /// The failures of the last day, the most frequent first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn failures_of_the_day(&self) -> Result<Vec<Failures>, StoreError> {
        let client = self.client().await?;
        let rows = statement!("operator-failures")
            .with("why", WHY)
            .all(&client, &[])
            .await?;
        rows.iter()
            .map(|row| Ok(serde_json::from_value(row.try_get(0)?)?))
            .collect()
    }
}
