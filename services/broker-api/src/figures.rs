//! Gauges over all instances, read from the database periodically. Every broker-api reports the same values, so queries
//! should use the maximum.

use std::collections::BTreeSet;
use std::time::Duration;

use pipeline::{OperationKind, StepKind};
use store::{CertificateCount, Figures, IamUsage, Store};
use telemetry::{ABSENT, with_causes};

/// Reads the figures in an endless loop, and sets their gauges. While they can't be read, the gauges keep their values.
/// Certificates are counted when the last count by any process is older than `count_every`.
pub async fn read_figures(store: Store, every: Duration, count_every: Duration) {
    let mut gauges = Gauges::default();
    let mut away = false;
    loop {
        // What waits is told even if certificates can't be counted.
        let counted = store.count_certificates(count_every).await;
        let read = store.figures().await.map(|figures| gauges.set(&figures));
        match counted.and(read) {
            Ok(()) => {
                if away {
                    tracing::info!("the figures for /metrics are read again");
                }
                away = false;
            }
            // Logged once per outage: the gauge of the last successful read shows how long it lasts.
            Err(error) => {
                if !away {
                    tracing::warn!(
                        error = with_causes(&error),
                        "the figures for /metrics can't be read; the last ones are kept"
                    );
                }
                away = true;
            }
        }
        tokio::time::sleep(every).await;
    }
}

/// The kinds that have been reported so far: a kind that no longer occurs is reported as 0.
struct Gauges {
    steps: BTreeSet<String>,
    operations: BTreeSet<String>,
}

impl Default for Gauges {
    fn default() -> Self {
        Self {
            steps: StepKind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect(),
            operations: OperationKind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect(),
        }
    }
}

impl Gauges {
    fn set(&mut self, figures: &Figures) {
        // A newer worker may know more kinds.
        self.steps.extend(figures.steps.keys().cloned());
        self.operations.extend(figures.operations.keys().cloned());
        for kind in &self.steps {
            let waiting = figures.steps.get(kind).copied().unwrap_or_default();
            metrics::gauge!("steps_waiting", "kind" => kind.clone()).set(waiting.count as f64);
            metrics::gauge!("steps_oldest_waiting_seconds", "kind" => kind.clone()).set(waiting.oldest_seconds);
            metrics::gauge!("steps_overdue_seconds", "kind" => kind.clone()).set(waiting.overdue_seconds);
        }
        for kind in &self.operations {
            let count = figures.operations.get(kind).copied().unwrap_or_default();
            metrics::gauge!("operations_in_progress", "kind" => kind.clone()).set(count as f64);
        }
        metrics::gauge!("renewals_in_trouble").set(figures.in_trouble as f64);
        metrics::gauge!("proofs_gone").set(figures.proofs_gone as f64);
        metrics::gauge!("certificates_to_revoke").set(figures.to_revoke as f64);
        metrics::gauge!("accounts_to_roll_over").set(figures.to_roll_over as f64);
        let of_iam = |figure: fn(IamUsage) -> u64| figures.iam.map_or(ABSENT, |iam| figure(iam) as f64);
        metrics::gauge!("iam_server_certificates").set(of_iam(|iam| iam.server_certificates));
        metrics::gauge!("iam_server_certificates_quota").set(of_iam(|iam| iam.quota));
        if let Some(certificates) = &figures.certificates {
            set_certificates(certificates);
            // The oldest of what is told.
            metrics::gauge!("figures_read_timestamp_seconds").set(figures.read_at.min(certificates.counted_at));
        }
    }
}

fn set_certificates(counted: &CertificateCount) {
    for days_left in Figures::DAYS_LEFT {
        let count = counted.days_left.get(days_left).copied().unwrap_or_default();
        metrics::gauge!("certificates", "days_left" => days_left).set(count as f64);
    }
    metrics::gauge!("certificate_soonest_end_timestamp_seconds").set(counted.soonest_end.unwrap_or(ABSENT));
    metrics::gauge!("certificates_late").set(counted.late as f64);
}
