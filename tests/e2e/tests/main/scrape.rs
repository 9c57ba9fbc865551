//! /metrics of every service of a stack, read as Prometheus reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use stack::Handle;

use crate::world::PATIENCE;

/// One line of it.
struct Sample {
    process: String,
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// All that the services tell at one moment.
#[derive(Default)]
pub(crate) struct Scrape {
    samples: Vec<Sample>,
    helped: BTreeSet<String>,
    typed: BTreeMap<String, String>,
}

impl Scrape {
    /// Asks every process that serves /metrics.
    pub(crate) async fn of(stack: &Handle) -> anyhow::Result<Self> {
        let mut scrape = Self::default();
        for process in &stack.endpoints().processes {
            let Some(url) = &process.health_url else { continue };
            let text = reqwest::get(format!("{url}/metrics")).await?.text().await?;
            scrape.read(&process.name, &text)?;
        }
        Ok(scrape)
    }

    /// Asks again and again until it holds.
    pub(crate) async fn until(stack: &Handle, what: &str, holds: impl Fn(&Self) -> bool) -> anyhow::Result<Self> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let scrape = Self::of(stack).await?;
            if holds(&scrape) {
                return Ok(scrape);
            }
            anyhow::ensure!(Instant::now() < deadline, "never: {what}; {scrape}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn read(&mut self, process: &str, text: &str) -> anyhow::Result<()> {
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(help) = line.strip_prefix("# HELP ") {
                self.helped
                    .insert(help.split(' ').next().unwrap_or_default().to_owned());
            } else if let Some(of) = line.strip_prefix("# TYPE ") {
                let (name, kind) = of.split_once(' ').context("a type")?;
                self.typed.insert(name.to_owned(), kind.to_owned());
            } else {
                let (series, value) = line.rsplit_once(' ').context("a value")?;
                let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
                let labels = labels.strip_suffix('}').context("labels that end")?;
                self.samples.push(Sample {
                    process: process.to_owned(),
                    name: name.to_owned(),
                    labels: labels
                        .split_terminator("\",")
                        .filter_map(|label| label.split_once("=\""))
                        .map(|(name, value)| (name.to_owned(), value.trim_end_matches('"').to_owned()))
                        .collect(),
                    value: value.parse()?,
                });
            }
        }
        Ok(())
    }

    fn matching(&self, name: &str, labels: &[(&str, &str)]) -> Vec<&Sample> {
        let has =
            |sample: &Sample, (name, value): (&str, &str)| sample.labels.get(name).is_some_and(|found| found == value);
        self.samples
            .iter()
            .filter(|sample| sample.name == name && labels.iter().all(|label| has(sample, *label)))
            .collect()
    }

    /// The sum of what has these labels, over all processes; none has it: 0.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.matching(name, labels).iter().map(|sample| sample.value).sum()
    }

    /// What one process says, if it says anything.
    pub(crate) fn of_process(&self, process: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.matching(name, labels)
            .iter()
            .find(|sample| sample.process == process)
            .map(|sample| sample.value)
    }

    /// The values that a label has.
    pub(crate) fn values(&self, name: &str, label: &str) -> BTreeSet<&str> {
        self.matching(name, &[])
            .iter()
            .filter_map(|sample| sample.labels.get(label))
            .map(String::as_str)
            .collect()
    }

    /// Whether anybody says it.
    pub(crate) fn has(&self, name: &str) -> bool {
        !self.matching(name, &[]).is_empty()
    }

    /// What has no help text, no type, or quantiles.
    pub(crate) fn undescribed(&self) -> BTreeSet<&str> {
        let family = |name: &'_ str| -> String {
            ["_bucket", "_sum", "_count"]
                .into_iter()
                .filter_map(|suffix| name.strip_suffix(suffix))
                .find(|base| self.typed.get(*base).is_some_and(|kind| kind == "histogram"))
                .unwrap_or(name)
                .to_owned()
        };
        self.samples
            .iter()
            .filter(|sample| {
                let family = family(&sample.name);
                let kind = self.typed.get(&family).map(String::as_str);
                !self.helped.contains(&family) || !matches!(kind, Some("counter" | "gauge" | "histogram"))
            })
            .map(|sample| sample.name.as_str())
            .collect()
    }
}

/// What an assertion shows: all but buckets and zeros.
impl fmt::Display for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for sample in &self.samples {
            if sample.value != 0.0 && !sample.labels.contains_key("le") {
                writeln!(
                    f,
                    "{} {} {:?} {}",
                    sample.process, sample.name, sample.labels, sample.value
                )?;
            }
        }
        Ok(())
    }
}
