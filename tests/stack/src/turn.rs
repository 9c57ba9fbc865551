//! Stacks that are requested at the same time start in turns, as many at once as there are processors.
//!
//! A start is CPU-bound (half of it is RabbitMQ's) and hardly waits: eight at once finish no sooner than two at a time,
//! but each of them then comes close to the time limit of its parts.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::time::Duration;

use anyhow::Context;

const POLL: Duration = Duration::from_millis(50);

/// A turn on this machine, held until it is dropped. The kernel releases it however the supervisor ends.
pub(crate) struct Turn(#[expect(dead_code, reason = "held, never accepted from")] UnixListener);

impl Turn {
    /// Waits for a turn.
    pub(crate) async fn wait() -> anyhow::Result<Self> {
        let seats = std::thread::available_parallelism().map_or(1, usize::from);
        loop {
            for seat in 0..seats {
                let name = SocketAddr::from_abstract_name(format!("cdn-broker-stack-start-{seat}"))
                    .context("an abstract socket name")?;
                if let Ok(taken) = UnixListener::bind_addr(&name) {
                    return Ok(Self(taken));
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }
}
