//! Migrations while programs of an older schema are at work.

use std::collections::BTreeMap;

use anyhow::Context as _;
use store::{DatabaseArgs, SharedSettings, Store};
use tokio::time::timeout;

use super::desk;
use crate::world::{PATIENCE, connect, until};

/// Migrations that wait for the writers of several tables, and what undoes them.
const WAITING: [(&str, &str); 2] = [
    (
        include_str!("../../../../../shared/store/src/migrations/0039_page_watches.sql"),
        "drop function notify_page, notify_page_of_claim, notify_page_of_new_claims cascade; drop table page_watches",
    ),
    (
        include_str!("../../../../../shared/store/src/migrations/0040_operator_page.sql"),
        "drop index operations_running, operations_failed, operations_succeeded, instances_of_tenant, instances_beginning, \
           claims_from_the_end, certificates_ending; \
         create index instances_tenant on instances (tenant)",
    ),
];
/// What `Store::provision` writes first …
const BEGUN: &str = "begin;
    insert into instances (id, tenant, service_id, plan_id, settings, request) values ('i', 't', 's', 'p', '{}', '{}');
    insert into claims (instance_id, tenant, domain) values ('i', 't', 'www.example.com')";
/// … and then.
const DONE: &str =
    "insert into operations (id, instance_id, kind, deadline_at) values (md5('o')::uuid, 'i', 'provision', now());
    commit";

#[tokio::test]
async fn a_migration_and_a_creation_never_wait_for_each_other() -> anyhow::Result<()> {
    for (migration, undo) in WAITING {
        let desk = desk().await?;
        let (sql, writer, migrator) = (
            connect(&desk.url).await?,
            connect(&desk.url).await?,
            connect(&desk.url).await?,
        );
        sql.batch_execute(undo).await?;
        let row = migrator.query_one("select pg_backend_pid()", &[]).await?;
        let process: i32 = row.try_get(0)?;
        writer.batch_execute(BEGUN).await?;
        let migrate = format!("begin; {migration}; commit");
        let migrating = tokio::spawn(async move { migrator.batch_execute(&migrate).await });
        until("the migration waits for the creation", async || {
            let waits = "select exists (select from pg_locks where pid = $1 and not granted)";
            Ok(sql.query_one(waits, &[&process]).await?.try_get(0)?)
        })
        .await?;
        writer.batch_execute(DONE).await?;
        migrating.await??;
    }
    Ok(())
}

/// A lock is held for one migration, and not for all that are to come.
#[tokio::test]
async fn each_migration_is_a_transaction() -> anyhow::Result<()> {
    let desk = desk().await?;
    let moments = "select count(*), count(distinct applied_at) from schema_migrations";
    let row = connect(&desk.url).await?.query_one(moments, &[]).await?;
    let (migrations, moments): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    assert!(migrations >= 40, "{migrations}");
    assert_eq!(migrations, moments);
    Ok(())
}

/// Everybody else would wait behind it for as long.
#[tokio::test]
async fn a_migration_waits_for_a_long_reader_for_a_moment_only() -> anyhow::Result<()> {
    let desk = desk().await?;
    let (sql, reader) = (connect(&desk.url).await?, connect(&desk.url).await?);
    reader.batch_execute("begin; select from steps limit 0").await?;
    // The next one changes `steps`.
    sql.batch_execute("delete from schema_migrations where version >= 36")
        .await?;
    let migrated = timeout(PATIENCE, desk.store.migrate()).await;
    let refused = migrated.context("it waits for ever")?.expect_err("the table is read");
    assert!(refused.is_transient(), "{refused}");
    sql.batch_execute("select from steps limit 0").await?;
    Ok(())
}

/// A deadlock, like what an administrator cancels, is an error that passes: the program goes on and doesn't end with it.
#[tokio::test]
async fn a_migration_that_is_interrupted_is_run_again() -> anyhow::Result<()> {
    let desk = desk().await?;
    let (sql, holder) = (connect(&desk.url).await?, connect(&desk.url).await?);
    holder
        .batch_execute("begin; lock table schema_migrations in access exclusive mode")
        .await?;
    let store = Store::new(&DatabaseArgs::at(&desk.url), "interrupted")?;
    let shared = SharedSettings {
        service: "test",
        values: BTreeMap::new(),
    };
    let interrupt = async {
        until("the migration waits, and is cancelled", async || {
            let cancel = "select pg_cancel_backend(pid) from pg_stat_activity \
                          where application_name = 'interrupted' and wait_event_type = 'Lock'";
            Ok(!sql.query(cancel, &[]).await?.is_empty())
        })
        .await?;
        holder.batch_execute("rollback").await?;
        anyhow::Ok(())
    };
    let (migrated, interrupted) = tokio::join!(worker::migrate_when_there(&store, &shared), interrupt);
    interrupted?;
    Ok(migrated?)
}
