//! A stack, a platform and its observations.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chaos::evidence;
use chaos::life::World;
use stack::{Handle, Options};
use tokio::time::{Instant, sleep};

/// Orphans must be gone within this time.
const RECONCILED_WITHIN: Duration = Duration::from_secs(60);

/// Starts a stack; operations are polled every `poll_every`.
pub(crate) async fn start(options: Options, poll_every: Duration) -> anyhow::Result<Arc<World>> {
    let stack = Arc::new(Handle::start(options).await?);
    Ok(Arc::new(World::begin(stack, poll_every, 0).await?))
}

/// Waits until AWS contains nothing any more, and returns the final state of all parts.
pub(crate) async fn nothing_left(world: &World) -> anyhow::Result<evidence::Evidence> {
    let deadline = Instant::now() + RECONCILED_WITHIN;
    loop {
        let found = evidence::collect(&world.stack)
            .await
            .context("looking for what is left")?;
        let left = found.distributions_left.len() + found.certificates_left.len();
        if left == 0 || Instant::now() > deadline {
            return Ok(found);
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// Stops the stack.
pub(crate) async fn end(world: Arc<World>) -> anyhow::Result<()> {
    // Dropping the handle waits until the stack has ended.
    Ok(tokio::task::spawn_blocking(move || drop(world)).await?)
}
