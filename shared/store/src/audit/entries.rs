//! Reading the audit log.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;
use crate::steps::as_millis;

/// Which entries of the audit log.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditFilter<'f> {
    /// Only those of this instance.
    pub instance: Option<&'f str>,
    /// Only those of the last while.
    pub since: Option<Duration>,
    /// Only those before the entry with this id: the next page.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: i64,
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditEntry {
    /// Its number; a later one has a higher number.
    pub id: i64,
    /// When it was written.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Who acted: of cdnctl a claim.
    pub who: String,
    /// The program: `cdnctl` or `operator-page`.
    pub via: String,
    /// The role as which the program had logged in to PostgreSQL.
    pub db_role: String,
    /// What was done.
    pub action: String,
    /// On which instance.
    pub instance: Option<String>,
    /// On which operation.
    pub operation: Option<Uuid>,
    /// On what else: a domain, a distribution, tenants, a message.
    pub subject: Option<String>,
    /// The rest, an object.
    pub details: Value,
}

const ENTRIES: &str = "select id, at, who, via, db_role, action, instance_id, operation_id, subject, details \
     from audit_log where ($1::float8 is null or at >= now() - $1::float8 * interval '1 millisecond') \
     and ($2::bigint is null or id < $2)";

impl Store {
    /// The newest matching entries of the audit log, the newest first.
    ///
    /// # Errors
    /// Database errors.
    pub async fn audit(&self, filter: &AuditFilter<'_>) -> Result<Vec<AuditEntry>, StoreError> {
        let client = self.client().await?;
        let since = filter.since.map(as_millis);
        // Two statements, so that each has a plan with its own index, whatever the values.
        let rows = match filter.instance {
            None => {
                Statement::new("audit-entries", format!("{ENTRIES} order by id desc limit $3"))
                    .all(&client, &[&since, &filter.before, &filter.limit])
                    .await?
            }
            Some(instance) => {
                Statement::new(
                    "audit-entries-of-instance",
                    format!("{ENTRIES} and instance_id = $4 order by id desc limit $3"),
                )
                .all(&client, &[&since, &filter.before, &filter.limit, &instance])
                .await?
            }
        };
        rows.iter().map(entry_from).collect()
    }
}

fn entry_from(row: &Row) -> Result<AuditEntry, StoreError> {
    Ok(AuditEntry {
        id: row.try_get("id")?,
        at: row.try_get("at")?,
        who: row.try_get("who")?,
        via: row.try_get("via")?,
        db_role: row.try_get("db_role")?,
        action: row.try_get("action")?,
        instance: row.try_get("instance_id")?,
        operation: row.try_get("operation_id")?,
        subject: row.try_get("subject")?,
        details: row.try_get("details")?,
    })
}
