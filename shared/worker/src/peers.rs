//! Whether this process can work: what /readyz reports, and when the consumer has to be recreated.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use store::StoreError;
use tokio::sync::Notify;

/// The state of the connections to PostgreSQL and RabbitMQ, as the loop sees it.
#[derive(Default)]
pub(crate) struct Peers {
    consuming: AtomicBool,
    deliveries: AtomicU64,
    consume_again: Notify,
}

impl Peers {
    /// Whether the queue is being consumed.
    pub(crate) fn consuming(&self) -> bool {
        self.consuming.load(Ordering::Relaxed)
    }

    pub(crate) fn set_consuming(&self, now: bool) {
        self.consuming.store(now, Ordering::Relaxed);
        metrics::gauge!("consuming").set(f64::from(u8::from(now)));
    }

    /// A message was delivered.
    pub(crate) fn delivered(&self) {
        self.deliveries.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of messages delivered so far.
    pub(crate) fn deliveries(&self) -> u64 {
        self.deliveries.load(Ordering::Relaxed)
    }

    /// Messages can't be processed for now, if the error is an outage.
    pub(crate) fn judge(&self, error: &StoreError) {
        if error.is_outage() && self.consuming() {
            tracing::warn!("PostgreSQL is away: no more messages are taken until it is back");
            self.consume_again.notify_one();
        }
    }

    /// Messages wait in the queue, but none is delivered here: RabbitMQ has forgotten this consumer.
    pub(crate) fn forgotten(&self) {
        tracing::warn!("messages wait in the queue and none is delivered: consuming again");
        metrics::counter!("consumers_forgotten_total").increment(1);
        self.consume_again.notify_one();
    }

    /// Resolves when the consumer has to be recreated.
    pub(crate) async fn consume_again(&self) {
        self.consume_again.notified().await;
    }
}
