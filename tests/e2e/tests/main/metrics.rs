//! What the metrics tell of a service's life, to the unit: the stack is this test's own.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use customer::{Platform, status};
use serde_json::json;
use stack::{Dns, Handle, Options};

use crate::scrape::Scrape;
use crate::world::{PATIENCE, domain};

struct Site {
    stack: Handle,
    platform: Platform,
    dns: Dns,
}

impl Site {
    async fn start() -> anyhow::Result<Self> {
        let stack = Handle::start(Options::fast()).await?;
        let e = stack.endpoints();
        Ok(Self {
            platform: Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?,
            dns: Dns::new(&e.dns_management_url)?,
            stack,
        })
    }

    async fn until(&self, what: &str, holds: impl Fn(&Scrape) -> bool) -> anyhow::Result<Scrape> {
        Scrape::until(&self.stack, what, holds).await
    }

    async fn create(&self, id: &str, domain: &str) -> anyhow::Result<()> {
        let answer = self.platform.provision(id, "org", json!({"domains": [domain]})).await?;
        anyhow::ensure!(answer.status == 202, "{}", answer.text);
        Ok(())
    }

    async fn set_record(&self, id: &str, domain: &str) -> anyhow::Result<()> {
        let told = self
            .platform
            .poll(id, PATIENCE, "what to set", |answer| {
                status::persist_value(answer.description()).is_some()
            })
            .await?;
        let value = status::persist_value(told.description()).context("a set-once record")?;
        self.dns.set_txt(&format!("_validation-persist.{domain}"), &value).await
    }

    async fn delete(&self, id: &str) -> anyhow::Result<()> {
        let answer = self.platform.deprovision(id).await?;
        anyhow::ensure!(answer.status == 202, "{}", answer.text);
        self.platform.succeeded(id, PATIENCE).await?;
        Ok(())
    }

    async fn sql(&self) -> anyhow::Result<tokio_postgres::Client> {
        self.stack.endpoints().database().await
    }
}

#[tokio::test]
async fn the_metrics_tell_the_life_of_services() -> anyhow::Result<()> {
    let site = Site::start().await?;
    let (good, foreign, waits) = (domain("measured"), domain("foreign"), domain("waits"));
    let url = format!("{}/foreign-alias", site.stack.endpoints().aws_admin_url);
    let taken = reqwest::Client::new().post(url).json(&json!({"alias": foreign}));
    taken.send().await?.error_for_status()?;
    for (id, name) in [("good", &good), ("foreign", &foreign), ("waits", &waits)] {
        site.create(id, name).await?;
    }
    site.set_record("good", &good).await?;
    site.set_record("foreign", &foreign).await?;
    site.platform.succeeded("good", PATIENCE).await?;
    site.platform.failed("foreign", PATIENCE).await?;
    let answer = site.platform.update("good", json!({"path": "/shop"})).await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    site.platform.succeeded("good", PATIENCE).await?;

    operations_are_counted_once(&site).await?;
    what_waits_is_told(&site).await?;
    attempts_are_told_apart(&site).await?;
    certificates_are_told_by_what_they_have_left(&site).await?;
    room_in_iam_is_told(&site).await?;

    for id in ["good", "waits"] {
        site.delete(id).await?;
    }
    nothing_is_left(&site).await
}

async fn room_in_iam_is_told(site: &Site) -> anyhow::Result<()> {
    // The one in use, and that of the provision that failed at CloudFront.
    let held = |scrape: &Scrape| scrape.sum("iam_server_certificates", &[]);
    let scrape = site
        .until("what IAM holds is seen", |scrape| held(scrape) == 2.0)
        .await?;
    assert_eq!(scrape.sum("iam_server_certificates_quota", &[]), 20.0, "{scrape}");
    Ok(())
}

async fn operations_are_counted_once(site: &Site) -> anyhow::Result<()> {
    let ended = |scrape: &Scrape| scrape.sum("operations_total", &[]);
    let scrape = site.until("three ends", |scrape| ended(scrape) >= 3.0).await?;
    for (kind, outcome, count) in [
        ("provision", "succeeded", 1.0),
        ("provision", "failed", 1.0),
        ("update", "succeeded", 1.0),
    ] {
        let labels = [("kind", kind), ("outcome", outcome)];
        assert_eq!(scrape.sum("operations_total", &labels), count, "{labels:?}");
        assert_eq!(
            scrape.sum("operation_duration_seconds_count", &labels),
            count,
            "{labels:?}"
        );
        let day = [labels[0], labels[1], ("le", "86400")];
        assert_eq!(scrape.sum("operation_duration_seconds_bucket", &day), count, "{day:?}");
        let took = scrape.sum("operation_duration_seconds_sum", &labels);
        assert!((0.5..300.0).contains(&took), "{labels:?} took {took} s");
    }
    assert_eq!(ended(&scrape), 3.0, "one still waits");
    Ok(())
}

