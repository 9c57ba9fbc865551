//! What came of it, in lines of which each is a promise or a figure.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use stack::{Handle, Http};

use crate::course::Wish;
use crate::fleet::Fleet;
use crate::prober::Visits;
use crate::sampler::{Samples, connect};
use crate::trouble::Outage;

/// Failures that are shown.
const MOST_SHOWN: usize = 5;

/// What is there at the end.
pub(crate) struct Found {
    /// Orders that the CA made, by its own log.
    placed: usize,
    /// Certificates that came into use, and orders that are at work still.
    needed: usize,
    /// Renewals by how they ended.
    renewed: usize,
    failed: usize,
    /// Times that IAM refused an upload since its quota was reached.
    over_quota: u64,
}

impl Found {
    pub(crate) async fn collect(stack: &Handle) -> anyhow::Result<Self> {
        let e = stack.endpoints();
        let log = &e.process("pebble").context("pebble")?.log;
        let placed = std::fs::read_to_string(log)?.matches("Added order \"").count();
        let counts = "select (select count(*) from certificates where attached_at is not null) \
                      + (select count(*) from orders r join operations o on o.id = r.operation_id \
                         where r.url is not null and o.state = 'running' \
                         and not exists (select from certificates c where c.order_id = r.id and c.attached_at is not null)), \
                      (select count(*) from operations where kind = 'renew' and state = 'succeeded'), \
                      (select count(*) from operations where kind = 'renew' and state = 'failed')";
        let row = connect(stack).await?.query_one(counts, &[]).await?;
        let count = |column| usize::try_from(row.get::<_, i64>(column));
        let (_, counters) = Http::plain()?.get(&format!("{}/counters", e.aws_admin_url)).await?;
        let counters: Value = serde_json::from_slice(&counters)?;
        Ok(Self {
            placed,
            needed: count(0)?,
            renewed: count(1)?,
            failed: count(2)?,
            over_quota: counters["iam:UploadServerCertificate"]["results"]["LimitExceeded"]
                .as_u64()
                .unwrap_or(0),
        })
    }
}

/// A line for while it goes on.
pub(crate) fn passing(wish: &Wish, passed: Duration, visits: &Visits, samples: &Samples) -> String {
    let (count, failures) = visits.seen();
    let last = samples.all().last().cloned();
    let days = |seconds: f64| seconds * wish.scale / 86_400.0;
    format!(
        "day {:>3.0}: shortest remaining life {:.1} d, {} certificates in IAM, {count} visits, {} failed",
        days(passed.as_secs_f64()),
        last.as_ref()
            .and_then(|one| one.left.first())
            .map_or(f64::NAN, |left| days(*left)),
        last.as_ref().map_or(0, |one| one.in_iam),
        failures.len(),
    )
}

/// The report, and how many promises are broken.
pub(crate) fn tell(
    wish: &Wish,
    fleet: &Fleet,
    visits: &Visits,
    samples: &Samples,
    restarts: usize,
    outage: Outage,
    found: &Found,
) -> (String, usize) {
    let samples = samples.all();
    let (count, failures) = visits.seen();
    let shortest = samples
        .iter()
        .filter_map(|one| one.left.first())
        .fold(f64::INFINITY, |least, left| least.min(*left));
    let ended = samples
        .iter()
        .filter(|one| one.left.first().is_some_and(|left| *left <= 0.0))
        .count();
    let most_in_iam = samples.iter().map(|one| one.in_iam).max().unwrap_or(0);
    let ratio = found.placed as f64 / found.needed.max(1) as f64;
    let days = |seconds: f64| seconds * wish.scale / 86_400.0;
    let mut text = String::new();
    let mut broken = 0;
    let mut line = |kept: Option<bool>, what: &str, figure: String| {
        let mark = match kept {
            None => "    ",
            Some(true) => "ok  ",
            Some(false) => "FAIL",
        };
        broken += usize::from(kept == Some(false));
        let _ = writeln!(text, "{mark}  {what:<58} {figure}");
    };
    line(
        None,
        "instances, domains",
        format!("{}, {}", wish.instances, fleet.domains().count()),
    );
    line(
        None,
        "life of a certificate, and what it stands for",
        format!(
            "{} for {:.0} d",
            humantime::format_duration(wish.life),
            days(wish.life.as_secs_f64())
        ),
    );
    line(None, "days passed", format!("{:.0}", days(wish.lasts().as_secs_f64())));
    line(None, "renewals", found.renewed.to_string());
    line(
        None,
        "renewals that failed and were tried again",
        found.failed.to_string(),
    );
    line(None, "workers killed", restarts.to_string());
    line(
        None,
        "the CA was away for, in lives",
        format!("{:.2}", outage.lasted.div_duration_f64(wish.life)),
    );
    line(
        Some(shortest > 0.0 && ended == 0),
        "certificates that ended in use",
        ended.to_string(),
    );
    line(
        None,
        "shortest remaining life ever, days of",
        format!("{:.1} of {:.0}", days(shortest), days(wish.life.as_secs_f64())),
    );
    line(
        Some(failures.is_empty() && count > 0),
        "HTTPS visits that failed",
        format!("{} of {count}", failures.len()),
    );
    line(
        Some((ratio - 1.0).abs() < 0.005),
        "orders placed ÷ orders needed",
        format!("{} ÷ {} = {ratio:.3}", found.placed, found.needed),
    );
    line(
        Some(most_in_iam <= wish.iam_quota() && found.over_quota == 0),
        "certificates in IAM at most, of its quota",
        format!(
            "{most_in_iam} of {}, {} uploads refused",
            wish.iam_quota(),
            found.over_quota
        ),
    );
    for failure in failures.iter().take(MOST_SHOWN) {
        let _ = writeln!(text, "      {failure}");
    }
    (text, broken)
}
