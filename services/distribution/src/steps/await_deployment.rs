//! Waits until CloudFront reports `Deployed`: minutes after any create or update (docs/aws-rules.md, rule 6).

use aws::gone;
use pipeline::reason::AwsReason;
use pipeline::{OperationKind, Outcome};
use store::Task;
use worker::Stop;

use crate::distributions::Distributions;

impl Distributions {
    pub(crate) async fn await_deployment(&self, task: &Task) -> Result<Outcome, Stop> {
        let removing = task.operation_kind == OperationKind::Deprovision;
        let Some(id) = &task.instance.distribution_id else {
            return Ok(if removing {
                Outcome::DONE
            } else {
                gone("none", "no distribution to wait for")
            });
        };
        Ok(match self.cloudfront.distribution(id).await {
            Ok(Some(distribution)) if distribution.status == "Deployed" => Outcome::DONE,
            Ok(Some(_)) => Outcome::pending(AwsReason::Deploying),
            Ok(None) if removing => Outcome::DONE,
            Ok(None) => gone(id, "no distribution to wait for"),
            Err(failure) => failure.outcome(),
        })
    }
}
