//! Where the time went, read from the steps in PostgreSQL and from the services' own metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use stack::Endpoints;
use time::OffsetDateTime;

use crate::screen::line;

/// Phases and the step kinds that make them.
const PHASES: [(&str, &[&str]); 5] = [
    ("verify", &["verify-challenge"]),
    ("CA", &["answer-challenges", "await-validation", "finalize-order"]),
    ("IAM upload", &["upload-certificate"]),
    ("CloudFront create", &["create-distribution"]),
    ("CloudFront deploy", &["await-deployment"]),
];

/// The database's clock, which the steps' times are of.
pub(crate) async fn database_clock(endpoints: &Endpoints) -> anyhow::Result<OffsetDateTime> {
    Ok(endpoints
        .database()
        .await?
        .query_one("select clock_timestamp()", &[])
        .await?
        .try_get(0)?)
}

/// Seconds that handlers were at work, by step kind, summed over every worker's metrics. One that can't be asked, since it
/// was killed meanwhile, is left out.
pub(crate) async fn work_done(endpoints: &Endpoints) -> anyhow::Result<BTreeMap<String, f64>> {
    let mut sums = BTreeMap::new();
    let client = reqwest::Client::builder().timeout(Duration::from_secs(3)).build()?;
    for process in &endpoints.processes {
        let Some(url) = &process.health_url else { continue };
        let Ok(answer) = client.get(format!("{url}/metrics")).send().await else {
            continue;
        };
        let text = answer.text().await?;
        for metric in text
            .lines()
            .filter(|l| l.starts_with("step_attempt_duration_seconds_sum"))
        {
            let kind = metric.split('"').nth(1).unwrap_or_default().to_string();
            let value: f64 = metric.rsplit(' ').next().and_then(|v| v.parse().ok()).unwrap_or(0.0);
            *sums.entry(kind).or_insert(0.0) += value;
        }
    }
    Ok(sums)
}

pub(crate) async fn print(
    endpoints: &Endpoints,
    instance: &str,
    last_record: OffsetDateTime,
    to_https: Duration,
    work_before: &BTreeMap<String, f64>,
) -> anyhow::Result<()> {
    let client = endpoints.database().await?;
    let work = work_done(endpoints).await?;
    let mut from = last_record;
    let mut accounted = 0.0;
    line("phase                span      at work   waiting (delays, queue, the other side)");
    for (phase, kinds) in PHASES {
        let row = client
            .query_one(
                "select max(s.ended_at), sum(s.attempt + 1)::bigint from steps s join operations o on o.id = s.operation_id \
                 where o.instance_id = $1 and o.kind = 'provision' and s.kind = any($2) and s.state = 'done'",
                &[&instance, &kinds],
            )
            .await?;
        let until: OffsetDateTime = row
            .try_get::<_, Option<_>>(0)?
            .with_context(|| format!("no {phase} step"))?;
        let attempts: i64 = row.try_get(1)?;
        let span = (until - from).as_seconds_f64().max(0.0);
        let busy: f64 = kinds
            .iter()
            .map(|kind| (work.get(*kind).unwrap_or(&0.0) - work_before.get(*kind).unwrap_or(&0.0)).max(0.0))
            .sum();
        line(&format!(
            "{phase:<18} {span:7.2} s {busy:9.2} s {:9.2} s   {attempts} attempts in all",
            (span - busy).max(0.0)
        ));
        accounted += span;
        from = from.max(until);
    }
    let total = to_https.as_secs_f64();
    line(&format!("first HTTPS requests {:5.2} s", (total - accounted).max(0.0)));
    line(&format!(
        "from the last record in place to HTTPS on all domains: {total:.2} s (at work: handlers of all processes together)"
    ));
    Ok(())
}
