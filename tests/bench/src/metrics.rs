//! What the services tell of themselves at /metrics.

use stack::{Endpoints, Http};

/// Series of all services at one moment: process, name with labels, value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics(Vec<(String, String, f64)>);

impl Metrics {
    /// # Errors
    /// When a service doesn't answer.
    pub(crate) async fn read(endpoints: &Endpoints) -> anyhow::Result<Self> {
        let http = Http::plain()?;
        let mut metrics = Self::default();
        for process in &endpoints.processes {
            // One that a row has stopped has no process id.
            let (Some(url), Some(_)) = (&process.health_url, process.pid) else {
                continue;
            };
            let (_, text) = http.get(&format!("{url}/metrics")).await?;
            metrics.add(&process.name, &String::from_utf8_lossy(&text));
        }
        Ok(metrics)
    }

    fn add(&mut self, process: &str, text: &str) {
        let series = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((process.to_owned(), series.to_owned(), value.parse().ok()?))
        });
        self.0.extend(series);
    }

    /// The sum of what has this name, and this label if there is one, over the processes whose names begin so.
    pub(crate) fn sum(&self, process: &str, name: &str, label: Option<(&str, &str)>) -> f64 {
        let label = label.map(|(label, value)| format!("{label}=\"{value}\""));
        self.0
            .iter()
            .filter(|(of, series, _)| {
                let its_name = series.split('{').next().unwrap_or_default();
                of.starts_with(process)
                    && its_name == name
                    && label.as_ref().is_none_or(|label| series.contains(label.as_str()))
            })
            .map(|(_, _, value)| value)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_summed_by_process_name_and_label() {
        let text =
            "# HELP steps x\n# TYPE steps counter\nsteps{kind=\"a\",b=\"1\"} 2\nsteps{kind=\"b\"} 3\nsteps_more 7\n";
        let mut metrics = Metrics::default();
        metrics.add("verifier-1", text);
        metrics.add("verifier-2", text);
        metrics.add("issuer-1", "steps{kind=\"a\"} 100\n");
        assert_eq!(metrics.sum("verifier", "steps", Some(("kind", "a"))), 4.0);
        assert_eq!(metrics.sum("verifier", "steps", None), 10.0);
        assert_eq!(metrics.sum("", "steps", Some(("kind", "a"))), 104.0);
        assert_eq!(metrics.sum("", "nothing", None), 0.0);
    }
}
