//! What one delivery of `verify-challenge` costs, while instances of 100 domains are looked at as often as can be:
//! database, queue, processors.

use async_trait::async_trait;
use tokio::time::sleep;

use crate::comparison::{Comparison, Goal};
use crate::counters::{Counters, Passed};
use crate::form::Form;
use crate::row::Row;
use crate::run::say;
use crate::site::{LOOKED_AT, Settings, Site, domains};
use crate::spread::Spread;

const DOMAINS: usize = 100;
const VERIFIER: &str = "challenge-verifier";
/// How many windows are measured.
const ROUNDS: usize = 3;

/// See the file.
pub(crate) struct Delivery;

#[async_trait(?Send)]
impl Row for Delivery {
    fn name(&self) -> &'static str {
        "delivery"
    }

    fn settings(&self) -> Settings {
        Settings::Fast
    }

    async fn measure(&self, site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        let idle = transactions_at_rest(site, form).await?;
        let instances = form.pick(10, 4);
        say(&format!("{instances} instances of {DOMAINS} domains are looked at"));
        for number in 0..instances {
            let id = format!("looked-at-{number}");
            site.request(&id, &id, &domains(&id, DOMAINS)).await?;
        }
        site.until_count(LOOKED_AT, "looked-at-", instances * DOMAINS).await?;
        let mut windows = Vec::new();
        for _ in 0..ROUNDS {
            let before = Counters::read(site).await?;
            sleep(form.seconds(20, 4)).await;
            let after = Counters::read(site).await?;
            windows.push(Window::of(&after.since(&before), idle));
        }
        Window::compared(&windows)
    }
}

/// Per second: what sweeps, metrics and log levels ask by themselves with these settings.
async fn transactions_at_rest(site: &Site, form: &Form) -> anyhow::Result<f64> {
    let before = Counters::read(site).await?;
    sleep(form.seconds(20, 4)).await;
    let after = Counters::read(site).await?;
    let passed = after.since(&before);
    Ok(passed.transactions() / passed.seconds())
}

/// One measurement: per delivery, but for the first.
struct Window {
    per_second: f64,
    transactions: f64,
    statements: f64,
    messages: f64,
    postgres_ms: f64,
    verifier_ms: f64,
    rabbitmq_ms: f64,
}

impl Window {
    fn of(passed: &Passed<'_>, idle: f64) -> Self {
        let kind = Some(("kind", "verify-challenge"));
        let deliveries = passed.metric(VERIFIER, "step_attempt_duration_seconds_count", kind);
        let cpu_ms = |process: &str| passed.cpu(process) * 1000.0 / deliveries;
        let statements = passed.metric(VERIFIER, "store_statement_duration_seconds_count", None);
        Self {
            per_second: deliveries / passed.seconds(),
            transactions: (passed.transactions() - idle * passed.seconds()) / deliveries,
            statements: statements / deliveries,
            messages: passed.messages() / deliveries,
            postgres_ms: cpu_ms("postgres"),
            verifier_ms: cpu_ms(VERIFIER),
            rabbitmq_ms: cpu_ms("rabbitmq"),
        }
    }

    fn compared(windows: &[Self]) -> anyhow::Result<Vec<Comparison>> {
        let line = |what: &str, of: fn(&Self) -> f64, goal| {
            let spread = Spread::of(windows.iter().map(of))?;
            anyhow::Ok(Comparison::alone(what, spread, goal))
        };
        [
            line("deliveries per second", |window| window.per_second, Goal::None),
            line("transactions", |window| window.transactions, Goal::AtMost(2.0)),
            line("statements of the verifier", |window| window.statements, Goal::None),
            line("messages published", |window| window.messages, Goal::AtMost(1.0)),
            line(
                "PostgreSQL (ms of a processor)",
                |window| window.postgres_ms,
                Goal::AtMost(1.0),
            ),
            line(
                "verifier (ms of a processor)",
                |window| window.verifier_ms,
                Goal::AtMost(1.5),
            ),
            line(
                "RabbitMQ (ms of a processor)",
                |window| window.rabbitmq_ms,
                Goal::AtMost(1.0),
            ),
        ]
        .into_iter()
        .collect()
    }
}
