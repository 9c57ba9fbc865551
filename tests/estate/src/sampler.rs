//! Samples of the certificates in use, from the database, and of the number of certificates in IAM.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use stack::{Handle, Http};
use tokio::time::{Instant, sleep};

/// One sample.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// Time since the start.
    pub(crate) at: Duration,
    /// The remaining lifetimes of the certificates in use, in seconds, sorted. Negative: expired.
    pub(crate) left: Vec<f64>,
    /// Certificates in IAM.
    pub(crate) in_iam: usize,
}

/// All samples.
#[derive(Default)]
pub(crate) struct Samples(Mutex<Vec<Sample>>);

impl Samples {
    pub(crate) fn all(&self) -> Vec<Sample> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, sample: Sample) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
    }
}

/// Takes samples for ever.
pub(crate) async fn sample(
    stack: Arc<Handle>,
    samples: Arc<Samples>,
    began: Instant,
    every: Duration,
) -> anyhow::Result<()> {
    let database = stack.endpoints().database().await?;
    let http = Http::plain()?;
    let state = format!("{}/state", stack.endpoints().aws_admin_url);
    let left = "select coalesce(array_agg(extract(epoch from not_after - clock_timestamp())::float8 order by not_after), '{}') \
                from certificates_in_use";
    loop {
        let left: Vec<f64> = database.query_one(left, &[]).await?.get(0);
        let state: Value = serde_json::from_slice(&http.get(&state).await?.1)?;
        samples.add(Sample {
            at: began.elapsed(),
            left,
            in_iam: state["certificates"].as_array().context("certificates")?.len(),
        });
        sleep(every).await;
    }
}
