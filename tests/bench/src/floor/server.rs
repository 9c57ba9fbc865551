//! A server of this program, in a process of its own, as the services have theirs.

use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;

use anyhow::Context as _;
use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// A running one; it ends with this value.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts `bench MODE` with this environment, and waits until it listens.
    ///
    /// # Errors
    /// When it doesn't.
    pub(crate) async fn start(mode: &str, env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(mode)
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("bench {mode}"))?;
        let stdout = process.stdout.take().context("no standard output")?;
        let line = BufReader::new(stdout).lines().next_line().await?;
        let address = line.with_context(|| format!("bench {mode} did not start"))?.parse()?;
        Ok(Self { process, address })
    }

    /// # Errors
    /// When it has ended.
    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.process.id().context("the server has ended")
    }
}

/// Serves at a free port of 127.0.0.1, which is printed, until standard input ends.
///
/// # Errors
/// When it can't listen.
pub(crate) async fn serve(app: Router) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?);
    // So that it doesn't outlive a parent that was killed.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    // As broker-api has it.
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}
