//! Which file does which step.

use std::time::Duration;

use aws::{CloudFront, ViewerSettings};
use aws_sdk_cloudfront::types::PriceClass;
use pipeline::{Outcome, Service, StepKind};
use store::{Store, Task};
use telemetry::with_causes;
use worker::{Handler, HandlerError};

use crate::settings::Responder;

/// The steps of this service.
pub(crate) struct Distributions {
    pub(crate) store: Store,
    pub(crate) cloudfront: CloudFront,
    pub(crate) responder: Responder,
    pub(crate) price_class: PriceClass,
    pub(crate) viewer: ViewerSettings,
    pub(crate) create_settle: Duration,
    pub(crate) reconcile_interval: Option<Duration>,
    pub(crate) orphan_grace: Duration,
}

#[async_trait::async_trait]
impl Handler for Distributions {
    const SERVICE: Service = Service::Distribution;

    async fn attempt(&self, task: &Task) -> Result<Outcome, HandlerError> {
        match task.kind {
            StepKind::CreateDistribution => self.create_distribution(task).await,
            StepKind::ConfigureDistribution => self.configure_distribution(task).await,
            StepKind::AwaitDeployment => self.await_deployment(task).await,
            StepKind::DisableDistribution => self.disable_distribution(task).await,
            StepKind::DeleteDistribution => self.delete_distribution(task).await,
            StepKind::SettleFunction => self.settle_function(task).await,
            other => Ok(Outcome::failed(
                "an error inside the broker: a step came to the wrong service",
                format!("{} is no step of this service", other.as_str()),
            )),
        }
    }

    fn chore_interval(&self) -> Option<Duration> {
        self.reconcile_interval
    }

    async fn chore(&self) -> Result<(), HandlerError> {
        // Neither must keep the other.
        let distributions = self.reconcile().await;
        let functions = self.reconcile_functions().await;
        if let (Err(_), Err(error)) = (&distributions, &functions) {
            tracing::warn!(error = with_causes(error), "the search for functions failed, too");
        }
        distributions.and(functions)
    }
}
