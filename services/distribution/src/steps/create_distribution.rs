//! Creates the CloudFront distribution with aliases and certificate, once every domain is proved: one call, one
//! deployment.

use aws::{Failure, Peer, Viewer, broken, distribution_tags};
use aws_effects::{unbuilt, viewer, without};
use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::DistributionConfigWithTags;
use pipeline::Outcome;
use pipeline::reason::AwsReason;
use store::{StoreError, Task};
use worker::{HandlerError, Stop};

use crate::distributions::Distributions;
use crate::find::Found;
use crate::refusal::judged;

/// The result of an attempt to create one.
enum Made {
    /// It is new and complete.
    Complete(Found),
    /// It existed before, or lacks the aliases that are to be moved to it.
    Incomplete(Found),
}

impl Distributions {
    pub(crate) async fn create_distribution(&self, task: &Task) -> Result<Outcome, Stop> {
        if task.round == 0 {
            return self.before_the_order(task).await;
        }
        let Some(certificate) = self.store.certificate(task).await? else {
            return Ok(broken("no certificate was stored in this round"));
        };
        let viewer = viewer(task, &certificate, &self.viewer)?;
        let id = match &task.instance.distribution_id {
            Some(id) => id.clone(),
            None => match self.make(task, &viewer).await? {
                Made::Complete(found) => {
                    self.write_down(task, &found).await?;
                    self.store.set_attached(task, viewer.stored).await?;
                    return Ok(Outcome::DONE);
                }
                Made::Incomplete(found) => {
                    self.write_down(task, &found).await?;
                    found.id
                }
            },
        };
        self.fenced(task).attach(&id, &viewer).await
    }

    /// A broker-api of the previous version has planned the step in this order; nothing is created before the
    /// certificate exists.
    async fn before_the_order(&self, task: &Task) -> Result<Outcome, Stop> {
        if let Some(id) = self.store.take_offer(task).await? {
            tracing::info!(distribution = id, "took over the distribution that was offered");
        }
        Ok(Outcome::DONE)
    }

    /// Creates the distribution, or finds the one that an earlier attempt created; or returns the outcome of the
    /// attempt.
    async fn make(&self, task: &Task, viewer: &Viewer<'_>) -> Result<Made, Stop> {
        let function = match &task.instance.settings.redirect_to {
            Some(target) => Some(self.make_function(task, target).await?),
            None => None,
        };
        let failure = match self.create(task, viewer, function.as_deref()).await? {
            Ok(found) => return Ok(Made::Complete(found)),
            Err(failure) => failure,
        };
        if let Some(found) = self.made_before(task, &failure).await? {
            return Ok(Made::Incomplete(found));
        }
        let failure = match self
            .without_what_is_elsewhere(task, viewer, function.as_deref(), failure)
            .await?
        {
            Ok(found) => return Ok(Made::Incomplete(found)),
            Err(failure) => failure,
        };
        if failure.code() == "CNAMEAlreadyExists"
            && let Some(domain) = self.kept_by_an_orphan(&viewer.domains).await?
        {
            return Err(Outcome::pending(AwsReason::AliasOfRemoved { domain, since: None }).into());
        }
        let outcome = judged(&failure, viewer, None, &task.instance.settings);
        if let Outcome::Failed { .. } = outcome {
            self.take_back_function(task).await;
        }
        Err(outcome.into())
    }

    /// The distribution that an earlier attempt's call created: the caller reference is the instance's id
    /// (docs/aws-rules.md, rule 2). Whether CloudFront reports the reference or the aliases first, when both are taken,
    /// is not documented.
    async fn made_before(&self, task: &Task, failure: &Failure) -> Result<Option<Found>, Stop> {
        let is_certain = failure.code() == "DistributionAlreadyExists";
        if !is_certain && failure.code() != "CNAMEAlreadyExists" {
            return Ok(None);
        }
        match self.find_distribution(task).await {
            Ok(Some(found)) => {
                tracing::info!(distribution = found.id, "adopted the distribution");
                Ok(Some(found))
            }
            Ok(None) if is_certain => {
                tracing::warn!(error = %failure, "no distribution with this comment and caller reference is listed");
                Err(Outcome::pending(AwsReason::NotListed).into())
            }
            Ok(None) => Ok(None),
            Err(failure) => Err(failure.outcome().into()),
        }
    }

    /// Other distributions of ours have some of the aliases, and their instances have lost the domains: the
    /// distribution is created without these aliases, which are moved to it once its certificate is deployed.
    async fn without_what_is_elsewhere(
        &self,
        task: &Task,
        viewer: &Viewer<'_>,
        function: Option<&str>,
        failure: Failure,
    ) -> Result<Result<Found, Failure>, HandlerError> {
        if failure.code() != "CNAMEAlreadyExists" {
            return Ok(Err(failure));
        }
        let elsewhere = self.store.elsewhere(task).await?;
        if elsewhere.is_empty() {
            return Ok(Err(failure));
        }
        self.create(task, &without(viewer, &elsewhere), function).await
    }

    async fn create(
        &self,
        task: &Task,
        viewer: &Viewer<'_>,
        function: Option<&str>,
    ) -> Result<Result<Found, Failure>, HandlerError> {
        const ACTION: &str = "CreateDistributionWithTags";
        let deployment = self.store.deployment().await?.to_string();
        let input = with_tags(self, task, viewer, function, &deployment).map_err(unbuilt)?;
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
                    certificate = viewer.name,
                    aliases = viewer.domains.len(),
                    "created the distribution"
                );
                Ok(Found {
                    id: made.id,
                    domain: made.domain_name,
                })
            }
            // The next attempt gets the error that it exists, and adopts it.
            None => Err(Failure::incomplete(Peer::CloudFront, ACTION, "distribution")),
        })
    }

    async fn write_down(&self, task: &Task, found: &Found) -> Result<(), HandlerError> {
        let written = self.store.set_distribution(task, &found.id, &found.domain).await;
        if matches!(written, Err(StoreError::Stale)) {
            tracing::error!(
                distribution = found.id,
                domain = found.domain,
                "the instance was removed while its distribution was made; the reconciler removes the distribution"
            );
        }
        Ok(written?)
    }
}

fn with_tags(
    service: &Distributions,
    task: &Task,
    viewer: &Viewer<'_>,
    function: Option<&str>,
    deployment: &str,
) -> Result<DistributionConfigWithTags, BuildError> {
    let mut config = service.configuration(&task.instance, function).new_config()?;
    viewer.put_into(&mut config)?;
    Ok(DistributionConfigWithTags::builder()
        .distribution_config(config)
        .tags(distribution_tags(&task.instance.id, &task.instance.tenant, deployment)?)
        .build())
}
