//! Set aliases and certificate on the distribution, together, in one update.

use aws::{Viewer, gone};
use pipeline::Outcome;
use store::{Certificate, Task};
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
        viewer
            .put_into(&mut read.config)
            .map_err(|source| HandlerError::Other {
                waiting_for: "an error inside the broker, which its operator finds in the log".into(),
                source: source.into(),
            })?;
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
            Err(error) => Ok(viewer.refused(&error.failure()?, distribution, iam_name)),
        }
    }

    async fn attached(&self, task: &Task, certificate: &Certificate) -> Result<Outcome, HandlerError> {
        self.store.set_attached(task, certificate.id).await?;
        Ok(Outcome::DONE)
    }
}
