//! The chores: periodic work that one process of a service at a time does.

use std::sync::Arc;

use futures_util::future::join_all;
use telemetry::with_causes;

use crate::delivery::Desk;
use crate::handler::{Chore, Handler, HandlerError};

/// A process that is a little early by its own clock still gets its turn.
const PUNCTUALITY: f64 = 0.9;

pub(crate) async fn do_chores<H: Handler>(desk: Arc<Desk<H>>) {
    join_all(desk.handler.chores().into_iter().map(|chore| repeat(&desk, chore))).await;
}

async fn repeat<H: Handler>(desk: &Desk<H>, Chore { name, interval }: Chore) {
    let turn = format!("{name} of {}", H::SERVICE.as_str());
    loop {
        tokio::time::sleep(interval).await;
        let done = match desk.store.take_turn(&turn, interval.mul_f64(PUNCTUALITY)).await {
            Ok(true) => desk.handler.chore(name).await,
            Ok(false) => continue,
            Err(error) => Err(HandlerError::Store(error)),
        };
        if let Err(error) = done {
            tracing::warn!(
                chore = name,
                error = with_causes(&error),
                "the chore failed; it is tried again"
            );
        }
    }
}
