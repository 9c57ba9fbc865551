//! Migrations: numbered SQL files, run once, by whoever comes first.

use crate::connection::Store;
use crate::error::StoreError;

const MIGRATIONS: &[(i32, &str)] = &[(1, include_str!("migrations/0001_first.sql"))];

/// Key of the advisory lock: any constant that nothing else in the database uses.
const LOCK: i64 = 0x6364_6e62;

/// The schema's version that this program brings.
pub(crate) fn newest() -> i32 {
    MIGRATIONS.last().map_or(0, |(version, _)| *version)
}

impl Store {
    /// Brings the schema up to this program's version. Safe to call from every process at once.
    ///
    /// # Errors
    /// [`StoreError::SchemaTooNew`] when a newer program has migrated further; database errors.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.in_transaction("migrate", async |tx| {
            tx.execute("select pg_advisory_xact_lock($1)", &[&LOCK]).await?;
            tx.batch_execute(
                "create table if not exists schema_migrations (version integer primary key, applied_at timestamptz not null default now())",
            )
            .await?;
            let found: i32 = tx
                .query_one("select coalesce(max(version), 0) from schema_migrations", &[])
                .await?
                .try_get(0)?;
            let known = newest();
            if found > known {
                return Err(StoreError::SchemaTooNew { found, known });
            }
            for (version, sql) in MIGRATIONS.iter().filter(|(version, _)| *version > found) {
                tx.batch_execute(sql).await?;
                tx.execute("insert into schema_migrations (version) values ($1)", &[version]).await?;
                tracing::info!(version, "schema migrated");
            }
            Ok(())
        })
        .await
    }
}
