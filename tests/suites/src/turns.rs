//! Who runs beside whom.

use std::path::Path;

use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::job::{self, End};
use crate::node::{self, Node};
use crate::plan::{Job, When};

/// Where the outputs are kept, in the folder that the tests are run from.
const LOGS: &str = "target/suites";

/// Runs all of them. `ended` has those that have ended, also when this is dropped.
pub(crate) async fn take(jobs: Vec<Job>, ended: &mut Vec<End>) -> anyhow::Result<()> {
    let logs = Path::new(LOGS);
    std::fs::create_dir_all(logs)?;
    let (alone, mut beside): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.when == When::Alone);
    for job in alone {
        ended.push(job::run(job, logs).await?);
    }
    let node = share(&mut beside).await?;
    let turn = std::sync::Arc::new(Mutex::new(()));
    let mut running = JoinSet::new();
    for job in beside {
        let turn = turn.clone();
        running.spawn(async move {
            let _turn = match job.when {
                When::InTurn => Some(turn.lock_owned().await),
                When::Alone | When::Beside => None,
            };
            job::run(job, logs).await
        });
    }
    while let Some(end) = running.join_next().await {
        ended.push(end??);
    }
    if let Some(node) = node {
        node.stop().await;
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
