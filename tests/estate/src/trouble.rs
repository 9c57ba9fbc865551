//! What goes wrong meanwhile: a worker is killed now and then, and once the CA is away.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stack::{Handle, Peer, Signal, WORKERS};
use tokio::time::{Instant, sleep, sleep_until};

/// How long a killed one is missing.
const MISSING: Duration = Duration::from_secs(2);

/// When the CA was away, from the beginning of the year.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outage {
    pub(crate) from: Instant,
    pub(crate) lasted: Duration,
}

/// Kills one worker's process after the other, and starts each again.
pub(crate) async fn kill_workers(
    stack: Arc<Handle>,
    every: Duration,
    killed: Arc<AtomicUsize>,
) -> anyhow::Result<Infallible> {
    let all = &stack.endpoints().processes;
    let workers: Vec<&str> = all
        .iter()
        .map(|process| process.name.as_str())
        .filter(|name| WORKERS.iter().any(|worker| name.starts_with(worker)))
        .collect();
    for process in workers.iter().cycle() {
        sleep(every).await;
        stack.kill(process, Signal::Kill).await?;
        killed.fetch_add(1, Ordering::Relaxed);
        sleep(MISSING).await;
        stack.begin_again(process).await?;
    }
    anyhow::bail!("there is no worker")
}

/// Starts what is dead still.
pub(crate) async fn revive(stack: &Handle) -> anyhow::Result<()> {
    for process in stack.endpoints_now().await?.processes {
        if process.pid.is_none() {
            stack.begin_again(&process.name).await?;
        }
    }
    Ok(())
}

/// Cuts the way to the CA, once.
pub(crate) async fn ca_outage(stack: Arc<Handle>, from: Instant, lasted: Duration) -> anyhow::Result<Outage> {
    sleep_until(from).await;
    stack.cut(Peer::Pebble, true).await?;
    sleep(lasted).await;
    stack.cut(Peer::Pebble, false).await?;
    Ok(Outage { from, lasted })
}
