//! Whether this process can work: what /readyz says, and when consuming has to pause.

use std::sync::atomic::{AtomicBool, Ordering};

use store::StoreError;
use tokio::sync::Notify;

/// The state of the way to PostgreSQL and to RabbitMQ, as the loop sees it.
#[derive(Default)]
pub(crate) struct Peers {
    consuming: AtomicBool,
    database_gone: Notify,
}

impl Peers {
    /// Is the queue being consumed?
    pub(crate) fn consuming(&self) -> bool {
        self.consuming.load(Ordering::Relaxed)
    }

    pub(crate) fn set_consuming(&self, now: bool) {
        self.consuming.store(now, Ordering::Relaxed);
        metrics::gauge!("consuming").set(f64::from(u8::from(now)));
    }

    /// Tells the loop that messages can't be dealt with just now.
    pub(crate) fn judge(&self, error: &StoreError) {
        if error.is_outage() {
            self.database_gone.notify_one();
        }
    }

    /// Resolves once the database was found gone.
    pub(crate) async fn database_gone(&self) {
        self.database_gone.notified().await;
    }
}
