//! Disables the distribution: CloudFront deletes only disabled ones (docs/aws-rules.md, rule 5).

use std::time::Duration;

use pipeline::Outcome;
use pipeline::reason::AwsReason;
use store::Task;
use worker::Stop;

use crate::config::switch_off;
use crate::distributions::Distributions;
use crate::find::Found;

impl Distributions {
    pub(crate) async fn disable_distribution(&self, task: &Task) -> Result<Outcome, Stop> {
        let id = match &task.instance.distribution_id {
            Some(id) if self.store.give_back_offered(task).await? => {
                tracing::info!(distribution = id, "left the offered distribution unchanged");
                return Ok(Outcome::DONE);
            }
            Some(id) => id.clone(),
            // A create may have crashed before it recorded the id.
            None => match self.find_distribution(task).await {
                Ok(Some(Found { id, domain })) => {
                    // The steps after this one need the id too.
                    self.store.set_distribution(task, &id, &domain).await?;
                    tracing::info!(distribution = id, "adopted the distribution to remove it");
                    id
                }
                Ok(None) => return self.none_to_come(task).await,
                Err(failure) => return Ok(failure.outcome()),
            },
        };
        self.switch_off(task, &id).await
    }

    /// There is no distribution. A worker that was superseded in the middle of its call may still be creating one,
    /// though.
    async fn none_to_come(&self, task: &Task) -> Result<Outcome, Stop> {
        let intended = self.store.distribution_intended(task).await?;
        Ok(self.nothing_to_come("distribution", intended))
    }

    /// A resource that doesn't exist may still appear, until `create_settle` has passed since it was intended.
    pub(crate) fn nothing_to_come(&self, what: &str, intended: Option<Duration>) -> Outcome {
        match intended.and_then(|ago| self.create_settle.checked_sub(ago)) {
            None => Outcome::DONE,
            Some(rest) => Outcome::pending_for(
                AwsReason::NothingToCome { what: what.to_owned() },
                Some(rest.clamp(Duration::from_millis(500), Duration::from_secs(30))),
            ),
        }
    }

    /// Disables the distribution, unless it is disabled already or doesn't exist.
    pub(crate) async fn switch_off(&self, task: &Task, id: &str) -> Result<Outcome, Stop> {
        let mut read = match self.cloudfront.config(id).await {
            Ok(Some(read)) if read.config.enabled => read,
            Ok(_) => return Ok(Outcome::DONE),
            Err(failure) => return Ok(failure.outcome()),
        };
        switch_off(&mut read.config);
        let written = self.fenced(task).update(id, read).await;
        let failure = match written {
            Ok(()) => {
                tracing::info!(distribution = id, "disabled the distribution");
                return Ok(Outcome::DONE);
            }
            Err(error) => error.failure()?,
        };
        Ok(match failure.code() {
            "NoSuchDistribution" => Outcome::DONE,
            _ => failure.outcome(),
        })
    }
}
