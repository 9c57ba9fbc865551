//! What aws-sim is asked and answers in the tests, and who judges it: AWS' own service models, when the tests are over.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::plan::{Job, When};

/// The variable by which aws-sim and stacks are told.
const VARIABLE: &str = "AWS_SIM_JOURNAL";
/// Whose exchanges are judged. Other suites repeat them thousands of times, and a thousand distributions make long lists.
const JUDGED: [&str; 3] = ["aws-sim rules", "e2e main", "e2e faults"];
/// Where `tests/setup.sh` puts Python with the models.
const PYTHON: &str = ".local/aws-tools/bin/python";
const JUDGE: &str = "tests/conformance/aws-judge.py";

/// The folder that the journals are in.
pub(crate) struct Journal(PathBuf);

impl Journal {
    /// An empty folder below this one, and the suites told to write there.
    pub(crate) fn begin(logs: &str, jobs: &mut [Job]) -> io::Result<Self> {
        let folder = std::env::current_dir()?.join(logs).join("aws-journal");
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&folder)?,
        }
        for job in jobs.iter_mut().filter(|job| JUDGED.contains(&job.name.as_str())) {
            job.env.push((VARIABLE, folder.display().to_string()));
        }
        Ok(Self(folder))
    }

    /// The job that judges them, if there are any.
    pub(crate) fn judge(self) -> io::Result<Option<Job>> {
        if fs::read_dir(&self.0)?.next().is_none() {
            return Ok(None);
        }
        Ok(Some(Job {
            name: "aws judge".to_owned(),
            when: When::Beside,
            program: PYTHON.into(),
            args: vec![JUDGE.to_owned(), self.0.display().to_string()],
            folder: None,
            has_tests: false,
            shares_rabbitmq: false,
            env: Vec::new(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_judged_suites_write_and_nothing_is_judged_without_a_line() {
        let job = crate::plan::check("e2e main".to_owned(), "true");
        let other = Job {
            name: "load short".to_owned(),
            ..job.clone()
        };
        let mut jobs = [job, other];
        let logs = tempfile::tempdir().unwrap();
        let journal = Journal::begin(&logs.path().display().to_string(), &mut jobs).unwrap();
        assert_eq!(jobs[0].env[0].0, VARIABLE);
        assert!(jobs[1].env.is_empty());
        let folder = jobs[0].env[0].1.clone();
        assert!(Journal(folder.clone().into()).judge().unwrap().is_none());
        fs::write(PathBuf::from(&folder).join("a.jsonl"), "{}").unwrap();
        assert_eq!(journal.judge().unwrap().unwrap().args[1], folder);
    }
}
