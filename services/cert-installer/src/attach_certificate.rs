//! Set aliases and certificate on the distribution, together, in one update.

use aws::{Viewer, gone, to_move, unbuilt};
use pipeline::Outcome;
use store::{Certificate, Elsewhere, Task};
use worker::HandlerError;

use crate::handler::{Installer, broken};

impl Installer {
    pub(crate) async fn attach_certificate(&self, task: &Task) -> Result<Outcome, HandlerError> {
        let Some(certificate) = self.store.certificate(task).await? else {
            return Ok(broken("no certificate was stored in this round"));
        };
        let (Some(iam_id), Some(iam_name)) = (&certificate.iam_id, &certificate.iam_name) else {
            return Ok(broken(format!("certificate {} was not uploaded", certificate.id)));
        };
        let Some(distribution) = &task.instance.distribution_id else {
            return Ok(broken("the instance has no distribution"));
        };
        let mut domains = task.instance.domains.clone();
        domains.sort();
        let viewer = Viewer {
            domains,
            certificate: iam_id,
            minimum_tls_version: &self.minimum_tls_version,
        };
        let mut read = match self.cloudfront.config(distribution).await {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(gone(distribution, "no distribution to attach to")),
            Err(failure) => return Ok(failure.outcome()),
        };
        if viewer.is_in(&read.config) {
            return self.attached(task, &certificate).await;
        }
        viewer.put_into(&mut read.config).map_err(unbuilt)?;
        match self.cloudfront.update(&self.store, task, distribution, read).await {
            Ok(()) => {
                tracing::info!(
                    distribution,
                    iam_name,
                    iam_id,
                    aliases = viewer.domains.len(),
                    "attached the certificate"
                );
                self.attached(task, &certificate).await
            }
            Err(error) => {
                let failure = error.failure()?;
                if failure.code() == "CNAMEAlreadyExists" {
                    let elsewhere = self.store.elsewhere(task).await?;
                    if !elsewhere.is_empty() {
                        return self.take_over(task, &certificate, &viewer, elsewhere).await;
                    }
                }
                Ok(viewer.refused(&failure, distribution, iam_name))
            }
        }
    }

    /// Other distributions of ours have some of the aliases, whose instances have lost the domains: the certificate comes first,
    /// then these aliases are moved.
    async fn take_over(
        &self,
        task: &Task,
        certificate: &Certificate,
        viewer: &Viewer<'_>,
        elsewhere: Vec<Elsewhere>,
    ) -> Result<Outcome, HandlerError> {
        let (Some(id), Some(iam_name)) = (&task.instance.distribution_id, &certificate.iam_name) else {
            return Ok(broken("the instance has no distribution, or its certificate no name"));
        };
        let mut read = match self.cloudfront.config(id).await {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(gone(id, "no distribution to attach to")),
            Err(failure) => return Ok(failure.outcome()),
        };
        let moving = to_move(elsewhere, &read.config);
        let rest = viewer.without(&moving);
        if !rest.is_in(&read.config) {
            rest.put_into(&mut read.config).map_err(unbuilt)?;
            if let Err(error) = self.cloudfront.update(&self.store, task, id, read).await {
                return Ok(rest.refused(&error.failure()?, id, iam_name));
            }
        }
        self.store.set_attached(task, certificate.id).await?;
        self.cloudfront.move_aliases(&self.store, task, id, &moving).await
    }

    async fn attached(&self, task: &Task, certificate: &Certificate) -> Result<Outcome, HandlerError> {
        self.store.set_attached(task, certificate.id).await?;
        Ok(Outcome::DONE)
    }
}
