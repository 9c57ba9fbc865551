//! What came of it: how many tests, and how long each suite took.

use std::fmt::Write as _;
use std::time::Duration;

use crate::job::End;
use crate::plan::Job;

/// Tests or checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
}

/// How many tests of a job passed and failed. A program that ends badly without a test that failed has failed all the same.
pub(crate) fn counted(job: &Job, succeeded: bool, output: &str) -> Count {
    if !job.has_tests {
        return Count {
            passed: u32::from(succeeded),
            failed: u32::from(!succeeded),
        };
    }
    let results = output.lines().filter_map(|line| line.strip_prefix("test result: "));
    let (mut passed, mut failed, mut told) = (0, 0, false);
    for result in results {
        passed += figure(result, " passed");
        failed += figure(result, " failed");
        told = true;
    }
    if failed == 0 && !(succeeded && told) {
        failed = 1;
    }
    Count { passed, failed }
}

/// The number before a word, as in `ok. 12 passed; 0 failed; …`.
fn figure(result: &str, word: &str) -> u32 {
    let before = result.split(word).next().unwrap_or_default();
    before
        .rsplit(' ')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

/// A line for each suite that has tests, the longest first, and the sum of them as the last line.
pub(crate) fn table(earlier: &[(String, Duration)], ended: &[End]) -> String {
    let mut table = format!("\n{:<44} {:>7} {:>7} {:>7}\n", "suite", "seconds", "passed", "failed");
    for (name, took) in earlier {
        writeln!(table, "{name:<44} {:>7.0}", took.as_secs_f64()).ok();
    }
    let mut ended: Vec<&End> = ended.iter().filter(|end| end.passed + end.failed > 0).collect();
    ended.sort_by_key(|end| std::cmp::Reverse(end.took));
    for end in &ended {
        let (name, seconds) = (&end.name, end.took.as_secs_f64());
        writeln!(table, "{name:<44} {seconds:>7.1} {:>7} {:>7}", end.passed, end.failed).ok();
    }
    let passed: u32 = ended.iter().map(|end| end.passed).sum();
    let failed: u32 = ended.iter().map(|end| end.failed).sum();
    writeln!(table, "\n{passed} passed, {failed} failed").ok();
    table
}
