//! What is asked all the time is answered by indexes: in a database of years no question may read a whole table.

use std::time::{Duration, Instant};

use anyhow::ensure;
use store::{Counted, DatabaseArgs, Store, StoreError};
use tokio_postgres::Client;

use crate::world::{connect, until, world};

/// Enough for PostgreSQL to choose as it does at the 120,000 that docs/decisions.md has figures of.
const ROWS: i32 = 40_000;
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// Orders and certificates of ten accounts, one each four minutes; one in four replaces another, and one in four is below one domain.
const YEARS: &str = "
    insert into instances (id, tenant, service_id, plan_id, settings, request) values ('i', 't', 's', 'p', '{}', '{}');
    insert into acme_accounts (tenant, directory_url, sealed_key, account_uri, created_at)
        select 't' || i, 'https://ca.test/dir', '', 'https://ca.test/a/' || i, now() - i * interval '4 minutes' from generate_series(1, $rows) i;
    insert into operations (id, instance_id, kind, state, created_at, deadline_at, ended_at)
        select md5('o' || i)::uuid, 'i', 'update', 'succeeded', now() - i * interval '4 minutes', now(), now() - i * interval '4 minutes'
            from generate_series(1, $rows) i;
    insert into orders (id, operation_id, round, account_uri, replaces, created_at)
        select md5('r' || i)::uuid, md5('o' || i)::uuid, 0, 'https://ca.test/a/' || i % 10, case when i % 4 = 0 then 'x' end,
            now() - i * interval '4 minutes' from generate_series(1, $rows) i;
    insert into certificates (id, instance_id, order_id, names, chain_pem, not_before, not_after, created_at) select md5('c' || i)::uuid, 'i', md5('r' || i)::uuid,
            case when i % 4 = 1 then array['h' || i || '.apps.example.com'] else array['www.d' || i % 20000 || '.test', 'd' || i % 20000 || '.test'] end,
            '', now(), now(), now() - i * interval '4 minutes' from generate_series(1, $rows) i;
    insert into authorizations (order_id, domain, url, valid, challenges)
        select id, 'a.example.com', '', false,
            jsonb_build_object('offered', jsonb_build_object('http-01', jsonb_build_object('token', 'token-' || id, 'key_authorization', 'answer')))
            from orders;
    update operations set state = 'running' where id = md5('o1')::uuid;
    drop table counted_names;
    drop index orders_counted, acme_accounts_counted";

/// What is counted of what was there before.
const MIGRATION: &str = include_str!("../../../../shared/store/src/migrations/0017_ca_usage.sql");
/// And what a later migration adds to it.
const LATER: &str = "alter table counted_names add column directory_url text";

/// Nothing but the questions may read.
const QUIET: &str = "
    alter table orders set (autovacuum_enabled = false);
    alter table authorizations set (autovacuum_enabled = false);
    alter table certificates set (autovacuum_enabled = false);
    alter table operations set (autovacuum_enabled = false);
    alter table acme_accounts set (autovacuum_enabled = false)";

/// A database of years.
pub(crate) struct Years {
    url: String,
    sql: Client,
}

impl Years {
    async fn made(name: &str) -> anyhow::Result<Self> {
        let years = YEARS.replace("$rows", &ROWS.to_string());
        let statements = [
            QUIET,
            &years,
            MIGRATION,
            LATER,
            "alter table counted_names set (autovacuum_enabled = false)",
            "analyze",
        ];
        Self::with(name, &statements).await
    }

    /// One with what these statements make.
    pub(crate) async fn with(name: &str, statements: &[&str]) -> anyhow::Result<Self> {
        let e = world().await.handle.endpoints();
        let admin = connect(&e.database_url).await?;
        let drop = format!("drop database if exists {name} with (force)");
        admin.execute(&drop, &[]).await?;
        admin.execute(&format!("create database {name}"), &[]).await?;
        let (server, _) = e.database_url.rsplit_once('/').unwrap_or_default();
        let url = format!("{server}/{name}");
        Store::new(&DatabaseArgs::at(&url), "migrates")?.migrate().await?;
        // A connection of its own: PostgreSQL counts what it read when it ends, before anything is asked.
        let making = connect(&url).await?;
        for statement in statements {
            making.batch_execute(statement).await?;
        }
        std::mem::drop(making);
        let sql = connect(&url).await?;
        Ok(Self { url, sql })
    }

    /// The answer, once it is seen that no table was read for it as a whole: neither with a plan for the values, nor with the one
    /// for any value that PostgreSQL may choose for a prepared statement.
    async fn asked<T>(&self, what: &str, ask: impl AsyncFn(&Store) -> Result<T, StoreError>) -> anyhow::Result<T> {
        // Of 500 and more.
        self.asked_within(150, what, ask).await
    }

    /// The same, once it is seen that fewer blocks were read.
    pub(crate) async fn asked_within<T>(
        &self,
        most: i64,
        what: &str,
        ask: impl AsyncFn(&Store) -> Result<T, StoreError>,
    ) -> anyhow::Result<T> {
        self.asked_by("force_generic_plan", most, what, &ask).await?;
        self.asked_by("force_custom_plan", most, what, &ask).await
    }

    /// Its address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A connection to it.
    pub(crate) fn sql(&self) -> &Client {
        &self.sql
    }

