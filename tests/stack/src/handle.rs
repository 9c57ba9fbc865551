//! A stack for a test: it lives as long as the handle, and no longer than the test's process.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::ToSocketAddrs as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::command::{Answer, Command, Signal};
use crate::dns::Dns;
use crate::endpoints::{Endpoints, ProcessInfo};
use crate::http::Http;
use crate::options::{Options, Peer};

/// The time limit of a whole start on a loaded machine, including the wait for other stacks that are starting.
const START: Duration = Duration::from_secs(600);
/// The time limit of a command, for example to restart RabbitMQ.
const COMMAND: Duration = Duration::from_secs(120);
/// Stopping everything.
const STOP: Duration = Duration::from_secs(60);

/// A running stack. If this process started it, dropping the handle stops the stack and waits for that.
pub struct Handle {
    endpoints: Endpoints,
    supervisor: Option<Supervisor>,
}

/// The `stack` program that this process started.
struct Supervisor {
    program: Child,
    folder: PathBuf,
    channel: tokio::sync::Mutex<Channel>,
    progress: Arc<Mutex<String>>,
    keep: bool,
}

/// Commands are written, answers are read, in the same order.
struct Channel {
    commands: Option<ChildStdin>,
    answers: mpsc::UnboundedReceiver<String>,
    /// Answers whose caller stopped waiting.
    unread: usize,
}

impl Handle {
    /// Starts a stack with the `stack` program that is beside the test's own.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let program = program("stack")?;
        let mut started = std::process::Command::new(&program)
            .args(["up", "--until-eof", "--options", &serde_json::to_string(&options)?])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // So that a signal that kills the test's group lets the supervisor clean up.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let stdout = started.stdout.take().context("no standard output")?;
        let stderr = started.stderr.take().context("no standard error")?;
        let commands = started.stdin.take();
        let (sender, mut answers) = mpsc::unbounded_channel();
        read_lines(stdout, move |line| drop(sender.send(line)));
        let progress = Arc::new(Mutex::new(String::new()));
        let text = Arc::clone(&progress);
        read_lines(stderr, move |line| {
            let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
            text.push_str(&line);
            text.push('\n');
        });

