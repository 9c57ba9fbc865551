//! Applies an update: settings, aliases and certificate, in one write, so that a domain that stays is never without a
//! valid certificate.

use aws::{Failure, Viewer, broken, gone};
use aws_effects::{unbuilt, viewer};
use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::DistributionConfig;
use parameters::cloudfront::function_in;
use pipeline::Outcome;
use pipeline::domain::covers;
use store::{Instance, Task};
use worker::Stop;

use crate::config::Configuration;
use crate::distributions::Distributions;
use crate::redirect;
use crate::refusal::judged;

/// The instance's function, as the configuration should use it.
struct Function {
    arn: Option<String>,
    was_in_use: bool,
}

impl Distributions {
    pub(crate) async fn configure_distribution(&self, task: &Task) -> Result<Outcome, Stop> {
        // The certificate that was issued for this update, or the one in use.
        let certificate = match task.round {
            0 => self.store.attached_certificate(task).await?,
            _ => self.store.certificate(task).await?,
        };
        let Some(certificate) = certificate else {
            return Ok(broken("the instance has no certificate"));
        };
        let viewer = viewer(task, &certificate, &self.viewer)?;
        let Some(id) = &task.instance.distribution_id else {
            return Ok(broken("the instance has no distribution"));
        };
        let read = match self.cloudfront.config(id).await {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(gone(id, "no distribution to configure")),
            Err(failure) => return Ok(failure.outcome()),
        };
        let function = self.function_for(task, &read.config).await?;
        let target = task.instance.settings.redirect_to.as_deref();
        let served = target
            .is_none_or(|target| serves(&read.config, target) || !viewer.domains.iter().any(|d| covers(d, target)));
        let mut changed = read.clone();
        self.change(task, &viewer, function.arn.as_deref(), &mut changed.config)
            .map_err(unbuilt)?;
        let differs = changed.config != read.config;
        // Written even when nothing differs, if only that ensures that no other worker writes.
        if differs || self.store.follows_a_failed_update(task).await? {
            self.store.writes_to_offered(task).await?;
            if let Err(error) = self.fenced(task).update(id, changed).await {
                return self.refused(task, id, &viewer, &function, &error.failure()?).await;
            }
            tracing::info!(
                distribution = id,
                certificate = viewer.name,
                aliases = viewer.domains.len(),
                "configured the distribution"
            );
        }
        self.store.set_attached(task, certificate.id).await?;
        // At once, so that nothing is redirected to a domain that was just removed. A domain that was just added is not
        // known to every edge yet: then this is left to settle-function. So are failures here (CloudFront has the
        // configuration), and a configuration that an earlier attempt wrote.
        if let Some(target) = target.filter(|_| differs && function.was_in_use && served)
            && let Err(stop) = self.make_function(task, target).await
        {
            let outcome = stop.outcome()?;
            tracing::warn!(?outcome, "the function is left to settle-function");
        }
        Ok(Outcome::DONE)
    }

    /// CloudFront refused the configuration: domains of instances that lost them are moved here, and a function that
    /// was made for this configuration alone is removed.
    async fn refused(
        &self,
        task: &Task,
        id: &str,
        viewer: &Viewer<'_>,
        function: &Function,
        failure: &Failure,
    ) -> Result<Outcome, Stop> {
        let change = |rest: &Viewer<'_>, config: &mut DistributionConfig| {
            self.change(task, rest, function.arn.as_deref(), config)
        };
        if let Some(outcome) = self.fenced(task).take_over(id, viewer, failure, change).await? {
            return Ok(outcome);
        }
        let outcome = judged(failure, viewer, Some(id), &task.instance.settings);
        if !function.was_in_use && matches!(outcome, Outcome::Failed { .. }) {
            self.take_back_function(task).await;
        }
        Ok(outcome)
    }

    /// The function that the configuration should use, or the outcome of the attempt.
    async fn function_for(&self, task: &Task, read: &DistributionConfig) -> Result<Function, Stop> {
        let name = redirect::name(&task.instance.id);
        let in_use = function_in(read, &name).map(str::to_owned);
        let was_in_use = in_use.is_some();
        if was_in_use {
            self.store.know_function(task, &name).await?;
        }
        let arn = match (task.instance.settings.redirect_to.as_deref(), in_use) {
            (None, _) => None,
            // Its code is changed afterwards, when nothing can fail any more.
            (Some(_), Some(arn)) => Some(arn),
            (Some(target), None) => Some(self.make_function(task, target).await?),
        };
        Ok(Function { arn, was_in_use })
    }

    /// The desired configuration of the instance.
    pub(crate) fn configuration<'c>(&'c self, instance: &'c Instance, function: Option<&'c str>) -> Configuration<'c> {
        Configuration {
            instance,
            responder: &self.responder,
            price_class: &self.price_class,
            function,
        }
    }

    fn change(
        &self,
        task: &Task,
        viewer: &Viewer<'_>,
        function: Option<&str>,
        config: &mut DistributionConfig,
    ) -> Result<(), BuildError> {
        self.configuration(&task.instance, function).put_into(config)?;
        viewer.put_into(config)
    }
}

fn serves(config: &DistributionConfig, domain: &str) -> bool {
    let mut aliases = config.aliases.iter().flat_map(|aliases| aliases.items());
    aliases.any(|alias| covers(alias, domain))
}
