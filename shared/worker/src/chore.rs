//! The chores: periodic work that one process of a service at a time does.

use std::sync::Arc;

use futures_util::future::join_all;
use telemetry::with_causes;

use crate::desk::Desk;
use crate::handler::{Chore, HandlerError};
use crate::work::Work;

/// A process that is a little early by its own clock still gets its turn.
const PUNCTUALITY: f64 = 0.9;

pub(crate) async fn do_chores<W: Work>(desk: Arc<Desk<W>>) {
    join_all(desk.work.chores().into_iter().map(|chore| repeat(&desk, chore))).await;
}

async fn repeat<W: Work>(desk: &Desk<W>, Chore { name, interval }: Chore) {
    let turn = format!("{name} of {}", W::SERVICE.as_str());
    loop {
        tokio::time::sleep(interval).await;
        let done = match desk.store.take_turn(&turn, interval.mul_f64(PUNCTUALITY)).await {
            Ok(true) => desk.work.chore(name).await,
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