async fn what_waits_is_told(site: &Site) -> anyhow::Result<()> {
    let kind = [("kind", "verify-challenge")];
    let scrape = site
        .until("only one operation is left", |scrape| {
            scrape.sum("operations_in_progress", &[]) == 1.0 && scrape.sum("steps_waiting", &[]) == 1.0
        })
        .await?;
    assert_eq!(
        scrape.sum("operations_in_progress", &[("kind", "provision")]),
        1.0,
        "{scrape}"
    );
    assert_eq!(scrape.sum("steps_waiting", &kind), 1.0, "{scrape}");
    let oldest = scrape.sum("steps_oldest_waiting_seconds", &kind);
    assert!((0.1..90.0).contains(&oldest), "made {oldest} s ago");
    assert!(scrape.sum("steps_overdue_seconds", &kind) < 10.0, "{scrape}");
    // What waits no more is told as nothing, not left out.
    assert_eq!(
        scrape.of_process("broker-api", "steps_waiting", &[("kind", "place-order")]),
        Some(0.0)
    );
    let now: f64 = site
        .sql()
        .await?
        .query_one("select extract(epoch from now())::float8", &[])
        .await?
        .get(0);
    let read = scrape.sum("figures_read_timestamp_seconds", &[]);
    assert!((0.0..10.0).contains(&(now - read)), "read {read}, now {now}");
    // As if it had been due for long; its next attempt puts that right, so it is done again until it was seen.
    let sql = site.sql().await?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        sql.execute(
            "update steps set due_at = now() - interval '100 seconds' where state = 'waiting' and due_at > now() - interval '9 seconds'",
            &[],
        )
        .await?;
        let scrape = Scrape::of(&site.stack).await?;
        let count = scrape.sum("step_lateness_seconds_count", &kind);
        let late = count - scrape.sum("step_lateness_seconds_bucket", &[kind[0], ("le", "60")]);
        if late > 0.0 && scrape.sum("steps_overdue_seconds", &kind) >= 100.0 {
            assert!(late < count, "others were in time: {scrape}");
            break;
        }
        anyhow::ensure!(Instant::now() < deadline, "never overdue: {scrape}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

async fn attempts_are_told_apart(site: &Site) -> anyhow::Result<()> {
    let waits = [("kind", "verify-challenge"), ("outcome", "pending")];
    let scrape = site
        .until("a sixth attempt", |scrape| {
            scrape.sum("step_attempts_total", &[waits[0], waits[1], ("attempt", "6-20")]) > 0.0
        })
        .await?;
    let words = scrape.values("step_attempts_total", "attempt");
    for word in ["1", "2", "3-5", "6-20"] {
        assert!(words.contains(word), "{words:?}");
    }
    for word in words {
        assert!(["1", "2", "3-5", "6-20", "21+"].contains(&word), "{word}");
    }
    // The step that waits has had its first, and its second; the other two may have been done at their first.
    let first = scrape.sum("step_attempts_total", &[("kind", "verify-challenge"), ("attempt", "1")]);
    assert_eq!(first, 3.0, "a first attempt at each domain");
    // The domain of one is another's alias, and nobody has proved that of the other.
    let made = [("kind", "create-distribution"), ("outcome", "done")];
    assert_eq!(scrape.sum("step_attempts_total", &made), 1.0, "{scrape}");
    for (name, labels) in [
        ("step_attempt_duration_seconds", &[("kind", "create-distribution")][..]),
        ("step_lateness_seconds", &[("kind", "create-distribution")]),
        ("store_transaction_duration_seconds", &[("name", "record")]),
        ("outside_call_duration_seconds", &[("peer", "acme")]),
        ("http_request_duration_seconds", &[("method", "PUT")]),
    ] {
        let bucket = format!("{name}_bucket");
        let count = scrape.sum(&format!("{name}_count"), labels);
        let within = |le| scrape.sum(&bucket, &[labels[0], ("le", le)]);
        assert!(count > 0.0, "{name}");
        assert_eq!(within("+Inf"), count, "{name}");
        assert!(within("30") > 0.0, "{name}: some of it took no longer");
    }
    assert!(scrape.undescribed().is_empty(), "{:?}", scrape.undescribed());
    Ok(())
}

async fn certificates_are_told_by_what_they_have_left(site: &Site) -> anyhow::Result<()> {
    let left = |scrape: &Scrape, days| scrape.sum("certificates", &[("days_left", days)]);
    let sql = site.sql().await?;
    // What was never attached is not counted: the failed one has a certificate, too.
    for (interval, days) in [
        ("61 days", "60+"),
        ("59 days 23 hours", "30-59"),
        ("29 days 23 hours", "21-29"),
        ("20 days 23 hours", "14-20"),
        ("13 days 23 hours", "7-13"),
        ("6 days 23 hours", "0-6"),
        ("-1 minute", "ended"),
    ] {
        let ends: f64 = sql
            .query_one(
                "update certificates set not_after = now() + $1::text::interval where attached_at is not null \
                 returning extract(epoch from not_after)::float8",
                &[&interval],
            )
            .await?
            .get(0);
        let scrape = site
            .until(days, |scrape| {
                left(scrape, days) == 1.0
                    && (scrape.sum("certificate_soonest_end_timestamp_seconds", &[]) - ends).abs() < 1.0
            })
            .await?;
        assert_eq!(scrape.sum("certificates", &[]), 1.0, "in one place: {scrape}");
    }
    Ok(())
}

/// After the deprovisions: one of what worked, one that took over a provision.
async fn nothing_is_left(site: &Site) -> anyhow::Result<()> {
    let scrape = site
        .until("nothing is left", |scrape| {
            scrape.sum("operations_in_progress", &[]) == 0.0 && scrape.sum("certificates", &[]) == 0.0
        })
        .await?;
    assert!(!scrape.has("certificate_soonest_end_timestamp_seconds"), "{scrape}");
    for name in ["steps_waiting", "steps_oldest_waiting_seconds", "steps_overdue_seconds"] {
        assert!(scrape.has(name), "{name} is reported as 0");
        assert_eq!(scrape.sum(name, &[]), 0.0, "{name}");
    }
    let gone = [("kind", "deprovision"), ("outcome", "succeeded")];
    assert_eq!(scrape.sum("operations_total", &gone), 2.0);
    assert_eq!(
        scrape.sum("operations_total", &[]),
        5.0,
        "what a deprovision took over is not counted"
    );
    Ok(())
}
