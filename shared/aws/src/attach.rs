//! Aliases and certificate on a distribution that is there: both in one update.

use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::DistributionConfig;
use pipeline::Outcome;
use store::{Elsewhere, Store, Task};
use worker::Stop;

use crate::cloudfront::CloudFront;
use crate::moving::to_move;
use crate::viewer::{Viewer, gone, unbuilt};

impl CloudFront {
    /// Puts aliases and certificate on the distribution, unless it has them, and writes down that it has.
    ///
    /// # Errors
    /// The task is no longer current, or the store can't say.
    pub async fn attach(&self, store: &Store, task: &Task, id: &str, viewer: &Viewer<'_>) -> Result<Outcome, Stop> {
        let mut read = match self.config(id).await {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(gone(id, "no distribution to attach to")),
            Err(failure) => return Ok(failure.outcome()),
        };
        if !viewer.is_in(&read.config) {
            viewer.put_into(&mut read.config).map_err(unbuilt)?;
            if let Err(error) = self.update(store, task, id, read).await {
                let failure = error.failure()?;
                if failure.code() == "CNAMEAlreadyExists" {
                    let elsewhere = store.elsewhere(task).await?;
                    if !elsewhere.is_empty() {
                        let change = |rest: &Viewer<'_>, config: &mut DistributionConfig| rest.put_into(config);
                        return self.take_over(store, task, id, viewer, elsewhere, change).await;
                    }
                }
                return Ok(viewer.refused(&failure, Some(id)));
            }
            tracing::info!(
                distribution = id,
                iam_name = viewer.iam_name,
                iam_id = viewer.certificate,
                aliases = viewer.domains.len(),
                "attached the certificate"
            );
        }
        store.set_attached(task, viewer.stored).await?;
        Ok(Outcome::DONE)
    }

    /// Other distributions of ours have some of the aliases, whose instances have lost the domains: the certificate and everything
    /// else come first, as `change` puts them into what was read, then these aliases are moved.
    ///
    /// # Errors
    /// The task is no longer current, or the store can't say.
    pub async fn take_over(
        &self,
        store: &Store,
        task: &Task,
        id: &str,
        viewer: &Viewer<'_>,
        elsewhere: Vec<Elsewhere>,
        change: impl FnOnce(&Viewer<'_>, &mut DistributionConfig) -> Result<(), BuildError>,
    ) -> Result<Outcome, Stop> {
        let read = match self.config(id).await {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(gone(id, "no distribution to move aliases to")),
            Err(failure) => return Ok(failure.outcome()),
        };
        let moving = to_move(elsewhere, &read.config);
        let rest = viewer.without(&moving);
        let mut changed = read.clone();
        change(&rest, &mut changed.config).map_err(unbuilt)?;
        if changed.config != read.config
            && let Err(error) = self.update(store, task, id, changed).await
        {
            return Ok(rest.refused(&error.failure()?, Some(id)));
        }
        store.set_attached(task, viewer.stored).await?;
        self.move_aliases(store, task, id, &moving).await
    }
}
