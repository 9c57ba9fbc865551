//! The chore: periodic work that one process of a service at a time does.

use std::sync::Arc;

use telemetry::with_causes;

use crate::delivery::Desk;
use crate::handler::{Handler, HandlerError};

/// A process that is a little early by its own clock still gets its turn.
const PUNCTUALITY: f64 = 0.9;

pub(crate) async fn do_chores<H: Handler>(desk: Arc<Desk<H>>) {
    let Some(interval) = desk.handler.chore_interval() else {
        return;
    };
    let name = format!("chore of {}", H::SERVICE.as_str());
    loop {
        tokio::time::sleep(interval).await;
        let done = match desk.store.take_turn(&name, interval.mul_f64(PUNCTUALITY)).await {
            Ok(true) => desk.handler.chore().await,
            Ok(false) => continue,
            Err(error) => Err(HandlerError::Store(error)),
        };
        if let Err(error) = done {
            tracing::warn!(error = with_causes(&error), "the chore failed; it is tried again");
        }
    }
}
