//! The faults during the run: a worker is killed periodically, and the CA is unavailable once.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stack::{Handle, Peer, Signal, WORKERS};
use tokio::time::{Instant, sleep, sleep_until};

/// How long a killed process stays down.
const MISSING: Duration = Duration::from_secs(2);

/// When the CA was unavailable, from the start of the year.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outage {
    pub(crate) from: Instant,
    pub(crate) lasted: Duration,
}

/// Kills the workers' processes one after the other, and restarts each.
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

/// Starts the processes that are still down.
pub(crate) async fn revive(stack: &Handle) -> anyhow::Result<()> {
    for process in stack.endpoints_now().await?.processes {
        if process.pid.is_none() {
            stack.begin_again(&process.name).await?;
        }
    }
    Ok(())
}

/// Cuts the link to the CA, once.
pub(crate) async fn ca_outage(stack: Arc<Handle>, from: Instant, lasted: Duration) -> anyhow::Result<Outage> {
    sleep_until(from).await;
    stack.cut(Peer::Pebble, true).await?;
    sleep(lasted).await;
    stack.cut(Peer::Pebble, false).await?;
    Ok(Outage { from, lasted })
}
