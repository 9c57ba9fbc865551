//! Which file does which step.

use std::time::Duration;

use aws::{CloudFront, ViewerSettings};
use pipeline::{InstallerStep, Outcome};
use store::{KeyRing, Store, Task};
use telemetry::with_causes;
use worker::{Handler, HandlerError, Stop};

use crate::iam_usage::IamUsage;

/// The steps of this service.
pub(crate) struct Installer {
    pub(crate) store: Store,
    pub(crate) cloudfront: CloudFront,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) key_ring: KeyRing,
    pub(crate) iam_path: String,
    pub(crate) viewer: ViewerSettings,
    pub(crate) reconcile_interval: Option<Duration>,
    pub(crate) orphan_grace: Duration,
}

#[async_trait::async_trait]
impl Handler for Installer {
    type Step = InstallerStep;

    async fn attempt(&self, step: Self::Step, task: &Task) -> Result<Outcome, Stop> {
        match step {
            InstallerStep::UploadCertificate => self.upload_certificate(task).await,
            InstallerStep::AttachCertificate => self.attach_certificate(task).await,
            InstallerStep::RetireCertificates => self.retire_certificates(task).await,
        }
    }

    fn chore_interval(&self) -> Option<Duration> {
        self.reconcile_interval
    }

    async fn chore(&self) -> Result<(), HandlerError> {
        self.watch_quota().await;
        Ok(self.reconcile().await?)
    }
}

impl Installer {
    /// What can't be seen or written down now is at the next turn: nothing waits for it.
    async fn watch_quota(&self) {
        let usage = match IamUsage::read(&self.iam).await {
            Ok(usage) => usage,
            Err(failure) => {
                tracing::warn!(
                    error = with_causes(&failure),
                    "how many server certificates IAM holds is not known"
                );
                return;
            }
        };
        if usage.is_nearly_full() {
            tracing::warn!(
                "IAM is nearly full: {usage}; a renewal needs room for one more: have the quota raised, or delete what nobody needs"
            );
        }
        let written = self.store.set_iam_usage(usage.server_certificates, usage.quota).await;
        if let Err(error) = written {
            tracing::warn!(error = with_causes(&error), "what IAM holds is not written down");
        }
    }
}
