//! What nobody can ask for any more is deleted, and what a platform or a decision needs stays.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::Method;
use serde_json::json;
use stack::Options;
use store::{DatabaseArgs, Deprovision, Requester, Store, Whose};
use tokio_postgres::Client;

use crate::records::{Desk, desk};
use crate::scrape::Scrape;
use crate::world::{Instance, PATIENCE, World, connect, domain, organization, until};

const KEPT: Duration = Duration::from_secs(90 * 86_400);

/// An operation that ended so many days ago, with an order for one domain; `method` proved it, if anything. Its
/// certificate, if it has one, is out of its store, and is valid for so many days from now.
const PAST: &str = "
create function past(instance text, label text, what text, days integer, method text, valid_for integer) returns void
language plpgsql as $$
declare
    ended timestamptz := now() - days * interval '1 day';
    begun uuid := gen_random_uuid();
    placed uuid := gen_random_uuid();
    issued uuid := gen_random_uuid();
begin
    insert into operations (id, instance_id, kind, state, request_identity, created_at, deadline_at, ended_at)
        values (begun, instance, what, 'succeeded', label, ended, ended, ended);
    insert into steps (id, operation_id, kind, service, subject, round, state, method, due_at, deadline_at)
        values (gen_random_uuid(), begun, 'place-order', 'certificate-issuer', '', 0, 'done', null, ended, ended),
            (gen_random_uuid(), begun, 'verify-challenge', 'challenge-verifier', 'a.example.com', 0, 'done', method, ended, ended);
    insert into orders (id, operation_id, round, url, account_uri, created_at, expires_at)
        values (placed, begun, 0, 'https://ca.example/o/' || placed, 'https://ca.example/a/1', ended, ended);
    insert into authorizations (order_id, domain, url, valid, challenges)
        values (placed, 'a.example.com', '', false, '{\"v\": 1, \"offered\": {\"delegated-dns-01\":
            {\"target\": \"own.zone.example\", \"value\": \"v\"}}}');
    if valid_for is not null then
        insert into certificates (id, instance_id, order_id, names, chain_pem, not_before, not_after, attached_at, retired_at, created_at)
            values (issued, instance, placed, array['a.example.com'], '', ended, now() + valid_for * interval '1 day', ended, ended, ended);
        insert into counted_names (certificate_id, name, created_at) values (issued, 'a.example.com', ended);
    end if;
end
$$";

/// A database with a past.
struct Past {
    desk: Desk,
    sql: Client,
}

impl Past {
    async fn empty() -> anyhow::Result<Self> {
        let desk = desk().await?;
        let sql = connect(&desk.url).await?;
        sql.batch_execute(PAST).await?;
        Ok(Self { desk, sql })
    }

    /// An instance that exists, or was removed so many days ago.
    async fn instance(&self, id: &str, tenant: &str, removed: Option<i32>) -> anyhow::Result<()> {
        let request = json!({"parameters": {"domains": ["a.example.com"]}});
        self.sql
            .execute(
                "insert into instances (id, tenant, service_id, plan_id, settings, request, deleted_at) \
                 values ($1, $2, 's', 'p', '{}', $3, now() - $4::integer * interval '1 day')",
                &[&id, &tenant, &request, &removed],
            )
            .await?;
        Ok(())
    }

    /// An instance that was removed so many days ago; its certificate is valid for so many days from now.
    async fn removed(&self, id: &str, tenant: &str, days: i32, valid_for: i32) -> anyhow::Result<()> {
        self.instance(id, tenant, Some(days)).await?;
        self.operation(
            id,
            "provision",
            "provision",
            days + 30,
            Some("http-01"),
            Some(valid_for),
        )
        .await?;
        self.operation(id, "deprovision", "deprovision", days, None, None).await
    }

    async fn operation(
        &self,
        instance: &str,
        label: &str,
        kind: &str,
        days: i32,
        method: Option<&str>,
        valid_for: Option<i32>,
    ) -> anyhow::Result<()> {
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
            [&instance, &label, &kind, &days, &method, &valid_for];
        self.sql.execute("select past($1, $2, $3, $4, $5, $6)", &values).await?;
        Ok(())
    }

    /// The operations that are left, the oldest first.
    async fn left(&self) -> anyhow::Result<Vec<String>> {
        let rows = self
            .sql
            .query("select request_identity from operations order by created_at", &[])
            .await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    async fn instances(&self) -> anyhow::Result<BTreeSet<String>> {
        let rows = self.sql.query("select id from instances", &[]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    async fn count(&self, table: &str) -> anyhow::Result<i64> {
        let query = format!("select count(*) from {table}");
        Ok(self.sql.query_one(&query, &[]).await?.get(0))
    }

    async fn print_sizes(&self) -> anyhow::Result<()> {
        for row in self.sql.query(SIZES, &[]).await? {
            let (table, live, dead): (String, i64, i64) = (row.get(0), row.get(1), row.get(2));
            let (heap, indexes): (i64, i64) = (row.get(3), row.get(4));
            println!("  {table:<15} {live:>8} rows, {dead:>6} dead, {heap:>7} kB, indexes {indexes:>7} kB");
        }
        Ok(())
    }

    /// Many instances that exist, with five renewals each, of which only the newest is needed.
    async fn many(instances: i32) -> anyhow::Result<Self> {
        let past = Self::empty().await?;
        past.sql
            .execute(
                "insert into instances (id, tenant, service_id, plan_id, settings, request) \
                 select 'i' || i, 't', 's', 'p', '{}', '{}' from generate_series(1, $1::integer) i",
                &[&instances],
            )
            .await?;
        past.sql
            .execute(
                "select past('i' || i, 'renewal', 'renew', 100 + j, null, -1) \
                 from generate_series(1, $1::integer) i, generate_series(1, 5) j",
                &[&instances],
            )
            .await?;
        Ok(past)
    }
}

#[tokio::test]
async fn only_what_nothing_needs_goes() -> anyhow::Result<()> {
    let past = Past::empty().await?;
    past.instance("i", "t", None).await?;
    past.sql
        .batch_execute(
            "insert into claims (instance_id, domain, tenant, proved) values ('i', 'a.example.com', 't', true)",
        )
        .await?;
    for (label, kind, days, method, valid_for) in [
        ("first", "provision", 400, Some("http-01"), Some(-310)),
        ("expired", "renew", 300, None, Some(-210)),
        ("newest proof", "renew", 250, Some("http-01"), Some(-160)),
        ("still valid", "renew", 200, None, Some(10)),
        ("order that may be continued", "renew", 150, None, None),
        ("older update", "update", 130, None, None),
        ("what the platform sees", "update", 120, None, None),
        ("newest of all", "renew", 100, None, Some(-10)),
        ("too young", "renew", 10, None, Some(-1)),
    ] {
        past.operation("i", label, kind, days, method, valid_for).await?;
    }
    past.sql
        .batch_execute(
            "update orders r set expires_at = now() + interval '1 day' from operations o \
             where o.id = r.operation_id and o.request_identity = 'order that may be continued'",
        )
        .await?;
    past.sql
        .batch_execute(
            "insert into step_news (step_id, attempt, reason) \
             select id, 0, '{\"v\": 1, \"reason\": \"aws\", \"aws\": \"deploying\"}' from steps",
        )
        .await?;
    let pruned = past.desk.store.prune_history(KEPT).await?;
    // The newest of all is now one that is too young.
    let stays = [
        "newest proof",
        "still valid",
        "order that may be continued",
        "what the platform sees",
        "too young",
    ];
    assert_eq!(past.left().await?, stays, "{pruned}");
    assert_eq!(pruned.to_string(), "3 certificates, 4 operations, 4 orders, 8 steps");
    for (table, left) in [
        ("steps", 10),
        ("step_news", 10),
        ("orders", 5),
        ("authorizations", 5),
        ("certificates", 3),
        ("counted_names", 3),
    ] {
        assert_eq!(past.count(table).await?, left, "{table}");
    }

    // What was needed is not looked at before the same time has passed again, however little is needed now.
    past.sql.batch_execute("delete from claims").await?;
    assert!(past.desk.store.prune_history(KEPT).await?.is_empty());
    past.sql
        .batch_execute("update operations set kept_at = kept_at - interval '91 days'")
        .await?;
    past.desk.store.prune_history(KEPT).await?;
    assert_eq!(past.left().await?, stays[1..]);
    Ok(())
}

#[tokio::test]
async fn a_removed_instance_goes_when_nothing_of_it_is_left_anywhere() -> anyhow::Result<()> {
    let past = Past::empty().await?;
    past.removed("old", "t", 100, -1).await?;
    past.removed("young", "t", 10, -1).await?;
    past.removed("valid", "t", 100, 1).await?;
    past.removed("won", "t", 100, -1).await?;
    past.removed("in aws", "t", 100, -1).await?;
    past.removed("namespace", "k8s:c/n", 100, -1).await?;
    past.instance("lives", "t", None).await?;
    past.operation("lives", "provision", "provision", 5, None, None).await?;
    past.sql
        .batch_execute(
            "insert into claims (instance_id, domain, tenant, lost_at, lost_to) \
                 values ('lives', 'a.example.com', 't', now(), 'won');
             insert into orphans (kind, aws_id, instance_id) values ('function', 'f', 'in aws');
             insert into orphans (kind, aws_id, instance_id, removed_at) \
                 values ('function', 'g', 'old', now() - interval '100 days');
             insert into offers (distribution_id, distribution_domain, tenant, aliases, until, taken_by) \
                 values ('E1', 'd1', 't', '{}', now(), 'old');
             insert into offers (distribution_id, distribution_domain, tenant, aliases, until) \
                 values ('E2', 'd2', 't', '{}', now() - interval '100 days'), ('E3', 'd3', 't', '{}', now());
             insert into delegation_targets (tenant, domain, zone, label) \
                 values ('t', 'a.example.com', 'zone.example', 'own');
             insert into page_links (instance_id, expires_at) select id, now() from instances;
             insert into outside_checks (instance_id, asked_at) select id, now() from instances;
             update steps s set method = 'delegated-dns-01' from operations o \
                 where o.id = s.operation_id and o.instance_id = 'old' and s.method is not null",
        )
        .await?;
    let store = &past.desk.store;
    let pruned = store.prune_history(KEPT).await?;
    let stays = ["in aws", "lives", "valid", "won", "young"].map(str::to_owned);
    assert_eq!(past.instances().await?, BTreeSet::from(stays), "{pruned}");
    for table in ["page_links", "outside_checks"] {
        assert_eq!(past.count(table).await?, 5, "{table} go with their instances");
    }
    assert_eq!(past.count("orphans").await?, 1);
    assert_eq!(past.count("offers").await?, 1, "the one that was made lately");

    // Within the time its removal is told, and no other instance has its id; then it is unknown.
    assert!(store.last_operation("young", None).await?.is_some());
    assert!(store.last_operation("old", None).await?.is_none());
    for removed in ["young", "old"] {
        let schedules = past.desk.schedules();
        let again = store.deprovision(removed, &Requester::default(), schedules).await?;
        assert!(matches!(again, Deprovision::Gone), "{removed}: {again:?}");
    }

    // A namespace of that name is still another tenant, …
    let tasks = past.desk.provision("k8s:c/n", &[domain("n")]).await?;
    assert_eq!(tasks[0].instance.tenant, "k8s:c/n#1");
    // … and a target that has proved a domain is still the tenant's.
    let names = ["a.example.com".to_owned()];
    let inherited = store.inheritable_targets("t", "zone.example", &names).await?;
    assert_eq!(inherited[0].whose, Whose::Own);
    Ok(())
}

#[tokio::test]
async fn two_at_once_delete_everything_once() -> anyhow::Result<()> {
    let past = Past::many(100).await?;
    let other = Store::new(&DatabaseArgs::at(&past.desk.url), "another")?;
    let (one, other) = tokio::join!(past.desk.store.prune_history(KEPT), other.prune_history(KEPT));
    let (one, other) = (one?, other?);
    for (table, rows) in [
        ("operations", 400),
        ("orders", 400),
        ("certificates", 400),
        ("steps", 800),
    ] {
        let by = [&one, &other].map(|pruned| pruned.rows.get(table).copied().unwrap_or_default());
        assert_eq!(by.iter().sum::<u64>(), rows, "{table}: {by:?}");
    }
    assert_eq!(past.count("operations").await?, 100);
    assert!(past.desk.store.prune_history(KEPT).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn one_that_is_killed_leaves_nothing_half_and_the_next_goes_on() -> anyhow::Result<()> {
    const KILLED: &str = "from pg_stat_activity where application_name = 'killed' and datname = current_database()";
    let past = Past::many(10).await?;
    // It has deleted orders and certificates of one instance when it comes to the steps.
    let blocks = connect(&past.desk.url).await?;
    blocks.batch_execute("begin; lock table steps in share mode").await?;
    let killed = Store::new(&DatabaseArgs::at(&past.desk.url), "killed")?;
    let pruning = tokio::spawn(async move { killed.prune_history(KEPT).await });
    let query = format!("select count(*) {KILLED} and wait_event_type = 'Lock'");
    until("it is amid a transaction", async || {
        Ok(past.sql.query_one(&query, &[]).await?.get::<_, i64>(0) == 1)
    })
    .await?;
    past.sql
        .query(&format!("select pg_terminate_backend(pid) {KILLED}"), &[])
        .await?;
    ensure!(pruning.await?.is_err(), "it was not killed");
    blocks.batch_execute("rollback").await?;
    let query = format!("select count(*) {KILLED}");
    until("PostgreSQL has cleaned up after it", async || {
        Ok(past.sql.query_one(&query, &[]).await?.get::<_, i64>(0) == 0)
    })
    .await?;
    assert_eq!(past.count("orders").await?, 50);
    assert_eq!(past.count("certificates").await?, 50);

    let pruned = past.desk.store.prune_history(KEPT).await?;
    assert_eq!(
        pruned.to_string(),
        "40 certificates, 40 operations, 40 orders, 80 steps"
    );
    Ok(())
}

/// Until the services have searched twice: what was due before is gone.
async fn searched(sql: &Client) -> anyhow::Result<()> {
    let turn = async || -> anyhow::Result<Option<f64>> {
        let query =
            "select extract(epoch from taken_at)::float8 from turns where name = 'history of certificate-issuer'";
        Ok(sql.query_opt(query, &[]).await?.map(|row| row.get(0)))
    };
    for _ in 0..2 {
        let before = turn().await?;
        until("the history is searched", async || Ok(turn().await? != before)).await?;
    }
    Ok(())
}

/// The number of an instance's operations.
async fn operations(sql: &Client, instance: &Instance) -> anyhow::Result<i64> {
    let query = "select count(*) from operations where instance_id = $1";
    Ok(sql.query_one(query, &[&instance.id]).await?.get(0))
}

/// All that has ended did so a year earlier.
async fn a_year_passes(sql: &Client) -> anyhow::Result<()> {
    for aged in [
        "update certificates set not_after = not_after - interval '1 year', created_at = created_at - interval '1 year' \
         where retired_at is not null",
        "update orders set created_at = created_at - interval '1 year', expires_at = expires_at - interval '1 year'",
        "update instances set deleted_at = deleted_at - interval '1 year' where deleted_at is not null",
        "update operations set created_at = created_at - interval '1 year', ended_at = ended_at - interval '1 year' \
         where ended_at is not null",
    ] {
        ensure!(sql.execute(aged, &[]).await? > 0, "{aged}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_old_goes_and_platforms_are_answered_as_before() -> anyhow::Result<()> {
    let options = Options::fast()
        .with_env("certificate-issuer", "HISTORY_INTERVAL", "200ms")
        .with_replicas("certificate-issuer", 2);
    let world = World::own(options).await?;
    let sql = world.sql().await?;
    let lives = world.created(&organization(), &[domain("lives")]).await?;
    let mut updates = Vec::new();
    for path in ["/one", "/two"] {
        let answer = world.platform.update(&lives.id, json!({"path": path})).await?;
        assert_eq!(answer.status, 202, "{}", answer.text);
        updates.push(answer.body["operation"].as_str().context("an operation")?.to_owned());
        world.platform.succeeded(&lives.id, PATIENCE).await?;
    }
    let gone = world.created(&organization(), &[domain("gone")]).await?;
    world.delete(&gone).await?;

    // Nothing is old yet: a removal is told, and an id that was used stays so.
    searched(&sql).await?;
    assert_eq!(operations(&sql, &lives).await?, 3);
    let told = world.platform.last_operation(&gone.id).await?;
    assert_eq!(
        (told.state(), told.description()),
        ("succeeded", "Everything is removed.")
    );
    assert_eq!(world.platform.deprovision(&gone.id).await?.status, 410);
    let again = json!({"domains": gone.domains});
    let answer = world.platform.provision(&gone.id, &organization(), again).await?;
    assert_eq!(answer.status, 409, "{}", answer.text);
    let fetch = async || {
        let path = format!("/v2/service_instances/{}", lives.id);
        world.platform.call(Method::GET, &path, None).await
    };
    let told = world.platform.last_operation(&lives.id).await?;
    let fetched = fetch().await?;
    assert_eq!(fetched.status, 200, "{}", fetched.text);

    a_year_passes(&sql).await?;
    until("the removed instance goes", async || {
        let row = sql
            .query_one("select count(*) from instances where id = $1", &[&gone.id])
            .await?;
        Ok(row.get::<_, i64>(0) == 0)
    })
    .await?;
    // The certificate in use is of the provision, and the newest update is what the platform sees.
    until("the first update goes", async || {
        Ok(operations(&sql, &lives).await? == 2)
    })
    .await?;
    searched(&sql).await?;
    assert_eq!(operations(&sql, &lives).await?, 2);
    assert_eq!(operations(&sql, &gone).await?, 0);
    assert_eq!(world.platform.last_operation(&lives.id).await?.text, told.text);
    assert_eq!(fetch().await?.text, fetched.text);
    for update in updates {
        let path = format!("/v2/service_instances/{}/last_operation?operation={update}", lives.id);
        let answer = world.platform.call(Method::GET, &path, None).await?;
        assert_eq!(answer.text, told.text);
    }
    assert_eq!(world.platform.last_operation(&gone.id).await?.status, 404);
    assert_eq!(world.platform.deprovision(&gone.id).await?.status, 410);
    Scrape::until(&world.handle, "what went is counted", |scrape| {
        let rows = |table| scrape.sum("history_rows_pruned_total", &[("table", table)]);
        rows("instances") == 1.0 && rows("operations") >= 3.0 && rows("steps") >= 6.0
    })
    .await?;
    world.serves(&lives).await?;
    world.delete(&lives).await
}

#[tokio::test]
async fn what_the_ca_counts_stays_however_short_the_retention_is() -> anyhow::Result<()> {
    let options = Options::fast()
        .with_env("certificate-issuer", "ACME_LIMITS", "orders=1/30d")
        .with_env("certificate-issuer", "HISTORY_RETENTION", "1ms")
        .with_env("certificate-issuer", "HISTORY_INTERVAL", "100ms");
    let world = World::own(options).await?;
    let sql = world.sql().await?;
    let ours = organization();
    let first = world.create_in(&ours, &[domain("counted")]).await?;
    world.told(&first).await?;
    world.delete(&first).await?;
    // Longer ago than the shortest retention.
    time_passes_for_what_has_no_certificate(&sql, "20 days").await?;
    searched(&sql).await?;
    let second = world.create_in(&ours, &[domain("waits")]).await?;
    world
        .says(
            &second,
            "the CA allows at most 1 in 30days of new orders of an organization",
        )
        .await?;
    assert_eq!(world.orders(&second).await?, 0);

    time_passes_for_what_has_no_certificate(&sql, "1 year").await?;
    until("it goes once the CA counts it no more", async || {
        Ok(operations(&sql, &first).await? == 0)
    })
    .await?;
    world.delete(&second).await
}

async fn time_passes_for_what_has_no_certificate(sql: &Client, time: &str) -> anyhow::Result<()> {
    sql.batch_execute(&format!(
        "update orders set created_at = created_at - interval '{time}', expires_at = expires_at - interval '{time}';
         update instances set deleted_at = deleted_at - interval '{time}';
         update operations set created_at = created_at - interval '{time}', ended_at = ended_at - interval '{time}' \
             where ended_at is not null",
    ))
    .await?;
    Ok(())
}

/// A month of an estate: every second instance of ten domains is renewed.
const MONTH: &str = "
    with renewed as (
        select gen_random_uuid() as operation, gen_random_uuid() as placed, 'i' || i as instance,
            now() - $1::integer * interval '30 days' - random() * interval '1 day' as ended
        from generate_series(1, 2000) i where i % 2 = $1::integer % 2
    ), operation as (
        insert into operations (id, instance_id, kind, state, created_at, deadline_at, ended_at)
        select operation, instance, 'renew', 'succeeded', ended, ended, ended from renewed
    ), step as (
        insert into steps (id, operation_id, kind, service, subject, round, state, due_at, deadline_at, ended_at)
        select gen_random_uuid(), operation, 'step-' || n, 'certificate-issuer', '', 0, 'done', ended, ended, ended
        from renewed, generate_series(1, 16) n
    ), placed as (
        insert into orders (id, operation_id, round, url, account_uri, created_at, expires_at)
        select placed, operation, 0, 'https://ca.example/o/' || placed, 'https://ca.example/a/' || instance, ended, ended from renewed
    ), domain as (
        insert into authorizations (order_id, domain, url, valid, challenges)
        select placed, 'd' || n || '.' || instance || '.example.com', 'https://ca.example/z/' || placed, true, '{\"v\": 1, \"offered\": {}}'
        from renewed, generate_series(1, 10) n
    )
    insert into certificates (id, instance_id, order_id, names, chain_pem, not_before, not_after, attached_at, retired_at, created_at)
    select gen_random_uuid(), instance, placed, array[instance], repeat(md5(instance), 150), ended, ended + interval '90 days', ended,
        case when $1::integer > 1 then ended + interval '60 days' end, ended
    from renewed";

const SIZES: &str = "
    select relname::text, n_live_tup, n_dead_tup, pg_table_size(relid) / 1024, pg_indexes_size(relid) / 1024
    from pg_stat_user_tables
    where relname in ('operations', 'steps', 'orders', 'authorizations', 'certificates') order by relname";

/// Figures for docs/operations.md: 2,000 instances of 10 domains.
#[tokio::test]
#[ignore = "a measurement, made by hand"]
async fn how_large_the_tables_are_after_a_year() -> anyhow::Result<()> {
    let past = Past::empty().await?;
    past.sql
        .batch_execute(
            "insert into instances (id, tenant, service_id, plan_id, settings, request) \
             select 'i' || i, 't', 's', 'p', '{}', '{}' from generate_series(1, 2000) i",
        )
        .await?;
    for ago in (0_i32..=24).rev() {
        past.sql.execute(MONTH, &[&ago]).await?;
        let kept = KEPT + Duration::from_secs(u64::try_from(ago)? * 30 * 86_400);
        let pruned = past.desk.store.prune_history(kept).await?;
        // What was kept was kept in that month.
        past.sql
            .execute(
                "update operations set kept_at = now() - $1::integer * interval '30 days' \
                 where kept_at > now() - interval '1 hour'",
                &[&ago],
            )
            .await?;
        past.sql.batch_execute("vacuum (analyze)").await?;
        println!("{ago} months ago, pruned: {pruned}");
        if ago % 6 == 0 {
            past.print_sizes().await?;
        }
    }
    println!("without bloat:");
    past.sql.batch_execute("vacuum (full, analyze)").await?;
    past.print_sizes().await
}
