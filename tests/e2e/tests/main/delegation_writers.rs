//! The broker's zone at a server that is not at its best: Route 53 that passes values on slowly and refuses calls, and a server to which
//! the broker has the wrong key.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use stack::{DELEGATION_ZONE, Options, Signal};
use tokio_postgres::Client;

use crate::delegation::delegating;
use crate::world::{Instance, PATIENCE, World, domain, until};

/// The hosted zone that aws-sim has from the start, with the name of the broker's zone.
const HOSTED_ZONE: &str = "Z0123456789EXAMPLE";
/// No change arrives while a test runs.
const NEVER_MS: u64 = 3_600_000;
/// Orders at the same time.
const INSTANCES: usize = 5;

const PUBLISH: &str = "publish-challenges";
const VERIFY: &str = "verify-challenge";
/// In a reason: the writer's server accepted the values, and its replicas don't have them yet.
const SPREADING: &str = r#""broker": "value-spreading""#;
/// The same in the result of a probe that has seen the value.
const NOT_EVERYWHERE: &str = r#""txt": "not-everywhere""#;
const BUSY: &str = r#""dns_write": "busy""#;
const REFUSED: &str = r#""dns_write": "refused""#;

/// The issuer writes by Route 53 only. Knot is there for the resolver.
fn route53() -> Options {
    delegating()
        .with_env("certificate-issuer", "DNS_WRITER", "route53")
        .with_env("certificate-issuer", "ROUTE53_ZONE_ID", HOSTED_ZONE)
}

/// The TXT values in the hosted zone: labels and values, in presentation form.
async fn hosted(world: &World) -> anyhow::Result<BTreeSet<(String, String)>> {
    let state = world.aws().await?;
    let zones = state["hosted_zones"].as_array().context("no hosted zones")?;
    let zone = zones.iter().find(|zone| zone["id"] == HOSTED_ZONE);
    let sets = zone.context("another hosted zone")?["record_sets"].as_array();
    let below = format!(".{DELEGATION_ZONE}.");
    let mut values = BTreeSet::new();
    let sets = sets.context("no record sets")?.iter();
    for set in sets.filter(|set| set["type"] == "TXT") {
        let name = set["name"].as_str().context("a record set without name")?;
        let label = name.strip_suffix(&below).with_context(|| name.to_owned())?;
        for value in set["values"].as_array().context("a record set without values")? {
            let value = value.as_str().context("a value that is no text")?;
            values.insert((label.to_owned(), value.to_owned()));
        }
    }
    Ok(values)
}

