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

/// So much of a failure is repeated at the end, in lines; the whole is further up and in the suite's file.
const REPEATED: usize = 150;

/// What libtest says of the tests that failed, or the end of what another command printed, without backtraces.
pub(crate) fn failures(output: &str) -> String {
    let told = output.split_once("\nfailures:\n").map_or(output, |(_, told)| told);
    let told = told.split("\nfailures:\n").next().unwrap_or(told).trim();
    let mut in_backtrace = false;
    let lines: Vec<&str> = told
        .lines()
        .filter(|line| {
            let begins = line.eq_ignore_ascii_case("stack backtrace:");
            in_backtrace = begins || in_backtrace && !line.is_empty();
            !in_backtrace
        })
        .collect();
    lines[lines.len().saturating_sub(REPEATED)..]
        .join("\n")
        .trim_end()
        .to_owned()
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

/// A line for each suite that has tests, the longest first; what failed; and the sum of them as the last line. Where only the end of a
/// log is kept, the failures are in it.
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
    for end in ended.iter().filter(|end| end.failed > 0) {
        writeln!(table, "\nFAILED: {}\n{}", end.name, end.failures).ok();
    }
    let passed: u32 = ended.iter().map(|end| end.passed).sum();
    let failed: u32 = ended.iter().map(|end| end.failed).sum();
    writeln!(table, "\n{passed} passed, {failed} failed").ok();
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\nrunning 2 tests\ntest a ... ok\ntest b ... FAILED\n\nfailures:\n\n---- b stdout ----\nwhy b failed\n\n\nfailures:\n    b\n\n\
                          test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";

    fn end(name: &str, failed: u32, failures: &str) -> End {
        End {
            name: name.to_owned(),
            took: Duration::from_secs(2),
            passed: 1,
            failed,
            failures: failures.to_owned(),
        }
    }

    #[test]
    fn the_table_ends_with_what_failed_and_the_sum() {
        assert_eq!(failures(OUTPUT), "---- b stdout ----\nwhy b failed");
        let with_backtrace = OUTPUT.replace(
            "why b failed",
            "why b failed\n\nStack backtrace:\n   0: main\n             at main.rs:1\n",
        );
        assert_eq!(failures(&with_backtrace), failures(OUTPUT));
        assert_eq!(failures("no libtest: the last words"), "no libtest: the last words");
        let table = table(&[], &[end("good", 0, ""), end("bad", 1, &failures(OUTPUT))]);
        assert!(
            table.ends_with("\nFAILED: bad\n---- b stdout ----\nwhy b failed\n\n2 passed, 1 failed\n"),
            "{table}"
        );
    }

    #[test]
    fn a_program_that_dies_has_failed() {
        let job = crate::plan::check("x".to_owned(), "true");
        let tests = Job { has_tests: true, ..job };
        let counted = |succeeded, output| {
            let Count { passed, failed } = counted(&tests, succeeded, output);
            (passed, failed)
        };
        assert_eq!(counted(false, OUTPUT), (1, 1));
        assert_eq!(counted(false, "test result: ok. 3 passed; 0 failed; 0 ignored"), (3, 1));
        assert_eq!(counted(true, "test result: ok. 3 passed; 0 failed; 0 ignored"), (3, 0));
        assert_eq!(counted(true, "nothing was said"), (0, 1));
    }
}
