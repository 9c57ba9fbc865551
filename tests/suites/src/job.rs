//! One command: it runs in a process group of its own, and what it prints goes into a file.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::time::timeout;

use crate::alive::{alive, unended};
use crate::plan::Job;
use crate::report::{Count, counted, failures};

/// The longest suite takes 18 minutes. CI ends a run that takes 90, and then nobody reads which test hangs.
const LIMIT: Duration = Duration::from_secs(40 * 60);

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
    let status = end(&job, output, &log).await?;
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

async fn end(job: &Job, output: File, log: &Path) -> anyhow::Result<ExitStatus> {
    let mut command = Command::new(&job.program);
    command
        .args(&job.args)
        .envs(job.env.iter().map(|(name, value)| (*name, value.as_str())))
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .process_group(0);
    if let Some(folder) = &job.folder {
        command.current_dir(folder).env("CARGO_MANIFEST_DIR", folder);
    }
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run {}", job.program.display()))?;
    let group = Group(child.id());
    let Ok(status) = timeout(LIMIT, child.wait()).await else {
        writeln!(&output, "{}", hangs(child.id(), log))?;
        drop(group);
        return Ok(child.wait().await?);
    };
    std::mem::forget(group);
    Ok(status?)
}

/// What is known of a job that doesn't end; it counts as a failure by the signal that ends it.
fn hangs(pid: Option<u32>, log: &Path) -> String {
    let minutes = LIMIT.as_secs() / 60;
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let tests = unended(&text).join("\n");
    let alive = pid.map(alive).unwrap_or_default();
    format!("\nfailures:\n\n---- not ended after {minutes} minutes ----\n{tests}\n{alive}\n")
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
