//! Every instance in a line.

use pipeline::Reason;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;

/// Which instances; what is not set chooses all.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Whose newest operation is in this state, as in SQL.
    pub state: Option<String>,
    /// Of this tenant.
    pub tenant: Option<String>,
    /// That have one of these domains, or ask for one.
    pub domains: Option<Vec<String>>,
    /// Those that were removed as well.
    pub removed: bool,
}

/// An instance in a line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InstanceLine {
    /// The platform's id.
    pub id: String,
    /// Whose it is.
    pub tenant: String,
    /// Its domains, sorted; not those that a running update is about to add.
    pub domains: Vec<String>,
    /// CloudFront's id, once known.
    pub distribution_id: Option<String>,
    /// When it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was removed, if it was.
    #[serde(with = "time::serde::rfc3339::option")]
    pub deleted_at: Option<OffsetDateTime>,
    /// Its newest operation, renewals too.
    pub operation: Uuid,
    /// What that does, as in SQL.
    pub kind: String,
    /// How far it is, as in SQL.
    pub state: String,
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub operation_created_at: OffsetDateTime,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub operation_ended_at: Option<OffsetDateTime>,
    /// Why it failed, for the user.
    pub failure: Option<String>,
    /// Why it failed, for the operator.
    pub cause: Option<String>,
    /// How many of its steps wait.
    pub waiting: u64,
    /// One of them: what it does.
    pub waiting_step: Option<String>,
    /// The domain of that one; empty otherwise.
    pub waiting_subject: Option<String>,
    /// What that one waits for, after its first attempt.
    #[serde(with = "pipeline::reason::stored")]
    pub waiting_for: Option<Reason>,
    /// When that one is tried next.
    #[serde(with = "time::serde::rfc3339::option")]
    pub due_at: Option<OffsetDateTime>,
    /// When the certificate in use ends.
    #[serde(with = "time::serde::rfc3339::option")]
    pub certificate_not_after: Option<OffsetDateTime>,
    /// The database's time of the answer.
    #[serde(with = "time::serde::rfc3339")]
    pub read_at: OffsetDateTime,
}

impl Store {
    /// The chosen instances, the oldest first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn instance_lines(&self, choice: &Choice) -> Result<Vec<InstanceLine>, StoreError> {
        let client = self.pool.get().await?;
        let rows = client
            .query(
                include_str!("overview.sql"),
                &[&choice.state, &choice.tenant, &choice.domains, &choice.removed],
            )
            .await?;
        rows.iter()
            .map(|row| Ok(serde_json::from_value(row.try_get(0)?)?))
            .collect()
    }
}
