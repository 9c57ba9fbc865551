//! Runs the checks and reports their findings.

use std::io::Write as _;
use std::process::ExitCode;

use tokio_util::task::AbortOnDropHandle;

use crate::check::Check;
use crate::finding::{Finding, State};

/// Prints every finding on standard output, in the checks' order, each as soon as those before it are printed. The exit
/// code is 1 when something failed.
pub async fn print(checks: Vec<Check>) -> ExitCode {
    let failed = examine(checks, |finding| {
        // Nobody may be reading; the exit code still tells.
        let _ = writeln!(std::io::stdout(), "{finding}");
    })
    .await;
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Logs each problem on a line; one line when everything is fine. For a service that already works: nothing waits for
/// the checks, and nothing fails because of them.
pub async fn log(checks: Vec<Check>) {
    let mut looked_at = 0;
    let mut well = true;
    examine(checks, |finding| {
        looked_at += 1;
        let (about, text) = (finding.about(), finding.text());
        match finding.state() {
            State::Ok | State::Skip => return,
            State::Warn => tracing::warn!("doctor: {about}  {text}"),
            State::Fail => tracing::error!("doctor: {about}  {text}"),
        }
        well = false;
    })
    .await;
    if well {
        tracing::info!(looked_at, "doctor: all is well");
    }
}

/// Every finding, in the checks' order, for callers that report them in another way.
pub async fn findings(checks: Vec<Check>) -> Vec<Finding> {
    let mut findings = Vec::new();
    examine(checks, |finding| findings.push(finding.clone())).await;
    findings
}

/// Runs all checks concurrently, independently of each other. Returns whether anything failed.
async fn examine(checks: Vec<Check>, mut tell: impl FnMut(&Finding)) -> bool {
    // A service that ends aborts its checks.
    let running: Vec<_> = checks
        .into_iter()
        .map(|check| (check.about, AbortOnDropHandle::new(tokio::spawn(check.run()))))
        .collect();
    let mut failed = false;
    for (about, check) in running {
        let findings = check
            .await
            .unwrap_or_else(|_panic| vec![Finding::fail(about, "the check itself failed", "tell the developers")]);
        for finding in findings {
            failed |= finding.state() == State::Fail;
            tell(&finding);
        }
    }
    failed
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn every_check_is_told_in_order_whatever_becomes_of_the_others() {
        let checks = vec![
            Check::one("slow", async {
                tokio::time::sleep(Duration::from_secs(2)).await;
                Finding::ok("slow", "there")
            }),
            Check::one("hanging", std::future::pending()).within(Duration::from_secs(3)),
            Check::one("broken", async { panic!("as a test wants it") }),
            Check::several("two", async {
                vec![Finding::ok("a", "1"), Finding::warn("b", "2", "3")]
            }),
        ];
        let begun = tokio::time::Instant::now();
        let mut lines = Vec::new();
        assert!(examine(checks, |finding| lines.push(finding.to_string())).await);
        assert_eq!(begun.elapsed(), Duration::from_secs(3), "side by side");
        assert_eq!(lines[0], "ok    slow  there");
        assert!(
            lines[1].starts_with("FAIL  hanging  no answer within 3s: "),
            "{}",
            lines[1]
        );
        assert!(lines[2].starts_with("FAIL  broken  "), "{}", lines[2]);
        assert_eq!(lines[3..], ["ok    a  1", "warn  b  2: 3"]);
    }

    #[tokio::test]
    async fn a_warning_and_what_was_not_tried_fail_nothing() {
        let checks = vec![Check::several("two", async {
            vec![Finding::skip("a", "why"), Finding::warn("b", "2", "3")]
        })];
        assert!(!examine(checks, |_| ()).await);
    }
}
