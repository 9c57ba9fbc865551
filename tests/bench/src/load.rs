//! Requests at a fixed rate, by oha: open loop, so that what has to wait is counted from when it was due.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::process::Command;

/// More than are ever open at once unless the server falls behind.
const CONNECTIONS: u32 = 64;

/// What is to be sent.
pub(crate) struct Load<'l> {
    /// A file with one address per line; each request takes one at random.
    pub(crate) urls: &'l Path,
    /// Requests per second.
    pub(crate) rate: u32,
    pub(crate) lasts: Duration,
    /// User name and password.
    pub(crate) login: (&'l str, &'l str),
}

/// How it was answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Answered {
    /// Milliseconds from when a request was due until its whole answer was there.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Answers per second; less than the rate when the server falls behind.
    pub(crate) per_second: f64,
}

impl Load<'_> {
    /// Sends it.
    ///
    /// # Errors
    /// When an answer is not 200, or oha isn't there.
    pub(crate) async fn send(&self) -> anyhow::Result<Answered> {
        let output = Command::new(program()?)
            .args(["--no-tui", "--output-format", "json", "--latency-correction"])
            // One thread for itself: it has to leave the rest to the server and the database.
            .args(["--worker-threads", "1", "-c", &CONNECTIONS.to_string()])
            .args([
                "-q",
                &self.rate.to_string(),
                "-z",
                &format!("{}ms", self.lasts.as_millis()),
            ])
            .args([
                "--wait-ongoing-requests-after-deadline",
                "-H",
                "X-Broker-API-Version: 2.17",
            ])
            .args(["-a", &format!("{}:{}", self.login.0, self.login.1), "--urls-from-file"])
            .arg(self.urls)
            .kill_on_drop(true)
            .output()
            .await
            .context("oha")?;
        ensure!(
            output.status.success(),
            "oha failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        read(&output.stdout)
    }
}

/// oha's report (schema.json of its repository).
fn read(json: &[u8]) -> anyhow::Result<Answered> {
    let report: Value = serde_json::from_slice(json).context("oha's report")?;
    let statuses = report["statusCodeDistribution"].as_object();
    let odd = statuses.is_none_or(|statuses| statuses.is_empty() || statuses.keys().any(|status| status != "200"));
    ensure!(
        !odd,
        "not all answers were 200: {}, {}",
        report["statusCodeDistribution"],
        report["errorDistribution"]
    );
    let number = |pointer: &str| {
        let number = report.pointer(pointer).and_then(Value::as_f64);
        number.with_context(|| format!("oha's report has no {pointer}"))
    };
    Ok(Answered {
        p50: number("/latencyPercentiles/p50")? * 1000.0,
        p99: number("/latencyPercentiles/p99")? * 1000.0,
        per_second: number("/summary/requestsPerSec")?,
    })
}

/// `make bench-setup` installs it into the repository's `.local`.
fn program() -> anyhow::Result<PathBuf> {
    let (executable, here) = (std::env::current_exe()?, std::env::current_dir()?);
    executable
        .ancestors()
        .chain(here.ancestors())
        .map(|folder| folder.join(".local/oha/bin/oha"))
        .find(|path| path.is_file())
        .context("oha isn't there; run make bench-setup")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(statuses: &Value) -> Vec<u8> {
        let report = json!({
            "summary": {"requestsPerSec": 499.5, "successRate": 1.0},
            "latencyPercentiles": {"p50": 0.0005, "p99": 0.002},
            "statusCodeDistribution": statuses,
            "errorDistribution": {},
        });
        report.to_string().into_bytes()
    }

    #[test]
    fn a_report_is_read_in_milliseconds() {
        let answered = read(&report(&json!({"200": 2500}))).unwrap();
        assert_eq!((answered.p50, answered.p99, answered.per_second), (0.5, 2.0, 499.5));
    }

    #[test]
    fn other_answers_are_an_error() {
        for statuses in [json!({}), json!({"200": 2, "503": 1}), Value::Null] {
            assert!(read(&report(&statuses)).is_err(), "{statuses}");
        }
    }
}
