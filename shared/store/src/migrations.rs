//! Migrations: numbered SQL files, run once, by the first process that starts.

use deadpool_postgres::Transaction;
use tokio_postgres::error::SqlState;

use crate::connection::Store;
use crate::error::StoreError;
use crate::statement::Statement;

/// One step of the schema.
struct Migration {
    version: i32,
    /// The oldest program, identified by the newest migration it knows, that still works once this one has run. An
    /// additive migration repeats its predecessor's value; raise it when something that old programs use is removed.
    works_with: i32,
    sql: &'static str,
}

impl Migration {
    const fn new(version: i32, works_with: i32, sql: &'static str) -> Self {
        Self {
            version,
            works_with,
            sql,
        }
    }
}

const MIGRATIONS: &[Migration] = &[
    Migration::new(1, 1, include_str!("migrations/0001_first.sql")),
    Migration::new(2, 1, include_str!("migrations/0002_nothing_lost.sql")),
    Migration::new(3, 1, include_str!("migrations/0003_update.sql")),
    Migration::new(4, 1, include_str!("migrations/0004_who_asked.sql")),
    Migration::new(5, 1, include_str!("migrations/0005_function.sql")),
    Migration::new(6, 1, include_str!("migrations/0006_log_level.sql")),
    Migration::new(7, 1, include_str!("migrations/0007_renew.sql")),
    Migration::new(8, 1, include_str!("migrations/0008_distrust.sql")),
    Migration::new(9, 1, include_str!("migrations/0009_iam_usage.sql")),
    Migration::new(10, 1, include_str!("migrations/0010_renewals_end.sql")),
    Migration::new(11, 1, include_str!("migrations/0011_offers.sql")),
    Migration::new(12, 1, include_str!("migrations/0012_caa.sql")),
    Migration::new(13, 1, include_str!("migrations/0013_rollover.sql")),
    Migration::new(14, 1, include_str!("migrations/0014_to_revoke.sql")),
    Migration::new(15, 1, include_str!("migrations/0015_claims.sql")),
    Migration::new(16, 1, include_str!("migrations/0016_persist_forms.sql")),
    Migration::new(17, 1, include_str!("migrations/0017_ca_usage.sql")),
    Migration::new(18, 1, include_str!("migrations/0018_tenants.sql")),
    Migration::new(19, 1, include_str!("migrations/0019_unproved.sql")),
    Migration::new(20, 1, include_str!("migrations/0020_slow_looks.sql")),
    Migration::new(21, 1, include_str!("migrations/0021_uploaded.sql")),
    Migration::new(22, 1, include_str!("migrations/0022_reason.sql")),
    Migration::new(23, 1, include_str!("migrations/0023_challenges.sql")),
    Migration::new(24, 1, include_str!("migrations/0024_certificate_reference.sql")),
    Migration::new(25, 1, include_str!("migrations/0025_shared_settings.sql")),
    Migration::new(26, 1, include_str!("migrations/0026_delegation.sql")),
    Migration::new(27, 1, include_str!("migrations/0027_standing_proofs.sql")),
    Migration::new(28, 1, include_str!("migrations/0028_several_cas.sql")),
    Migration::new(29, 1, include_str!("migrations/0029_dns_responder.sql")),
    Migration::new(30, 1, include_str!("migrations/0030_inherited_targets.sql")),
    Migration::new(31, 1, include_str!("migrations/0031_operation_version.sql")),
    Migration::new(32, 1, include_str!("migrations/0032_history.sql")),
    Migration::new(33, 1, include_str!("migrations/0033_due.sql")),
    Migration::new(34, 1, include_str!("migrations/0034_certificate_count.sql")),
    Migration::new(35, 1, include_str!("migrations/0035_page_links.sql")),
    Migration::new(36, 1, include_str!("migrations/0036_looks_asked_for.sql")),
    Migration::new(37, 1, include_str!("migrations/0037_audit_log.sql")),
    Migration::new(38, 1, include_str!("migrations/0038_history_and_durations.sql")),
    Migration::new(39, 1, include_str!("migrations/0039_page_watches.sql")),
    Migration::new(40, 1, include_str!("migrations/0040_operator_page.sql")),
    Migration::new(41, 1, include_str!("migrations/0041_outside_checks.sql")),
    Migration::new(42, 1, include_str!("migrations/0042_notices.sql")),
];

