//! Set what an update changes: settings, aliases and certificate, in one write, so that there is no moment without a
//! valid certificate for a domain that stays.

use aws::{Viewer, gone};
use aws_sdk_cloudfront::error::BuildError;
use aws_sdk_cloudfront::types::DistributionConfig;
use pipeline::Outcome;
use store::Task;
use worker::HandlerError;

use crate::config::{distribution_config, put_into};
use crate::handler::Distributions;
use crate::refusal::refused;

impl Distributions {
    pub(crate) async fn configure_distribution(&self, task: &Task) -> Result<Outcome, HandlerError> {
        // The one that was made for this update, or the one in use.
        let certificate = match task.round {
            0 => self.store.attached_certificate(task).await?,
            _ => self.store.certificate(task).await?,
        };
        let Some(certificate) = certificate else {
            return Ok(broken("the instance has no certificate"));
        };
        let (Some(iam_id), Some(iam_name)) = (&certificate.iam_id, &certificate.iam_name) else {
            return Ok(broken(format!("certificate {} was not uploaded", certificate.id)));
        };
        let Some(id) = &task.instance.distribution_id else {
            return Ok(broken("the instance has no distribution"));
        };
        let read = match self.cloudfront.config(id).await {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(gone(id, "no distribution to configure")),
            Err(failure) => return Ok(failure.outcome()),
        };
        let viewer = Viewer {
            domains: task.instance.domains.clone(),
            certificate: iam_id,
            minimum_tls_version: &self.minimum_tls_version,
        };
        let mut changed = read.clone();
        self.change(task, &viewer, &mut changed.config)
            .map_err(|source| HandlerError::Other {
                waiting_for: "an error inside the broker, which its operator finds in the log".into(),
                source: source.into(),
            })?;
        // Written also when nothing differs, if only that makes sure that nobody else writes.
        if changed.config != read.config || self.store.follows_a_failed_update(task).await? {
            if let Err(error) = self.cloudfront.update(&self.store, task, id, changed).await {
                let failure = error.failure()?;
                return Ok(match viewer.refused(&failure, id, iam_name) {
                    // Not about aliases or certificate: then it is about a setting.
                    Outcome::Failed { .. } if !names_the_viewer(failure.code()) => {
                        refused(&failure, &task.instance.settings)
                    }
                    outcome => outcome,
                });
            }
            tracing::info!(
                distribution = id,
                iam_name,
                aliases = viewer.domains.len(),
                "configured the distribution"
            );
        }
        self.store.set_attached(task, certificate.id).await?;
        Ok(Outcome::DONE)
    }

    fn change(&self, task: &Task, viewer: &Viewer<'_>, config: &mut DistributionConfig) -> Result<(), BuildError> {
        let wanted = distribution_config(&task.instance, &self.responder, self.price_class.clone())?;
        put_into(config, &wanted);
        if viewer.is_in(config) {
            return Ok(());
        }
        viewer.put_into(config)
    }
}

fn names_the_viewer(code: &str) -> bool {
    matches!(
        code,
        "CNAMEAlreadyExists" | "TooManyDistributionCNAMEs" | "InvalidViewerCertificate" | "NoSuchDistribution"
    )
}

fn broken(cause: impl Into<String>) -> Outcome {
    Outcome::failed("an error inside the broker, which its operator finds in the log", cause)
}
