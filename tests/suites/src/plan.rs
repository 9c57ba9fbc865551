//! What runs when: what measures speed has the machine to itself, what waits runs side by side.

use std::path::{Path, PathBuf};

use crate::programs::{Kind, Program};

/// When a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum When {
    /// With nothing beside it: it measures speed, and neighbours would be measured too.
    Alone,
    /// When those are over, as soon as one of the lanes is free.
    Beside,
}

/// A command to run.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) when: When,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) folder: Option<PathBuf>,
    /// Counts as so many tests as it says; else as one.
    pub(crate) has_tests: bool,
    /// Its stacks use one RabbitMQ node, but for those that want one of their own.
    pub(crate) shares_rabbitmq: bool,
    /// Added to its environment.
    pub(crate) env: Vec<(&'static str, String)>,
}

/// When an integration test program runs, and how many of its tests at once. Most of them wait most of the time, so it is more than there are
/// processors; what it takes to start a stack (8 s of a processor) is the limit.
const SUITES: [(&str, &str, When, Option<u16>); 9] = [
    ("conformance", "main", When::Alone, None),
    ("e2e", "main", When::Beside, Some(4)),
    ("e2e", "faults", When::Beside, Some(2)),
    ("chaos", "short", When::Beside, None),
    ("estate", "short", When::Beside, None),
    ("load", "short", When::Beside, None),
    ("browser", "main", When::Beside, Some(2)),
    ("stack", "infrastructure", When::Beside, None),
    ("aws-sim", "rules", When::Beside, None),
];

/// The jobs of the test programs: first what runs alone.
pub(crate) fn tests(programs: Vec<Program>) -> Vec<Job> {
    let mut jobs: Vec<Job> = programs.into_iter().map(test).collect();
    let measuring: Vec<Job> = jobs.iter_mut().filter_map(split_off_measuring).collect();
    jobs.extend(measuring);
    jobs.sort_by(|a, b| (place(a), &a.name).cmp(&(place(b), &b.name)));
    jobs
}

/// The tests that measure, by the suite that has them and parts of their names: they share its code and not its time.
const MEASURING: [(&str, &[&str], &str); 2] = [
    ("e2e main", &["flood::", "three_servers::"], "e2e measured"),
    ("load short", &["a_hundred_slow_domains"], "load fairness"),
];

/// The suites with many stacks, and one that needs no node of its own.
const SHARING: [&str; 3] = ["e2e main", "e2e faults", IN_CHROMIUM];

fn split_off_measuring(job: &mut Job) -> Option<Job> {
    let (_, tests, name) = MEASURING.into_iter().find(|(suite, ..)| job.name == *suite)?;
    let alone = Job {
        name: name.to_owned(),
        when: When::Alone,
        shares_rabbitmq: false,
        args: tests
            .iter()
            .chain(&["--test-threads=1"])
            .map(|&arg| arg.to_owned())
            .collect(),
        ..job.clone()
    };
    job.args
        .extend(tests.iter().flat_map(|&tests| ["--skip", tests]).map(str::to_owned));
    Some(alone)
}

/// The suite that needs Chromium as tests/setup.sh installs it.
const IN_CHROMIUM: &str = "browser main";

/// Why a suite can't run on this machine, where tests/setup.sh has nothing to install for it. `os_release` is what os-release(5) says. Where there is
/// a package, its absence fails the suite.
pub(crate) fn reason_to_leave_out(name: &str, os_release: &str, chromium: bool) -> Option<&'static str> {
    let ubuntu = os_release.lines().any(|line| line == "ID=ubuntu");
    (name == IN_CHROMIUM && ubuntu && !chromium).then_some("Ubuntu has no package of Chromium; Debian has")
}

/// Those that are known, in the order of the table; then all others.
fn place(job: &Job) -> usize {
    let known = SUITES
        .iter()
        .position(|(package, target, ..)| job.name == format!("{package} {target}"));
    known.unwrap_or(SUITES.len())
}

fn test(program: Program) -> Job {
    let name = match program.kind {
        Kind::Integration => format!("{} {}", program.package, program.target),
        Kind::Library => format!("{} (unit tests)", program.package),
        Kind::Program => format!("{} (unit tests of main)", program.package),
    };
    let known = SUITES.into_iter().find(|(package, target, ..)| {
        program.kind == Kind::Integration && program.package == *package && program.target == *target
    });
    let (when, threads) = known.map_or((When::Beside, None), |(_, _, when, threads)| (when, threads));
    Job {
        shares_rabbitmq: SHARING.contains(&name.as_str()),
        name,
        when,
        program: program.path,
        args: threads
            .map(|threads| format!("--test-threads={threads}"))
            .into_iter()
            .collect(),
        folder: Some(program.folder),
        has_tests: true,
        env: Vec::new(),
    }
}

/// A check beside the tests, after all of them, at the lowest priority: what the tests leave of the processors.
pub(crate) fn check(name: String, command: &str) -> Job {
    Job {
        name,
        when: When::Beside,
        program: Path::new("nice").to_owned(),
        args: ["-n", "19", "sh", "-c", command].map(str::to_owned).to_vec(),
        folder: None,
        has_tests: false,
        shares_rabbitmq: false,
        env: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(package: &str, target: &str, kind: Kind) -> Program {
        Program {
            package: package.to_owned(),
            target: target.to_owned(),
            kind,
            path: "/program".into(),
            folder: "/folder".into(),
        }
    }

    #[test]
    fn the_browsers_suite_is_left_out_only_where_no_package_brings_a_browser() {
        let ubuntu = "NAME=\"Ubuntu\"\nID=ubuntu\nID_LIKE=debian\n";
        assert!(reason_to_leave_out("browser main", ubuntu, false).is_some());
        assert_eq!(reason_to_leave_out("browser main", ubuntu, true), None);
        assert_eq!(reason_to_leave_out("e2e main", ubuntu, false), None);
        assert_eq!(reason_to_leave_out("browser main", "ID=debian\n", false), None);
    }

    #[test]
    fn what_measures_speed_runs_alone_and_all_else_is_run_once() {
        let jobs = tests(vec![
            program("store", "store", Kind::Library),
            program("e2e", "faults", Kind::Integration),
            program("load", "short", Kind::Integration),
            program("e2e", "main", Kind::Integration),
        ]);
        let said: Vec<_> = jobs
            .iter()
            .map(|job| (job.name.as_str(), job.when, job.args.join(" "), job.shares_rabbitmq))
            .collect();
        let skipping = "--test-threads=4 --skip flood:: --skip three_servers::".to_owned();
        let expected = [
            ("e2e main", When::Beside, skipping, true),
            ("e2e faults", When::Beside, "--test-threads=2".to_owned(), true),
            (
                "load short",
                When::Beside,
                "--skip a_hundred_slow_domains".to_owned(),
                false,
            ),
            (
                "e2e measured",
                When::Alone,
                "flood:: three_servers:: --test-threads=1".to_owned(),
                false,
            ),
            (
                "load fairness",
                When::Alone,
                "a_hundred_slow_domains --test-threads=1".to_owned(),
                false,
            ),
            ("store (unit tests)", When::Beside, String::new(), false),
        ];
        assert_eq!(said, expected);
    }
}