        let first = timeout(START, answers.recv()).await;
        let Ok(Some(line)) = first else {
            drop(commands);
            wait(&mut started);
            let text = progress.lock().unwrap_or_else(PoisonError::into_inner);
            bail!("the stack did not start:\n{text}");
        };
        let endpoints: Endpoints = serde_json::from_str(&line).with_context(|| {
            format!(
                "{} is of another version (cargo build --workspace); it said {line}",
                program.display()
            )
        })?;
        let channel = Channel {
            commands,
            answers,
            unread: 0,
        };
        let supervisor = Supervisor {
            program: started,
            folder: endpoints.folder.clone(),
            channel: channel.into(),
            progress,
            keep: options.keep,
        };
        Ok(Self {
            endpoints,
            supervisor: Some(supervisor),
        })
    }

    /// A stack that was started elsewhere, for example by docker compose: `file` contains its [`Endpoints`] as JSON.
    /// Commands are refused.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn attach(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let mut endpoints: Endpoints = serde_json::from_str(&text).with_context(|| format!("{}", file.display()))?;
        endpoints.processes = endpoints.processes.into_iter().flat_map(every_replica).collect();
        Ok(Self {
            endpoints,
            supervisor: None,
        })
    }

    /// The addresses at the start; only process ids change later, see [`Self::endpoints_now`].
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The supervisor's process id.
    pub fn supervisor_pid(&self) -> Option<u32> {
        self.supervisor.as_ref().map(|supervisor| supervisor.program.id())
    }

    /// The supervisor's standard error so far.
    pub fn progress(&self) -> String {
        let progress = self.supervisor.as_ref().map(|supervisor| &supervisor.progress);
        progress.map_or_else(String::new, |text| {
            text.lock().unwrap_or_else(PoisonError::into_inner).clone()
        })
    }

    /// Sends a command and waits for its answer; fails when the stack reports a failure.
    pub async fn command(&self, command: Command) -> anyhow::Result<Answer> {
        let supervisor = self.supervisor.as_ref();
        let supervisor = supervisor.with_context(|| format!("{command:?}: this stack is somebody else's"))?;
        let mut channel = supervisor.channel.lock().await;
        let commands = channel.commands.as_mut().context("the stack is stopped")?;
        writeln!(commands, "{}", serde_json::to_string(&command)?).context("the stack is gone")?;
        channel.unread += 1;
        loop {
            let line = timeout(COMMAND, channel.answers.recv())
                .await
                .with_context(|| format!("{command:?}"))?;
            let line = line.ok_or_else(|| anyhow!("the stack is gone:\n{}", self.progress()))?;
            channel.unread -= 1;
            if channel.unread == 0 {
                let answer: Answer = serde_json::from_str(&line)?;
                return match answer.error {
                    Some(error) => Err(anyhow!("{command:?}: {error}")),
                    None => Ok(answer),
                };
            }
        }
    }

    /// Fresh endpoints, with the current process ids.
    pub async fn endpoints_now(&self) -> anyhow::Result<Endpoints> {
        let answer = self.command(Command::Endpoints).await?;
        answer
            .endpoints
            .map(|endpoints| *endpoints)
            .context("an answer without endpoints")
    }

    /// Signals a process; see [`Command::Kill`].
    pub async fn kill(&self, name: &str, signal: Signal) -> anyhow::Result<()> {
        self.command(Command::Kill {
            name: name.to_owned(),
            signal,
        })
        .await
        .map(drop)
    }

    /// Starts a killed process, and waits until it is ready.
    pub async fn start_again(&self, name: &str) -> anyhow::Result<()> {
        self.command(Command::Start {
            name: name.to_owned(),
            wait: true,
        })
        .await
        .map(drop)
    }

    /// Starts a killed process and doesn't wait for it.
    pub async fn begin_again(&self, name: &str) -> anyhow::Result<()> {
        self.command(Command::Start {
            name: name.to_owned(),
            wait: false,
        })
        .await
        .map(drop)
    }

    /// Stops a process gracefully, starts it again, and waits until it is ready.
    pub async fn restart(&self, name: &str) -> anyhow::Result<()> {
        self.command(Command::Restart { name: name.to_owned() }).await.map(drop)
    }

    /// Sets the round trip that a proxy adds.
    pub async fn set_latency(&self, peer: Peer, latency_ms: u64) -> anyhow::Result<()> {
        self.command(Command::Proxy {
            process: None,
            peer,
            latency_ms: Some(latency_ms),
            cut: None,
            black_hole: None,
        })
        .await
        .map(drop)
    }

    /// Cuts (or restores) the network at a proxy.
    pub async fn cut(&self, peer: Peer, cut: bool) -> anyhow::Result<()> {
        self.command(Command::Proxy {
            process: None,
            peer,
            latency_ms: None,
            cut: Some(cut),
            black_hole: None,
        })
        .await
        .map(drop)
    }

    /// Makes a proxy swallow all traffic, of one process or of all, until the black hole is lifted.
    pub async fn black_hole(&self, process: Option<&str>, peer: Peer, hole: bool) -> anyhow::Result<()> {
        self.command(Command::Proxy {
            process: process.map(str::to_owned),
            peer,
            latency_ms: None,
            cut: None,
            black_hole: Some(hole),
        })
        .await
        .map(drop)
    }

    /// Makes the origin redirect a host's challenges to `to` + token; with `None`, no longer.
    pub async fn redirect(&self, host: &str, to: Option<&str>) -> anyhow::Result<()> {
        let url = format!("{}/redirect", self.endpoints.origin_control_url);
        let redirect = serde_json::json!({"host": host, "to": to});
        Http::plain()?.post_json(&url, &redirect).await.map(drop)
    }

    /// A client to set DNS records.
    pub fn dns(&self) -> anyhow::Result<Dns> {
        Dns::new(&self.endpoints.dns_management_url)
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // Closing its standard input makes it stop.
        self.channel.get_mut().commands = None;
        wait(&mut self.program);
        // It has removed its folder itself, unless it was killed.
        if !self.keep && self.folder.exists() {
            std::fs::remove_dir_all(&self.folder).ok();
        }
    }
}

/// One for each address that the name in the health URL resolves to.
fn every_replica(process: ProcessInfo) -> Vec<ProcessInfo> {
    let authority = process
        .health_url
        .as_deref()
        .and_then(|url| url.strip_prefix("http://"));
    let addresses = authority.and_then(|authority| authority.to_socket_addrs().ok());
    match addresses {
        Some(addresses) => addresses
            .map(|address| ProcessInfo {
                health_url: Some(format!("http://{address}")),
                ..process.clone()
            })
            .collect(),
        None => vec![process],
    }
}

/// Waits until the supervisor has stopped everything. If it doesn't, the kernel ends its children with it.
fn wait(supervisor: &mut Child) {
    let deadline = Instant::now() + STOP;
    while let Ok(None) = supervisor.try_wait() {
        if Instant::now() > deadline {
            supervisor.kill().ok();
            supervisor.wait().ok();
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn read_lines(from: impl Read + Send + 'static, mut take: impl FnMut(String) + Send + 'static) {
    std::thread::spawn(move || BufReader::new(from).lines().map_while(Result::ok).for_each(&mut take));
}

/// A program of the workspace: test programs are in `target/debug/deps` or `…/examples`, it is in `target/debug`.
///
/// # Errors
/// When it isn't built.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe()?;
    here.ancestors()
        .skip(1)
        .take(3)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .with_context(|| {
            format!(
                "no program {name} near {}; run cargo build --workspace first",
                here.display()
            )
        })
}
