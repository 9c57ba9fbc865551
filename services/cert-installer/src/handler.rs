//! Which file does which step.

use std::time::Duration;

use aws::CloudFront;
use aws_sdk_cloudfront::types::MinimumProtocolVersion;
use pipeline::{Outcome, Service, StepKind};
use store::{KeyRing, Store, Task};
use worker::{Handler, HandlerError};

/// The steps of this service.
pub(crate) struct Installer {
    pub(crate) store: Store,
    pub(crate) cloudfront: CloudFront,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) key_ring: KeyRing,
    pub(crate) iam_path: String,
    pub(crate) minimum_tls_version: MinimumProtocolVersion,
    pub(crate) reconcile_interval: Duration,
    pub(crate) orphan_grace: Duration,
}

#[async_trait::async_trait]
impl Handler for Installer {
    const SERVICE: Service = Service::CertInstaller;

    async fn attempt(&self, task: &Task) -> Result<Outcome, HandlerError> {
        match task.kind {
            StepKind::UploadCertificate => self.upload_certificate(task).await,
            StepKind::AttachCertificate => self.attach_certificate(task).await,
            StepKind::RetireCertificates => self.retire_certificates(task).await,
            other => Ok(broken(format!("{} is no step of this service", other.as_str()))),
        }
    }

    fn chore_interval(&self) -> Option<Duration> {
        Some(self.reconcile_interval)
    }

    async fn chore(&self) -> Result<(), HandlerError> {
        self.reconcile().await
    }
}

/// The plan's promises don't hold: an error of ours, which no waiting mends.
pub(crate) fn broken(cause: impl Into<String>) -> Outcome {
    Outcome::failed("an error inside the broker, which its operator finds in the log", cause)
}