/// Copies each value of the hosted zone to Knot, which the resolver asks: the one name server of Route 53 that is never late.
async fn copy_values(world: &World) -> anyhow::Result<Infallible> {
    let knot = world.handle.endpoints().delegation.as_ref().context("no zone")?;
    let mut copied = BTreeSet::new();
    loop {
        let values = hosted(world).await?;
        for (label, value) in values.difference(&copied) {
            knot.add_text(label, value)?;
        }
        copied.extend(values);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Runs a test while the values are copied.
async fn with_name_server(world: &World, test: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::select! {
        ended = copy_values(world) => ended.map(drop).context("values are no longer copied"),
        done = test => done,
    }
}

/// How often Route 53's calls had this result.
async fn results(world: &World, result: &str) -> anyhow::Result<u64> {
    let url = format!("{}/counters", world.handle.endpoints().aws_admin_url);
    let counters: Value = reqwest::get(url).await?.json().await?;
    let actions = counters.as_object().context("no counters")?.iter();
    let calls = actions.filter(|(action, _)| action.starts_with("route53:"));
    Ok(calls.filter_map(|(_, calls)| calls["results"][result].as_u64()).sum())
}

/// The attempts of each waiting step of a kind whose reason has these words.
async fn attempts(sql: &Client, kind: &str, words: &str) -> anyhow::Result<Vec<i32>> {
    let query = "select attempt from steps where kind = $1 and state = 'waiting' and strpos(reason::text, $2) > 0";
    let rows = sql.query(query, &[&kind, &words]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Waits until the only step of a kind with such a reason has been tried a few times more, for the same reason.
async fn goes_on(sql: &Client, kind: &str, words: &str) -> anyhow::Result<()> {
    let mut before = None;
    until(&format!("{kind} is tried again and again: {words}"), async || {
        let now = attempts(sql, kind, words).await?;
        let Some(&now) = now.first() else {
            return Ok(false);
        };
        Ok(now >= *before.get_or_insert(now) + 3)
    })
    .await
}

/// How the CA was shown that the instance's tenant controls its domains.
async fn methods(world: &World, instance: &Instance) -> anyhow::Result<Vec<String>> {
    let query = "select distinct s.method from steps s join operations o on o.id = s.operation_id \
                 where o.instance_id = $1 and s.method is not null";
    let rows = world.sql().await?.query(query, &[&instance.id]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Waits until the instance serves its domains, which one order and the CNAMEs alone have proved.
async fn ends_by_its_cname(world: &World, instance: &Instance) -> anyhow::Result<()> {
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.serves(instance).await?;
    assert_eq!(methods(world, instance).await?, ["delegated-dns-01"]);
    assert_eq!(world.orders(instance).await?, 1, "{}", instance.id);
    Ok(())
}

#[tokio::test]
async fn nothing_is_answered_while_route_53_says_that_a_change_is_pending() -> anyhow::Result<()> {
    let world = World::own(route53()).await?;
    with_name_server(&world, waits_for_route53(&world)).await
}

async fn waits_for_route53(world: &World) -> anyhow::Result<()> {
    world.aws_admin("settings", json!({"insync_ms": NEVER_MS})).await?;
    let sql = world.sql().await?;
    let instance = world.create(&[domain("spreading")]).await?;
    world.delegate(&instance).await?;
    goes_on(&sql, VERIFY, NOT_EVERYWHERE).await?;
    goes_on(&sql, PUBLISH, SPREADING).await?;
    let told = world
        .says(&instance, "The CNAME is in place, the broker publishes the CA's value")
        .await?;
    assert_eq!(told.state(), "in progress", "{}", told.text);
    let verified = "select count(*) from steps where kind = 'answer-challenges' or kind = $1 and state <> 'waiting'";
    let verified: i64 = sql.query_one(verified, &[&VERIFY]).await?.get(0);
    assert_eq!(verified, 0, "{}", told.text);

    world.aws_admin("settings", json!({"insync_ms": 0})).await?;
    ends_by_its_cname(world, &instance).await?;
    until("no value is left in the hosted zone", async || {
        Ok(hosted(world).await?.is_empty())
    })
    .await
}

#[tokio::test]
async fn orders_end_although_route_53_throttles_and_takes_one_change_at_a_time() -> anyhow::Result<()> {
    let world = World::own(route53().with_replicas("certificate-issuer", 2)).await?;
    with_name_server(&world, outlast_refusals(&world)).await
}

async fn outlast_refusals(world: &World) -> anyhow::Result<()> {
    let one_change = json!({"insync_ms": NEVER_MS, "one_zone_change": true});
    world.aws_admin("settings", one_change).await?;
    let sql = world.sql().await?;
    let mut instances = Vec::new();
    for _ in 0..INSTANCES {
        instances.push(world.create(&[domain("refused")]).await?);
    }
    until("the first change keeps all others out", async || {
        let (spreading, busy) = (
            attempts(&sql, PUBLISH, SPREADING).await?,
            attempts(&sql, PUBLISH, BUSY).await?,
        );
        Ok((spreading.len(), busy.len()) == (1, INSTANCES - 1))
    })
    .await?;
    for instance in &instances {
        world.delegate(instance).await?;
    }
    assert!(results(world, "PriorRequestNotComplete").await? > 0);

    // Less than the two issuers ask for.
    let slow = json!({"insync_ms": 1000, "zone_calls_per_second": 2});
    world.aws_admin("settings", slow).await?;
    for instance in &instances {
        ends_by_its_cname(world, instance).await?;
    }
    assert!(results(world, "Throttling").await? > 0);
    until("no value is left in the hosted zone", async || {
        Ok(hosted(world).await?.is_empty())
    })
    .await
}

#[tokio::test]
async fn an_order_outlasts_a_wrong_key_and_other_ways_do_not_need_it() -> anyhow::Result<()> {
    let wrong = STANDARD.encode("hunter2-wrong-hunter2-wrong-hunt");
    let options = delegating().with_replicas("certificate-issuer", 2);
    let world = World::own(options.with_env("certificate-issuer-1", "RFC2136_KEY", &wrong)).await?;
    // At first only the process with the wrong key runs, and then only the other one: as a restart with another key.
    world.handle.kill("certificate-issuer-2", Signal::Kill).await?;
    let sql = world.sql().await?;
    let delegated = world.create(&[domain("wrong-key")]).await?;
    world.delegate(&delegated).await?;
    goes_on(&sql, PUBLISH, REFUSED).await?;
    let refuses = "the broker's own DNS server refuses changes: the broker's operator must fix it";
    let told = world.says(&delegated, refuses).await?;
    assert_eq!(told.state(), "in progress", "{}", told.text);
    assert!(told.description().contains("Publishing"), "{}", told.text);

    let proved_otherwise = world.create(&[domain("other-way")]).await?;
    let told = world.told(&proved_otherwise).await?;
    world.set_cnames(&told, &proved_otherwise).await?;
    world.says(&proved_otherwise, refuses).await?;
    world.set_persist(&told, &proved_otherwise.domains[0]).await?;
    world.platform.succeeded(&proved_otherwise.id, PATIENCE).await?;
    world.serves(&proved_otherwise).await?;
    assert_eq!(methods(&world, &proved_otherwise).await?, ["dns-persist-01"]);
    let still = world.platform.last_operation(&delegated.id).await?;
    assert_eq!(still.state(), "in progress", "{}", still.text);

    world.handle.kill("certificate-issuer-1", Signal::Kill).await?;
    world.handle.start_again("certificate-issuer-2").await?;
    ends_by_its_cname(&world, &delegated).await?;
    let later = world.create(&[domain("right-key")]).await?;
    world.delegate(&later).await?;
    ends_by_its_cname(&world, &later).await?;
    let zone = world.handle.endpoints().delegation.as_ref().context("no zone")?;
    until("no value is left in the zone", async || Ok(zone.texts()?.is_empty())).await
}
