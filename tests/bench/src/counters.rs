//! What the parts of a stack have done since a moment: transactions, messages, steps, processors.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::metrics::Metrics;
use crate::processes::Processes;
use crate::site::Site;

/// PostgreSQL's own count; a backend that works reports once a second, an idle one within ten seconds.
const TRANSACTIONS: &str =
    "select (xact_commit + xact_rollback)::float8 from pg_stat_database where datname = current_database()";

/// Counters at one moment.
pub(crate) struct Counters {
    at: Instant,
    transactions: f64,
    metrics: Metrics,
    cpu: BTreeMap<String, Duration>,
}

/// What happened between two moments.
pub(crate) struct Passed<'c> {
    before: &'c Counters,
    after: &'c Counters,
}

impl Counters {
    /// # Errors
    /// When one of the parts doesn't answer.
    pub(crate) async fn read(site: &Site) -> anyhow::Result<Self> {
        let endpoints = site.stack.endpoints_now().await?;
        let metrics = Metrics::read(&endpoints).await?;
        let transactions = site.sql.query_one(TRANSACTIONS, &[]).await?.try_get(0)?;
        let processes = Processes::read()?;
        let cpu = endpoints
            .processes
            .iter()
            .filter_map(|process| Some((process.name.clone(), processes.cpu_of_tree(process.pid?))))
            .collect();
        Ok(Self {
            at: Instant::now(),
            transactions,
            metrics,
            cpu,
        })
    }

    /// Since an earlier moment.
    pub(crate) fn since<'c>(&'c self, before: &'c Self) -> Passed<'c> {
        Passed { before, after: self }
    }
}

impl Passed<'_> {
    pub(crate) fn seconds(&self) -> f64 {
        (self.after.at - self.before.at).as_secs_f64()
    }

    /// Transactions of the services' database, statements without a transaction included.
    pub(crate) fn transactions(&self) -> f64 {
        self.after.transactions - self.before.transactions
    }

    /// Messages that all services have published.
    pub(crate) fn messages(&self) -> f64 {
        self.metric("", "messages_published_total", None)
    }

    /// By how much a metric of these processes has grown.
    pub(crate) fn metric(&self, process: &str, name: &str, label: Option<(&str, &str)>) -> f64 {
        self.after.metrics.sum(process, name, label) - self.before.metrics.sum(process, name, label)
    }

    /// Seconds of processors that processes whose names begin so have used, with all below them.
    pub(crate) fn cpu(&self, process: &str) -> f64 {
        let sum = |counters: &Counters| -> f64 {
            let of = counters.cpu.iter().filter(|(name, _)| name.starts_with(process));
            of.map(|(_, used)| used.as_secs_f64()).sum()
        };
        sum(self.after) - sum(self.before)
    }
}
