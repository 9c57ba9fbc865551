//! `aws-sim`: starts the simulator, prints its addresses, runs until it is stopped.

use std::io::Write as _;

use anyhow::Context as _;
use aws_sim::Settings;
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();

    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT")?;
    let running = aws_sim::start(settings).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", running.announcement())
        .and_then(|()| out.flush())
        .context("stdout")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
