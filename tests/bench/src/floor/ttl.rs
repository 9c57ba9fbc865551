//! The floor of a wait: messages in one queue with a TTL, consumed and nothing else.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use futures_util::future::{try_join, try_join_all};
use lapin::Consumer;
use lapin::options::BasicAckOptions;
use time::OffsetDateTime;
use tokio::time::interval;

use crate::floor::queues::Queues;
use crate::in_progress::between;
use crate::site::Site;

/// How often messages are published.
const EVERY: Duration = Duration::from_millis(100);
const PREFETCH: u16 = 32;

/// What is published.
pub(crate) struct Waits {
    /// At once, ten times a second.
    pub(crate) at_once: usize,
    /// How often that is done.
    pub(crate) times: usize,
    /// How long each waits.
    pub(crate) wait: Duration,
}

impl Waits {
    /// How much later than after its wait each message came, the earliest first.
    ///
    /// # Errors
    /// When RabbitMQ refuses.
    pub(crate) async fn lateness(&self, site: &Site) -> anyhow::Result<Vec<Duration>> {
        let queues = Queues::declare(site, self.wait).await?;
        let mut consumer = queues.consume(PREFETCH).await?;
        let ((), mut late) = try_join(self.publish(&queues), self.receive(&mut consumer)).await?;
        // Before the consumer is dropped: lapin would cancel it then, and not expect the answer.
        queues.end().await?;
        late.sort_unstable();
        Ok(late)
    }

    /// Each message has the moment in it at which it is due.
    async fn publish(&self, queues: &Queues) -> anyhow::Result<()> {
        let mut turns = interval(EVERY);
        for _ in 0..self.times {
            turns.tick().await;
            let due = OffsetDateTime::now_utc() + self.wait;
            let body = due.unix_timestamp_nanos().to_string().into_bytes();
            try_join_all((0..self.at_once).map(|_| queues.publish(&queues.delay, &body))).await?;
        }
        Ok(())
    }

    async fn receive(&self, consumer: &mut Consumer) -> anyhow::Result<Vec<Duration>> {
        let mut late = Vec::new();
        while late.len() < self.at_once * self.times {
            let delivery = consumer.next().await.context("the consumer has ended")??;
            let nanos: i128 = std::str::from_utf8(&delivery.data)?.parse()?;
            let due = OffsetDateTime::from_unix_timestamp_nanos(nanos)?;
            late.push(between(due, OffsetDateTime::now_utc()));
            delivery.ack(BasicAckOptions::default()).await?;
        }
        Ok(late)
    }
}
