//! Who runs beside whom.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::job::{self, End};
use crate::journal::Journal;
use crate::node::{self, Node};
use crate::plan::{Job, When};

/// So many jobs run side by side: what two processors carry. With five, stacks waited for minutes to start.
const LANES: usize = 2;
/// Where the outputs are kept, in the folder that the tests are run from.
const LOGS: &str = "target/suites";

/// Runs all of them. `ended` has those that have ended, also when this is dropped.
pub(crate) async fn take(mut jobs: Vec<Job>, ended: &mut Vec<End>) -> anyhow::Result<()> {
    let logs = Path::new(LOGS);
    std::fs::create_dir_all(logs)?;
    let journal = Journal::begin(LOGS, &mut jobs)?;
    let (alone, mut beside): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.when == When::Alone);
    for job in alone {
        ended.push(job::run(job, logs).await?);
    }
    let node = share(&mut beside).await?;
    // Whoever asks first gets a lane first.
    let lanes = Arc::new(Semaphore::new(LANES));
    let mut running = JoinSet::new();
    for job in beside {
        let lanes = lanes.clone();
        running.spawn(async move {
            let _lane = lanes.acquire_owned().await?;
            job::run(job, logs).await
        });
    }
    while let Some(end) = running.join_next().await {
        ended.push(end??);
    }
    if let Some(node) = node {
        node.stop().await;
    }
    if let Some(judge) = journal.judge()? {
        ended.push(job::run(judge, logs).await?);
    }
    Ok(())
}

/// Starts the RabbitMQ node of those jobs that share one, if there are any, and tells them of it.
async fn share(jobs: &mut [Job]) -> anyhow::Result<Option<Node>> {
    if !jobs.iter().any(|job| job.shares_rabbitmq) {
        return Ok(None);
    }
    let node = Node::start().await?;
    for job in jobs.iter_mut().filter(|job| job.shares_rabbitmq) {
        job.env.push((node::VARIABLE, node.value.clone()));
    }
    Ok(Some(node))
}
