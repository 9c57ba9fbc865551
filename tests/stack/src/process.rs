//! Processes that the stack owns: each in its own group, ended with the supervisor, stopped by group.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, User, getppid};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::endpoints::ProcessInfo;
use crate::progress::say;

const POLL: Duration = Duration::from_millis(20);
/// How long the kernel may take to end a killed process.
const KILLED: Duration = Duration::from_secs(10);

/// How to run a process, kept so that it can be restarted.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
    /// Working directory.
    pub(crate) folder: PathBuf,
    pub(crate) log: PathBuf,
    /// Run as this user (by a root supervisor).
    pub(crate) user: Option<User>,
    /// The signal for a graceful end: for a restart that keeps its data.
    pub(crate) graceful: Signal,
    /// The signal for a fast end: for the end of the stack, when its data is discarded.
    pub(crate) quick: Signal,
    /// How long a graceful end may take before the process is killed.
    pub(crate) grace: Duration,
    pub(crate) health_url: Option<String>,
}

impl Spec {
    /// A process in the stack's folder, ended by SIGTERM.
    pub(crate) fn new(name: &str, program: impl Into<PathBuf>, stack_folder: &Path) -> Self {
        Self {
            name: name.to_owned(),
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            folder: stack_folder.to_owned(),
            log: stack_folder.join("logs").join(format!("{name}.log")),
            user: None,
            graceful: Signal::SIGTERM,
            quick: Signal::SIGTERM,
            grace: Duration::from_secs(10),
            health_url: None,
        }
    }

    /// Adds arguments.
    pub(crate) fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds to the environment, which otherwise contains only what [`command`](Self::command) passes on.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.insert(name.to_owned(), value.into());
        self
    }

    fn command(&self) -> anyhow::Result<Command> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            // The developer's AWS profile, proxies and PG* variables must not influence the tests.
            .env_clear()
            .envs(
                std::env::vars()
                    .filter(|(name, _)| matches!(name.as_str(), "PATH" | "LANG" | "TZ" | "LD_LIBRARY_PATH")),
            )
            .env("HOME", self.folder.as_os_str())
            .envs(&self.env)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        if let Some(user) = &self.user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        die_with_supervisor(&mut command);
        Ok(command)
    }

    /// Runs it to completion; fails unless it succeeds.
    pub(crate) async fn run(&self) -> anyhow::Result<()> {
        let status = self.command()?.kill_on_drop(true).status().await;
        let status = status.with_context(|| format!("cannot run {}", self.program.display()))?;
        ensure!(
            status.success(),
            "{} ended with {status}:\n{}",
            self.name,
            tail(&self.log)
        );
        Ok(())
    }
}

/// The kernel kills the child when the supervisor's main thread ends, also by SIGKILL. All children are spawned from
/// that thread (the runtime has no other), since the signal is bound to the spawning thread.
fn die_with_supervisor(command: &mut Command) {
    let supervisor = Pid::this();
    let set_up = move || {
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        if getppid() == supervisor {
            Ok(())
        } else {
            Err(std::io::Error::other("the supervisor is gone"))
        }
    };
    #[expect(
        unsafe_code,
        reason = "prctl and getppid are async-signal-safe and nothing is allocated before exec"
    )]
    unsafe {
        command.pre_exec(set_up);
    }
}

struct Process {
    spec: Spec,
    child: Option<Child>,
    pid: Option<u32>,
}

impl Process {
    /// Reaps it if it has ended.
    fn try_wait(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().ok()??;
        self.child = None;
        self.pid = None;
        Some(status)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = self.pid.ok_or_else(|| anyhow!("{} is not running", self.spec.name))?;
        killpg(Pid::from_raw(i32::try_from(pid)?), signal).with_context(|| format!("cannot signal {}", self.spec.name))
    }
}

/// All processes of the stack by name. Single-threaded; nothing is borrowed across an await.
#[derive(Clone, Default)]
pub(crate) struct Processes(Rc<RefCell<BTreeMap<String, Process>>>);

