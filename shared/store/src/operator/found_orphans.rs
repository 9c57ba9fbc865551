//! Orphans found by the reconcilers.

use serde::Serialize;
use time::OffsetDateTime;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;

/// Something in AWS that provably belongs to this broker and that no instance here manages.
#[derive(Debug, Clone, Serialize)]
pub struct Orphan {
    /// `distribution`, `function` or `certificate`.
    pub kind: String,
    /// Its id in AWS, or the name in the case of a certificate or function.
    pub aws_id: String,
    /// The instance that it was created for.
    pub instance: Option<String>,
    /// Since when it has had no owner.
    #[serde(with = "time::serde::rfc3339")]
    pub first_seen: OffsetDateTime,
    /// When it was last seen.
    #[serde(with = "time::serde::rfc3339")]
    pub last_seen: OffsetDateTime,
    /// When it was removed.
    #[serde(with = "time::serde::rfc3339::option")]
    pub removed_at: Option<OffsetDateTime>,
    /// The database's time of the answer.
    #[serde(with = "time::serde::rfc3339")]
    pub read_at: OffsetDateTime,
}

impl Store {
    /// Orphans; with `removed` also those that were removed.
    ///
    /// # Errors
    /// Database errors.
    pub async fn found_orphans(&self, removed: bool) -> Result<Vec<Orphan>, StoreError> {
        let client = self.client().await?;
        let rows = Statement::new(
            "operator-orphans",
            "select kind, aws_id, instance_id, first_seen, last_seen, removed_at, now() as read_at from orphans \
             where $1 or removed_at is null order by first_seen, kind, aws_id",
        )
        .all(&client, &[&removed])
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Orphan {
                    kind: row.try_get("kind")?,
                    aws_id: row.try_get("aws_id")?,
                    instance: row.try_get("instance_id")?,
                    first_seen: row.try_get("first_seen")?,
                    last_seen: row.try_get("last_seen")?,
                    removed_at: row.try_get("removed_at")?,
                    read_at: row.try_get("read_at")?,
                })
            })
            .collect()
    }
}
