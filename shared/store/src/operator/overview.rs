//! A one-line summary of every instance.

use pipeline::Reason;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::{Statement, statement};

/// A filter for instances; an unset field matches all.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Whose newest operation is in this state, as in SQL.
    pub state: Option<String>,
    /// Of this tenant.
    pub tenant: Option<String>,
    /// That have or request one of these domains.
    pub domains: Option<Vec<String>>,
    /// Include removed instances.
    pub removed: bool,
}

/// The one-line summary of an instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InstanceLine {
    /// The platform's id.
    pub id: String,
    /// The instance's tenant.
    pub tenant: String,
    /// Its domains, sorted; not those that a running update is about to add.
    pub domains: Vec<String>,
    /// CloudFront's id of the distribution, once known.
    pub distribution_id: Option<String>,
    /// When it was requested.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was removed, if it was.
    #[serde(with = "time::serde::rfc3339::option")]
    pub deleted_at: Option<OffsetDateTime>,
    /// Its newest operation, including renewals.
    pub operation: Uuid,
    /// The operation's kind, as in SQL.
    pub kind: String,
    /// The operation's state, as in SQL.
    pub state: String,
    /// When it was accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub operation_created_at: OffsetDateTime,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    pub operation_ended_at: Option<OffsetDateTime>,
    /// Why it failed, as shown to the user.
    pub failure: Option<String>,
    /// Why it failed, for the operator.
    pub cause: Option<String>,
    /// The number of its waiting steps.
    pub waiting: u64,
    /// The kind of one of them.
    pub waiting_step: Option<String>,
    /// That step's domain; empty otherwise.
    pub waiting_subject: Option<String>,
    /// What that step waits for, after its first attempt.
    #[serde(with = "pipeline::reason::stored")]
    pub waiting_for: Option<Reason>,
    /// When that step is tried next.
    #[serde(with = "time::serde::rfc3339::option")]
    pub due_at: Option<OffsetDateTime>,
    /// When the certificate in use expires.
    #[serde(with = "time::serde::rfc3339::option")]
    pub certificate_not_after: Option<OffsetDateTime>,
    /// The database's time of the answer.
    #[serde(with = "time::serde::rfc3339")]
    pub read_at: OffsetDateTime,
}

/// In SQL: which instances a [`Choice`] chooses.
const CHOSEN: &str = "($1::text is null or o.state = $1) and ($2::text is null or i.tenant = $2) \
     and ($3::text[] is null or d.domains && $3 \
       or exists (select from claims k where k.instance_id = i.id and k.domain = any($3))) \
     and (i.deleted_at is null or $4)";

/// The summaries of the instances that the condition chooses.
pub(super) fn summaries(which: &str) -> Statement {
    statement!("operator-instances").with("which", which)
}

impl Store {
    /// The matching instances, the oldest first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn instance_lines(&self, choice: &Choice) -> Result<Vec<InstanceLine>, StoreError> {
        let client = self.client().await?;
        let rows = summaries(CHOSEN)
            .all(
                &client,
                &[&choice.state, &choice.tenant, &choice.domains, &choice.removed],
            )
            .await?;
        rows.iter().map(summary_from).collect()
    }
}

pub(super) fn summary_from(row: &Row) -> Result<InstanceLine, StoreError> {
    Ok(serde_json::from_value(row.try_get(0)?)?)
}
