//! Create the CloudFront distribution, without aliases: those need the certificate. Or take over one that was offered, as it is.

use aws::{Failure, Peer, distribution_tags};
use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::DistributionConfigWithTags;
use pipeline::Outcome;
use store::{StoreError, Task};
use worker::HandlerError;

use crate::config::distribution_config;
use crate::find::Found;
use crate::function::not_taken_yet;
use crate::handler::Distributions;
use crate::refusal::refused;

impl Distributions {
    pub(crate) async fn create_distribution(&self, task: &Task) -> Result<Outcome, HandlerError> {
        if task.instance.distribution_id.is_some() {
            return Ok(Outcome::DONE);
        }
        if let Some(id) = self.store.take_offer(task).await? {
            tracing::info!(distribution = id, "took over the distribution that was offered");
            return Ok(Outcome::DONE);
        }
        let function = match &task.instance.settings.redirect_to {
            Some(target) => match self.make_function(task, target).await? {
                Ok(arn) => Some(arn),
                Err(outcome) => return Ok(outcome),
            },
            None => None,
        };
        let (id, domain) = match self.create(task, function.as_deref()).await? {
            Ok(made) => made,
            // Our own call of an earlier attempt: the caller reference is the instance's id (docs/aws-rules.md, rule 2).
            Err(failure) if failure.code() == "DistributionAlreadyExists" => match self.find_distribution(task).await {
                Ok(Some(Found { id, domain })) => {
                    tracing::info!(distribution = id, "adopted the distribution");
                    (id, domain)
                }
                Ok(None) => {
                    tracing::warn!(error = %failure, "no distribution with this comment and caller reference is listed");
                    return Ok(Outcome::pending(
                        "CloudFront says that the distribution was made before, but doesn't list it yet",
                    ));
                }
                Err(failure) => return Ok(failure.outcome()),
            },
            Err(failure) if failure.code() == "InvalidFunctionAssociation" => return Ok(not_taken_yet(&failure)),
            Err(failure) => {
                let outcome = refused(&failure, &task.instance.settings);
                if let Outcome::Failed { .. } = outcome {
                    self.take_back_function(task).await;
                }
                return Ok(outcome);
            }
        };
        match self.store.set_distribution(task, &id, &domain).await {
            Ok(()) => Ok(Outcome::DONE),
            Err(error) => {
                if matches!(error, StoreError::Stale) {
                    tracing::error!(
                        distribution = id,
                        domain,
                        "the distribution is nobody's: the instance was removed while it was made; the reconciler removes it"
                    );
                }
                Err(error.into())
            }
        }
    }

    /// The new distribution's id and domain name.
    async fn create(
        &self,
        task: &Task,
        function: Option<&str>,
    ) -> Result<Result<(String, String), Failure>, HandlerError> {
        const ACTION: &str = "CreateDistributionWithTags";
        let deployment = self.store.deployment().await?.to_string();
        let input = with_tags(self, task, function, &deployment).map_err(|source| HandlerError::Other {
            waiting_for: "an error inside the broker, which its operator finds in the log".into(),
            source: source.into(),
        })?;
        self.store.intend_distribution(task).await?;
        let answer = self
            .cloudfront
            .client()
            .create_distribution_with_tags()
            .distribution_config_with_tags(input)
            .send()
            .await;
        let made = match answer {
            Ok(answer) => answer.distribution,
            Err(error) => return Ok(Err(Failure::new(Peer::CloudFront, ACTION, &error))),
        };
        Ok(match made {
            Some(made) => {
                tracing::info!(
                    distribution = made.id,
                    domain = made.domain_name,
                    "created the distribution"
                );
                Ok((made.id, made.domain_name))
            }
            // The next attempt is told that it exists, and adopts it.
            None => Err(Failure::incomplete(Peer::CloudFront, ACTION, "distribution")),
        })
    }
}

fn with_tags(
    service: &Distributions,
    task: &Task,
    function: Option<&str>,
    deployment: &str,
) -> Result<DistributionConfigWithTags, BuildError> {
    Ok(DistributionConfigWithTags::builder()
        .distribution_config(distribution_config(
            &task.instance,
            &service.responder,
            service.price_class.clone(),
            function,
        )?)
        .tags(distribution_tags(&task.instance.id, &task.instance.tenant, deployment)?)
        .build())
}
