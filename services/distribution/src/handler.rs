//! Dispatches each step to its file.

use aws_effects::remove_orphans;
use pipeline::{DistributionStep, Outcome};
use store::Task;
use telemetry::with_causes;
use worker::{Chore, Handler, HandlerError, Stop};

use crate::chores::reconcile::DistributionSearch;
use crate::chores::reconcile_functions::FunctionSearch;
use crate::distributions::Distributions;

#[async_trait::async_trait]
impl Handler for Distributions {
    type Step = DistributionStep;

    async fn attempt(&self, step: Self::Step, task: &Task) -> Result<Outcome, Stop> {
        match step {
            DistributionStep::CreateDistribution => self.create_distribution(task).await,
            DistributionStep::ConfigureDistribution => self.configure_distribution(task).await,
            DistributionStep::AwaitDeployment => self.await_deployment(task).await,
            DistributionStep::DisableDistribution => self.disable_distribution(task).await,
            DistributionStep::DeleteDistribution => self.delete_distribution(task).await,
            DistributionStep::SettleFunction => self.settle_function(task).await,
        }
    }

    fn chores(&self) -> Vec<Chore> {
        self.reconcile_interval.map(Chore::every).into_iter().collect()
    }

    async fn chore(&self, _name: &'static str) -> Result<(), HandlerError> {
        // A failure of one must not block the other.
        let distributions = remove_orphans(&DistributionSearch(self), &self.store, self.orphan_grace).await;
        let functions = remove_orphans(&FunctionSearch(self), &self.store, self.orphan_grace).await;
        if let (Err(_), Err(error)) = (&distributions, &functions) {
            tracing::warn!(error = with_causes(error), "the search for functions failed, too");
        }
        Ok(distributions.and(functions)?)
    }
}
