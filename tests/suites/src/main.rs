//! `make test`: runs every test program of the workspace, those that wait side by side, and says how long each took.
//!
//! `cargo test` runs them one after the other, and most of them wait. What each job prints is kept in a file and shown whole
//! when the job has ended. The last line is `N passed, N failed`, of all tests and checks.

mod alive;
mod job;
mod journal;
mod node;
mod plan;
mod programs;
mod report;
mod turns;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

/// Runs the workspace's test programs side by side.
#[derive(Debug, Parser)]
struct Options {
    /// A check to run beside the tests when nothing is measured, at the lowest priority: NAME=COMMAND, for a shell
    #[arg(long, value_name = "NAME=COMMAND", value_parser = pair)]
    beside: Vec<(String, String)>,
    /// What was done before, for the table: NAME=SECONDS
    #[arg(long, value_name = "NAME=SECONDS", value_parser = earlier)]
    earlier: Vec<(String, Duration)>,
    /// Only the suites whose name has one of these in it, for instance `e2e`; all by default
    only: Vec<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("no = in it")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn earlier(text: &str) -> Result<(String, Duration), String> {
    let (name, seconds) = pair(text)?;
    let seconds = seconds.parse().map_err(|_| "not a whole number of seconds")?;
    Ok((name, Duration::from_secs(seconds)))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("suites: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether all is well.
async fn run(options: Options) -> anyhow::Result<bool> {
    let programs = programs::all().await?;
    let mut jobs = plan::tests(programs);
    jobs.retain(|job| options.only.is_empty() || options.only.iter().any(|part| job.name.contains(part.as_str())));
    anyhow::ensure!(!jobs.is_empty(), "no suite has {:?} in its name", options.only);
    let left_out = leave_out(&mut jobs);
    jobs.extend(
        options
            .beside
            .into_iter()
            .map(|(name, command)| plan::check(name, &command)),
    );

    let mut ended = Vec::new();
    let interrupted = tokio::select! {
        result = turns::take(jobs, &mut ended) => { result?; false }
        result = interrupt() => { result?; true }
    };
    for said in left_out {
        println!("{said}");
    }
    print!("{}", report::table(&options.earlier, &ended));
    if interrupted {
        anyhow::bail!("interrupted");
    }
    Ok(ended.iter().all(|end| end.failed == 0))
}

/// Takes out what can't run on this machine, and says why.
fn leave_out(jobs: &mut Vec<plan::Job>) -> Vec<String> {
    let os_release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let chromium = Path::new("/usr/bin/chromium").exists();
    let mut said = Vec::new();
    jobs.retain(|job| {
        let reason = plan::reason_to_leave_out(&job.name, &os_release, chromium);
        said.extend(reason.map(|reason| format!("left out: {} ({reason})", job.name)));
        reason.is_none()
    });
    said
}

/// Waits until somebody wants it to end.
async fn interrupt() -> anyhow::Result<()> {
    let mut signals = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
        .map(signal)
        .into_iter()
        .collect::<Result<Vec<_>, _>>()
        .context("cannot listen to signals")?;
    let [interrupt, terminate, hangup] = signals.as_mut_slice() else {
        anyhow::bail!("three signals");
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}
