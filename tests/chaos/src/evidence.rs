//! The final state of the database, AWS, the CA and RabbitMQ.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use serde_json::Value;
use stack::{Endpoints, Handle};
use tokio_postgres::Client;

use crate::rabbitmq;

/// A resource in AWS and its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Its id.
    pub id: String,
    /// The instance, or what is known about it.
    pub instance: String,
}

/// An order whose URL the database has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its URL at the CA.
    pub url: String,
    /// Whether its certificate was downloaded and recorded.
    pub certified: bool,
    /// Why its certificate is no longer needed, if so.
    pub given_up: Option<String>,
}

/// The whole final state.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Operations in progress, according to the database.
    pub running: Vec<String>,
    /// Operations that failed, with the user's and the operator's reason.
    pub failed: Vec<String>,
    /// Distributions ever created, by instance.
    pub distributions: BTreeMap<String, usize>,
    /// Uploads to IAM, by the certificate's fingerprint.
    pub uploads: BTreeMap<String, usize>,
    /// Distributions that exist.
    pub distributions_left: Vec<Left>,
    /// IAM certificates that exist.
    pub certificates_left: Vec<Left>,
    /// The number of resources that the reconcilers deleted, according to their logs.
    pub reconciled: usize,
    /// Certificates that the CA issued, by order.
    pub issued: BTreeMap<String, usize>,
    /// Certificates in the database.
    pub certificates_known: i64,
    /// Orders that the CA accepted.
    pub orders_taken: BTreeSet<String>,
    /// Orders whose URL the database has.
    pub orders_known: Vec<Order>,
    /// Operations that needed an order.
    pub orders_needed: i64,
    /// Why orders were replaced.
    pub replaced: BTreeMap<String, i64>,
    /// Instances that ever existed.
    pub instances: i64,
    /// Instances that are not removed, according to the database.
    pub instances_left: i64,
    /// Claims of removed instances.
    pub claims_left: i64,
    /// Private keys of removed instances.
    pub keys_left: i64,
    /// Domains that were proved by a CNAME to the broker's own zone.
    pub delegated: BTreeSet<String>,
    /// TXT records in the broker's own zone, as its name server knows them.
    pub texts_left: Vec<String>,
    /// Values of that zone, according to the database.
    pub values_left: i64,
    /// Messages in the parking queue now.
    pub parked: u32,
    /// Notes for the operator about steps with three consecutive overrun attempts, by the workers' logs: they are
    /// parked, too.
    pub notes: u32,
    /// Calls to AWS, by result.
    pub aws_calls: BTreeMap<String, u64>,
}

/// Collects the evidence from all parts.
pub async fn collect(stack: &Handle) -> anyhow::Result<Evidence> {
    let endpoints = stack.endpoints();
    let mut evidence = Evidence::default();
    from_database(endpoints, &mut evidence).await.context("the database")?;
    from_aws(endpoints, &mut evidence).await.context("aws-sim")?;
    from_the_ca(endpoints, &mut evidence).context("Pebble's log")?;
    from_the_zone(endpoints, &mut evidence)
        .await
        .context("the broker's zone")?;
    for process in &endpoints.processes {
        let log = std::fs::read(&process.log)?;
        let log = String::from_utf8_lossy(&log);
        evidence.reconciled += log.matches("deleted an orphaned").count();
        evidence.notes += u32::try_from(log.matches("this step is poison").count())?;
    }
    evidence.parked = rabbitmq::parked(&endpoints.amqp_url).await.context("RabbitMQ")?;
    Ok(evidence)
}

/// Waiting steps of running operations that are overdue, the longest first.
pub async fn overdue(client: &Client) -> anyhow::Result<Vec<(f64, String)>> {
    let rows = client
        .query(
            "select extract(epoch from now() - s.due_at)::float8, o.instance_id || ' ' || s.kind || ' ' || s.subject \
             from steps s join operations o on o.id = s.operation_id \
             where s.state = 'waiting' and o.state = 'running' and s.due_at < now() order by 1 desc",
            &[],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| (row.get(0), row.get::<_, String>(1).trim_end().to_owned()))
        .collect())
}

