//! The results, in lines of which each is a promise or a figure.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use stack::{Endpoints, Handle, Http};
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

use crate::course::Wish;
use crate::fleet::Fleet;
use crate::growth::{self, Growth, Promise};
use crate::prober::Visits;
use crate::sampler::Samples;
use crate::trouble::Outage;
use crate::{bloat, past};

/// The most failures that are shown.
const MOST_SHOWN: usize = 5;
/// An order that was placed is recorded within this time.
const WRITTEN_DOWN: Duration = Duration::from_secs(10);

/// So many instances have renewals due at any time.
const MANY: u16 = 50;
const ELSEWHERE: &str = "select count(*) from orders where fallback and url is not null";

/// The final state.
pub(crate) struct Found {
    /// Orders that the CA created, by its own log.
    placed: usize,
    /// Those that led to a certificate in use, or are still in progress.
    needed: usize,
    /// Renewals by their result.
    renewed: usize,
    failed: usize,
    /// Proofs of domains whose tenants have set the CNAME, in renewals; and those that were made by it.
    delegated: usize,
    by_delegation: usize,
    /// Orders at the second CA, in place of the first.
    elsewhere: usize,
    /// Uploads that IAM refused because its quota was reached.
    over_quota: u64,
    /// Operations that were deleted, since nobody can ask for them any more.
    deleted: i64,
    /// What is promised of the tables.
    growth: Vec<Promise>,
    /// The largest tables, a line each.
    tables: String,
}

impl Found {
    pub(crate) async fn collect(stack: &Handle, wish: &Wish, fleet: &Fleet, growth: &Growth) -> anyhow::Result<Self> {
        let e = stack.endpoints();
        let database = past::whole_year(e).await?;
        let placed = placed(e)?;
        let needed = of_use(&database, &placed).await?;
        let ended = "select count(*) filter (where state = 'succeeded'), count(*) filter (where state = 'failed') \
                     from operations where kind = 'renew'";
        let row = database.query_one(ended, &[]).await?;
        let count = |column| usize::try_from(row.get::<_, i64>(column));
        let (delegated, by_delegation) = proofs(&database, &fleet.delegated()).await?;
        let (_, counters) = Http::plain()?.get(&format!("{}/counters", e.aws_admin_url)).await?;
        let counters: Value = serde_json::from_slice(&counters)?;
        let margins = growth::margins(i64::from(wish.instances), i64::try_from(fleet.domains().count())?);
        Ok(Self {
            placed: placed.len(),
            needed,
            renewed: count(0)?,
            failed: count(1)?,
            delegated,
            by_delegation,
            elsewhere: usize::try_from(database.query_one(ELSEWHERE, &[]).await?.get::<_, i64>(0))?,
            over_quota: counters["iam:UploadServerCertificate"]["results"]["LimitExceeded"]
                .as_u64()
                .unwrap_or(0),
            deleted: past::deleted(&database).await?,
            growth: growth.promises(&margins, wish.is_steady()),
            tables: growth.table(&bloat::after_vacuum(e).await?),
        })
    }
}

/// How often these domains were proved in renewals, and how often by delegation.
async fn proofs(database: &Client, domains: &[&str]) -> anyhow::Result<(usize, usize)> {
    let query = "select count(*), count(*) filter (where s.method = 'delegated-dns-01') \
                 from steps s join operations o on o.id = s.operation_id \
                 where o.kind = 'renew' and s.kind = 'verify-challenge' and s.method is not null and s.subject = any($1)";
    let row = database.query_one(query, &[&domains]).await?;
    let count = |column| usize::try_from(row.get::<_, i64>(column));
    Ok((count(0)?, count(1)?))
}

/// The orders that the CAs have created, by their logs.
fn placed(e: &Endpoints) -> anyhow::Result<Vec<String>> {
    let id = |line: &str| Some(line.split_once("Added order \"")?.1.split_once('"')?.0.to_owned());
    let mut placed = Vec::new();
    for ca in ["pebble", "pebble-2"] {
        let log = std::fs::read_to_string(&e.process(ca).context(ca)?.log)?;
        placed.extend(log.lines().filter_map(id));
    }
    Ok(placed)
}

/// How many of these orders led to a certificate that came into use, or are still in progress. An order that was just
/// placed is recorded soon; one that never is was placed in vain.
async fn of_use(database: &Client, placed: &[String]) -> anyhow::Result<usize> {
    let known = "select count(*), count(*) filter (where o.state = 'running' \
                   or exists (select from certificates c where c.order_id = r.id and c.attached_at is not null)) \
                 from orders r join operations o on o.id = r.operation_id where regexp_replace(r.url, '.*/', '') = any($1)";
    let deadline = Instant::now() + WRITTEN_DOWN;
    loop {
        let row = database.query_one(known, &[&placed]).await?;
        if usize::try_from(row.get::<_, i64>(0))? == placed.len() || Instant::now() > deadline {
            return Ok(usize::try_from(row.get::<_, i64>(1))?);
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// A progress line.
pub(crate) fn passing(wish: &Wish, passed: Duration, visits: &Visits, samples: &Samples) -> String {
    let (count, failures) = visits.seen();
    let last = samples.all().last().cloned();
    let days = |seconds| wish.days(seconds);
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

/// The report, and the number of broken promises.
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
    let days = |seconds| wish.days(seconds);
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
        "instances, domains, of these with a CNAME once",
        format!(
            "{}, {}, {}",
            wish.instances,
            fleet.domains().count(),
            fleet.delegated().len()
        ),
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
    line(
        Some(found.by_delegation == found.delegated && found.delegated > 0),
        "proofs by the CNAME, of these domains' in renewals",
        format!("{} of {}", found.by_delegation, found.delegated),
    );
    line(None, "workers killed", restarts.to_string());
    line(
        None,
        "the CA was away for, in lives",
        format!("{:.2}", outage.lasted.div_duration_f64(wish.life)),
    );
    line(
        (wish.instances >= MANY).then_some(found.elsewhere > 0),
        "orders at the other CA meanwhile",
        found.elsewhere.to_string(),
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
    line(
        wish.is_steady().then_some(found.deleted > 0),
        "operations deleted after their retention",
        found.deleted.to_string(),
    );
    for promise in &found.growth {
        line(promise.kept, &promise.what, promise.figure.clone());
    }
    for failure in failures.iter().take(MOST_SHOWN) {
        let _ = writeln!(text, "      {failure}");
    }
    text.push_str(&found.tables);
    (text, broken)
}
