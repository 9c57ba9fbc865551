//! `last_operation` reads one row, and everything in one more SQL statement when something was recorded since: whatever the
//! number of domains.

use std::time::Duration;

use customer::status;

use crate::world::{PATIENCE, connect, domain, world};

#[tokio::test]
async fn last_operation_reads_one_row_unless_something_was_recorded_with_a_hundred_domains_in_progress()
-> anyhow::Result<()> {
    let world = world().await;
    let domains: Vec<String> = (0..100).map(|i| domain(&format!("read-{i:03}"))).collect();
    let instance = world.create(&domains).await?;
    let told = world
        .platform
        .poll(&instance.id, PATIENCE, "a hundred domains waiting", |answer| {
            answer.description().starts_with("Waiting for you: 100 of 100 domains")
        })
        .await?;
    let raw = told.body["description"].as_str().unwrap_or_default();
    assert!(raw.len() <= 14_000, "{} bytes", raw.len());
    for domain in &domains {
        let value = status::dns01_value(raw, domain);
        assert!(value.is_some(), "all can be set in one round, but {domain}: {raw}");
    }

    // PostgreSQL itself says what broker-api asks it.
    let admin = connect(&world.handle.endpoints().database_admin_url).await?;
    for setting in [
        "log_line_prefix = '%a|'",
        "log_statement = 'all'",
        "log_min_duration_statement = -1",
    ] {
        admin.batch_execute(&format!("alter system set {setting}")).await?;
    }
    admin.batch_execute("select pg_reload_conf()").await?;
    let log = &world
        .handle
        .endpoints()
        .process("postgres")
        .expect("a process named postgres")
        .log;
    // The reload has come through once a statement of ours is logged.
    let deadline = std::time::Instant::now() + PATIENCE;
    while !std::fs::read_to_string(log)?.contains("statement-log-is-on") {
        anyhow::ensure!(
            std::time::Instant::now() < deadline,
            "the statement log does not come on"
        );
        admin.batch_execute("select 'statement-log-is-on'").await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let marked = format!("/* {} */ select 1", uuid::Uuid::new_v4());
    admin.batch_execute(&marked).await?;
    const READS: usize = 50;
    let database = connect(&world.handle.endpoints().database_url).await?;
    let version = async || -> anyhow::Result<i64> {
        let row = database
            .query_one("select version from operations where instance_id = $1", &[&instance.id])
            .await?;
        Ok(row.try_get(0)?)
    };
    let before = version().await?;
    let begun = std::time::Instant::now();
    for _ in 0..READS {
        let answer = world.platform.last_operation(&instance.id).await?;
        assert_eq!(answer.status, 200);
    }
    let recorded = usize::try_from(version().await? - before)?;
    let lasted = begun.elapsed();
    admin.batch_execute(&format!("{marked} + 1")).await?;
    admin.batch_execute("alter system reset all").await?;
    admin.batch_execute("select pg_reload_conf()").await?;
    let text = std::fs::read_to_string(log)?;
    let (_, between) = text.split_once(&marked).expect("the first mark");
    let (between, _) = between.split_once(&format!("{marked} + 1")).expect("the second mark");
    let reads: Vec<&str> = between
        .lines()
        .filter(|line| line.starts_with("broker-api|") && (line.contains("execute ") || line.contains("statement:")))
        .collect();
    // Other tests read their own instances meanwhile; ours has its id among the parameters, on the line after the statement's.
    let lines: Vec<&str> = between.lines().filter(|line| line.starts_with("broker-api|")).collect();
    let ours = lines
        .iter()
        .filter(|line| line.contains("parameters:") && line.contains(&instance.id))
        .count();
    println!("{READS} polls, {recorded} records meanwhile: {ours} statements with the instance's id");
    assert!(ours >= READS, "each poll asks for the version");
    let whole = ours - READS;
    // An answer that is some seconds old is made again.
    let aged = usize::try_from(lasted.as_secs() / 5)?;
    assert!(
        whole <= recorded + aged + 1,
        "{whole} times everything was read in {lasted:?}, and {recorded} times something new was recorded"
    );
    let strange: Vec<&&str> = reads
        .iter()
        .filter(|line| line.contains("begin") || line.contains("BEGIN") || line.contains("for update"))
        .filter(|line| line.contains(&instance.id))
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
    Ok(())
}
