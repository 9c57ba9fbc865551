//! The numbers of the first page, read once for all who look.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Html;
use messaging::operator::QueueState;
use moka::future::Cache;
use store::operator::{Failures, Progress, WaitingSteps};
use store::{CaTrouble, Figures};

use crate::operator::login::Who;
use crate::operator::refusal::Refusal;
use crate::operator::{OperatorPage, queues, view};

/// How old the numbers may be. A count reads what waits, which may be much.
const LASTS: Duration = Duration::from_secs(10);

/// The numbers.
pub(super) struct Overview {
    pub(super) progress: Progress,
    pub(super) failures: Vec<Failures>,
    pub(super) figures: Figures,
    /// `None`: RabbitMQ doesn't answer.
    pub(super) queues: Option<Vec<QueueState>>,
    pub(super) steps: Vec<(String, WaitingSteps)>,
    /// CAs that take no orders now, by their directories.
    pub(super) troubles: BTreeMap<String, CaTrouble>,
}

pub(super) fn cache() -> Cache<(), Arc<Overview>> {
    Cache::builder().max_capacity(1).time_to_live(LASTS).build()
}

pub(super) async fn overview(
    State(page): State<Arc<OperatorPage>>,
    Extension(who): Extension<Who>,
) -> Result<Html<String>, Refusal> {
    // Those who come meanwhile wait for the one that reads.
    let read = page.overview.try_get_with((), page.read_overview()).await;
    let overview = read.map_err(|refusal| *refusal)?;
    Ok(Html(view::overview(&who.0, &overview)?))
}

impl OperatorPage {
    async fn read_overview(&self) -> Result<Arc<Overview>, Refusal> {
        let turn = self.turn().await?;
        let store = &self.broker.store;
        let (progress, failures) = (store.progress().await?, store.failures_of_the_day().await?);
        let (figures, steps) = (store.figures().await?, store.waiting_steps().await?);
        let troubles = store.ca_troubles().await?;
        // Whoever waits for the database need not wait for RabbitMQ.
        drop(turn);
        Ok(Arc::new(Overview {
            progress,
            failures,
            figures,
            queues: queues::read(&self.amqp).await,
            steps,
            troubles,
        }))
    }
}
