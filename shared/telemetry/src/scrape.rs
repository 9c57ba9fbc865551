//! The content of /metrics.

use metrics_exporter_prometheus::PrometheusHandle;

/// The value of a gauge that no longer has one: it is left out of /metrics, as if it had never been set. The recorder
/// itself never removes a gauge.
pub const ABSENT: f64 = f64::NAN;

/// The metrics of this process. Cheap to clone.
#[derive(Clone)]
pub struct Scrape(pub(crate) PrometheusHandle);

impl Scrape {
    /// All metrics, in Prometheus' text format.
    pub fn render(&self) -> String {
        present(&self.0.render())
    }
}

fn present(text: &str) -> String {
    text.split_inclusive('\n')
        .filter(|line| line.starts_with('#') || !line.trim_end().ends_with(" NaN"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_without_a_value_is_left_out() {
        let recorder = crate::metrics_table::builder().unwrap().build_recorder();
        let scrape = Scrape(recorder.handle());
        metrics::with_local_recorder(&recorder, || {
            let ends = metrics::gauge!("certificate_soonest_end_timestamp_seconds");
            metrics::gauge!("consuming").set(1.0);
            ends.set(17.0);
            assert!(
                scrape
                    .render()
                    .contains("\ncertificate_soonest_end_timestamp_seconds 17\n")
            );
            ends.set(ABSENT);
            assert!(!scrape.render().contains("\ncertificate_soonest_end_timestamp_seconds "));
            assert!(scrape.render().contains("\nconsuming 1\n"));
        });
    }
}
