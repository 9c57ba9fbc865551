//! Ctrl-C, and SIGTERM: no call is cut off in the middle, since it may make something; the waits between calls are.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::ended::Ended;

/// How often somebody wanted it to stop.
#[derive(Debug)]
pub(super) struct Stop {
    signals: watch::Receiver<u32>,
    heard: u32,
}

impl Stop {
    /// From now on the process doesn't end by itself.
    pub(super) fn listen() -> std::io::Result<Self> {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let (sender, signals) = watch::channel(0);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                sender.send_modify(|count| *count += 1);
            }
        });
        Ok(Self { signals, heard: 0 })
    }

    /// What was wanted so far is heeded: cleaning up goes on until somebody wants that to stop, too.
    pub(super) fn heed(&mut self) {
        self.heard = *self.signals.borrow();
    }

    /// Waits.
    pub(super) async fn pause(&mut self, time: Duration) -> Result<(), Ended> {
        self.unless_wanted(tokio::time::sleep(time)).await
    }

    /// Waits for what makes nothing in AWS, and so may be cut off.
    pub(super) async fn unless_wanted<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Ended> {
        let heard = self.heard;
        tokio::select! {
            done = work => Ok(done),
            _ = self.signals.wait_for(|count| *count > heard) => Err(Ended::Interrupted),
        }
    }

    /// Whether nobody wants it to stop.
    pub(super) fn go_on(&self) -> Result<(), Ended> {
        if *self.signals.borrow() > self.heard {
            return Err(Ended::Interrupted);
        }
        Ok(())
    }
}
