//! One command: it runs in a process group of its own, and what it prints goes into a file.

use std::fs::File;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Command;

use crate::plan::Job;
use crate::report::{Count, counted, failures};

/// How a job ended.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) name: String,
    pub(crate) took: Duration,
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    /// What it printed about its failures; empty when all is well.
    pub(crate) failures: String,
}

/// Runs it to its end, and prints what it has printed, whole.
pub(crate) async fn run(job: Job, logs: &Path) -> anyhow::Result<End> {
    let log = logs.join(format!("{}.log", job.name.replace(['(', ')'], "").replace(' ', "-")));
    let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let begun = Instant::now();
    println!("--> {}", job.name);
    let status = end(&job, output).await?;
    let took = begun.elapsed();
    let text = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
    let Count { passed, failed } = counted(&job, status.success(), &text);
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    let how = if status.success() {
        String::new()
    } else {
        format!(", {status}")
    };
    println!(
        "\n==> {}: {verdict} in {:.0} s{how}\n{}\n",
        job.name,
        took.as_secs_f64(),
        text.trim_end()
    );
    Ok(End {
        name: job.name,
        took,
        passed,
        failed,
        failures: if failed == 0 { String::new() } else { failures(&text) },
    })
}

async fn end(job: &Job, output: File) -> anyhow::Result<ExitStatus> {
    let mut command = Command::new(&job.program);
    command
        .args(&job.args)
        .envs(job.env.iter().map(|(name, value)| (*name, value.as_str())))
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .process_group(0);
    if let Some(folder) = &job.folder {
        command.current_dir(folder).env("CARGO_MANIFEST_DIR", folder);
    }
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run {}", job.program.display()))?;
    let group = Group(child.id());
    let status = child.wait().await?;
    std::mem::forget(group);
    Ok(status)
}

/// A process group that is ended when it is dropped. Test programs die of it, and their stacks clean up when they have.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0.and_then(|pid| i32::try_from(pid).ok()) {
            // It may have ended by itself.
            killpg(Pid::from_raw(leader), Signal::SIGTERM).ok();
        }
    }
}
