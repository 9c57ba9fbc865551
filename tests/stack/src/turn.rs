//! Stacks that are asked for at the same time start one after the other, as many at once as there are processors.
//!
//! A start is all work (half of it RabbitMQ's) and no waiting: eight at once end no sooner than two at a time, but each of them is then
//! near the time limit of its parts.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::time::Duration;

use anyhow::Context;

const POLL: Duration = Duration::from_millis(50);

/// A turn on this machine, until it is dropped. The kernel ends it however the supervisor ends.
pub(crate) struct Turn(#[expect(dead_code, reason = "held, never accepted from")] UnixListener);

impl Turn {
    /// Waits for one.
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
