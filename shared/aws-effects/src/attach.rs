//! Aliases and certificate on an existing distribution: both in one update.

use aws::{Failure, Viewer, gone};
use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::DistributionConfig;
use pipeline::Outcome;
use worker::Stop;

use crate::error::unbuilt;
use crate::fenced::Fenced;
use crate::moving::{to_move, without};

impl Fenced<'_> {
    /// Puts aliases and certificate on the distribution, unless it has them already, and records that it has them.
    ///
    /// # Errors
    /// The task is no longer current, or the store fails.
    pub async fn attach(&self, id: &str, viewer: &Viewer<'_>) -> Result<Outcome, Stop> {
        let mut read = match self.cloudfront.config(id).await {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(gone(id, "no distribution to attach to")),
            Err(failure) => return Ok(failure.outcome()),
        };
        if !viewer.is_in(&read.config) {
            viewer.put_into(&mut read.config).map_err(unbuilt)?;
            if let Err(error) = self.update(id, read).await {
                let failure = error.failure()?;
                let change = |rest: &Viewer<'_>, config: &mut DistributionConfig| rest.put_into(config);
                let moved = self.take_over(id, viewer, &failure, change).await?;
                return Ok(moved.unwrap_or_else(|| viewer.refused(&failure, Some(id))));
            }
            tracing::info!(
                distribution = id,
                certificate = viewer.name,
                id = viewer.certificate.id(),
                aliases = viewer.domains.len(),
                "attached the certificate"
            );
        }
        self.store.set_attached(self.task, viewer.stored).await?;
        Ok(Outcome::DONE)
    }

    /// When CloudFront refused aliases that are on other distributions of ours, whose instances have lost the domains:
    /// the certificate and everything else are written first, as `change` puts them into the configuration that was
    /// read, then these aliases are moved. `None`: it refused something else.
    ///
    /// # Errors
    /// The task is no longer current, or the store fails.
    pub async fn take_over(
        &self,
        id: &str,
        viewer: &Viewer<'_>,
        failure: &Failure,
        change: impl FnOnce(&Viewer<'_>, &mut DistributionConfig) -> Result<(), BuildError>,
    ) -> Result<Option<Outcome>, Stop> {
        if failure.code() != "CNAMEAlreadyExists" {
            return Ok(None);
        }
        let elsewhere = self.store.elsewhere(self.task).await?;
        if elsewhere.is_empty() {
            return Ok(None);
        }
        let read = match self.cloudfront.config(id).await {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(Some(gone(id, "no distribution to move aliases to"))),
            Err(failure) => return Ok(Some(failure.outcome())),
        };
        let moving = to_move(elsewhere, &read.config);
        let rest = without(viewer, &moving);
        let mut changed = read.clone();
        change(&rest, &mut changed.config).map_err(unbuilt)?;
        if changed.config != read.config
            && let Err(error) = self.update(id, changed).await
        {
            return Ok(Some(rest.refused(&error.failure()?, Some(id))));
        }
        self.store.set_attached(self.task, viewer.stored).await?;
        self.move_aliases(id, &moving).await.map(Some)
    }
}
