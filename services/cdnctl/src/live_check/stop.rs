//! Ctrl-C and SIGTERM: no call is interrupted, since it may create something; the waits between calls are.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::ended::Ended;

/// How often the user asked to stop.
#[derive(Debug)]
pub(super) struct Stop {
    signals: watch::Receiver<u32>,
    heard: u32,
}

impl Stop {
    /// From now on these signals don't end the process.
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

    /// Acknowledges the requests to stop so far: the clean-up continues until the user asks to stop that, too.
    pub(super) fn heed(&mut self) {
        self.heard = *self.signals.borrow();
    }

    /// Waits.
    pub(super) async fn pause(&mut self, time: Duration) -> Result<(), Ended> {
        self.unless_wanted(tokio::time::sleep(time)).await
    }

    /// Waits for something that creates nothing in AWS, and so may be interrupted.
    pub(super) async fn unless_wanted<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Ended> {
        let heard = self.heard;
        tokio::select! {
            done = work => Ok(done),
            _ = self.signals.wait_for(|count| *count > heard) => Err(Ended::Interrupted),
        }
    }

    /// Fails if the user asked to stop.
    pub(super) fn go_on(&self) -> Result<(), Ended> {
        if *self.signals.borrow() > self.heard {
            return Err(Ended::Interrupted);
        }
        Ok(())
    }
}