/// Key of the advisory lock: any constant that nothing else in the database uses.
const LOCK: i64 = 0x6364_6e62;

/// The schema version that this program contains.
pub(crate) fn newest() -> i32 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

impl Store {
    /// Migrates the schema to this program's version. Safe to call from every process at once. On a newer schema this
    /// program keeps working as long as that schema's migrations allow it, so a rolling upgrade may restart old
    /// programs.
    ///
    /// # Errors
    /// [`StoreError::SchemaTooNew`] when a newer program has migrated beyond what this one can work with; database
    /// errors, transient ones when others are at work on its tables.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let closed = self.while_closed();
        // Each in a transaction of its own: a lock on one table must not outlast the work on all others, and requests and
        // records lock several tables in an order of their own.
        while closed.in_transaction("migrate", step_up).await? {}
        self.open();
        Ok(())
    }

    /// One harmless statement that checks that the database is reachable and has the schema that this program needs.
    ///
    /// # Errors
    /// When it is not reachable or lacks the schema.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let client = self.while_closed().client().await?;
        let row = Statement::new(
            "ping",
            "select coalesce(max(version), 0), coalesce(max(works_with), 0) from schema_migrations",
        )
        .expects(SqlState::UNDEFINED_TABLE)
        .one(&client, &[])
        .await
        .map_err(|error| match error {
            StoreError::Expected { .. } => StoreError::NotMigrated,
            error => error,
        })?;
        let (found, works_with): (i32, i32) = (row.try_get(0)?, row.try_get(1)?);
        let known = newest();
        if works_with > known {
            return Err(StoreError::SchemaTooNew { found, known });
        }
        if found < known {
            return Err(StoreError::NotMigrated);
        }
        Ok(())
    }
}

/// The current version, read once no other process migrates.
async fn lock_and_read_version(tx: &Transaction<'_>) -> Result<i32, StoreError> {
    // A migration may take long, and the other processes wait for it.
    Statement::new(
        "migrate-no-timeouts",
        "set local statement_timeout = 0; set local lock_timeout = 0",
    )
    .batch(tx)
    .await?;
    Statement::new("migrate-lock", "select pg_advisory_xact_lock($1)")
        .run(tx, &[&LOCK])
        .await?;
    Statement::new(
        "migrate-table",
        "create table if not exists schema_migrations \
           (version integer primary key, applied_at timestamptz not null default now()); \
         alter table schema_migrations add column if not exists works_with integer not null default 1",
    )
    .batch(tx)
    .await?;
    let row = Statement::new(
        "migrate-version",
        "select coalesce(max(version), 0), coalesce(max(works_with), 0) from schema_migrations",
    )
    .one(tx, &[])
    .await?;
    let (found, works_with): (i32, i32) = (row.try_get(0)?, row.try_get(1)?);
    let known = newest();
    if works_with > known {
        return Err(StoreError::SchemaTooNew { found, known });
    }
    if found > known {
        tracing::warn!(
            found,
            known,
            "the schema is newer than this program, which still works with it"
        );
    }
    Ok(found)
}

/// Runs the next migration, unless it has to wait for long. `false`: there was none left.
async fn step_up(tx: &Transaction<'_>) -> Result<bool, StoreError> {
    let found = lock_and_read_version(tx).await?;
    let Some(migration) = MIGRATIONS.iter().find(|migration| migration.version > found) else {
        return Ok(false);
    };
    // Whoever comes later waits behind it for the same table. A dump of the database may read it for an hour.
    Statement::new("migrate-patience", "set local lock_timeout = '2s'")
        .batch(tx)
        .await?;
    Statement::new("migration", migration.sql).batch(tx).await?;
    Statement::new(
        "migrate-record",
        "insert into schema_migrations (version, works_with) values ($1, $2)",
    )
    .run(tx, &[&migration.version, &migration.works_with])
    .await?;
    tracing::info!(version = migration.version, "schema migrated");
    Ok(true)
}
