//! Every statement has a name: PostgreSQL knows it, and an operator reads it of one that PostgreSQL refuses. Such a step is neither lost nor
//! tried without a rest.

use anyhow::{Context as _, ensure};
use stack::Options;

use crate::scrape::Scrape;
use crate::world::{Instance, PATIENCE, World, connect, domain, organization, until};

const ISSUER: &str = "certificate-issuer-1";
const REFUSED: &str = "store_statements_refused_total";

#[tokio::test]
async fn postgresql_itself_tells_every_statement_by_its_name() -> anyhow::Result<()> {
    let world = World::own(Options::fast()).await?;
    let e = world.handle.endpoints();
    let load = "alter system set shared_preload_libraries = 'pg_stat_statements'";
    connect(&e.database_admin_url).await?.batch_execute(load).await?;
    world.handle.restart("postgres").await?;
    let admin = connect(&e.database_admin_url).await?;
    admin.batch_execute("create extension pg_stat_statements").await?;

    let instance = world.created(&organization(), &[domain("named")]).await?;
    world.serves(&instance).await?;
    world.delete(&instance).await?;

    let rows = admin
        .query(
            "select query from pg_stat_statements s join pg_roles r on r.oid = s.userid where r.rolname = 'cdn_broker'",
            &[],
        )
        .await?;
    let asked: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let begins =
        |query: &String| ["begin", "commit", "rollback", "start transaction"].contains(&&*query.to_lowercase());
    let nameless: Vec<&String> = asked
        .iter()
        .filter(|query| !query.contains(" /* ") && !begins(query))
        .collect();
    assert!(nameless.is_empty(), "{nameless:#?}");
    for name in ["status", "step-load", "record-done", "sweep", "provision-instance"] {
        let comment = format!(" /* {name} */");
        assert!(asked.iter().any(|query| query.contains(&comment)), "{name}: {asked:#?}");
    }
    let scrape = Scrape::of(&world.handle).await?;
    assert!(
        scrape.sum("store_statement_duration_seconds_count", &[("statement", "step-load")]) > 0.0,
        "{scrape}"
    );
    assert!(!scrape.has(REFUSED), "{scrape}");
    Ok(())
}

#[tokio::test]
async fn what_postgresql_refuses_is_told_by_name_and_neither_lost_nor_hurried() -> anyhow::Result<()> {
    // What is poison rests for long.
    let schedule = "first=100ms,factor=1,max=20s,deadline=1h,limit=2m,jitter=0%";
    let options = Options::fast().with_env("all", "SCHEDULE_PLACE_ORDER", schedule);
    let world = World::own(options).await?;
    let sql = world.sql().await?;

    // A column is missing. The handler can't go on.
    sql.batch_execute("alter table orders rename column caa_identities to gone")
        .await?;
    let names = [domain("refused")];
    let instance = world.create(&names).await?;
    let labels = [("statement", "order-set-keys"), ("sqlstate", "42703")];
    refused_three_times(&world, &instance, &labels).await?;
    let told = world
        .says(
            &instance,
            "an error inside the broker, which its operator finds in the log",
        )
        .await?;
    ensure!(!told.description().contains("order-set-keys"), "{}", told.description());
    let log = std::fs::read_to_string(&world.handle.endpoints().process(ISSUER).context("a process")?.log)?;
    let errors: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("ERROR") && line.contains("PostgreSQL refuses a statement"))
        .collect();
    assert_eq!(errors.len(), 3, "once each time: {errors:#?}");
    for error in errors {
        assert!(error.contains("order-set-keys") && error.contains("42703"), "{error}");
    }
    let note = log.lines().find(|line| line.contains("this step is poison"));
    assert!(
        note.is_some_and(|note| note.contains("order-set-keys (42703)")),
        "{note:?}"
    );
    sql.batch_execute("alter table orders rename column gone to caa_identities")
        .await?;
    goes_on(&world, &instance).await?;

    // What the attempt came to is refused: a constraint that nobody expected.
    sql.batch_execute(
        "alter table steps add constraint surprise check (kind <> 'place-order' or state <> 'done') not valid",
    )
    .await?;
    let instance = world.create(&[domain("surprise")]).await?;
    let labels = [("statement", "record-done"), ("sqlstate", "23514")];
    refused_three_times(&world, &instance, &labels).await?;
    sql.batch_execute("alter table steps drop constraint surprise").await?;
    goes_on(&world, &instance).await?;

    // The step can't even be read: its message is parked, and the step is still there.
    sql.batch_execute("alter table steps rename column slow_looks to gone")
        .await?;
    let instance = world.create(&[domain("unread")]).await?;
    let parked = |scrape: &Scrape| scrape.sum("messages_parked_total", &[("service", "certificate-issuer")]);
    let notes = 2.0;
    Scrape::until(&world.handle, "a message is parked", |scrape| parked(scrape) > notes).await?;
    sql.batch_execute("alter table steps rename column gone to slow_looks")
        .await?;
    goes_on(&world, &instance).await
}

/// Each refusal counts as a crash, the step rests for long after the third, and nothing else was tried meanwhile.
async fn refused_three_times(world: &World, instance: &Instance, labels: &[(&str, &str)]) -> anyhow::Result<()> {
    let sql = world.sql().await?;
    until("three attempts", async || {
        let scrape = Scrape::of(&world.handle).await?;
        Ok(scrape.sum(REFUSED, labels) >= 3.0)
    })
    .await?;
    until("a long rest", async || {
        let row = sql
            .query_one(
                "select s.crashes, extract(epoch from s.due_at - s.checked_at)::float8, s.rung_at is not null \
                 from steps s join operations o on o.id = s.operation_id \
                 where o.instance_id = $1 and s.kind = 'place-order' and s.state = 'waiting'",
                &[&instance.id],
            )
            .await?;
        let (crashes, rest, published): (i32, f64, bool) = (row.get(0), row.get(1), row.get(2));
        Ok(crashes == 3 && rest > 15.0 && published)
    })
    .await?;
    let scrape = Scrape::of(&world.handle).await?;
    assert_eq!(scrape.sum(REFUSED, labels), 3.0, "{scrape}");
    Ok(())
}

/// Once the cause is mended the step goes on by itself; here it is published, as an operator would.
async fn goes_on(world: &World, instance: &Instance) -> anyhow::Result<()> {
    let due = "update steps s set due_at = now(), rung_at = null from operations o \
               where o.id = s.operation_id and o.instance_id = $1 and s.state = 'waiting'";
    world.sql().await?.execute(due, &[&instance.id]).await?;
    let told = world.says(instance, "Waiting for you").await?;
    world.set_persist(told.description(), &instance.domains[0]).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    Ok(())
}
