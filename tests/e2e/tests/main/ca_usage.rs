//! What a CA limits is counted before each order, so it is counted by indexes: in a database of years, no question may read a whole table.

use std::time::{Duration, Instant};

use anyhow::ensure;
use store::{Counted, DatabaseArgs, Store};

use crate::world::{PATIENCE, connect, world};

/// Enough for PostgreSQL to choose as it does at the 120,000 that docs/decisions.md has figures of.
const ROWS: i32 = 40_000;
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// Orders and certificates of ten accounts, one each four minutes; one in four replaces another, and one in four is below one domain.
const YEARS: &str = "
    insert into instances (id, tenant, service_id, plan_id, settings, request) values ('i', 't', 's', 'p', '{}', '{}');
    insert into acme_accounts (tenant, directory_url, sealed_key, account_uri, created_at)
        select 't' || i, 'https://ca.test/dir', '', 'https://ca.test/a/' || i, now() - i * interval '4 minutes' from generate_series(1, $rows) i;
    insert into operations (id, instance_id, kind, state, created_at, deadline_at)
        select md5('o' || i)::uuid, 'i', 'update', 'succeeded', now() - i * interval '4 minutes', now() from generate_series(1, $rows) i;
    insert into orders (id, operation_id, round, account_uri, replaces, created_at)
        select md5('r' || i)::uuid, md5('o' || i)::uuid, 0, 'https://ca.test/a/' || i % 10, case when i % 4 = 0 then 'x' end,
            now() - i * interval '4 minutes' from generate_series(1, $rows) i;
    insert into certificates (id, instance_id, order_id, names, chain_pem, not_before, not_after, created_at) select md5('c' || i)::uuid, 'i', md5('r' || i)::uuid,
            case when i % 4 = 1 then array['h' || i || '.apps.example.com'] else array['www.d' || i % 20000 || '.test', 'd' || i % 20000 || '.test'] end,
            '', now(), now(), now() - i * interval '4 minutes' from generate_series(1, $rows) i;
    drop table counted_names;
    drop index orders_counted, acme_accounts_counted";

/// What is counted of what was there before.
const MIGRATION: &str = include_str!("../../../../shared/store/src/migrations/0017_ca_usage.sql");

/// How many blocks of tables were read, and rows by sequential scans, by all who have left.
async fn read(sql: &tokio_postgres::Client) -> anyhow::Result<(i64, i64)> {
    let row = sql
        .query_one(
            "select (select sum(heap_blks_read + heap_blks_hit)::bigint from pg_statio_user_tables), \
             (select sum(seq_tup_read)::bigint from pg_stat_user_tables)",
            &[],
        )
        .await?;
    Ok((row.get(0), row.get(1)))
}

/// Until the store's connections are gone: their figures are told then at the latest.
async fn alone(sql: &tokio_postgres::Client) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let row = sql
            .query_one(
                "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() \
                 and backend_type = 'client backend'",
                &[],
            )
            .await?;
        if row.get::<_, i64>(0) == 0 {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "somebody is still connected");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_a_ca_limits_is_counted_without_reading_whole_tables() -> anyhow::Result<()> {
    let e = world().await.handle.endpoints();
    let admin = connect(&e.database_url).await?;
    admin
        .execute("drop database if exists ca_usage with (force)", &[])
        .await?;
    admin.execute("create database ca_usage", &[]).await?;
    let (server, _) = e.database_url.rsplit_once('/').unwrap_or_default();
    let url = format!("{server}/ca_usage");
    let store = Store::new(&DatabaseArgs::at(&url), "migrates")?;
    store.migrate().await?;
    drop(store);
    let sql = connect(&url).await?;
    sql.batch_execute(&YEARS.replace("$rows", &ROWS.to_string())).await?;
    sql.batch_execute(MIGRATION).await?;
    sql.batch_execute("analyze").await?;

    let exactly = ["www.d7.test".to_owned(), "d7.test".to_owned()];
    for (what, counted, most, waits) in [
        ("orders", Counted::Orders("https://ca.test/a/1"), 100, true),
        ("orders", Counted::Orders("https://ca.test/a/1"), 2_000, false),
        ("accounts", Counted::Accounts("https://ca.test/dir"), 10, true),
        ("the same names", Counted::Same(&exactly), 1, true),
        ("the same names", Counted::Same(&exactly), 5, false),
        ("a small domain", Counted::Domain("d7.test"), 50, false),
        ("the largest domain", Counted::Domain("example.com"), 50, true),
        ("nobody's domain", Counted::Domain("example.net"), 50, false),
    ] {
        alone(&sql).await?;
        let before = read(&sql).await?;
        let store = Store::new(&DatabaseArgs::at(&url), "asks")?;
        let begun = Instant::now();
        let free_in = store.ca_free_in(&counted, most, WEEK).await?;
        let took = begun.elapsed();
        drop(store);
        alone(&sql).await?;
        let after = read(&sql).await?;
        let (blocks, rows) = (after.0 - before.0, after.1 - before.1);
        println!("{what}: {took:?}, {blocks} blocks, {rows} rows by scans");
        assert_eq!(free_in.is_some(), waits, "{what}: {free_in:?}");
        assert_eq!(rows, 0, "{what}: whole tables were read");
        assert!(blocks < 150, "{what}: {blocks} blocks of 500 and more");
    }
    Ok(())
}
