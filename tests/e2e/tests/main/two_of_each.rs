//! Two processes of every worker, and each outside effect once.

use serde_json::Value;

use crate::world::{PATIENCE, domain, organization, world};

/// Orders that Pebble has made and our database doesn't know, by Pebble's own log.
async fn unknown_orders() -> anyhow::Result<Vec<String>> {
    let world = world().await;
    let log = &world
        .handle
        .endpoints()
        .process("pebble")
        .expect("a process named pebble")
        .log;
    let mut made: Vec<String> = std::fs::read_to_string(log)?
        .lines()
        .filter_map(|line| {
            line.split_once("Added order \"")?
                .1
                .split('"')
                .next()
                .map(str::to_string)
        })
        .collect();
    assert!(!made.is_empty(), "Pebble logs its orders");
    let rows = world
        .sql()
        .await?
        .query("select url from orders where url is not null", &[])
        .await?;
    for row in rows {
        let url: String = row.get(0);
        made.retain(|id| !url.ends_with(id.as_str()));
    }
    Ok(made)
}

/// Orders that were about to be placed when their operation was superseded: nobody writes down their address any more.
async fn given_up() -> anyhow::Result<usize> {
    let count = "select count(*) from orders r join operations o on o.id = r.operation_id \
                 where r.url is null and o.state = 'superseded'";
    let count: i64 = world().await.sql().await?.query_one(count, &[]).await?.get(0);
    Ok(usize::try_from(count)?)
}

/// Successful calls of an AWS operation so far.
async fn calls(operation: &str) -> anyhow::Result<u64> {
    let url = format!("{}/counters", world().await.handle.endpoints().aws_admin_url);
    let counters: Value = reqwest::get(url).await?.json().await?;
    Ok(counters[operation]["results"]["OK"].as_u64().unwrap_or(0))
}

#[tokio::test]
async fn each_outside_effect_happens_once() -> anyhow::Result<()> {
    let world = world().await;
    let organization = organization();
    let mut making = Vec::new();
    for batch in 0..6 {
        let organization = organization.clone();
        making.push(tokio::spawn(async move {
            let names: Vec<String> = (0..5).map(|i| domain(&format!("once-{batch}-{i}"))).collect();
            world.created(&organization, &names).await
        }));
    }
    let mut instances = Vec::new();
    for one in making {
        instances.push(one.await??);
    }
    let state = world.aws().await?;
    let sql = world.sql().await?;
    for instance in &instances {
        world.serves(instance).await?;
        assert_eq!(world.distributions(instance).await?.len(), 1);
        assert_eq!(world.orders(instance).await?, 1);
        let certificates = state["certificates"].as_array().map_or(0, |all| {
            all.iter()
                .filter(|c| c.to_string().contains(&instance.domains[0]))
                .count()
        });
        assert_eq!(certificates, 1, "one certificate in IAM for {:?}", instance.domains);
        // Pebble refuses one nonce in twenty, so now and then all three attempts of instant-acme: then nothing was placed.
        let repeated: Vec<String> = sql
            .query_one(
                "select array(select s.kind || ': ' || coalesce(s.reason::text, '') from steps s \
                   join operations o on o.id = s.operation_id where o.instance_id = $1 \
                   and s.kind in ('create-distribution', 'place-order', 'upload-certificate') and s.attempt > 0 \
                   and s.reason->>'aws' is distinct from 'certificate-unseen' \
                   and coalesce(s.reason->>'said', '') not like '%(badNonce)%')",
                &[&instance.id],
            )
            .await?
            .get(0);
        assert!(
            repeated.is_empty(),
            "no step with an effect outside needed a second attempt: {repeated:?}"
        );
    }
    // The CA made no order that we forgot; other tests place theirs meanwhile, so it may take a moment to know them, and delete
    // what places one.
    let deadline = std::time::Instant::now() + PATIENCE;
    let first = unknown_orders().await?;
    loop {
        let now = unknown_orders().await?;
        let still = first.iter().filter(|id| now.contains(id)).count();
        if still <= given_up().await? {
            break;
        }
        anyhow::ensure!(
            std::time::Instant::now() < deadline,
            "orders that nobody knows: {first:?}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    // One account for the organization, though six instances wanted one at the same time.
    let accounts: i64 = sql
        .query_one(
            "select count(distinct account_uri) from acme_accounts where tenant = $1",
            &[&organization],
        )
        .await?
        .get(0);
    assert_eq!(accounts, 1);
    let ids: i64 = sql
        .query_one(
            "select count(distinct r.account_uri) from orders r join operations o on o.id = r.operation_id \
             join instances i on i.id = o.instance_id where i.tenant = $1",
            &[&organization],
        )
        .await?
        .get(0);
    assert_eq!(ids, 1);
    Ok(())
}

#[tokio::test]
async fn aws_made_as_many_distributions_as_there_are_instances() -> anyhow::Result<()> {
    let world = world().await;
    let made_before = calls("cloudfront:CreateDistributionWithTags").await?;
    world.created(&organization(), &[domain("counted")]).await?;
    // Read only after ours, and other tests make theirs meanwhile: never more than the database knows.
    let known: i64 = world
        .sql()
        .await?
        .query_one("select count(*) from steps where kind = 'create-distribution'", &[])
        .await?
        .get(0);
    let made = calls("cloudfront:CreateDistributionWithTags").await?;
    assert!(made > made_before, "the counter counts");
    assert!(
        made <= u64::try_from(known)?,
        "{made} distributions made, {known} wanted"
    );
    Ok(())
}
