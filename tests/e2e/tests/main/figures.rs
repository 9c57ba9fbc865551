//! Certificates are counted, and steps measured, by one process for all of them, and none waits for another one's count.

use std::time::{Duration, Instant};

use store::{CertificateCount, DatabaseArgs, Store};

use crate::records::desk;
use crate::world::{connect, until};

const HOUR: Duration = Duration::from_secs(3_600);

/// One certificate in use.
const SERVED: &str = "
    insert into instances (id, tenant, service_id, plan_id, settings, request) values ('i', 't', 's', 'p', '{}', '{}');
    insert into operations (id, instance_id, kind, state, created_at, deadline_at, ended_at)
        values (md5('o')::uuid, 'i', 'provision', 'succeeded', now(), now(), now());
    insert into orders (id, operation_id, round, account_uri, created_at)
        values (md5('r')::uuid, md5('o')::uuid, 0, 'https://ca.test/a/1', now());
    insert into certificates (id, instance_id, order_id, names, chain_pem, not_before, not_after, attached_at, created_at)
        values (md5('c')::uuid, 'i', md5('r')::uuid, array['a.example.com'], '', now(), now() + interval '61 days', now(), now())";
const ENDS: &str = "update certificates set not_after = now() - interval '1 minute'";
const LIVES: &str = "update certificates set not_after = now() + interval '61 days'";

/// What a process tells after a read: how many certificates have 60 days left or more, and how many have ended.
async fn told(store: &Store, at_most: Duration) -> anyhow::Result<Option<(u64, u64)>> {
    store.count_certificates(at_most).await?;
    let count = |counted: &CertificateCount, days: &str| counted.days_left.get(days).copied().unwrap_or_default();
    let certificates = store.figures().await?.certificates;
    Ok(certificates.map(|counted| (count(&counted, "60+"), count(&counted, "ended"))))
}

#[tokio::test]
async fn a_count_serves_all_processes_until_it_is_too_old() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    sql.batch_execute(SERVED).await?;
    let other = Store::new(&DatabaseArgs::at(&desk.url), "another")?;
    assert!(other.figures().await?.certificates.is_none(), "nobody has counted");
    assert_eq!(told(&desk.store, HOUR).await?, Some((1, 0)));
    sql.batch_execute(ENDS).await?;
    assert_eq!(told(&other, HOUR).await?, Some((1, 0)), "the count of the first one");
    assert_eq!(told(&other, Duration::ZERO).await?, Some((0, 1)));
    assert_eq!(told(&desk.store, HOUR).await?, Some((0, 1)));

    // The database was restored where the time is another one.
    sql.batch_execute(LIVES).await?;
    sql.batch_execute("update certificate_count set counted_at = now() + interval '1 day'")
        .await?;
    assert_eq!(told(&desk.store, HOUR).await?, Some((1, 0)));
    Ok(())
}

#[tokio::test]
async fn one_that_hangs_or_dies_while_it_counts_stops_no_other() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    sql.batch_execute(SERVED).await?;
    assert_eq!(told(&desk.store, Duration::ZERO).await?, Some((1, 0)));
    sql.batch_execute(ENDS).await?;

    let hangs = connect(&desk.url).await?;
    hangs
        .batch_execute("begin; select pg_advisory_xact_lock(hashtextextended('certificate count', 2))")
        .await?;
    let begun = Instant::now();
    assert_eq!(told(&desk.store, Duration::ZERO).await?, Some((1, 0)), "the last count");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(hangs);
    until("another one counts", async || {
        Ok(told(&desk.store, Duration::ZERO).await? == Some((0, 1)))
    })
    .await
}

#[tokio::test]
async fn a_count_that_fails_is_an_error_and_what_waits_is_told_nevertheless() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    sql.batch_execute(SERVED).await?;
    sql.batch_execute("alter table certificate_count add constraint surprise check (late < 0) not valid")
        .await?;
    let refused = desk.store.count_certificates(HOUR).await.expect_err("a refusal");
    assert!(refused.to_string().contains("certificates-count"), "{refused}");
    assert!(desk.store.figures().await?.certificates.is_none());
    Ok(())
}

/// Twelve updates that succeeded, whose deployments took 1 to 12 minutes, and one that failed; each waited days for its domain.
const DEPLOYED: &str = "
    insert into operations (id, instance_id, kind, state, created_at, deadline_at, ended_at)
        select md5('u' || n)::uuid, 'i', 'update', case when n > 12 then 'failed' else 'succeeded' end, now(), now(), now()
        from generate_series(1, 13) n;
    insert into steps (id, operation_id, kind, service, subject, round, state, due_at, deadline_at, created_at, ended_at)
        select md5(k || n)::uuid, md5('u' || n)::uuid, k, 's', '', 1, 'done', now(), now(),
            now() - case when k = 'await-deployment' then n * interval '1 minute' else interval '9 days' end, now()
        from generate_series(1, 13) n, unnest(array['await-deployment', 'verify-challenge']) k";

#[tokio::test]
async fn how_long_steps_take_is_measured_by_one_process_for_all() -> anyhow::Result<()> {
    let desk = desk().await?;
    let sql = connect(&desk.url).await?;
    sql.batch_execute(SERVED).await?;
    let other = Store::new(&DatabaseArgs::at(&desk.url), "another")?;
    other.count_durations(HOUR).await?;
    let told = async || -> anyhow::Result<Vec<(String, u32, f64, f64)>> {
        let page = desk.store.page("i").await?.expect("a page");
        let usual = page.facts.usual.into_iter();
        Ok(usual
            .map(|one| {
                (
                    format!("{} {}", one.operation, one.step),
                    one.successes,
                    one.p50,
                    one.p90,
                )
            })
            .collect())
    };
    assert_eq!(told().await?, [], "no step has ended");
    sql.batch_execute(DEPLOYED).await?;
    desk.store.count_durations(HOUR).await?;
    let deployments = told().await?;
    let [(what, 12, p50, p90)] = deployments.as_slice() else {
        panic!("deployments alone, of what succeeded: {deployments:?}");
    };
    assert_eq!(what, "update await-deployment");
    assert!((p50 - 390.0).abs() < 1.0 && (p90 - 654.0).abs() < 1.0, "{p50} {p90}");

    // Another one needn't measure again, until it is too old.
    sql.batch_execute("delete from steps").await?;
    other.count_durations(HOUR).await?;
    assert_eq!(told().await?.len(), 1);
    other.count_durations(Duration::ZERO).await?;
    assert_eq!(told().await?, []);
    Ok(())
}
