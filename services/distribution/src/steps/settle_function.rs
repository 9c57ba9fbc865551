//! Brings the redirect function to its final state, once every edge has the final configuration of the distribution, or
//! the distribution is gone.

use pipeline::reason::AwsReason;
use pipeline::{OperationKind, Outcome};
use store::Task;
use worker::Stop;

use crate::distributions::Distributions;
use crate::function::Removal;

impl Distributions {
    pub(crate) async fn settle_function(&self, task: &Task) -> Result<Outcome, Stop> {
        let removing = task.operation_kind == OperationKind::Deprovision;
        if let Some(target) = task.instance.settings.redirect_to.as_ref().filter(|_| !removing) {
            self.make_function(task, target).await?;
            return Ok(Outcome::DONE);
        }
        let removal = match self.remove_function(task).await {
            Ok(removal) => removal,
            Err(error) => {
                return Ok(error.failure()?.outcome());
            }
        };
        match removal {
            Removal::Removed => Ok(Outcome::DONE),
            Removal::InUse => Ok(Outcome::pending(AwsReason::FunctionInUse)),
            Removal::Absent if removing => self.no_function_to_come(task).await,
            Removal::Absent => Ok(Outcome::DONE),
        }
    }

    /// There is no function. A worker that was superseded in the middle of its call may still be creating one, though.
    async fn no_function_to_come(&self, task: &Task) -> Result<Outcome, Stop> {
        let intended = self.store.function_intended(task).await?;
        Ok(self.nothing_to_come("function", intended))
    }
}
