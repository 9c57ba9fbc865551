//! Delete the distribution, once it is disabled and that is deployed.

use std::time::Duration;

use aws::writes_race;
use pipeline::Outcome;
use store::Task;
use worker::HandlerError;

use crate::handler::Distributions;

impl Distributions {
    pub(crate) async fn delete_distribution(&self, task: &Task) -> Result<Outcome, HandlerError> {
        let Some(id) = &task.instance.distribution_id else {
            return Ok(Outcome::DONE);
        };
        let read = match self.cloudfront.config(id).await {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(Outcome::DONE),
            Err(failure) => return Ok(failure.outcome()),
        };
        let deleted = self.cloudfront.delete(&self.store, task, id, &read.etag).await;
        let failure = match deleted {
            Ok(()) => {
                tracing::info!(distribution = id, "deleted the distribution");
                return Ok(Outcome::DONE);
            }
            Err(error) => error.failure()?,
        };
        Ok(match failure.code() {
            "NoSuchDistribution" => Outcome::DONE,
            "DistributionNotDisabled" if read.config.enabled => {
                tracing::error!(
                    distribution = id,
                    "somebody enabled the distribution again: disable it in CloudFront"
                );
                Outcome::pending(
                    "the distribution was enabled again, though not by this broker: the broker's operator must disable it",
                )
            }
            "DistributionNotDisabled" => {
                Outcome::pending("CloudFront has not disabled the distribution everywhere yet")
            }
            code if writes_race(code) => Outcome::pending_for(
                "the distribution was changed at the same moment",
                Some(Duration::from_secs(1)),
            ),
            _ => failure.outcome(),
        })
    }
}