impl Processes {
    /// Starts a process and waits until `ready` returns true; fails when it ends first or takes too long.
    pub(crate) async fn launch<F>(&self, spec: Spec, limit: Duration, ready: impl Fn() -> F) -> anyhow::Result<()>
    where
        F: Future<Output = bool>,
    {
        let name = spec.name.clone();
        let log = spec.log.clone();
        self.spawn(spec)?;
        let deadline = Instant::now() + limit;
        loop {
            if ready().await {
                return Ok(());
            }
            if let Some(status) = self.ended(&name) {
                bail!("{name} ended with {status} before it was ready:\n{}", tail(&log));
            }
            if Instant::now() > deadline {
                bail!("{name} isn't ready after {limit:?}:\n{}", tail(&log));
            }
            sleep(POLL).await;
        }
    }

    /// Starts a process.
    pub(crate) fn spawn(&self, spec: Spec) -> anyhow::Result<()> {
        let mut all = self.0.borrow_mut();
        if let Some(process) = all.get_mut(&spec.name) {
            process.try_wait();
            ensure!(process.child.is_none(), "{} is running", spec.name);
        }
        let child = spec
            .command()?
            .spawn()
            .with_context(|| format!("cannot start {}", spec.program.display()))?;
        let pid = child.id();
        all.insert(
            spec.name.clone(),
            Process {
                spec,
                child: Some(child),
                pid,
            },
        );
        Ok(())
    }

    /// The exit status, once, if the process has just ended.
    fn ended(&self, name: &str) -> Option<ExitStatus> {
        self.0.borrow_mut().get_mut(name)?.try_wait()
    }

    /// The processes that ended by themselves since the last call.
    pub(crate) fn reap(&self) -> Vec<(String, ExitStatus)> {
        let mut all = self.0.borrow_mut();
        all.iter_mut()
            .filter_map(|(name, process)| Some((name.clone(), process.try_wait()?)))
            .collect()
    }

    /// The spec that it was started with.
    pub(crate) fn spec(&self, name: &str) -> anyhow::Result<Spec> {
        let all = self.0.borrow();
        let names = || all.keys().cloned().collect::<Vec<_>>().join(", ");
        all.get(name)
            .map(|process| process.spec.clone())
            .ok_or_else(|| anyhow!("no process {name}; there are {}", names()))
    }

    /// Signals a process's group.
    pub(crate) fn signal(&self, name: &str, signal: Signal) -> anyhow::Result<()> {
        self.spec(name)?;
        let mut all = self.0.borrow_mut();
        let process = all.get_mut(name).context("no such process")?;
        process.try_wait();
        process.signal(signal)
    }

    /// Waits until it has ended.
    pub(crate) async fn gone(&self, name: &str, limit: Duration) -> anyhow::Result<()> {
        let deadline = Instant::now() + limit;
        while self.pid(name).is_some() {
            self.ended(name);
            ensure!(Instant::now() < deadline, "{name} still runs after {limit:?}");
            sleep(POLL / 4).await;
        }
        Ok(())
    }

    /// Ends a process by `signal`, and after its grace period by SIGKILL. Does nothing if it isn't running.
    pub(crate) async fn stop(&self, name: &str, signal: Signal, grace: Duration) -> anyhow::Result<()> {
        self.spec(name)?;
        if self.signal(name, signal).is_err() {
            return Ok(());
        }
        // A process frozen by SIGSTOP receives the signal only after SIGCONT.
        self.signal(name, Signal::SIGCONT).ok();
        if self.gone(name, grace).await.is_err() {
            say(format_args!("{name} did not end within {grace:?}; killing it"));
            self.signal(name, Signal::SIGKILL).ok();
            self.gone(name, KILLED).await?;
        }
        Ok(())
    }

    /// The process id of a running process.
    pub(crate) fn pid(&self, name: &str) -> Option<u32> {
        self.0.borrow().get(name)?.pid
    }

    /// All names.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.borrow().keys().cloned().collect()
    }

    /// For [`Endpoints`](crate::Endpoints).
    pub(crate) fn infos(&self) -> Vec<ProcessInfo> {
        let info = |process: &Process| ProcessInfo {
            name: process.spec.name.clone(),
            pid: process.pid,
            log: process.spec.log.clone(),
            health_url: process.spec.health_url.clone(),
        };
        self.0.borrow().values().map(info).collect()
    }
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    use std::io::{Read, Seek, SeekFrom};
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let from = file.metadata()?.len().saturating_sub(3000);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().unwrap_or_else(|error| format!("(no log: {error})"))
}