async fn from_database(endpoints: &Endpoints, evidence: &mut Evidence) -> anyhow::Result<()> {
    let client = endpoints.database().await?;
    let count = async |sql: &str| anyhow::Ok(client.query_one(sql, &[]).await?.get::<_, i64>(0));
    let texts = async |sql: &str| {
        let rows = client.query(sql, &[]).await?;
        anyhow::Ok(rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>())
    };
    evidence.running =
        texts("select instance_id || ' ' || kind from operations where state = 'running' order by 1").await?;
    evidence.failed = texts(
        "select instance_id || ' ' || kind || ': ' || coalesce(failure, '') || ' | ' || coalesce(cause, '') \
         from operations where state = 'failed' order by 1",
    )
    .await?;
    evidence.certificates_known = count("select count(*) from certificates").await?;
    let rows = client
        .query(
            "select r.url, exists (select from certificates c where c.order_id = r.id), \
                    case when exists (select from steps s where s.operation_id = r.operation_id \
                                      and s.round = r.round and s.verdict = 'order-spent') then 'replaced' \
                         when o.state in ('superseded', 'failed') then 'operation ' || o.state end \
             from orders r join operations o on o.id = r.operation_id where r.url is not null",
            &[],
        )
        .await?;
    evidence.orders_known = rows
        .iter()
        .map(|row| Order {
            url: row.get(0),
            certified: row.get(1),
            given_up: row.get(2),
        })
        .collect();
    evidence.orders_needed = count("select count(distinct operation_id) from orders where url is not null").await?;
    let rows = client
        .query(
            // Domain names differ from case to case.
            "select concat_ws(' ', reason->>'spent', reason->>'during', regexp_replace(reason->>'said', '[^ ]*\\.example\\.com', '…', 'g')), \
                    count(*) \
             from steps where verdict = 'order-spent' group by 1 order by 2 desc",
            &[],
        )
        .await?;
    evidence.replaced = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    evidence.instances = count("select count(*) from instances").await?;
    evidence.instances_left = count("select count(*) from instances where deleted_at is null").await?;
    evidence.claims_left =
        count("select count(*) from claims c join instances i on i.id = c.instance_id where i.deleted_at is not null")
            .await?;
    evidence.keys_left = count(
        "select (select count(*) from certificates c join instances i on i.id = c.instance_id \
                 where i.deleted_at is not null and c.sealed_key is not null) + \
                (select count(*) from orders r join operations o on o.id = r.operation_id join instances i on i.id = o.instance_id \
                 where i.deleted_at is not null and r.sealed_key is not null)",
    )
    .await?;
    let delegated =
        texts("select distinct subject from steps where kind = 'verify-challenge' and method = 'delegated-dns-01'")
            .await?;
    evidence.delegated = delegated.into_iter().collect();
    evidence.values_left = count("select count(*) from published_values").await?;
    Ok(())
}

async fn from_aws(endpoints: &Endpoints, evidence: &mut Evidence) -> anyhow::Result<()> {
    let read = async |path: &str| {
        let answer = reqwest::get(format!("{}/{path}", endpoints.aws_admin_url)).await?;
        anyhow::Ok(answer.json::<Value>().await?)
    };
    let list = |of: &Value, name: &str| of[name].as_array().cloned().unwrap_or_default();
    let text = |of: &Value| of.as_str().unwrap_or_default().to_owned();
    let (state, history, counters) = (read("state").await?, read("history").await?, read("counters").await?);
    for made in list(&history, "distributions") {
        *evidence
            .distributions
            .entry(text(&made["caller_reference"]))
            .or_default() += 1;
    }
    for made in list(&history, "certificates") {
        *evidence.uploads.entry(text(&made["fingerprint"])).or_default() += 1;
    }
    for left in list(&state, "distributions") {
        evidence.distributions_left.push(Left {
            id: text(&left["id"]),
            instance: text(&left["caller_reference"]),
        });
    }
    for left in list(&state, "certificates") {
        evidence.certificates_left.push(Left {
            id: text(&left["name"]),
            instance: left["tags"].to_string(),
        });
    }
    for calls in counters.as_object().into_iter().flat_map(|all| all.values()) {
        for (result, count) in calls["results"].as_object().into_iter().flatten() {
            *evidence.aws_calls.entry(result.clone()).or_default() += count.as_u64().unwrap_or(0);
        }
    }
    Ok(())
}

async fn from_the_zone(endpoints: &Endpoints, evidence: &mut Evidence) -> anyhow::Result<()> {
    if let Some(zone) = endpoints.delegation.clone() {
        // It waits for a process.
        evidence.texts_left = tokio::task::spawn_blocking(move || zone.texts()).await??;
    }
    Ok(())
}

fn from_the_ca(endpoints: &Endpoints, evidence: &mut Evidence) -> anyhow::Result<()> {
    let log = &endpoints.process("pebble").context("a process named pebble")?.log;
    let log = std::fs::read(log)?;
    for line in String::from_utf8_lossy(&log).lines() {
        if let Some((_, order)) = line.split_once("Added order \"") {
            evidence.orders_taken.extend(order.split('"').next().map(str::to_owned));
        }
        if line.contains("Issued certificate serial ")
            && let Some((_, order)) = line.split_once(" for order ")
        {
            *evidence.issued.entry(order.trim().to_owned()).or_default() += 1;
        }
    }
    Ok(())
}