    async fn asked_by<T>(
        &self,
        mode: &str,
        most: i64,
        what: &str,
        ask: &impl AsyncFn(&Store) -> Result<T, StoreError>,
    ) -> anyhow::Result<T> {
        let (_, database) = self.url.rsplit_once('/').unwrap_or_default();
        let statement = format!("alter database {database} set plan_cache_mode = {mode}");
        self.sql.batch_execute(&statement).await?;
        self.alone().await?;
        let before = self.read().await?;
        let store = Store::new(&DatabaseArgs::at(&self.url), "asks")?;
        let begun = Instant::now();
        let answer = ask(&store).await?;
        let took = begun.elapsed();
        drop(store);
        self.alone().await?;
        let after = self.read().await?;
        let (blocks, rows) = (after.0 - before.0, after.1 - before.1);
        println!("{what}, {mode}: {took:?}, {blocks} blocks, {rows} rows by scans");
        // `instances` and such have a handful of rows, which are read in one block.
        ensure!(
            rows < 100,
            "{what}, {mode}: {rows} rows by scans: whole tables were read"
        );
        ensure!(blocks < most, "{what}, {mode}: {blocks} blocks");
        Ok(answer)
    }

    /// How many blocks of tables were read, and rows by sequential scans, by all who have left.
    async fn read(&self) -> anyhow::Result<(i64, i64)> {
        let row = self
            .sql
            .query_one(
                "select (select sum(heap_blks_read + heap_blks_hit)::bigint from pg_statio_user_tables), \
                 (select sum(seq_tup_read)::bigint from pg_stat_user_tables)",
                &[],
            )
            .await?;
        Ok((row.get(0), row.get(1)))
    }

    /// Until all other connections are gone: what they read is told then at the latest.
    async fn alone(&self) -> anyhow::Result<()> {
        until("nobody else is connected", async || {
            let row = self
                .sql
                .query_one(
                    "select count(*) from pg_stat_activity where datname = current_database() \
                     and pid <> pg_backend_pid() and backend_type = 'client backend'",
                    &[],
                )
                .await?;
            Ok(row.get::<_, i64>(0) == 0)
        })
        .await
    }
}

#[tokio::test]
async fn what_is_asked_all_the_time_reads_no_table_as_a_whole() -> anyhow::Result<()> {
    let years = Years::made("years").await?;
    let exactly = ["www.d7.test".to_owned(), "d7.test".to_owned()];
    for (what, counted, most, waits) in [
        ("orders", Counted::Orders("https://ca.test/a/1"), 100, true),
        ("orders", Counted::Orders("https://ca.test/a/1"), 2_000, false),
        ("accounts", Counted::Accounts("https://ca.test/dir"), 10, true),
        (
            "the same names",
            Counted::Same("https://ca.test/dir", &exactly),
            1,
            true,
        ),
        (
            "the same names",
            Counted::Same("https://ca.test/dir", &exactly),
            5,
            false,
        ),
        (
            "a small domain",
            Counted::Domain("https://ca.test/dir", "d7.test"),
            50,
            false,
        ),
        (
            "the largest domain",
            Counted::Domain("https://ca.test/dir", "example.com"),
            50,
            true,
        ),
        (
            "nobody's domain",
            Counted::Domain("https://ca.test/dir", "example.net"),
            50,
            false,
        ),
    ] {
        let free_in = years
            .asked(what, async |store| store.ca_free_in(&counted, most, WEEK).await)
            .await?;
        assert_eq!(free_in.is_some(), waits, "{what}: {free_in:?}");
    }

    // What is too young to be deleted is not read.
    let pruned = years
        .asked("the history", async |store| store.prune_history(520 * WEEK).await)
        .await?;
    assert!(pruned.is_empty(), "{pruned}");

    // The status page of an instance with all these operations.
    let page = years.asked("a page", async |store| store.page("i").await).await?;
    assert_eq!(page.map(|page| page.facts.operations.len()), Some(20));

    // And while somebody has it open.
    years
        .asked("an open page", async |store| store.watch_page("i").await)
        .await?;

    // As many tokens as one look may have, one of which is live.
    let live = years
        .asked("live challenges", async |store| {
            store.live_http01_answers(100_000).await
        })
        .await?;
    assert_eq!(live.len(), 1);
    let made_up: Vec<String> = (0..1_023).map(|number| format!("made-up-{number}")).collect();
    let tokens: Vec<&str> = made_up
        .iter()
        .map(String::as_str)
        .chain([live[0].token.as_str()])
        .collect();
    let found = years
        .asked("a look", async |store| store.http01_answers(&tokens).await)
        .await?;
    assert_eq!(found, live);
    Ok(())
}

/// Checks from outside, of which three wait.
const CHECKS: &str = "
    insert into instances (id, tenant, service_id, plan_id, settings, request)
        select 'i' || i, 't', 's', 'p', '{}', '{}' from generate_series(1, $rows) i;
    insert into outside_checks (instance_id, asked_at, attempts, taken_at, done_at)
        select 'i' || i, now() - i * interval '1 minute', 1, now() - i * interval '1 minute', now() from generate_series(1, $rows) i;
    update outside_checks set attempts = 0, taken_at = null, done_at = null where instance_id in ('i1', 'i20000', 'i39999')";

#[tokio::test]
async fn a_check_from_outside_that_waits_is_found_by_an_index() -> anyhow::Result<()> {
    let checks = CHECKS.replace("$rows", &ROWS.to_string());
    let quiet = "alter table outside_checks set (autovacuum_enabled = false)";
    let years = Years::with("checks", &[quiet, &checks, "analyze"]).await?;
    let taken = years
        .asked("a check that waits", async |store| store.take_outside_check().await)
        .await?;
    // The oldest one was taken with the other plan.
    assert_eq!(taken.map(|check| check.instance).as_deref(), Some("i20000"));
    Ok(())
}
