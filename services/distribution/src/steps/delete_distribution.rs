//! Deletes the distribution, once it is disabled and that is deployed.

use pipeline::Outcome;
use pipeline::reason::AwsReason;
use store::Task;
use worker::Stop;

use crate::distributions::Distributions;

impl Distributions {
    pub(crate) async fn delete_distribution(&self, task: &Task) -> Result<Outcome, Stop> {
        let Some(id) = &task.instance.distribution_id else {
            return Ok(Outcome::DONE);
        };
        let read = match self.cloudfront.config(id).await {
            // After the distribution was disabled, a superseded create in the middle of its call or a manual change
            // enabled it again.
            Ok(Some(read)) if read.config.enabled => {
                return Ok(match self.switch_off(task, id).await? {
                    Outcome::Done(_) => Outcome::pending(AwsReason::DisabledAgain),
                    outcome => outcome,
                });
            }
            Ok(Some(read)) => read,
            Ok(None) => return Ok(Outcome::DONE),
            Err(failure) => return Ok(failure.outcome()),
        };
        let deleted = self.fenced(task).delete(id, &read.etag).await;
        let failure = match deleted {
            Ok(()) => {
                tracing::info!(distribution = id, "deleted the distribution");
                return Ok(Outcome::DONE);
            }
            Err(error) => error.failure()?,
        };
        Ok(match failure.code() {
            "NoSuchDistribution" => Outcome::DONE,
            "DistributionNotDisabled" => Outcome::pending(AwsReason::NotDisabledEverywhere),
            _ => failure.outcome(),
        })
    }
}
